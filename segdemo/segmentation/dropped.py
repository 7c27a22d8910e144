"""Why something was not segmented: queries that named an object and have no segment, and what brings them back."""

import math
from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

import numpy as np

from segdemo.prediction import Prediction, Size
from segdemo.segmentation.claims import claim
from segdemo.segmentation.panoptic import Segments, instances, mask_confidence, panoptic
from segdemo.segmentation.sampling import grid, own_parts, sigmoid, softmax
from segdemo.settings import MASK_THRESHOLD, OVERLAP_THRESHOLD, SCORE_THRESHOLD
from segdemo.taxonomy import taxonomy_for

Threshold = Literal["score", "mask", "overlap"]
STEP = 0.01
"""Steps in which thresholds are named."""


@dataclass(frozen=True)
class Dropped:
    """A query that named an object and has no segment."""

    query: int
    category_id: int
    label: str
    score: float
    """What the score threshold is held against, 0 to 1."""
    reason: Threshold
    """The first threshold that dropped it: its score, an empty mask, or too little of its mask left to it."""
    value: float
    """What that threshold was held against, 0 to 1: the score, the largest mask probability, the share of its mask."""
    remedy: float | None
    """The largest value of that threshold, in steps of ``STEP``, with which it has a segment; ``None`` where there is
    none with the other thresholds as they are."""


def dropped(
    prediction: Prediction,
    *,
    score_threshold: float = SCORE_THRESHOLD,
    mask_threshold: float = MASK_THRESHOLD,
    overlap_threshold: float = OVERLAP_THRESHOLD,
    things_only: bool = False,
    stuff: Collection[int] | None = None,
    size: Size | None = None,
) -> tuple[Dropped, ...]:
    """Every query whose best class is an object and that is in no segment, the highest score first.

    Thresholds as for ``panoptic``, or with ``things_only`` as for ``instances``; both are run again to see that a
    remedy helps, so ``size`` (height, width) had better be small. Queries that say "no object" were never candidates.
    """
    amorphous = taxonomy_for(prediction.id2label).stuff if stuff is None else frozenset(stuff)
    probabilities = softmax(prediction.class_logits(-1))
    best = probabilities.argmax(axis=1)
    scores = probabilities.max(axis=1)
    named = np.flatnonzero(best < probabilities.shape[1] - 1)
    if things_only:
        named = np.array([query for query in named if int(best[query]) not in amorphous], np.intp)
        scores = scores.copy()
        scores[named] *= mask_confidence(prediction, named)

    def run(score: float, mask: float, overlap: float) -> Segments:
        return (instances if things_only else panoptic)(
            prediction,
            score_threshold=score,
            mask_threshold=mask,
            overlap_threshold=overlap,
            stuff=amorphous,
            size=size,
        )

    def has_segment(query: int, score: float, mask: float, overlap: float) -> bool:
        return any(query in segment.queries for segment in run(score, mask, overlap).segments_info)

    kept = {
        query
        for segment in run(score_threshold, mask_threshold, overlap_threshold).segments_info
        for query in segment.queries
    }
    competing = named[scores[named] > score_threshold]
    layout = grid(prediction, size)
    claims = (
        claim(
            np.asarray(own_parts(prediction, prediction.masks[-1][competing], competing), np.float32),
            scores[competing],
            layout,
            mask_threshold,
        )
        if len(competing)
        else None
    )
    found = []
    for query in sorted((int(query) for query in named if int(query) not in kept), key=lambda q: -float(scores[q])):
        reason: Threshold
        if scores[query] <= score_threshold or claims is None:
            reason, value = "score", float(scores[query])
            remedy = math.ceil(value / STEP - 1) * STEP
            helps = has_segment(query, max(0.0, remedy), mask_threshold, overlap_threshold)
        else:
            place = int(np.flatnonzero(competing == query)[0])
            if not claims.mask[place]:
                reason, value = "mask", _largest(prediction, query, size)
                remedy = math.floor(value / STEP) * STEP
                helps = has_segment(query, score_threshold, remedy, overlap_threshold)
            else:
                reason, value = "overlap", float(claims.won[place] / claims.mask[place])
                remedy = math.floor(min(1.0, value) / STEP) * STEP
                helps = has_segment(query, score_threshold, mask_threshold, remedy)
        category = int(best[query])
        found.append(
            Dropped(
                query,
                category,
                prediction.id2label.get(category, f"class {category}"),
                float(scores[query]),
                reason,
                value,
                round(max(0.0, remedy), 2) if helps else None,
            )
        )
    return tuple(found)


def _largest(prediction: Prediction, query: int, size: Size | None) -> float:
    """The largest mask probability of a query at the pixels of ``size``, 0 to 1."""
    layout = grid(prediction, size)
    rows, columns = layout.rows.span(0, layout.size[0]), layout.columns.span(0, layout.size[1])
    cells = prediction.masks[-1][query, rows.cells, columns.cells].astype(np.float32)
    return float(sigmoid(rows.direct @ cells @ columns.direct.T).max())
