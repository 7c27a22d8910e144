"""Colours of the scenes: perceptual (OKLCH) so that a palette keeps its lightness when its hue changes."""

import math

import numpy as np
import numpy.typing as npt

Colour = npt.NDArray[np.float32]
"""An sRGB colour, float32 (3,), nominally 0..1."""


def rgb(red: float, green: float, blue: float) -> Colour:
    """An sRGB colour from 0..255 values."""
    return np.array((red, green, blue), np.float32) / np.float32(255)


def oklch(lightness: float, chroma: float, hue: float) -> Colour:
    """An sRGB colour from OKLCH (Ottosson 2020): lightness 0..1, chroma 0..0.3, hue in degrees."""
    a = chroma * math.cos(math.radians(hue))
    b = chroma * math.sin(math.radians(hue))
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    linear = (
        4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short,
    )
    encoded = [12.92 * v if v <= 0.0031308 else 1.055 * v ** (1 / 2.4) - 0.055 for v in np.clip(linear, 0, 1)]
    return np.array(encoded, np.float32)


def mix(first: Colour, second: Colour, amount: float) -> Colour:
    """The colour ``amount`` (0..1) of the way from the first to the second."""
    return (first + (second - first) * np.float32(amount)).astype(np.float32)
