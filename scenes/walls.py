"""The shell of a room: its surfaces, rugs and hanging lamps."""

import numpy as np

from .ade import Ade
from .canvas import Floats
from .colours import mix, oklch, rgb
from .figure import Figure
from .stage import Stage, Texture
from .textures import fabric, planks, rough, stripes, tiles


class Room:
    """A box-shaped room around the camera with a palette of its own."""

    def __init__(self, stage: Stage) -> None:
        rng = stage.rng
        self.stage = stage
        self.left, self.right = -rng.uniform(1.5, 2.7), rng.uniform(1.5, 2.7)
        self.back, self.high = rng.uniform(3.9, 6.2), rng.uniform(2.45, 2.9)
        hue = rng.uniform(0, 360)
        warm = rng.uniform(35, 95)
        self.wall = oklch(rng.uniform(0.72, 0.93), rng.uniform(0.008, 0.06), hue if rng.random() < 0.5 else warm)
        self.accent = oklch(
            rng.uniform(0.45, 0.72), rng.uniform(0.06, 0.13), hue + rng.choice((0.0, 40.0, 180.0, -60.0))
        )
        self.second = oklch(rng.uniform(0.5, 0.82), rng.uniform(0.04, 0.11), hue + rng.choice((20.0, 150.0, 210.0)))
        self.timber = (
            oklch(rng.uniform(0.38, 0.72), rng.uniform(0.04, 0.08), rng.uniform(45, 75))
            if rng.random() < 0.8
            else oklch(0.9, 0.012, 90)
        )
        self.taken: list[tuple[float, float, float, float]] = []

    def free(self, x: float, z: float, width: float, depth: float) -> bool:
        """Reserve a rectangle on the floor if nothing stands there."""
        box = (x - width / 2, x + width / 2, z - depth / 2, z + depth / 2)
        if box[0] < self.left or box[1] > self.right or box[3] > self.back:
            return False
        if any(box[0] < o[1] and o[0] < box[1] and box[2] < o[3] and o[2] < box[3] for o in self.taken):
            return False
        self.taken.append(box)
        return True

    def on_wall(
        self, wall: str, start: float, stop: float, low: float, high: float, out: float = 0.0
    ) -> list[tuple[float, float, float]]:
        """Corners of a rectangle on the "back", "left" or "right" wall; ``start`` and ``stop`` in X or Z."""
        if wall == "back":
            z = self.back - out
            return [(start, low, z), (stop, low, z), (stop, high, z), (start, high, z)]
        x = self.left + out if wall == "left" else self.right - out
        return [(x, low, start), (x, low, stop), (x, high, stop), (x, high, start)]

    def span(self, wall: str) -> tuple[float, float]:
        """The visible part of a wall, in X or Z."""
        if wall == "back":
            return self.left, self.right
        reach = abs(self.left if wall == "left" else self.right)
        return max(0.8, reach * self.stage.camera.focal / 0.75), self.back


def _edged(texture: Texture, width: float, height: float, depth: float = 0.2) -> Texture:
    """Darken a surface towards its edges, as corners of rooms are."""

    def shaded(u: Floats, v: Floats, foot: Floats) -> Floats:
        edge = np.minimum(np.minimum(u, width - u), np.minimum(v, height - v))
        dark = np.exp(-np.maximum(edge, 0) / np.float32(0.3)) * np.float32(depth)
        return np.asarray(texture(u, v, foot) * (1 - dark)[..., None], np.float32)

    return shaded


