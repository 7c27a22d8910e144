"""Which weight files a checkpoint folder has: safetensors or the older pickles, in one file or in shards."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Form = Literal["safetensors", "pickled"]

_NAMES: dict[Form, str] = {"safetensors": "model.safetensors", "pickled": "pytorch_model.bin"}

SAFE_PATTERNS = ["*.safetensors", "*.safetensors.index.json"]
PICKLED_PATTERNS = ["pytorch_model*.bin", "pytorch_model.bin.index.json"]
"""What to fetch of a repository for each form."""


@dataclass(frozen=True)
class WeightFiles:
    """The weights of a checkpoint folder, all of whose files are there."""

    form: Form
    files: tuple[Path, ...]
    """One file, or the shards by name."""


def weight_files(folder: Path) -> WeightFiles | None:
    """Return a folder's weights, safetensors where both forms are there; none where no form is whole."""
    forms: tuple[Form, ...] = ("safetensors", "pickled")
    for form in forms:
        files = _whole(folder, _NAMES[form])
        if files:
            return WeightFiles(form, files)
    return None


def _whole(folder: Path, name: str) -> tuple[Path, ...]:
    index = folder / f"{name}.index.json"
    shards = _shards(index) if index.is_file() else [name]
    # A shard lies beside its index: a name that leads elsewhere is nobody's.
    if not all((folder / shard).is_file() and Path(shard).name == shard for shard in shards):
        return ()
    return tuple(folder / shard for shard in shards)


def _shards(index: Path) -> list[str]:
    try:
        return sorted({str(shard) for shard in json.loads(index.read_text())["weight_map"].values()})
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return []


def count_parameters(folder: Path) -> int | None:
    """Count the weights from the safetensors headers, without reading them; none where there are none to read."""
    total = 0
    for file in folder.glob("*.safetensors"):
        try:
            with file.open("rb") as stream:
                header = json.loads(stream.read(int.from_bytes(stream.read(8), "little")))
        except (OSError, ValueError, MemoryError):
            return None
        for key, entry in header.items():
            if key != "__metadata__":
                size = 1
                for length in entry["shape"]:
                    size *= length
                total += size
    return total or None
