"""The painter's canvas: every stroke paints the picture, its label and its instance together."""

from collections.abc import Callable, Sequence

import cv2
import numpy as np
import numpy.typing as npt

from segdemo.labels import IGNORE

from .ade import STUFF, Ade
from .colours import Colour

Floats = npt.NDArray[np.float32]
Mask = npt.NDArray[np.uint8]
Shader = Callable[[Floats, Floats], Floats]
"""From pixel centres x (1, w) and y (h, 1), in canvas units, to colours (h, w, 3) or a broadcastable shape."""
Points = npt.NDArray[np.float64] | Sequence[Sequence[float]]

_SHIFT = 4
_FAR = 30000.0


class Canvas:
    """A picture being painted, with its ground truth.

    Coordinates are in units of the picture's height: y runs from 0 (top) to 1, x from 0 to ``aspect``.
    Strokes are antialiased in the picture; the label changes where a stroke covers at least half a pixel.
    """

    def __init__(self, size: tuple[int, int]) -> None:
        self.height, self.width = size
        self.aspect = self.width / self.height
        self.image: Floats = np.zeros((self.height, self.width, 3), np.float32)
        self.labels: Mask = np.full((self.height, self.width), IGNORE, np.uint8)
        self.instances: npt.NDArray[np.int32] = np.zeros((self.height, self.width), np.int32)
        self._next = 1
        self._stuff: dict[int, int] = {}

    @property
    def pixel(self) -> float:
        """Extent of one pixel in canvas units."""
        return 1.0 / self.height

    def new_id(self, label: Ade) -> int:
        """A fresh instance id for a thing, the class's one id for stuff."""
        if label in STUFF and label in self._stuff:
            return self._stuff[label]
        number = self._next
        self._next += 1
        if label in STUFF:
            self._stuff[label] = number
        return number

    def mask(self, polygons: Sequence[Points], *, margin: int = 0) -> tuple[slice, slice, Mask] | None:
        """Coverage 0..255 of the polygons' union, with the rows and columns it stands for; none when off canvas."""
        pixels = [np.clip(np.asarray(p, np.float64) * self.height, -_FAR, _FAR) for p in polygons]
        everything = np.concatenate(pixels)
        low = np.floor(everything.min(0)).astype(int) - 1 - margin
        high = np.ceil(everything.max(0)).astype(int) + 2 + margin
        left, top = max(low[0], 0), max(low[1], 0)
        right, bottom = min(high[0], self.width), min(high[1], self.height)
        if left >= right or top >= bottom:
            return None
        covered = np.zeros((bottom - top, right - left), np.uint8)
        # Pixel centres sit at half coordinates; the rasteriser has them at whole ones.
        offset = np.array((left + 0.5, top + 0.5))
        for points in pixels:
            fixed = np.rint((points - offset) * (1 << _SHIFT)).astype(np.int32)
            cv2.fillPoly(covered, [fixed], 255, cv2.LINE_AA, _SHIFT)
        return slice(top, bottom), slice(left, right), covered

    def grid(self, rows: slice, columns: slice) -> tuple[Floats, Floats]:
        """Pixel centres x (1, w) and y (h, 1) of a part of the canvas, in canvas units."""
        x = (np.arange(columns.start, columns.stop, dtype=np.float32) + np.float32(0.5)) / np.float32(self.height)
        y = (np.arange(rows.start, rows.stop, dtype=np.float32) + np.float32(0.5)) / np.float32(self.height)
        return x[None, :], y[:, None]

    def fill(
        self,
        polygons: Sequence[Points],
        paint: Shader | Colour,
        label: Ade | None = None,
        number: int | None = None,
        *,
        opacity: float = 1.0,
        tint: Colour | None = None,
    ) -> None:
        """Paint polygons; without a label only the picture changes (light, shadow, detail)."""
        found = self.mask(polygons)
        if found is not None:
            rows, columns, covered = found
            self.stamp(rows, columns, covered, paint, label, number, opacity=opacity, tint=tint)

    def stamp(
        self,
        rows: slice,
        columns: slice,
        covered: Mask,
        paint: Shader | Colour | Floats,
        label: Ade | None = None,
        number: int | None = None,
        *,
        opacity: float = 1.0,
        tint: Colour | None = None,
    ) -> None:
        """Paint through a coverage mask 0..255 that belongs to the given rows and columns."""
        colours = paint(*self.grid(rows, columns)) if callable(paint) else paint
        if tint is not None:
            colours = colours * tint
        alpha = covered[..., None] * np.float32(opacity / 255)
        part = self.image[rows, columns]
        part += (colours - part) * alpha
        if label is not None:
            self.claim(rows, columns, covered, label, number)

    def claim(self, rows: slice, columns: slice, covered: Mask, label: Ade, number: int | None = None) -> None:
        """Give the pixels that are at least half covered to a class and an instance."""
        inside = covered >= 128
        self.labels[rows, columns][inside] = int(label)
        self.instances[rows, columns][inside] = self.new_id(label) if number is None else number

    def whole(self) -> tuple[slice, slice, Mask]:
        """A full mask of the whole canvas."""
        return slice(0, self.height), slice(0, self.width), np.full((self.height, self.width), 255, np.uint8)

    def multiply(self, polygons: Sequence[Points], colour: Colour, *, blur: float = 0.0, opacity: float = 1.0) -> None:
        """Multiply the picture inside the polygons (a shadow below 1, light above); ``blur`` in canvas units."""
        sigma = blur * self.height
        found = self.mask(polygons, margin=int(np.ceil(2.5 * sigma)))
        if found is None:
            return
        rows, columns, covered = found
        alpha = covered.astype(np.float32) * np.float32(opacity / 255)
        if sigma > 0.3:
            alpha = soften(alpha, sigma)
        self.image[rows, columns] *= 1 + (colour - 1) * alpha[..., None]

    def glow(self, x: float, y: float, radius: float, colour: Colour) -> None:
        """Add light that falls off from a point; ``radius`` in canvas units is where a quarter of it is left."""
        reach = 3.0 * radius
        left, right = (int(np.clip((x + s * reach) * self.height, 0, self.width)) for s in (-1, 1))
        top, bottom = (int(np.clip((y + s * reach) * self.height, 0, self.height)) for s in (-1, 1))
        if left >= right or top >= bottom:
            return
        rows, columns = slice(top, bottom), slice(left, right)
        xs, ys = self.grid(rows, columns)
        distance = ((xs - x) ** 2 + (ys - y) ** 2) / np.float32(radius * radius)
        falloff = np.maximum(1 / (1 + 3 * distance) - np.float32(1 / 28), 0)
        # A screen blend keeps lamps from burning out what they shine on.
        part = self.image[rows, columns]
        part += (1 - np.clip(part, 0, 1)) * colour * falloff[..., None]


def soften(values: Floats, sigma: float) -> Floats:
    """A Gaussian blur by three box passes, whose cost does not grow with ``sigma`` (in pixels)."""
    side = max(1, round(sigma * 1.9)) | 1
    for _ in range(3):
        border = cv2.BORDER_CONSTANT if values.ndim == 2 else cv2.BORDER_REPLICATE
        values = np.asarray(cv2.blur(values, (side, side), borderType=border), np.float32)
    return np.asarray(values, np.float32)


def ellipse(x: float, y: float, rx: float, ry: float, *, count: int = 28, turn: float = 0.0) -> npt.NDArray[np.float64]:
    """The outline of an ellipse, float64 (count, 2); ``turn`` rotates it, in radians."""
    angle = np.linspace(0, 2 * np.pi, count, endpoint=False)
    c, s = rx * np.cos(angle), ry * np.sin(angle)
    return np.stack([x + c * np.cos(turn) - s * np.sin(turn), y + c * np.sin(turn) + s * np.cos(turn)], 1)
