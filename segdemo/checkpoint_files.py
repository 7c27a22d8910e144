"""The JSON files of a checkpoint folder, described once; what does not fit becomes a sentence with file and field.

A folder may come from anywhere: its files are bounded, checked before they are used, and never trusted to be what their
names say.
"""

import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from segdemo.errors import SegdemoError

_LARGEST_JSON = 20_000_000
"""Largest JSON file that is read, in bytes: the index of a thousand shards has less."""
_LONGEST_NAME = 255
"""Bytes of a file's name that file systems take."""
_LONGEST_LIST = 1000
_LARGEST_INTEGER = 1 << 40
MOST_CLASSES = 10_000
MOST_LAYERS = 1000
POINTER = b"version https://git-lfs.github.com/spec/"
"""How the file begins that Git leaves in a large one's place where its LFS was not at hand."""


def a_whole_number(value: Any) -> int:
    """An integer, also one written as 3.0; raises ``ValueError`` for anything else."""
    if type(value) is int or (type(value) is float and value.is_integer()):
        return int(value)
    raise ValueError("it should be a whole number")


def _a_label(value: Any) -> str:
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        return str(value).strip()
    raise ValueError("it should be a text")


Whole = Annotated[int, BeforeValidator(a_whole_number)]
ClassIndex = Annotated[int, Field(strict=True, ge=0, lt=MOST_CLASSES)]
_LabelKey = Annotated[int, Field(ge=0, lt=MOST_CLASSES)]
Label = Annotated[str, BeforeValidator(_a_label)]


class FileEntry(BaseModel):
    """A part of a file: what is not described is left out."""

    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False)


class _Backbone(FileEntry):
    """The backbone, as far as every one has it."""

    model_type: Annotated[str, Field(max_length=100)] | None = None


class ConfigFile(FileEntry):
    """What ``config.json`` says of a checkpoint, whatever its family."""

    model_type: Annotated[str, Field(max_length=100)] | None = None
    id2label: (
        Annotated[dict[Annotated[int, Field(ge=0, lt=MOST_CLASSES)], Label], Field(max_length=MOST_CLASSES)] | None
    ) = None
    num_labels: Annotated[Whole, Field(ge=1, le=MOST_CLASSES)] | None = None
    backbone_config: _Backbone | None = None
    transformers_weights: Literal["model.safetensors", "model.safetensors.index.json"] | None = None
    """What the library would load instead of the files that were checked."""
    name_or_path: str | None = Field(None, alias="_name_or_path")
    segdemo_title: str | None = None
    segdemo_kind: str | None = None
    segdemo_note: str | None = None
    segdemo_terms: str | None = None
    segdemo_known_classes: list[ClassIndex] | None = None
    segdemo_stuff: list[ClassIndex] | None = None
    """Indices of the stuff classes, which only a checkpoint of this project's says."""
    segdemo_least_score: Annotated[float, Field(ge=0, le=1, strict=True)] | None = None
    """Below which score a pixel is of no class, which only a checkpoint of this project's says."""

    @model_validator(mode="after")
    def _of_its_classes(self) -> "ConfigFile":
        count = len(self.labels())
        for field in ("segdemo_known_classes", "segdemo_stuff"):
            if any(index >= count for index in getattr(self, field) or ()):
                raise ValueError(f"{field} should be a list of class indices from 0 to {count - 1}")
        return self

    def labels(self) -> dict[int, str]:
        """Class index to label, for every class that the network has."""
        table = self.id2label or {}
        count = len(table) or self.num_labels or 2
        return {index: table.get(index, f"class {index}") for index in range(count)}


def _beside(value: Any) -> str:
    named = isinstance(value, str) and 0 < len(value.encode(errors="replace")) <= _LONGEST_NAME and "\0" not in value
    if not named or Path(value).name != value:
        raise ValueError("it should be the name of a file in the same folder")
    return value


class IndexFile(FileEntry):
    """``model.safetensors.index.json``, or that of pickled shards: which file has which tensor."""

    weight_map: Annotated[dict[str, Annotated[str, BeforeValidator(_beside)]], Field(min_length=1)]
    metadata: dict[str, Any] | None = None


