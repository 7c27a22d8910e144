"""Which weight files a checkpoint folder has: safetensors or the older pickles, in one file or in shards."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from segdemo.checkpoint_files import POINTER, IndexFile, parsed, pointer_sentence, read_json
from segdemo.errors import SegdemoError, first_line

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
    try:
        return require_weight_files(folder)
    except SegdemoError:
        return None


def require_weight_files(folder: Path) -> WeightFiles:
    """Return a folder's weights as ``weight_files`` does; raises ``SegdemoError`` that says what is missing."""
    problem: SegdemoError | None = None
    for form, name in _NAMES.items():
        try:
            files = _whole(folder, name)
        except SegdemoError as error:
            problem = problem or error
        else:
            if files:
                return WeightFiles(form, files)
    raise problem or SegdemoError(
        f"{folder} lacks weights: neither model.safetensors nor pytorch_model.bin is there as a file with all its "
        "parts. Fetch them again."
    )


def _whole(folder: Path, name: str) -> tuple[Path, ...]:
    """The one file of that name, which the library prefers, or all shards of its index; empty where there are none."""
    if (folder / name).is_file():
        return (folder / name,)
    index = folder / f"{name}.index.json"
    if not index.exists():
        return ()
    listed = parsed(IndexFile, read_json(index), index)
    if listed.metadata is None and name == _NAMES["safetensors"]:
        raise SegdemoError(f"{index}: metadata is missing: fetch the checkpoint again.")
    shards = sorted(set(listed.weight_map.values()))
    for shard in shards:
        if not (folder / shard).is_file():
            raise SegdemoError(
                f"{folder} lacks weights: {shard}, which {index.name} names, is not there. Fetch it again."
            )
    return tuple(folder / shard for shard in shards)


def check_weights(files: WeightFiles) -> int | None:
    """Count the numbers in safetensors, without reading them; none for pickles, which are opened elsewhere.

    Raises ``SegdemoError`` that names the file where one is cut short, or is no such file.
    """
    for file in files.files:
        with file.open("rb") as stream:
            if stream.read(len(POINTER)) == POINTER:
                raise SegdemoError(pointer_sentence(file))
    if files.form == "pickled":
        return None
    total = 0
    for file in files.files:
        total += sum(_size(shape) for shape in _shapes(file).values())
    return total


def _shapes(file: Path) -> dict[str, list[int]]:
    from safetensors import safe_open

    try:
        opened: Any = safe_open(file, framework="np")
        with opened as tensors:
            return {name: tensors.get_slice(name).get_shape() for name in tensors.keys()}  # noqa: SIM118
    except Exception as error:  # the reader's own errors have no common class
        raise SegdemoError(
            f"{file} is cut short or damaged ({first_line(error)[:200]}): fetch the checkpoint again."
        ) from error


def _size(shape: list[int]) -> int:
    size = 1
    for length in shape:
        size *= length
    return size
