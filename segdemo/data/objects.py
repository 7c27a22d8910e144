"""Labels as outlines of objects; what is in none of them is of none of the classes."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from segdemo.data.listing import Listing, Picture, Truth, View
from segdemo.data.outlines import Outline, Runs, inside, paint, runs
from segdemo.data.samples import MOST_SEGMENTS
from segdemo.errors import MissingExtraError, SegdemoError
from segdemo.labels import VOID
from segdemo.prediction import Size


@dataclass(frozen=True, slots=True)
class Object:
    """An object as its file has it, kept small."""

    id: Any
    """What its file calls it."""
    category: int
    """Index of its class."""
    outline: Outline
    crowd: bool = False


class Objects(Listing):
    """Pictures whose labels are outlines."""

    @property
    def knows_rest(self) -> bool:
        """See ``Listing``: what is in no outline is of no class."""
        return True

    @abstractmethod
    def objects(self, picture: Picture, size: Size) -> Sequence[Object]:
        """The picture's objects; raises ``SegdemoError`` where they cannot be read for that size."""

    @abstractmethod
    def called(self, picture: Picture, item: Object) -> str:
        """What a sentence about an object begins with: its file, and which one it is."""

    def truth(self, picture: Picture, size: Size, view: View) -> Truth:
        """Paint the picture's objects: groups, then the others, largest first, so that smaller ones are in front."""
        masks: list[tuple[bool, int, int, Runs, Object]] = []
        for item in self.objects(picture, size):
            try:
                counts = runs(item.outline, size)
            except MissingExtraError:
                raise
            except SegdemoError as error:
                raise SegdemoError(f"{self.called(picture, item)} {error}.") from error
            masks.append((not item.crowd, -inside(counts), len(masks), counts, item))
        if len(masks) >= MOST_SEGMENTS:
            raise SegdemoError(f"{self.where}: {picture.name} has more than {MOST_SEGMENTS} objects.")
        return _painted(
            [(counts, item) for _, _, _, counts, item in sorted(masks, key=lambda mask: mask[:3])], size, view
        )


def _painted(masks: Sequence[tuple[Runs, Object]], size: Size, view: View) -> Truth:
    """Segments of the masks in their order, each over those before it; classes the view does not have are void."""
    known = view.rest != VOID
    segments = np.full(size, int(known), np.uint16)
    classes = [view.rest] if known else []
    crowds = [False] * len(classes)
    for counts, item in masks:
        index = int(view.table[item.category])
        if index != VOID:
            classes.append(index)
            crowds.append(item.crowd)
        paint(segments, counts, len(classes) if index != VOID else 0)
    return compact(segments, classes, crowds)


def compact(segments: npt.NDArray[np.uint16], classes: Sequence[int], crowds: Sequence[bool]) -> Truth:
    """Drop the segments that nothing is left of and renumber the others."""
    present = np.unique(segments)
    present = present[present > 0].astype(np.int64)
    table = np.zeros(len(classes) + 1, np.uint16)
    table[present] = np.arange(1, len(present) + 1)
    crowd = np.asarray(crowds, bool)[present - 1]
    return Truth(table[segments], np.asarray(classes, np.int64)[present - 1], crowd if crowd.any() else None)
