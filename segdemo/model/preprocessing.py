"""From a photograph to the network's input: resizing, padding and normalising as the checkpoint was trained."""

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from segdemo.errors import SegdemoError
from segdemo.prediction import Size

SizeOption = str | int
"""``"checkpoint"``, ``"paper"``, or a short side in pixels."""

PAPER_SHORT_SIDE = 640
LONG_SIDE_LIMIT = 2560
SHORT_SIDE_RANGE = (32, LONG_SIDE_LIMIT)
_STRIDE = 32


@dataclass(frozen=True)
class Preprocessing:
    """An image processor's settings, as stored beside the weights in ``preprocessor_config.json``."""

    size: dict[str, int]
    """``shortest_edge`` and ``longest_edge``, or ``height`` and ``width``."""
    size_divisor: int
    resample: int
    """Pillow's number of the filter."""
    do_resize: bool
    do_rescale: bool
    rescale_factor: float
    do_normalize: bool
    mean: tuple[float, ...]
    std: tuple[float, ...]

    @classmethod
    def from_folder(cls, folder: Path) -> "Preprocessing":
        """Read the settings of a checkpoint folder; what the file leaves out is as the library has it by default."""
        file = folder / "preprocessor_config.json"
        try:
            raw: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}
        except ValueError as error:
            raise SegdemoError(f"{file} is not valid JSON ({error}): fetch the checkpoint again.") from error
        size = raw.get("size", {"shortest_edge": 800, "longest_edge": 1333})
        if isinstance(size, int):
            size = {"shortest_edge": size, "longest_edge": raw.get("max_size", 1333)}
        elif "max_size" in raw and "longest_edge" not in size and "shortest_edge" in size:
            size = {**size, "longest_edge": raw["max_size"]}
        return cls(
            size={key: int(value) for key, value in size.items() if value is not None},
            size_divisor=int(raw.get("size_divisor", _STRIDE)),
            resample=int(raw.get("resample", Image.Resampling.BILINEAR)),
            do_resize=bool(raw.get("do_resize", True)),
            do_rescale=bool(raw.get("do_rescale", True)),
            rescale_factor=float(raw.get("rescale_factor", 1 / 255)),
            do_normalize=bool(raw.get("do_normalize", True)),
            mean=tuple(raw.get("image_mean", (0.485, 0.456, 0.406))),
            std=tuple(raw.get("image_std", (0.229, 0.224, 0.225))),
        )

    def sizes(self, image_size: Size, size: SizeOption) -> tuple[Size, Size]:
        """Return the input size and the content size for a photograph, both (height, width).

        ``"checkpoint"`` stretches to multiples of the size divisor; else the aspect is kept. What is then no multiple
        of 32 is padded at the right and the bottom.
        """
        option = parse_size(size)
        if option == "checkpoint":
            content = self._checkpoint_size(image_size)
            return (_up(content[0], _STRIDE), _up(content[1], _STRIDE)), content
        content = _fit(image_size, PAPER_SHORT_SIDE if option == "paper" else int(option), LONG_SIDE_LIMIT)
        return (_up(content[0], _STRIDE), _up(content[1], _STRIDE)), content

    def __call__(self, image: npt.NDArray[np.uint8], size: SizeOption) -> tuple[npt.NDArray[np.float32], Size, Size]:
        """Return the network's input float32 (3, H, W) for an RGB uint8 (h, w, 3), with input and content size."""
        input_size, content = self.sizes((image.shape[0], image.shape[1]), size)
        if content != image.shape[:2]:
            resized = Image.fromarray(image).resize(content[::-1], resample=Image.Resampling(self.resample))
            image = np.asarray(resized)
        table = self._table()
        pixels = np.zeros((3, *input_size), dtype=np.float32)
        for channel in range(3):
            pixels[channel, : content[0], : content[1]] = table[channel][image[..., channel]]
        return pixels, input_size, content

    def _table(self) -> npt.NDArray[np.float32]:
        """Normalised value of each of the 256 levels of each channel: (3, 256), rounded as the library rounds."""
        levels = np.arange(256)
        values = (levels * self.rescale_factor if self.do_rescale else levels).astype(np.float32)
        table = np.repeat(values[:, None], 3, axis=1)
        if self.do_normalize:
            mean, std = np.array(self.mean, dtype=np.float32), np.array(self.std, dtype=np.float32)
            table = np.asarray((table - mean) / std, dtype=np.float32)
        return np.ascontiguousarray(table.T)

    def _checkpoint_size(self, image_size: Size) -> Size:
        if not self.do_resize:
            height, width = image_size
        elif "shortest_edge" in self.size:
            height, width = _short_edge(image_size, self.size["shortest_edge"], self.size.get("longest_edge"))
        elif "height" in self.size and "width" in self.size:
            height, width = self.size["height"], self.size["width"]
        else:
            raise SegdemoError(f"This checkpoint's preprocessor_config.json has a size nobody knows: {self.size}.")
        divisor = self.size_divisor if self.do_resize and self.size_divisor > 0 else 1
        return _up(max(height, 1), divisor), _up(max(width, 1), divisor)


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


def _short_edge(image_size: Size, short: int, longest: int | None) -> Size:
    """Size that the library's processor aims at before it rounds up to its divisor."""
    height, width = image_size
    target: float = short
    if longest is not None and max(image_size) / min(image_size) * short > longest:
        target = longest * min(image_size) / max(image_size)
        short = round(target)
    if min(image_size) == short:
        return height, width
    if width < height:
        return int(target * height / width), short
    return short, int(target * width / height)


def _up(value: int, divisor: int) -> int:
    return math.ceil(value / divisor) * divisor
