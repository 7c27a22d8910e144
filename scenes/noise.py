"""Periodic fractal noise: fixed tiles, sampled anywhere at any scale, so that a texture costs one look-up."""

from functools import cache

import cv2
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

TILE = 256
"""Side of a noise tile in texels; a tile repeats without a seam."""
_FEATURE = 32
"""Texels that one unit of ``size`` covers."""


@cache
def tile(beta: float, seed: int = 0) -> Floats:
    """A periodic tile of 1/f**beta noise, float32 (TILE, TILE), mean 0 and standard deviation 1."""
    white = np.random.default_rng((seed, 77)).standard_normal((TILE, TILE))
    frequency = np.hypot(np.fft.fftfreq(TILE)[:, None], np.fft.fftfreq(TILE)[None, :])
    # The longest waves would show as the tile's own repetition.
    frequency = np.maximum(frequency, 4 / TILE)
    spectrum = np.fft.fft2(white) * frequency**-beta
    spectrum[0, 0] = 0
    values = np.fft.ifft2(spectrum).real
    return (values / values.std()).astype(np.float32)


def fbm(u: Floats, v: Floats, size: float, *, beta: float = 1.0, footprint: float | Floats = 0.0) -> Floats:
    """Fractal noise at (u, v), about -2..2.

    Args:
        u: coordinates, float32, broadcastable with ``v``.
        v: coordinates, in the same unit.
        size: extent of the largest features, in that unit.
        beta: 0.5 grainy, 1 rough, 1.5 to 2 smooth.
        footprint: extent of a pixel in that unit; detail finer than a pixel is faded out.
    """
    scale = np.float32(_FEATURE / size)
    x, y = np.broadcast_arrays(_wrapped(u * np.float32(scale / TILE)), _wrapped(v * np.float32(scale / TILE)))
    sampled = cv2.remap(
        tile(beta),
        np.ascontiguousarray(x),
        np.ascontiguousarray(y),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_WRAP,
    )
    fade = 1.0 / np.maximum(1.0, np.asarray(footprint, np.float32) * scale * np.float32(0.5))
    return np.asarray(sampled * fade, np.float32)


def _wrapped(periods: Floats) -> Floats:
    """Texels 0..TILE for coordinates in tile periods; several times faster than a floating-point modulo."""
    return np.asarray((periods - np.floor(periods)) * np.float32(TILE), np.float32)


def ridge(rng: np.random.Generator, points: int, *, roughness: float = 0.5) -> Floats:
    """A one-dimensional skyline, float32 (points,), in 0..1: midpoint displacement with the given roughness."""
    line = rng.random(2)
    amplitude = 0.5
    while len(line) < points:
        middle = (line[:-1] + line[1:]) / 2 + rng.uniform(-amplitude, amplitude, len(line) - 1)
        grown = np.empty(2 * len(line) - 1)
        grown[::2], grown[1::2] = line, middle
        line, amplitude = grown, amplitude * roughness
    line = line[:points]
    return ((line - line.min()) / max(float(np.ptp(line)), 1e-6)).astype(np.float32)
