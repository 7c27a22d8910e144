"""Open country: mountain lakes, and pastures with animals."""

from functools import partial

import numpy as np

from .ade import Ade
from .animals import SPECIES, animal
from .buildings import block
from .colours import oklch
from .figure import Figure
from .kerbside import fence
from .land import ground, meadow, mountains, shore, water, woods
from .pieces import (
    Piece,
    afloat,
    draw,
    ground_shader,
    nearest,
    on_ground,
    person_piece,
    rock_piece,
    sky_traffic,
    stand,
    sun_side,
    tree_piece,
)
from .stage import Stage
from .textures import rough
from .vehicles import boat
from .weather import Hour, sky


def lake(stage: Stage, hour: Hour) -> None:
    """Mountains over a lake, with a shore in front."""
    rng, canvas = stage.rng, stage.canvas
    sky(stage, hour)
    horizon = stage.camera.horizon
    season = float(rng.random() < 0.25)
    _ranges(stage, horizon, snow=rng.random() < 0.6)
    woods(stage, horizon + 0.004, rng.uniform(0.03, 0.11), oklch(0.42, 0.06, 140 - 60 * season), haze=0.25)
    near = rng.uniform(0.72, 0.92)
    river = rng.random() < 0.3
    label = Ade.WATER if river or rng.random() < 0.65 else Ade.LAKE
    tone = oklch(rng.uniform(0.38, 0.56), rng.uniform(0.03, 0.07), rng.uniform(190, 245))
    water(stage, horizon, 1.02, tone, label, calm=rng.uniform(0.35, 0.85))
    if rng.random() < 0.6:
        for _ in range(int(rng.integers(1, 4))):
            z = rng.uniform(18, 70)
            afloat(stage, boat(rng), (rng.uniform(-0.3, 0.3) * z, z), rng.uniform(0.8, 1.4))
    line = shore(stage, near, rng.uniform(0.08, 0.3))
    outline = np.concatenate([line, [(canvas.aspect + 0.05, 1.05), (-0.05, 1.05)]])
    lawn = meadow(stage, season)
    rim = outline + np.array((0, -0.012))
    earth = rough(oklch(0.55, 0.035, 75), size=0.4, amount=0.12)
    canvas.fill([rim], ground_shader(stage, earth), Ade.EARTH if rng.random() < 0.5 else Ade.SAND)
    canvas.fill([outline], ground_shader(stage, lawn), Ade.GRASS)
    pieces: list[Piece] = []
    for _ in range(int(rng.integers(2, 9))):
        x = rng.uniform(0, canvas.aspect)
        y = float(np.interp(x, line[:, 0], line[:, 1])) + rng.uniform(0, 0.1) ** 1.5
        on_ground(stage, pieces, rock_piece(stage), x, y)
    for _ in range(int(rng.integers(0, 5))):
        x = rng.choice((rng.uniform(0, 0.3), rng.uniform(0.7, 1.0))) * canvas.aspect
        y = float(np.interp(x, line[:, 0], line[:, 1])) + rng.uniform(0.01, 0.06)
        kind = str(rng.choice(("fir", "fir", "round", "tall")))
        on_ground(stage, pieces, tree_piece(stage, kind, season, (4, 9)), x, y)
    for _ in range(int(rng.integers(0, 3))):
        x = rng.uniform(0.1, 0.9) * canvas.aspect
        y = float(np.interp(x, line[:, 0], line[:, 1])) + rng.uniform(0.03, 0.1)
        on_ground(stage, pieces, person_piece(stage), x, y)
    draw(pieces)
    sky_traffic(stage)


