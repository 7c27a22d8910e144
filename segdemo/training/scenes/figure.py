"""Figures cut out of paper and shaded round: people, animals and plants, drawn in metres and stood in the world."""

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from .canvas import Canvas, Floats, soften
from .classes import Ade
from .colours import Colour
from .noise import tile

_SHIFT = 4


class Figure:
    """A flat figure built from strokes; x runs right and y up from its foot, in its own units (metres mostly)."""

    def __init__(self, *, lit_from: float = -0.5) -> None:
        self.strokes: list[tuple[str, npt.NDArray[np.float64], float, Colour]] = []
        self.lit_from = lit_from
        """Where light comes from: -1 left to 1 right."""

    def polygon(self, points: npt.NDArray[np.float64] | Sequence[Sequence[float]], colour: Colour) -> None:
        """A filled outline, (N, 2)."""
        self.strokes.append(("fill", np.asarray(points, np.float64), 0.0, colour))

    def limb(
        self, points: Sequence[Sequence[float]], widths: float | Sequence[float], colour: Colour, *, round_: float = 1.0
    ) -> None:
        """A rounded limb along a line of points with a width at each (or one for all), lit from one side.

        ``round_`` is how much darker its far side is than its near one, 1 for a full limb, 0 for flat cloth.
        """
        line = np.asarray(points, np.float64)
        wide = np.broadcast_to(np.asarray(widths, np.float64), (len(line),))
        side = self.lit_from
        for shrink, shift, tone in ((1.0, 0.0, 1 - 0.24 * round_), (0.78, 0.11, 1.0), (0.42, 0.2, 1 + 0.12 * round_)):
            if round_ == 0 and shrink != 1.0:
                break
            offset = np.stack([side * wide * shift, np.abs(wide) * shift * 0.4], 1)
            colours = np.clip(colour * np.float32(tone if round_ else 1.0), 0, 1)
            self.strokes.append(("limb", np.column_stack([line + offset, wide * shrink]), 0.0, colours))

    def ball(
        self, x: float, y: float, rx: float, ry: float, colour: Colour, *, turn: float = 0.0, round_: float = 1.0
    ) -> None:
        """A rounded ellipse."""
        for shrink, shift, tone in ((1.0, 0.0, 1 - 0.22 * round_), (0.8, 0.12, 1.0), (0.5, 0.24, 1 + 0.1 * round_)):
            if round_ == 0 and shrink != 1.0:
                break
            cx, cy = x + self.lit_from * rx * shift, y + ry * shift * 0.7
            angle = np.linspace(0, 2 * np.pi, 24, endpoint=False)
            c, s = rx * shrink * np.cos(angle), ry * shrink * np.sin(angle)
            outline = np.stack([cx + c * np.cos(turn) - s * np.sin(turn), cy + c * np.sin(turn) + s * np.cos(turn)], 1)
            self.strokes.append(("fill", outline, 0.0, np.clip(colour * np.float32(tone if round_ else 1), 0, 1)))

    def bounds(self) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Lowest and highest (x, y) of the figure."""
        low, high = [], []
        for kind, points, _, _ in self.strokes:
            pad = points[:, 2:3] / 2 if kind == "limb" else np.zeros((len(points), 1))
            low.append((points[:, :2] - pad).min(0))
            high.append((points[:, :2] + pad).max(0))
        return np.min(low, 0), np.max(high, 0)

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
        grain: float = 0.04,
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
            grain: contrast of the surface's noise.
        """
        x0, y0, unit = place
        scale = np.array((-unit if flip else unit, -unit)) * canvas.height
        origin = np.array((x0, y0)) * canvas.height - 0.5
        low, high = self.bounds()
        ends = np.stack([low, high]) * scale + origin
        left, top = np.floor(ends.min(0)).astype(int) - 3
        right, bottom = np.ceil(ends.max(0)).astype(int) + 4
        rows = slice(max(top, 0), min(bottom, canvas.height))
        columns = slice(max(left, 0), min(right, canvas.width))
        if rows.start >= rows.stop or columns.start >= columns.stop:
            return
        shape = (rows.stop - rows.start, columns.stop - columns.start)
        colours = np.zeros((*shape, 3), np.uint8)
        cover = np.zeros(shape, np.uint8)
        shift = np.array((columns.start, rows.start))
        for kind, points, _, colour in self.strokes:
            paint = [float(c) for c in np.clip(colour * 255, 0, 255)]
            where = points[:, :2] * scale + origin - shift
            if kind == "fill":
                outlines = [_fixed(where)]
            else:
                outlines = _limb(where, points[:, 2] * abs(scale[0]))
            for outline in outlines:
                cv2.fillPoly(colours, [outline], paint, cv2.LINE_AA, _SHIFT)
                cv2.fillPoly(cover, [outline], 255, cv2.LINE_AA, _SHIFT)
        if number is None and label is not None:
            number = canvas.new_id(label)
        alpha: Floats = cover.astype(np.float32) * np.float32(1 / 255)
        body: Floats = colours.astype(np.float32) * np.float32(1 / 255)
        sigma = soft * abs(scale[0])
        if sigma > 0.4:
            weight = soften(alpha, sigma)
            body = soften(body, sigma) * (alpha / np.maximum(weight, 1e-3))[..., None]
        if grain:
            texture = tile(0.8)[: min(shape[0], 256), : min(shape[1], 256)]
            texture = np.tile(texture, (shape[0] // 256 + 1, shape[1] // 256 + 1))[: shape[0], : shape[1]]
            body *= (1 + texture * np.float32(grain))[..., None]
        if tint is not None:
            body *= tint
        if fog is not None and haze > 0:
            body += (fog * alpha[..., None] - body) * np.float32(haze)
        part = canvas.image[rows, columns]
        part *= (1 - alpha)[..., None]
        part += body
        if label is not None:
            canvas.claim(rows, columns, cover, label, number)


def _fixed(points: npt.NDArray[np.float64]) -> npt.NDArray[np.int32]:
    return np.rint(np.clip(points, -30000, 30000) * (1 << _SHIFT)).astype(np.int32)


def _limb(points: npt.NDArray[np.float64], widths: npt.NDArray[np.float64]) -> list[npt.NDArray[np.int32]]:
    """Outlines of a chain of tapered capsules, in fixed point."""
    outlines = []
    for i in range(len(points) - 1):
        a, b = points[i], points[i + 1]
        ra, rb = max(widths[i] / 2, 0.3), max(widths[i + 1] / 2, 0.3)
        heading = float(np.arctan2(b[1] - a[1], b[0] - a[0]))
        turn = np.linspace(np.pi / 2, 3 * np.pi / 2, 8)
        start = a + ra * np.stack([np.cos(heading + turn), np.sin(heading + turn)], 1)
        end = b + rb * np.stack([np.cos(heading + turn + np.pi), np.sin(heading + turn + np.pi)], 1)
        outlines.append(_fixed(np.concatenate([start, end])))
    return outlines
