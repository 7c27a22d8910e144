"""From a photograph to the network's input: resizing, padding and normalising as the checkpoint was trained."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from segdemo.checkpoint_files import parsed, read_json
from segdemo.errors import SegdemoError
from segdemo.model.formats import ProcessorFile
from segdemo.prediction import Size

SizeOption = str | int
"""``"checkpoint"``, ``"paper"``, or a short side in pixels."""

PAPER_SHORT_SIDE = 640
LONG_SIDE_LIMIT = 2560
SHORT_SIDE_RANGE = (32, LONG_SIDE_LIMIT)
_STRIDE = 32
LARGEST_INPUT = LONG_SIDE_LIMIT**2
"""Pixels of an input at most, whatever a checkpoint's settings ask for: as many as the other options can come to."""
_TOO_LARGE = f"at most {LARGEST_INPUT} are computed"
_USUAL = (480, 640)
"""Size of a photograph that settings are tried on."""


@dataclass(frozen=True)
class Preprocessing:
    """An image processor's settings, as stored beside the weights in ``preprocessor_config.json``."""

    size: dict[str, int]
    """``shortest_edge`` and ``longest_edge``, ``max_height`` and ``max_width``, or ``height`` and ``width``."""
    size_divisor: int
    resample: int
    """Pillow's number of the filter."""
    do_resize: bool
    do_rescale: bool
    rescale_factor: float
    do_normalize: bool
    mean: tuple[float, ...]
    std: tuple[float, ...]
    pad_size: Size | None = None
    """Height and width that every photograph is padded to."""

    @classmethod
    def from_folder(
        cls, folder: Path, *, as_written: Callable[[dict[str, Any]], dict[str, Any]] = dict
    ) -> "Preprocessing":
        """Read the settings of a checkpoint folder; what the file leaves out is as the library has it by default.

        ``as_written`` turns the file of another processor than Mask2Former's into one that says the same to that.

        Raises ``SegdemoError`` naming file and field for settings that the library refuses, and for those that leave
        nothing of a photograph or make it too large to be computed.
        """
        file = folder / "preprocessor_config.json"
        values = read_json(file) if file.exists() or file.is_symlink() else {}
        settings = parsed(ProcessorFile, as_written(values), file)
        pad = settings.pad_size
        found = cls(
            size={key: int(value) for key, value in settings.size.items()} if settings.do_resize else {},
            pad_size=(pad["height"], pad["width"]) if pad is not None else None,
            size_divisor=settings.size_divisor,
            resample=settings.resample,
            do_resize=settings.do_resize,
            do_rescale=settings.do_rescale,
            rescale_factor=settings.rescale_factor,
            do_normalize=settings.do_normalize,
            mean=settings.image_mean,
            std=settings.image_std,
        )
        with np.errstate(all="ignore"):
            table = found._table()
        if not np.isfinite(table).all():
            raise SegdemoError(f"{file}: rescale_factor, image_mean and image_std make no numbers of a photograph.")
        usual = found._checkpoint_size(_USUAL) if found.do_resize else _USUAL
        for field, size in (("size", usual), ("pad_size", found.pad_size or usual)):
            if _area(size) > LARGEST_INPUT:
                raise SegdemoError(f"{file}: {field} asks for inputs of {_by(size)} pixels: {_TOO_LARGE}.")
        return found

    def sizes(self, image_size: Size, size: SizeOption) -> tuple[Size, Size]:
        """Return the input size and the content size for a photograph, both (height, width).

        ``"checkpoint"`` stretches to multiples of the size divisor; else the aspect is kept. What is then no multiple
        of 32 is padded at the right and the bottom. Raises ``SegdemoError`` where the checkpoint's settings make an
        input of this photograph that is too large, or one that its ``pad_size`` has no place for.
        """
        option = parse_size(size)
        if option == "checkpoint":
            return self._checkpoint_sizes(image_size)
        content = _fit(image_size, PAPER_SHORT_SIDE if option == "paper" else int(option), LONG_SIDE_LIMIT)
        return (_up(content[0], _STRIDE), _up(content[1], _STRIDE)), content

    def __call__(self, image: npt.NDArray[np.uint8], size: SizeOption) -> tuple[npt.NDArray[np.float32], Size, Size]:
        """Return the network's input float32 (3, H, W) for an RGB uint8 (h, w, 3), with input and content size."""
        input_size, content = self.sizes((image.shape[0], image.shape[1]), size)
        if content != image.shape[:2]:
            resized = Image.fromarray(image).resize(content[::-1], resample=Image.Resampling(self.resample))
            image = np.asarray(resized)
        pixels = np.zeros((3, *input_size), dtype=np.float32)
        pixels[:, : content[0], : content[1]] = self.normalised(image)
        return pixels, input_size, content

    def normalised(self, image: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """The network's numbers for an RGB uint8 (h, w, 3): float32 (3, h, w)."""
        table = self._table()
        return np.stack([table[channel][image[..., channel]] for channel in range(3)])

    def exact_size(self, image_size: Size) -> Size:
        """What the checkpoint's settings resize a photograph to, before any padding."""
        return self._checkpoint_size(image_size)

    def _table(self) -> npt.NDArray[np.float32]:
        """Normalised value of each of the 256 levels of each channel: (3, 256), rounded as the library rounds."""
        levels = np.arange(256)
        values = (levels * self.rescale_factor if self.do_rescale else levels).astype(np.float32)
        table = np.repeat(values[:, None], 3, axis=1)
        if self.do_normalize:
            mean, std = np.array(self.mean, dtype=np.float32), np.array(self.std, dtype=np.float32)
            table = np.asarray((table - mean) / std, dtype=np.float32)
        return np.ascontiguousarray(table.T)

    def _checkpoint_sizes(self, image_size: Size) -> tuple[Size, Size]:
        content = self._checkpoint_size(image_size)
        padded = self.pad_size or content
        what = "This checkpoint's preprocessor_config.json"
        if padded[0] < content[0] or padded[1] < content[1]:
            raise SegdemoError(
                f"{what} has a pad_size of {_by(padded)} pixels, too small for the {_by(content)} that this photo is "
                'resized to: choose the input size "paper".'
            )
        if _area(padded) > LARGEST_INPUT:
            field = "size" if self.do_resize else "do_resize, which is off,"
            raise SegdemoError(
                f"{what} asks by {field} for an input of {_by(padded)} pixels for this photo: {_TOO_LARGE}; choose the "
                'input size "paper".'
            )
        return (_up(padded[0], _STRIDE), _up(padded[1], _STRIDE)), content

    def _checkpoint_size(self, image_size: Size) -> Size:
        if not self.do_resize:
            height, width = image_size
        elif "shortest_edge" in self.size:
            height, width = _short_edge(image_size, self.size["shortest_edge"], self.size["longest_edge"])
        elif "max_height" in self.size:
            scale = min(self.size["max_height"] / image_size[0], self.size["max_width"] / image_size[1])
            height, width = int(image_size[0] * scale), int(image_size[1] * scale)
        else:
            height, width = self.size["height"], self.size["width"]
        divisor = self.size_divisor if self.do_resize and self.size_divisor > 0 else 1
        return _up(max(height, 1), divisor), _up(max(width, 1), divisor)


def _area(size: Size) -> int:
    return size[0] * size[1]


def _by(size: Size) -> str:
    return f"{size[0]} x {size[1]}"


def parse_size(size: SizeOption) -> SizeOption:
    """Return ``"checkpoint"``, ``"paper"`` or a short side in pixels; raises ``SegdemoError`` for anything else."""
    if isinstance(size, str) and size.isdecimal():
        size = int(size)
    low, high = SHORT_SIDE_RANGE
    if size in ("checkpoint", "paper") or (isinstance(size, int) and low <= size <= high):
        return size
    raise SegdemoError(
        f'The input size {size!r} is not known: give "checkpoint", "paper" or a short side from {low} to {high} pixels.'
    )


def _fit(image_size: Size, short_side: int, long_limit: int) -> Size:
    """Resize keeping the aspect: the short side as asked for unless the long one would pass the limit."""
    height, width = image_size
    scale = min(short_side / min(height, width), long_limit / max(height, width))
    return max(1, int(height * scale + 0.5)), max(1, int(width * scale + 0.5))


def _short_edge(image_size: Size, short: int, longest: int) -> Size:
    """Size that the library's processor aims at before it rounds up to its divisor."""
    height, width = image_size
    target: float = short
    if max(image_size) / min(image_size) * short > longest:
        target = longest * min(image_size) / max(image_size)
        short = round(target)
    if min(image_size) == short:
        return height, width
    if width < height:
        return int(target * height / width), short
    return short, int(target * width / height)


def _up(value: int, divisor: int) -> int:
    return math.ceil(value / divisor) * divisor
