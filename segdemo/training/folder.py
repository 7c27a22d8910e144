"""The folder of a run: one run at a time, one description, and the record of its best snapshot."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from segdemo.errors import SegdemoError
from segdemo.training.config import RunConfig, parse_config
from segdemo.training.files import write_atomically

_TEXTS = {"title", "note", "terms", "remarks"}
"""What may change between two starts of one run: it says something about the result and changes nothing in it."""


@contextmanager
def only_run(folder: Path) -> Iterator[None]:
    """Hold a run's folder; raises ``SegdemoError`` where another process does. The system frees it at the latest.

    Where the system has no such locks (Windows), nothing is held.
    """
    try:
        import fcntl
    except ImportError:
        yield
        return
    with (folder / ".lock").open("w") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise SegdemoError(
                f"Another run is at work in {folder}: wait for it, stop it, or give another folder."
            ) from None
        yield


def describe(config: RunConfig, folder: Path) -> None:
    """Write ``training.yaml``; raises ``SegdemoError`` where the folder holds a run of another description."""
    path = folder / "training.yaml"
    if path.exists() and ((folder / "stages").exists() or (folder / "checkpoint").exists()):
        changed = _changes(_kept_description(path), config.model_dump(mode="json"))
        if changed:
            raise SegdemoError(
                f"{folder} holds a run with other settings ({'; '.join(changed[:3])}): give the settings it was begun "
                "with to go on, or another folder."
            )
    write_atomically(path, yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False))


def _kept_description(path: Path) -> Mapping[str, Any] | None:
    """What the folder's run was begun with; none where that cannot be read, or is of another version's making."""
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
        return parse_config(values).model_dump(mode="json") if isinstance(values, dict) else None
    except (OSError, ValueError, yaml.YAMLError, SegdemoError):
        return None


def _changes(before: Any, now: Any, name: str = "") -> list[str]:
    """Name every field that differs, with both values."""
    if before is None and not name:
        return []
    if isinstance(before, dict) and isinstance(now, dict):
        return [
            change
            for key in {**before, **now}
            if name or key not in _TEXTS
            for change in _changes(before.get(key), now.get(key), f"{name}.{key}" if name else key)
        ]
    if isinstance(before, list) and isinstance(now, list) and len(before) == len(now) and isinstance(now[:1], list):
        pairs = enumerate(zip(before, now, strict=True))
        return [change for place, (old, new) in pairs for change in _changes(old, new, f"{name}.{place}")]
    return [] if before == now else [f"{name}: {_short(before)}, now {_short(now)}"]


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 40 else f"{text[:37]}..."


@dataclass(frozen=True)
class Best:
    """The snapshot that is the result so far."""

    stage: int = -1
    """Number of the stage that made it; a later stage always replaces those of the ones before it."""
    choice: float = 0.0
    """What snapshots of one stage are chosen by."""
    scores: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """By validation source."""

    @classmethod
    def read(cls, folder: Path) -> "Best":
        """Read the record of a run's folder; raises ``SegdemoError`` where it is damaged."""
        path = folder / "best.json"
        if not path.exists():
            return cls()
        try:
            kept = json.loads(path.read_text(encoding="utf-8"))
            return cls(int(kept["stage"]), float(kept["choice"]), dict(kept["scores"]))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise SegdemoError(
                f"{path} is damaged, so nobody knows how good {folder / 'checkpoint'} is: keep a copy of that folder "
                "and delete the file; the next evaluation then begins anew."
            ) from error

    def write(self, folder: Path) -> None:
        """Write the record."""
        write_atomically(folder / "best.json", json.dumps(vars(self), indent=1))


def restore_result(folder: Path) -> None:
    """Put the last result back where a run was cut off while it replaced it."""
    result, old = folder / "checkpoint", folder / ".checkpoint.old"
    if old.is_dir() and not result.exists():
        old.rename(result)
