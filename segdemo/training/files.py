"""Files that are never half written, and sentences for what goes wrong with files."""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from segdemo.errors import SegdemoError

_FULL = 4_000_000
"""With less room than this, in bytes, a disk counts as full: libraries that write rarely say why they could not."""


def write_atomically(path: Path, text: str) -> None:
    """Write a text file aside and move it into place once it is on the disk."""
    aside = path.with_name(f".{path.name}.part")
    with aside.open("w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    aside.replace(path)


def settle(*paths: Path) -> None:
    """Return once files, or the entries of folders, are on the disk; the system need not wait for others' files."""
    for path in paths:
        if path.is_dir() and os.name == "nt":
            continue
        number = os.open(path, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)


@contextmanager
def explained(folder: Path) -> Iterator[None]:
    """Turn what goes wrong with the files of a run's folder into sentences."""
    try:
        yield
    except SegdemoError:
        raise
    except Exception as error:
        number = getattr(error, "errno", None)
        if number in (errno.ENOSPC, errno.EDQUOT) or _is_full(folder):
            raise SegdemoError(
                f"The disk that holds {folder} is full: free some space and give the same command again, "
                "which goes on from the last state that was saved."
            ) from error
        if isinstance(error, OSError):
            named = error.filename or folder
            raise SegdemoError(f"{named} cannot be used: {error.strerror or error}.") from error
        raise


def _is_full(folder: Path) -> bool:
    try:
        return shutil.disk_usage(folder).free < _FULL
    except OSError:
        return False
