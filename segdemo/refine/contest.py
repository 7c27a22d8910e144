"""Which of the labels that are offered to a pixel it takes: the most probable one."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from segdemo.progress import stop_point
from segdemo.refine.neighbourhood import Bits, Block, Labels


class Contest:
    """The pixels of a part of a map that other labels are offered, and the most probable of those.

    Probabilities are compared as the integers with the same bits, which have the same order and need no conversion.
    """

    _UNKNOWN, _NOTHING = -1, -2

    def __init__(
        self,
        compact: Labels,
        part: slice,
        offers: list[tuple[Block, Bits]],
        rows: list[npt.NDArray[np.floating] | None],
    ) -> None:
        """``offers``: for each block of labels the set of those offered to each pixel of the part."""
        offered = offers[0][1] != 0
        for _, sets in offers[1:]:
            offered |= sets != 0
        self.places = np.flatnonzero(offered)
        self.best = compact[part].ravel().take(self.places)
        self._rows = [None if row is None else row[part].ravel().view(f"i{row.itemsize}") for row in rows]
        kind = next((row.dtype for row in self._rows if row is not None), np.dtype(np.int16))
        self._scores = np.full(len(self.places), self._NOTHING, kind)
        self._offers = [(block, sets.ravel().take(self.places)) for block, sets in offers]

    def defend(self, chosen: npt.NDArray[np.bool_]) -> None:
        """Let pixels of chosen labels go only to labels that are more probable than their own."""
        for index in np.flatnonzero(np.bincount(self.best, minlength=len(chosen)) * chosen).tolist():
            inside = np.flatnonzero(self.best == index)
            self._scores[inside] = self._score(index, inside)

    def decide(self) -> None:
        """Leave in ``best`` the label of each pixel."""
        for block, sets in self._offers:
            present = int(np.bitwise_or.reduce(sets, initial=0))
            for index in range(block.first, block.first + block.count):
                stop_point()
                if not present & block.bit(index):
                    continue
                inside = np.flatnonzero((sets & block.kind.type(block.bit(index))) != 0)
                score = self._score(index, inside)
                better = score > self._scores.take(inside)
                winners = inside[better]
                self._scores[winners] = score if score.ndim == 0 else score[better]
                self.best[winners] = index

    def _score(self, index: int, inside: npt.NDArray[np.intp]) -> npt.NDArray[np.signedinteger]:
        """A label's probabilities at some of the places, or one value where it has none."""
        row = self._rows[index]
        if row is None:
            return np.array(self._UNKNOWN, self._scores.dtype)
        return row.take(self.places.take(inside))