def shell(r: Room) -> None:
    """Floor, ceiling and walls with their skirting."""
    stage, rng = r.stage, r.stage.rng
    if rng.random() < 0.2:
        paper: Texture = stripes(r.wall, r.wall * np.float32(0.93), period=rng.uniform(0.12, 0.4))
    else:
        paper = rough(r.wall, size=1.0, amount=0.015, beta=1.3)
    floor_kind = rng.random()
    if floor_kind < 0.6:
        floor: Texture = planks(
            oklch(rng.uniform(0.42, 0.74), rng.uniform(0.035, 0.08), rng.uniform(50, 78)),
            along_u=bool(rng.random() < 0.4),
        )
    elif floor_kind < 0.8:
        base = oklch(rng.uniform(0.6, 0.88), 0.02, rng.uniform(40, 100))
        floor = tiles(
            base,
            base * np.float32(0.75),
            side=rng.uniform(0.3, 0.6),
            other=base * np.float32(0.72) if rng.random() < 0.3 else None,
        )
    else:
        floor = fabric(oklch(rng.uniform(0.5, 0.78), rng.uniform(0.01, 0.06), rng.uniform(0, 360)), amount=0.07)
    near = 0.2
    wide, deep = r.right - r.left, r.back - near
    ceiling = rough(mix(r.wall, rgb(252, 250, 246), 0.8), size=1.5, amount=0.01)
    stage.quad(
        [(r.left, 0, near), (r.right, 0, near), (r.right, 0, r.back), (r.left, 0, r.back)],
        _edged(floor, wide, deep + 9, 0.25),
        Ade.FLOOR,
    )
    stage.quad(
        [(r.left, r.high, near), (r.right, r.high, near), (r.right, r.high, r.back), (r.left, r.high, r.back)],
        _edged(ceiling, wide, deep + 9, 0.12),
        Ade.CEILING,
        lit=stage.light.ambient * np.float32(0.95),
    )
    for wall in ("back", "left", "right"):
        start, stop = (r.left, r.right) if wall == "back" else (near, r.back)
        stage.quad(r.on_wall(wall, start, stop, 0, r.high), _edged(paper, stop - start, r.high), Ade.WALL)
    trim = mix(r.wall, rgb(250, 248, 244), 0.75)
    for wall in ("back", "left", "right"):
        start, stop = (r.left, r.right) if wall == "back" else (near, r.back)
        stage.quad(r.on_wall(wall, start, stop, 0, 0.1, 0.01), trim, Ade.WALL)
        stage.quad(r.on_wall(wall, start, stop, r.high - 0.07, r.high, 0.01), trim, Ade.WALL)


def rug(r: Room, x: float, z: float, width: float, depth: float) -> None:
    """A striped, plain or round rug around a floor point."""
    stage, rng = r.stage, r.stage.rng
    first, second = r.second, mix(r.second, rgb(246, 238, 222), 0.7)
    pattern = (
        stripes(first, second, period=rng.uniform(0.1, 0.5), along_u=bool(rng.random() < 0.5))
        if rng.random() < 0.5
        else fabric(first, amount=0.08)
    )
    if rng.random() < 0.3:
        angle = np.linspace(0, 2 * np.pi, 40, endpoint=False)
        ring = np.stack([x + width / 2 * np.cos(angle), 0 * angle, z + depth / 2 * np.sin(angle)], 1)
        ring = ring[np.argsort(-angle)] if rng.random() < 0.5 else ring
        axis = np.array((1.0, 0, 0)), np.array((0, 0, 1.0))
        shader = stage.shader(np.array((x, 0.0, z)), *axis, fabric(first, amount=0.08), stage.light.on((0, 1, 0)))
        stage.canvas.fill([stage.camera.project(ring)], shader, Ade.RUG)
        return
    for inset, material in ((0.0, fabric(second, amount=0.05)), (0.12, pattern)):
        a, b, c, d = x - width / 2 + inset, x + width / 2 - inset, z - depth / 2 + inset, z + depth / 2 - inset
        stage.quad([(a, 0, c), (b, 0, c), (b, 0, d), (a, 0, d)], material, Ade.RUG)


def pendant(r: Room) -> None:
    """A lamp that hangs from the ceiling."""
    stage, rng = r.stage, r.stage.rng
    z = rng.uniform(2.4, r.back - 0.8)
    x, y, unit = stage.at(rng.uniform(-0.4, 0.6), r.high, z)
    drop = rng.uniform(0.4, 0.75)
    figure = Figure()
    figure.limb([(0, 0), (0, -drop)], 0.014, rgb(60, 56, 54), round_=0)
    shade = mix(r.accent, rgb(250, 244, 230), rng.uniform(0, 0.8))
    figure.polygon([(-0.24, -drop - 0.2), (0.24, -drop - 0.2), (0.08, -drop), (-0.08, -drop)], shade)
    figure.ball(0, -drop - 0.2, 0.2, 0.035, rgb(255, 244, 214), round_=0)
    figure.paint(stage.canvas, (x, y, unit), Ade.LIGHT, tint=stage.light.ambient)
    stage.canvas.glow(x, y + (drop + 0.24) * unit, 0.35 * unit, rgb(255, 222, 170) * np.float32(rng.uniform(0.1, 0.4)))
