"""Animals: cows, sheep, horses, dogs, cats and birds, seen from the side with their patterns."""

import numpy as np

from .colours import Colour, mix, oklch, rgb
from .figure import Figure

SPECIES = ("cow", "sheep", "horse", "dog", "cat", "bird")


def animal(rng: np.random.Generator, species: str, *, lit_from: float = -0.5) -> Figure:
    """An animal looking right, its feet at y = 0, in metres (a grown cow is 1.4 m at the shoulder)."""
    figure = Figure(lit_from=lit_from)
    painter = {"cow": _cow, "sheep": _sheep, "horse": _horse, "dog": _dog, "cat": _cat, "bird": _bird}[species]
    painter(figure, rng)
    return figure


def _legs(
    figure: Figure,
    rng: np.random.Generator,
    xs: tuple[float, float],
    top: float,
    wide: float,
    colour: Colour,
    hoof: Colour,
) -> None:
    """Four legs, the far pair darker; drawn before the body."""
    stride = float(rng.choice((-1.0, 0.5, 1.0)))
    for far in (True, False):
        shade = np.float32(0.72 if far else 0.98)
        for i, x in enumerate(xs):
            step = (rng.uniform(0.02, 0.26) if far else rng.uniform(-0.16, 0.08)) * top * stride
            bend = (0.05 if i == 0 else -0.03) * top
            line = [(x, top), (x + step / 2 - bend, top * 0.48), (x + step, 0.05 * top)]
            figure.limb(line, [wide * 1.7, wide, wide * 0.72], colour * shade)
            figure.limb([(x + step, 0.07 * top), (x + step + wide * 0.2, 0.03 * top)], wide * 0.85, hoof * shade)


def _patches(
    figure: Figure,
    rng: np.random.Generator,
    box: tuple[float, float, float, float],
    colour: Colour,
    count: int,
    size: float,
) -> None:
    left, bottom, right, top = box
    for _ in range(count):
        x, y = rng.uniform(left, right), rng.uniform(bottom, top)
        for _ in range(3):
            dx, dy = rng.uniform(-0.6, 0.6, 2) * size
            px, py = np.clip(x + dx, left, right), np.clip(y + dy, bottom, top)
            figure.ball(
                px,
                py,
                size * rng.uniform(0.4, 0.8),
                size * rng.uniform(0.35, 0.65),
                colour,
                turn=rng.uniform(-1, 1),
                round_=0.25,
            )


def _cow(figure: Figure, rng: np.random.Generator) -> None:
    coat = (rgb(236, 228, 216), rgb(58, 46, 42), rgb(140, 84, 50), rgb(184, 128, 80), rgb(214, 190, 158))[
        int(rng.integers(5))
    ]
    spots = rng.random() < 0.6
    patch = (
        rgb(48, 40, 38)
        if coat.mean() > 0.5 and rng.random() < 0.6
        else rgb(132, 78, 46)
        if coat.mean() > 0.5
        else rgb(232, 224, 214)
    )
    grazing = rng.random() < 0.45
    figure.limb([(-0.98, 1.26), (-1.06, 0.95), (-1.02, 0.5)], [0.09, 0.05, 0.05], coat * np.float32(0.8))
    figure.ball(-1.02, 0.45, 0.06, 0.1, coat * np.float32(0.55))
    _legs(figure, rng, (-0.72, 0.52), 0.78, 0.15, coat, rgb(50, 44, 40))
    figure.ball(-0.5, 0.6, 0.15, 0.11, rgb(222, 170, 158))
    figure.limb([(-0.68, 1.04), (0.0, 0.98), (0.5, 1.02)], [0.66, 0.74, 0.64], coat)
    figure.limb([(-0.92, 1.22), (-0.3, 1.27), (0.55, 1.25)], [0.22, 0.18, 0.22], coat * np.float32(1.03))
    if spots:
        _patches(figure, rng, (-0.78, 0.86, 0.5, 1.2), patch, int(rng.integers(2, 5)), 0.2)
    head = (1.14, 0.34) if grazing else (1.16, 1.36)
    figure.limb(
        [(0.55, 1.12), (0.85, (1.12 + head[1]) / 2 + 0.12), (head[0] - 0.1, head[1] + 0.05)],
        [0.54, 0.4, 0.28],
        patch if spots else coat,
    )
    nose = (head[0] + 0.16, head[1] - 0.26)
    figure.ball(head[0] - 0.2, head[1] + 0.08, 0.15, 0.06, coat * np.float32(0.7), turn=0.3)
    figure.limb([(head[0] - 0.05, head[1] + 0.07), nose], [0.27, 0.19], patch if spots else coat)
    figure.limb(
        [(head[0] + 0.01, head[1] - 0.02), (nose[0] - 0.02, nose[1] + 0.06)],
        [0.08, 0.1],
        rgb(236, 226, 214) if spots else coat,
    )
    figure.ball(nose[0] + 0.01, nose[1], 0.09, 0.075, rgb(206, 158, 146) if coat.mean() > 0.3 else rgb(84, 70, 66))
    figure.ball(head[0] + 0.03, head[1] + 0.03, 0.026, 0.026, rgb(24, 20, 20), round_=0)
    if rng.random() < 0.6:
        figure.limb(
            [(head[0] - 0.06, head[1] + 0.18), (head[0] - 0.02, head[1] + 0.32), (head[0] + 0.06, head[1] + 0.34)],
            [0.06, 0.04, 0.02],
            rgb(226, 214, 188),
        )


