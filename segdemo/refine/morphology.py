"""Erosion, dilation, opening and closing of label maps, and the removal of small regions and holes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar, get_args

import cv2
import numpy as np
import numpy.typing as npt

from segdemo.errors import SegdemoError
from segdemo.refine.contest import Contest
from segdemo.refine.neighbourhood import blocks, closed, gathered
from segdemo.refine.regions import holes_to_fill, small_regions
from segdemo.threads import in_threads, shares, spans, workers

Operation = Literal["none", "erode", "dilate", "open", "close"]
Shape = Literal["ellipse", "square", "cross"]
LabelMap = TypeVar("LabelMap", bound=npt.NDArray[np.integer])
Compact = npt.NDArray[np.uint8] | npt.NDArray[np.uint16]
Mask = npt.NDArray[np.uint8]
Values = TypeVar("Values", bound=npt.NDArray[np.generic])

_ELEMENTS = {"ellipse": cv2.MORPH_ELLIPSE, "square": cv2.MORPH_RECT, "cross": cv2.MORPH_CROSS}
_LARGEST_KERNEL = 101
_BAND_PIXELS = 1_000_000
"""A band of rows that is worked on in one go has about so many pixels, unless the kernel is large."""


@dataclass(frozen=True)
class MorphologyOptions:
    """What to do to a label map; the defaults do nothing.

    ``size``: diameter of the kernel in pixels, odd, 1 to 101. ``classes``: indices of the classes it concerns, None for
    all. ``smallest_region``: connected regions of fewer pixels are removed; ``largest_hole``: holes of at most so many
    pixels are filled; 0 leaves them.
    """

    operation: Operation = "none"
    size: int = 3
    shape: Shape = "ellipse"
    classes: tuple[int, ...] | None = None
    smallest_region: int = 0
    largest_hole: int = 0

    def __post_init__(self) -> None:
        for name, value, allowed in (("operation", self.operation, Operation), ("shape", self.shape, Shape)):
            if value not in get_args(allowed):
                raise SegdemoError(f"The morphology's {name} is one of {', '.join(get_args(allowed))}, not {value}.")
        if self.size % 2 == 0 or not 1 <= self.size <= _LARGEST_KERNEL:
            raise SegdemoError(f"The kernel's size is {self.size}: choose an odd number from 1 to {_LARGEST_KERNEL}.")
        if self.smallest_region < 0 or self.largest_hole < 0:
            raise SegdemoError("The smallest region and the largest hole are numbers of pixels: choose 0 or more.")

    @property
    def active(self) -> bool:
        """Whether they can change anything."""
        kernel = self.operation != "none" and self.size > 1
        return (kernel or self.smallest_region > 1 or self.largest_hole > 0) and self.classes != ()


def morphology(
    labels: LabelMap,
    options: MorphologyOptions,
    *,
    probabilities: npt.NDArray[np.floating] | None = None,
    classes: Sequence[int] | npt.NDArray[np.integer] | None = None,
) -> LabelMap:
    """A label map after the kernel operation, then the removal of small regions, then the filling of holes.

    ``labels``: integers (H, W). ``probabilities``: (L, H, W) from 0 to 1, float16, float32 or float64, of the L classes
    whose indices ``classes`` names, by default 0 to L - 1; a class that is not among them counts as less probable than
    any. Returns a new map of the same type.

    **Kernel operation.** It is applied to the mask of every chosen class on its own: what lies outside the photo
    belongs to no mask, and erodes none.
    Dilation and closing claim pixels: a pixel of a class that is not chosen goes to the most probable of the chosen
    classes whose new mask contains it; a pixel of a chosen class only to one that is more probable there than its own.
    Erosion and opening release pixels: one that is no longer in its class's mask takes, of the other classes with
    a surviving pixel within the kernel around it, the most probable; where there is none, the label of the nearest
    surviving pixel, its own class's included (5 x 5 chamfer distance). A pixel survives if it is not released.
    So eroding one class is its binary erosion, and eroding all of them leaves straight boundaries where they were.
    Without probabilities, and in ties, a pixel keeps its label if it may, and else the smallest label wins.

    **Small regions.** 8-connected regions of a chosen class with fewer than ``smallest_region`` pixels are released,
    all at once, with the same kernel.

    **Holes.** A hole of a class is a 4-connected region of all other pixels that does not touch the photo's border.
    Those of a chosen class with at most ``largest_hole`` pixels take its label; of nested ones the outermost decides.

    When nothing would survive, nothing changes.
    """
    check(labels, probabilities, classes)
    values, compact = compacted(labels)
    chosen = np.ones(len(values), bool) if options.classes is None else np.isin(values, options.classes)
    result = refine(compact, chosen, options, probability_rows(values, probabilities, classes))
    return translated(result, values.astype(labels.dtype))  # type: ignore[return-value]


def translated(compact: npt.NDArray[np.integer], values: Values) -> Values:
    """``values[compact]``, on all cores."""
    result = np.empty(compact.shape, values.dtype)

    def translate(part: slice) -> None:
        values.take(compact[part], out=result[part], mode="clip")

    in_threads(translate, shares(len(compact)))
    return result  # type: ignore[return-value]


def kernel_element(options: MorphologyOptions) -> Mask:
    """The kernel's pixels, uint8 (size, size), as OpenCV draws its ellipses, rectangles and crosses."""
    element: Mask = np.asarray(
        cv2.getStructuringElement(_ELEMENTS[options.shape], (options.size, options.size)), np.uint8
    )
    return element


