"""Photos that are sent before a call: one file a request, written whole or not at all, with a limit for each client."""

import asyncio
import errno
import re
import secrets
import threading
from collections.abc import Callable
from pathlib import Path

from segdemo.settings import settings
from segdemo.ui.server.checks import File
from segdemo.ui.server.folder import Folder
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
                f"You have sent {own / 1e6:.0f} MB of photos already: wait up to {minutes} minutes, after which they "
                "are deleted here.",
                retry_after=settings().temp_seconds,
            )
        if sum(properties.st_size for _, properties in self._folder().files()) + nbytes > settings().temp_bytes:
            raise RefusedError(507, DISK_FULL, retry_after=settings().temp_seconds)

    def note(self, client: str, path: Path, nbytes: int) -> None:
        """Write down that a file was written for a client."""
        with self._lock:
            self._files[path] = (client, nbytes)


async def keep_upload(file: File | None, client: str, folder: Folder, ledger: Ledger) -> list[str]:
    """Write an uploaded file and return its path, as Gradio's clients expect it. Raises ``RefusedError``."""
    if file is None or file.field != "files":
        raise RefusedError(400, "There is no file in the form: send one as `files`.")
    return [str(await asyncio.to_thread(_write, file, client, folder, ledger))]


def _write(file: File, client: str, folder: Folder, ledger: Ledger) -> Path:
    ledger.check(client, len(file.content))
    place = folder.path / secrets.token_hex(24)
    path = place / plain_name(file.name)
    try:
        place.mkdir()
        partial = place / ".partial"
        partial.write_bytes(file.content)
        partial.replace(path)
    except OSError as error:
        for leftover in place.glob("*") if place.is_dir() else ():
            leftover.unlink(missing_ok=True)
        if place.is_dir():
            place.rmdir()
        if error.errno in FULL:
            raise RefusedError(507, DISK_FULL) from None
        raise
    ledger.note(client, path, len(file.content))
    return path


def plain_name(name: str) -> str:
    """What is left of a client's file name: letters, digits, spaces and ``._-``, at most 100 bytes in UTF-8."""
    kept = re.sub(r"[^\w. -]", "", name.replace("\\", "/").rsplit("/", 1)[-1]).strip(". ")
    stem, dot, ending = kept.rpartition(".")
    return f"{_cut(stem, 90)}{dot}{_cut(ending, 9)}" if stem else _cut(kept, 100) or "file"


def _cut(text: str, nbytes: int) -> str:
    """As many whole characters as fit, for file systems that count bytes."""
    return text.encode()[:nbytes].decode(errors="ignore")
