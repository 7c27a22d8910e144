"""Facades: storeys of windows, shops, doors and cornices as one texture, on houses that stand in the world."""

import numpy as np
import numpy.typing as npt

from .ade import Ade
from .canvas import Floats
from .colours import Colour, mix, oklch, rgb
from .stage import Stage, Texture
from .textures import bricks, rough


def wall_colour(rng: np.random.Generator) -> Colour:
    """Plaster, stone or brick: warm and muted, with a few painted houses."""
    if rng.random() < 0.2:
        return oklch(rng.uniform(0.68, 0.84), rng.uniform(0.04, 0.08), rng.uniform(0, 360))
    return oklch(rng.uniform(0.6, 0.9), rng.uniform(0.01, 0.06), rng.uniform(40, 95))


def facade(rng: np.random.Generator, *, shop: bool = False) -> Texture:
    """A house front in metres, v upwards from the street."""
    brick = rng.random() < 0.35
    base = oklch(rng.uniform(0.42, 0.58), rng.uniform(0.05, 0.1), rng.uniform(30, 55)) if brick else wall_colour(rng)
    skin = bricks(base, mix(base, rgb(220, 210, 196), 0.5)) if brick else rough(base, size=1.5, amount=0.035)
    trim = mix(base, rgb(250, 246, 236), 0.65) if rng.random() < 0.7 else base * np.float32(0.6)
    frame = rgb(242, 240, 232) if rng.random() < 0.6 else oklch(0.35, 0.04, rng.uniform(0, 360))
    bay, storey = rng.uniform(1.9, 3.0), rng.uniform(2.9, 3.5)
    wide, high = rng.uniform(0.8, 1.25), rng.uniform(1.3, 1.8)
    shutters = None if rng.random() < 0.7 else oklch(0.5, 0.09, rng.choice((150.0, 240.0, 30.0)))
    awning = oklch(rng.uniform(0.45, 0.65), 0.13, rng.uniform(0, 360))
    door = oklch(rng.uniform(0.3, 0.5), 0.08, rng.uniform(0, 360))
    phase = np.float32(rng.uniform(0, 1))

    def texture(u: Floats, v: Floats, foot: Floats) -> Floats:
        colour = skin(u, v, foot)
        soft = np.maximum(foot, 1e-3)

        def inside(a: Floats, low: float, high_: float, s: Floats = soft) -> Floats:
            return np.asarray(np.clip((a - low) / s + 0.5, 0, 1) * np.clip((high_ - a) / s + 0.5, 0, 1), np.float32)

        def lay(amount: npt.NDArray[np.floating], tone: Colour | Floats) -> None:
            nonlocal colour
            colour = colour + (tone - colour) * amount[..., None]

        i = np.floor(u / np.float32(bay))
        j = np.floor(v / np.float32(storey))
        du = np.mod(u, np.float32(bay)) - np.float32(bay / 2)
        dv = np.mod(v, np.float32(storey)) - np.float32(0.85)
        upper = np.clip((v - np.float32(storey)) / soft + 0.5, 0, 1) if shop else np.float32(1) + 0 * v
        lay(inside(dv, -1.0, -0.86) * np.float32(0.6) * upper, trim)
        if shutters is not None:
            lay(inside(np.abs(du), wide / 2 + 0.03, wide / 2 + 0.42) * inside(dv, 0, high) * upper, shutters)
        lay(inside(du, -wide / 2 - 0.14, wide / 2 + 0.14) * inside(dv, -0.16, high + 0.12) * upper, trim)
        lay(inside(du, -wide / 2, wide / 2) * inside(dv, 0, high) * upper, frame)
        pane = inside(np.abs(du), 0.035, wide / 2 - 0.07) * inside(
            np.abs(dv - np.float32(high * 0.5)), 0.03, high / 2 - 0.06
        )
        hashed = np.sin(i * np.float32(12.9898) + j * np.float32(78.233) + phase) * np.float32(437.5)
        random = hashed - np.floor(hashed)
        glass: Floats = (
            rgb(52, 66, 80)
            + (rgb(148, 172, 190) - rgb(52, 66, 80))
            * np.clip(dv / np.float32(high) * random * np.float32(1.5), 0, 1)[..., None]
        )
        glass = np.where((random > 0.86)[..., None], rgb(226, 204, 160), glass)
        lay(pane * upper, glass)
        if shop:
            lower = 1 - upper
            lay(lower * inside(v, 0, storey), base * np.float32(0.55))
            lay(
                lower * inside(np.mod(u, np.float32(bay * 2)), 0.2, bay * 2 - 1.35) * inside(v, 0.5, 2.3),
                rgb(70, 84, 92),
            )
            lay(
                lower * inside(np.mod(u, np.float32(bay * 2)), bay * 2 - 1.15, bay * 2 - 0.2) * inside(v, 0.0, 2.3),
                door,
            )
            stripe = inside(np.mod(u, np.float32(0.6)), 0, 0.3)[..., None]
            lay(lower * inside(v, 2.3, 2.75), awning + (rgb(244, 238, 226) - awning) * stripe)
        else:
            doorway = inside(np.mod(u, np.float32(bay * 3)), bay + 0.5 - bay / 2, bay + 1.5 - bay / 2) * inside(
                v, 0, 2.1
            )
            lay(doorway, door)
        lay(inside(v, 0, 0.35) * np.float32(0.5), base * np.float32(0.5))
        return np.asarray(colour, np.float32)

    return texture


