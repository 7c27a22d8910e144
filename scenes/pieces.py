"""What stands in the open, ready to be put somewhere: trees, rocks, people, boats, in the order of their distance."""

from collections.abc import Callable

import numpy as np

from .ade import Ade
from .canvas import Shader
from .colours import Colour, oklch
from .figure import Figure
from .land import rock
from .people import person
from .plants import bush, tree
from .stage import Stage, Texture
from .vehicles import aeroplane, boat

Piece = tuple[float, Callable[[], None]]
"""How far away something stands, and what paints it."""


def stand(
    stage: Stage,
    figure: Figure,
    place: tuple[float, float],
    label: Ade,
    *,
    size: float = 1.0,
    flip: bool = False,
    soft: float = 0.006,
    shade: float = 1.0,
    spread: float = 0.5,
    number: int | None = None,
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
    )


def sun_side(stage: Stage, *, flip: bool = False) -> float:
    """Which side figures are lit from, in a figure's own (possibly mirrored) frame."""
    side = float(np.sign(stage.light.direction[0])) * 0.6
    return -side if flip else side


def draw(pieces: list[Piece]) -> None:
    """Paint what stands about, the farthest first."""
    for _, paint in sorted(pieces, key=lambda piece: -piece[0]):
        paint()


def nearest(stage: Stage) -> float:
    """The distance at which the ground leaves the picture, a little further."""
    return stage.camera.reach(0.96)


def on_ground(
    stage: Stage, pieces: list[Piece], make: Callable[[tuple[float, float]], Piece], x: float, y: float
) -> None:
    """Add a piece that stands on the ground where the canvas point (x, y) shows it."""
    z = stage.camera.reach(max(y, stage.camera.horizon + 0.02))
    pieces.append(make(((x - stage.camera.centre) * z / stage.camera.focal, z)))


def ground_shader(stage: Stage, material: Texture) -> Shader:
    """Paint for outlines that lie on the ground."""
    return stage.shader(np.zeros(3), np.array((1.0, 0, 0)), np.array((0, 0, 1.0)), material, stage.light.on((0, 1, 0)))


def tree_piece(
    stage: Stage, kind: str, season: float, sizes: tuple[float, float]
) -> Callable[[tuple[float, float]], Piece]:
    """A tree of a height between ``sizes`` metres, for a place to be given."""
    figure = tree(stage.rng, kind=kind, season=season, lit_from=sun_side(stage))
    size = stage.rng.uniform(*sizes)

    def piece(place: tuple[float, float]) -> Piece:
        # A tree close by is a smaller one, or it would hide the scene.
        fitting = min(size, 0.95 * place[1] / stage.camera.focal)
        return place[1], lambda: stand(stage, figure, place, Ade.TREE, size=fitting, soft=0.002, spread=0.6)

    return piece


def bush_piece(stage: Stage, season: float, blossom: Colour | None) -> Callable[[tuple[float, float]], Piece]:
    """A bush, in bloom where a blossom colour is given, for a place to be given."""
    figure = bush(stage.rng, season=season, lit_from=sun_side(stage), blossom=blossom)
    label = Ade.PLANT if blossom is None else Ade.FLOWER
    return lambda place: (
        place[1],
        lambda: stand(stage, figure, place, label, size=0.9, soft=0.004, spread=1.8),
    )


def rock_piece(stage: Stage) -> Callable[[tuple[float, float]], Piece]:
    """A boulder for a place to be given."""
    rng = stage.rng
    figure = rock(rng, oklch(rng.uniform(0.5, 0.66), 0.015, 70), lit_from=sun_side(stage))
    size = rng.uniform(0.3, 1.3)
    return lambda place: (place[1], lambda: stand(stage, figure, place, Ade.ROCK, size=size, soft=0.006, spread=1.0))


def person_piece(stage: Stage) -> Callable[[tuple[float, float]], Piece]:
    """Somebody for a place to be given."""
    flip = bool(stage.rng.random() < 0.5)
    figure = person(stage.rng, lit_from=sun_side(stage, flip=flip))
    return lambda place: (place[1], lambda: stand(stage, figure, place, Ade.PERSON, flip=flip))


def boat_piece(stage: Stage) -> Callable[[tuple[float, float]], Piece]:
    """A boat drawn up on land, for a place to be given."""
    figure = boat(stage.rng)
    return lambda place: (place[1], lambda: stand(stage, figure, place, Ade.BOAT, size=0.8, spread=4.0, soft=0.01))


def afloat(stage: Stage, figure: Figure, place: tuple[float, float], size: float) -> None:
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


def sky_traffic(stage: Stage) -> None:
    """Now and then an aeroplane."""
    rng, canvas = stage.rng, stage.canvas
    if rng.random() > 0.07:
        return
    place = (rng.uniform(0.2, 0.8) * canvas.aspect, rng.uniform(0.12, 0.3) * 0.8, rng.uniform(0.015, 0.05))
    aeroplane(rng).paint(
        canvas, place, Ade.AIRPLANE, tint=stage.light.on((0, 0.3, -0.9)), flip=bool(rng.random() < 0.5)
    )
