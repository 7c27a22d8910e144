"""The land: ridges of mountains and hills, ground to the horizon, water with its reflections."""

import cv2
import numpy as np
import numpy.typing as npt

from .ade import Ade
from .canvas import Floats
from .colours import Colour, mix, oklch
from .figure import Figure
from .noise import fbm, ridge
from .stage import Material, Stage, Texture
from .textures import grass

_AROUND = np.linspace(0, 2 * np.pi, 10, endpoint=False)
_RIM = np.stack([np.cos(_AROUND), np.sin(_AROUND)], 1)


def skyline(
    stage: Stage, base: float, height: float, *, roughness: float = 0.5, points: int = 129
) -> npt.NDArray[np.float64]:
    """A closed outline, (N, 2): a ridge across the canvas above canvas height ``base``, down to below it."""
    line = ridge(stage.rng, points, roughness=roughness)
    x = np.linspace(-0.02, stage.canvas.aspect + 0.02, points)
    y = base - height * (0.25 + 0.75 * line)
    return np.concatenate([np.stack([x, y], 1), [(x[-1], base + 0.01), (x[0], base + 0.01)]])


def mountains(
    stage: Stage,
    base: float,
    height: float,
    colour: Colour,
    label: Ade,
    *,
    haze: float,
    snow: bool = False,
    roughness: float = 0.52,
) -> None:
    """A range: slopes lit from the sun's side, gullies, snow on the heights, the air before it."""
    rng = stage.rng
    outline = skyline(stage, base, height, roughness=roughness)
    top = outline[:-2]
    offset = np.float32(rng.uniform(0, 50))
    side = np.float32(np.sign(stage.light.direction[0]) or 1)
    light = stage.light
    lit, dim = light.on((float(side) * 0.6, 0.5, -0.62)), light.on((-float(side) * 0.7, 0.4, -0.5))
    crest = float(top[:, 1].min())

    def paint(x: Floats, y: Floats) -> Floats:
        ground = np.interp(x[0], top[:, 0], top[:, 1]).astype(np.float32)[None, :]
        # Gullies run down from the crest and lean away from it.
        below = y - ground
        u = x + offset + below * np.float32(0.5)
        relief = fbm(u, below * np.float32(0.45) + offset, 0.16, beta=1.15)
        slope = fbm(u + np.float32(0.008) * side, below * np.float32(0.45) + offset, 0.16, beta=1.15) - relief
        share = np.clip(np.float32(0.5) + slope * np.float32(2.2) + relief * np.float32(0.12), 0, 1)[..., None]
        body: Floats = colour * (1 + relief * np.float32(0.1))[..., None]
        if snow:
            line = np.float32(crest + height * 0.4) + relief * np.float32(height * 0.13)
            white = np.clip((line - y) / np.float32(0.02), 0, 1)[..., None]
            body = body + (np.float32(0.95) - body) * white
        body = body * (dim + (lit - dim) * share)
        depth = np.clip(
            np.float32(haze)
            + np.clip((y - np.float32(base - height * 0.5)) / np.float32(height), 0, 1) * np.float32(0.25),
            0,
            0.95,
        )
        return np.asarray(body + (light.fog - body) * depth[..., None], np.float32)

    stage.canvas.fill([outline], paint, label)


def woods(stage: Stage, base: float, height: float, colour: Colour, *, haze: float, roughness: float = 0.7) -> None:
    """A far line of trees: lumpy crowns, light from above."""
    rng, canvas = stage.rng, stage.canvas
    side = float(np.sign(stage.light.direction[0]) or 1)
    figure = Figure(lit_from=side * 0.5)
    figure.grain = 0.12
    line = ridge(rng, 65, roughness=roughness)
    wide = canvas.aspect + 0.06
    figure.polygon(
        [(-0.03, height * 0.3), (wide, height * 0.3), (wide, -0.006), (-0.03, -0.006)], colour * np.float32(0.5)
    )
    for row, tone in enumerate((0.6, 0.76, 0.9)):
        size = height * 0.36 * (1 - 0.18 * row)
        count = max(8, min(110, int(wide / (size * 0.7))))
        x = (np.arange(count) + rng.uniform(-0.4, 0.4, count)) / count * wide - 0.03
        sizes = size * rng.uniform(0.75, 1.3, count)
        crest = height * (0.4 + 0.6 * np.interp(x / canvas.aspect, np.linspace(0, 1, 65), line))
        y = np.maximum(crest * (1 - 0.3 * row) - sizes, sizes * 0.3)
        tones = tone + rng.uniform(-0.08, 0.1, count)
        hues = 1 + rng.uniform(-0.06, 0.06, (count, 3))
        rims = _RIM * rng.uniform(0.75, 1.15, (2, count, len(_RIM), 1))
        for i in range(count):
            middle = np.array((x[i], y[i]))
            shade = (colour * hues[i] * tones[i]).astype(np.float32)
            figure.polygon(middle + rims[0, i] * sizes[i], shade)
            lit = middle + np.array((side * 0.22, 0.3)) * sizes[i]
            figure.polygon(lit + rims[1, i] * (sizes[i] * 0.62), shade * np.float32(1.2))
    tint = stage.light.on((0, 0.6, -0.8))
    figure.paint(canvas, (0.0, base, 1.0), Ade.TREE, tint=tint, fog=stage.light.fog, haze=haze)


