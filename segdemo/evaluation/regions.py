"""Connected regions of a label map: 8-connected pixels of one class."""

from collections.abc import Collection
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from segdemo.evaluation.confusion import Labels
from segdemo.labels import VOID

Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Regions:
    """The regions of a map, numbered from 1, those of one class after each other and the classes in their order."""

    ids: Int32
    """(H, W): the region of each pixel; 0 where the map is void or of a class that was not asked for."""
    classes: Int64
    """(n + 1,): the class of each region; ``VOID`` for 0."""
    areas: Int64
    """(n + 1,): pixels of each region."""

    def __len__(self) -> int:
        return len(self.classes) - 1

    def counted(self, where: npt.NDArray[np.bool_]) -> Int64:
        """How many pixels of each region are in the mask ``where`` (H, W): (n + 1,)."""
        return np.bincount(self.ids[where], minlength=len(self.classes))


def regions(labels: Labels, *, classes: Collection[int] | None = None) -> Regions:
    """The 8-connected regions of ``labels`` (H, W) of the ``classes``, by default of all values but ``VOID``."""
    ids = np.zeros(labels.shape, np.int32)
    of, areas = [VOID], [0]
    for index in np.unique(labels).tolist():
        if index == VOID or (classes is not None and index not in classes):
            continue
        mask = (labels == index).view(np.uint8)
        left, top, width, height = cv2.boundingRect(mask)
        here = slice(top, top + height), slice(left, left + width)
        count, parts, figures, _ = cv2.connectedComponentsWithStats(
            np.ascontiguousarray(mask[here]), connectivity=8, ltype=cv2.CV_32S
        )
        np.add(ids[here], parts + (len(of) - 1), out=ids[here], where=parts > 0)
        of += [index] * (count - 1)
        areas += figures[1:, cv2.CC_STAT_AREA].tolist()
    areas[0] = labels.size - sum(areas)
    return Regions(ids, np.asarray(of, np.int64), np.asarray(areas, np.int64))