def pasture(stage: Stage, hour: Hour) -> None:
    """Animals on grass, near or far, with trees, hills and fences behind them."""
    rng, canvas = stage.rng, stage.canvas
    sky(stage, hour)
    horizon = stage.camera.horizon
    season = float(rng.random() < 0.2)
    if rng.random() < 0.6:
        _ranges(stage, horizon, snow=rng.random() < 0.2, low=0.5)
    if rng.random() < 0.8:
        woods(stage, horizon + 0.006, rng.uniform(0.03, 0.14), oklch(0.42, 0.065, 138 - 60 * season), haze=0.2)
    ground(stage, meadow(stage, season), Ade.GRASS, far=3000)
    pieces: list[Piece] = []
    if rng.random() < 0.3:
        z, wide = rng.uniform(24, 60), rng.uniform(8, 16)
        x = rng.uniform(-0.5, 0.4) * z
        pieces.append((z, lambda: block(stage, x, x + wide, z, rng.uniform(3.5, 6.5))))
    for _ in range(int(rng.integers(0, 5))):
        z = rng.uniform(14, 60)
        make = tree_piece(stage, str(rng.choice(("round", "wide", "tall", "fir"))), season, (5, 9))
        pieces.append(make((rng.uniform(-0.8, 0.8) * z, z)))
    if rng.random() < 0.4:
        z = rng.uniform(9, 22)
        slant = rng.uniform(-3, 3)
        pieces.append((z, lambda: fence(stage, (-z, z - slant), (z, z + slant), wooden=True)))
    species = str(rng.choice(SPECIES, p=(0.28, 0.24, 0.16, 0.12, 0.08, 0.12)))
    reach = {"cow": 1.5, "sheep": 0.85, "horse": 1.9, "dog": 0.65, "cat": 0.5, "bird": 0.5}[species]
    close = rng.uniform(0.16, 0.6)
    count = 1 if close > 0.42 else int(rng.integers(1, 7))
    for i in range(count):
        share = close if i == 0 else close * rng.uniform(0.3, 0.9)
        z = max(stage.camera.focal * reach / share, nearest(stage))
        span = canvas.aspect * 0.42 * z / stage.camera.focal
        x = (canvas.aspect / 2 - stage.camera.centre) * z / stage.camera.focal + rng.uniform(-span, span) * (
            0.4 if i == 0 else 1
        )
        flip = bool(rng.random() < 0.5)
        figure = animal(rng, species, lit_from=sun_side(stage, flip=flip))
        spread = reach * 1.3
        pieces.append(
            (
                z,
                partial(stand, stage, figure, (x, z), Ade.ANIMAL, flip=flip, spread=spread, soft=0.006 * spread),
            )
        )
    if rng.random() < 0.25:
        z = rng.uniform(7, 16)
        pieces.append(person_piece(stage)((rng.uniform(-0.4, 0.4) * z, z)))
    for _ in range(int(rng.integers(0, 4))):
        z = rng.uniform(5, 20)
        pieces.append(rock_piece(stage)((rng.uniform(-0.7, 0.7) * z, z)))
    draw(pieces)
    _tufts(stage, season)
    sky_traffic(stage)


def _ranges(stage: Stage, horizon: float, *, snow: bool, low: float = 1.0) -> None:
    rng = stage.rng
    count = int(rng.integers(1, 4))
    label = Ade.MOUNTAIN if low == 1.0 or snow else Ade.HILL if rng.random() < 0.4 else Ade.MOUNTAIN
    for i in range(count):
        share = 1 - i / count
        colour = (
            oklch(0.5 + 0.05 * share, 0.05 - 0.03 * share, 130 + 100 * share)
            if i < count - 1
            else oklch(rng.uniform(0.4, 0.5), 0.06, rng.uniform(110, 140))
        )
        height = horizon * rng.uniform(0.35, 0.7) * share * low
        mountains(
            stage,
            horizon + 0.003,
            height,
            colour,
            label,
            haze=0.12 + 0.4 * share,
            snow=snow and i == 0,
            roughness=rng.uniform(0.45, 0.6),
        )


def _tufts(stage: Stage, season: float) -> None:
    """Grass in front of everything and some flowers in it, as a camera near the ground sees them."""
    rng, canvas = stage.rng, stage.canvas
    green = oklch(0.5, 0.11, 128 - 20 * season)
    figure = Figure()
    for _ in range(int(rng.integers(20, 70))):
        x, tall = rng.uniform(0, canvas.aspect), rng.uniform(0.02, 0.07)
        lean = rng.uniform(-0.5, 0.5) * tall
        figure.limb(
            [(x, -0.02), (x + lean * 0.4, tall * 0.6), (x + lean, tall)],
            [0.006, 0.004, 0.001],
            green * np.float32(rng.uniform(0.7, 1.3)),
            round_=0,
        )
    figure.paint(canvas, (0.0, 1.0, 1.0), Ade.GRASS, tint=stage.light.on((0, 0.7, -0.7)))
