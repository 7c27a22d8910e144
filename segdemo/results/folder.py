"""A batch's folder: files that are whole or not there, and what is known about each photo that was done."""

import hashlib
import itertools
import json
import os
import re
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

BOOKS = ".segdemo"
"""Hidden folder, beside the results, of what is known about them."""
_OLD_SECONDS = 86_400
"""Parts of files that another machine left go after a day."""
_numbers = itertools.count()


@dataclass(frozen=True)
class Entry:
    """What became of one photo."""

    name: str
    file: str
    status: str
    """``done`` or ``failed``."""
    reason: str = ""
    """The sentence, where it failed."""
    seconds: float = 0.0
    """How long it was worked on; waiting does not count."""
    found: int = 0
    """Classes or segments."""
    classes: tuple[tuple[str, float], ...] = ()
    """Labels with their shares of the photo, the largest first."""
    sha256: str = ""
    """Of the photo's file; empty where it could not be read."""
    nbytes: int = 0
    source: str = ""
    """Where the photo was when it was done."""
    changed: int = 0
    """When its file was last changed, in nanoseconds."""
    work: str = ""
    """Fingerprint of checkpoint and options."""
    files: tuple[str, ...] = ()
    """Names of the results."""

    @property
    def done(self) -> bool:
        """Whether there are results."""
        return self.status == "done"


class Results:
    """A folder that results are written to; several processes, on several machines, may do so at once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._entries = folder / BOOKS / "photos"
        self._parts = folder / BOOKS / "parts"

    def prepare(self) -> None:
        """Make the folder, and remove what killed processes have left. Raises ``OSError``."""
        for folder in (self._entries, self._parts):
            folder.mkdir(parents=True, exist_ok=True)
        for part in self._parts.iterdir():
            with suppress(OSError):
                if _abandoned(part):
                    part.unlink()

    def write(self, name: str, content: bytes) -> None:
        """Write a file of the folder whole or not at all. Raises ``OSError``."""
        with self.writing(name) as stream:
            stream.write(content)

    def writing(self, name: str) -> "_Whole":
        """A file of the folder to be written inside ``with``: it is there, whole, once that ends without an error."""
        return _Whole(self._part(), self.folder / name)

    def keep(self, entry: Entry, files: Mapping[str, bytes]) -> None:
        """Write a photo's results, and then that they are there. Raises ``OSError``.

        Killed at any point, what is known is never more than what is there.
        """
        book = self._entries / f"{entry.name}.json"
        if (before := self.entry(entry.name)) is not None:
            book.unlink(missing_ok=True)
            for name in set(before.files) - files.keys():
                (self.folder / name).unlink(missing_ok=True)
        for name, content in files.items():
            self.write(name, content)
        with _Whole(self._part(), book) as stream:
            stream.write(json.dumps(asdict(entry), ensure_ascii=False).encode())

    def entry(self, name: str) -> Entry | None:
        """What is known about the photo whose results have that name."""
        try:
            return entry_of(json.loads((self._entries / f"{name}.json").read_bytes()))
        except (OSError, ValueError, TypeError):
            return None

    def entries(self) -> Iterator[Entry]:
        """What is known about all photos, in no order."""
        with suppress(FileNotFoundError):
            for path in self._entries.iterdir():
                if path.suffix == ".json" and (entry := self.entry(path.stem)) is not None:
                    yield entry

    def is_done(self, entry: Entry, source: Path, work: str) -> bool:
        """Whether an entry's results are there, made by this ``work`` of the file that ``source`` is now."""
        if not entry.done or entry.work != work:
            return False
        try:
            whole = all((self.folder / name).stat().st_size for name in entry.files)
            return whole and is_same(entry, source)
        except OSError:
            return False

    def _part(self) -> Path:
        return self._parts / f"{_host()}.{os.getpid()}.{next(_numbers)}"


def is_same(entry: Entry, source: Path) -> bool:
    """Whether a file is the photo of an entry: where it was and unchanged since, or of the same content."""
    properties = source.stat()
    if (str(source), properties.st_mtime_ns) == (entry.source, entry.changed):
        return properties.st_size == entry.nbytes
    if properties.st_size != entry.nbytes:
        return False
    with source.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest() == entry.sha256


class _Whole:
    """A file written aside, and moved to its place at the end."""

    def __init__(self, part: Path, target: Path) -> None:
        self._part, self._target = part, target

    def __enter__(self) -> "_Whole":
        self._stream = self._part.open("wb")
        return self

    def write(self, content: bytes) -> None:
        """Add to it."""
        self._stream.write(content)

    def __exit__(self, kind: object, *_: object) -> None:
        try:
            self._stream.close()
            if kind is None:
                self._part.replace(self._target)
        finally:
            self._part.unlink(missing_ok=True)


def entry_of(found: Mapping[str, Any]) -> Entry:
    """An entry from its fields as JSON has them; raises ``TypeError`` or ``ValueError`` for others."""
    known = {field.name for field in fields(Entry)}
    values: dict[str, Any] = {name: value for name, value in found.items() if name in known}
    values["classes"] = tuple((str(label), float(share)) for label, share in values.get("classes", ()))
    values["files"] = tuple(map(str, values.get("files", ())))
    return Entry(**values)


def _host() -> str:
    return re.sub(r"[^A-Za-z0-9-]", "-", socket.gethostname())[:60] or "host"


def _abandoned(part: Path) -> bool:
    """Whether nobody writes a part any more: its process, on this machine, is gone, or it is old."""
    host, _, rest = part.name.partition(".")
    number = rest.partition(".")[0]
    if host == _host() and number.isdecimal() and os.name == "posix":
        try:
            os.kill(int(number), 0)
        except ProcessLookupError:
            return True
        except PermissionError:
            pass
        return False
    return time.time() - part.stat().st_mtime > _OLD_SECONDS
