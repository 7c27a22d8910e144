"""Masks as COCO's run lengths: small to keep, exact, and what its tools read.

Run lengths count the pixels of a mask column by column, in turn outside and inside, beginning outside.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from segdemo.prediction import Size

Bool = npt.NDArray[np.bool_]
Int64 = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Mask:
    """A set of pixels of a picture."""

    size: Size
    """Height and width of the picture."""
    counts: Int64
    """Run lengths; they sum to height times width."""

    @classmethod
    def of(cls, inside: Bool, size: Size, *, top: int = 0, left: int = 0) -> "Mask":
        """The mask of a picture of ``size`` that is ``inside`` (h, w) at rows ``top``.. and columns ``left``.."""
        height, width = size
        columns = np.zeros((inside.shape[1], height), np.int8)
        columns[:, top : top + inside.shape[0]] = inside.T
        edges = np.flatnonzero(np.diff(columns.ravel(), prepend=0, append=0)) + left * height
        ends = edges if len(edges) and edges[-1] == height * width else np.append(edges, height * width)
        return cls(size, np.diff(ends, prepend=0).astype(np.int64))

    @property
    def area(self) -> int:
        """Pixels."""
        return int(self.counts[1::2].sum())

    @cached_property
    def box(self) -> tuple[int, int, int, int]:
        """x, y, width and height of the smallest rectangle around it; zeros where it is empty."""
        inside, left, _ = self._columns()
        rows = np.flatnonzero(inside.any(axis=1))
        if not len(rows):
            return 0, 0, 0, 0
        return left, int(rows[0]), inside.shape[1], int(rows[-1] - rows[0] + 1)

    def array(self) -> Bool:
        """The mask, (H, W)."""
        result = np.zeros(self.size, bool)
        inside, left, right = self._columns()
        result[:, left:right] = inside
        return result

    def paint(self, target: npt.NDArray[np.int32], value: int) -> None:
        """Write ``value`` into the mask's pixels of ``target`` (H, W)."""
        inside, left, right = self._columns()
        target[:, left:right][inside] = value

    def coco(self) -> dict[str, Any]:
        """As ``segmentation`` in COCO's files: the size, and the counts as text."""
        return {"size": list(self.size), "counts": packed(self.counts)}

    def _columns(self) -> tuple[Bool, int, int]:
        """The columns that have pixels of the mask (H, w), the first of them and the one after the last."""
        height = self.size[0]
        if len(self.counts) < 2:
            return np.zeros((height, 0), bool), 0, 0
        ends = np.cumsum(self.counts)
        last = len(ends) - 1 - len(ends) % 2
        left, right = int(ends[0]) // height, -(-int(ends[last]) // height)
        within = np.clip(ends, left * height, right * height).astype(np.int64)
        here = np.clip(np.diff(within, prepend=left * height), 0, None).astype(np.int64)
        flat = np.repeat(np.arange(len(here)) % 2 == 1, here)
        rest = np.zeros((right - left) * height, bool)
        rest[: len(flat)] = flat
        return rest.reshape(right - left, height).T, left, right


def packed(counts: Int64) -> str:
    """Run lengths as COCO's text: five bits a character, differences from the last but one (``rleToString``)."""
    values = counts.astype(np.int64).copy()
    values[3:] -= counts[1:-2]
    # As many characters as hold the number and its sign.
    lengths = np.ones(len(values), np.intp)
    for count in range(1, 13):
        bound = np.int64(1) << (5 * count - 1)
        lengths[(values >= bound) | (values < -bound)] = count + 1
    place = np.arange(int(lengths.max(initial=1)))
    digits = (values[:, None] >> (5 * place)) & 31
    digits |= np.where(place < lengths[:, None] - 1, 32, 0)
    return bytes((digits + 48)[place < lengths[:, None]].astype(np.uint8)).decode("ascii")
