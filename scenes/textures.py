"""Materials: procedural textures in metres, faded out where a pixel is coarser than they are."""

import numpy as np
import numpy.typing as npt

from .canvas import Floats
from .colours import Colour
from .noise import fbm
from .stage import Texture


def _lines(u: Floats, period: float, width: float, foot: Floats) -> Floats:
    """How much of each pixel lies in lines of a width that repeat every ``period``; 0..1, box filtered."""
    distance = np.abs(np.mod(u / np.float32(period) + np.float32(0.5), 1) - np.float32(0.5)) * np.float32(period)
    soft = np.maximum(foot, 1e-4)
    sharp = np.clip((width / 2 - distance) / soft + 0.5, 0, 1) * np.minimum(1, width / soft)
    # Beyond the resolution, the lines' average.
    blend = np.clip(soft / np.float32(0.5 * period), 0, 1)
    return np.asarray(sharp * (1 - blend) + np.float32(width / period) * blend, np.float32)


def _cells(i: Floats, j: Floats) -> Floats:
    """A repeatable random value -1..1 for each integer cell."""
    hashed = np.sin(i * np.float32(12.9898) + j * np.float32(78.233)) * np.float32(43758.547)
    return np.asarray((hashed - np.floor(hashed)) * 2 - 1, np.float32)


def _tone(base: Colour, amount: npt.NDArray[np.floating]) -> Floats:
    return np.asarray(base * (1 + amount[..., None]), np.float32)


def rough(
    base: Colour, *, size: float = 0.5, amount: float = 0.06, beta: float = 1.0, other: Colour | None = None
) -> Texture:
    """Mottled: plaster, asphalt, soil; with ``other``, patches of a second colour."""

    def texture(u: Floats, v: Floats, foot: Floats) -> Floats:
        value = fbm(u, v, size, beta=beta, footprint=foot)
        grain = fbm(u, v, size / 6, beta=0.6, footprint=foot) * np.float32(0.5 * amount)
        if other is None:
            return _tone(base, value * np.float32(amount) + grain)
        share = np.clip(value * np.float32(0.5) + np.float32(0.5), 0, 1)[..., None]
        return np.asarray((base + (other - base) * share) * (1 + grain[..., None]), np.float32)

    return texture


def planks(base: Colour, *, width: float = 0.14, length: float = 1.4, along_u: bool = False) -> Texture:
    """Floor boards with grain, joints and a tone per board."""

    def texture(u: Floats, v: Floats, foot: Floats) -> Floats:
        across, along = (v, u) if along_u else (u, v)
        row = np.floor(across / np.float32(width))
        shifted = along + _cells(row, row * 0) * np.float32(length)
        board = _cells(row, np.floor(shifted / np.float32(length)))
        grain = fbm(across * np.float32(9), shifted, 0.9, beta=0.9, footprint=foot * 4)
        joints = np.maximum(_lines(across, width, 0.006, foot), _lines(shifted, length, 0.006, foot))
        tone = board * np.float32(0.09) + grain * np.float32(0.055) - joints * np.float32(0.45)
        return _tone(base, tone)

    return texture


def tiles(
    base: Colour, grout: Colour, *, side: float = 0.4, other: Colour | None = None, joint: float = 0.012
) -> Texture:
    """Square tiles or paving slabs; with ``other``, a chequerboard."""

    def texture(u: Floats, v: Floats, foot: Floats) -> Floats:
        i, j = np.floor(u / np.float32(side)), np.floor(v / np.float32(side))
        fade = 1 / np.maximum(1, foot / np.float32(side) * 2)
        tone = _cells(i, j) * np.float32(0.05) * fade + fbm(u, v, side * 2, footprint=foot) * np.float32(0.03)
        colour: Floats = np.broadcast_to(base, (*tone.shape, 3))
        if other is not None:
            odd = (np.mod(i + j, 2) - np.float32(0.5)) * fade + np.float32(0.5)
            colour = base + (other - base) * odd[..., None]
        lines = np.maximum(_lines(u, side, joint, foot), _lines(v, side, joint, foot))[..., None]
        colour = colour * (1 + tone[..., None])
        return np.asarray(colour + (grout - colour) * lines, np.float32)

    return texture


