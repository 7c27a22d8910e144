"""Which labels occur within a kernel around each pixel, for all labels of a map at once, as sets of bits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from segdemo.progress import stop_point

Bits = npt.NDArray[np.unsignedinteger]
Labels = npt.NDArray[np.uint8] | npt.NDArray[np.uint16]
Mask = npt.NDArray[np.uint8]

WORD = 64
"""The most labels in one block: the bits of the widest integer."""


@dataclass(frozen=True)
class Block:
    """Consecutive labels that fit into one integer: the first, how many, and the type that holds a set of them."""

    first: int
    count: int
    kind: np.dtype[np.unsignedinteger]

    def bit(self, label: int) -> int:
        """The set that holds only a label of the block."""
        return 1 << (label - self.first)

    def sets(self, labels: Labels) -> Bits:
        """For each pixel the set that holds its label, and the empty set if that is not of the block."""
        # Shifts beyond the type's width give 0, and so do labels before the first, which wrap around to large ones.
        places = np.subtract(labels, labels.dtype.type(self.first)).astype(self.kind, copy=False)
        return np.left_shift(self.kind.type(1), places)

    def members(self, which: npt.NDArray[np.bool_]) -> np.unsignedinteger:
        """The set of the block's labels for which ``which`` (a value for every label) is true."""
        chosen = np.flatnonzero(which[self.first : self.first + self.count]).tolist()
        return self.kind.type(sum(1 << place for place in chosen))


def blocks(count: int, labels: Labels) -> list[Block]:
    """The blocks of a map's labels 0 to ``count`` - 1, with types no narrower than the map's own."""
    found = []
    for first in range(0, count, WORD):
        size = min(count - first, WORD)
        width = next(width for width in (1, 2, 4, 8) if size <= 8 * width and width >= labels.dtype.itemsize)
        found.append(Block(first, size, np.dtype(f"u{width}")))
    return found


def gathered(bits: Bits, element: Mask) -> Bits:
    """The union of the sets within the kernel around each pixel: a new array like ``bits`` (H, W).

    ``element``: (k, k) with k odd, symmetric about both axes and without gaps in its rows, as OpenCV draws them. Beyond
    the border of the map there is nothing.
    """
    return _combined(bits, element, np.bitwise_or)


def closed(bits: Bits, element: Mask) -> Bits:
    """Every label's mask dilated and then eroded, as if the map went on beyond its border without labels.

    A new array like ``bits`` (H, W); ``element`` as in `gathered`, of more than one pixel.
    """
    reach = len(element) // 2
    grown = _combined(np.pad(bits, reach), element, np.bitwise_or)
    return np.ascontiguousarray(_combined(grown, element, np.bitwise_and)[reach:-reach, reach:-reach])


def _combined(bits: Bits, element: Mask, operation: np.ufunc) -> Bits:
    """The sets within the kernel combined; what would lie beyond the border is left out."""
    (height, width), reach = bits.shape, len(element) // 2
    # Rows one after the other, with room between them for what is shifted out of one: every step is a single run.
    rows = np.full((height, width + reach), 0 if operation is np.bitwise_or else np.iinfo(bits.dtype).max, bits.dtype)
    rows[:, :width] = bits
    result = rows.ravel().copy()
    for wide, distances in _widening(rows.ravel(), element, operation):
        for distance in distances:
            stop_point()
            _combine_shifted(result, wide, distance * rows.shape[1], operation)
    return np.ascontiguousarray(result.reshape(rows.shape)[:, :width])


def _combine_shifted(result: Bits, other: Bits, shift: int, operation: np.ufunc) -> None:
    """Combine ``result`` with ``other`` moved by ``shift`` to either side, in place; both (N,)."""
    operation(result[shift:], other[: max(0, len(other) - shift)], out=result[shift:])
    if shift:
        before = result[: max(0, len(result) - shift)]
        operation(before, other[shift:], out=before)


def _widening(bits: Bits, element: Mask, operation: np.ufunc) -> Iterator[tuple[Bits, list[int]]]:
    """For each width of the kernel's rows the sets combined over it, and how far from the centre those rows are.

    Narrow ones first: a wider one is made of three shifted copies of the one before it.
    """
    reach = len(element) // 2
    halves = [int(np.count_nonzero(row)) // 2 if row.any() else -1 for row in element[reach:]]
    wide, half = bits, 0
    for wanted in sorted({value for value in halves if value >= 0}):
        while half < wanted:
            shift = min(wanted - half, 2 * half + 1)
            wider = wide.copy()
            _combine_shifted(wider, wide, shift, operation)
            wide, half = wider, half + shift
        yield wide, [row for row, value in enumerate(halves) if value == wanted]
