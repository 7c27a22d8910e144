"""Connected parts of segments, for networks that put all objects of a class into one mask."""

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

Int32 = npt.NDArray[np.int32]


def split_map(ids: Int32, which: Sequence[int], *, number: int) -> tuple[Int32, list[int]]:
    """Give every 8-connected part of the segments ``which`` an id of its own.

    ``ids`` (H, W) holds segments 1 to ``number`` and 0 = none. Returns the new map, ids consecutive from 1, and the old
    id of each new one, in order; the parts of a segment stay together, the largest first.
    """
    from scipy import ndimage

    out = np.zeros_like(ids)
    parents: list[int] = []
    boxes = ndimage.find_objects(ids, max_label=number)
    chosen = set(which)
    for old, box in enumerate(boxes, start=1):
        if box is None:
            parents.append(old)
            continue
        inside = ids[box] == old
        if old not in chosen:
            parents.append(old)
            out[box][inside] = len(parents)
            continue
        count, parts = cv2.connectedComponents(inside.astype(np.uint8), connectivity=8, ltype=cv2.CV_32S)
        areas = np.bincount(parts.ravel(), minlength=count)[1:]
        lookup = np.zeros(count, np.int32)
        lookup[1 + np.argsort(-areas, kind="stable")] = len(parents) + 1 + np.arange(count - 1)
        out[box][inside] = lookup[parts[inside]]
        parents.extend([old] * (count - 1))
    return out, parents
