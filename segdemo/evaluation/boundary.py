"""How well outlines are met: the boundary F-score (BF).

Csurka, Larlus, Perronnin: "What is a good evaluation measure for semantic segmentation?", BMVC 2013. Precision is the
share of a class's predicted boundary that lies within a tolerance of its true boundary, recall the other way round, F
their harmonic mean; a picture's score is the mean over the classes of its truth, a set's the mean over its pictures.
The tolerance is 0.75 % of the picture's diagonal.
"""

import math

import cv2
import numpy as np
import numpy.typing as npt

from segdemo.evaluation.confusion import Labels
from segdemo.labels import IGNORE

TOLERANCE = 0.0075


def boundary_scores(
    truth: Labels, predicted: Labels, *, tolerance: float = TOLERANCE, ignore_index: int = IGNORE
) -> dict[int, float]:
    """Boundary F-score, 0 to 1, of every class of the truth that has a boundary in either map.

    A class's boundary are its pixels beside a labelled pixel of another class (4 neighbours): the edge of the picture
    and of what has no label is none. ``tolerance`` is a share of the diagonal. Raises ``ValueError`` for different
    shapes.
    """
    if truth.shape != predicted.shape:
        raise ValueError(f"truth is {truth.shape} and prediction {predicted.shape}: they should be alike")
    seen = truth != ignore_index
    reach = tolerance * math.hypot(*truth.shape)
    true_edges, found_edges = _edges(truth, seen), _edges(predicted, seen)
    scores = {}
    for index in np.unique(truth[seen & (truth >= 0)]).tolist():
        true_edge, found_edge = true_edges & (truth == index), found_edges & (predicted == index)
        if true_edge.any() or found_edge.any():
            precision, recall = _within(found_edge, true_edge, reach), _within(true_edge, found_edge, reach)
            scores[int(index)] = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    return scores


def boundary_score(
    truth: Labels, predicted: Labels, *, tolerance: float = TOLERANCE, ignore_index: int = IGNORE
) -> float | None:
    """Mean of ``boundary_scores``: 0 to 1, or none for a picture without boundaries."""
    scores = boundary_scores(truth, predicted, tolerance=tolerance, ignore_index=ignore_index)
    return float(np.mean(list(scores.values()))) if scores else None


def _edges(labels: Labels, seen: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Labelled pixels with a labelled 4-neighbour of another class."""
    edges = np.zeros(labels.shape, bool)
    for first, second in (
        ((slice(None, -1), slice(None)), (slice(1, None), slice(None))),
        ((slice(None), slice(None, -1)), (slice(None), slice(1, None))),
    ):
        differ = (labels[first] != labels[second]) & seen[first] & seen[second]
        edges[first] |= differ
        edges[second] |= differ
    return edges


def _within(edge: npt.NDArray[np.bool_], other: npt.NDArray[np.bool_], reach: float) -> float:
    """Share of the pixels of ``edge`` at most ``reach`` from a pixel of ``other``; 0 where either is empty."""
    if not edge.any() or not other.any():
        return 0.0
    distance = cv2.distanceTransform((~other).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return float((distance[edge] <= reach).mean())
