"""Finding pictures in folders, and reading JSON, with sentences for what is wrong."""

import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from segdemo.errors import SegdemoError

PICTURES = (".jpg", ".jpeg", ".jfif", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif", ".avif")
"""Suffixes of what ``load_image`` reads."""


def pictures_below(folder: Path, suffixes: Sequence[str] = PICTURES) -> list[str]:
    """The pictures in a folder and its folders as relative paths with "/", sorted; hidden ones are left out."""
    found = []
    for root, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        below = PurePosixPath(Path(root).relative_to(folder).as_posix())
        found += [
            (below / name).as_posix()
            for name in files
            if not name.startswith(".") and name.lower().endswith(tuple(suffixes))
        ]
    return sorted(found)


def unique_names(relative: Sequence[str]) -> list[str]:
    """A name for each relative path: the path without its suffix, or with it where two would be called alike."""
    stems = [without_suffix(path) for path in relative]
    seen = Counter(stems)
    return [path if seen[stem] > 1 else stem for stem, path in zip(stems, relative, strict=True)]


def without_suffix(path: str) -> str:
    """A relative path without the suffix of its last part."""
    folder, slash, last = path.rpartition("/")
    stem = last.rpartition(".")[0] if "." in last.lstrip(".") else last
    return folder + slash + stem


def plain_path(name: str) -> str:
    """A path as a file may state it, from any system, as a relative one with "/" that stays below its folder."""
    parts = [part for part in name.replace("\\", "/").split("/") if part not in ("", ".", "..")]
    if parts and len(parts[0]) == 2 and parts[0][1] == ":":
        parts = parts[1:]
    return "/".join(parts)


def is_file(path: Path) -> bool:
    """Whether there is a file; not an error for names that no file can have."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def is_dir(path: Path) -> bool:
    """Whether there is a folder; not an error for names that no folder can have."""
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False


def folder_of(relative: Sequence[str], candidates: Iterable[Path], *, tries: int = 40) -> tuple[Path, bool] | None:
    """The candidate folder that holds most of some of the pictures, and whether they lie in it by their last part.

    None where no candidate holds any.
    """
    step = max(1, len(relative) // tries)
    some = relative[::step]
    best: tuple[int, Path, bool] | None = None
    for flat in (False, True):
        for folder in dict.fromkeys(candidates):
            hits = sum(is_file(folder / (name.rpartition("/")[2] if flat else name)) for name in some)
            if hits and (best is None or hits > best[0]):
                best = (hits, folder, flat)
        if best is not None:
            return best[1], best[2]
    return None


def read_text(path: Path) -> str:
    """Read a text file in UTF-8; raises ``SegdemoError`` naming it."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise SegdemoError(f"{path} cannot be read: {error.strerror or error}.") from error
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise SegdemoError(f"{path} cannot be read as text in UTF-8: see line {line}.") from error
    except ValueError as error:
        raise SegdemoError(f"{path} cannot be read: {error}.") from error


def read_json(path: Path) -> Any:
    """Read a JSON file; raises ``SegdemoError`` naming it."""
    try:
        return json.loads(read_text(path))
    except (ValueError, RecursionError) as error:
        raise SegdemoError(f"{path} cannot be read as JSON ({_where(error)}).") from error


def json_entries(path: Path) -> Iterator[tuple[str, int | None, Any]]:
    """Read a JSON object entry by entry: (key, place, value), a list's elements one by one with their place in it.

    Values that are no lists, and empty lists, come whole and without a place.

    What has been read is not kept, so that a file of a million annotations takes the memory of its text. Raises
    ``SegdemoError`` naming the file where it is not a JSON object.
    """
    text = read_text(path)
    decoder = json.JSONDecoder()
    scan = _Scan(text)
    try:
        scan.expect("{")
        while not scan.skip("}"):
            key, scan.at = decoder.raw_decode(text, scan.space())
            if not isinstance(key, str):
                raise ValueError("a key should be in quotes")
            scan.expect(":")
            if scan.skip("["):
                if scan.peek() == "]":
                    yield key, None, []
                place = 0
                while not scan.skip("]"):
                    value, scan.at = decoder.raw_decode(text, scan.space())
                    yield key, place, value
                    place += 1
                    scan.separate("]")
            else:
                value, scan.at = decoder.raw_decode(text, scan.space())
                yield key, None, value
            scan.separate("}")
    except (ValueError, RecursionError) as error:
        raise SegdemoError(f"{path} cannot be read as a JSON object ({_where(error)}).") from error


class _Scan:
    """A place in JSON text."""

    def __init__(self, text: str) -> None:
        self._text = text
        self.at = 0

    def space(self) -> int:
        """Pass over white space."""
        while self.at < len(self._text) and self._text[self.at] in " \t\r\n":
            self.at += 1
        return self.at

    def peek(self) -> str:
        """The next character that is no white space."""
        self.space()
        return self._text[self.at : self.at + 1]

    def skip(self, wanted: str) -> bool:
        """Pass over a character if it is next."""
        found = self.peek() == wanted
        self.at += found
        return found

    def expect(self, wanted: str) -> None:
        """Pass over a character that must be next."""
        if not self.skip(wanted):
            raise ValueError(f"{wanted!r} expected at character {self.at}")

    def separate(self, end: str) -> None:
        """Pass over a comma that must be next unless the end is."""
        if self.peek() != end:
            self.expect(",")


def _where(error: Exception) -> str:
    return "it is nested too deeply" if isinstance(error, RecursionError) else str(error).replace("\n", " ")[:120]
