"""The states that a stage saves to go on from: which are whole, which are not, and what they remember of the log."""

import json
import shutil
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from segdemo.errors import SegdemoError
from segdemo.training.files import settle, write_atomically

COMPLETE = "complete"
"""A file written last, with the check sums of all others: a folder without it was cut short and is never used."""
LOSSES = "losses.json"
_BLOCK = 1 << 20


def begin(folder: Path) -> None:
    """Take the mark of completeness away before a state is written again."""
    (folder / COMPLETE).unlink(missing_ok=True)


def finish(folder: Path, losses: dict[str, Any]) -> None:
    """Add what was summed up since the last log entry, and mark the folder as complete.

    The mark must not reach the disk before what it vouches for.
    """
    write_atomically(folder / LOSSES, json.dumps(losses))
    files = sorted(path for path in folder.iterdir() if path.is_file())
    sums = {path.name: _check_sum(path) for path in files}
    settle(*files, folder)
    write_atomically(folder / COMPLETE, json.dumps(sums, indent=1))


def last_checkpoint(folder: Path, say: Callable[[str], None] = print) -> Path | None:
    """Return a stage's newest state that is whole, after deleting the ones that were cut short.

    A state with a damaged file is left where it is and named with ``say``; the one before it serves. Raises
    ``SegdemoError`` where there are states and all are damaged.
    """
    whole: list[tuple[int, Path]] = []
    damaged: list[str] = []
    for path in folder.glob("checkpoint-*"):
        number = path.name.rpartition("-")[2]
        if not number.isdecimal() or not path.is_dir():
            continue
        if not (path / COMPLETE).exists():
            shutil.rmtree(path, ignore_errors=True)
            continue
        wrong = damaged_file(path)
        if wrong is None:
            whole.append((int(number), path))
        else:
            damaged.append(f"{path / wrong} is damaged")
    if damaged and not whole:
        raise SegdemoError(
            f"{'; '.join(sorted(damaged))}, and there is no other state to go on from: delete the folder {folder} "
            "to begin this stage again."
        )
    for fault in sorted(damaged):
        say(f"{fault}: going on from the state before it")
    return max(whole)[1] if whole else None


def damaged_file(folder: Path) -> str | None:
    """Return the name of the first file that is not as it was when the state was saved; none where all are."""
    try:
        sums = json.loads((folder / COMPLETE).read_text(encoding="utf-8") or "{}")
        items = sorted(sums.items())
    except (OSError, ValueError, AttributeError):
        return COMPLETE
    for name, expected in items:
        try:
            if _check_sum(folder / name) != expected:
                return str(name)
        except OSError:
            return str(name)
    return None


def losses_of(folder: Path) -> dict[str, Any]:
    """Return what ``finish`` was given; sums of nothing where it was given nothing."""
    path = folder / LOSSES
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else {"sums": {}, "count": 0}


def _check_sum(path: Path) -> int:
    total = 0
    with path.open("rb") as stream:
        while block := stream.read(_BLOCK):
            total = zlib.crc32(block, total)
    return total
