"""Predictions against labelled pictures: where data, segmentation and evaluation meet."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from segdemo.data import Dataset, SourceConfig, load_source
from segdemo.data.samples import Sample
from segdemo.errors import SegdemoError
from segdemo.evaluation import Report, Scoring
from segdemo.labels import NOTHING, OTHER, VOID
from segdemo.prediction import Prediction
from segdemo.segmentation.panoptic import panoptic
from segdemo.segmentation.semantic import LEAST, semantic
from segdemo.settings import MASK_THRESHOLD, OVERLAP_THRESHOLD, SCORE_THRESHOLD

AT_ONCE = 8
"""Pictures in memory, and in one forward pass where their sizes allow."""


class BatchPredictor(Protocol):
    """What an evaluation needs of ``segdemo.model.predictor.Predictor``."""

    @property
    def id2label(self) -> Mapping[int, str]:
        """Class index to label."""

    def predict_batch(
        self, images: Sequence[npt.NDArray[np.uint8]], *, size: Any, task: str | None
    ) -> list[Prediction]:
        """One prediction for each RGB picture, last layer only."""


@dataclass(frozen=True)
class SegmentOptions:
    """How segments are made; see ``segdemo.segmentation.panoptic``."""

    score_threshold: float = SCORE_THRESHOLD
    mask_threshold: float = MASK_THRESHOLD
    overlap_threshold: float = OVERLAP_THRESHOLD
    split_components: bool = False
    min_area: int = 0


def run_evaluation(
    predictor: BatchPredictor,
    data: Dataset | SourceConfig,
    *,
    size: Any = "checkpoint",
    task: str | None = None,
    segments: SegmentOptions | None = None,
    boundary: bool = True,
    limit: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Report:
    """Measure a predictor on labelled pictures at their own size; one that is told a task is told ``task``.

    ``segments`` are the options for PQ, measured on pictures whose truth tells objects apart; ``None`` leaves it out,
    as ``boundary=False`` does the boundary F-score. At most ``limit`` pictures, spread evenly. ``progress`` is called
    with the pictures done and their number. Raises ``SegdemoError`` for data that cannot be read, has no pictures, or
    none of whose classes the checkpoint knows.
    """
    labels = dict(predictor.id2label)
    if isinstance(data, SourceConfig):
        data = load_source(data, labels)
    data = data.part(chosen(data.names, limit))
    if not len(data):
        raise SegdemoError(f"{data.listing.where} has no pictures{data.source.asked}.")
    sets = sets_of(data.names)
    found: dict[str, Scoring] = {}
    for start in range(0, len(data), AT_ONCE):
        samples = data[start : start + AT_ONCE]
        predictions = predictor.predict_batch([sample.image for sample in samples], size=size, task=task)
        for sample, prediction in zip(samples, predictions, strict=True):
            scoring = found.setdefault(sets[sample.name], Scoring(max(labels) + 1, ignore_index=VOID))
            add_picture(scoring, sample, prediction, data, segments=segments, boundary=boundary)
        if progress is not None:
            progress(start + len(samples), len(data))
    return Report(
        {name: found[name].score(data.things) for name in sorted(found)},
        Scoring.total(list(found.values())).score(data.things),
        labels,
    )


def sets_of(names: Sequence[str]) -> dict[str, str]:
    """The set that each picture belongs to: its folder, or what its name begins with up to the first underscore.

    Pictures without either are one set, and so are all where the sets would be hardly more than pictures.
    """
    sets = {
        name: name.partition("/")[0] if "/" in name else name.rpartition("_")[0] and name.partition("_")[0]
        for name in names
    }
    several = len(set(sets.values()))
    if several == len(names) > 2 or several > max(10, len(names) / 2):
        return dict.fromkeys(names, "pictures")
    return {name: own or "pictures" for name, own in sets.items()}


def chosen(names: Sequence[str], limit: int | None) -> list[str]:
    """At most ``limit`` of the names, spread evenly over them; all where there is no limit."""
    if limit is None or limit >= len(names):
        return list(names)
    return [names[round(place)] for place in np.linspace(0, len(names) - 1, limit)]


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
    if segments is not None and sample.apart and "queries" in prediction.offers:
        _add_segments(scoring, sample, prediction, data, segments)


def _compared(
    sample: Sample, prediction: Prediction, covered: Collection[int]
) -> tuple[npt.NDArray[np.integer], npt.NDArray[np.integer]]:
    """The true and the predicted class of each pixel; what the data cannot know of has no label.

    Where the data annotates all classes there are, what has no object is of no class, and the prediction may say so.
    """
    truth = sample.labels
    predicted = semantic(prediction, least=LEAST if NOTHING in sample.classes else None).labels
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
