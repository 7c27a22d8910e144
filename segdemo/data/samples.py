"""One labelled picture in memory, and the random crop of it that one training step sees."""

from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from segdemo.labels import VOID

NO_SEGMENT = 0
"""The segment id of pixels without a label; real segments count from 1."""


@dataclass(frozen=True)
class Sample:
    """A picture and its segments: one for each stuff class, one for each object of a thing class."""

    name: str
    image: npt.NDArray[np.uint8]
    """(H, W, 3) RGB."""
    segments: npt.NDArray[np.uint16]
    """(H, W); 0 where there is no label, otherwise the 1-based position in ``classes``."""
    classes: npt.NDArray[np.int64]
    """(S,) class index of each segment; ``NOTHING`` or ``OTHER`` for the rest of a picture whose objects are all
    annotated."""
    crowd: npt.NDArray[np.bool_] | None = None
    """(S,) whether a segment is a group that was not told apart, which has no label but in panoptic quality; none
    where no segment is."""
    apart: bool = True
    """Whether the objects of a class are told apart."""

    @property
    def labels(self) -> npt.NDArray[np.int32]:
        """(H, W) class index of each pixel, or ``VOID``, ``NOTHING``, ``OTHER``."""
        return self.codes[self.segments]

    @property
    def codes(self) -> npt.NDArray[np.int32]:
        """(S + 1,) class of each value of ``segments``, ``VOID`` for 0 and for crowds."""
        classes = self.classes if self.crowd is None else np.where(self.crowd, VOID, self.classes)
        return np.concatenate([[VOID], classes]).astype(np.int32)

    @property
    def areas(self) -> dict[int, int]:
        """Labelled pixels of each class that is there."""
        pixels = np.bincount(self.segments.ravel(), minlength=len(self.classes) + 1)
        areas: dict[int, int] = {}
        for index, area in zip(self.codes.tolist(), pixels.tolist(), strict=True):
            if index >= 0 and area:
                areas[index] = areas.get(index, 0) + area
        return areas

    @property
    def nbytes(self) -> int:
        """Memory of the arrays, in bytes."""
        return self.image.nbytes + self.segments.nbytes


@dataclass(frozen=True)
class Crop:
    """What one training example is made of."""

    image: npt.NDArray[np.uint8]
    """(H, W, 3) RGB."""
    segments: npt.NDArray[np.int64]
    """(H / 4, W / 4); 0 where there is no label, otherwise the 1-based position in ``classes``."""
    classes: npt.NDArray[np.int64]
    """(S,) class index of each segment, ``NOTHING`` or ``OTHER``; all of them present in ``segments``."""


def split_segments(
    labels: npt.NDArray[np.integer],
    things: frozenset[int],
    *,
    regions: npt.NDArray[Any] | None = None,
) -> tuple[npt.NDArray[np.uint16], npt.NDArray[np.int64]]:
    """Turn a label map into segments.

    ``labels`` is (H, W) with ``VOID`` for no label. Within a class of ``things`` every region id of ``regions`` (H, W)
    is one object; without ``regions`` every 8-connected component is one. Returns the segment map and the class of
    each segment, as in ``Sample``; raises ``ValueError`` for more objects than a segment map can number.
    """
    segments = np.zeros(labels.shape, np.uint16)
    classes: list[int] = []
    for index in np.unique(labels).tolist():
        if index == VOID:
            continue
        mask = labels == index
        if index not in things:
            parts, count = mask.astype(np.int32), 1
        elif regions is not None:
            found = np.unique(regions[mask])
            parts, count = np.where(mask, np.searchsorted(found, regions) + 1, 0), len(found)
        else:
            count, parts = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
            count -= 1
        if len(classes) + count > MOST_SEGMENTS:
            raise ValueError(f"more than {MOST_SEGMENTS} objects")
        np.copyto(segments, (parts + len(classes)).astype(np.uint16), where=mask)
        classes += [index] * count
    return segments, np.asarray(classes, np.int64)


MOST_SEGMENTS = 65_000
"""Segments that one picture can have."""


SMALLEST = 12
"""Pixels of an object below which it is not trained on."""


