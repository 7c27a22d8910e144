"""Streets: a road towards the vanishing point between houses, with traffic, people, trees and furniture."""

from collections.abc import Callable

import numpy as np

from .buildings import block, house
from .classes import Ade
from .colours import oklch, rgb
from .figure import Figure
from .land import woods
from .people import person
from .plants import tree
from .stage import Material, Stage
from .textures import rough, tiles
from .vehicles import bicycle, bus, car
from .weather import Hour, sky

Piece = tuple[float, Callable[[], None]]
"""How far away something stands, and what paints it."""


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


def stand(
    stage: Stage,
    figure: Figure,
    place: tuple[float, float],
    label: Ade,
    *,
    size: float = 1.0,
    flip: bool = False,
    soft: float = 0.012,
    shade: float = 1.0,
    spread: float = 0.5,
    number: int | None = None,
    grain: float = 0.04,
) -> None:
    """Put a figure on the ground at (X, Z) with its shadow, light and haze; ``spread`` is its shadow's width."""
    x, z = place
    if shade:
        stage.shadow((x, z), (spread * size, spread * size * 0.45), depth=shade)
    tint = stage.light.on((0.0, 0.45, -0.89))
    px, py, unit = stage.at(x, 0.0, z)
    figure.paint(
        stage.canvas,
        (px, py, unit * size),
        label,
        number,
        tint=tint,
        fog=stage.light.fog,
        haze=stage.light.haze(z),
        flip=flip,
        soft=soft,
        grain=grain,
    )


def sun_side(stage: Stage, *, flip: bool = False) -> float:
    """Which side figures are lit from, in a figure's own (possibly mirrored) frame."""
    side = float(np.sign(stage.light.direction[0])) * 0.6
    return -side if flip else side


def cyclist(stage: Stage, place: tuple[float, float]) -> None:
    """A bicycle, most often with somebody on it."""
    rng = stage.rng
    flip = bool(rng.random() < 0.5)
    stand(stage, bicycle(rng), place, Ade.BICYCLE, flip=flip, spread=1.6)
    if rng.random() < 0.6:
        rider = person(rng, pose="sit", lit_from=sun_side(stage, flip=flip))
        px, py, unit = stage.at(place[0], 0.4, place[1])
        saddle = px + (0.2 if flip else -0.2) * unit
        rider.paint(stage.canvas, (saddle, py, unit), Ade.PERSON, tint=stage.light.on((0.0, 0.45, -0.89)), flip=flip, soft=0.012)


def _pavement(stage: Stage, half: float, walk: float, season: float) -> list[Piece]:
    rng = stage.rng
    pieces: list[Piece] = []
    for _ in range(int(rng.integers(2, 9))):
        z = rng.uniform(3.0, 24)
        crossing = rng.random() < 0.2
        x = rng.uniform(-half, half) if crossing else rng.choice((-1, 1)) * (half + rng.uniform(0.5, walk - 0.3))
        flip = bool(rng.random() < 0.5)
        figure = person(rng, lit_from=sun_side(stage, flip=flip))
        pieces.append(
            (z, lambda figure=figure, x=x, z=z, flip=flip: stand(stage, figure, (x, z), Ade.PERSON, flip=flip))
        )
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
                        lambda figure=figure, x=x, z=z, size=size: stand(
                            stage, figure, (x, z), Ade.TREE, size=size, soft=0.002, spread=0.5, grain=0.1
                        ),
                    )
                )
                z += gap
        if rng.random() < 0.6:
            z, gap = rng.uniform(3.5, 9), rng.uniform(12, 20)
            for _ in range(4):
                pieces.append((z, lambda side=side, z=z: streetlight(stage, (side * (half + 0.4), z), -side)))
                z += gap
        if rng.random() < 0.7:
            z = rng.uniform(3.5, 14)
            pieces.append((z, lambda side=side, z=z: sign(stage, (side * (half + 0.5), z))))
        if rng.random() < 0.3:
            z = rng.uniform(5, 12)
            pieces.append((z, lambda side=side, z=z: traffic_light(stage, (side * (half + 0.35), z))))
        if rng.random() < 0.3:
            near, far = rng.uniform(2.5, 6), rng.uniform(9, 25)
            x = side * (half + 0.25)
            pieces.append((far, lambda x=x, near=near, far=far: fence(stage, (x, near), (x, far))))
    return pieces


def streetlight(stage: Stage, place: tuple[float, float], towards: float) -> None:
    """A street lamp whose arm reaches over the road."""
    figure = Figure(lit_from=0.5)
    steel = rgb(92, 98, 104)
    high = float(stage.rng.uniform(4.8, 7.0))
    figure.limb([(0, 0), (0, high), (0.25, high + 0.45), (1.1, high + 0.6)], [0.16, 0.1, 0.08, 0.07], steel)
    figure.limb([(0, 0), (0, 0.8)], 0.24, steel)
    figure.limb([(0.95, high + 0.57), (1.6, high + 0.6)], [0.16, 0.2], rgb(212, 214, 206))
    stand(stage, figure, place, Ade.STREETLIGHT, flip=towards < 0, soft=0.0, spread=0.4)


