"""Rooms: bedrooms, living rooms, dining rooms and studies, furnished from far to near."""

from collections.abc import Callable
from functools import partial

import numpy as np

from .ade import Ade
from .colours import Colour, mix
from .furniture import Place, armchair, bed, bookcase, cabinet, chair, sofa, table, television
from .openings import openings
from .ornaments import lamp, pot_plant
from .stage import Stage
from .textures import wood
from .walls import Room, pendant, rug, shell

Layout = list[tuple[float, Callable[[], None]]]
"""How far away each piece of furniture stands, and what paints it."""


def room(stage: Stage) -> None:
    """Paint a bedroom, living room, dining room or study onto an empty stage."""
    rng = stage.rng
    r = Room(stage)
    shell(r)
    openings(r)
    kind = ("bedroom", "living", "dining", "study")[int(rng.choice(4, p=(0.36, 0.3, 0.22, 0.12)))]
    pieces: Layout = []
    {"bedroom": _bedroom, "living": _living, "dining": _dining, "study": _study}[kind](r, pieces)
    _fill_walls(r, pieces)
    for _, draw in sorted(pieces, key=lambda piece: -piece[0]):
        draw()
    if rng.random() < 0.4:
        pendant(r)


def _put(
    r: Room, pieces: Layout, x: float, z: float, yaw: float, size: tuple[float, float], draw: Callable[[Place], None]
) -> bool:
    """Stand a piece of floor size (width, depth) where there is room for it."""
    turned = abs(np.sin(yaw)) > 0.7
    width, depth = (size[1], size[0]) if turned else size
    if z - depth / 2 < 0.9 or not r.free(x, z, width, depth):
        return False
    place = Place(r.stage, (x, z), yaw)
    pieces.append((float(np.hypot(x, z)), lambda: draw(place)))
    return True


def _bedroom(r: Room, pieces: Layout) -> None:
    rng = r.stage.rng
    cloth = r.accent
    if rng.random() < 0.6:
        x = rng.uniform(r.left + 1.0, r.right - 1.0)
        z, yaw = r.back - 1.15, 0.0
        sides = [(x - 1.2, r.back - 0.3), (x + 1.2, r.back - 0.3)]
    else:
        side = float(rng.choice((-1, 1)))
        x = r.left + 1.15 if side < 0 else r.right - 1.15
        z, yaw = rng.uniform(2.6, r.back - 1.1), -side * np.pi / 2
        yaw = np.pi / 2 if side < 0 else -np.pi / 2
        sides = [((r.left + 0.3) if side < 0 else (r.right - 0.3), z + 1.2)]
    if rng.random() < 0.6:
        rug(r, x * 0.6, z - 0.9, 2.4, 1.7)
    _put(r, pieces, x, z, yaw, (1.75, 2.2), lambda place: bed(place, r.timber, cloth))
    for sx, sz in sides:
        _put(r, pieces, sx, sz, yaw, (0.5, 0.42), lambda place: _nightstand(place, r.timber))


def _nightstand(place: Place, timber: Colour) -> None:
    stage = place.stage
    stage.shadow(place.centre, (0.5, 0.42))
    cabinet_id = stage.canvas.new_id(Ade.CABINET)
    place.box((0, 0), (0.5, 0.5, 0.4), wood(timber), Ade.CABINET, cabinet_id)
    lamp(stage, place.centre, 0.5, tall=stage.rng.uniform(0.4, 0.52))


def _living(r: Room, pieces: Layout) -> None:
    rng = r.stage.rng
    x = rng.uniform(r.left + 1.1, r.right - 1.1)
    width = rng.uniform(1.7, 2.3)
    against = rng.random()
    if against < 0.6:
        z, yaw = r.back - 0.5, 0.0
        front = (x, z - 1.3)
    else:
        side = float(rng.choice((-1, 1)))
        x = r.left + 0.5 if side < 0 else r.right - 0.5
        z = rng.uniform(2.6, r.back - 1.1)
        yaw = np.pi / 2 if side < 0 else -np.pi / 2
        front = (x - side * 1.3, z)
    if rng.random() < 0.75:
        rug(r, front[0], front[1], rng.uniform(1.8, 2.6), rng.uniform(1.3, 1.9))
    _put(r, pieces, x, z, yaw, (width, 0.9), lambda place: sofa(place, r.accent, width=width))
    if rng.random() < 0.8:
        _put(
            r,
            pieces,
            *front,
            yaw,
            (1.0, 0.6),
            lambda place: table(place, r.timber, (1.0, 0.42, 0.6), label=Ade.COFFEE_TABLE),
        )
    if rng.random() < 0.5:
        side = -1.0 if front[0] > 0 else 1.0
        _put(
            r,
            pieces,
            front[0] + side * 1.3,
            front[1] + 0.1,
            side * -0.9,
            (0.95, 0.95),
            lambda place: armchair(place, r.second),
        )
    if rng.random() < 0.4:
        _put(
            r,
            pieces,
            r.right - 0.35,
            rng.uniform(2.4, r.back - 0.9),
            -np.pi / 2,
            (1.6, 0.45),
            lambda place: television(place, r.timber),
        )


