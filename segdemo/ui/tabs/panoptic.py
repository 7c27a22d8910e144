"""Panoptic: segments under the visitor's thresholds, coloured within their class's hue, with the table of them."""

from collections import Counter
from typing import Any

import numpy as np

from segdemo.results.job import Job
from segdemo.results.make import Result, make_result, reduced
from segdemo.results.outputs import segment_colors
from segdemo.segmentation import Segments
from segdemo.ui.arguments import Arguments
from segdemo.ui.options import page_options
from segdemo.ui.packing import pack
from segdemo.ui.store import Record
from segdemo.ui.tabs.refinement import change_rows


def panoptic(record: Record, arguments: Arguments, job: Job) -> dict[str, Any]:
    """The id map at the picture's size and the segments, largest first; a sentence where there are none.

    Where that is not yet what a download holds, the answer says so: ``quick``.
    """
    options = page_options(arguments, record.taxonomy, task="panoptic")
    return _answer(record, make_result(job, record.source, options, preview=record.display_size))


def panoptic_exactly(record: Record, arguments: Arguments, job: Job) -> dict[str, Any]:
    """The segments that a download holds, brought to the picture's size."""
    options = page_options(arguments, record.taxonomy, task="panoptic")
    return _answer(record, make_result(job, record.source, options))


def _answer(record: Record, result: Result) -> dict[str, Any]:
    before, found = result.before, result.after
    assert isinstance(before, Segments)
    assert isinstance(found, Segments)
    ids, ids_before = (reduced(values, record.display_size) for values in (found.ids, before.ids))
    answer: dict[str, Any] = {
        "map": pack(ids),
        "segments": segment_rows(record, found),
        "parameters": result.options.parameters(),
        "empty": "" if found.segments_info else _why_empty(result),
        "quick": result.quick,
    }
    if result.change is not None:
        categories = {segment.id: segment.category_id for segment in before.segments_info}
        answer["before"] = pack(ids_before)
        answer["beforeSegments"] = segment_rows(record, before)
        answer["mask"] = pack((ids != ids_before).astype(np.uint8))
        answer["refined"] = {
            "changed": result.change.changed_percent / 100,
            "byClass": change_rows(result.change.difference, record.taxonomy, categories),
            "seconds": result.change.seconds,
            "grid": round(record.image.shape[1] / found.ids.shape[1], 2),
            "truth": None,
        }
    return answer


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


def _why_empty(result: Result) -> str:
    kind = "thing" if result.options.task == "instance" else "segment"
    return (
        f"No {kind} is left: no query scored above {result.options.score_threshold:.2f} and kept enough of its mask. "
        "Lower the thresholds to see more."
    )
