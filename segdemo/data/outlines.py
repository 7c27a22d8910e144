"""Outlines of objects in COCO's forms - polygons, run lengths - as run lengths, and those as masks.

Run lengths count the pixels of a mask column by column, in turn outside and inside, beginning outside.
"""

from array import array
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from segdemo.errors import MissingExtraError, SegdemoError
from segdemo.prediction import Size

Runs = npt.NDArray[np.int64]

MARGIN = 1000.0
"""Pixels beyond the picture up to which a polygon is rasterised as it is; further out it is cut off first."""


@dataclass(frozen=True, slots=True)
class Outline:
    """An object's outline as its file states it, checked in form and kept small."""

    polygons: tuple["array[float]", ...] = ()
    """x, y, x, y, ... in pixels, one array for each part."""
    counts: "array[int] | None" = None
    """Run lengths."""
    size: Size | None = None
    """Height and width that the run lengths are for."""


def parse_outline(segmentation: Any) -> Outline:
    """Check an annotation's ``segmentation``; raises ``SegdemoError``, a clause that follows the object's name."""
    if isinstance(segmentation, dict):
        return _parse_runs(segmentation)
    if not segmentation:
        raise SegdemoError("has no outline: its segmentation is missing or empty")
    if not isinstance(segmentation, list):
        raise SegdemoError("has a segmentation that is neither polygons nor run lengths")
    if all(type(number) in (int, float) for number in segmentation):
        # VIA, MyVision and others write a single polygon without the list around it.
        segmentation = [segmentation]
    polygons = []
    for part in segmentation:
        if not isinstance(part, list):
            raise SegdemoError("has a polygon that is not a list of numbers x, y, x, y and so on")
        try:
            points = array("d", part)
        except (TypeError, OverflowError):
            raise SegdemoError("has a polygon that is not a list of numbers x, y, x, y and so on") from None
        if len(points) % 2 or len(points) < 6:
            raise SegdemoError(f"has a polygon of {len(points)} numbers: it takes x and y of at least three points")
        if not np.isfinite(points).all():
            raise SegdemoError("has a polygon with numbers that are not finite")
        polygons.append(points)
    return Outline(polygons=tuple(polygons))


def runs(outline: Outline, size: Size) -> Runs:
    """An outline as run lengths for a picture of ``size``; raises ``SegdemoError``, a clause, where it does not fit."""
    if outline.counts is None:
        return _rasterised(outline.polygons, size)
    if outline.size != size:
        height, width = outline.size or (0, 0)
        raise SegdemoError(f"is {width}x{height}, but its picture is {size[1]}x{size[0]}")
    counts = np.asarray(outline.counts, np.int64)
    if counts.sum() != size[0] * size[1]:
        raise SegdemoError(f"has run lengths for {counts.sum()} pixels, but its picture has {size[0] * size[1]}")
    return counts


def inside(counts: Runs) -> int:
    """Pixels of a mask."""
    return int(counts[1::2].sum())


def paint(target: npt.NDArray[np.uint16], counts: Runs, value: int) -> None:
    """Write ``value`` into the mask's pixels of ``target`` (H, W)."""
    mask = np.repeat(np.arange(len(counts)) % 2 == 1, counts)
    target[mask.reshape(target.shape[::-1]).T] = value


def from_text(text: str) -> Runs:
    """The counts of a compressed run-length string: five bits a character, differences from the last but one.

    Raises ``SegdemoError``, a clause, for what is no such string.
    """
    codes = np.frombuffer(text.encode("utf-8", "replace"), np.uint8).astype(np.int64) - 48
    if codes.size and (codes.min() < 0 or codes.max() > 63):
        raise SegdemoError("has compressed run lengths with characters that do not belong there")
    last = (codes & 32) == 0
    if not codes.size or not last[-1]:
        raise SegdemoError("has compressed run lengths that end too early")
    ends = np.flatnonzero(last)
    starts = np.append(0, ends[:-1] + 1)
    places = np.arange(len(codes)) - np.repeat(starts, ends - starts + 1)
    if places.max() > 6:
        raise SegdemoError("has compressed run lengths that are too large")
    values = np.add.reduceat((codes & 31) << (5 * places), starts)
    negative = (codes[ends] & 16) != 0
    values -= negative * (np.int64(1) << (5 * (ends - starts + 1)))
    # From the fourth number on, each is the difference from the one two before.
    counts = values.copy()
    for parity in (1, 2):
        counts[parity::2] = np.cumsum(values[parity::2])
    return counts


def _parse_runs(segmentation: dict[str, Any]) -> Outline:
    size, counts = segmentation.get("size"), segmentation.get("counts")
    if not (
        isinstance(size, list) and len(size) == 2 and all(type(side) is int and 0 < side < 1 << 31 for side in size)
    ):
        raise SegdemoError("has run lengths without a size of height and width")
    if isinstance(counts, str):
        try:
            kept = array("q", from_text(counts).tolist())
        except OverflowError:
            raise SegdemoError("has compressed run lengths that are too large") from None
    elif isinstance(counts, list):
        try:
            kept = array("q", counts)
        except (TypeError, OverflowError):
            raise SegdemoError("has run lengths that are not whole numbers") from None
    else:
        raise SegdemoError("has run lengths without counts")
    if len(kept) and (min(kept) < 0 or max(kept) > size[0] * size[1]):
        raise SegdemoError("has run lengths that do not fit its size")
    return Outline(counts=kept, size=(size[0], size[1]))


def _rasterised(polygons: tuple["array[float]", ...], size: Size) -> Runs:
    try:
        from pycocotools import mask as codec
    except ImportError as error:
        raise MissingExtraError("Reading polygons", "train") from error
    height, width = size
    near = [_near(np.frombuffer(points, np.float64).reshape(-1, 2), size) for points in polygons]
    parts = [points.ravel().tolist() for points in near if len(points) >= 3]
    if not parts:
        return np.array([height * width], np.int64)
    packed = codec.merge(codec.frPyObjects(parts, height, width))["counts"]
    return from_text(packed.decode() if isinstance(packed, bytes) else packed)


def _near(points: npt.NDArray[np.float64], size: Size) -> npt.NDArray[np.float64]:
    """A polygon (N, 2) cut off at ``MARGIN`` beyond the picture, where it reaches further (Sutherland and Hodgman).

    The rasteriser walks along every edge, also far outside.
    """
    points = np.clip(points, -1e9, 1e9)
    low, high = np.full(2, -MARGIN), np.array([size[1], size[0]]) + MARGIN
    for axis in (0, 1):
        for sign, bound in ((1, high[axis]), (-1, -low[axis])):
            beyond = sign * points[:, axis] - bound
            if not len(points) or beyond.max() <= 0:
                continue
            kept = []
            for first, second, d, e in zip(points, np.roll(points, -1, 0), beyond, np.roll(beyond, -1), strict=True):
                if d <= 0:
                    kept.append(first)
                if (d <= 0) != (e <= 0):
                    crossing = first + (second - first) * (d / (d - e))
                    crossing[axis] = sign * bound
                    kept.append(crossing)
            points = np.array(kept).reshape(-1, 2)
    return points
