"""Right, wrong or without a label, and what kind of error a wrong pixel is.

Every pixel has one kind of ``KINDS``; a pixel without a label in the truth is *ignored*, one whose predicted class is
its true class is *right* (also where the truth says that no class is there and none was predicted), all others are
wrong. *Regions* are 8-connected pixels of one class. A wrong pixel is the first of these that holds:

1. *missed object*: its true region is of a thing class, at most ``FOUND`` of the region's pixels got their class, and
   at most half of them were taken for things (else something was seen there, and called by another name);
2. *invented object*: its predicted region is of a thing class, at most ``FOUND`` of the labelled pixels of that region
   are of that class, at most half of them are of things;
3. *boundary*: its distance to a border between true classes is at most the width. The border lies between two labelled
   neighbours (4 neighbours) of different classes, so a pixel beside it is 0.5 away, and one further off 0.5 more than
   the distance between its centre and that of the nearest pixel beside a border. The edge of the picture and of what
   has no label is no border;
4. *inside*: every other one, a wrong class in the inside of a region.

Whole objects go first because a small one is next to nothing but border.
"""

from collections.abc import Collection
from typing import Literal, get_args

import cv2
import numpy as np
import numpy.typing as npt

from segdemo.evaluation.boundary import edges
from segdemo.evaluation.confusion import Labels
from segdemo.evaluation.regions import Regions, regions
from segdemo.labels import NOTHING, VOID

Kind = Literal["ignored", "right", "boundary", "missed", "invented", "inside"]
KINDS: tuple[Kind, ...] = get_args(Kind)
"""What the values of a map of kinds mean, by value."""
IGNORED, RIGHT, BOUNDARY, MISSED, INVENTED, INSIDE = range(len(KINDS))

WIDTH = 3.0
"""Pixels on either side of a true border that count as the boundary band."""
FOUND = 0.1
"""The share of a region's pixels up to which it counts as not found at all."""

UInt8 = npt.NDArray[np.uint8]
Float32 = npt.NDArray[np.float32]


def is_right(truth: Labels, predicted: Labels) -> npt.NDArray[np.bool_]:
    """Where a prediction is right: bool (H, W). Negative classes in ``predicted`` stand for none at all."""
    return np.asarray((truth == predicted) & (truth >= 0) | (truth == NOTHING) & (predicted < 0))


def border_distance(truth: Labels) -> Float32:
    """Distance of every pixel to the nearest border between true classes: float32 (H, W), infinite without any.

    In pixels, 0.5 for those beside it; see the module.
    """
    beside = edges(truth, truth != VOID)
    if not beside.any():
        return np.full(truth.shape, np.inf, np.float32)
    distance = cv2.distanceTransform((~beside).view(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return np.asarray(distance + np.float32(0.5), np.float32)


def error_kinds(
    truth: Labels,
    predicted: Labels,
    things: Collection[int],
    *,
    width: float = WIDTH,
    distance: Float32 | None = None,
    true_regions: Regions | None = None,
) -> UInt8:
    """The kind of every pixel: uint8 (H, W), indices into ``KINDS``.

    ``truth`` holds class indices, ``VOID`` for no label and ``NOTHING`` for no class; negative values of ``predicted``
    are no class; ``things`` are the countable classes. ``distance`` and ``true_regions`` are ``border_distance(truth)``
    and ``regions(truth)`` where they are at hand. Raises ``ValueError`` for different shapes.
    """
    if truth.shape != predicted.shape:
        raise ValueError(f"truth is {truth.shape} and prediction {predicted.shape}: they should be alike")
    labelled, right = truth != VOID, is_right(truth, predicted)
    wrong = labelled & ~right
    kinds = np.where(labelled, np.where(right, RIGHT, INSIDE), IGNORED).astype(np.uint8)
    kinds[wrong & ((border_distance(truth) if distance is None else distance) <= width)] = BOUNDARY
    predicted_things = np.isin(predicted, list(things))
    concerned = set(np.unique(predicted[wrong & predicted_things]).tolist())
    if concerned:
        found = regions(predicted, classes=concerned)
        invented = _not_there(found, labelled, right, np.isin(truth, list(things)))
        kinds[wrong & invented[found.ids]] = INVENTED
    concerned = set(np.unique(truth[wrong]).tolist()) & set(things)
    if concerned:
        found = true_regions if true_regions is not None else regions(truth, classes=concerned)
        missed = _not_there(found, labelled, right, predicted_things) & np.isin(found.classes, list(things))
        kinds[wrong & missed[found.ids]] = MISSED
    return kinds


def banded(kinds: UInt8, distance: Float32, width: float) -> UInt8:
    """The same kinds (H, W) with a boundary band of another width; ``distance`` is ``border_distance(truth)``."""
    inside = (kinds == INSIDE) | (kinds == BOUNDARY)
    result = kinds.copy()
    result[inside] = np.where(distance[inside] <= width, BOUNDARY, INSIDE)
    return result


def _not_there(
    found: Regions, labelled: npt.NDArray[np.bool_], right: npt.NDArray[np.bool_], other_things: npt.NDArray[np.bool_]
) -> npt.NDArray[np.bool_]:
    """Which regions the other map has next to nothing of, nor any other thing in most of their place."""
    counted = found.counted(labelled)
    result = (found.counted(right) <= FOUND * counted) & (found.counted(other_things & labelled) <= counted / 2)
    result[0] = False
    return np.asarray(result)


def counts(kinds: UInt8) -> npt.NDArray[np.int64]:
    """Pixels of each kind, in the order of ``KINDS``."""
    return np.bincount(kinds.ravel(), minlength=len(KINDS)).astype(np.int64)