def bricks(base: Colour, mortar: Colour, *, length: float = 0.24, height: float = 0.08) -> Texture:
    """A running bond with a tone per brick."""

    def texture(u: Floats, v: Floats, foot: Floats) -> Floats:
        row = np.floor(v / np.float32(height))
        shifted = u + np.mod(row, 2) * np.float32(length / 2)
        fade = 1 / np.maximum(1, foot / np.float32(height))
        tone = _cells(np.floor(shifted / np.float32(length)), row) * np.float32(0.14) * fade
        tone = tone + fbm(u, v, 0.8, footprint=foot) * np.float32(0.05)
        lines = np.maximum(_lines(shifted, length, 0.014, foot), _lines(v, height, 0.014, foot))[..., None]
        colour = base * (1 + tone[..., None])
        return np.asarray(colour + (mortar - colour) * lines, np.float32)

    return texture


def stripes(
    first: Colour, second: Colour, *, period: float = 0.3, share: float = 0.5, along_u: bool = False
) -> Texture:
    """Stripes of two colours, for wallpaper, awnings, rugs and road markings."""

    def texture(u: Floats, v: Floats, foot: Floats) -> Floats:
        lines = _lines(v if along_u else u, period, period * share, foot)[..., None]
        weave = fbm(u, v, 0.15, beta=0.7, footprint=foot) * np.float32(0.03)
        return np.asarray((first + (second - first) * lines) * (1 + weave[..., None]), np.float32)

    return texture


def wood(base: Colour, *, along_u: bool = True) -> Texture:
    """Furniture wood: long grain without joints, fainter where it is painted white."""
    contrast = np.float32(0.015 + 0.06 * max(0.0, 0.95 - float(base.mean())))

    def texture(u: Floats, v: Floats, foot: Floats) -> Floats:
        along, across = (u, v) if along_u else (v, u)
        grain = fbm(along * np.float32(0.12), across, 0.25, beta=1.0, footprint=foot)
        return _tone(base, grain * contrast)

    return texture


def fabric(base: Colour, *, amount: float = 0.05, folds: float = 0.0) -> Texture:
    """Cloth: a fine weave, with soft folds along v when ``folds`` (their period in metres) is given."""

    def texture(u: Floats, v: Floats, foot: Floats) -> Floats:
        tone = fbm(u, v, 0.12, beta=0.8, footprint=foot) * np.float32(amount)
        tone = tone + fbm(u, v, 0.8, beta=1.6, footprint=foot) * np.float32(amount * 0.6)
        if folds:
            wobble = fbm(u, v * np.float32(0.15), 0.6, beta=1.6) * np.float32(0.7)
            tone = tone + np.sin(u * np.float32(2 * np.pi / folds) + wobble) * np.float32(0.13)
        return _tone(base, tone)

    return texture


def grass(base: Colour, dry: Colour) -> Texture:
    """A meadow seen at a slant: blades near by, patches far away."""

    def texture(u: Floats, v: Floats, foot: Floats) -> Floats:
        patches = np.clip(fbm(u, v, 6.0, beta=1.3, footprint=foot) * np.float32(0.3) + np.float32(0.35), 0, 1)
        tufts = fbm(u, v * np.float32(0.6), 0.5, beta=0.8, footprint=foot) * np.float32(0.09)
        # Blades: stretched away from the viewer, which the slant foreshortens into upright strokes.
        blades = fbm(u, v * np.float32(0.25), 0.09, beta=0.55, footprint=foot) * np.float32(0.13)
        colour = base + (dry - base) * patches[..., None]
        return np.asarray(colour * (1 + (tufts + blades)[..., None]), np.float32)

    return texture
