"""A file that one process at a time holds; the system lets go of it when the process ends, however it ends."""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PAUSE = 0.2
"""Seconds between two tries."""


class FileLock:
    """A lock on ``path``, which is made if need be. Two of them exclude each other, within a process as well."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: int | None = None

    def take(self, *, wait: bool = True) -> bool:
        """Hold the lock, without ``wait`` only if nobody else does; whether it is held now.

        Raises ``OSError`` where the file cannot be made.
        """
        file = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        while True:
            if _locked(file):
                self._file = file
                return True
            if not wait:
                os.close(file)
                return False
            time.sleep(_PAUSE)

    def release(self) -> None:
        """Let go, if it is held."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

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