def _dining(r: Room, pieces: Layout) -> None:
    rng = r.stage.rng
    x, z = rng.uniform(-0.7, 0.7), rng.uniform(2.6, max(2.7, r.back - 1.3))
    size = (rng.uniform(1.1, 1.7), 0.75, rng.uniform(0.8, 1.0))
    if rng.random() < 0.5:
        rug(r, x, z, size[0] + 1.0, size[2] + 1.0)
    seat = mix(r.timber, r.accent, 0.7 if rng.random() < 0.5 else 0.0)
    _put(r, pieces, x, z, 0.0, (size[0], size[2]), lambda place: table(place, r.timber, size))
    spots = [
        (x + dx * size[0] * 0.28, z + sz * (size[2] / 2 + 0.3), 0.0 if sz > 0 else np.pi)
        for dx in (-1, 1)
        for sz in (-1, 1)
    ]
    spots += [(x + sx * (size[0] / 2 + 0.3), z, -sx * np.pi / 2) for sx in (-1, 1)]
    for cx, cz, yaw in spots:
        if rng.random() < 0.75:
            turn = yaw + rng.uniform(-0.25, 0.25)
            _put(r, pieces, cx, cz, turn, (0.42, 0.42), lambda place: chair(place, r.timber * np.float32(0.92), seat))


def _study(r: Room, pieces: Layout) -> None:
    rng = r.stage.rng
    x = rng.uniform(r.left + 0.9, r.right - 0.9)
    _put(r, pieces, x, r.back - 0.4, 0.0, (1.4, 0.7), lambda place: table(place, r.timber, (1.4, 0.75, 0.65)))
    _put(
        r,
        pieces,
        x + rng.uniform(-0.2, 0.2),
        r.back - 1.1,
        np.pi + rng.uniform(-0.5, 0.5),
        (0.42, 0.42),
        lambda place: chair(place, r.timber, r.accent),
    )
    for wall in (-1, 1):
        edge = r.left + 0.2 if wall < 0 else r.right - 0.2
        _put(
            r,
            pieces,
            edge,
            rng.uniform(2.2, r.back - 0.8),
            np.pi / 2 if wall < 0 else -np.pi / 2,
            (1.3, 0.32),
            lambda place: bookcase(place, r.timber, (1.3, 2.0, 0.3)),
        )


def _fill_walls(r: Room, pieces: Layout) -> None:
    """More furniture along the walls, plants and lamps in the corners."""
    rng = r.stage.rng
    for _ in range(int(rng.integers(2, 6))):
        wall = str(rng.choice(("back", "left", "right")))
        width, depth = rng.uniform(0.7, 1.5), rng.uniform(0.35, 0.5)
        tall = float(rng.choice((0.75, 0.85, 1.1, 2.0)))
        if wall == "back":
            x, z, yaw = rng.uniform(r.left + width / 2, r.right - width / 2), r.back - depth / 2 - 0.03, 0.0
        else:
            x = r.left + depth / 2 + 0.03 if wall == "left" else r.right - depth / 2 - 0.03
            z, yaw = rng.uniform(1.9, r.back - width / 2), np.pi / 2 if wall == "left" else -np.pi / 2
        if rng.random() < 0.25:
            _put(
                r,
                pieces,
                x,
                z,
                yaw,
                (width, depth),
                partial(bookcase, timber=r.timber, size=(width, 1.9, 0.3)),
            )
        else:
            _put(
                r,
                pieces,
                x,
                z,
                yaw,
                (width, depth),
                partial(cabinet, timber=r.timber, size=(width, tall, depth)),
            )
    for _ in range(int(rng.integers(0, 3))):
        x, z = float(rng.choice((r.left + 0.35, r.right - 0.35))), rng.uniform(2.2, r.back - 0.3)
        if rng.random() < 0.6:
            _put(r, pieces, x, z, 0.0, (0.5, 0.5), lambda place: pot_plant(place.stage, place.centre))
        else:
            _put(
                r,
                pieces,
                x,
                z,
                0.0,
                (0.45, 0.45),
                lambda place: lamp(place.stage, place.centre, 0.0, tall=float(place.stage.rng.uniform(1.35, 1.7))),
            )
    if rng.random() < 0.3:
        x, z = rng.uniform(-1.2, 1.2), rng.uniform(1.8, 3.0)
        _put(r, pieces, x, z, rng.uniform(0, 6.28), (0.6, 0.6), lambda place: chair(place, r.timber, r.accent))
