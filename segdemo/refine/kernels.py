"""Gaussian kernels over the points of a grid, and what a mean-field step needs of one.

All are normalised symmetrically, k(i, j) / sqrt(k(i, .) k(j, .)) with k(i, .) the sum of a row, as in Krähenbühl and
Koltun, "Parameter learning and convergent inference for dense random fields" (ICML 2013).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
import numpy.typing as npt

from segdemo.threads import in_threads, shares

Float = npt.NDArray[np.float32]

_TAPS = 3.5
_NARROWEST = 1.5
_CHANNELS = 64


class Kernel(Protocol):
    """A kernel that filters values (n, L) in three steps, so that the outer two can run in several threads.

    The n points are cut into the parts that `threads.shares` gives.
    """

    @property
    def nbytes(self) -> int:
        """Memory held, in bytes."""

    def spread(self, part: int, values: Float) -> Float:
        """What the points of a part give, from their values (points of the part, L)."""

    def gather(self, pieces: Sequence[Float]) -> Float:
        """What all parts together gave, filtered."""

    def receive(self, part: int, gathered: Float) -> Float:
        """What the points of a part get: a new array float32 (points of the part, L)."""


def filtered(kernel: Kernel, values: Float) -> Float:
    """The kernel's sums over all points of values (n, L), for each point: float32 (n, L)."""
    parts = shares(len(values))
    pieces = in_threads(lambda part: kernel.spread(part, values[parts[part]]), range(len(parts)))
    gathered = kernel.gather(pieces)
    return np.concatenate(in_threads(lambda part: kernel.receive(part, gathered), range(len(parts))))


def reach(kernel: Kernel, points: int) -> float:
    """The largest row sum of a kernel: the most that one label can get from all points, for a compatibility of 1."""
    return float(filtered(kernel, np.ones((points, 1), np.float32)).max())


@dataclass(frozen=True)
class PairsKernel:
    """The kernel evaluated between all pairs of points: ``matrix`` float32 (n, n)."""

    matrix: Float

    @classmethod
    def over(cls, features: Sequence[Float]) -> PairsKernel:
        """From feature arrays (n,), each divided by the kernel's standard deviation along it."""
        matrix = np.zeros((len(features[0]), len(features[0])), np.float32)
        for feature in features:
            matrix -= np.square(feature[:, None] - feature)
        matrix *= 0.5
        np.exp(matrix, out=matrix)
        factor = 1 / np.sqrt(matrix.sum(1))
        matrix *= factor
        matrix *= factor[:, None]
        return cls(matrix)

    @property
    def nbytes(self) -> int:
        """Memory held, in bytes."""
        return self.matrix.nbytes

    def spread(self, part: int, values: Float) -> Float:
        """The values themselves."""
        return values

    def gather(self, pieces: Sequence[Float]) -> Float:
        """All sums: float32 (n, L)."""
        sums: Float = self.matrix @ np.concatenate(pieces)
        return sums

    def receive(self, part: int, gathered: Float) -> Float:
        """The part's rows of the sums."""
        return gathered[shares(len(gathered))[part]].copy()


@dataclass(frozen=True)
class PositionKernel:
    """The kernel over the positions of a grid alone, by separable filtering with zeros around the grid.

    ``size``: (h, w) of the grid, whose points are in row-major order. ``sigma``: the standard deviation (y, x) in
    points. ``root``: float32 (n, 1), the inverse square root of each point's row sum.
    """

    size: tuple[int, int]
    sigma: tuple[float, float]
    root: Float

    @classmethod
    def over(cls, size: tuple[int, int], sigma: tuple[float, float]) -> PositionKernel:
        """For a grid of ``size`` (h, w) and a standard deviation of ``sigma`` (y, x) points."""
        kernel = cls(size, sigma, np.ones((size[0] * size[1], 1), np.float32))
        root: Float = np.reciprocal(np.sqrt(kernel.gather([kernel.root])))
        return cls(size, sigma, root)

    @property
    def nbytes(self) -> int:
        """Memory held, in bytes."""
        return self.root.nbytes

    def spread(self, part: int, values: Float) -> Float:
        """The values, scaled by half of the normalisation."""
        return values * self.root[shares(len(self.root))[part]]

    def gather(self, pieces: Sequence[Float]) -> Float:
        """All values blurred: float32 (n, L)."""
        values = np.concatenate(pieces).reshape(*self.size, -1)
        return _blur(values, self.sigma).reshape(len(self.root), -1)

    def receive(self, part: int, gathered: Float) -> Float:
        """The part's rows, scaled by the other half of the normalisation."""
        rows = shares(len(self.root))[part]
        return gathered[rows] * self.root[rows]


def _blur(values: Float, sigma: tuple[float, float]) -> Float:
    """Values (h, w, L) blurred with a Gaussian of ``sigma`` (y, x) whose taps sum to 1, with zeros around them.

    A wide one is applied to averages over blocks of points and interpolated, less the blur that this adds.
    """
    if values.shape[2] > _CHANNELS:
        blocks = [values[..., start : start + _CHANNELS] for start in range(0, values.shape[2], _CHANNELS)]
        return np.concatenate([_blur(np.ascontiguousarray(block), sigma) for block in blocks], axis=2)
    height, width, channels = values.shape
    block = int(min(sigma) / _NARROWEST)
    if block > 1:
        rows, columns = -(-height // block), -(-width // block)
        missing = (rows * block - height, columns * block - width)
        if any(missing):
            values = np.pad(values, ((0, missing[0]), (0, missing[1]), (0, 0)))
        small = cv2.resize(values, (columns, rows), interpolation=cv2.INTER_AREA)
        values = np.asarray(small, np.float32).reshape(rows, columns, channels)
        # One block more around, so that interpolation at the border knows what lies outside.
        values = np.pad(values, ((1, 1), (1, 1), (0, 0)))
        # A block's average has a variance of block^2 / 12, linear interpolation one of block^2 / 6.
        sigma = (math.sqrt((sigma[0] / block) ** 2 - 0.25), math.sqrt((sigma[1] / block) ** 2 - 0.25))
    taps = [cv2.getGaussianKernel(2 * math.ceil(_TAPS * s) + 1, s, cv2.CV_32F) for s in sigma]
    values = np.asarray(cv2.sepFilter2D(values, -1, taps[1], taps[0], borderType=cv2.BORDER_CONSTANT), np.float32)
    if block > 1:
        size = ((columns + 2) * block, (rows + 2) * block)
        large = cv2.resize(values, size, interpolation=cv2.INTER_LINEAR)
        values = np.asarray(large, np.float32).reshape(size[1], size[0], channels)
        values = values[block : block + height, block : block + width]
    return values.reshape(height, width, channels)