def ground(stage: Stage, material: Material, label: Ade, *, far: float = 400.0, lift: float = 0.0) -> None:
    """The ground plane from the camera to ``far`` metres."""
    reach = 3000.0
    corners = [(-reach, lift, 0.2), (reach, lift, 0.2), (reach, lift, far), (-reach, lift, far)]
    stage.quad(np.array(corners) + 0.0, material, label)


def water(
    stage: Stage,
    top: float,
    bottom: npt.NDArray[np.float64] | float,
    colour: Colour,
    label: Ade,
    *,
    calm: float = 0.6,
    far: float = 0.0,
) -> None:
    """Water between canvas height ``top`` and a shore: what stands above it mirrored, with ripples.

    Args:
        stage: what is painted on; everything that mirrors must be there already.
        top: the far shore.
        bottom: the near shore, one canvas height or outline points (N, 2) from left to right.
        colour: of the deep water.
        label: which class of water.
        calm: share of the mirror image, 0..1.
        far: height above ``top`` that a mirrored ray may reach at least.
    """
    canvas, rng = stage.canvas, stage.rng
    edge = np.array([(-0.05, bottom), (canvas.aspect + 0.05, bottom)]) if isinstance(bottom, float) else bottom
    outline = np.concatenate([[(-0.05, top), (canvas.aspect + 0.05, top)], edge[::-1]])
    found = canvas.mask([outline])
    if found is None:
        return
    rows, columns, covered = found
    x, y = canvas.grid(rows, columns)
    offset = np.float32(rng.uniform(0, 60))
    depth = 1 / np.maximum(y - np.float32(top) + np.float32(0.03), 0.01)
    u, v = (x - np.float32(canvas.aspect / 2)) * depth * np.float32(0.12), depth + offset
    waves = fbm(u, v * np.float32(1.6), 1.0, beta=1.0, footprint=depth * depth * np.float32(canvas.pixel))
    near = np.clip((y - np.float32(top)) * np.float32(2.5), 0, 1)
    shift = waves * (np.float32(0.006) + near * np.float32(0.03 * (1.4 - calm)))
    source_y = (np.float32(2 * top) - y + shift - np.float32(far)) * np.float32(canvas.height)
    source_x = (x + shift * np.float32(0.4)) * np.float32(canvas.height)
    above = np.ascontiguousarray(canvas.image[: max(rows.start + 1, 2)])
    map_x, map_y = np.broadcast_arrays(source_x, source_y)
    mirror = cv2.remap(
        above,
        map_x.astype(np.float32),
        np.clip(map_y, 0, above.shape[0] - 1).astype(np.float32),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    share = np.float32(calm) * (1 - near * np.float32(0.45))
    body = colour * (stage.light.on((0, 1, 0)) * np.float32(0.85))
    tone = body * (1 + waves * np.float32(0.1))[..., None]
    mixed = tone + (mirror * np.float32(0.92) - tone) * share[..., None]
    sparkle = np.clip(waves - np.float32(1.5), 0, 1)[..., None] * np.float32(0.35)
    mixed = mixed + (stage.light.fog - mixed) * sparkle
    canvas.stamp(rows, columns, covered, np.asarray(mixed, np.float32), label)


def shore(
    stage: Stage, level: float, wobble: float, *, points: int = 65, roughness: float = 0.45
) -> npt.NDArray[np.float64]:
    """A wavering line across the canvas around a height, (N, 2) from left to right."""
    line = ridge(stage.rng, points, roughness=roughness) - 0.5
    return np.stack([np.linspace(-0.05, stage.canvas.aspect + 0.05, points), level + wobble * line], 1)


def rock(rng: np.random.Generator, colour: Colour, *, lit_from: float = -0.5) -> Figure:
    """A boulder about 1 unit wide at the origin: facets, lighter towards the sun."""
    figure = Figure(lit_from=lit_from)
    high = rng.uniform(0.45, 0.75)
    rim = [
        (0.5 * np.cos(a) * rng.uniform(0.85, 1.1), high * 0.5 + high * 0.5 * np.sin(a) * rng.uniform(0.85, 1.1))
        for a in np.linspace(0, 2 * np.pi, 11, endpoint=False)
    ]
    rim = [(px, max(py, 0.0)) for px, py in rim]
    figure.polygon(rim, colour * np.float32(0.7))
    peak = (lit_from * 0.12 + rng.uniform(-0.08, 0.08), high * 0.68)
    for a, b in zip(rim, rim[1:] + rim[:1], strict=True):
        middle = np.array(((a[0] + b[0]) / 2 - peak[0], (a[1] + b[1]) / 2 - peak[1]))
        facing = float(np.clip((middle[0] * lit_from + middle[1]) / (np.hypot(*middle) + 1e-6), -1, 1))
        figure.polygon(
            [a, b, peak],
            mix(colour * np.float32(0.62), np.clip(colour * np.float32(1.18), 0, 1), 0.5 + 0.5 * facing)
            * np.float32(rng.uniform(0.94, 1.06)),
        )
    return figure


def meadow(stage: Stage, season: float) -> Texture:
    """Grass of a colour for the season, 0 summer to 1 autumn."""
    rng = stage.rng
    base = oklch(rng.uniform(0.5, 0.6), rng.uniform(0.09, 0.13), rng.uniform(118, 138) - 20 * season)
    return grass(base, oklch(rng.uniform(0.6, 0.72), 0.1, rng.uniform(95, 115)))
