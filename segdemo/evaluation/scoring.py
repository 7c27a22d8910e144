"""All measures of labelled pictures together, per set and overall."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import numpy as np

from segdemo.evaluation.boundary import boundary_score
from segdemo.evaluation.confusion import Confusion, Labels
from segdemo.evaluation.quality import Ids, PanopticQuality, Quality
from segdemo.evaluation.tally import Tally
from segdemo.labels import IGNORE


@dataclass(frozen=True)
class Score:
    """What was measured on some pictures; all but counts 0 to 1."""

    pictures: int
    pixels: int
    """Labelled pixels."""
    pixel_accuracy: float
    """Share of the labelled pixels that got their class."""
    miou: float
    """Mean intersection over union of the classes present in the truth."""
    class_iou: Mapping[int, float]
    class_accuracy: Mapping[int, float]
    boundary_f: float | None
    """Mean over pictures; none where none has a boundary."""
    panoptic: Quality | None = None
    """Mean over classes; none where no picture has segments."""
    things: Quality | None = None
    stuff: Quality | None = None
    class_quality: Mapping[int, Quality] | None = None


@dataclass(frozen=True)
class Report:
    """What was measured: per set, a set being pictures of one folder or with names that begin alike."""

    sets: Mapping[str, Score]
    overall: Score
    labels: Mapping[int, str] = field(repr=False)
    """The checkpoint's class labels by index."""


class Scoring:
    """Measures of one set, to which pictures are added one by one."""

    def __init__(self, classes: int, *, ignore_index: int = IGNORE) -> None:
        self.pictures = 0
        self.confusion = Confusion(classes, ignore_index=ignore_index)
        self.quality = PanopticQuality(classes)
        self.has_segments = False
        self._boundary: list[float] = []

    def add_labels(self, truth: Labels, predicted: Labels, *, boundary: bool = True) -> None:
        """Count a picture's label map (H, W), ``ignore_index`` = no label; ``boundary`` also measures outlines."""
        self.confusion.add(truth, predicted)
        self.pictures += 1
        if boundary:
            score = boundary_score(truth, predicted, ignore_index=self.confusion.ignore_index)
            self._boundary += [score] if score is not None else []

    def add_segments(
        self,
        truth: Ids,
        truth_classes: Mapping[int, int],
        found: Ids,
        found_classes: Mapping[int, int],
        *,
        crowds: Collection[int] = (),
    ) -> None:
        """Count a picture's segments, as ``PanopticQuality.add`` does."""
        self.quality.add(truth, truth_classes, found, found_classes, crowds=crowds)
        self.has_segments = True

    @classmethod
    def total(cls, sets: Collection["Scoring"]) -> "Scoring":
        """All sets as one; they must be of as many classes, and there must be one."""
        first, *rest = sets
        whole = cls(first.confusion.classes, ignore_index=first.confusion.ignore_index)
        whole.pictures = sum(one.pictures for one in sets)
        whole.confusion = first.confusion.merge(one.confusion for one in rest)
        whole.quality = first.quality.merge(one.quality for one in rest)
        whole.has_segments = any(one.has_segments for one in sets)
        whole._boundary = [score for one in sets for score in one._boundary]
        return whole

    def score(self, things: Collection[int] = ()) -> Score:
        """The measures so far; ``things`` are the thing classes' indices, all others are stuff."""
        stuff = set(range(self.quality.classes)) - set(things)
        return Score(
            pictures=self.pictures,
            pixels=self.confusion.pixels,
            pixel_accuracy=self.confusion.pixel_accuracy,
            miou=self.confusion.miou,
            class_iou=self.confusion.class_iou,
            class_accuracy=self.confusion.class_accuracy,
            boundary_f=float(np.mean(self._boundary)) if self._boundary else None,
            panoptic=self.quality.mean() if self.has_segments else None,
            things=self.quality.mean(things) if self.has_segments else None,
            stuff=self.quality.mean(stuff) if self.has_segments else None,
            class_quality=self.quality.by_class if self.has_segments else None,
        )


def score_of(tally: Tally, things: Collection[int] = ()) -> Score:
    """What a tally measured of the result, as ``Scoring.score`` has it."""
    found, quality = tally.result, tally.result.quality
    stuff = set(range(tally.classes)) - set(things)
    return Score(
        pictures=tally.pictures,
        pixels=found.confusion.pixels,
        pixel_accuracy=found.confusion.pixel_accuracy,
        miou=found.confusion.miou,
        class_iou=found.confusion.class_iou,
        class_accuracy=found.confusion.class_accuracy,
        boundary_f=found.boundary.value,
        panoptic=quality.mean() if quality is not None else None,
        things=quality.mean(things) if quality is not None else None,
        stuff=quality.mean(stuff) if quality is not None else None,
        class_quality=quality.by_class if quality is not None else None,
    )
