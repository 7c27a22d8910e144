"""Panoptic: segments under the visitor's thresholds, coloured within their class's hue, with the table of them."""

from collections import Counter
from typing import Any

import numpy as np

from segdemo.refine import refine_panoptic
from segdemo.results.outputs import segment_colors
from segdemo.segmentation import Segments, instances
from segdemo.segmentation import panoptic as panoptic_segments
from segdemo.settings import MASK_THRESHOLD, OVERLAP_THRESHOLD, SCORE_THRESHOLD
from segdemo.ui.arguments import Arguments, flag, number
from segdemo.ui.packing import pack
from segdemo.ui.store import Record
from segdemo.ui.tabs.refinement import change_rows, refine_options, scaled


def panoptic(record: Record, arguments: Arguments) -> dict[str, Any]:
    """The id map at the picture's size and the segments, largest first; a sentence where there are none."""
    parameters = thresholds(arguments)
    found = segments(record, arguments, size=record.display_size)
    options = scaled(refine_options(arguments), record.display_size[1] / record.image.shape[1])
    result, refined = found, None
    if options.active:
        refined = refine_panoptic(found.ids, found.segments_info, options)
        result = Segments(refined.ids, tuple(refined.segments_info))
    answer: dict[str, Any] = {
        "map": pack(result.ids.astype(np.uint16)),
        "segments": segment_rows(record, result),
        "parameters": parameters,
        "empty": "" if result.segments_info else _why_empty(arguments),
    }
    if refined is not None:
        categories = {segment.id: segment.category_id for segment in found.segments_info}
        answer["before"] = pack(found.ids.astype(np.uint16))
        answer["mask"] = pack(refined.difference.mask.astype(np.uint8))
        answer["refined"] = {
            "changed": refined.difference.changed_percent / 100,
            "byClass": change_rows(refined.difference, record.taxonomy, categories),
            "seconds": refined.seconds,
            "grid": 1,
            "truth": None,
        }
    return answer


def segments(record: Record, arguments: Arguments, *, size: tuple[int, int] | None = None) -> Segments:
    """The segments that the arguments ask for, at ``size`` (height, width) or the photo's own."""
    compute = instances if flag(arguments, "things_only") else panoptic_segments
    return compute(
        record.prediction,
        **thresholds(arguments),
        stuff=record.taxonomy.stuff,
        split_components=flag(arguments, "split"),
        size=size,
    )


def thresholds(arguments: Arguments) -> dict[str, Any]:
    """The three thresholds, each 0 to 1, with the library's defaults."""
    return {
        name: number(arguments, name, low=0, high=1, default=default)
        for name, default in (
            ("score_threshold", SCORE_THRESHOLD),
            ("mask_threshold", MASK_THRESHOLD),
            ("overlap_threshold", OVERLAP_THRESHOLD),
        )
    }


def segment_rows(record: Record, result: Segments) -> list[dict[str, Any]]:
    """What the table and the canvas know of each segment; several of one class are numbered."""
    colors = segment_colors(result.segments_info, record.taxonomy)
    ordered = sorted(result.segments_info, key=lambda segment: -segment.area)
    several = Counter(segment.category_id for segment in ordered)
    seen: Counter[int] = Counter()
    rows = []
    for segment in ordered:
        seen[segment.category_id] += 1
        label = record.taxonomy[segment.category_id].name
        rows.append(
            {
                "id": segment.id,
                "category_id": segment.category_id,
                "classId": segment.category_id,
                "label": label,
                "name": f"{label} {seen[segment.category_id]}" if several[segment.category_id] > 1 else label,
                "color": list(colors[segment.id]),
                "isthing": segment.isthing,
                "area": segment.area / result.ids.size,
                "score": segment.score,
                "queries": list(segment.queries),
            }
        )
    return rows


def _why_empty(arguments: Arguments) -> str:
    score = number(arguments, "score_threshold", low=0, high=1, default=SCORE_THRESHOLD)
    kind = "thing" if flag(arguments, "things_only") else "segment"
    return (
        f"No {kind} is left: no query scored above {score:.2f} and kept enough of its mask. "
        "Lower the thresholds to see more."
    )