def sign(stage: Stage, place: tuple[float, float]) -> None:
    """A traffic sign or a plate on a pole."""
    rng = stage.rng
    high = rng.uniform(2.0, 2.7)
    post = Figure()
    post.limb([(0, 0), (0, high)], 0.08, rgb(140, 144, 148))
    stand(stage, post, place, Ade.POLE, soft=0.0, spread=0.25)
    stand(stage, signboard(rng, high), place, Ade.SIGNBOARD, soft=0.0, shade=0)


def signboard(rng: np.random.Generator, high: float) -> Figure:
    """The plate of a sign, its centre ``high`` metres up."""
    board = Figure()
    kind = int(rng.integers(4))
    red, white, blue = rgb(196, 38, 44), rgb(244, 242, 236), rgb(38, 90, 168)
    if kind == 0:
        board.ball(0, high, 0.36, 0.36, red, round_=0)
        board.ball(0, high, 0.27, 0.27, white, round_=0)
        board.limb([(-0.1, high - 0.1), (-0.1, high + 0.1)], 0.07, rgb(30, 30, 32), round_=0)
        board.ball(0.08, high, 0.07, 0.11, rgb(30, 30, 32), round_=0)
    elif kind == 1:
        for size, colour in ((0.46, red), (0.31, white)):
            board.polygon([(-size, high - size * 0.72), (size, high - size * 0.72), (0, high + size)], colour)
        board.limb([(0, high - 0.14), (0, high + 0.1)], 0.06, rgb(30, 30, 32), round_=0)
    elif kind == 2:
        board.polygon([(-0.34, high - 0.34), (0.34, high - 0.34), (0.34, high + 0.34), (-0.34, high + 0.34)], blue)
        board.limb([(-0.08, high - 0.2), (-0.08, high + 0.2)], 0.07, white, round_=0)
        board.limb([(-0.08, high + 0.17), (0.1, high + 0.14), (0.1, high + 0.02), (-0.08, high)], 0.06, white, round_=0)
    else:
        ink = oklch(rng.uniform(0.35, 0.6), 0.13, rng.uniform(0, 360))
        board.polygon([(-0.62, high - 0.24), (0.62, high - 0.24), (0.62, high + 0.24), (-0.62, high + 0.24)], ink)
        for y in (high + 0.08, high - 0.09):
            x = -0.5
            while x < 0.4:
                step = rng.uniform(0.08, 0.2)
                board.limb([(x, y), (x + step, y)], 0.075, white, round_=0)
                x += step + 0.1
    return board


def traffic_light(stage: Stage, place: tuple[float, float]) -> None:
    """A signal on its pole."""
    post, head = Figure(), Figure()
    post.limb([(0, 0), (0, 2.5)], 0.11, rgb(70, 74, 78))
    stand(stage, post, place, Ade.POLE, soft=0.0, spread=0.3)
    head.polygon([(-0.2, 2.2), (0.2, 2.2), (0.2, 3.2), (-0.2, 3.2)], rgb(34, 38, 38))
    lit = int(stage.rng.integers(3))
    for i, colour in enumerate((rgb(60, 220, 130), rgb(250, 190, 60), rgb(240, 60, 50))):
        head.ball(0, 2.4 + 0.3 * i, 0.12, 0.12, colour if i == lit else colour * np.float32(0.25), round_=0)
    stand(stage, head, place, Ade.TRAFFIC_LIGHT, soft=0.0, shade=0)


def fence(stage: Stage, start: tuple[float, float], end: tuple[float, float], *, wooden: bool = False) -> None:
    """A railing or a wooden fence along the ground; the gaps show what is behind it."""
    rng = stage.rng
    number = stage.canvas.new_id(Ade.FENCE)
    colour = oklch(0.52, 0.05, 65) if wooden else oklch(0.42, 0.02, 220)
    high, gap, thick = (1.15, 2.2, 0.12) if wooden else (1.0, 0.32, 0.045)
    a, b = np.array(start), np.array(end)
    length = float(np.hypot(*(b - a)))
    tint = stage.light.on((0, 0.4, -0.9))
    for level in (0.45, 0.85) if wooden else (0.14, 0.96):
        low, top = level * high - thick * 0.45, level * high + thick * 0.45
        stage.quad(
            [(a[0], low, a[1]), (b[0], low, b[1]), (b[0], top, b[1]), (a[0], top, a[1])],
            colour,
            Ade.FENCE,
            number,
            lit=tint,
        )
    steps = max(1, min(90, int(length / gap)))
    for t in np.linspace(1, 0, steps + 1):
        x, z = a + (b - a) * t
        if z < 0.4:
            continue
        px, py, unit = stage.at(float(x), 0.0, float(z))
        wide = thick * unit / 2
        tall = high * (1.0 + (rng.uniform(-0.04, 0.06) if wooden else 0.0)) * unit
        post = [(px - wide, py), (px + wide, py), (px + wide, py - tall), (px - wide, py - tall)]
        stage.canvas.fill([post], colour * np.float32(0.94), Ade.FENCE, number, tint=tint)
