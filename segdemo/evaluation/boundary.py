"""How well outlines are met: the boundary F-score (BF).

Csurka, Larlus, Perronnin: "What is a good evaluation measure for semantic segmentation?", BMVC 2013. Precision is the
share of a class's predicted boundary that lies within a tolerance of its true boundary, recall the other way round, F
their harmonic mean; a picture's score is the mean over the classes of its truth, a set's the mean over its pictures.
The tolerance is 0.75 % of the picture's diagonal.
"""

import math
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from segdemo.evaluation.confusion import Labels
from segdemo.labels import IGNORE
from segdemo.progress import stop_point

TOLERANCE = 0.0075


class TrueBoundary:
    """The boundary of a truth, with which any number of predictions can be compared."""

    def __init__(self, truth: Labels, *, tolerance: float = TOLERANCE, ignore_index: int = IGNORE) -> None:
        self._seen = truth != ignore_index
        self._classes = np.unique(truth[self._seen & (truth >= 0)]).tolist()
        self.reach = tolerance * math.hypot(*truth.shape)
        """The tolerance in pixels."""
        self._edges = _Edges(truth, self._seen, self.reach)

    def scores(self, predicted: Labels) -> dict[int, float]:
        """As ``boundary_scores``; raises ``ValueError`` for another shape than the truth's."""
        if predicted.shape != self._seen.shape:
            raise ValueError(f"truth is {self._seen.shape} and prediction {predicted.shape}: they should be alike")
        found = _Edges(predicted, self._seen, self.reach)
        precise, recalled = found.near(self._edges), self._edges.near(found)
        scores = {}
        for index in self._classes:
            of_found, of_true = found.classes == index, self._edges.classes == index
            if of_found.any() or of_true.any():
                precision = float(precise[of_found].mean()) if of_found.any() else 0.0
                recall = float(recalled[of_true].mean()) if of_true.any() else 0.0
                scores[int(index)] = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
        return scores


def boundary_scores(
    truth: Labels, predicted: Labels, *, tolerance: float = TOLERANCE, ignore_index: int = IGNORE
) -> dict[int, float]:
    """Boundary F-score, 0 to 1, of every class of the truth that has a boundary in either map.

    A class's boundary are its pixels beside a labelled pixel of another class (4 neighbours): the edge of the picture
    and of what has no label is none. ``tolerance`` is a share of the diagonal. Raises ``ValueError`` for different
    shapes.
    """
    return TrueBoundary(truth, tolerance=tolerance, ignore_index=ignore_index).scores(predicted)


def boundary_score(
    truth: Labels, predicted: Labels, *, tolerance: float = TOLERANCE, ignore_index: int = IGNORE
) -> float | None:
    """Mean of ``boundary_scores``: 0 to 1, or none for a picture without boundaries."""
    scores = boundary_scores(truth, predicted, tolerance=tolerance, ignore_index=ignore_index)
    return float(np.mean(list(scores.values()))) if scores else None


def edges(labels: Labels, seen: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Labelled pixels with a labelled 4-neighbour of another class: bool (H, W)."""
    found = np.zeros(labels.shape, bool)
    for first, second in (
        ((slice(None, -1), slice(None)), (slice(1, None), slice(None))),
        ((slice(None), slice(None, -1)), (slice(None), slice(1, None))),
    ):
        differ = (labels[first] != labels[second]) & seen[first] & seen[second]
        found[first] |= differ
        found[second] |= differ
    return found


def unlabelled_share(truth: Labels, *, ignore_index: int = IGNORE) -> float | None:
    """Which share of the outlines of labelled regions runs by pixels without a label, where none is measured: 0 to 1.

    Counted in pairs of 4-neighbours that differ; none where there are no outlines. Labels that leave a strip free
    between all regions, as those of NYU Depth do, have next to no boundary, and the score says little.
    """
    seen = truth != ignore_index
    free = among = 0
    for first, second in (
        ((slice(None, -1), slice(None)), (slice(1, None), slice(None))),
        ((slice(None), slice(None, -1)), (slice(None), slice(1, None))),
    ):
        free += int((seen[first] != seen[second]).sum())
        among += int(((truth[first] != truth[second]) & seen[first] & seen[second]).sum())
    return free / (free + among) if free + among else None


class _Edges:
    """The pixels of a map's boundaries, and their classes on a plane with a margin around it."""

    def __init__(self, labels: Labels, seen: npt.NDArray[np.bool_], reach: float) -> None:
        self._margin = int(reach)
        self._offsets = _within(reach)
        found = edges(labels, seen)
        self.classes = labels[found].astype(np.int32)
        """(n,): the class of each pixel."""
        self._plane = np.full(tuple(side + 2 * self._margin for side in labels.shape), _NO_EDGE, np.int32)
        inner = tuple(slice(self._margin, self._margin + side) for side in labels.shape)
        self._plane[inner][found] = self.classes
        self._at = np.flatnonzero(np.pad(found, self._margin))

    def near(self, others: "_Edges") -> npt.NDArray[np.bool_]:
        """Which pixels have one of the same class among ``others`` within reach: bool (n,)."""
        flat, width = others._plane.ravel(), others._plane.shape[1]
        near = np.zeros(len(self._at), bool)
        left = np.flatnonzero(np.isin(self.classes, others.classes))
        at, classes = self._at[left], self.classes[left]
        # Nearest offsets first: most pixels are settled by a few of them.
        for down, right in self._offsets.tolist():
            stop_point()
            hit = flat[at + (down * width + right)] == classes
            if hit.any():
                near[left[hit]] = True
                left, at, classes = left[~hit], at[~hit], classes[~hit]
                if not len(left):
                    break
        return near


_NO_EDGE = -1_000_000


@lru_cache(maxsize=8)
def _within(reach: float) -> npt.NDArray[np.int64]:
    """Rows and columns by which a pixel can be off and still within ``reach``, the nearest first: (n, 2)."""
    most = int(reach)
    offsets = np.stack(np.meshgrid(*[np.arange(-most, most + 1)] * 2, indexing="ij"), axis=-1).reshape(-1, 2)
    distance = np.hypot(*offsets.T)
    order = np.argsort(distance, kind="stable")
    return offsets[order[distance[order] <= reach]]
