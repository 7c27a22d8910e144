"""People made of limbs: poses, builds, clothing and hair."""

import numpy as np

from .colours import Colour, oklch, rgb
from .figure import Figure

SKIN = (rgb(246, 212, 184), rgb(231, 184, 148), rgb(198, 142, 104), rgb(148, 98, 66), rgb(98, 63, 44))
HAIR = (rgb(38, 28, 24), rgb(74, 48, 32), rgb(124, 84, 50), rgb(196, 158, 96), rgb(150, 146, 142), rgb(128, 58, 34))


def clothing(rng: np.random.Generator) -> Colour:
    """A garment's colour: mostly muted, now and then bright."""
    if rng.random() < 0.3:
        return oklch(rng.uniform(0.25, 0.9), rng.uniform(0.0, 0.03), rng.uniform(0, 360))
    return oklch(rng.uniform(0.4, 0.78), rng.uniform(0.06, 0.17), rng.uniform(0, 360))


def person(rng: np.random.Generator, *, pose: str | None = None, lit_from: float = -0.5) -> Figure:
    """A person of about 1.5 to 1.9 m standing at the origin.

    Args:
        rng: decides build, clothes, hair and, unless given, the pose.
        pose: "front" (or from behind), "walk" (from the side) or "sit" (on a seat 0.45 m high, from the side).
        lit_from: where light comes from, -1 left to 1 right.
    """
    pose = pose or ("front", "walk", "walk")[int(rng.integers(3))]
    figure = Figure(lit_from=lit_from)
    height = rng.uniform(1.55, 1.88)
    build = rng.uniform(0.88, 1.15)
    skin = SKIN[int(rng.integers(len(SKIN)))]
    hair = HAIR[int(rng.integers(len(HAIR)))]
    top, legs = clothing(rng), oklch(rng.uniform(0.22, 0.6), rng.uniform(0.01, 0.09), rng.choice((250.0, 80.0, 30.0)))
    shoes = oklch(rng.uniform(0.18, 0.5), 0.03, rng.uniform(0, 360))
    dress, long_hair, short_sleeves = rng.random() < 0.22, rng.random() < 0.4, rng.random() < 0.5
    hip, shoulder, head = 0.5 * height, 0.81 * height, 0.915 * height
    sleeve = skin if short_sleeves else top
    swing = rng.uniform(0.1, 0.24) * height if pose == "walk" else 0.0

    def leg(x: float, foot: float, knee: float, colour: Colour) -> None:
        if pose == "sit":
            figure.limb([(0, 0.53), (0.44, 0.54), (0.46, 0.08)], [0.17, 0.15, 0.1], colour)
            figure.limb([(0.45, 0.04), (0.6, 0.03)], [0.1, 0.07], shoes)
            return
        bare = skin if dress else colour
        points = [(x, hip), ((x + foot) / 2 + knee, hip * 0.53), (foot, 0.09)]
        figure.limb(points, [0.165 * build, 0.125 * build, 0.09], bare)
        toe = 0.13 if pose == "walk" else 0.04 * np.sign(foot or 1)
        figure.limb([(foot - 0.02, 0.05), (foot + toe, 0.04)], [0.1, 0.08], shoes)

    def arm(x: float, hand: tuple[float, float], elbow: tuple[float, float], shade: float) -> None:
        tone = np.float32(shade)
        figure.limb([(x, shoulder - 0.05), elbow], [0.105 * build, 0.088 * build], top * tone)
        figure.limb([elbow, hand], [0.084 * build, 0.06], sleeve * tone)
        figure.ball(*hand, 0.045, 0.05, skin * tone)

    if pose == "front":
        wide = 0.19 * build
        leg(-0.085, -0.1 - rng.uniform(0, 0.05), 0, legs)
        leg(0.085, 0.1 + rng.uniform(0, 0.05), 0, legs)
        for side in (-1, 1):
            out, lift = rng.uniform(0.02, 0.12), rng.random() < 0.15
            hand = (side * (wide + 0.24), shoulder - 0.1) if lift else (side * (wide + out), hip - 0.02)
            arm(side * wide * 0.92, hand, (side * (wide + 0.07 + out / 2), (shoulder + hip) / 2), 0.94)
        _torso(figure, top, wide, hip, shoulder, dress)
    elif pose == "walk":
        wide = 0.13 * build
        arm(-0.02, (-swing * 0.9, hip + 0.04), (-swing * 0.5 - 0.04, (shoulder + hip) / 2), 0.82)
        leg(0, swing, 0.04, legs * np.float32(0.86))
        leg(0, -swing, 0.06, legs)
        _torso(figure, top, wide, hip, shoulder, dress)
        arm(0.0, (swing * 0.9, hip + 0.08), (swing * 0.3 - 0.03, (shoulder + hip) / 2), 1.0)
    else:
        hip, shoulder, head = 0.5, 0.5 + 0.31 * height, 0.5 + 0.415 * height
        leg(0, 0, 0, legs)
        _torso(figure, top, 0.14 * build, hip, shoulder, False)
        arm(0.0, (0.3, 0.62), (0.04, (shoulder + hip) / 2 - 0.03), 1.0)
    if pose == "walk" and rng.random() < 0.3:
        bag = clothing(rng)
        figure.limb([(-0.15, hip + 0.32), (-0.15, hip + 0.08)], [0.2, 0.22], bag)
    _head(figure, rng, head, 0.068 * height, skin, hair, long_hair, pose)
    return figure


