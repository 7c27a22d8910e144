"""One labelled picture in memory, and the random crop of it that one training step sees."""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

IGNORE = 255
"""The "no label" value of index PNGs."""

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
    """(S,) class index of each segment."""

    @property
    def labels(self) -> npt.NDArray[np.uint8]:
        """(H, W) class index of each pixel, 255 where there is none; needs fewer than 255 classes."""
        return np.concatenate([[IGNORE], self.classes]).astype(np.uint8)[self.segments]


@dataclass(frozen=True)
class Crop:
    """What one training example is made of."""

    image: npt.NDArray[np.uint8]
    """(H, W, 3) RGB."""
    segments: npt.NDArray[np.int64]
    """(H / 4, W / 4); 0 where there is no label, otherwise the 1-based position in ``classes``."""
    classes: npt.NDArray[np.int64]
    """(S,) class index of each segment, all of them present in ``segments``."""


def split_segments(
    labels: npt.NDArray[np.uint8],
    things: frozenset[int],
    *,
    regions: npt.NDArray[Any] | None = None,
    min_area: int = 12,
) -> tuple[npt.NDArray[np.uint16], npt.NDArray[np.int64]]:
    """Turn a label map into segments.

    ``labels`` is (H, W) with 255 for no label. Within a class of ``things`` every region id of ``regions`` (H, W) is
    one object; without ``regions`` every 8-connected component is one. Objects of fewer than ``min_area`` pixels
    become unlabelled. Returns the segment map and the class of each segment, as in ``Sample``.
    """
    segments = np.zeros(labels.shape, np.uint16)
    classes: list[int] = []
    for index in np.unique(labels):
        if index == IGNORE:
            continue
        mask = labels == index
        if int(index) not in things:
            parts = [mask]
        elif regions is not None:
            parts = [mask & (regions == region) for region in np.unique(regions[mask])]
        else:
            count, components = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
            parts = [components == part for part in range(1, count)]
        for part in parts:
            if int(part.sum()) >= min_area:
                classes.append(int(index))
                segments[part] = len(classes)
    return segments, np.asarray(classes, np.int64)


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
