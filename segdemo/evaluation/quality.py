"""Panoptic quality (PQ), and what it is made of: segmentation quality (SQ) and recognition quality (RQ).

Kirillov, He, Girshick, Rother, Dollár: "Panoptic Segmentation", CVPR 2019, section 4. A predicted and a true segment of
one class match when their intersection over union exceeds 0.5, which makes matches unique. Pixels without a label in
the truth are taken out of a predicted segment. A crowd, a true region that stands for many objects of its class, is
neither matched nor missed, and does not leave the union of others. An unmatched predicted segment is not counted where
pixels without a label and crowds of its own class make up more than half of it.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Ids = npt.NDArray[np.integer]


@dataclass(frozen=True)
class Quality:
    """Of one class, or the mean over classes; all 0 to 1."""

    pq: float
    """Sum of the matches' IoU over (matches + half the unmatched on either side); ``sq * rq`` for one class."""
    sq: float
    """Mean IoU of the matches; 0 without any."""
    rq: float
    """Matches over (matches + half the unmatched on either side)."""


class PanopticQuality:
    """Matches of segments, to which pictures are added one by one."""

    def __init__(self, classes: int) -> None:
        self.classes = classes
        self.iou: npt.NDArray[np.float64] = np.zeros(classes)
        self.counts: npt.NDArray[np.int64] = np.zeros((3, classes), np.int64)
        """True positives, false positives and false negatives of each class."""

    def add(
        self,
        truth: Ids,
        truth_classes: Mapping[int, int],
        found: Ids,
        found_classes: Mapping[int, int],
        *,
        crowds: Collection[int] = (),
    ) -> None:
        """Count a picture: segment ids (H, W), 0 = none, and the class of each id; ``crowds`` are ids of the truth.

        A true segment that ``truth_classes`` does not name is of none of the classes: nothing matches it, nobody can
        miss it, and what is predicted there is wrong. Raises ``ValueError`` for different shapes.
        """
        if truth.shape != found.shape:
            raise ValueError(f"truth is {truth.shape} and prediction {found.shape}: they should be alike")
        true_ids, true_index = np.unique(truth, return_inverse=True)
        found_ids, found_index = np.unique(found, return_inverse=True)
        overlap = np.bincount(
            true_index.ravel() * len(found_ids) + found_index.ravel(), minlength=len(true_ids) * len(found_ids)
        ).reshape(len(true_ids), len(found_ids))
        true_area, found_area = overlap.sum(axis=1), overlap.sum(axis=0)
        void = overlap[true_ids == 0].sum(axis=0)
        objects = {
            i: truth_classes[number]
            for i, number in enumerate(true_ids.tolist())
            if number and number in truth_classes and number not in crowds
        }
        matched_true, matched_found = set(), set()
        for i, j in zip(*np.nonzero(overlap), strict=True):
            if i not in objects or not found_ids[j] or objects[i] != found_classes[int(found_ids[j])]:
                continue
            iou = overlap[i, j] / (true_area[i] + found_area[j] - void[j] - overlap[i, j])
            if iou > 0.5:
                self.iou[objects[i]] += iou
                self.counts[0, objects[i]] += 1
                matched_true.add(i)
                matched_found.add(j)
        for i in objects.keys() - matched_true:
            self.counts[2, objects[i]] += 1
        for j, number in enumerate(found_ids.tolist()):
            if not number or j in matched_found:
                continue
            own = [crowd for crowd in crowds if truth_classes.get(crowd) == found_classes[number]]
            if void[j] + overlap[np.isin(true_ids, own), j].sum() <= 0.5 * found_area[j]:
                self.counts[1, found_classes[number]] += 1

    def merge(self, others: Iterable["PanopticQuality"]) -> "PanopticQuality":
        """A new one with this one's pictures and those of ``others``."""
        total = PanopticQuality(self.classes)
        total.iou, total.counts = self.iou.copy(), self.counts.copy()
        for other in others:
            total.iou += other.iou
            total.counts += other.counts
        return total

    @property
    def by_class(self) -> dict[int, Quality]:
        """Of every class with a segment in the truth or in the prediction."""
        right, wrong, missed = self.counts.astype(np.float64)
        weight = right + wrong / 2 + missed / 2
        return {
            int(index): Quality(
                float(self.iou[index] / weight[index]),
                float(self.iou[index] / right[index]) if right[index] else 0.0,
                float(right[index] / weight[index]),
            )
            for index in np.flatnonzero(weight)
        }

    def mean(self, classes: Collection[int] | None = None) -> Quality | None:
        """The mean over ``classes``, by default all of ``by_class``; none where none of them has a segment."""
        found = [value for index, value in self.by_class.items() if classes is None or index in classes]
        if not found:
            return None
        return Quality(*(float(np.mean([getattr(value, name) for value in found])) for name in ("pq", "sq", "rq")))
