"""One thing close to: a flower, a sign, books, a chair, a bicycle, a boat, an aeroplane, a pet or a face."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from .ade import Ade
from .animals import animal
from .buildings import facade
from .canvas import Floats, Shader
from .colours import Colour, mix, oklch, rgb
from .figure import Figure
from .furniture import Place, chair
from .kerbside import signboard
from .land import ground, meadow, water, woods
from .noise import fbm
from .pieces import stand, sun_side
from .plants import clumps, flower, leaf_colour
from .portraits import portrait
from .stage import Stage
from .textures import bricks, planks, rough, tiles, wood
from .vehicles import aeroplane, bicycle, boat
from .weather import Hour, sky


def closeup(stage: Stage, hour: Hour) -> None:
    """Paint a close-up onto an empty stage."""
    subjects: tuple[tuple[Callable[[Stage, Hour], None], float], ...] = (
        (_flowers, 0.2),
        (_sign, 0.12),
        (_books, 0.12),
        (_chair, 0.12),
        (_bicycle, 0.1),
        (_boat, 0.08),
        (_aeroplane, 0.06),
        (_pet, 0.1),
        (_faces, 0.1),
    )
    chosen = int(stage.rng.choice(len(subjects), p=[share for _, share in subjects]))
    subjects[chosen][0](stage, hour)


def _foliage(stage: Stage, green: Colour, *, blur: float) -> Shader:
    """Leaves and grass out of focus."""
    rng = stage.rng
    offset = rng.uniform(0, 60, 2).astype(np.float32)
    dark = green * np.float32(0.8)
    pale = mix(green, rgb(232, 236, 168), 0.45)
    light = stage.light.on((0, 0.6, -0.8))

    def paint(x: Floats, y: Floats) -> Floats:
        u, v = x + offset[0] + 0 * y, y + offset[1] + 0 * x
        spots = np.clip(fbm(u, v, blur, beta=1.6) * np.float32(0.3) + np.float32(0.4), 0, 1)[..., None]
        fine = fbm(u, v * np.float32(0.5), blur * 0.4, beta=1.1)[..., None] * np.float32(0.14)
        return np.asarray((dark + (pale - dark) * spots) * (1 + fine) * light, np.float32)

    return paint


def _flowers(stage: Stage, hour: Hour) -> None:
    rng, canvas = stage.rng, stage.canvas
    green = leaf_colour(rng)
    canvas.stamp(
        *canvas.whole(),
        _foliage(stage, green, blur=rng.uniform(0.15, 0.4)),
        Ade.GRASS if rng.random() < 0.5 else Ade.PLANT,
    )
    tint = stage.light.on((0, 0.6, -0.8))
    blossom = oklch(rng.uniform(0.62, 0.85), 0.17, rng.choice((15.0, 350.0, 60.0, 95.0, 310.0, 30.0, 280.0)))
    if rng.random() < 0.2:
        blossom = rgb(248, 246, 240)
    count = int(rng.choice((1, 1, 2, 3, 5, 9)))
    big = {1: 0.62, 2: 0.45, 3: 0.36, 5: 0.3, 9: 0.2}[count]
    heads = [
        (
            rng.uniform(0.3, 0.7) * canvas.aspect if count == 1 else rng.uniform(0.1, 0.9) * canvas.aspect,
            rng.uniform(0.25, 0.65),
            big * rng.uniform(0.7, 1.2),
        )
        for _ in range(count)
    ]
    stems = Figure()
    for x, y, size in heads:
        lean = rng.uniform(-0.15, 0.15)
        stems.limb([(x, 1 - y), (x + lean * 0.4, (1 - y) / 2), (x + lean, -0.05)], size * 0.07, green * np.float32(0.9))
        for side in (-1, 1):
            stems.ball(
                x + lean * 0.5 + side * size * 0.3,
                (1 - y) * rng.uniform(0.25, 0.6),
                size * 0.32,
                size * 0.11,
                green * np.float32(rng.uniform(0.85, 1.2)),
                turn=side * rng.uniform(0.4, 1.0),
            )
    stems.paint(canvas, (0.0, 1.0, 1.0), Ade.PLANT, tint=tint)
    for x, y, size in sorted(heads, key=lambda head: head[2]):
        flower(rng, blossom * np.float32(rng.uniform(0.88, 1.08))).paint(
            canvas, (x, y, size), Ade.FLOWER, tint=tint, soft=0.01
        )


def _sign(stage: Stage, hour: Hour) -> None:
    rng, canvas = stage.rng, stage.canvas
    sky(stage, hour, horizon=1.0)
    if rng.random() < 0.6:
        woods(stage, 1.02, rng.uniform(0.2, 0.5), oklch(0.45, 0.07, 135), haze=0.1)
    tint = stage.light.on((0, 0.3, -0.95))
    x, y, unit = rng.uniform(0.35, 0.65) * canvas.aspect, rng.uniform(0.4, 0.55), rng.uniform(0.45, 0.85)
    post = Figure()
    post.limb([(0, -3), (0, 0.3)], 0.09, rgb(140, 144, 148))
    post.paint(canvas, (x, y, unit), Ade.POLE, tint=tint)
    signboard(rng, 0.0).paint(canvas, (x, y, unit), Ade.SIGNBOARD, tint=tint)


def _books(stage: Stage, hour: Hour) -> None:
    rng, canvas = stage.rng, stage.canvas
    canvas.stamp(*canvas.whole(), _tabletop(stage), Ade.TABLE)
    hue = rng.uniform(0, 360)
    for _ in range(int(rng.integers(4, 15))):
        x, y = rng.uniform(0.12, 0.88) * canvas.aspect, rng.uniform(0.15, 0.85)
        wide = rng.uniform(0.24, 0.42)
        turn = rng.uniform(-0.5, 0.5) + (np.pi / 2 if rng.random() < 0.3 else 0)
        _cover(
            stage,
            (x, y),
            (wide, wide * rng.uniform(1.25, 1.5)),
            turn,
            oklch(rng.uniform(0.3, 0.85), rng.uniform(0.03, 0.15), hue + rng.normal(0, 80)),
        )


def _tabletop(stage: Stage) -> Shader:
    """Wood seen from straight above."""
    grain = wood(oklch(stage.rng.uniform(0.45, 0.72), 0.06, stage.rng.uniform(50, 75)))
    light = stage.light.on((0, 0.8, -0.3))

    def paint(x: Floats, y: Floats) -> Floats:
        u, v = x + 0 * y, y + 0 * x
        return np.asarray(grain(u, v, np.full_like(u, stage.canvas.pixel)) * light, np.float32)

    return paint


def _cover(stage: Stage, middle: tuple[float, float], size: tuple[float, float], turn: float, colour: Colour) -> None:
    """A book that lies flat, its cover with a title, rules and perhaps a picture."""
    rng, canvas = stage.rng, stage.canvas
    c, s = np.cos(turn), np.sin(turn)

    def place(x0: float, y0: float, x1: float, y1: float) -> npt.NDArray[np.float64]:
        corners = np.array(((x0, y0), (x1, y0), (x1, y1), (x0, y1))) * np.array(size)
        return np.asarray(corners @ np.array(((c, s), (-s, c))) + np.array(middle))

    number = canvas.new_id(Ade.BOOK)
    light = stage.light.on((0, 0.8, -0.3))
    canvas.multiply([place(-0.5, -0.5, 0.5, 0.5) + 0.012], np.full(3, 0.5, np.float32), blur=0.012)
    canvas.fill([place(-0.5, -0.5, 0.53, 0.52)], rgb(240, 234, 220), Ade.BOOK, number, tint=light)
    canvas.fill([place(-0.5, -0.5, 0.5, 0.5)], colour, Ade.BOOK, number, tint=light)
    ink = rgb(250, 244, 228) if colour.mean() < 0.6 else colour * np.float32(0.35)
    canvas.fill([place(-0.5, -0.5, -0.44, 0.5)], colour * np.float32(0.7), tint=light)
    y = -0.36
    for _ in range(int(rng.integers(1, 4))):
        half = rng.uniform(0.15, 0.36)
        canvas.fill([place(0.03 - half, y, 0.03 + half, y + 0.055)], ink, tint=light)
        y += 0.09
    if rng.random() < 0.6:
        accent = oklch(rng.uniform(0.5, 0.85), 0.14, rng.uniform(0, 360))
        canvas.fill([place(-0.3, 0.0, 0.36, 0.34)], accent, tint=light)
        canvas.fill([place(-0.3, 0.18, 0.36, 0.34)], accent * np.float32(0.6), tint=light)


def _floor(stage: Stage, hour: Hour) -> None:
    """A place to stand something: a lawn, a pavement before a wall, or a room's corner."""
    rng = stage.rng
    kind = int(rng.integers(3))
    z = rng.uniform(3.4, 5.5)
    if kind == 0:
        sky(stage, hour)
        woods(stage, stage.camera.horizon + 0.01, rng.uniform(0.1, 0.3), oklch(0.44, 0.07, 135), haze=0.1)
        ground(stage, meadow(stage, 0.0), Ade.GRASS, far=3000)
        return
    if kind == 1:
        base = oklch(rng.uniform(0.42, 0.6), rng.uniform(0.03, 0.1), rng.uniform(30, 60))
        skin = (bricks(base, mix(base, rgb(224, 216, 204), 0.5)), facade(rng), rough(base * np.float32(1.3), size=1.2))[
            int(rng.integers(3))
        ]
        stone = oklch(rng.uniform(0.6, 0.75), 0.015, 70)
        pavement = tiles(stone, stone * np.float32(0.78), side=rng.uniform(0.25, 0.6), joint=0.02)
        stage.quad([(-30, 0, z), (30, 0, z), (30, 12, z), (-30, 12, z)], skin, Ade.BUILDING)
        floor = Ade.SIDEWALK
    else:
        paint = oklch(rng.uniform(0.72, 0.9), rng.uniform(0.01, 0.06), rng.uniform(0, 360))
        pavement = planks(oklch(rng.uniform(0.45, 0.7), 0.06, 62))
        stage.quad([(-30, 0, z), (30, 0, z), (30, 12, z), (-30, 12, z)], rough(paint, size=1.0, amount=0.02), Ade.WALL)
        stage.quad(
            [(-30, 0, z), (30, 0, z), (30, 0.1, z), (-30, 0.1, z)], mix(paint, rgb(252, 250, 246), 0.7), Ade.WALL
        )
        floor = Ade.FLOOR
    stage.quad([(-30, 0, 0.2), (30, 0, 0.2), (30, 0, z), (-30, 0, z)], pavement, floor)


