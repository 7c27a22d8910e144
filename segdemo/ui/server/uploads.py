"""Files on the server's disk, sent before a call or made by one: whole or not at all, with a limit for each client."""

import asyncio
import errno
import re
import secrets
import shutil
import threading
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

from segdemo.settings import settings
from segdemo.ui.server.checks import File
from segdemo.ui.server.folder import Folder, private_folder
from segdemo.ui.server.refusals import DISK_FULL, RefusedError

FULL = (errno.ENOSPC, errno.EDQUOT)


class Ledger:
    """Who has how many bytes in the server's folder; what has been swept meanwhile no longer counts."""

    def __init__(self, folder: Callable[[], Folder]) -> None:
        self._folder = folder
        self._files: dict[Path, tuple[str, int]] = {}
        self._lock = threading.Lock()

    def check(self, client: str, nbytes: int) -> None:
        """Raise ``RefusedError`` where ``nbytes`` more would be too many for this client, or for all together."""
        with self._lock:
            self._files = {path: entry for path, entry in self._files.items() if path.exists()}
            own = sum(size for owner, size in self._files.values() if owner == client)
        minutes = round(settings().temp_seconds / 60)
        if own + nbytes > settings().visitor_bytes:
            raise RefusedError(
                429,
                f"You have {own / 1e6:.0f} MB of files here already: wait {minutes} minutes, until they are gone.",
                retry_after=settings().temp_seconds,
            )
        if sum(properties.st_size for _, properties in self._folder().files()) + nbytes > settings().temp_bytes:
            raise RefusedError(507, DISK_FULL, retry_after=settings().temp_seconds)

    def keep(self, client: str, files: Mapping[str, bytes]) -> list[Path]:
        """Write files for a client into a folder with an unguessable name, all of them or none; return their paths.

        Raises ``RefusedError`` where there is no room for them.
        """
        self.check(client, sum(map(len, files.values())))
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
                self._files[place / name] = (client, len(content))
        return [place / name for name in files]


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