def _torso(figure: Figure, colour: Colour, wide: float, hip: float, shoulder: float, dress: bool) -> None:
    tall = shoulder - hip
    hem = hip * 0.56 if dress else hip - 0.05
    flare = 1.35 if dress else 0.86
    outline = np.array(
        (
            (-flare, hem),
            (flare, hem),
            (0.78, hip + 0.3 * tall),
            (1.0, shoulder - 0.16 * tall),
            (0.8, shoulder - 0.03 * tall),
            (0.3, shoulder + 0.05 * tall),
            (-0.3, shoulder + 0.05 * tall),
            (-0.8, shoulder - 0.03 * tall),
            (-1.0, shoulder - 0.16 * tall),
            (-0.78, hip + 0.3 * tall),
        )
    ) * np.array((wide, 1.0))
    figure.polygon(outline, colour * np.float32(0.78))
    for shrink, shift, tone in ((0.84, 0.1, 0.94), (0.6, 0.2, 1.04), (0.3, 0.28, 1.12)):
        figure.polygon(
            outline * np.array((shrink, 1.0)) + np.array((figure.lit_from * wide * shift, 0.0)),
            colour * np.float32(tone),
        )


def _head(
    figure: Figure,
    rng: np.random.Generator,
    y: float,
    radius: float,
    skin: Colour,
    hair: Colour,
    long_hair: bool,
    pose: str,
) -> None:
    figure.limb([(0, y - radius * 1.9), (0, y - radius * 0.6)], radius * 0.95, skin * np.float32(0.86))
    if long_hair:
        for x, wide in ((-0.72, 0.62), (0.72, 0.62)) if pose == "front" else ((-0.5, 1.15),):
            locks = [(x * radius, y + 0.3 * radius), (x * 1.1 * radius, y - 1.75 * radius)]
            figure.limb(locks, [radius * wide, radius * wide * 0.8], hair)
    behind = pose == "front" and rng.random() < 0.3
    figure.ball(0, y, radius * 0.86, radius * 1.14, hair if behind else skin)
    if behind:
        return
    turned = 0.0 if pose == "front" else -0.32 * radius
    figure.ball(turned, y + 0.76 * radius, radius * 0.88, radius * 0.5, hair)
    if pose != "front":
        figure.ball(-0.46 * radius, y + 0.2 * radius, radius * 0.46, radius * 0.8, hair)
        figure.ball(0.5 * radius, y - 0.02 * radius, radius * 0.09, radius * 0.1, rgb(40, 30, 28), round_=0)
    else:
        for side in (-1, 1):
            figure.ball(side * 0.32 * radius, y - 0.02 * radius, radius * 0.1, radius * 0.1, rgb(40, 30, 28), round_=0)
        figure.limb(
            [(-0.2 * radius, y - 0.5 * radius), (0.2 * radius, y - 0.5 * radius)],
            0.12 * radius,
            skin * np.float32(0.68),
            round_=0,
        )
    if rng.random() < 0.18:
        hat = clothing(rng)
        figure.ball(turned * 0.6, y + 0.72 * radius, radius * 0.98, radius * 0.6, hat)
        figure.limb([(-radius * 1.1, y + 0.5 * radius), (radius * 1.25, y + 0.5 * radius)], radius * 0.2, hat)