def _spot(stage: Stage, reach: float, share: float) -> tuple[float, float]:
    """Where a thing ``reach`` metres high fills that share of the picture's height, near the middle."""
    z = max(stage.camera.focal * reach / share, stage.camera.reach(0.93))
    x = (stage.canvas.aspect * stage.rng.uniform(0.35, 0.65) - stage.camera.centre) * z / stage.camera.focal
    return x, z


def _chair(stage: Stage, hour: Hour) -> None:
    rng = stage.rng
    _floor(stage, hour)
    timber = oklch(rng.uniform(0.4, 0.85), rng.uniform(0.02, 0.15), rng.choice((60.0, 60.0, 145.0, 25.0, 250.0)))
    seat = oklch(rng.uniform(0.4, 0.8), 0.11, rng.uniform(0, 360)) if rng.random() < 0.5 else timber
    x, z = _spot(stage, 0.95, rng.uniform(0.4, 0.75))
    for dx in (0.0,) if rng.random() < 0.7 else (-0.5, 0.5):
        chair(Place(stage, (x + dx, z), rng.uniform(-0.9, 0.9) + (np.pi if rng.random() < 0.3 else 0)), timber, seat)


def _bicycle(stage: Stage, hour: Hour) -> None:
    rng = stage.rng
    _floor(stage, hour)
    x, z = _spot(stage, 1.1, rng.uniform(0.4, 0.65))
    stand(stage, bicycle(rng), (x, z), Ade.BICYCLE, flip=bool(rng.random() < 0.5), spread=1.7)


