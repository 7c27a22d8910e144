"""Faces close to: a head and shoulders with features, for scenes where somebody looks into the camera."""

import numpy as np

from .colours import Colour, mix, rgb
from .figure import Figure
from .people import HAIR, SKIN, clothing


def portrait(rng: np.random.Generator, *, lit_from: float = -0.5) -> Figure:
    """A person from the chest up, about 1 unit wide at the shoulders; the chest ends at y = 0, the crown near 1.2."""
    figure = Figure(lit_from=lit_from)
    figure.grain = 0.015
    skin = SKIN[int(rng.integers(len(SKIN)))]
    hair = HAIR[int(rng.integers(len(HAIR)))]
    shirt = clothing(rng)
    turn = rng.uniform(-0.05, 0.05)
    long_hair = rng.random() < 0.45
    x, y = turn, 0.82
    if long_hair:
        for side in (-1, 1):
            figure.limb([(x + side * 0.17, y + 0.1), (x + side * 0.24, 0.34)], [0.24, 0.2], hair)
        figure.ball(x, y + 0.03, 0.29, 0.33, hair * np.float32(0.8))
    _shoulders(figure, rng, shirt, skin)
    for side in (-1, 1):
        figure.ball(x + side * 0.225, y - 0.02, 0.04, 0.07, skin * np.float32(0.9))
    figure.ball(x, y, 0.225, 0.3, skin)
    figure.ball(x - lit_from * 0.12, y - 0.06, 0.1, 0.18, skin * np.float32(0.93), round_=0)
    _features(figure, rng, x + turn * 0.6, y, skin, hair)
    crown = [(x + 0.26 * np.cos(a), y + 0.06 + 0.3 * np.sin(a)) for a in np.linspace(-0.1, np.pi + 0.1, 16)]
    fringe = [(x + t, y + rng.uniform(0.14, 0.2)) for t in np.linspace(-0.2, 0.2, 7)]
    if rng.random() < 0.9:
        figure.polygon([*crown, *fringe], hair)
        for _ in range(14):
            a = rng.uniform(0.3, np.pi - 0.3)
            strand = [(x + 0.1 * np.cos(a), y + 0.32), (x + 0.25 * np.cos(a), y + 0.06 + 0.26 * np.sin(a))]
            figure.limb(strand, [0.02, 0.012], hair * np.float32(rng.uniform(0.8, 1.3)), round_=0)
    if rng.random() < 0.2:
        hat = clothing(rng)
        figure.ball(x, y + 0.24, 0.27, 0.2, hat)
        figure.limb([(x - 0.34, y + 0.19), (x + 0.34, y + 0.19)], 0.07, hat * np.float32(0.85))
    return figure


def _shoulders(figure: Figure, rng: np.random.Generator, shirt: Colour, skin: Colour) -> None:
    outline = [
        (-0.5, 0.0),
        (-0.5, 0.2),
        (-0.43, 0.33),
        (-0.13, 0.45),
        (0.13, 0.45),
        (0.43, 0.33),
        (0.5, 0.2),
        (0.5, 0.0),
    ]
    body = np.array(outline)
    figure.polygon(body, shirt * np.float32(0.8))
    for shrink, tone in ((0.86, 0.94), (0.6, 1.04)):
        figure.polygon(body * (shrink, 1.0) + (figure.lit_from * 0.09, -0.02), shirt * np.float32(tone))
    figure.limb([(0, 0.36), (0, 0.62)], [0.2, 0.19], skin * np.float32(0.84))
    figure.polygon([(-0.12, 0.46), (0.12, 0.46), (0.0, rng.uniform(0.2, 0.36))], skin * np.float32(0.88))
    for side in (-1, 1):
        figure.limb([(side * 0.14, 0.47), (side * 0.02, 0.3)], 0.05, mix(shirt, rgb(255, 255, 255), 0.35), round_=0.5)


def _features(figure: Figure, rng: np.random.Generator, x: float, y: float, skin: Colour, hair: Colour) -> None:
    dark = rgb(34, 26, 24)
    iris = (rgb(70, 46, 30), rgb(66, 98, 120), rgb(78, 96, 62))[int(rng.integers(3))]
    for side in (-1, 1):
        ex = x + side * 0.088
        figure.ball(ex, y + 0.035, 0.04, 0.022, rgb(244, 240, 234), round_=0)
        figure.ball(ex, y + 0.035, 0.02, 0.021, iris, round_=0)
        figure.ball(ex, y + 0.035, 0.009, 0.01, dark, round_=0)
        figure.limb([(ex - 0.045, y + 0.05), (ex, y + 0.064), (ex + 0.045, y + 0.05)], 0.011, dark, round_=0)
        brow = y + 0.1 + rng.uniform(-0.005, 0.01)
        figure.limb([(ex - 0.05, brow), (ex + 0.045, brow + 0.006)], [0.016, 0.02], hair * np.float32(0.7), round_=0)
        figure.ball(x + side * 0.12, y - 0.07, 0.045, 0.035, mix(skin, rgb(214, 110, 96), 0.22), round_=0)
    figure.limb([(x + 0.005, y + 0.03), (x + 0.015, y - 0.06)], [0.022, 0.045], skin * np.float32(0.9), round_=0.6)
    smile = rng.uniform(0.0, 0.035)
    lips = mix(skin, rgb(176, 62, 62), 0.55)
    figure.limb(
        [(x - 0.075, y - 0.135 + smile), (x, y - 0.148), (x + 0.075, y - 0.135 + smile)],
        [0.014, 0.03, 0.014],
        lips,
        round_=0,
    )
    if smile > 0.02:
        figure.limb(
            [(x - 0.05, y - 0.133 + smile * 0.5), (x + 0.05, y - 0.133 + smile * 0.5)],
            0.014,
            rgb(248, 244, 238),
            round_=0,
        )
    if rng.random() < 0.25:
        for side in (-1, 1):
            ring = [
                (x + side * 0.09 + 0.062 * np.cos(a), y + 0.035 + 0.052 * np.sin(a)) for a in np.linspace(0, 6.3, 18)
            ]
            figure.limb(ring, 0.011, dark, round_=0)
        figure.limb([(x - 0.03, y + 0.045), (x + 0.03, y + 0.045)], 0.011, dark, round_=0)
