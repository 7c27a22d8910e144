"""What became of every labelled pixel in two results: right, or wrong by which cause, and what of that changed."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from segdemo.evaluation.causes import CAUSES
from segdemo.evaluation.errors import IGNORED, RIGHT
from segdemo.evaluation.photo import Evaluation

UInt8 = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]

OUTCOMES: tuple[str, ...] = ("ignored", "right", *CAUSES[1:], "wrong")
"""What the values of a map of outcomes mean, by value; ``wrong`` is for what has no cause."""
WRONG = len(OUTCOMES) - 1


@dataclass(frozen=True, eq=False)
class Outcomes:
    """Two results of one photograph against its labels."""

    first: UInt8 = field(repr=False)
    """(H, W): indices into ``OUTCOMES``; ``ignored`` in both where either has no label."""
    second: UInt8 = field(repr=False)
    table: npt.NDArray[np.int64] = field(repr=False)
    """(O, O): pixels by their outcome in the first (rows) and the second result (columns)."""
    no_causes: str
    """Why causes are not told apart; empty where they are."""

    @property
    def changes(self) -> Sequence[tuple[str, str, int]]:
        """Outcomes in the first and the second result with their pixels, the most pixels first, without ``ignored``."""
        rows, columns = np.nonzero(self.table[1:, 1:])
        found = [
            (OUTCOMES[row + 1], OUTCOMES[column + 1], int(self.table[row + 1, column + 1]))
            for row, column in zip(rows.tolist(), columns.tolist(), strict=True)
        ]
        return sorted(found, key=lambda change: -change[2])

    @property
    def totals(self) -> tuple[dict[str, int], dict[str, int]]:
        """Pixels of each outcome but ``ignored``, in the first and the second result."""
        rows, columns = self.table[1:, 1:].sum(axis=1), self.table[1:, 1:].sum(axis=0)
        names = OUTCOMES[1:]
        return dict(zip(names, rows.tolist(), strict=True)), dict(zip(names, columns.tolist(), strict=True))

    def where(self, first: str, second: str) -> Mask:
        """The pixels of these two outcomes: bool (H, W). Raises ``ValueError`` for others than ``OUTCOMES``."""
        return (self.first == OUTCOMES.index(first)) & (self.second == OUTCOMES.index(second))


def outcomes(first: Evaluation, second: Evaluation) -> Outcomes:
    """What became of every pixel in two evaluations of one photograph.

    Causes are told apart only where both evaluations have them: else what is wrong is ``wrong``, and ``no_causes`` is
    the sentence that says why. Raises ``ValueError`` for photographs of different sizes.
    """
    if first.kinds.shape != second.kinds.shape:
        raise ValueError(f"the photographs are {first.kinds.shape} and {second.kinds.shape}: they should be one")
    no_causes = first.no_causes or second.no_causes
    one, other = (_of(found, told=not no_causes) for found in (first, second))
    unknown = (one == IGNORED) | (other == IGNORED)
    one[unknown] = other[unknown] = IGNORED
    size = len(OUTCOMES)
    pairs = one.astype(np.int64) * size + other
    table = np.bincount(pairs.ravel(), minlength=size * size).reshape(size, size)
    return Outcomes(one, other, table, no_causes)


def _of(found: Evaluation, *, told: bool) -> UInt8:
    result = np.minimum(found.kinds, RIGHT).astype(np.uint8)
    wrong = found.kinds > RIGHT
    if told and found.causes is not None:
        result[wrong] = found.causes[wrong] + RIGHT
    else:
        result[wrong] = WRONG
    return result
