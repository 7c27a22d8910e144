"""Small things for rooms: lamps, vases, books, potted plants and everything stuffed."""

import cv2
import numpy as np
import numpy.typing as npt

from .ade import Ade
from .canvas import Floats
from .colours import Colour, oklch, rgb
from .figure import Figure
from .plants import flower, house_plant
from .stage import Stage


def blob(
    stage: Stage,
    centre: tuple[float, float],
    size: tuple[float, float, float],
    colour: Colour,
    label: Ade,
    number: int | None = None,
    *,
    base: float = 0.0,
    yaw: float = 0.0,
    power: float = 0.6,
) -> None:
    """A soft thing (pillow, pouf, pot): the outline of a superellipsoid, lighter on top; ``power`` 1 is round."""

    def bent(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return np.asarray(np.sign(values) * np.abs(values) ** power)

    polar, around = np.meshgrid(np.linspace(-np.pi / 2, np.pi / 2, 9), np.linspace(0, 2 * np.pi, 16, endpoint=False))
    local = np.stack(
        [bent(np.cos(polar)) * bent(np.cos(around)), bent(np.sin(polar)), bent(np.cos(polar)) * bent(np.sin(around))],
        -1,
    ).reshape(-1, 3)
    local = local * np.array(size) / 2
    c, s = np.cos(yaw), np.sin(yaw)
    world = np.stack(
        [
            centre[0] + c * local[:, 0] - s * local[:, 2],
            base + size[1] / 2 + local[:, 1],
            centre[1] + s * local[:, 0] + c * local[:, 2],
        ],
        1,
    )
    if world[:, 2].min() < 0.3:
        return
    hull = cv2.convexHull(stage.camera.project(world).astype(np.float32))[:, 0].astype(np.float64)
    top, bottom = float(hull[:, 1].min()), float(hull[:, 1].max())
    lit, dim = stage.light.on((0, 0.8, -0.6)), stage.light.on((0, -0.6, -0.8)) * np.float32(0.86)
    slope = np.float32(np.sign(stage.light.direction[0]) * 0.12 / max(float(np.ptp(hull[:, 0])), 1e-3))
    middle = np.float32(hull[:, 0].mean())

    def paint(x: Floats, y: Floats) -> Floats:
        share = np.clip((y - np.float32(top)) / np.float32(max(bottom - top, 1e-4)), 0, 1)
        tone = share * share * np.ones_like(x)
        side = 1 + (x - middle) * slope
        return np.asarray(colour * (lit + (dim - lit) * tone[..., None]) * side[..., None], np.float32)

    stage.canvas.fill([hull], paint, label, number)


def vase(stage: Stage, spot: tuple[float, float], base: float) -> None:
    """A vase with flowers."""
    rng = stage.rng
    tint = stage.light.on((0, 0.5, -0.8))
    x, y, unit = stage.at(spot[0], base, spot[1])
    stems, blossom = Figure(), oklch(rng.uniform(0.62, 0.82), 0.16, rng.uniform(-40, 100))
    heads = [(rng.uniform(-0.15, 0.15), rng.uniform(0.32, 0.5)) for _ in range(int(rng.integers(4, 8)))]
    for hx, hy in heads:
        stems.limb([(0, 0.2), (hx, hy)], 0.012, oklch(0.5, 0.1, 135), round_=0)
        stems.ball(hx * 0.6, hy * 0.8, 0.045, 0.02, oklch(0.5, 0.11, 135), turn=1.0 if hx > 0 else -1.0)
    stems.paint(stage.canvas, (x, y, unit), Ade.PLANT, tint=tint)
    number = stage.canvas.new_id(Ade.FLOWER)
    for hx, hy in heads:
        flower(rng, blossom).paint(
            stage.canvas, (x + hx * unit, y - hy * unit, unit * 0.13), Ade.FLOWER, number, tint=tint
        )
    body = Figure(lit_from=float(np.sign(stage.light.direction[0])) * 0.6)
    glaze = oklch(rng.uniform(0.5, 0.85), rng.uniform(0.02, 0.12), rng.uniform(0, 360))
    body.limb([(0, 0.05), (0, 0.12), (0, 0.21)], [0.1, 0.15, 0.08], glaze)
    body.paint(stage.canvas, (x, y, unit), Ade.VASE, tint=tint)


def books(stage: Stage, spot: tuple[float, float], base: float) -> None:
    """A pile of books."""
    rng = stage.rng
    yaw = rng.uniform(-0.6, 0.6)
    for _ in range(int(rng.integers(1, 4))):
        cover = oklch(rng.uniform(0.35, 0.75), rng.uniform(0.05, 0.15), rng.uniform(0, 360))
        thick = rng.uniform(0.025, 0.05)
        stage.box(spot, (0.25, thick, 0.18), cover, Ade.BOOK, base=base, yaw=yaw + rng.uniform(-0.2, 0.2))
        base += thick


def table_lamp(stage: Stage, spot: tuple[float, float], base: float) -> None:
    """A lamp for a table top."""
    lamp(stage, spot, base, tall=stage.rng.uniform(0.4, 0.55))


def lamp(stage: Stage, spot: tuple[float, float], base: float, *, tall: float) -> None:
    """A lamp with a cloth shade, on the floor or on furniture."""
    rng = stage.rng
    x, y, unit = stage.at(spot[0], base, spot[1])
    figure = Figure()
    wide = 0.17 + 0.06 * tall
    high = min(0.26 + 0.08 * tall, tall * 0.5)
    foot = oklch(rng.uniform(0.3, 0.75), 0.05, rng.uniform(20, 100))
    figure.ball(0, 0.02, wide * 0.62, 0.025, foot)
    if tall < 0.8:
        figure.ball(0, tall * 0.28, wide * 0.42, tall * 0.25, foot)
    figure.limb([(0, 0), (0, tall - high)], 0.028, foot)
    cloth = oklch(0.93, rng.uniform(0.03, 0.09), rng.uniform(60, 95))
    low, top = tall - high, tall
    figure.polygon([(-wide, low), (wide, low), (wide * 0.66, top), (-wide * 0.66, top)], cloth * np.float32(0.97))
    figure.polygon(
        [(-wide * 0.6, low), (wide * 0.6, low), (wide * 0.4, top), (-wide * 0.4, top)],
        np.clip(cloth * np.float32(1.1), 0, 1),
    )
    figure.paint(stage.canvas, (x, y, unit), Ade.LAMP, tint=np.ones(3, np.float32), soft=0.012)
    stage.canvas.glow(
        x, y - (tall - high / 2) * unit, 0.34 * unit, rgb(255, 214, 150) * np.float32(rng.uniform(0.15, 0.5))
    )


def pot_plant(stage: Stage, spot: tuple[float, float]) -> None:
    """A plant in a pot on the floor."""
    rng = stage.rng
    size = rng.uniform(0.7, 1.3)
    stage.shadow(spot, (0.4, 0.4))
    glaze = oklch(rng.uniform(0.5, 0.85), rng.uniform(0.02, 0.1), rng.uniform(20, 90))
    x, y, unit = stage.at(spot[0], 0.0, spot[1])
    tint = stage.light.on((0, 0.5, -0.8))
    pot = Figure(lit_from=float(np.sign(stage.light.direction[0])) * 0.6)
    pot.polygon([(-0.13, 0), (0.13, 0), (0.19, 0.32), (-0.19, 0.32)], glaze)
    pot.polygon([(-0.04, 0), (0.13, 0), (0.19, 0.32), (-0.02, 0.32)], glaze * np.float32(0.84))
    pot.polygon([(-0.2, 0.28), (0.2, 0.28), (0.2, 0.34), (-0.2, 0.34)], glaze * np.float32(1.05))
    pot.paint(stage.canvas, (x, y, unit), Ade.POT, tint=tint, soft=0.01)
    house_plant(rng).paint(stage.canvas, (x, y - 0.3 * unit, unit * size), Ade.PLANT, tint=tint)
