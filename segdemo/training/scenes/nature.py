"""Open country: mountain lakes, pastures with animals, parks and beaches."""

from collections.abc import Callable

import numpy as np

from .animals import SPECIES, animal
from .buildings import block
from .classes import Ade
from .colours import oklch, rgb
from .figure import Figure
from .land import ground, mountains, rock, shore, water, woods
from .people import person
from .plants import bush, flower, tree
from .stage import Stage
from .streets import fence, stand, sun_side
from .textures import grass, rough
from .vehicles import aeroplane, boat
from .weather import Hour, sky

Piece = tuple[float, Callable[[], None]]


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
            _float(stage, boat(rng), (rng.uniform(-0.3, 0.3) * z, z), rng.uniform(0.8, 1.4))
    line = shore(stage, near, rng.uniform(0.08, 0.3))
    outline = np.concatenate([line, [(canvas.aspect + 0.05, 1.05), (-0.05, 1.05)]])
    meadow = _meadow(stage, season)
    rim = outline + np.array((0, -0.012))
    earth = rough(oklch(0.55, 0.035, 75), size=0.4, amount=0.12)
    canvas.fill([rim], _ground_shader(stage, earth), Ade.EARTH if rng.random() < 0.5 else Ade.SAND)
    canvas.fill([outline], _ground_shader(stage, meadow), Ade.GRASS)
    pieces: list[Piece] = []
    for _ in range(int(rng.integers(2, 9))):
        x = rng.uniform(0, canvas.aspect)
        y = float(np.interp(x, line[:, 0], line[:, 1])) + rng.uniform(0, 0.1) ** 1.5
        _on_ground(stage, pieces, _rock_piece(stage), x, y)
    for _ in range(int(rng.integers(0, 5))):
        x = rng.choice((rng.uniform(0, 0.3), rng.uniform(0.7, 1.0))) * canvas.aspect
        y = float(np.interp(x, line[:, 0], line[:, 1])) + rng.uniform(0.01, 0.06)
        kind = str(rng.choice(("fir", "fir", "round", "tall")))
        _on_ground(stage, pieces, _tree_piece(stage, kind, season, (4, 9)), x, y)
    for _ in range(int(rng.integers(0, 3))):
        x = rng.uniform(0.1, 0.9) * canvas.aspect
        y = float(np.interp(x, line[:, 0], line[:, 1])) + rng.uniform(0.03, 0.1)
        _on_ground(stage, pieces, _person_piece(stage), x, y)
    _draw(pieces)
    _sky_traffic(stage)


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
    ground(stage, _meadow(stage, season), Ade.GRASS, far=3000)
    pieces: list[Piece] = []
    for _ in range(int(rng.integers(0, 5))):
        z = rng.uniform(14, 60)
        make = _tree_piece(stage, str(rng.choice(("round", "wide", "tall", "fir"))), season, (5, 9))
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
        z = max(stage.camera.focal * reach / share, _nearest(stage))
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
                lambda figure=figure, x=x, z=z, flip=flip, spread=spread: stand(
                    stage, figure, (x, z), Ade.ANIMAL, flip=flip, spread=spread, soft=0.012 * spread
                ),
            )
        )
    if rng.random() < 0.25:
        z = rng.uniform(7, 16)
        pieces.append(_person_piece(stage)((rng.uniform(-0.4, 0.4) * z, z)))
    for _ in range(int(rng.integers(0, 4))):
        z = rng.uniform(5, 20)
        pieces.append(_rock_piece(stage)((rng.uniform(-0.7, 0.7) * z, z)))
    _draw(pieces)
    _tufts(stage, season)
    _sky_traffic(stage)


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
    ground(stage, _meadow(stage, season), Ade.GRASS, far=3000)
    path = rough(oklch(rng.uniform(0.66, 0.8), 0.025, 75), size=0.5, amount=0.05)
    bend, half = rng.uniform(-6, 6), rng.uniform(0.9, 1.8)
    start = rng.uniform(-2, 2)
    z = np.concatenate([np.linspace(0.6, 12, 24), np.linspace(13, 45, 16)])
    middle = start + bend * (z / 22) ** 2 + np.sin(z / 5 + start) * 0.7
    world = np.concatenate([np.stack([middle - half, 0 * z, z], 1), np.stack([middle + half, 0 * z, z], 1)[::-1]])
    canvas.fill(
        [stage.camera.project(world)],
        _ground_shader(stage, path),
        Ade.PATH if rng.random() < 0.4 else Ade.ROAD if rng.random() < 0.5 else Ade.SIDEWALK,
    )
    pieces: list[Piece] = []
    blossom = oklch(rng.uniform(0.6, 0.8), 0.17, rng.choice((10.0, 350.0, 60.0, 90.0, 310.0, 25.0)))
    for _ in range(int(rng.integers(4, 9))):
        z_ = rng.uniform(6, 34)
        pieces.append(
            _tree_piece(stage, str(rng.choice(("round", "wide", "round", "tall", "fir"))), season, (4.5, 8.5))(
                _beside(rng, z_, middle, z, half + 1.2)
            )
        )
    for _ in range(int(rng.integers(1, 5))):
        z_ = rng.uniform(4, 16)
        pieces.append(
            _bush_piece(stage, season, blossom if rng.random() < 0.6 else None)(_beside(rng, z_, middle, z, half + 1.2))
        )
    for _ in range(int(rng.integers(0, 3))):
        z_ = rng.uniform(4.5, 14)
        x = float(np.interp(z_, z, middle)) + rng.choice((-1, 1)) * (half + 0.7)
        pieces.append((z_, lambda x=x, z_=z_: _bench(stage, (x, z_))))
    for _ in range(int(rng.integers(1, 7))):
        z_ = rng.uniform(3.5, 20)
        x = float(np.interp(z_, z, middle)) + rng.uniform(-1.2, 1.2) * half * (1 if rng.random() < 0.7 else 3)
        pieces.append(_person_piece(stage)((x, z_)))
    for _ in range(int(rng.integers(0, 3))):
        z_ = rng.uniform(3.5, 10)
        species = str(rng.choice(("dog", "bird", "cat", "dog")))
        flip = bool(rng.random() < 0.5)
        figure = animal(rng, species, lit_from=sun_side(stage, flip=flip))
        x = float(np.interp(z_, z, middle)) + rng.uniform(-2.5, 2.5)
        pieces.append(
            (
                z_,
                lambda figure=figure, x=x, z_=z_, flip=flip: stand(
                    stage, figure, (x, z_), Ade.ANIMAL, flip=flip, spread=0.7
                ),
            )
        )
    _draw(pieces)
    if rng.random() < 0.5:
        _flower_bed(stage, blossom)
    _sky_traffic(stage)


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
        _float(stage, boat(rng), (rng.uniform(-0.6, 0.6) * z, z), rng.uniform(0.9, 1.6))
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
    sand = oklch(rng.uniform(0.76, 0.86), rng.uniform(0.03, 0.06), rng.uniform(70, 88))
    dry = rough(sand, size=0.7, amount=0.06)
    canvas.fill([np.concatenate([line, corners])], _ground_shader(stage, dry), Ade.SAND)
    wet = line + np.array((0, 0.02))
    canvas.multiply([np.concatenate([line, wet[::-1]])], sand * np.float32(0.9), blur=0.006, opacity=0.7)
    pieces: list[Piece] = []

    def spot(low: float, high: float) -> tuple[float, float]:
        x = rng.uniform(0, canvas.aspect)
        return x, float(np.interp(x, line[:, 0], line[:, 1])) + rng.uniform(low, high)

    for _ in range(int(rng.integers(0, 6))):
        _on_ground(stage, pieces, _rock_piece(stage), *spot(-0.02, 0.08))
    for _ in range(int(rng.integers(1, 7))):
        _on_ground(stage, pieces, _person_piece(stage), *spot(0.0, 0.12))
    if rng.random() < 0.4:
        _on_ground(stage, pieces, _boat_piece(stage), *spot(0.03, 0.1))
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
    _draw(pieces)
    _sky_traffic(stage)


