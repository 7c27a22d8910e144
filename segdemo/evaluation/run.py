"""A checkpoint against labelled pictures of any format that can be trained on, set by set."""

import glob
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from segdemo.data import load_source, picture_names
from segdemo.data.samples import Sample
from segdemo.errors import SegdemoError
from segdemo.evaluation.scoring import Score, Scoring
from segdemo.prediction import Prediction
from segdemo.segmentation.panoptic import panoptic
from segdemo.segmentation.semantic import semantic
from segdemo.settings import MASK_THRESHOLD, OVERLAP_THRESHOLD, SCORE_THRESHOLD
from segdemo.taxonomy import taxonomy_for
from segdemo.training.config import SourceConfig

NO_LABEL = -1
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
class SegmentOptions:
    """How segments are made; see ``segdemo.segmentation.panoptic``."""

    score_threshold: float = SCORE_THRESHOLD
    mask_threshold: float = MASK_THRESHOLD
    overlap_threshold: float = OVERLAP_THRESHOLD
    split_components: bool = False
    min_area: int = 0


@dataclass(frozen=True)
class Report:
    """What was measured: per set, a set being the pictures whose names begin alike up to the first underscore."""

    sets: Mapping[str, Score]
    overall: Score
    labels: Mapping[int, str] = field(repr=False)
    """The checkpoint's class labels by index."""


def run_evaluation(
    predictor: BatchPredictor,
    source: SourceConfig,
    *,
    size: Any = "checkpoint",
    segments: SegmentOptions | None = None,
    boundary: bool = True,
    classes: Mapping[int, str] | None = None,
    limit: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Report:
    """Measure a predictor on labelled pictures at their own size.

    ``segments`` are the options for PQ, measured on pictures whose truth tells objects apart; ``None`` leaves it out,
    as ``boundary=False`` does the boundary F-score. ``classes`` are the labels of the data's class indices, for index
    PNGs whose list is not the checkpoint's; they are matched by name. At most ``limit`` pictures, spread evenly.
    ``progress`` is called with the pictures done and their number. Raises ``SegdemoError`` for data that cannot be
    read, has no pictures, or has classes that the checkpoint does not know.
    """
    labels = dict(predictor.id2label)
    table = class_table(classes, labels) if classes is not None else None
    names = chosen(picture_names(source), limit)
    if not names:
        raise SegdemoError(f"There are no pictures in {source.data}" + _which(source) + ".")
    found: dict[str, Scoring] = {}
    done = 0
    for samples in _batches(source, labels, names):
        for sample, prediction in zip(
            samples, predictor.predict_batch([sample.image for sample in samples], size=size), strict=True
        ):
            truth = _classes(sample, table, labels)
            scoring = found.setdefault(sample.name.split("_")[0], Scoring(max(labels) + 1, ignore_index=NO_LABEL))
            scoring.add_labels(
                np.append(NO_LABEL, truth)[sample.segments], semantic(prediction).labels, boundary=boundary
            )
            if segments is not None and tells_objects_apart(source, sample.name):
                ours = panoptic(prediction, **vars(segments))
                scoring.add_segments(
                    sample.segments,
                    dict(enumerate(truth.tolist(), start=1)),
                    ours.ids,
                    {segment.id: segment.category_id for segment in ours.segments_info},
                )
        done += len(samples)
        if progress is not None:
            progress(done, len(names))
    things = taxonomy_for(labels).things
    return Report(
        {name: found[name].score(things) for name in sorted(found)},
        Scoring.total(list(found.values())).score(things),
        labels,
    )


def class_table(classes: Mapping[int, str], labels: Mapping[int, str]) -> dict[int, int]:
    """The checkpoint's index of each of the data's classes, matched by name or synonym; -1 where it has none.

    Lists of equal length that agree in most places are taken to be the same, whatever the rest is called.
    """
    same = sum(_plain(labels.get(index, "")) == _plain(name) for index, name in classes.items())
    if set(classes) == set(labels) and 2 * same >= len(labels):
        return {index: index for index in classes}
    taxonomy = taxonomy_for(labels)
    table = {}
    for index, name in classes.items():
        try:
            table[index] = taxonomy.find(name).index
        except KeyError:
            table[index] = NO_LABEL
    return table


def chosen(names: Sequence[str], limit: int | None) -> list[str]:
    """At most ``limit`` of the names, spread evenly over them; all where there is no limit."""
    if limit is None or limit >= len(names):
        return list(names)
    return [names[round(place)] for place in np.linspace(0, len(names) - 1, limit)]


def tells_objects_apart(source: SourceConfig, name: str) -> bool:
    """Whether a picture's truth separates the objects of a class: index PNGs do where they have ``regions/``."""
    if source.format != "index":
        return True
    return source.data is not None and (source.data / "regions" / f"{name}.png").is_file()


def _batches(source: SourceConfig, labels: dict[int, str], names: Sequence[str]) -> Iterator[list[Sample]]:
    """The pictures a few at a time, so that a large set never is in memory as a whole."""
    for start in range(0, len(names), AT_ONCE):
        some = names[start : start + AT_ONCE]
        if source.format == "scenes":
            # A scene's kind follows from its place in the source: they are drawn one by one from there.
            places = [int(name.rpartition("_")[2]) - source.first_seed for name in some]
            yield [sample for place in places for sample in load_source(_scene(source, place), labels)]
        else:
            include = [glob.escape(name) for name in some]
            yield load_source(source.model_copy(update={"include": include, "exclude": []}), labels)


def _scene(source: SourceConfig, place: int) -> SourceConfig:
    kinds = [source.kinds[place % len(source.kinds)]] if source.kinds else []
    return source.model_copy(update={"count": 1, "first_seed": source.first_seed + place, "kinds": kinds})


def _classes(sample: Sample, table: Mapping[int, int] | None, labels: Mapping[int, str]) -> npt.NDArray[np.int64]:
    """The checkpoint's class index of each of a picture's segments."""
    truth = sample.classes if table is None else np.array([table.get(int(c), NO_LABEL) for c in sample.classes], int)
    unknown = [int(own) for own, index in zip(sample.classes, truth, strict=True) if int(index) not in labels]
    if unknown:
        raise SegdemoError(
            f"{sample.name} has the class index {unknown[0]}, which this checkpoint does not know: evaluate a "
            "checkpoint that was trained on this data's classes, or name the data's class list with --classes."
        )
    return truth.astype(np.int64)


def _which(source: SourceConfig) -> str:
    return f" in the split {source.split!r}" if source.split else ""


def _plain(name: str) -> str:
    return name.partition(",")[0].strip().lower()