def house(
    stage: Stage, side: float, near: float, far: float, height: float, depth: float, *, roof: Colour, gable: bool
) -> None:
    """A house along a street: its front at X = ``side``, from Z ``near`` to ``far``, ``depth`` metres deep."""
    rng = stage.rng
    front = facade(rng, shop=rng.random() < 0.45)
    plain = rough(wall_colour(rng) * np.float32(0.92), size=2.0, amount=0.04)
    back = side + np.sign(side) * depth
    number = stage.canvas.new_id(Ade.BUILDING)
    tiles = rough(roof, size=0.6, amount=0.12)
    # The gable wall towards the camera, then the front along the street.
    stage.quad(
        [(side, 0, near), (back, 0, near), (back, height, near), (side, height, near)], plain, Ade.BUILDING, number
    )
    if gable:
        peak = ((side + back) / 2, height + depth * 0.42)
        stage.quad([(side, height, near), (back, height, near), (peak[0], peak[1], near)], plain, Ade.BUILDING, number)
        eave = side - np.sign(side) * 0.35
        stage.quad(
            [
                (eave, height - 0.1, near - 0.2),
                (eave, height - 0.1, far),
                (peak[0], peak[1], far),
                (peak[0], peak[1], near - 0.2),
            ],
            tiles,
            Ade.BUILDING,
            number,
        )
    stage.quad(
        [(side, 0, near), (side, 0, far), (side, height, far), (side, height, near)], front, Ade.BUILDING, number
    )
    if not gable:
        edge = side - np.sign(side) * 0.3
        stage.quad(
            [
                (edge, height, near - 0.1),
                (edge, height, far),
                (edge, height + 0.4, far),
                (edge, height + 0.4, near - 0.1),
            ],
            wall_colour(rng),
            Ade.BUILDING,
            number,
        )


def block(stage: Stage, left: float, right: float, z: float, height: float, *, label: Ade = Ade.BUILDING) -> None:
    """A building that faces the camera, from X ``left`` to ``right`` at distance Z."""
    rng = stage.rng
    front = facade(rng, shop=False)
    number = stage.canvas.new_id(label)
    stage.quad([(left, 0, z), (right, 0, z), (right, height, z), (left, height, z)], front, label, number)
    roof = oklch(rng.uniform(0.34, 0.5), rng.uniform(0.02, 0.09), rng.uniform(25, 60))
    rise = rng.uniform(1.5, 3.2)
    inset = min(2.0, (right - left) * 0.3)
    corners = [
        (left - 0.4, height, z - 0.2),
        (right + 0.4, height, z - 0.2),
        (right - inset, height + rise, z + 3),
        (left + inset, height + rise, z + 3),
    ]
    stage.quad(corners, rough(roof, size=0.6, amount=0.1), label, number)
