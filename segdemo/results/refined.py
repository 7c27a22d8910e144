"""A prediction's maps after refinement: which classes take part, and what becomes of the scores."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from segdemo.prediction import Prediction
from segdemo.progress import Cancel, Progress
from segdemo.refine.crf import PreparedCrf, Quality
from segdemo.refine.pipeline import Refined, RefinedSegments, RefineOptions, refine_panoptic, refine_semantic
from segdemo.segmentation.panoptic import Segment, Segments
from segdemo.segmentation.semantic import SemanticMap, class_probabilities

PROBABILITY_BYTES = 1_000_000_000
"""Most memory for the probabilities of the classes that take part."""


def contending_classes(labels: npt.NDArray[np.integer]) -> list[int]:
    """Return the classes that take part in a refinement, most pixels first: those that won somewhere.

    Where their probabilities would pass ``PROBABILITY_BYTES``, as many as fit; at least two.
    """
    areas = np.bincount(labels.ravel())
    order = np.argsort(-areas, kind="stable")[: np.count_nonzero(areas)]
    return [int(index) for index in order[: max(2, PROBABILITY_BYTES // (4 * labels.size))]]


def refined_semantic(
    image: npt.NDArray[np.uint8],
    prediction: Prediction,
    result: SemanticMap,
    options: RefineOptions,
    *,
    quality: Quality = "exact",
    prepared: PreparedCrf | None = None,
    cancel: Cancel | None = None,
    progress: Progress | None = None,
) -> tuple[SemanticMap, Refined | None]:
    """Refine a semantic map, and say what that changed; none where the options do nothing.

    ``image`` is RGB uint8 (H, W, 3) of the map's size, which may be smaller than the photo's own. Pixels of classes
    that do not take part (``contending_classes``) stay as they are. A pixel's new score is the probability that the
    network gave its new class. The rest as for ``segdemo.refine.pipeline.refine_semantic``.
    """
    if not options.active:
        return result, None
    size = (result.labels.shape[0], result.labels.shape[1])
    classes = contending_classes(result.labels)
    probabilities = class_probabilities(prediction, classes=classes, size=size)
    refined = refine_semantic(
        image,
        probabilities,
        classes,
        result.labels,
        options,
        quality=quality,
        prepared=prepared,
        cancel=cancel,
        progress=progress,
    )
    row = np.full(max(int(result.labels.max()), *classes) + 1, -1)
    row[classes] = np.arange(len(classes))
    before, after = row[result.labels], row[refined.labels]
    changed = (before != after) & (before >= 0)
    labels = np.where(changed, refined.labels, result.labels).astype(result.labels.dtype)
    scores = result.scores.copy()
    rows, columns = np.nonzero(changed)
    # Probabilities over the classes that take part differ by one factor a pixel from those over all classes.
    gained = probabilities[after[changed], rows, columns] / probabilities[before[changed], rows, columns]
    scores[changed] *= gained
    return SemanticMap(labels, scores), refined


def refined_segments(
    prediction: Prediction, result: Segments, options: RefineOptions
) -> tuple[Segments, RefinedSegments[Segment] | None]:
    """Refine segments, and say what that changed; none where the options do nothing.

    Segments that are left are numbered as before. Raises ``SegdemoError`` where the options ask for the CRF, which is
    for semantic maps.
    """
    if not options.active:
        return result, None
    classes = sorted({segment.category_id for segment in result.segments_info})
    size = (result.ids.shape[0], result.ids.shape[1])
    probabilities = None
    if classes and 4 * len(classes) * result.ids.size <= PROBABILITY_BYTES:
        probabilities = class_probabilities(prediction, classes=classes, size=size)
    refined = refine_panoptic(
        result.ids,
        result.segments_info,
        options,
        probabilities=probabilities,
        classes=classes if probabilities is not None else None,
    )
    return replace(result, ids=refined.ids, segments_info=tuple(refined.segments_info)), refined
