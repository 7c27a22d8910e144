"""A prediction's maps after refinement: which classes take part, and what becomes of the scores."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from segdemo.progress import Progress
from segdemo.refine.crf import PreparedCrf, Quality
from segdemo.refine.difference import difference
from segdemo.refine.pipeline import Refined, RefinedSegments, RefineOptions, refine_panoptic, refine_semantic
from segdemo.segmentation.instances import Instances
from segdemo.segmentation.panoptic import Segment, Segments
from segdemo.segmentation.semantic import NO_CLASS, SemanticMap

MOST_CLASSES = 24
"""So many classes take part at most: those with the largest areas."""
PROBABILITY_BYTES = 1_000_000_000
"""Most memory for the probabilities of the classes that take part."""


def contending_classes(labels: npt.NDArray[np.integer]) -> list[int]:
    """Return the classes that take part in a refinement, most pixels first: those that won somewhere.

    At most ``MOST_CLASSES``, and no more than ``PROBABILITY_BYTES`` hold; at least two.
    """
    areas = np.bincount(labels[labels != NO_CLASS])
    order = np.argsort(-areas, kind="stable")[: np.count_nonzero(areas)]
    most = max(2, min(MOST_CLASSES, PROBABILITY_BYTES // (4 * labels.size)))
    return [int(index) for index in order[:most]]


def contending_categories(segments: Segments) -> list[int]:
    """Return the classes whose probabilities the refinement of segments weighs: theirs; none where memory is short."""
    classes = sorted({segment.category_id for segment in segments.segments_info})
    return classes if 4 * len(classes) * segments.ids.size <= PROBABILITY_BYTES else []


def refined_semantic(
    image: npt.NDArray[np.uint8],
    before: SemanticMap,
    classes: list[int],
    probabilities: npt.NDArray[np.float32],
    options: RefineOptions,
    *,
    quality: Quality = "exact",
    prepared: PreparedCrf | None = None,
    progress: Progress | None = None,
) -> tuple[SemanticMap, Refined]:
    """Refine a semantic map, and say what that changed.

    ``image`` is RGB uint8 (H, W, 3) of the map's size, ``probabilities`` are those of ``classes`` (L, H, W). Pixels of
    other classes stay as they are. A pixel's new score is the probability that the network gave its new class. The
    rest as for ``segdemo.refine.pipeline.refine_semantic``.
    """
    refined = refine_semantic(
        image,
        probabilities,
        classes,
        before.labels,
        options,
        quality=quality,
        prepared=prepared,
        progress=progress,
    )
    # One place more, for pixels of no class, which stay so.
    row = np.full(max(int(before.labels.max()), *classes) + 2, -1)
    row[classes] = np.arange(len(classes))
    old, new = row[before.labels], row[refined.labels]
    changed = (old != new) & (old >= 0) & (new >= 0)
    labels = np.where(changed, refined.labels, before.labels).astype(before.labels.dtype)
    scores = before.scores.copy()
    rows, columns = np.nonzero(changed)
    # Probabilities over the classes that take part differ by one factor a pixel from those over all classes.
    scores[changed] *= probabilities[new[changed], rows, columns] / probabilities[old[changed], rows, columns]
    if (old < 0).any():
        refined = replace(refined, labels=labels, difference=difference(before.labels, labels))
    return SemanticMap(labels, scores), refined


def refined_segments(
    before: Segments, classes: list[int], probabilities: npt.NDArray[np.float32] | None, options: RefineOptions
) -> tuple[Segments, RefinedSegments[Segment]]:
    """Refine segments, and say what that changed; ``probabilities`` are those of ``classes`` (L, H, W), if any.

    Segments that are left are numbered as before; masks of instances follow what is seen of them. Raises
    ``SegdemoError`` where the options ask for the CRF, which is for semantic maps.
    """
    refined = refine_panoptic(
        before.ids,
        before.segments_info,
        options,
        probabilities=probabilities,
        classes=classes if probabilities is not None else None,
    )
    left = tuple(refined.segments_info)
    if isinstance(before, Instances):
        return before.redrawn(refined.ids, left), refined
    return replace(before, ids=refined.ids, segments_info=left), refined
