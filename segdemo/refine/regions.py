"""Connected regions of label maps: which are too small, and which are holes."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from segdemo.refine.threads import in_threads

Compact = npt.NDArray[np.uint8] | npt.NDArray[np.uint16]
Mask = npt.NDArray[np.uint8]


def small_regions(compact: Compact, chosen: npt.NDArray[np.bool_], smallest: int) -> Mask:
    """Pixels of 8-connected regions of the chosen labels with fewer than ``smallest`` pixels: uint8 (H, W), 0 or 1.

    ``compact``: labels from 0 up, (H, W). ``chosen``: (labels,), which of them count.
    """
    result = np.zeros(compact.shape, np.uint8)

    def find(index: int) -> tuple[tuple[slice, slice], npt.NDArray[np.bool_]] | None:
        window, mask = _window(np.equal(compact, index).view(np.uint8))
        if mask.size == 0:
            return None
        _, regions, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8, ltype=cv2.CV_32S)
        small = stats[:, cv2.CC_STAT_AREA] < smallest
        small[0] = False
        return (window, small[regions]) if small.any() else None

    for found in in_threads(find, np.flatnonzero(chosen).tolist()):
        if found is not None:
            result[found[0]] |= found[1]
    return result


def holes_to_fill(compact: Compact, chosen: npt.NDArray[np.bool_], largest: int) -> Compact:
    """The map with the holes of the chosen labels filled that have at most ``largest`` pixels.

    A hole of a label is a 4-connected region of the other pixels that does not touch the border of the map. Where holes
    of several labels contain a pixel, the largest decides.
    """

    def find(index: int) -> list[tuple[int, int, tuple[slice, slice], npt.NDArray[np.bool_]]]:
        (rows, columns), mask = _window(np.equal(compact, index).view(np.uint8))
        if mask.size == 0:
            return []
        # Outside the label's bounding box nothing is a hole, so what touches the box's border is not one either.
        count, regions, stats, _ = cv2.connectedComponentsWithStats(1 - mask, connectivity=4, ltype=cv2.CV_32S)
        height, width = mask.shape
        holes = []
        for region in range(1, count):
            x, y, w, h, area = stats[region].tolist()
            if area > largest or x == 0 or y == 0 or x + w == width or y + h == height:
                continue
            place = (slice(rows.start + y, rows.start + y + h), slice(columns.start + x, columns.start + x + w))
            holes.append((area, index, place, regions[y : y + h, x : x + w] == region))
        return holes

    found = [hole for holes in in_threads(find, np.flatnonzero(chosen).tolist()) for hole in holes]
    result = compact.copy()
    for _, index, place, hole in sorted(found, key=lambda item: item[0]):
        result[place][hole] = index
    return result


def _window(mask: Mask) -> tuple[tuple[slice, slice], Mask]:
    """The bounding box of a mask, and the mask in it."""
    x, y, width, height = cv2.boundingRect(mask)
    window = (slice(y, y + height), slice(x, x + width))
    return window, np.ascontiguousarray(mask[window])
