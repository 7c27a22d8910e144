"""Streets: a road towards the vanishing point between houses, with traffic, people and trees."""

from functools import partial

import numpy as np

from .ade import Ade
from .buildings import block, house
from .colours import oklch
from .kerbside import cyclist, fence, sign, streetlight, traffic_light
from .land import woods
from .people import person
from .pieces import Piece, stand, sun_side
from .plants import tree
from .stage import Material, Stage
from .textures import rough, tiles
from .vehicles import bus, car
from .weather import Hour, sky


def street(stage: Stage, hour: Hour) -> None:
    """Paint a street onto an empty stage."""
    rng = stage.rng
    half = rng.uniform(3.2, 6.0)
    walk = rng.uniform(1.8, 3.6)
    season = float(rng.random() < 0.25)
    sky(stage, hour)
    horizon = stage.camera.horizon
    if rng.random() < 0.7:
        woods(stage, horizon + 0.005, rng.uniform(0.03, 0.09), oklch(0.45, 0.06, 135), haze=0.4)
    grey = float(rng.uniform(0.4, 0.62))
    verge = rng.random() < 0.3
    lawn = rough(oklch(rng.uniform(0.5, 0.6), 0.09, rng.uniform(115, 135)), size=1.2, amount=0.1)
    paving = oklch(rng.uniform(0.62, 0.76), 0.015, 70)
    slabs = tiles(paving, paving * np.float32(0.8), side=0.6, joint=0.02)
    kerb = oklch(0.72, 0.01, 80)
    for side in (-1, 1):
        _strip(stage, side * (half + walk + 14), side * 2000, lawn, Ade.GRASS)
        beside = (lawn, Ade.GRASS) if verge else (slabs, Ade.SIDEWALK)
        _strip(stage, side * (half + walk), side * (half + walk + 14.2), *beside)
        _strip(stage, side * half, side * (half + walk), slabs, Ade.SIDEWALK)
        _strip(stage, side * half, side * (half + 0.18), kerb, Ade.SIDEWALK)
    _strip(stage, -half, half, rough(oklch(grey, 0.008, 260), size=3.0, amount=0.055), Ade.ROAD)
    _markings(stage, half)
    _houses(stage, half + walk + (rng.uniform(1.5, 4.0) if verge else 0.05))
    pieces = [*_traffic(stage, half), *_pavement(stage, half, walk, season)]
    for z, draw in sorted(pieces, key=lambda piece: -piece[0]):
        if z > 0.8:
            draw()


def _strip(stage: Stage, left: float, right: float, material: Material, label: Ade) -> None:
    stage.quad([(left, 0, 0.2), (right, 0, 0.2), (right, 0, 400), (left, 0, 400)], material, label)


def _markings(stage: Stage, half: float) -> None:
    rng = stage.rng
    white = oklch(0.9, 0.01, 90)
    start = rng.uniform(0, 4)
    for k in range(14):
        z = start + 4.5 * k
        stage.quad([(-0.07, 0, z), (0.07, 0, z), (0.07, 0, z + 2), (-0.07, 0, z + 2)], white, opacity=0.8)
    for x in (-half + 0.3, half - 0.3):
        stage.quad([(x - 0.06, 0, 0.2), (x + 0.06, 0, 0.2), (x + 0.06, 0, 90), (x - 0.06, 0, 90)], white, opacity=0.6)
    if rng.random() < 0.35:
        z = rng.uniform(4.5, 11)
        for x in np.arange(-half + 0.5, half - 0.5, 1.0):
            stage.quad([(x, 0, z), (x + 0.5, 0, z), (x + 0.5, 0, z + 2.6), (x, 0, z + 2.6)], white, opacity=0.85)


def _houses(stage: Stage, edge: float) -> None:
    rng = stage.rng
    end = rng.uniform(45, 110)
    if rng.random() < 0.6:
        x = -edge - 20.0
        while x < edge + 20:
            wide = rng.uniform(6, 13)
            block(stage, x, x + wide, end + rng.uniform(4, 25), rng.uniform(6, 16))
            x += wide + rng.uniform(-1, 3)
    for side in (-1.0, 1.0):
        rows = []
        z = rng.uniform(-6, 5)
        tall = rng.uniform(5.5, 11)
        open_side = rng.random() < 0.15
        while z < end:
            length = rng.uniform(6, 14)
            if not open_side or rng.random() < 0.35:
                rows.append((z, z + length))
            z += length + (rng.uniform(2, 7) if rng.random() < 0.25 else 0.0)
        for near, far in reversed(rows):
            roof = oklch(rng.uniform(0.36, 0.5), rng.uniform(0.02, 0.1), rng.uniform(25, 55))
            house(
                stage,
                side * (edge + (rng.uniform(0, 1.0) if rng.random() < 0.3 else 0)),
                near,
                far,
                tall * rng.uniform(0.75, 1.3),
                rng.uniform(7, 11),
                roof=roof,
                gable=rng.random() < 0.6,
            )


