"""A truth as it is compared: checked, and without a label where the data cannot know."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from segdemo.errors import SegdemoError
from segdemo.evaluation.boundary import TrueBoundary
from segdemo.evaluation.confusion import Labels
from segdemo.labels import IGNORE, NOTHING, OTHER, VOID
from segdemo.prediction import Size

Int16 = npt.NDArray[np.int16]


@dataclass(frozen=True, eq=False)
class TrueSegments:
    """The objects of a truth, told apart."""

    ids: npt.NDArray[np.integer]
    """(H, W): 0 = no label."""
    classes: Mapping[int, int]
    """The class of each id; an id that is missing is of none of the checkpoint's classes."""
    crowds: Collection[int] = ()
    """Ids that stand for many objects."""

    @classmethod
    def numbered(
        cls,
        segments: npt.NDArray[np.integer],
        classes: npt.NDArray[np.integer],
        crowd: npt.NDArray[np.bool_] | None = None,
    ) -> "TrueSegments":
        """Of a map (H, W) of 1-based positions in ``classes``, as labelled pictures have it; negative ones are none."""
        named = {number: index for number, index in enumerate(classes.tolist(), start=1) if index >= 0}
        return cls(segments, named, () if crowd is None else tuple((np.flatnonzero(crowd) + 1).tolist()))


class Truth:
    """The labels of a photograph, in a form in which any number of predictions can be compared with them.

    Where only some classes are annotated (``OTHER``), a pixel outside all of them is wrong for whoever sees one of them
    there, and has no label for others: what counts depends on the prediction.
    """

    def __init__(
        self, labels: Labels, size: Size, classes: Collection[int], covered: Collection[int], tolerance: float | None
    ) -> None:
        """``covered`` are the classes that the labels can name, ``tolerance`` that of the boundary F-score, if any.

        Raises ``SegdemoError`` for labels of another size than the photograph's ``size`` or that are no class.
        """
        self._labels = checked(labels, size, classes)
        self.knows_nothing = bool((self._labels == NOTHING).any())
        """Whether it says of pixels that none of the classes is there."""
        self.partial = bool((self._labels == OTHER).any())
        """Whether only some classes are annotated."""
        self.covered = frozenset(covered)
        self._tolerance = tolerance
        self._boundary: TrueBoundary | None = None

    def against(self, predicted: Labels) -> Int16:
        """What a prediction (H, W) is compared with: (H, W) of classes, ``NOTHING`` and ``VOID``."""
        if not self.partial:
            return self._labels
        settled = np.where(np.isin(predicted, list(self.covered)), NOTHING, VOID)
        return np.where(self._labels == OTHER, settled, self._labels).astype(np.int16)

    def boundary(self, against: Int16) -> TrueBoundary | None:
        """The boundary of what ``against`` gave; none where it is not measured."""
        if self._tolerance is None:
            return None
        if self._boundary is None or self.partial:
            self._boundary = TrueBoundary(against, tolerance=self._tolerance, ignore_index=VOID)
        return self._boundary


def checked(labels: Labels, size: Size, classes: Collection[int]) -> Int16:
    """Labels of the photograph's ``size`` with ``VOID``, ``NOTHING`` or ``OTHER`` where they name none of ``classes``.

    255 is no label where there is no such class. Raises ``SegdemoError`` for other sizes and values.
    """
    if labels.ndim != 2 or labels.shape != size:
        found = " x ".join(map(str, labels.shape))
        raise SegdemoError(f"The labels are {found} and the photo {size[0]} x {size[1]}: give labels of its own size.")
    if not np.issubdtype(labels.dtype, np.integer):
        raise SegdemoError(f"Labels should be whole numbers, class indices, and not {labels.dtype}.")
    result = labels.astype(np.int32)
    if IGNORE not in classes:
        result[result == IGNORE] = VOID
    known = {*classes, VOID, NOTHING, OTHER}
    unknown = [value for value in np.unique(result).tolist() if value not in known]
    if unknown:
        said = ", ".join(map(str, unknown[:5])) + (" and others" if len(unknown) > 5 else "")
        raise SegdemoError(f"The labels have the values {said}, which are none of the checkpoint's classes.")
    return result.astype(np.int16)
