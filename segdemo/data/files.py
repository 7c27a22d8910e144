"""Finding pictures in folders, and reading JSON, with sentences for what is wrong."""

import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, TextIO

from segdemo.errors import SegdemoError

PICTURES = (".jpg", ".jpeg", ".jfif", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif", ".avif")
"""Suffixes of what ``load_image`` reads."""
_CHUNK = 1 << 20
"""Characters of a large file that are read at once."""


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

    The file is read as it is needed, and what has been read is not kept. Raises ``SegdemoError`` naming the file where
    it is not a JSON object.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            scan = _Scan(stream)
            try:
                yield from _entries(scan)
            except UnicodeDecodeError as error:
                line = scan.lines + error.object.count(b"\n", 0, error.start) + 1
                raise SegdemoError(f"{path} cannot be read as text in UTF-8: see line {line}.") from error
            except (ValueError, RecursionError) as error:
                raise SegdemoError(f"{path} cannot be read as a JSON object ({scan.about(error)}).") from error
    except OSError as error:
        raise SegdemoError(f"{path} cannot be read: {error.strerror or error}.") from error
    except ValueError as error:
        raise SegdemoError(f"{path} cannot be read: {error}.") from error


def _entries(scan: "_Scan") -> Iterator[tuple[str, int | None, Any]]:
    scan.expect("{")
    while not scan.skip("}"):
        key = scan.value()
        if not isinstance(key, str):
            raise ValueError("a key should be in quotes")
        scan.expect(":")
        if scan.skip("["):
            if scan.peek() == "]":
                yield key, None, []
            place = 0
            while not scan.skip("]"):
                yield key, place, scan.value()
                place += 1
                scan.separate("]")
        else:
            yield key, None, scan.value()
        scan.separate("}")


class _Scan:
    """A place in JSON text that is read as it is needed."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._decoder = json.JSONDecoder()
        self._text = ""
        self._at = 0
        self._passed = 0
        self.lines = 0
        """Ends of lines in what was read."""

    def _more(self) -> bool:
        """Read on, and let go of what is passed; whether there was more."""
        # As much again as there is, so that a long value is not tried at every length.
        added = self._stream.read(max(_CHUNK, len(self._text)))
        if added:
            self._text = self._text[self._at :] + added
            self._passed += self._at
            self._at = 0
            self.lines += added.count("\n")
        return bool(added)

    def peek(self) -> str:
        """The next character that is no white space; none at the end."""
        while True:
            while self._at < len(self._text) and self._text[self._at] in " \t\r\n":
                self._at += 1
            if self._at < len(self._text) or not self._more():
                return self._text[self._at : self._at + 1]

    def value(self) -> Any:
        """Pass over a value, and return it."""
        self.peek()
        while True:
            try:
                value, end = self._decoder.raw_decode(self._text, self._at)
            except json.JSONDecodeError:
                if not self._more():
                    raise
                continue
            # A number may go on: "1" with what comes after "e-".
            if end + 3 <= len(self._text) or not self._more():
                self._at = end
                return value

    def skip(self, wanted: str) -> bool:
        """Pass over a character if it is next."""
        found = self.peek() == wanted
        self._at += found
        return found

    def expect(self, wanted: str) -> None:
        """Pass over a character that must be next."""
        if not self.skip(wanted):
            raise ValueError(f"{wanted!r} expected at character {self._passed + self._at}")

    def separate(self, end: str) -> None:
        """Pass over a comma that must be next unless the end is."""
        if self.peek() != end:
            self.expect(",")

    def about(self, error: Exception) -> str:
        """What an error says, with the place in the whole file."""
        if not isinstance(error, json.JSONDecodeError):
            return _where(error)
        line = self.lines - self._text.count("\n", error.pos) + 1
        return f"{error.msg}: line {line} (char {self._passed + error.pos})"


def _where(error: Exception) -> str:
    return "it is nested too deeply" if isinstance(error, RecursionError) else str(error).replace("\n", " ")[:120]