def _traffic(stage: Stage, half: float) -> list[Piece]:
    rng = stage.rng
    pieces: list[Piece] = []
    taken: list[tuple[float, float]] = []

    def park(x: float, z: float, heading: float, *, big: bool = False) -> None:
        """A vehicle, unless it would stand in another one."""
        reach = 7.5 if big else 5.4
        if any(abs(x - ox) < 2.4 and abs(z - oz) < reach for ox, oz in taken):
            return
        taken.append((x, z))
        kind = bus if big else car
        pieces.append((z, lambda: kind(stage, (x, z), heading)))

    if rng.random() < 0.3:
        z = rng.uniform(6.5, 14)
        heading = float(rng.choice((0.0, np.pi))) + rng.uniform(-0.35, 0.35)
        x = rng.uniform(-half * 0.4, half * 0.4)
        park(x, z, heading)
        taken += [(x - 2.3, z), (x + 2.3, z)]
    z = rng.uniform(5.0, 11.0)
    for _ in range(int(rng.integers(1, 6))):
        lane = half * 0.42 * float(rng.choice((-1, 1)))
        heading = np.pi / 2 if lane > 0 else -np.pi / 2
        park(lane + rng.uniform(-0.2, 0.2), z, heading, big=bool(rng.random() < 0.1 and z > 14))
        z += rng.uniform(5, 16)
    if half > 4.0:
        for side in (-1, 1):
            z = rng.uniform(4.5, 12)
            if rng.random() < 0.6:
                for _ in range(int(rng.integers(1, 6))):
                    park(side * (half - 0.95), z, side * np.pi / 2 + rng.uniform(-0.04, 0.04))
                    z += rng.uniform(5.4, 8.0)
    if rng.random() < 0.4:
        z = rng.uniform(4, 16)
        spot = (rng.uniform(-half, half) * 0.9, z)
        if all(abs(spot[0] - ox) > 1.6 or abs(z - oz) > 2.8 for ox, oz in taken):
            pieces.append((z, lambda: cyclist(stage, spot)))
    return pieces


def _pavement(stage: Stage, half: float, walk: float, season: float) -> list[Piece]:
    rng = stage.rng
    pieces: list[Piece] = []
    for _ in range(int(rng.integers(2, 9))):
        z = rng.uniform(3.0, 24)
        crossing = rng.random() < 0.2
        x = rng.uniform(-half, half) if crossing else rng.choice((-1, 1)) * (half + rng.uniform(0.5, walk - 0.3))
        flip = bool(rng.random() < 0.5)
        figure = person(rng, lit_from=sun_side(stage, flip=flip))
        pieces.append((z, partial(stand, stage, figure, (x, z), Ade.PERSON, flip=flip)))
    for side in (-1, 1):
        if rng.random() < 0.55:
            z, gap = rng.uniform(4, 10), rng.uniform(7, 13)
            kind = "bare" if rng.random() < 0.15 else str(rng.choice(("round", "tall", "wide")))
            for _ in range(6):
                figure, size = tree(rng, kind=kind, season=season, lit_from=sun_side(stage)), rng.uniform(5, 8.5)
                x = side * (half + 0.6)
                pieces.append(
                    (
                        z,
                        partial(stand, stage, figure, (x, z), Ade.TREE, size=size, soft=0.002, spread=0.5),
                    )
                )
                z += gap
        if rng.random() < 0.6:
            z, gap = rng.uniform(3.5, 9), rng.uniform(12, 20)
            for _ in range(4):
                pieces.append((z, partial(streetlight, stage, (side * (half + 0.4), z), -side)))
                z += gap
        if rng.random() < 0.7:
            z = rng.uniform(3.5, 14)
            pieces.append((z, partial(sign, stage, (side * (half + 0.5), z))))
        if rng.random() < 0.3:
            z = rng.uniform(5, 12)
            pieces.append((z, partial(traffic_light, stage, (side * (half + 0.35), z))))
        if rng.random() < 0.3:
            near, far = rng.uniform(2.5, 6), rng.uniform(9, 25)
            x = side * (half + 0.25)
            pieces.append((far, partial(fence, stage, (x, near), (x, far))))
    return pieces
