"""Days out: parks with paths and flower beds, and beaches."""

from functools import partial

import numpy as np
import numpy.typing as npt

from .ade import Ade
from .animals import animal
from .buildings import block
from .colours import Colour, oklch, rgb
from .figure import Figure
from .kerbside import bench
from .land import ground, meadow, mountains, shore, water, woods
from .pieces import (
    Piece,
    afloat,
    boat_piece,
    bush_piece,
    draw,
    ground_shader,
    on_ground,
    person_piece,
    rock_piece,
    sky_traffic,
    stand,
    sun_side,
    tree_piece,
)
from .plants import flower
from .stage import Stage
from .textures import rough
from .vehicles import boat
from .weather import Hour, sky


def park(stage: Stage, hour: Hour) -> None:
    """Lawns and a path, flower beds, benches, trees and people, houses beyond."""
    rng, canvas = stage.rng, stage.canvas
    sky(stage, hour)
    horizon = stage.camera.horizon
    season = float(rng.random() < 0.3)
    if rng.random() < 0.6:
        z, x = rng.uniform(55, 90), -60.0
        while x < 60:
            wide = rng.uniform(9, 18)
            if rng.random() < 0.75:
                block(stage, x, x + wide, z, rng.uniform(8, 20))
            x += wide + rng.uniform(0, 6)
    woods(stage, horizon + 0.012, rng.uniform(0.05, 0.17), oklch(0.44, 0.075, 136 - 60 * season), haze=0.15)
    ground(stage, meadow(stage, season), Ade.GRASS, far=3000)
    path = rough(oklch(rng.uniform(0.66, 0.8), 0.025, 75), size=0.5, amount=0.05)
    bend, half = rng.uniform(-6, 6), rng.uniform(0.9, 1.8)
    start = rng.uniform(-2, 2)
    depths = np.concatenate([np.linspace(0.6, 12, 24), np.linspace(13, 45, 16)])
    middle = start + bend * (depths / 22) ** 2 + np.sin(depths / 5 + start) * 0.7
    world = np.concatenate([np.stack([middle + s * half, 0 * depths, depths], 1)[::-s] for s in (-1, 1)])
    canvas.fill(
        [stage.camera.project(world)],
        ground_shader(stage, path),
        Ade.PATH if rng.random() < 0.4 else Ade.ROAD if rng.random() < 0.5 else Ade.SIDEWALK,
    )
    pieces: list[Piece] = []
    blossom = oklch(rng.uniform(0.6, 0.8), 0.17, rng.choice((10.0, 350.0, 60.0, 90.0, 310.0, 25.0)))
    for _ in range(int(rng.integers(4, 9))):
        z_ = rng.uniform(6, 34)
        pieces.append(
            tree_piece(stage, str(rng.choice(("round", "wide", "round", "tall", "fir"))), season, (4.5, 8.5))(
                _beside(rng, z_, middle, depths, half + 1.2)
            )
        )
    for _ in range(int(rng.integers(1, 5))):
        z_ = rng.uniform(4, 16)
        pieces.append(
            bush_piece(stage, season, blossom if rng.random() < 0.6 else None)(
                _beside(rng, z_, middle, depths, half + 1.2)
            )
        )
    for _ in range(int(rng.integers(0, 3))):
        z_ = rng.uniform(4.5, 14)
        x = float(np.interp(z_, depths, middle)) + rng.choice((-1, 1)) * (half + 0.7)
        pieces.append((z_, partial(bench, stage, (x, z_))))
    for _ in range(int(rng.integers(1, 7))):
        z_ = rng.uniform(3.5, 20)
        x = float(np.interp(z_, depths, middle)) + rng.uniform(-1.2, 1.2) * half * (1 if rng.random() < 0.7 else 3)
        pieces.append(person_piece(stage)((x, z_)))
    if rng.random() < 0.3:
        for _ in range(int(rng.integers(1, 3))):
            z_ = rng.uniform(2.1, 3.2)
            x = (rng.uniform(0.15, 0.85) * canvas.aspect - stage.camera.centre) * z_ / stage.camera.focal
            pieces.append(person_piece(stage)((x, z_)))
    for _ in range(int(rng.integers(0, 3))):
        z_ = rng.uniform(3.5, 10)
        species = str(rng.choice(("dog", "bird", "cat", "dog")))
        flip = bool(rng.random() < 0.5)
        figure = animal(rng, species, lit_from=sun_side(stage, flip=flip))
        x = float(np.interp(z_, depths, middle)) + rng.uniform(-2.5, 2.5)
        pieces.append(
            (
                z_,
                partial(stand, stage, figure, (x, z_), Ade.ANIMAL, flip=flip, spread=0.7),
            )
        )
    draw(pieces)
    if rng.random() < 0.5:
        _flower_bed(stage, blossom)
    sky_traffic(stage)