def _draw(pieces: list[Piece]) -> None:
    for _, draw in sorted(pieces, key=lambda piece: -piece[0]):
        draw()


def _nearest(stage: Stage) -> float:
    """The distance at which the ground leaves the picture, a little further."""
    return stage.camera.reach(0.96)


def _on_ground(
    stage: Stage, pieces: list[Piece], make: Callable[[tuple[float, float]], Piece], x: float, y: float
) -> None:
    z = stage.camera.reach(max(y, stage.camera.horizon + 0.02))
    pieces.append(make(((x - stage.camera.centre) * z / stage.camera.focal, z)))


def _ground_shader(stage: Stage, material: object):  # type: ignore[no-untyped-def]
    return stage.shader(np.zeros(3), np.array((1.0, 0, 0)), np.array((0, 0, 1.0)), material, stage.light.on((0, 1, 0)))  # type: ignore[arg-type]


def _meadow(stage: Stage, season: float):  # type: ignore[no-untyped-def]
    rng = stage.rng
    base = oklch(rng.uniform(0.5, 0.6), rng.uniform(0.09, 0.13), rng.uniform(118, 138) - 20 * season)
    return grass(base, oklch(rng.uniform(0.6, 0.72), 0.1, rng.uniform(95, 115)))


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


def _tree_piece(
    stage: Stage, kind: str, season: float, sizes: tuple[float, float]
) -> Callable[[tuple[float, float]], Piece]:
    figure = tree(stage.rng, kind=kind, season=season, lit_from=sun_side(stage))
    size = stage.rng.uniform(*sizes)
    return lambda place: (place[1], lambda: stand(stage, figure, place, Ade.TREE, size=size, soft=0.002, spread=0.6, grain=0.1))


