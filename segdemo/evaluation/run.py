"""A checkpoint against labelled pictures of any format that can be trained on, set by set."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from segdemo.data import Dataset, SourceConfig, load_source
from segdemo.data.samples import VOID
from segdemo.errors import SegdemoError
from segdemo.evaluation.pictures import SegmentOptions, add_picture
from segdemo.evaluation.scoring import Score, Scoring
from segdemo.prediction import Prediction

AT_ONCE = 8
"""Pictures in memory, and in one forward pass where their sizes allow."""


class BatchPredictor(Protocol):
    """What an evaluation needs of ``segdemo.model.predictor.Predictor``."""

    @property
    def id2label(self) -> Mapping[int, str]:
        """Class index to label."""

    def predict_batch(self, images: Sequence[npt.NDArray[np.uint8]], *, size: Any) -> list[Prediction]:
        """One prediction for each RGB picture, last layer only."""


@dataclass(frozen=True)
class Report:
    """What was measured: per set, a set being pictures of one folder or with names that begin alike."""

    sets: Mapping[str, Score]
    overall: Score
    labels: Mapping[int, str] = field(repr=False)
    """The checkpoint's class labels by index."""


def run_evaluation(
    predictor: BatchPredictor,
    data: Dataset | SourceConfig,
    *,
    size: Any = "checkpoint",
    segments: SegmentOptions | None = None,
    boundary: bool = True,
    limit: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Report:
    """Measure a predictor on labelled pictures at their own size.

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
        predictions = predictor.predict_batch([sample.image for sample in samples], size=size)
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

    Pictures without either are one set, and so are all where every set would be of one.
    """
    sets = {
        name: name.partition("/")[0] if "/" in name else name.rpartition("_")[0] and name.partition("_")[0]
        for name in names
    }
    if len(names) > 2 and len(set(sets.values())) == len(names):
        return dict.fromkeys(names, "pictures")
    return {name: own or "pictures" for name, own in sets.items()}


def chosen(names: Sequence[str], limit: int | None) -> list[str]:
    """At most ``limit`` of the names, spread evenly over them; all where there is no limit."""
    if limit is None or limit >= len(names):
        return list(names)
    return [names[round(place)] for place in np.linspace(0, len(names) - 1, limit)]
