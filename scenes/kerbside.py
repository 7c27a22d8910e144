"""What stands beside a road: lamps, signs, signals, fences, benches, cyclists."""

import numpy as np

from .ade import Ade
from .colours import oklch, rgb
from .figure import Figure
from .people import person
from .pieces import stand, sun_side
from .stage import Stage
from .vehicles import bicycle


def cyclist(stage: Stage, place: tuple[float, float]) -> None:
    """A bicycle, most often with somebody on it."""
    rng = stage.rng
    flip = bool(rng.random() < 0.5)
    stand(stage, bicycle(rng), place, Ade.BICYCLE, flip=flip, spread=1.6)
    if rng.random() < 0.6:
        rider = person(rng, pose="sit", lit_from=sun_side(stage, flip=flip))
        px, py, unit = stage.at(place[0], 0.4, place[1])
        saddle = px + (0.2 if flip else -0.2) * unit
        rider.paint(
            stage.canvas, (saddle, py, unit), Ade.PERSON, tint=stage.light.on((0.0, 0.45, -0.89)), flip=flip, soft=0.006
        )


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
    board.grain = 0.012
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
    figure = Figure()
    figure.grain = 0.0
    for level in (0.45, 0.85) if wooden else (0.14, 0.96):
        low, top = level * high - thick * 0.45, level * high + thick * 0.45
        rail = [(a[0], low, a[1]), (b[0], low, b[1]), (b[0], top, b[1]), (a[0], top, a[1])]
        found = stage.facet(rail, colour, lit=tint)
        if found is not None:
            figure.polygon(found[0] * (1.0, -1.0), found[1])
    steps = max(1, min(90, int(length / gap)))
    for t in np.linspace(1, 0, steps + 1):
        x, z = a + (b - a) * t
        if z < 0.4:
            continue
        px, py, unit = stage.at(float(x), 0.0, float(z))
        wide = thick * unit / 2
        tall = high * (1.0 + (rng.uniform(-0.04, 0.06) if wooden else 0.0)) * unit
        post = [(px - wide, -py), (px + wide, -py), (px + wide, tall - py), (px - wide, tall - py)]
        figure.polygon(post, colour * tint * np.float32(0.94))
    if figure.outlines:
        figure.paint(stage.canvas, (0.0, 0.0, 1.0), Ade.FENCE, number)


def bench(stage: Stage, place: tuple[float, float]) -> None:
    """A park bench that faces the camera."""
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
