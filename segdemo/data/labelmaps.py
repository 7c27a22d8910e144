"""Labels as one PNG of class values for each picture, in whatever folders they lie."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from segdemo.data.listing import Listing, Picture, Truth, View, about
from segdemo.data.samples import split_segments
from segdemo.errors import SegdemoError
from segdemo.images import decode_png_ids, decode_png_index, decode_png_values
from segdemo.labels import IGNORE, VOID
from segdemo.prediction import Size

DEEP_IGNORE = 65_535
"""The "no label" value where there are too many classes for 8 bits."""
_UNKNOWN = -9


@dataclass
class LabelMaps(Listing):
    """Pictures whose ``key`` is the path of their label PNG."""

    stored: tuple[int, ...] | None = None
    """The value that stands for each class in the PNGs; none where it is the index."""
    reduced: bool = False
    """Whether 0 means no label and every other value is the index plus one."""
    void: frozenset[int] = frozenset()
    """Values without a label; where there are none given, 255, or 65535 where 8 bits cannot name all classes."""

    def regions(self, picture: Picture) -> Path | None:
        """The PNG that tells the picture's objects apart."""
        return None

    def apart(self, picture: Picture) -> bool:
        """Whether there is a region file for the picture."""
        return self.regions(picture) is not None

    def truth(self, picture: Picture, size: Size, view: View) -> Truth:
        """Read the picture's label PNG, and its regions where there are some."""
        labels = self.labels(picture, size, view)
        path = self.regions(picture) if view.things else None
        return split(labels, view, None if path is None else read_regions(path, size), picture.key)

    def check(self, picture: Picture, size: Size) -> None:
        """Read the picture's regions."""
        path = self.regions(picture)
        if path is not None:
            read_regions(path, size)

    def labels(self, picture: Picture, size: Size, view: View) -> npt.NDArray[np.int64]:
        """The class of each pixel in the view's terms; raises ``SegdemoError`` for values that are no class."""
        path: Path = picture.key
        if not path.is_file():
            raise SegdemoError(f"{picture.image} has no labels: {path} is missing.")
        values = self.values(path, size)
        codes = np.asarray(view.table, np.int64).copy()
        if self.background is not None and codes[self.background] == VOID:
            codes[self.background] = view.rest
        stored = self.stored if self.stored is not None else range(self.reduced, len(codes) + self.reduced)
        table = np.full(max(DEEP_IGNORE, int(values.max(initial=0))) + 1, _UNKNOWN, np.int64)
        table[list(stored)] = codes
        table[sorted(self.void or self._usual_void(len(codes)))] = VOID
        labels = table[values]
        if (labels == _UNKNOWN).any():
            found = some(np.unique(values[labels == _UNKNOWN]).tolist())
            listed = f" of {self.class_list}" if self.class_list is not None else ""
            raise SegdemoError(f"{path} has the values {found}, which are none of the {len(codes)} classes{listed}.")
        return labels

    def values(self, path: Path, size: Size) -> npt.NDArray[np.int32]:
        """The value of each pixel of a label PNG; raises ``SegdemoError`` naming the file."""
        return read_index(path, size)

    def _usual_void(self, classes: int) -> set[int]:
        return {IGNORE if classes + self.reduced <= IGNORE else DEEP_IGNORE, *([0] if self.reduced else [])}


def read_index(path: Path, size: Size) -> npt.NDArray[np.int32]:
    """The values of an index PNG that must be of ``size``; raises ``SegdemoError`` naming the file."""
    try:
        return decode_png_index(path, size=size)
    except SegdemoError as error:
        raise SegdemoError(about(path, error)) from error


def read_values(path: Path, size: Size) -> npt.NDArray[np.int32] | npt.NDArray[np.uint8]:
    """The values of an index PNG, or the colours (H, W, 3) of one in colour; else as ``read_index``."""
    try:
        return decode_png_values(path, size=size)
    except SegdemoError as error:
        raise SegdemoError(about(path, error)) from error


def read_ids(path: Path, size: Size) -> npt.NDArray[np.int32]:
    """The ids of a panoptic PNG that must be of ``size``; raises ``SegdemoError`` naming the file."""
    try:
        return decode_png_ids(path, size=size)
    except SegdemoError as error:
        raise SegdemoError(about(path, error)) from error


def read_regions(path: Path, size: Size) -> npt.NDArray[np.int32]:
    """The ids of a region PNG that must be of ``size``; raises ``SegdemoError`` naming the file."""
    try:
        return decode_png_ids(path, size=size, palette=True)
    except SegdemoError as error:
        raise SegdemoError(about(path, error)) from error


def split(labels: npt.NDArray[np.integer], view: View, regions: npt.NDArray[np.integer] | None, path: Path) -> Truth:
    """The segments of a map of classes; raises ``SegdemoError`` where there are too many."""
    try:
        segments, classes = split_segments(labels, view.things, regions=regions)
    except ValueError as error:
        raise SegdemoError(f"{path} has {error}: its regions do not tell objects apart.") from error
    return Truth(segments, classes)


def some(values: list[int]) -> str:
    """The first of several numbers, and whether there are others."""
    return ", ".join(map(str, values[:5])) + (" and others" if len(values) > 5 else "")