def _bush_piece(stage: Stage, season: float, blossom: object) -> Callable[[tuple[float, float]], Piece]:
    figure = bush(stage.rng, season=season, lit_from=sun_side(stage), blossom=blossom)  # type: ignore[arg-type]
    label = Ade.PLANT if blossom is None else Ade.FLOWER
    return lambda place: (place[1], lambda: stand(stage, figure, place, label, size=0.9, soft=0.004, spread=1.8, grain=0.08))


def _rock_piece(stage: Stage) -> Callable[[tuple[float, float]], Piece]:
    rng = stage.rng
    figure = rock(rng, oklch(rng.uniform(0.5, 0.66), 0.015, 70), lit_from=sun_side(stage))
    size = rng.uniform(0.3, 1.3)
    return lambda place: (place[1], lambda: stand(stage, figure, place, Ade.ROCK, size=size, soft=0.006, spread=1.0))


def _person_piece(stage: Stage) -> Callable[[tuple[float, float]], Piece]:
    flip = bool(stage.rng.random() < 0.5)
    figure = person(stage.rng, lit_from=sun_side(stage, flip=flip))
    return lambda place: (place[1], lambda: stand(stage, figure, place, Ade.PERSON, flip=flip))


def _boat_piece(stage: Stage) -> Callable[[tuple[float, float]], Piece]:
    figure = boat(stage.rng)
    return lambda place: (place[1], lambda: stand(stage, figure, place, Ade.BOAT, size=0.8, spread=4.0, soft=0.01))


def _float(stage: Stage, figure: Figure, place: tuple[float, float], size: float) -> None:
    """A boat on the water, over its own broken reflection."""
    px, py, unit = stage.at(place[0], 0.0, place[1])
    tint = stage.light.on((0.0, 0.45, -0.89))
    haze = stage.light.haze(place[1])
    low, high = figure.bounds()
    tall = min(float(high[1]), 2.2) * unit * size
    half = float(high[0] - low[0]) * unit * size * 0.4
    stage.canvas.multiply(
        [[(px - half, py), (px + half, py), (px + half * 0.7, py + tall), (px - half * 0.7, py + tall)]],
        np.full(3, 0.62, np.float32),
        blur=tall * 0.12,
    )
    figure.paint(
        stage.canvas,
        (px, py, unit * size),
        Ade.BOAT,
        tint=tint,
        fog=stage.light.fog,
        haze=haze,
        soft=0.01,
        flip=bool(stage.rng.random() < 0.5),
    )


def _beside(
    rng: np.random.Generator, z: float, middle: np.ndarray, depths: np.ndarray, clear: float
) -> tuple[float, float]:
    """A place off the path at distance ``z``."""
    return float(np.interp(z, depths, middle)) + float(rng.choice((-1, 1))) * (clear + rng.uniform(0, 0.5) * z), z


def _bench(stage: Stage, place: tuple[float, float]) -> None:
    number = stage.canvas.new_id(Ade.BENCH)
    wood = oklch(0.5, 0.08, 55)
    iron = rgb(52, 54, 58)
    x, z = place
    stage.shadow(place, (1.7, 0.6))
    for dx in (-0.7, 0.7):
        stage.box((x + dx, z), (0.08, 0.45, 0.45), iron, Ade.BENCH, number)
    for level in (0.62, 0.8):
        stage.quad(
            [
                (x - 0.85, level, z + 0.2),
                (x + 0.85, level, z + 0.2),
                (x + 0.85, level + 0.12, z + 0.24),
                (x - 0.85, level + 0.12, z + 0.24),
            ],
            wood,
            Ade.BENCH,
            number,
        )
    stage.box((x, z), (1.7, 0.06, 0.45), wood, Ade.BENCH, number, base=0.43)


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
    figure.paint(canvas, (0.0, 1.0, 1.0), Ade.GRASS, tint=stage.light.on((0, 0.7, -0.7)), grain=0.05)


def _flower_bed(stage: Stage, blossom: np.ndarray) -> None:
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


def _sky_traffic(stage: Stage) -> None:
    """Now and then an aeroplane."""
    rng, canvas = stage.rng, stage.canvas
    if rng.random() > 0.07:
        return
    place = (rng.uniform(0.2, 0.8) * canvas.aspect, rng.uniform(0.12, 0.3) * 0.8, rng.uniform(0.015, 0.05))
    aeroplane(rng).paint(
        canvas, place, Ade.AIRPLANE, tint=stage.light.on((0, 0.3, -0.9)), flip=bool(rng.random() < 0.5)
    )
