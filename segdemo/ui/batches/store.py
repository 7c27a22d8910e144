"""What visitors' batches are made of: photos on the server's disk under an unguessable name, bounded in all ways."""

import secrets
import shutil
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from segdemo.errors import SegdemoError
from segdemo.results.folder import Entry, Results
from segdemo.settings import settings
from segdemo.ui.batches.unpacking import base_name, is_zip, pictures_in
from segdemo.ui.server.folder import private_folder
from segdemo.ui.server.uploads import ledger
from segdemo.ui.store import GoneError

_ZIP = "sent.zip"
_TOUCH_SECONDS = 60.0


@dataclass(eq=False)
class Batch:
    """One visitor's photos, and what became of them."""

    folder: Path
    client: str
    visitor: str
    used: float
    files: list[tuple[str, Path]] = field(default_factory=list)
    """Names as their visitor knows them, and where they are."""
    entries: dict[str, Entry] = field(default_factory=dict)
    """What is done, by the name of the results, in the order in which it was done."""
    running: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False)
    _sent: int = 0
    _touched: float = 0.0

    @property
    def results(self) -> Results:
        """The folder of the results."""
        return Results(self.folder / "results")

    def add(self, name: str, content: bytes, *, first: bool, last: bool) -> None:
        """Take a photo; or a part of a ZIP, whose photos are taken with its last. Raises ``SegdemoError``."""
        with self.lock:
            if self.running:
                raise SegdemoError("The batch is running: wait for its end, or cancel it, before you add photos.")
            if name.lower().endswith(".zip"):
                self._add_part(content, first=first, last=last)
            elif not (first and last):
                raise SegdemoError("A photo is to be sent whole: reload the page.")
            else:
                self._add_photo(base_name(name), content)

    def _add_part(self, content: bytes, *, first: bool, last: bool) -> None:
        path = self.folder / _ZIP
        if first:
            path.unlink(missing_ok=True)
            self._sent = 0
        ledger().check(self.client, len(content))
        self._sent += len(content)
        if self._sent > settings().batch_bytes:
            path.unlink(missing_ok=True)
            raise SegdemoError(f"The ZIP is larger than {settings().batch_bytes / 1e6:.0f} MB: make it smaller.")
        with path.open("ab") as stream:
            stream.write(content)
        if not last:
            return
        before = list(self.files)
        try:
            if not is_zip(path):
                raise SegdemoError("This is not a ZIP file: pack the photos again, or choose them one by one.")
            room, most = settings().batch_bytes - self.nbytes, settings().batch_photos - len(self.files)
            for name, picture in pictures_in(path, room=room, most=most):
                self._add_photo(name, picture)
        except SegdemoError:
            for _, photo in self.files[len(before) :]:
                photo.unlink(missing_ok=True)
            self.files = before
            raise
        finally:
            path.unlink(missing_ok=True)

    def _add_photo(self, name: str, content: bytes) -> None:
        if len(self.files) >= settings().batch_photos:
            raise SegdemoError(f"A batch has at most {settings().batch_photos} photos: start it, or remove some.")
        if self.nbytes + len(content) > settings().batch_bytes:
            raise SegdemoError(f"A batch has at most {settings().batch_bytes / 1e6:.0f} MB: start it, or remove some.")
        ledger().check(self.client, len(content))
        path = self.folder / "photos" / f"{len(self.files):04}-{secrets.token_hex(4)}"
        path.write_bytes(content)
        ledger().adopt(self.client, [path])
        self.files.append((name, path))

    @property
    def nbytes(self) -> int:
        """Bytes of the photos on disk."""
        return sum(path.stat().st_size for _, path in self.files if path.exists())

    def touch(self) -> None:
        """Say now and then that the files are in use, so that they are not swept away as old."""
        self.used = time.monotonic()
        if self.used - self._touched > _TOUCH_SECONDS:
            self._touched = self.used
            for path in self.folder.rglob("*"):
                if path.is_file():
                    path.touch()


class Batches:
    """The batches of all visitors, by token; a visitor has one at a time, and one that nobody uses goes."""

    def __init__(self) -> None:
        self._batches: dict[str, Batch] = {}
        self._lock = threading.Lock()

    def open(self, visitor: str, client: str) -> str:
        """A new batch's token; the visitor's last one goes. Raises ``SegdemoError`` where a client has too many."""
        token, now = secrets.token_urlsafe(24), time.monotonic()
        with self._lock:
            for key, batch in list(self._batches.items()):
                old = now - batch.used > settings().temp_seconds
                own = (batch.visitor, batch.client) == (visitor, client)
                if not batch.running and (old or own):
                    self._drop(key)
            if sum(batch.client == client for batch in self._batches.values()) >= settings().client_batches:
                raise SegdemoError("There are too many batches from your address already: try again when one is done.")
            folder = private_folder().path / secrets.token_hex(24)
            (folder / "photos").mkdir(parents=True)
            self._batches[token] = Batch(folder, client, visitor, now)
        return token

    def get(self, token: object) -> Batch:
        """The batch of a token. Raises ``GoneError``."""
        batch = self._batches.get(token) if isinstance(token, str) else None
        if batch is None or not batch.folder.is_dir():
            raise GoneError("this batch is no longer kept here")
        batch.used = time.monotonic()
        return batch

    def close(self, token: object) -> bool:
        """Delete a batch with its files, unless it runs; whether there was one."""
        with self._lock:
            batch = self._batches.get(token) if isinstance(token, str) else None
            if batch is None or batch.running:
                return False
            self._drop(str(token))
            return True

    def _drop(self, token: str) -> None:
        shutil.rmtree(self._batches.pop(token).folder, ignore_errors=True)