def _boat(stage: Stage, hour: Hour) -> None:
    rng, canvas = stage.rng, stage.canvas
    sky(stage, hour)
    horizon = stage.camera.horizon
    woods(stage, horizon, rng.uniform(0.05, 0.2), oklch(0.42, 0.06, 140), haze=0.3)
    water(stage, horizon, 1.02, oklch(0.48, 0.06, rng.uniform(195, 240)), Ade.WATER, calm=rng.uniform(0.3, 0.7))
    unit = rng.uniform(0.1, 0.17)
    for i in range(int(rng.integers(1, 4))):
        x, y = canvas.aspect * rng.uniform(0.25, 0.75), min(horizon + 0.1 + 0.14 * i + rng.uniform(0, 0.1), 0.88)
        tint = stage.light.on((0, 0.45, -0.89))
        canvas.multiply(
            [[(x - unit * 1.8, y), (x + unit * 1.8, y), (x + unit, y + unit), (x - unit, y + unit)]],
            np.full(3, 0.62, np.float32),
            blur=unit * 0.15,
        )
        boat(rng).paint(canvas, (x, y, unit), Ade.BOAT, tint=tint, soft=0.01, flip=bool(rng.random() < 0.5))


def _aeroplane(stage: Stage, hour: Hour) -> None:
    rng, canvas = stage.rng, stage.canvas
    landed = rng.random() < 0.6
    sky(stage, hour, horizon=None if landed else 1.0)
    x, y = canvas.aspect * rng.uniform(0.4, 0.6), rng.uniform(0.35, 0.55)
    unit = canvas.aspect * rng.uniform(0.05, 0.085)
    tint = stage.light.on((0, 0.3, -0.9))
    number = canvas.new_id(Ade.AIRPLANE)
    if landed:
        woods(stage, stage.camera.horizon + 0.005, 0.06, oklch(0.45, 0.05, 135), haze=0.3)
        if rng.random() < 0.4:
            ground(stage, rough(oklch(0.6, 0.01, 250), size=3.0), Ade.ROAD, far=3000)
        else:
            ground(stage, meadow(stage, 0.0), Ade.GRASS, far=3000)
        y = stage.camera.horizon + rng.uniform(0.05, 0.2)
        low, deep = y + unit * 1.25, y + unit * 1.75
        shadow = [(x - unit * 4, low), (x + unit * 4, low), (x + unit * 3, deep), (x - unit * 3, deep)]
        canvas.multiply([shadow], np.full(3, 0.55, np.float32), blur=unit * 0.15)
        gear = Figure()
        for dx in (-0.8, 3.2):
            gear.limb([(dx, -0.4), (dx, -1.3)], 0.12, rgb(120, 122, 126))
            gear.ball(dx, -1.3, 0.22, 0.22, rgb(36, 36, 38))
        gear.paint(canvas, (x, y, unit), Ade.AIRPLANE, number, tint=tint)
    aeroplane(rng).paint(canvas, (x, y, unit), Ade.AIRPLANE, number, tint=tint)