def beach(stage: Stage, hour: Hour) -> None:
    """Sea and sand, boats out there, people and rocks on the shore."""
    rng, canvas = stage.rng, stage.canvas
    sky(stage, hour)
    horizon = stage.camera.horizon
    if rng.random() < 0.45:
        mountains(stage, horizon, rng.uniform(0.04, 0.16), oklch(0.5, 0.05, 130), Ade.MOUNTAIN, haze=0.5)
    tone = oklch(rng.uniform(0.42, 0.62), rng.uniform(0.06, 0.1), rng.uniform(195, 240))
    water(stage, horizon, 1.02, tone, Ade.SEA if rng.random() < 0.65 else Ade.WATER, calm=rng.uniform(0.15, 0.45))
    for _ in range(int(rng.integers(0, 5))):
        z = rng.uniform(16, 90)
        afloat(stage, boat(rng), (rng.uniform(-0.6, 0.6) * z, z), rng.uniform(0.9, 1.6))
    tilt = rng.uniform(-0.16, 0.16)
    line = shore(stage, rng.uniform(0.62, 0.84), rng.uniform(0.03, 0.09))
    line[:, 1] += tilt * (line[:, 0] / canvas.aspect - 0.5) * 2
    line[:, 1] = np.maximum(line[:, 1], horizon + 0.05)
    corners = [(canvas.aspect + 0.05, 1.05), (-0.05, 1.05)]
    for lift, colour, opacity in ((-0.02, rgb(252, 252, 248), 0.75), (-0.008, rgb(252, 252, 248), 0.9)):
        canvas.fill(
            [np.concatenate([line + np.array((0, lift)), line[::-1] + np.array((0, lift + 0.008))])],
            colour,
            opacity=opacity,
        )
    sand = oklch(rng.uniform(0.84, 0.92), rng.uniform(0.03, 0.06), rng.uniform(70, 88))
    dry = rough(sand, size=0.7, amount=0.06)
    canvas.fill([np.concatenate([line, corners])], ground_shader(stage, dry), Ade.SAND)
    wet = line + np.array((0, 0.02))
    canvas.multiply([np.concatenate([line, wet[::-1]])], sand * np.float32(0.9), blur=0.006, opacity=0.7)
    pieces: list[Piece] = []

    def spot(low: float, high: float) -> tuple[float, float]:
        x = rng.uniform(0, canvas.aspect)
        return x, float(np.interp(x, line[:, 0], line[:, 1])) + rng.uniform(low, high)

    for _ in range(int(rng.integers(0, 6))):
        on_ground(stage, pieces, rock_piece(stage), *spot(-0.02, 0.08))
    for _ in range(int(rng.integers(1, 7))):
        on_ground(stage, pieces, person_piece(stage), *spot(0.0, 0.12))
    if rng.random() < 0.4:
        on_ground(stage, pieces, boat_piece(stage), *spot(0.03, 0.1))
    if rng.random() < 0.4:
        figure = animal(rng, str(rng.choice(("dog", "bird"))), lit_from=sun_side(stage))
        x, y = spot(0.05, 0.15)
        z = stage.camera.reach(y)
        pieces.append(
            (
                z,
                lambda: stand(
                    stage, figure, ((x - stage.camera.centre) * z / stage.camera.focal, z), Ade.ANIMAL, spread=0.6
                ),
            )
        )
    draw(pieces)
    sky_traffic(stage)


def _beside(
    rng: np.random.Generator, z: float, middle: npt.NDArray[np.float64], depths: npt.NDArray[np.float64], clear: float
) -> tuple[float, float]:
    """A place off the path at distance ``z``."""
    return float(np.interp(z, depths, middle)) + float(rng.choice((-1, 1))) * (clear + rng.uniform(0, 0.5) * z), z


def _flower_bed(stage: Stage, blossom: Colour) -> None:
    """Flowers close to the camera along the lower edge."""
    rng, canvas = stage.rng, stage.canvas
    tint = stage.light.on((0, 0.6, -0.8))
    left = rng.uniform(0, 0.5) * canvas.aspect
    wide = rng.uniform(0.3, 0.7) * canvas.aspect
    stems = Figure()
    heads = []
    for _ in range(int(rng.integers(8, 26))):
        x, y, size = left + rng.uniform(0, wide), rng.uniform(0.8, 0.98), rng.uniform(0.03, 0.085)
        stems.limb([(x, 1 - y), (x + rng.uniform(-0.02, 0.02), -0.02)], 0.008, oklch(0.45, 0.1, 135), round_=0)
        heads.append((x, y, size))
        for side in (-1, 1):
            stems.ball(
                x + side * 0.02, (1 - y) * 0.5, 0.03, 0.01, oklch(rng.uniform(0.4, 0.55), 0.11, 135), turn=side * 0.7
            )
    stems.paint(canvas, (0.0, 1.0, 1.0), Ade.PLANT, tint=tint)
    for x, y, size in sorted(heads, key=lambda head: head[1]):
        flower(rng, blossom * np.float32(rng.uniform(0.85, 1.1))).paint(canvas, (x, y, size), Ade.FLOWER, tint=tint)
