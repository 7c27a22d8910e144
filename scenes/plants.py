"""Trees, bushes, flowers and house plants, their foliage made of clumps lit from one side."""

import numpy as np

from .colours import Colour, oklch, rgb
from .figure import Figure

_AROUND = np.linspace(0, 2 * np.pi, 12, endpoint=False)
_RIM = np.stack([np.cos(_AROUND), np.sin(_AROUND)], 1)


def leaf_colour(rng: np.random.Generator, *, season: float = 0.0) -> Colour:
    """A foliage green; ``season`` 0 is summer, 1 autumn."""
    hue = rng.uniform(115, 145) - season * rng.uniform(30, 80)
    return oklch(rng.uniform(0.42, 0.56), rng.uniform(0.07, 0.11) + 0.03 * season, hue)


def clumps(
    figure: Figure,
    rng: np.random.Generator,
    centre: tuple[float, float],
    radius: tuple[float, float],
    colour: Colour,
    *,
    count: int = 40,
    grain: float = 0.24,
) -> None:
    """A crown: dark clumps behind, lighter ones towards the light, ragged at the rim."""
    for stage, (number, size, base) in enumerate(
        ((max(6, count // 2), 1.35, 0.62), (count, 1.0, 0.74), (count, 0.55, 1.0))
    ):
        angle, reach = rng.uniform(0, 2 * np.pi, number), np.sqrt(rng.random(number)) * (0.86 if stage < 2 else 0.7)
        x, y = np.cos(angle) * reach, np.sin(angle) * reach
        sizes = rng.uniform(0.5, 1.0, number) * grain * size
        if stage == 2:
            x, y = x + figure.lit_from * 0.22, y + 0.22
        light = 0.5 + 0.3 * y + 0.22 * x * figure.lit_from
        tones = base + 0.3 * light + rng.uniform(-0.07, 0.07, number)
        shades = colour * tones[:, None].astype(np.float32)
        if stage == 2:
            shades += (rgb(250, 236, 150) - shades) * np.maximum(0.1 * light, 0)[:, None].astype(np.float32)
        middle = np.array(centre) + np.stack([x, y], 1) * radius
        rims = _RIM * rng.uniform(0.62, 1.12, (number, 12, 1)) * (sizes[:, None, None] * np.array(radius))
        for outline, shade in zip(middle[:, None] + rims, shades, strict=True):
            figure.polygon(outline, shade)


def tree(rng: np.random.Generator, *, kind: str | None = None, season: float = 0.0, lit_from: float = -0.5) -> Figure:
    """A tree of about 1 unit height at the origin: "round", "tall", "fir" or "bare"."""
    kind = kind or str(rng.choice(("round", "round", "tall", "fir", "wide")))
    figure = Figure(lit_from=lit_from)
    bark = oklch(rng.uniform(0.34, 0.48), 0.03, rng.uniform(45, 80))
    leaves = leaf_colour(rng, season=season)
    figure.grain = 0.1
    if kind != "bare":
        figure.ragged, figure.smooth_below = (0.008, 0.1) if kind == "fir" else (0.016, 0.34)
    if kind == "fir":
        leaves = oklch(rng.uniform(0.34, 0.44), rng.uniform(0.05, 0.08), rng.uniform(140, 165))
        figure.limb([(0, 0), (0, 0.3)], [0.05, 0.04], bark)
        layers = 9
        for i in range(layers):
            y = 0.1 + 0.84 * i / layers
            half = 0.24 * (1 - i / layers) + 0.02
            for tone, side in ((0.66, 1.0), (0.92, 0.86)):
                edge: list[tuple[float, float]] = []
                for t in np.linspace(-1, 1, 11):
                    drop = abs(t) * 0.07 + (0.0 if len(edge) % 2 else 0.025)
                    edge.append((t * half * side + figure.lit_from * (1 - side) * half * 0.8, y - drop))
                figure.polygon(
                    [*edge, (0.03 * half, y + 0.2), (-0.03 * half, y + 0.2)],
                    leaves * np.float32(tone + rng.uniform(0, 0.12) + 0.02 * i),
                )
        return figure
    crown = {
        "round": (0.34, 0.3, 0.66),
        "tall": (0.2, 0.36, 0.62),
        "wide": (0.46, 0.27, 0.68),
        "bare": (0.3, 0.3, 0.66),
    }[kind]
    lean = rng.uniform(-0.04, 0.04)
    figure.limb([(0, 0), (lean * 0.5, 0.25), (lean, 0.6)], [0.075, 0.05, 0.035], bark)
    for side in (-1, 1, -0.5, 0.6):
        figure.limb(
            [(lean * 0.7, rng.uniform(0.32, 0.44)), (side * crown[0] * 0.62, crown[2] + rng.uniform(-0.06, 0.1))],
            [0.034, 0.01],
            bark,
        )
    if kind == "bare":
        _branch(figure, rng, (lean * 0.5, 0.3), np.pi / 2 + lean, 0.24, 0.04, bark, 5)
        return figure
    clumps(figure, rng, (lean, crown[2]), (crown[0], crown[1]), leaves, count=64, grain=0.2)
    return figure


def _branch(
    figure: Figure,
    rng: np.random.Generator,
    start: tuple[float, float],
    angle: float,
    length: float,
    wide: float,
    bark: Colour,
    depth: int,
) -> None:
    """A bough that forks until it is a twig."""
    end = (start[0] + length * float(np.cos(angle)), start[1] + length * float(np.sin(angle)))
    figure.limb([start, end], [wide, wide * 0.62], bark, round_=0.7 if depth > 3 else 0)
    if depth == 0:
        return
    for turn in (-rng.uniform(0.25, 0.65), rng.uniform(0.25, 0.65)):
        # Boughs reach for the light: they bend back upwards.
        heading = angle + turn + 0.12 * (np.pi / 2 - angle - turn)
        _branch(figure, rng, end, heading, length * rng.uniform(0.62, 0.82), wide * 0.6, bark, depth - 1)


def bush(
    rng: np.random.Generator, *, season: float = 0.0, lit_from: float = -0.5, blossom: Colour | None = None
) -> Figure:
    """A shrub about 2 units wide and 1 high at the origin, in bloom when a blossom colour is given."""
    figure = Figure(lit_from=lit_from)
    figure.grain, figure.ragged, figure.smooth_below = 0.08, 0.02, 0.05
    colour = leaf_colour(rng, season=season)
    figure.ball(0, 0.3, 0.85, 0.34, colour * np.float32(0.6))
    for x in (-0.45, 0.4, 0.0):
        clumps(figure, rng, (x + rng.uniform(-0.1, 0.1), 0.42), (0.5, 0.42), colour, count=12, grain=0.34)
    if blossom is not None:
        for _ in range(22):
            x, y = rng.uniform(-0.75, 0.75), rng.uniform(0.2, 0.8)
            figure.ball(x, y, 0.05, 0.05, blossom * np.float32(rng.uniform(0.85, 1.1)))
    return figure


def flower(rng: np.random.Generator, colour: Colour, *, petals: int | None = None) -> Figure:
    """A flower head about 1 unit wide around the origin, without its stem."""
    figure = Figure(lit_from=-0.4)
    count = petals or int(rng.integers(5, 10))
    turn = rng.uniform(0, np.pi)
    squash = rng.uniform(0.7, 1.0)
    for layer, reach in ((0.86, 0.3), (1.0, 0.26)):
        for i in range(count):
            angle = turn + 2 * np.pi * (i + (layer == 1.0) * 0.5) / count
            x, y = np.cos(angle) * reach, np.sin(angle) * reach * squash
            figure.ball(
                x,
                y,
                0.2,
                2.1 / count * 0.36 + 0.03,
                colour * np.float32(layer * rng.uniform(0.92, 1.05)),
                turn=angle,
                round_=0.7,
            )
    figure.ball(0, 0, 0.15, 0.15 * squash, (rgb(238, 190, 60), rgb(96, 62, 38))[int(rng.integers(2))])
    return figure


def house_plant(rng: np.random.Generator) -> Figure:
    """The leaves of a potted plant, about 1 unit high, rooted at the origin."""
    figure = Figure()
    green = oklch(rng.uniform(0.42, 0.56), rng.uniform(0.08, 0.12), rng.uniform(130, 155))
    narrow = rng.random() < 0.5
    for i in range(17):
        lean = rng.uniform(-1, 1) * (0.42 if narrow else 0.5)
        high = rng.uniform(0.55, 1.0) * (1 - 0.5 * abs(lean))
        tone = np.float32(rng.uniform(0.7, 1.15) * (0.8 if i < 6 else 1.0))
        tip = (lean * 1.25, high * (0.86 if narrow else 0.9))
        if narrow:
            figure.limb([(lean * 0.1, 0), (lean * 0.55, high * 0.6), tip], [0.05, 0.07, 0.012], green * tone)
        else:
            figure.limb([(0, 0), (lean * 0.6, high * 0.62)], 0.02, green * np.float32(0.7))
            figure.ball(
                lean * 0.85, high * 0.8, 0.17, 0.085, green * tone, turn=0.9 * np.sign(lean) + rng.uniform(-0.4, 0.4)
            )
    return figure
