"""One labelled picture against its prediction, in whatever terms the data labels it."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from segdemo.data.samples import NOTHING, OTHER, VOID, Sample
from segdemo.evaluation.scoring import Scoring
from segdemo.prediction import Prediction
from segdemo.segmentation.panoptic import panoptic
from segdemo.segmentation.semantic import LEAST, semantic
from segdemo.settings import MASK_THRESHOLD, OVERLAP_THRESHOLD, SCORE_THRESHOLD


@dataclass(frozen=True)
class SegmentOptions:
    """How segments are made; see ``segdemo.segmentation.panoptic``."""

    score_threshold: float = SCORE_THRESHOLD
    mask_threshold: float = MASK_THRESHOLD
    overlap_threshold: float = OVERLAP_THRESHOLD
    split_components: bool = False
    min_area: int = 0


class Annotated(Protocol):
    """What counts besides the picture itself."""

    @property
    def covered(self) -> Collection[int]:
        """The classes that the data annotates."""

    @property
    def things(self) -> Collection[int]:
        """The countable classes."""


def add_picture(
    scoring: Scoring,
    sample: Sample,
    prediction: Prediction,
    data: Annotated,
    *,
    segments: SegmentOptions | None = None,
    boundary: bool = True,
) -> None:
    """Count a picture: its pixels, and its segments where they are asked for and the truth tells objects apart."""
    scoring.add_labels(*_compared(sample, prediction, data.covered), boundary=boundary)
    if segments is not None and sample.apart:
        _add_segments(scoring, sample, prediction, data, segments)


def _compared(
    sample: Sample, prediction: Prediction, covered: Collection[int]
) -> tuple[npt.NDArray[np.integer], npt.NDArray[np.integer]]:
    """The true and the predicted class of each pixel; what the data cannot know of has no label.

    Where the data annotates all classes there are, what has no object is of no class, and the prediction may say so.
    """
    truth = sample.labels
    predicted = semantic(prediction, least=LEAST if NOTHING in sample.classes else 0.0).labels
    if OTHER in sample.classes:
        wrong = np.isin(predicted, list(covered))
        truth = np.where(truth == OTHER, np.where(wrong, NOTHING, VOID), truth)
    return truth, predicted


def _add_segments(
    scoring: Scoring, sample: Sample, prediction: Prediction, data: Annotated, options: SegmentOptions
) -> None:
    """Count a picture's segments; those of classes that the data does not annotate are left out where it has rests."""
    found = panoptic(prediction, **vars(options), stuff=set(prediction.id2label) - set(data.things))
    kept = {segment.id: segment.category_id for segment in found.segments_info}
    if OTHER in sample.classes:
        kept = {number: index for number, index in kept.items() if index in data.covered}
    crowd = sample.crowd if sample.crowd is not None else np.zeros(len(sample.classes), bool)
    scoring.add_segments(
        sample.segments,
        {number: index for number, index in enumerate(sample.classes.tolist(), start=1) if index >= 0},
        np.where(np.isin(found.ids, list(kept)), found.ids, 0),
        kept,
        crowds=(np.flatnonzero(crowd) + 1).tolist(),
    )
