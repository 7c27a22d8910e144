"""A data set read once from end to end: what is wrong with it, each fault with its file, and what it shows."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from segdemo.data.files import is_file
from segdemo.data.labelmaps import LabelMaps
from segdemo.data.listing import Listing, Picture, View, about
from segdemo.errors import SegdemoError
from segdemo.images import Rgb, image_size, load_image
from segdemo.labels import NOTHING
from segdemo.prediction import Size

DECODED = 5000
"""Pictures up to which a survey decodes every photograph; of larger sets it reads the heads, and the labels."""
_AT_ONCE = 256


@dataclass(frozen=True)
class Survey:
    """What a data set holds."""

    faults: list[str]
    """A sentence for each, naming the file."""
    areas: list[dict[int, int]]
    """Pixels of each of the data's own classes, for every picture; crowds do not count."""


def survey(
    listing: Listing, pictures: Sequence[Picture], classes: int, progress: Callable[[int, int], None] | None = None
) -> Survey:
    """Read the labels of all ``pictures`` and decode their photographs, or only open them where they are very many.

    ``classes`` is the number of the data's classes; ``progress`` is called with the pictures done and their number.
    """
    view = View(np.arange(classes), frozenset(), NOTHING)
    faults = list(listing.faults)
    areas: list[dict[int, int]] = []
    void = []

    def read(picture: Picture) -> tuple[str, dict[int, int], bool]:
        return _read(listing, picture, view, decode=len(pictures) <= DECODED)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for start in range(0, len(pictures), _AT_ONCE):
            for fault, own, gaps in pool.map(read, pictures[start : start + _AT_ONCE]):
                faults += [fault] if fault else []
                areas.append(own)
                void.append(gaps)
            if progress is not None:
                progress(len(areas), len(pictures))
    return Survey(faults + _binary(listing, pictures, areas, void, classes), areas)


def read_photo(picture: Picture) -> Rgb:
    """Decode a photograph; raises ``SegdemoError`` naming the file."""
    try:
        return load_image(picture.image)
    except SegdemoError as error:
        raise SegdemoError(about(picture.image, error)) from error


def _read(listing: Listing, picture: Picture, view: View, *, decode: bool) -> tuple[str, dict[int, int], bool]:
    """A fault or nothing, the pixels of each class, and whether some have none."""
    if not is_file(picture.image):
        return f"{picture.image} is missing.", {}, False
    try:
        size = read_photo(picture).shape[:2] if decode else _size(picture)
        truth = listing.truth(picture, size, view)
        if listing.apart(picture):
            listing.check(picture, size)
    except SegdemoError as error:
        return _turned(str(error), picture), {}, False
    pixels = np.bincount(truth.segments.ravel(), minlength=len(truth.classes) + 1).tolist()
    crowd = truth.crowd if truth.crowd is not None else np.zeros(len(truth.classes), bool)
    areas: dict[int, int] = {}
    for index, area, skip in zip(truth.classes.tolist(), pixels[1:], crowd.tolist(), strict=True):
        if index >= 0 and not skip:
            areas[index] = areas.get(index, 0) + area
    return "", areas, pixels[0] > 0


def _size(picture: Picture) -> Size:
    try:
        return image_size(picture.image)
    except SegdemoError as error:
        raise SegdemoError(about(picture.image, error)) from error


def _turned(fault: str, picture: Picture) -> str:
    """A fault, with what may be behind it where labels have the photograph's size before it is turned upright."""
    try:
        height, width = image_size(picture.image)
    except SegdemoError:
        return fault
    if height != width and f" {height}x{width}" in fault and f" {width}x{height}" in fault:
        return f"{fault} Labels are for photographs as viewers show them, turned as their EXIF orientation says."
    return fault


def _binary(
    listing: Listing,
    pictures: Sequence[Picture],
    areas: Sequence[dict[int, int]],
    void: Sequence[bool],
    classes: int,
) -> list[str]:
    """Faults of masks of 0 and 255, where all are such.

    A single one can be a picture of class 0 with unlabelled rest; when all are, 255 was meant as a class.
    """
    plain = isinstance(listing, LabelMaps) and listing.stored is None and not listing.void and not listing.reduced
    if not (plain and 1 < classes <= 255 and pictures):
        return []
    if not all(set(own) == {0} and gaps for own, gaps in zip(areas, void, strict=True)):
        return []
    return [
        f"{picture.key} is a binary mask of 0 and 255, but 255 means no label: write the class index instead of 255."
        for picture in pictures
    ]
