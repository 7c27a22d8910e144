"""Panoptic quality (PQ), and what it is made of: segmentation quality (SQ) and recognition quality (RQ).

Kirillov, He, Girshick, Rother, Dollár: "Panoptic Segmentation", CVPR 2019, section 4. A predicted and a true segment of
one class match when their intersection over union exceeds 0.5, which makes matches unique. Pixels without a label in
the truth are taken out of a predicted segment; one that lies in them by more than half is not counted at all.
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

    def add(self, truth: Ids, truth_classes: Mapping[int, int], found: Ids, found_classes: Mapping[int, int]) -> None:
        """Count a picture: segment ids (H, W), 0 = none, and the class of each id.

        Raises ``ValueError`` for different shapes.
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
        matched_true, matched_found = set(), set()
        for i, j in zip(*np.nonzero(overlap), strict=True):
            true_id, found_id = int(true_ids[i]), int(found_ids[j])
            if not true_id or not found_id or truth_classes[true_id] != found_classes[found_id]:
                continue
            iou = overlap[i, j] / (true_area[i] + found_area[j] - void[j] - overlap[i, j])
            if iou > 0.5:
                category = truth_classes[true_id]
                self.iou[category] += iou
                self.counts[0, category] += 1
                matched_true.add(true_id)
                matched_found.add(found_id)
        for true_id in true_ids.tolist():
            if true_id and true_id not in matched_true:
                self.counts[2, truth_classes[true_id]] += 1
        for found_id, area, unlabelled in zip(found_ids.tolist(), found_area, void, strict=True):
            if found_id and found_id not in matched_found and unlabelled <= 0.5 * area:
                self.counts[1, found_classes[found_id]] += 1

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