def _sheep(figure: Figure, rng: np.random.Generator) -> None:
    wool = mix(rgb(236, 228, 208), rgb(208, 196, 176), rng.random())
    face = (rgb(46, 40, 40), rgb(222, 206, 186))[int(rng.integers(2))]
    grazing = rng.random() < 0.5
    _legs(figure, rng, (-0.32, 0.26), 0.4, 0.075, face, rgb(40, 36, 34))
    figure.limb([(-0.34, 0.56), (0.3, 0.58)], [0.46, 0.44], wool)
    for _ in range(46):
        angle, reach = rng.uniform(0, 2 * np.pi), np.sqrt(rng.random())
        x, y = -0.02 + np.cos(angle) * 0.5 * reach, 0.58 + np.sin(angle) * 0.23 * reach
        tone = np.float32(0.92 + 0.24 * (y - 0.4) + rng.uniform(-0.05, 0.05))
        figure.ball(x, y, rng.uniform(0.07, 0.1), rng.uniform(0.06, 0.09), wool * tone, round_=0.5)
    head = (0.6, 0.2) if grazing else (0.62, 0.78)
    figure.limb([(0.34, 0.62), (head[0] - 0.06, head[1] + 0.02)], [0.3, 0.2], wool)
    figure.limb([(head[0] - 0.04, head[1] + 0.05), (head[0] + 0.12, head[1] - 0.12)], [0.17, 0.1], face)
    figure.ball(head[0] - 0.13, head[1] + 0.05, 0.09, 0.035, face * np.float32(0.9), turn=0.3)
    figure.ball(head[0] - 0.06, head[1] + 0.14, 0.09, 0.06, wool, round_=0.5)
    figure.ball(head[0] + 0.02, head[1] + 0.02, 0.014, 0.016, rgb(24, 20, 20), round_=0)


def _horse(figure: Figure, rng: np.random.Generator) -> None:
    coat = (rgb(122, 72, 42), rgb(62, 44, 36), rgb(168, 112, 66), rgb(206, 200, 192), rgb(92, 54, 36))[
        int(rng.integers(5))
    ]
    mane = coat * np.float32(0.45) if coat.mean() < 0.7 else rgb(226, 220, 210)
    grazing = rng.random() < 0.35
    figure.limb([(-0.86, 1.36), (-1.04, 1.15), (-1.02, 0.6)], [0.12, 0.16, 0.1], mane)
    _legs(figure, rng, (-0.66, 0.5), 0.98, 0.13, coat, rgb(42, 36, 34))
    figure.limb([(-0.62, 1.24), (-0.05, 1.18), (0.5, 1.26)], [0.56, 0.5, 0.54], coat)
    figure.ball(-0.66, 1.2, 0.3, 0.34, coat)
    head = (1.12, 0.42) if grazing else (1.08, 1.92)
    bend = (0.86, 0.95) if grazing else (0.8, 1.62)
    figure.limb([(0.46, 1.26), bend, (head[0] - 0.08, head[1])], [0.56, 0.34, 0.24], coat)
    figure.limb(
        [(0.46, 1.52), (bend[0] - 0.12, bend[1] + 0.14), (head[0] - 0.18, head[1] + 0.12)], [0.1, 0.13, 0.1], mane
    )
    nose = (head[0] + 0.24, head[1] - 0.34)
    figure.limb([(head[0] - 0.06, head[1] + 0.02), nose], [0.27, 0.16], coat)
    figure.limb([(head[0] - 0.1, head[1] + 0.12), (head[0] - 0.07, head[1] + 0.26)], [0.09, 0.03], coat)
    figure.ball(*nose, 0.075, 0.075, coat * np.float32(0.6))
    figure.ball(head[0] + 0.04, head[1] - 0.02, 0.022, 0.022, rgb(20, 16, 16), round_=0)


