"""Connected regions of label maps: which are too small, and which are holes.

Regions are found for all labels at once: a map is cut into runs, the longest stretches of one label within a row, and
runs that touch in neighbouring rows are the edges of a graph whose connected components are the regions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from segdemo.progress import rest_point

Compact = npt.NDArray[np.uint8] | npt.NDArray[np.uint16]
Mask = npt.NDArray[np.uint8]
Int32 = npt.NDArray[np.int32]
Values = TypeVar("Values", bound=npt.NDArray[np.generic])


def small_regions(compact: Compact, chosen: npt.NDArray[np.bool_], smallest: int) -> Mask:
    """Pixels of 8-connected regions of the chosen labels with fewer than ``smallest`` pixels: uint8 (H, W), 0 or 1.

    ``compact``: labels from 0 up, (H, W). ``chosen``: (labels,), which of them count.
    """
    regions = _Regions.of(compact, diagonal=True)
    small = (regions.areas < smallest) & chosen[regions.labels]
    return regions.painted(small.view(np.uint8))


def holes_to_fill(compact: Compact, chosen: npt.NDArray[np.bool_], largest: int) -> Compact:
    """The map with the holes of the chosen labels filled that have at most ``largest`` pixels.

    A hole of a label is a 4-connected region of the other pixels that does not touch the border of the map. Where holes
    of several labels contain a pixel, the largest decides.
    """
    regions = _Regions.of(compact, diagonal=False)
    # Of a hole no part is larger than the hole: what is too large, or at the border, parts the others.
    inner = (regions.areas <= largest) & ~regions.at_border()
    first, second = regions.neighbours()
    found = []
    for label in np.flatnonzero(chosen).tolist():
        rest_point()
        hole, areas = _holes(regions, first, second, label)
        whole = np.zeros(len(areas), bool)
        whole[hole] = True
        whole[hole[~inner & (regions.labels != label)]] = False
        fits = whole & (areas <= largest)
        members = np.flatnonzero(fits[hole] & (regions.labels != label))
        found.append((members, areas[hole[members]], np.full(len(members), label)))
    members, areas, labels = (np.concatenate(column) for column in zip(*found, strict=True))
    order = np.argsort(areas, kind="stable")
    filled = regions.labels.copy()
    filled[members[order]] = labels[order]
    return regions.painted(filled)


@dataclass(frozen=True)
class _Regions:
    """The connected regions of a map (H, W)."""

    shape: tuple[int, int]
    starts: npt.NDArray[np.intp]
    """(runs,) position of each run's first pixel in the flat map."""
    region: Int32
    """(runs,) which region each run belongs to."""
    labels: Compact
    """(regions,) label of each region."""
    areas: npt.NDArray[np.int64]
    """(regions,) number of pixels."""
    run_of: Int32
    """(H, W) which run each pixel belongs to."""

    @classmethod
    def of(cls, compact: Compact, *, diagonal: bool) -> _Regions:
        """Find the 4-connected regions, or with ``diagonal`` the 8-connected ones."""
        height, width = compact.shape
        begins = np.ones(compact.shape, bool)
        np.not_equal(compact[:, 1:], compact[:, :-1], out=begins[:, 1:])
        starts = np.flatnonzero(begins)
        run_of = np.cumsum(begins, dtype=np.int32).reshape(height, width) - np.int32(1)
        edges = []
        for shift in (-1, 0, 1) if diagonal else (0,):
            upper = slice(max(0, -shift), width - max(0, shift))
            lower = slice(max(0, shift), width - max(0, -shift))
            touch = compact[:-1, upper] == compact[1:, lower]
            # Two runs touch in a stretch of pixels, of which the first is enough.
            fresh = begins[:-1, upper] | begins[1:, lower]
            fresh[:, :1] = True
            rows, columns = np.nonzero(touch & fresh)
            edges.append((run_of[:-1, upper][rows, columns], run_of[1:, lower][rows, columns]))
        first, second = (np.concatenate(column) for column in zip(*edges, strict=True))
        count, region = _components(len(starts), first, second)
        lengths = np.diff(starts, append=compact.size)
        labels = np.empty(count, compact.dtype)
        labels[region] = compact.ravel()[starts]
        areas = np.bincount(region, lengths, minlength=count).astype(np.int64)
        return cls((height, width), starts, region, labels, areas, run_of)

    def painted(self, values: Values) -> Values:
        """A map (H, W) of a value for each region."""
        lengths = np.diff(self.starts, append=self.shape[0] * self.shape[1])
        return np.repeat(values[self.region], lengths).reshape(self.shape)  # type: ignore[return-value]

    def at_border(self) -> npt.NDArray[np.bool_]:
        """(regions,) which of them touch the border of the map."""
        result = np.zeros(len(self.labels), bool)
        for border in (self.run_of[0], self.run_of[-1], self.run_of[:, 0], self.run_of[:, -1]):
            result[self.region[border]] = True
        return result

    def neighbours(self) -> tuple[Int32, Int32]:
        """The pairs of regions with pixels side by side or one above the other, each pair once."""
        begin_of_next = self.starts[1:] % self.shape[1] != 0
        pairs = [(self.region[:-1][begin_of_next], self.region[1:][begin_of_next])]
        upper, lower = self.run_of[:-1], self.run_of[1:]
        fresh = np.ones(upper.shape, bool)
        fresh[:, 1:] = (upper[:, 1:] != upper[:, :-1]) | (lower[:, 1:] != lower[:, :-1])
        pairs.append((self.region[upper[fresh]], self.region[lower[fresh]]))
        first, second = (np.concatenate(column).astype(np.int64) for column in zip(*pairs, strict=True))
        apart = first != second
        low, high = np.minimum(first, second)[apart], np.maximum(first, second)[apart]
        unique = np.unique(low * len(self.labels) + high)
        return (unique // len(self.labels)).astype(np.int32), (unique % len(self.labels)).astype(np.int32)


def _holes(regions: _Regions, first: Int32, second: Int32, label: int) -> tuple[Int32, npt.NDArray[np.int64]]:
    """The 4-connected regions of everything but a label: for each region of the map which it is in, and their areas."""
    joined = (regions.labels[first] != label) & (regions.labels[second] != label)
    count, hole = _components(len(regions.labels), first[joined], second[joined])
    return hole, np.bincount(hole, regions.areas, minlength=count).astype(np.int64)


def _components(count: int, first: Int32, second: Int32) -> tuple[int, Int32]:
    """The connected components of a graph of ``count`` nodes: how many, and which each node is in."""
    rest_point()
    graph = coo_array((np.ones(len(first), bool), (first, second)), shape=(count, count))
    number, component = connected_components(graph, directed=False)
    return int(number), component