def refine(
    compact: Compact,
    chosen: npt.NDArray[np.bool_],
    options: MorphologyOptions,
    rows: list[npt.NDArray[np.floating] | None],
) -> Compact:
    """A compact map (H, W) as `morphology` says; ``chosen`` and ``rows`` have an entry for each of its labels."""
    if not options.active or not chosen.any():
        return compact
    element = kernel_element(options)
    if options.operation in ("dilate", "close") and options.size > 1:
        compact = _claim(compact, chosen, options.operation, element, rows)
    elif options.operation in ("erode", "open") and options.size > 1:
        lost = _released(compact, chosen, options.operation, element)
        compact = _reassign(compact, lost, element, rows)
    if options.smallest_region > 1:
        compact = _reassign(compact, small_regions(compact, chosen, options.smallest_region), element, rows)
    if options.largest_hole > 0:
        compact = holes_to_fill(compact, chosen, options.largest_hole)
    return compact


def _claim(
    compact: Compact,
    chosen: npt.NDArray[np.bool_],
    operation: Operation,
    element: Mask,
    rows: list[npt.NDArray[np.floating] | None],
) -> Compact:
    """Dilate or close the chosen classes; see `morphology`."""
    result = compact.copy()
    reach = len(element) // 2 * (2 if operation == "close" else 1)

    def claim(part: slice) -> None:
        around = _Around(compact, part, reach)
        offers = []
        for block in blocks(len(rows), compact):
            masks = block.sets(around.labels)
            grown = closed(masks, element) if operation == "close" else gathered(masks, element)
            offers.append((block, around.inner(grown) & block.members(chosen) & ~around.inner(masks)))
        contest = Contest(compact, part, offers, rows)
        contest.defend(chosen)
        contest.decide()
        result[part].ravel()[contest.places] = contest.best

    in_threads(claim, _bands(compact, reach))
    return result


def _released(compact: Compact, chosen: npt.NDArray[np.bool_], operation: Operation, element: Mask) -> Mask:
    """Which pixels of the chosen classes erosion or opening takes from them: uint8 (H, W)."""
    lost = np.zeros(compact.shape, np.uint8)
    reach = len(element) // 2 * (2 if operation == "open" else 1)

    def release(part: slice) -> None:
        around = _Around(compact, part, reach)
        kept = np.ones(around.labels.shape, bool)
        for block in blocks(len(chosen), compact):
            own = block.sets(around.labels)
            kept &= gathered(own, element) == own
        if operation == "open":
            survivors = kept
            kept = np.zeros(kept.shape, bool)
            for block in blocks(len(chosen), compact):
                own = block.sets(around.labels)
                kept |= (gathered(own * survivors, element) & own) != 0
        lost[part] = ~around.inner(kept) & chosen[compact[part]]

    in_threads(release, _bands(compact, reach))
    return lost