Kind = TypeVar("Kind", bound=BaseModel)


def read_json(file: Path) -> dict[str, Any]:
    """The object in a JSON file; raises ``SegdemoError`` where there is none, or one that no program should read."""
    try:
        if not file.is_file():
            raise SegdemoError(f"{file} is missing, or no file: fetch the checkpoint again.")
        size = file.stat().st_size
        if size > _LARGEST_JSON:
            raise SegdemoError(f"{file} has {size} bytes, more than such a file needs: fetch the checkpoint again.")
        content = file.read_bytes()
    except OSError as error:
        raise SegdemoError(f"{file} cannot be read ({error.strerror or error}).") from error
    if content.startswith(POINTER):
        raise SegdemoError(pointer_sentence(file))
    try:
        found = json.loads(content.decode())
    except (ValueError, RecursionError) as error:
        raise SegdemoError(f"{file} is not valid JSON ({_reason(error)}): fetch the checkpoint again.") from error
    if not isinstance(found, dict):
        raise SegdemoError(f"{file} should be a JSON object with names and values: fetch the checkpoint again.")
    for place, fault in _faults(found):
        raise SegdemoError(f"{file}: {place} {fault}.")
    return found


def parsed(kind: type[Kind], values: Any, file: Path) -> Kind:
    """What a file holds; raises ``SegdemoError`` naming file and field."""
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        raise SegdemoError(f"{file}: {first_fault(error)}.") from error


def read_config(folder: Path) -> dict[str, Any]:
    """A checkpoint folder's ``config.json`` as it is, once it was found to be one."""
    values = read_json(folder / "config.json")
    parsed(ConfigFile, values, folder / "config.json")
    return values


def described(folder: Path) -> ConfigFile:
    """What a checkpoint folder's ``config.json`` says of it."""
    return parsed(ConfigFile, read_json(folder / "config.json"), folder / "config.json")


def pointer_sentence(file: Path) -> str:
    """What to say of a file that only points to the one that is wanted."""
    return (
        f"{file} is a pointer of Git LFS, not the file itself: run `git lfs pull` there, or fetch the checkpoint again."
    )


def first_fault(error: ValidationError) -> str:
    """The first thing that is wrong: the field, and what it should be."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    steps = [step for step in first["loc"] if not (isinstance(step, str) and (step == "[key]" or "[" in step))]
    place = ".".join(str(step)[:80] for step in steps)
    said = first["msg"].removeprefix("Value error, ")
    return f"{place}: {said[:1].lower()}{said[1:]}".replace("\n", " ").removeprefix(": ").rstrip(".")


def _reason(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    if isinstance(error, UnicodeDecodeError):
        return "it is not UTF-8"
    return str(error)[:200]


_COUNTS = re.compile(r"layers|depths?$")


def _faults(found: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Values that no checkpoint has and that would take all memory or time, with their places."""
    waiting: list[tuple[str, str, Any]] = [("", "", found)]
    while waiting:
        place, name, value = waiting.pop()
        if isinstance(value, dict):
            waiting += [(f"{place}.{key}" if place else key, key, inner) for key, inner in value.items()]
        elif isinstance(value, list):
            if len(value) > _LONGEST_LIST:
                yield place[:200], f"should not list {len(value)} values"
            waiting += [(f"{place}[{index}]", name, inner) for index, inner in enumerate(value)]
        elif isinstance(value, float) and not math.isfinite(value):
            yield place[:200], "should be a finite number"
        elif isinstance(value, int) and not isinstance(value, bool):
            if abs(value) > _LARGEST_INTEGER:
                yield place[:200], "is too large a number"
            elif name == "num_labels" and value > MOST_CLASSES:
                yield place[:200], f"should be at most {MOST_CLASSES}"
            elif _COUNTS.search(name) and value > MOST_LAYERS:
                yield place[:200], f"should be at most {MOST_LAYERS}"
        elif isinstance(value, str) and _unwritable(value):
            yield place.encode(errors="replace").decode()[:200], "holds text that is no Unicode"


def _unwritable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False