def _pet(stage: Stage, hour: Hour) -> None:
    rng = stage.rng
    _floor(stage, hour)
    species = str(rng.choice(("cat", "dog", "cat", "bird")))
    x, z = _spot(stage, {"cat": 0.5, "dog": 0.85, "bird": 0.55}[species], rng.uniform(0.4, 0.7))
    flip = bool(rng.random() < 0.5)
    stand(
        stage,
        animal(rng, species, lit_from=sun_side(stage, flip=flip)),
        (x, z),
        Ade.ANIMAL,
        flip=flip,
        spread=0.5,
        soft=0.004,
    )


def _faces(stage: Stage, hour: Hour) -> None:
    rng, canvas = stage.rng, stage.canvas
    if rng.random() < 0.5:
        canvas.stamp(*canvas.whole(), _foliage(stage, leaf_colour(rng), blur=rng.uniform(0.2, 0.5)), Ade.TREE)
    else:
        _floor(stage, hour)
    side = sun_side(stage)
    if rng.random() < 0.4:
        back = Figure(lit_from=side)
        back.ragged = 0.02
        clumps(back, rng, (rng.uniform(0, 1) * canvas.aspect, 0.6), (0.5, 0.5), leaf_colour(rng), count=50)
        back.paint(canvas, (0.0, 1.0, 1.0), Ade.TREE, tint=stage.light.on((0, 0.4, -0.9)))
    count = int(rng.choice((1, 1, 2, 3)))
    size = {1: rng.uniform(0.6, 0.9), 2: rng.uniform(0.5, 0.62), 3: rng.uniform(0.4, 0.5)}[count]
    tint = stage.light.on((0, 0.3, -0.95))
    for i in range(count):
        x = canvas.aspect * (i + 0.5 + rng.uniform(-0.12, 0.12)) / count
        portrait(rng, lit_from=side).paint(
            canvas, (x, 1.02, size * rng.uniform(0.92, 1.08)), Ade.PERSON, tint=tint, soft=0.003
        )
