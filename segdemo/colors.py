"""Colours that people can tell apart: generated in OKLab, where distance is close to what the eye sees."""

from functools import lru_cache

import numpy as np
import numpy.typing as npt

Color = tuple[int, int, int]
"""sRGB, 0..255 each."""

_Float = npt.NDArray[np.float64]

_TO_LMS = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_TO_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)
_HUE_RANGE = 0.32
"""How far an instance's hue may turn from its class's, in radians."""


def oklab(colors: npt.ArrayLike) -> _Float:
    """Convert sRGB (..., 3) in 0..255 to OKLab (..., 3): lightness 0..1 and two opponent axes (Ottosson, 2020)."""
    srgb = np.asarray(colors, dtype=np.float64) / 255
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    return np.asarray(np.cbrt(linear @ _TO_LMS.T) @ _TO_LAB.T)


def srgb(lab: npt.ArrayLike) -> npt.NDArray[np.uint8]:
    """Convert OKLab (..., 3) to sRGB uint8 (..., 3); what no screen can show is clipped."""
    linear = (np.asarray(lab, dtype=np.float64) @ np.linalg.inv(_TO_LAB).T) ** 3 @ np.linalg.inv(_TO_LMS).T
    linear = linear.clip(0, 1)
    encoded = np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.asarray((encoded * 255).round(), dtype=np.uint8)


@lru_cache(maxsize=32)
def distinct_colors(
    count: int, *, keep: tuple[Color, ...] = (), places: tuple[int, ...] | None = None
) -> tuple[Color, ...]:
    """Return ``count`` colours, each as far as possible from ``keep`` and from those before it; always the same ones.

    ``places`` says where each of ``keep`` and then each of the new ones is seen, a bit for each place: colours without
    a place in common may be half as far apart. Very dark and very light ones are left out, since they would vanish in a
    photograph. All are distinct, up to some twenty thousand.
    """
    places = (1,) * (len(keep) + count) if places is None else places
    axis = np.arange(0, 256, 15) if count + len(keep) <= 1200 else np.arange(0, 256, 7)
    grid = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1).reshape(-1, 3)
    lab = oklab(grid)
    usable = (lab[:, 0] > 0.38) & (lab[:, 0] < 0.93)
    grid, lab = grid[usable], lab[usable]
    # How far each colour is from the nearest that is taken, as it looks in each place.
    nearest = {place: np.full(len(grid), np.inf) for place in places}

    def take(color: _Float, taken: int) -> None:
        distance = ((lab - color) ** 2).sum(axis=1)
        for place, least in nearest.items():
            np.minimum(least, distance if place & taken else 4 * distance, out=least)

    for color, place in zip(keep, places, strict=False):
        take(oklab(color), place)
    chosen: list[Color] = []
    for place in places[len(keep) :]:
        # The first of all is the most saturated one.
        far = nearest[place] if chosen or keep else (lab[:, 1:] ** 2).sum(axis=1)
        best = int(far.argmax())
        if far[best] <= 0:
            raise ValueError(f"no {count} distinct colours in this range")
        red, green, blue = (int(value) for value in grid[best])
        chosen.append((red, green, blue))
        take(lab[best], place)
    return tuple(chosen)


@lru_cache(maxsize=1024)
def instance_colors(base: Color, count: int) -> tuple[Color, ...]:
    """Return ``count`` distinct shades of a class's hue, ``base`` itself first; always the same ones.

    They vary in lightness and saturation and, where those do not suffice, a little in hue.
    """
    lightness, a, b = oklab(base)
    hue, chroma = np.arctan2(b, a), np.hypot(a, b)
    lights, chromas, turns = np.meshgrid(
        np.linspace(0.4, 0.92, 14), [0.55, 0.8, 1.0, 1.25], np.linspace(-_HUE_RANGE, _HUE_RANGE, 9), indexing="ij"
    )
    radius = np.maximum(chroma, 0.02) * chromas.ravel()
    angle = hue + turns.ravel()
    lab = np.stack([lights.ravel(), radius * np.cos(angle), radius * np.sin(angle)], axis=1)
    shades = np.unique(srgb(lab), axis=0)
    lab = oklab(shades)
    # A turned hue counts against a shade, so that the plain ones are used up first.
    drift = np.abs(np.angle(np.exp(1j * (np.arctan2(lab[:, 2], lab[:, 1]) - hue))))
    preference = np.exp(-4 * drift)
    nearest = ((lab - (lightness, a, b)) ** 2).sum(axis=1)
    chosen: list[Color] = [base][:count]
    while len(chosen) < count:
        best = int((nearest * preference).argmax())
        if nearest[best] <= 0:
            chosen.extend(distinct_colors(count - len(chosen), keep=tuple(chosen)))
            break
        red, green, blue = (int(value) for value in shades[best])
        if (red, green, blue) != base:
            chosen.append((red, green, blue))
        nearest = np.minimum(nearest, ((lab - lab[best]) ** 2).sum(axis=1))
    return tuple(chosen)