def _reassign(compact: Compact, lost: Mask, element: Mask, rows: list[npt.NDArray[np.floating] | None]) -> Compact:
    """Give the lost pixels new labels; see `morphology`."""
    if not 0 < np.count_nonzero(lost) < lost.size:
        return compact
    result = compact.copy()
    alone = lost.copy()

    def reassign(part: slice) -> None:
        around = _Around(compact, part, len(element) // 2)
        remains = around.of(lost) == 0
        offers = []
        for block in blocks(len(rows), compact):
            own = block.sets(around.labels)
            near = around.inner(gathered(own * remains, element))
            offers.append((block, near * lost[part] & ~around.inner(own)))
        contest = Contest(compact, part, offers, rows)
        contest.decide()
        result[part].ravel()[contest.places] = contest.best
        alone[part].ravel()[contest.places] = 0

    in_threads(reassign, _bands(compact, len(element) // 2))
    _take_nearest(compact, lost, alone, result, near=max(48, 3 * len(element)))
    return result


def _take_nearest(compact: Compact, lost: Mask, alone: Mask, result: Compact, *, near: int) -> None:
    """Write the label of the nearest pixel that is not lost where ``alone`` is not 0, into ``result``.

    Parts of the map are looked at with ``near`` rows around them, and only if that does not do the whole map at once.
    """

    def take(part: slice, reach: int) -> None:
        around = _Around(compact, part, reach)
        if not alone[part].any():
            return
        gone = np.ascontiguousarray(around.of(lost))
        distance, nearest = cv2.distanceTransformWithLabels(gone, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
        survives = gone == 0
        label_of = np.empty(np.count_nonzero(survives) + 1, compact.dtype)
        label_of[nearest[survives]] = around.labels[survives]
        # What lies farther away than the rows that were looked at may be nearer than what was found in them.
        places = np.flatnonzero(alone[part] * (around.inner(distance) <= reach))
        result[part].ravel()[places] = label_of[around.inner(nearest).ravel()[places]]
        alone[part].ravel()[places] = 0

    in_threads(lambda part: take(part, near), shares(len(compact)))
    take(slice(0, len(compact)), max(compact.shape) * 2)


def _bands(compact: Compact, reach: int) -> list[slice]:
    """The map's rows in parts: one for each worker, or more of a large map, so that it can be stopped in between.

    What a part looks at beyond its own rows, ``reach`` above and below, stays the smaller part of the work.
    """
    height, width = compact.shape
    rows = max(_BAND_PIXELS // width, 6 * reach, 1)
    rounds = max(1, round(height / (rows * workers())))
    return spans(height, -(-height // (rounds * workers())))


class _Around:
    """A part of a map's rows with what lies within ``reach`` above and below it."""

    def __init__(self, compact: Compact, part: slice, reach: int) -> None:
        self._outer = slice(max(0, part.start - reach), min(len(compact), part.stop + reach))
        self._inner = slice(part.start - self._outer.start, part.stop - self._outer.start)
        self.labels = self.of(compact)

    def of(self, values: Values) -> Values:
        """The rows of an array of the map's height."""
        return values[self._outer]  # type: ignore[return-value]

    def inner(self, values: Values) -> Values:
        """The part's own rows of an array of the height that ``of`` gives."""
        return values[self._inner]  # type: ignore[return-value]


def compacted(labels: npt.NDArray[np.integer]) -> tuple[npt.NDArray[np.int64], Compact]:
    """The labels that occur, ascending, and the map of their places in that list, in as few bits as possible."""
    low, high = int(labels.min()), int(labels.max())
    if high - low < 1 << 16:
        shifted = labels - low if low else labels
        values = np.flatnonzero(np.bincount(shifted.ravel())).astype(np.int64)
        table: Compact = np.zeros(high - low + 1, np.uint8)
        if len(values) > 1 << 8:
            table = table.astype(np.uint16)
        table[values] = np.arange(len(values))
        return values + low, translated(shifted, table)
    found, places = np.unique(labels, return_inverse=True)
    if len(found) > 1 << 16:
        raise SegdemoError(f"The map has {len(found)} different labels: morphology works on 65,536 at most.")
    kind = np.uint8 if len(found) <= 1 << 8 else np.uint16
    return found.astype(np.int64), places.reshape(labels.shape).astype(kind)


def probability_rows(
    values: npt.NDArray[np.int64],
    probabilities: npt.NDArray[np.floating] | None,
    classes: Sequence[int] | npt.NDArray[np.integer] | None,
) -> list[npt.NDArray[np.floating] | None]:
    """For each value its class's probabilities (H, W), or None."""
    if probabilities is None:
        return [None] * len(values)
    named = range(len(probabilities)) if classes is None else np.asarray(classes).tolist()
    row_of = dict(zip(named, probabilities, strict=True))
    return [row_of.get(int(value)) for value in values]


def check(
    labels: npt.NDArray[np.integer],
    probabilities: npt.NDArray[np.floating] | None,
    classes: Sequence[int] | npt.NDArray[np.integer] | None,
) -> None:
    """Raise SegdemoError for arrays that do not fit each other."""
    if labels.ndim != 2 or labels.size == 0 or labels.dtype.kind not in "iu":
        raise SegdemoError(f"Morphology needs a map of integers (H, W), not {labels.dtype} {labels.shape}.")
    if probabilities is None:
        return
    if probabilities.ndim != 3 or probabilities.shape[1:] != labels.shape:
        raise SegdemoError(f"Probabilities are {probabilities.shape}: give (L, H, W) for a map of {labels.shape}.")
    if classes is not None and len(classes) != len(probabilities):
        raise SegdemoError(f"There are {len(probabilities)} maps of probabilities and {len(classes)} class indices.")
