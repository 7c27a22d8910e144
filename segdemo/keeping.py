"""Folders of a cache that appear whole or not at all, made by one process at a time."""

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from segdemo.locks import FileLock

_PREFIX = ".making-"
_OLD_SECONDS = 86_400
"""Leftovers that say not whose they are go after a day."""


@contextmanager
def alone(target: Path) -> Iterator[None]:
    """Hold the lock of a folder that is to be made, and sweep what killed processes have left beside it.

    Whoever waited for it finds, perhaps, that the folder is there now. Raises ``OSError``.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with _lock(target).held():
        sweep(target.parent, own=target.name)
        yield


def being_made(target: Path) -> bool:
    """Whether a process is at it."""
    lock = _lock(target)
    if not lock.path.exists():
        return False
    free = lock.take(wait=False)
    lock.release()
    return not free


@contextmanager
def made(target: Path) -> Iterator[Path]:
    """A folder to fill, which then becomes ``target``, whatever was there before; within ``alone(target)``."""
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f"{_PREFIX}{target.name}-") as name:
        folder = Path(name) / "whole"
        folder.mkdir()
        yield folder
        shutil.rmtree(target, ignore_errors=True)
        folder.replace(target)


def sweep(parent: Path, *, own: str | None = None) -> None:
    """Remove folders that were never finished: those of ``own``, whose lock is held, and those of nobody who lives."""
    for folder in parent.glob(f"{_PREFIX}*"):
        name = folder.name.removeprefix(_PREFIX).rpartition("-")[0]
        if name == own:
            shutil.rmtree(folder, ignore_errors=True)
        elif not name:
            if time.time() - folder.stat().st_mtime > _OLD_SECONDS:
                shutil.rmtree(folder, ignore_errors=True)
        else:
            lock = _lock(parent / name)
            if lock.take(wait=False):
                shutil.rmtree(folder, ignore_errors=True)
                lock.release()


def _lock(target: Path) -> FileLock:
    return FileLock(target.parent / f".lock-{target.name}")
