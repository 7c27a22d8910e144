"""Figures cut out of paper and shaded round: people, animals and plants, drawn in metres and stood in the world."""

import math
from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from .ade import Ade
from .canvas import Canvas, Floats, soften
from .colours import Colour
from .noise import TILE, tile

_SHIFT = 4
_TURN = np.linspace(0, 2 * np.pi, 20, endpoint=False)
_CIRCLE = np.stack([np.cos(_TURN), np.sin(_TURN)], 1)
_HALF = np.linspace(np.pi / 2, 3 * np.pi / 2, 7)
_CAP = np.stack([np.cos(_HALF), np.sin(_HALF)], 1)
_ROUND = ((1.0, 0.0, -0.24), (0.78, 0.11, 0.0), (0.42, 0.2, 0.12))
"""Layers that make a stroke look round: its width, how far it moves towards the light, how much lighter it is."""

_SMALLEST = 0.7
"""Strokes below this many pixels are left out."""


class Figure:
    """A flat figure built from strokes; x runs right and y up from its foot, in its own units (metres mostly)."""

    def __init__(self, *, lit_from: float = -0.5) -> None:
        self.outlines: list[npt.NDArray[np.float64]] = []
        self.colours: list[Colour] = []
        self.lit_from = lit_from
        """Where light comes from: -1 left to 1 right."""
        self.grain = 0.04
        """Contrast of the surface's noise: cloth and fur have more than metal."""
        self.ragged = 0.0
        """How far noise pulls at outline and strokes, in figure units: leaves rather than paper."""
        self.smooth_below = 0.0
        """Below this height nothing is ragged: trunks."""

    def polygon(self, points: npt.NDArray[np.float64] | Sequence[Sequence[float]], colour: Colour) -> None:
        """A filled outline, (N, 2)."""
        self.outlines.append(np.asarray(points, np.float64))
        self.colours.append(colour)

    def limb(
        self, points: Sequence[Sequence[float]], widths: float | Sequence[float], colour: Colour, *, round_: float = 1.0
    ) -> None:
        """A rounded limb along a line of points with a width at each (or one for all), lit from one side.

        ``round_`` is how much darker its far side is than its near one, 1 for a full limb, 0 for flat cloth.
        """
        line = np.asarray(points, np.float64)
        wide = np.broadcast_to(np.asarray(widths, np.float64), (len(line),))
        for shrink, shift, tone in _ROUND if round_ else _ROUND[:1]:
            moved = line + (wide * shift)[:, None] * np.array((self.lit_from, 0.4))
            shade = colour * np.float32(1 + tone * round_)
            for a, b, ra, rb in zip(moved[:-1], moved[1:], wide[:-1], wide[1:], strict=True):
                length = math.hypot(b[0] - a[0], b[1] - a[1]) or 1.0
                c, s = (b[0] - a[0]) / length, (b[1] - a[1]) / length
                cap = _CAP @ np.array(((c, s), (-s, c)))
                self.polygon(np.concatenate([a + cap * (ra * shrink / 2), b - cap * (rb * shrink / 2)]), shade)

    def ball(
        self, x: float, y: float, rx: float, ry: float, colour: Colour, *, turn: float = 0.0, round_: float = 1.0
    ) -> None:
        """A rounded ellipse."""
        c, s = math.cos(turn), math.sin(turn)
        axes = np.array(((rx * c, rx * s), (-ry * s, ry * c)))
        for shrink, shift, tone in _ROUND if round_ else _ROUND[:1]:
            middle = np.array((x + self.lit_from * rx * shift, y + ry * shift * 0.7))
            self.polygon(middle + (_CIRCLE * shrink) @ axes, colour * np.float32(1 + tone * round_))

    def bounds(self) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Lowest and highest (x, y) of the figure."""
        everything = np.concatenate(self.outlines)
        return everything.min(0), everything.max(0)

    def paint(
        self,
        canvas: Canvas,
        place: tuple[float, float, float],
        label: Ade | None,
        number: int | None = None,
        *,
        tint: Colour | None = None,
        fog: Colour | None = None,
        haze: float = 0.0,
        flip: bool = False,
        soft: float = 0.0,
    ) -> None:
        """Stand the figure on the canvas.

        Args:
            canvas: what to paint on.
            place: canvas x and y of the figure's foot, and canvas units per figure unit (``Stage.at``).
            label: its class, or none for a figure that belongs to what is behind it.
            number: its instance, or none for a new one.
            tint: multiplies its colours (the scene's light).
            fog: the colour of the air before it.
            haze: how much of that colour, 0..1.
            flip: mirror it left to right.
            soft: blur inside the outline, in figure units, which melts strokes into one body.
        """
        x0, y0, unit = place
        scale = np.array((-unit if flip else unit, -unit)) * canvas.height
        points = np.concatenate(self.outlines) * scale + (np.array((x0, y0)) * canvas.height - 0.5)
        left, top = np.floor(points.min(0)).astype(int) - 3
        right, bottom = np.ceil(points.max(0)).astype(int) + 4
        rows = slice(max(top, 0), min(bottom, canvas.height))
        columns = slice(max(left, 0), min(right, canvas.width))
        if rows.start >= rows.stop or columns.start >= columns.stop:
            return
        shape = (rows.stop - rows.start, columns.stop - columns.start)
        # Colour and coverage in one picture: strokes blend in premultiplied form.
        painted = np.zeros((*shape, 4), np.uint8)
        starts = np.cumsum([0, *(len(outline) for outline in self.outlines)])
        extent = np.maximum.reduceat(points, starts[:-1]) - np.minimum.reduceat(points, starts[:-1])
        seen = extent.max(1) > _SMALLEST
        fixed = np.rint((np.clip(points, -30000, 30000) - (columns.start, rows.start)) * (1 << _SHIFT)).astype(np.int32)
        tones = np.clip(np.array(self.colours) * 255, 0, 255)
        for i in np.flatnonzero(seen):
            paint = (*tones[i].tolist(), 255.0)
            cv2.fillPoly(painted, [fixed[starts[i] : starts[i + 1]]], paint, cv2.LINE_AA, _SHIFT)
        reach = self.ragged * abs(scale[0])
        if reach > 0.4:
            line = y0 * canvas.height - self.smooth_below * abs(scale[0]) - rows.start
            painted = _torn(painted, reach, line)
        cover = np.ascontiguousarray(painted[..., 3])
        if number is None and label is not None:
            number = canvas.new_id(label)
        alpha: Floats = cover.astype(np.float32) * np.float32(1 / 255)
        body: Floats = painted[..., :3].astype(np.float32) * np.float32(1 / 255)
        sigma = soft * abs(scale[0])
        if sigma > 0.4:
            weight = soften(alpha, sigma)
            body = np.asarray(soften(body, sigma) * (alpha / np.maximum(weight, 1e-3))[..., None], np.float32)
        if self.grain:
            texture = _tiled(tile(0.8), shape)
            body *= (1 + texture * np.float32(self.grain))[..., None]
        if tint is not None:
            body *= tint
        if fog is not None and haze > 0:
            body += (fog * alpha[..., None] - body) * np.float32(haze)
        part = canvas.image[rows, columns]
        part *= (1 - alpha)[..., None]
        part += body
        if label is not None:
            canvas.claim(rows, columns, cover, label, number)


def _tiled(texture: Floats, shape: tuple[int, int]) -> Floats:
    """A noise tile repeated over a shape, texel for pixel."""
    repeated: Floats = np.tile(texture, (shape[0] // TILE + 1, shape[1] // TILE + 1))
    return repeated[: shape[0], : shape[1]]


def _torn(painted: npt.NDArray[np.uint8], reach: float, line: float) -> npt.NDArray[np.uint8]:
    """Displace what is above row ``line`` by noise of about ``reach`` pixels, in waves that grow with it."""
    shape = painted.shape[:2]
    wave = max(1.0, reach * 1.2)
    small = (int(shape[0] / wave) + 2, int(shape[1] / wave) + 2)
    x, y = np.meshgrid(np.arange(shape[1], dtype=np.float32), np.arange(shape[0], dtype=np.float32))
    pull = np.clip((np.float32(line) - y) / np.float32(4 * reach), 0, 1) * np.float32(reach * 0.8)
    moves = [cv2.resize(_tiled(tile(0.5, seed), small), shape[::-1], interpolation=cv2.INTER_LINEAR) for seed in (1, 2)]
    return np.asarray(cv2.remap(painted, x + moves[0] * pull, y + moves[1] * pull, cv2.INTER_LINEAR))
