"""A file that one process at a time holds; the system lets go of it when the process ends, however it ends."""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_PAUSE = 0.2
"""Seconds between two tries."""


class FileLock:
    """A lock on ``path``, which is there while it is held. Two of them exclude each other, within a process as well."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: int | None = None

    def take(self, *, wait: bool = True) -> bool:
        """Hold the lock, without ``wait`` only if nobody else does; whether it is held now.

        Raises ``OSError`` where the file cannot be made.
        """
        while True:
            file = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
            locked = _locked(file)
            if locked and self._is_at_its_path(file):
                self._file = file
                return True
            os.close(file)
            if not locked:
                if not wait:
                    return False
                time.sleep(_PAUSE)

    def release(self) -> None:
        """Let go, if it is held."""
        if self._file is not None:
            # Where an open file cannot be removed it stays, which does no harm.
            with suppress(OSError):
                self.path.unlink()
            os.close(self._file)
            self._file = None

    def _is_at_its_path(self, file: int) -> bool:
        """Whether the file is still the one that others would open; its last holder may have removed it meanwhile."""
        try:
            return os.path.samestat(os.fstat(file), self.path.stat())
        except FileNotFoundError:
            return False

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the lock inside."""
        self.take()
        try:
            yield
        finally:
            self.release()


if sys.platform == "win32":
    import msvcrt

    def _locked(file: int) -> bool:
        try:
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
else:
    import fcntl

    def _locked(file: int) -> bool:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
