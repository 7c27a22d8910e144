"""Files on the server's disk, sent before a call or made by one: whole or not at all, with a limit for each client."""

import asyncio
import errno
import math
import re
import secrets
import shutil
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path

from segdemo.settings import settings
from segdemo.ui.server.checks import File
from segdemo.ui.server.folder import Folder, private_folder
from segdemo.ui.server.refusals import DISK_FULL, RefusedError

FULL = (errno.ENOSPC, errno.EDQUOT)
LEAST_BYTES = 65_536
"""A file counts as so many bytes at least, which bounds how many there are."""
LOOK_SECONDS = 2.0
"""How old the knowledge may be of what lies in the folder beside what was kept here."""


class Ledger:
    """Who has how many bytes in the server's folder; what has been swept meanwhile no longer counts."""

    def __init__(self, folder: Callable[[], Folder], clock: Callable[[], float] = time.monotonic) -> None:
        self._folder = folder
        self._clock = clock
        self._files: dict[Path, tuple[str, int]] = {}
        self._others = 0
        """Bytes of files in the folder that others than this ledger wrote there."""
        self._looked = -math.inf
        self._lock = threading.Lock()

    def check(self, client: str, nbytes: int) -> None:
        """Raise ``RefusedError`` where ``nbytes`` more would be too many for this client, or for all together."""
        with self._lock:
            if self._clock() - self._looked > LOOK_SECONDS:
                self._look()
            own = sum(size for owner, size in self._files.values() if owner == client)
            total = sum(size for _, size in self._files.values()) + self._others
        minutes = round(settings().temp_seconds / 60)
        if own + nbytes > settings().visitor_bytes:
            raise RefusedError(
                429,
                f"You have {own / 1e6:.0f} MB of files here already: wait {minutes} minutes, until they are gone.",
                retry_after=settings().temp_seconds,
            )
        if total + nbytes > settings().temp_bytes:
            raise RefusedError(507, DISK_FULL, retry_after=settings().temp_seconds)

    def _look(self) -> None:
        found = {path: _counted(properties.st_size) for path, properties in self._folder().files()}
        self._files = {path: entry for path, entry in self._files.items() if path in found}
        self._others = sum(size for path, size in found.items() if path not in self._files)
        self._looked = self._clock()

    def keep(self, client: str, files: Mapping[str, bytes]) -> list[Path]:
        """Write files for a client into a folder with an unguessable name, all of them or none; return their paths.

        Raises ``RefusedError`` where there is no room for them.
        """
        self.check(client, sum(_counted(len(content)) for content in files.values()))
        place = self._folder().path / secrets.token_hex(24)
        try:
            place.mkdir()
            for name, content in files.items():
                (place / name).write_bytes(content)
        except OSError as error:
            shutil.rmtree(place, ignore_errors=True)
            if error.errno in FULL:
                raise RefusedError(507, DISK_FULL) from None
            raise
        with self._lock:
            for name, content in files.items():
                self._files[place / name] = (client, _counted(len(content)))
        return [place / name for name in files]

    def adopt(self, client: str, paths: Iterable[Path]) -> None:
        """Count files that others wrote to the folder as a client's; those that are gone already do not count."""
        found = {}
        for path in paths:
            with suppress(OSError):
                found[path] = (client, _counted(path.stat().st_size))
        with self._lock:
            self._files.update(found)


def _counted(nbytes: int) -> int:
    return max(nbytes, LEAST_BYTES)


@cache
def ledger() -> Ledger:
    """The ledger of this server."""
    return Ledger(private_folder)


async def keep_upload(file: File | None, client: str, ledger: Ledger) -> list[str]:
    """Write an uploaded file and return its path, as Gradio's clients expect it. Raises ``RefusedError``."""
    if file is None or file.field != "files":
        raise RefusedError(400, "There is no file in the form: send one as `files`.")
    return [str(path) for path in await asyncio.to_thread(ledger.keep, client, {plain_name(file.name): file.content})]


def plain_name(name: str) -> str:
    """What is left of a client's file name: letters, digits, spaces and ``._-``, at most 100 bytes in UTF-8."""
    kept = re.sub(r"[^\w. -]", "", name.replace("\\", "/").rsplit("/", 1)[-1]).strip(". ")
    stem, dot, ending = kept.rpartition(".")
    return f"{_cut(stem, 90)}{dot}{_cut(ending, 9)}" if stem else _cut(kept, 100) or "file"


def _cut(text: str, nbytes: int) -> str:
    """As many whole characters as fit, for file systems that count bytes."""
    return text.encode()[:nbytes].decode(errors="ignore")
