"""What a conversion did to a network's answers: logits and labels side by side, on photographs.

The one comparison, for exports and for the graphs that ``optimise`` keeps.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from segdemo.errors import SegdemoError
from segdemo.images import Rgb, load_image
from segdemo.prediction import Prediction, Size
from segdemo.segmentation.semantic import semantic
from segdemo.settings import settings

Answer = tuple[npt.NDArray[np.floating], ...]
"""Class logits (Q, C + 1) and mask logits (Q, h, w); of a network without queries logits (C, h, w) alone."""
DEFAULT_PICTURES = 8
USUAL_PHOTO = (768, 1024)
"""Height and width of the photograph whose input size is taken where none was named."""


@dataclass(frozen=True)
class Picture:
    """A photograph to compare on, opened when it is needed."""

    name: str
    file: Path

    def load(self) -> Rgb:
        """RGB uint8 (H, W, 3); raises ``SegdemoError`` naming a file that is no picture."""
        try:
            return load_image(self.file)
        except SegdemoError as error:
            raise SegdemoError(f"{self.file.name}: {error}") from error


def examples(count: int = DEFAULT_PICTURES) -> list[Picture]:
    """The first of the demo's examples, photographs before drawn scenes."""
    from segdemo.examples import offered

    return [Picture(example.id, example.image) for example in offered()[:count]]


def least_labels_equal(precision: str) -> float:
    """Share of labels that must equal the network's own in the mean over pictures, from the settings."""
    wanted = {
        "fp32": settings().labels_equal_fp32,
        "fp16": settings().labels_equal_fp16,
        "bf16": settings().labels_equal_bf16,
        "int8": settings().labels_equal_int8,
    }
    return wanted[precision]


@dataclass(frozen=True)
class Difference:
    """Of logits, over all pictures: in the logits' own unit, and the magnitudes to hold it against."""

    largest: float
    mean: float
    magnitude: float
    """Mean magnitude of the network's own."""
    peak: float
    """Largest magnitude of the network's own."""


@dataclass
class Tally:
    """Adds up the differences of one kind of logits."""

    largest: float = 0.0
    total: float = 0.0
    magnitude: float = 0.0
    peak: float = 0.0
    count: int = 0

    def add(self, expected: npt.NDArray[np.floating], found: npt.NDArray[np.floating]) -> None:
        """Count one picture's; what is not a number is infinitely far."""
        gap = np.nan_to_num(np.abs(found.astype(np.float64) - expected), nan=np.inf)
        self.largest = max(self.largest, float(gap.max()))
        self.total += float(gap.sum())
        self.magnitude += float(np.abs(expected).sum())
        self.peak = max(self.peak, float(np.abs(expected).max()))
        self.count += gap.size

    def result(self) -> Difference:
        """What was found so far."""
        return Difference(self.largest, self.total / self.count, self.magnitude / self.count, self.peak)


@dataclass
class Comparison:
    """A converted network beside the network itself, on some pictures at one input size."""

    id2label: Mapping[int, str]
    size: Size
    stuff: frozenset[int] | None = None
    equal: dict[str, float] = field(default_factory=dict)
    """By picture: share of its pixels with the same label, at the photograph's own size."""
    classes: Tally = field(default_factory=Tally)
    masks: Tally = field(default_factory=Tally)
    scores: Tally = field(default_factory=Tally)
    """Of a network without queries, which has neither."""
    rounded: list[str] = field(default_factory=list)
    """Pictures whose answer in float32 hangs on rounding, held against the one in double precision."""
    worst: tuple[str, npt.NDArray[np.bool_]] | None = None
    """The picture with the fewest equal labels, and where (H, W) they differ."""

    def add(self, name: str, image_size: Size, expected: Answer, found: Answer, content: Size | None = None) -> None:
        """Compare the two answers on one picture, whose part of the input is ``content``, all of it if not given."""
        for tally, own, other in zip(self._tallies(len(expected) == 1).values(), expected, found, strict=True):
            tally.add(own, other)
        labels = [self._labels(image_size, answer, content or self.size) for answer in (expected, found)]
        differs = labels[0] != labels[1]
        self.equal[name] = float(1 - differs.mean())
        if self.worst is None or self.equal[name] < self.equal[self.worst[0]]:
            self.worst = name, differs

    def settle(self, name: str, image_size: Size, exact: Answer, found: Answer, content: Size | None = None) -> None:
        """Hold a picture that was compared against the network's answer in double precision too: the better counts."""
        labels = [self._labels(image_size, answer, content or self.size) for answer in (exact, found)]
        differs = labels[0] != labels[1]
        equal = float(1 - differs.mean())
        if equal > self.equal[name]:
            self.equal[name] = equal
            self.rounded.append(name)
            if self.worst is not None and self.worst[0] == name:
                self.worst = name, differs

    @property
    def mean(self) -> float:
        """Share of labels that are equal, in the mean over pictures."""
        return sum(self.equal.values()) / len(self.equal)

    @property
    def least(self) -> float:
        """Share of labels that are equal in the worst picture."""
        return min(self.equal.values())

    def values(self) -> dict[str, Any]:
        """For the card."""
        return {
            "pictures": len(self.equal),
            "labels_equal": {
                "mean": self.mean,
                "worst": self.least,
                "worst_picture": min(self.equal, key=lambda name: self.equal[name]) if self.equal else None,
                "by_picture": self.equal,
                "in_double": self.rounded,
            },
            **{name: asdict(tally.result()) for name, tally in self._tallies(self.scores.count > 0).items()},
        }

    def _tallies(self, scored: bool) -> dict[str, Tally]:
        """By name on the card, in the order of an answer."""
        if scored:
            return {"logits": self.scores}
        return {"class_logits": self.classes, "mask_logits": self.masks}

    def _labels(self, image_size: Size, answer: Answer, content: Size) -> npt.NDArray[np.integer]:
        parts = [np.nan_to_num(part, nan=0.0, posinf=6e4, neginf=-6e4).astype(np.float32) for part in answer]
        logits = parts[0] if len(parts) == 1 else None
        classes, masks = ((), ()) if logits is not None else ((part,) for part in parts)
        made = Prediction(
            image_size=image_size,
            input_size=self.size,
            content_size=content,
            id2label=self.id2label,
            masks=masks,
            classes=classes,
            logits=logits,
            stuff=self.stuff,
        )
        return semantic(made).labels


def marked(image: Rgb, differs: npt.NDArray[np.bool_]) -> Rgb:
    """The photograph in faint grey with red where labels differ, thickened so that single pixels show."""
    import cv2

    grey = (image.mean(axis=2, keepdims=True) * 0.4 + 150).astype(np.uint8).repeat(3, axis=2)
    side = max(1, round(max(image.shape[:2]) / 400))
    kernel = np.ones((2 * side + 1, 2 * side + 1), np.uint8)
    grey[cv2.dilate(differs.astype(np.uint8), kernel) > 0] = (214, 40, 40)
    return grey


def split(pictures: Sequence[Picture]) -> tuple[list[Picture], list[Picture]]:
    """Pictures to take the ranges of 8 bits from, and others to compare on; the same where there is only one."""
    if len(pictures) < 2:
        return list(pictures), list(pictures)
    return list(pictures[::2]), list(pictures[1::2])
