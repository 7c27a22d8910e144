"""The entries of COCO's files and of ``split.json``, described once; what does not fit becomes a sentence."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictBool, TypeAdapter, ValidationError

from segdemo.data.files import plain_path
from segdemo.errors import SegdemoError


def _a_name(name: str) -> str:
    if not name.strip() or "\0" in name:
        raise ValueError("it should not be empty or hold NUL")
    name.encode()
    return name


def _a_file(name: str) -> str:
    if not plain_path(_a_name(name)):
        raise ValueError("it should be the path of a file")
    return name


Id = Annotated[int | str, Field(union_mode="left_to_right")]
Name = Annotated[str, AfterValidator(_a_name)]
FileName = Annotated[str, AfterValidator(_a_file)]
Flag = StrictBool | Annotated[int, Field(ge=0, le=1)]
Pixels = Annotated[int, Field(gt=0, lt=1 << 31)]


class _Entry(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class CocoCategory(_Entry):
    """An entry of ``categories``."""

    id: int
    name: Name
    supercategory: str | None = None
    isthing: Flag | None = None


class CocoPicture(_Entry):
    """An entry of ``images``."""

    id: Id
    file_name: FileName
    height: Pixels | None = None
    width: Pixels | None = None


class CocoObject(_Entry):
    """An entry of ``annotations`` in an instances file."""

    image_id: Id
    category_id: int
    id: Id | None = None
    iscrowd: Flag | None = 0
    segmentation: Any = None
    """Polygons, or run lengths: read by ``outlines``."""


class PanopticSegment(_Entry):
    """An entry of ``segments_info``."""

    id: Annotated[int, Field(gt=0, lt=1 << 24)]
    category_id: int
    iscrowd: Flag = 0


class PanopticPicture(_Entry):
    """An entry of ``annotations`` in a panoptic file."""

    image_id: Id
    file_name: FileName
    segments_info: Sequence[PanopticSegment]


Kind = TypeVar("Kind", bound=_Entry)
Value = TypeVar("Value")
NAMES = TypeAdapter(list[Name])
CLASS_NAMES = TypeAdapter(dict[int, Name])


def parsed(kind: type[Kind], value: Any, path: Path, place: str) -> Kind:
    """The entry at ``place`` of a file; raises ``SegdemoError`` naming file, place and field."""
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        raise SegdemoError(f"{path}: {place}{_fault(error)}.") from error


def checked(kind: TypeAdapter[Value], value: Any, path: Path, place: str) -> Value:
    """The value at ``place`` of a file; raises ``SegdemoError`` naming file, place and entry."""
    try:
        return kind.validate_python(value)
    except ValidationError as error:
        raise SegdemoError(f"{path}: {place}{_fault(error)}.") from error


def _fault(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    steps = [
        f"[{step}]" if isinstance(step, int) else f".{step}"
        for step in first["loc"]
        if step not in ("int", "str", "bool")
    ]
    return f"{''.join(steps)}: {first['msg'][:1].lower()}{first['msg'][1:]}".replace("\n", " ")
