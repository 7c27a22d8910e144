"""Morphology on panoptic segments: a segment that vanishes leaves the list, the others are measured anew."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import cv2
import numpy as np
import numpy.typing as npt

from segdemo.progress import rest_point
from segdemo.refine.morphology import Mask, MorphologyOptions, check, compacted, probability_rows, refine, translated

Info = TypeVar("Info")


def morphology_segments(
    ids: npt.NDArray[np.int32],
    segments_info: Sequence[Info],
    options: MorphologyOptions,
    *,
    probabilities: npt.NDArray[np.floating] | None = None,
    classes: Sequence[int] | npt.NDArray[np.integer] | None = None,
) -> tuple[npt.NDArray[np.int32], list[Info]]:
    """What `morphology` does to labels, done to segments: an id map int32 (H, W), 0 = none, and what its segments are.

    ``segments_info``: mappings or frozen dataclasses with ``id``, ``category_id``, ``area`` and perhaps ``bbox``.
    ``options.classes``, ``probabilities`` and ``classes`` speak of category ids; segments of one category are equally
    probable. Pixels without a segment can be claimed, never claim, and are less probable than any segment.
    Returns the new map and the segments that are left, in their order, with area and bbox (x, y, width, height) anew.
    """
    check(ids, probabilities, classes)
    values, compact = compacted(ids)
    category = {int(_field(info, "id")): int(_field(info, "category_id")) for info in segments_info}
    wanted = None if options.classes is None else set(options.classes)
    chosen = np.array([v in category and (wanted is None or category[v] in wanted) for v in values.tolist()], bool)
    categories = np.array([category.get(v, -1) for v in values.tolist()])
    result = refine(compact, chosen, options, probability_rows(categories, probabilities, classes))
    segments = []
    place = {int(v): i for i, v in enumerate(values)}
    for info in segments_info:
        rest_point()
        index = place.get(int(_field(info, "id")))
        mask = np.equal(result, index).view(np.uint8) if index is not None else None
        if mask is not None and mask.any():
            segments.append(_with_mask(info, mask))
    return translated(result, values.astype(np.int32)), segments


def _field(info: Any, name: str) -> Any:
    return info[name] if isinstance(info, Mapping) else getattr(info, name)


def _with_mask(info: Info, mask: Mask) -> Info:
    """The segment with the area and the box of its mask."""
    found: dict[str, Any] = {"area": int(np.count_nonzero(mask)), "bbox": tuple(cv2.boundingRect(mask))}
    if isinstance(info, Mapping):
        kept = found if "bbox" in info else {"area": found["area"]}
        return {**info, **kept}  # type: ignore[return-value]
    known = {field.name for field in dataclasses.fields(info)}  # type: ignore[arg-type]
    return dataclasses.replace(info, **{k: v for k, v in found.items() if k in known})  # type: ignore[type-var]