@dataclass(frozen=True)
class Augmentation:
    """How a random crop is drawn."""

    crop: int = 224
    """Side of the square crop in pixels; a multiple of 16."""
    short_side: tuple[float, float] = (176.0, 448.0)
    """The picture's short side after scaling, drawn log-uniformly between these."""
    stretch: float = 0.15
    """Largest relative change of the aspect ratio."""
    rotate: float = 6.0
    """Largest rotation, in degrees."""
    colour: float = 0.35
    """Strength of brightness, contrast, saturation and hue changes; 0 switches them off."""
    flip: bool = True

    def __call__(self, sample: Sample, rng: np.random.Generator, *, focus: int | None = None) -> Crop:
        """Draw one crop; with ``focus`` (a class index) it is placed around a pixel of that class, if there is one.

        What lies outside of the picture is mid grey and has no label.
        """
        sample = self._cleaned(sample)
        height, width = sample.segments.shape
        low, high = np.log(self.short_side)
        scale = float(np.exp(rng.uniform(low, high))) / min(height, width)
        aspect = 1 + rng.uniform(-self.stretch, self.stretch)
        sx, sy = scale * np.sqrt(aspect), scale / np.sqrt(aspect)
        angle = np.deg2rad(rng.uniform(-self.rotate, self.rotate))
        mirror = -1.0 if self.flip and rng.random() < 0.5 else 1.0
        rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        linear = rotation @ np.diag([mirror * sx, sy])
        centre = self._centre(sample, rng, (sx, sy), focus)
        offset = np.full(2, self.crop / 2) - linear @ centre
        image = cv2.warpAffine(
            sample.image,
            np.column_stack([linear, offset]),
            (self.crop, self.crop),
            flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_CONSTANT,
            borderValue=(124, 116, 104),
        )
        # A mask pixel k covers image pixels 4k .. 4k + 3, whose centre is 4k + 1.5.
        quarter = np.column_stack([linear / 4, (offset - 1.5) / 4])
        raw = cv2.warpAffine(
            sample.segments,
            quarter,
            (self.crop // 4, self.crop // 4),
            flags=cv2.INTER_NEAREST,
            borderMode=cv2.BORDER_CONSTANT,
            borderValue=NO_SEGMENT,
        )
        present, inverse = np.unique(raw, return_inverse=True)
        kept = present[present != NO_SEGMENT]
        shift = 0 if len(kept) < len(present) else 1
        segments = inverse.reshape(raw.shape).astype(np.int64) + shift
        return Crop(
            self._recolour(np.asarray(image, np.uint8), rng), segments, sample.classes[kept.astype(np.int64) - 1]
        )

    def _cleaned(self, sample: Sample) -> Sample:
        """The sample without a label for crowds and for objects too small to learn from."""
        areas = np.bincount(sample.segments.ravel(), minlength=len(sample.classes) + 1)[1:]
        drop = (areas < SMALLEST) & (sample.classes >= 0)
        if sample.crowd is not None:
            drop |= sample.crowd
        if not drop.any():
            return sample
        numbers = np.concatenate([[NO_SEGMENT], np.where(drop, NO_SEGMENT, np.arange(1, len(drop) + 1))])
        return replace(sample, segments=numbers.astype(np.uint16)[sample.segments], crowd=None)

    def _centre(
        self, sample: Sample, rng: np.random.Generator, scale: tuple[float, float], focus: int | None
    ) -> npt.NDArray[np.float64]:
        """Where in the picture (x, y) the crop's centre falls."""
        height, width = sample.segments.shape
        reach = np.minimum(self.crop / 2 / np.asarray(scale), np.array([width, height]) / 2)
        if focus is not None:
            wanted = np.isin(sample.segments, np.flatnonzero(sample.classes == focus) + 1)
            ys, xs = np.nonzero(wanted)
            if len(ys):
                pick = int(rng.integers(len(ys)))
                jitter = rng.uniform(-0.8, 0.8, 2) * reach
                point = np.array([xs[pick], ys[pick]]) + jitter
                return np.clip(point, reach, np.array([width, height]) - reach)
        return rng.uniform(reach, np.array([width, height]) - reach + 1e-6)

    def _recolour(self, image: npt.NDArray[np.uint8], rng: np.random.Generator) -> npt.NDArray[np.uint8]:
        if self.colour <= 0:
            return image
        strength = self.colour
        contrast, saturation = 1 + rng.uniform(-strength, strength, 2)
        brightness = rng.uniform(-strength, strength) * 100
        tint = rng.uniform(-strength, strength, 3) * 40
        # One 3 x 4 colour matrix does it all: contrast and saturation around grey, then brightness and tint.
        grey = np.tile(np.array([0.299, 0.587, 0.114]), (3, 1))
        matrix = contrast * (saturation * np.eye(3) + (1 - saturation) * grey)
        shift = 128 * (1 - contrast) + brightness * 0.5 + tint
        changed = cv2.transform(image, np.column_stack([matrix, shift]))
        if rng.random() < 0.2 * strength:
            changed = cv2.GaussianBlur(changed, (0, 0), float(rng.uniform(0.4, 1.2)))
        return np.asarray(changed, np.uint8)