def _dog(figure: Figure, rng: np.random.Generator) -> None:
    coat = (rgb(186, 138, 84), rgb(66, 52, 46), rgb(222, 196, 154), rgb(116, 76, 50), rgb(204, 200, 196))[
        int(rng.integers(5))
    ]
    second = (rgb(240, 232, 220), coat * np.float32(0.6))[int(rng.integers(2))]
    figure.limb([(-0.34, 0.5), (-0.5, 0.62), (-0.54, 0.78)], [0.08, 0.06, 0.04], coat)
    _legs(figure, rng, (-0.28, 0.22), 0.36, 0.075, coat, coat * np.float32(0.8))
    figure.limb([(-0.28, 0.46), (0.0, 0.45), (0.22, 0.48)], [0.24, 0.23, 0.29], coat)
    figure.ball(0.24, 0.42, 0.11, 0.12, second, round_=0.5)
    figure.limb([(0.26, 0.52), (0.38, 0.7)], [0.2, 0.16], coat)
    figure.ball(0.42, 0.74, 0.125, 0.11, coat)
    figure.limb([(0.46, 0.71), (0.6, 0.67)], [0.12, 0.08], second if rng.random() < 0.5 else coat)
    figure.ball(0.625, 0.685, 0.028, 0.024, rgb(28, 24, 24), round_=0)
    figure.ball(0.48, 0.77, 0.016, 0.018, rgb(24, 20, 20), round_=0)
    figure.limb([(0.36, 0.82), (0.31, 0.68)], [0.08, 0.06], coat * np.float32(0.66))


def _cat(figure: Figure, rng: np.random.Generator) -> None:
    coat = (rgb(196, 132, 76), rgb(70, 66, 68), rgb(150, 138, 126), rgb(232, 222, 208))[int(rng.integers(4))]
    dark = coat * np.float32(0.62)
    figure.limb([(-0.14, 0.06), (-0.34, 0.05), (-0.4, 0.16)], [0.06, 0.055, 0.04], coat)
    figure.ball(-0.06, 0.13, 0.17, 0.15, coat)
    figure.limb([(-0.02, 0.18), (0.08, 0.32)], [0.24, 0.17], coat)
    for x in (0.06, 0.13):
        figure.limb([(x, 0.2), (x + 0.01, 0.03)], [0.07, 0.055], coat)
    if rng.random() < 0.7:
        for i in range(5):
            x = -0.16 + 0.05 * i
            figure.limb([(x, 0.14 + 0.035 * i), (x - 0.03, 0.24 + 0.03 * i)], 0.018, dark, round_=0)
    for side in (-1, 1):
        figure.polygon([(0.12 + side * 0.09, 0.42), (0.12 + side * 0.085, 0.53), (0.12 + side * 0.02, 0.47)], dark)
    figure.ball(0.12, 0.41, 0.1, 0.085, coat)
    figure.ball(0.13, 0.375, 0.045, 0.03, rgb(240, 232, 222), round_=0)
    for x in (0.09, 0.165):
        figure.ball(x, 0.42, 0.016, 0.02, oklch(0.78, 0.14, 125), round_=0)
        figure.ball(x, 0.42, 0.006, 0.018, rgb(20, 18, 18), round_=0)
    figure.ball(0.13, 0.39, 0.011, 0.008, rgb(196, 120, 112), round_=0)


def _bird(figure: Figure, rng: np.random.Generator) -> None:
    kind = int(rng.integers(3))
    body = (rgb(238, 234, 226), rgb(120, 98, 78), rgb(150, 150, 156))[kind]
    neck = (rgb(238, 234, 226), rgb(36, 92, 70), rgb(44, 42, 44))[kind]
    beak = rgb(232, 150, 48)
    for x, shade in ((0.05, 0.8), (-0.02, 1.0)):
        figure.limb([(x, 0.14), (x + 0.01, 0.02), (x + 0.06, 0.01)], 0.025, beak * np.float32(shade))
    figure.limb([(-0.22, 0.26), (0.0, 0.22), (0.12, 0.26)], [0.1, 0.25, 0.16], body)
    figure.polygon([(-0.2, 0.3), (-0.4, 0.34), (-0.22, 0.2)], body * np.float32(0.8))
    figure.limb([(-0.24, 0.27), (0.04, 0.27)], [0.05, 0.13], body * np.float32(0.84))
    reach = rng.uniform(0.42, 0.55)
    figure.limb([(0.13, 0.27), (0.2, 0.36), (0.19, reach)], [0.14, 0.08, 0.08], neck)
    figure.ball(0.21, reach + 0.02, 0.06, 0.05, neck)
    figure.limb([(0.26, reach + 0.01), (0.34, reach - 0.01)], [0.045, 0.025], beak)
    figure.ball(0.23, reach + 0.035, 0.009, 0.009, rgb(20, 18, 18), round_=0)
