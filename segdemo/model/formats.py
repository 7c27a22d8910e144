"""What a checkpoint says of its network and of its photographs, described once and checked before it is used."""

from pathlib import Path
from typing import Annotated, Any, Literal

from PIL import Image
from pydantic import BeforeValidator, ConfigDict, Field, StrictBool, model_validator

from segdemo.checkpoint_files import FileEntry, Whole, parsed

_Count = Annotated[Whole, Field(ge=1, le=1 << 20)]
_Layers = Annotated[Whole, Field(ge=1, le=1000)]
_Channels = Annotated[Whole, Field(ge=1, le=1 << 16)]


class _Backbone(FileEntry):
    """What every backbone has in common that this demo relies on."""

    model_config = ConfigDict(from_attributes=True)

    model_type: str
    num_channels: Literal[3] = 3
    """Photographs are RGB."""


class NetworkShape(FileEntry):
    """The sizes of a Mask2Former, as the library's configuration has them once its defaults are filled in."""

    model_config = ConfigDict(from_attributes=True)

    backbone_config: _Backbone
    feature_size: _Channels
    mask_feature_size: _Channels
    hidden_dim: _Channels
    encoder_feedforward_dim: _Count
    encoder_layers: _Layers
    decoder_layers: _Layers
    """One more than there are layers: the first prediction is made before any."""
    num_attention_heads: _Channels
    dim_feedforward: _Count
    num_queries: _Count
    common_stride: Annotated[Whole, Field(ge=1, le=32)]
    feature_strides: Annotated[list[Annotated[Whole, Field(ge=1, le=32)]], Field(min_length=1, max_length=8)]


def checked_shape(config: Any, file: Path) -> None:
    """Raise ``SegdemoError`` naming file and field for a configuration whose sizes describe no network."""
    if config.model_type == "mask2former":
        parsed(NetworkShape, config, file)


LONGEST_EDGE = 1 << 20
StrictEdge = Annotated[int, Field(strict=True, gt=0, le=LONGEST_EDGE)]
_SIZES = (
    {"height", "width"},
    {"shortest_edge"},
    {"shortest_edge", "longest_edge"},
    {"longest_edge"},
    {"max_height", "max_width"},
    {"min_pixels", "max_pixels"},
)
"""The names that the library takes together; only the ones in ``_USABLE`` say how large a photograph becomes."""
_USABLE = ({"shortest_edge", "longest_edge"}, {"max_height", "max_width"}, {"height", "width"})
_NAMES_WANTED = "it should name shortest_edge and longest_edge, max_height and max_width, or height and width"
_DEFAULT_SIZE = {"shortest_edge": 800, "longest_edge": 1333}


def _named(value: Any) -> Any:
    """A size by names that the library knows; of a list the first two are height and width."""
    if isinstance(value, list) and len(value) >= 2:
        return {"height": value[0], "width": value[1]}
    if isinstance(value, dict) and set(value) not in _SIZES:
        raise ValueError(_NAMES_WANTED)
    return value


def _is_edge(value: Any) -> bool:
    return type(value) in (int, float) and value == int(value) and 1 <= value <= LONGEST_EDGE


def _number(value: Any) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    raise ValueError("it should be a number")


def _per_channel(value: Any) -> Any:
    """Three numbers, or one for all channels."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return [value] * 3
    if not isinstance(value, list) or len(value) != 3:
        raise ValueError("it should be a number, or three of them")
    return value


def _a_switch(value: Any) -> Any:
    if value is None or (type(value) is int and value in (0, 1)):
        return bool(value)
    return value


Switch = Annotated[StrictBool, BeforeValidator(_a_switch)]
Number = Annotated[float, BeforeValidator(_number), Field(allow_inf_nan=False)]
Channels = Annotated[tuple[Number, Number, Number], BeforeValidator(_per_channel)]


class ProcessorFile(FileEntry):
    """``preprocessor_config.json``: what it leaves out is as the library has it by default.

    Takes what the library's processor takes, in the same meaning, as far as a photograph is left of it.
    """

    do_resize: Switch = True
    size: Annotated[dict[str, Any], BeforeValidator(_named)] = Field(default_factory=lambda: dict(_DEFAULT_SIZE))
    pad_size: Annotated[dict[Literal["height", "width"], StrictEdge], BeforeValidator(_named)] | None = None
    size_divisor: Annotated[Whole, Field(le=1 << 12)] = 32
    resample: Annotated[int, Field(strict=True, ge=0, le=5)] = int(Image.Resampling.BILINEAR)
    """Pillow's number of the filter."""
    do_rescale: Switch = True
    rescale_factor: Number = 1 / 255
    do_normalize: Switch = True
    image_mean: Channels = (0.485, 0.456, 0.406)
    image_std: Channels = (0.229, 0.224, 0.225)
    do_center_crop: Switch = False
    crop_size: Annotated[dict[str, Any], BeforeValidator(_named)] | None = None

    @model_validator(mode="before")
    @classmethod
    def _as_the_library_reads_it(cls, values: Any) -> Any:
        """Give old forms their names, and leave out what is switched off: nobody has to understand that."""
        values = dict(values)
        longest = values.get("max_size")
        size = values.get("size")
        if (size is None and "size" in values) or "size" not in values:
            size = dict(_DEFAULT_SIZE) if longest is None else {"shortest_edge": 800, "longest_edge": longest}
        elif type(size) is int:
            size = {"shortest_edge": size} if longest is None else {"shortest_edge": size, "longest_edge": longest}
        values["size"] = size
        if type(values.get("pad_size")) is int:
            values["pad_size"] = {"height": values["pad_size"], "width": values["pad_size"]}
        if values.get("resample", 0) is None:
            del values["resample"]
        elif isinstance(values.get("resample"), bool):
            values["resample"] = int(values["resample"])
        unused = {
            "do_resize": ("resample", "size_divisor"),
            "do_rescale": ("rescale_factor",),
            "do_normalize": ("image_mean", "image_std"),
        }
        for switch, fields in unused.items():
            if values.get(switch, True) in (False, None):
                for field in fields:
                    values.pop(field, None)
        return values

    @model_validator(mode="after")
    def _usable(self) -> "ProcessorFile":
        if self.do_resize and set(self.size) not in _USABLE:
            raise ValueError(f"size: {_NAMES_WANTED}")
        if self.do_resize and not all(_is_edge(value) for value in self.size.values()):
            raise ValueError(f"size: it should be in whole pixels, from 1 to {LONGEST_EDGE}")
        if self.do_center_crop and self.crop_size is None:
            raise ValueError("crop_size: do_center_crop needs it")
        if (self.do_rescale and self.rescale_factor == 0) or (0 in self.image_std and self.do_normalize):
            raise ValueError(f"{'image_std' if self.rescale_factor else 'rescale_factor'}: it should not be 0")
        return self
