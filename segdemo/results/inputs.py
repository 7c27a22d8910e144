"""The photographs that a batch is to be made of: files, folders with all below them, and patterns."""

import glob
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from segdemo.data.files import is_dir, is_file, pictures_below

RESULTS = (".semantic.png", ".panoptic.png", ".overlay.jpg")
"""Ends of the names of pictures that a batch writes: none of them is a photograph, unless it is named as one."""


@dataclass(frozen=True)
class Photo:
    """One photograph of a batch."""

    name: str
    """What its results are called: ``NAME.semantic.png`` and so on. No two of a batch share it."""
    file: str
    """Its file as people know it: below what all photographs of the batch have in common."""
    path: Path
    """Where it is."""
    problem: str = ""
    """Why it cannot be done, where that is known without opening it."""


@dataclass(frozen=True)
class Found:
    """A file that somebody meant, or what is wrong with what they wrote."""

    path: Path
    problem: str = ""


def find_inputs(wanted: Sequence[str | Path], *, out: Path) -> list[Found]:
    """Return what paths and patterns stand for, each file once, in the order given, those of a folder sorted.

    Folders stand for the pictures in them and below, hidden ones left out; patterns are Python's (``**`` for any
    folders) and stand for nothing where a file of that very name is there. What lies in ``out``, where the results go,
    is no photograph unless it is named itself: neither a result in it nor, where ``out`` is below a folder, anything.
    """
    found: dict[str, Found] = {}
    for word in map(str, wanted):
        for entry in _expanded(word, out.resolve()):
            found.setdefault(os.path.abspath(entry.path), entry)  # noqa: PTH100 - a link is a photograph of its own
    return list(found.values())


def shared_folder(paths: Sequence[Path]) -> Path:
    """The deepest folder that all files are below."""
    folders = [os.path.dirname(os.path.abspath(path)) for path in paths]  # noqa: PTH100, PTH120
    try:
        return Path(os.path.commonpath(folders))
    except ValueError:  # on Windows, files of several drives; or none at all
        return Path()


def _expanded(word: str, out: Path) -> Iterator[Found]:
    path = Path(word)
    if is_dir(path):
        yield from _in_folder(path, out)
    elif is_file(path) or not glob.has_magic(word):
        yield Found(path)
    else:
        matches = sorted(glob.glob(word, recursive=True))  # noqa: PTH207 - a whole path, of any root
        for match in map(Path, matches):
            if not is_dir(match) and not _is_result(match, out):
                yield Found(match)
        if not matches:
            yield Found(path, f"No file matches {word}: check the pattern.")


def _in_folder(folder: Path, out: Path) -> Iterator[Found]:
    inside = [folder / name for name in pictures_below(folder)]
    pictures = [path for path in inside if not _is_result(path, out, below=folder)]
    yield from map(Found, pictures)
    if not pictures:
        yield Found(folder, f"The folder {folder} holds no pictures: check the name.")


def _is_result(path: Path, out: Path, *, below: Path | None = None) -> bool:
    """Whether a picture is, or may be, a result of a batch that writes to ``out``."""
    parent = path.parent.resolve()
    if below is not None and out != below.resolve() and out.is_relative_to(below.resolve()):
        return parent.is_relative_to(out)
    return parent == out and path.name.lower().endswith(RESULTS)
