"""A photograph that a network saw in overlapping squares along its longer side, and the one grid that holds them all.

The squares' cells do not lie on one even grid: where two overlap, the cells of one are between those of the other. A
mask is linear between the cells of its square, so a grid that has the cells of all of them, and the pixels at the
squares' borders, holds every mask exactly.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

Index = npt.NDArray[np.intp]

OUTSIDE = -1e3
"""Mask logit outside of the square that a query looked at: its probability there is 0."""


@dataclass(frozen=True)
class Crops:
    """Squares of one size along an axis of the network's input, each with queries of its own."""

    axis: int
    """0 along the rows, 1 along the columns."""
    length: int
    """Pixels of the input along that axis."""
    side: int
    """Pixels that a square is wide and high."""
    starts: tuple[int, ...]
    """The first pixel of each."""
    cells: int
    """Mask cells along the side of a square."""

    @cached_property
    def positions(self) -> npt.NDArray[np.float64]:
        """Where the cells of the one grid are along the axis: ascending, in pixels, whose centres are whole numbers."""
        stride = self.side / self.cells
        inner = (np.arange(self.cells) + 0.5) * stride - 0.5
        edges = np.array([-1, 0, self.side - 1, self.side])
        found = np.unique(np.concatenate([start + np.concatenate([inner, edges]) for start in self.starts]))
        return found[(found >= 0) & (found <= self.length - 1)]

    def inside(self, crop: int) -> npt.NDArray[np.bool_]:
        """Which cells of the one grid are in a square."""
        start = self.starts[crop]
        return (self.positions >= start) & (self.positions <= start + self.side - 1)

    def weights(self, crop: int) -> npt.NDArray[np.float32]:
        """What each cell of a square counts at the one grid's cells that are in it: float32 (cells there, cells)."""
        stride = self.side / self.cells
        place = (self.positions[self.inside(crop)] - self.starts[crop] + 0.5) / stride - 0.5
        place = np.clip(place, 0, self.cells - 1)
        lower = np.minimum(place.astype(np.intp), max(self.cells - 2, 0))
        weights = np.zeros((len(place), self.cells), np.float32)
        rows = np.arange(len(place))
        weights[rows, lower] = 1 - (place - lower)
        weights[rows, np.minimum(lower + 1, self.cells - 1)] += place - lower
        return weights

    @cached_property
    def share(self) -> npt.NDArray[np.float32]:
        """What one square counts at each pixel along the axis: 1 over how many saw it, float32 (length,)."""
        seen = np.zeros(self.length, np.float32)
        for start in self.starts:
            seen[start : start + self.side] += 1
        return np.asarray(1 / np.maximum(seen, 1), np.float32)

    def own(self, crop: int) -> npt.NDArray[np.bool_]:
        """Which cells are a square's own: up to the middle of where it overlaps with the next."""
        ends = [(self.starts[one] + self.side + self.starts[one + 1] - 1) / 2 for one in range(len(self.starts) - 1)]
        low = ends[crop - 1] if crop else -np.inf
        high = ends[crop] if crop < len(ends) else np.inf
        return (self.positions > low) & (self.positions <= high)

    def even(self) -> Index:
        """The cells of the one grid that are nearest to those of an even one of a square's spacing."""
        stride = self.side / self.cells
        wanted = (np.arange(max(1, round(self.length / stride))) + 0.5) * stride - 0.5
        after = np.clip(np.searchsorted(self.positions, wanted), 1, len(self.positions) - 1)
        nearer = wanted - self.positions[after - 1] <= self.positions[after] - wanted
        return np.where(nearer, after - 1, after)

    def coarse(self, stride: int) -> tuple[Index, npt.NDArray[np.bool_], Index]:
        """For an even grid of ``stride`` pixels: each square's cell under each of its cells, whether it is in there
        (both (squares, cells)), and the square whose middle is nearest (cells,)."""
        centres = (np.arange(-(-self.length // stride)) + 0.5) * stride
        starts = np.array(self.starts)[:, None]
        cells = ((centres - starts) // stride).astype(np.intp)
        there = (centres >= starts) & (centres < starts + self.side)
        nearest = np.abs(centres - starts - self.side / 2).argmin(axis=0)
        return np.clip(cells, 0, self.side // stride - 1), there, nearest


def crops_of(height: int, width: int, side: int, cells: int) -> Crops | None:
    """How the library's processor cuts an input whose shorter side is ``side`` (``EomtImageProcessor._split_image``).

    As few squares as cover it, evenly spread; none for a square input.
    """
    length = max(height, width)
    count = -(-length // side)
    if count < 2:
        return None
    overlap = (count * side - length) / (count - 1)
    starts = tuple(int(number * (side - overlap)) for number in range(count))
    return Crops(0 if height > width else 1, length, side, starts, cells)
