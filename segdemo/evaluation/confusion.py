"""Pixel accuracy and intersection over union, from a confusion matrix that pictures are added to one by one."""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from segdemo.labels import IGNORE, NOTHING

Labels = npt.NDArray[np.integer]

ABSENT = (
    "A class that no labelled pixel of the truth has is left out of every mean, also where it was predicted: pixels "
    "taken for it count as misses of the classes that they are of. Over a set, a class is present if any picture has "
    "it; the mean per image takes each picture's own classes."
)
"""The rule for classes that are absent."""


class Confusion:
    """How often each class was predicted where each class is; pixels without a label in the truth do not count."""

    def __init__(self, classes: int, *, ignore_index: int = IGNORE) -> None:
        self.classes = classes
        self.ignore_index = ignore_index
        self.matrix: npt.NDArray[np.int64] = np.zeros((classes + 1, classes + 1), np.int64)
        """(C + 1, C + 1): rows are the truth, columns the prediction; the last of either is "no class at all"."""

    def add(self, truth: Labels, predicted: Labels) -> None:
        """Count a picture: class indices (H, W) each.

        ``ignore_index`` in ``truth`` means no label, ``NOTHING`` that no class is there; whatever is not a class in
        ``predicted`` is no class at all. Raises ``ValueError`` for different shapes and for a truth with other values.
        """
        if truth.shape != predicted.shape:
            raise ValueError(f"truth is {truth.shape} and prediction {predicted.shape}: they should be alike")
        seen = truth != self.ignore_index
        rows, columns = truth[seen].astype(np.int64), predicted[seen].astype(np.int64)
        empty = rows == NOTHING
        if rows[~empty].size and not 0 <= rows[~empty].min() <= rows.max() < self.classes:
            raise ValueError(f"the truth has labels outside 0..{self.classes - 1}")
        rows[empty] = self.classes
        columns = np.where((columns >= 0) & (columns < self.classes), columns, self.classes)
        counts = np.bincount(rows * (self.classes + 1) + columns, minlength=self.matrix.size)
        self.matrix += counts.reshape(self.matrix.shape)

    def merge(self, others: Iterable["Confusion"]) -> "Confusion":
        """A new one with this one's pixels and those of ``others``."""
        total = Confusion(self.classes, ignore_index=self.ignore_index)
        total.matrix = sum((other.matrix for other in others), self.matrix.copy())
        return total

    @property
    def pixels(self) -> int:
        """Labelled pixels."""
        return int(self.matrix.sum())

    @property
    def pixel_accuracy(self) -> float:
        """Share of the labelled pixels that got their class, 0 to 1; 0 without pixels."""
        return float(np.trace(self.matrix) / max(1, self.pixels))

    @property
    def class_iou(self) -> dict[int, float]:
        """Intersection over union of every class present in the truth, over labelled pixels: 0 to 1."""
        truth, hits = self.matrix[:-1].sum(axis=1), np.diag(self.matrix)[:-1]
        union = truth + self.matrix.sum(axis=0)[:-1] - hits
        return {int(index): float(hits[index] / union[index]) for index in np.flatnonzero(truth)}

    @property
    def class_accuracy(self) -> dict[int, float]:
        """Share of each present class's pixels that got it, 0 to 1."""
        truth = self.matrix[:-1].sum(axis=1)
        return {int(index): float(self.matrix[index, index] / truth[index]) for index in np.flatnonzero(truth)}

    @property
    def frequency_weighted_iou(self) -> float:
        """Mean of ``class_iou`` weighted by each class's true pixels, 0 to 1; 0 without pixels."""
        truth = self.matrix[:-1].sum(axis=1)
        return float(sum(iou * truth[index] for index, iou in self.class_iou.items()) / max(1, truth.sum()))

    @property
    def miou(self) -> float:
        """Mean of ``class_iou``; 0 without pixels."""
        found = self.class_iou
        return float(np.mean(list(found.values()))) if found else 0.0
