"""Panoptic: segments under the visitor's thresholds, coloured within their class's hue, with the table of them."""

from typing import Any

import cv2
import numpy as np

from segdemo.packing import pack
from segdemo.prediction import Size
from segdemo.results.entries import segment_entries
from segdemo.results.job import Job
from segdemo.results.make import Result, make_result, reduced
from segdemo.segmentation import Instances, Mask, Segments
from segdemo.ui.arguments import Arguments
from segdemo.ui.options import page_options
from segdemo.ui.store import Record
from segdemo.ui.tabs.refinement import change_rows
from segdemo.ui.tabs.result import things_only


def panoptic(record: Record, arguments: Arguments, job: Job) -> dict[str, Any]:
    """The id map at the picture's size and the segments, largest first; a sentence where there are none.

    Where that is not yet what a download holds, the answer says so: ``quick``.
    """
    options = page_options(arguments, record.taxonomy, task="panoptic", things_only=things_only(record))
    return _answer(record, make_result(job, record.source, options, preview=record.display_size))


def panoptic_exactly(record: Record, arguments: Arguments, job: Job) -> dict[str, Any]:
    """The segments that a download holds, brought to the picture's size."""
    options = page_options(arguments, record.taxonomy, task="panoptic", things_only=things_only(record))
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
        "overlapping": isinstance(found, Instances),
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
    """What the table and the canvas know of each segment; several of one class are numbered.

    Segments by area, and with ``instances`` by score. An instance has the area of all of its mask, and where others lie
    on top of it the mask itself, at the picture's size: ``whole``.
    """
    rows = segment_entries(result, record.taxonomy)
    if isinstance(result, Instances):
        visible = {segment.id: segment.area for segment in result.segments_info}
        for row, instance in zip(rows, result.instances, strict=True):
            if visible.get(instance.id, 0) < instance.area:
                row["whole"] = _cut_out(instance.mask, record.display_size)
    return rows


def _cut_out(mask: Mask, size: Size) -> dict[str, Any]:
    """A mask at ``size`` (height, width), as its smallest rectangle: x, y, and the pixels."""
    whole = reduced(mask.array().astype(np.uint8), size).astype(np.uint8)
    x, y, width, height = cv2.boundingRect(whole)
    return {"x": x, "y": y, "mask": pack(whole[y : y + height, x : x + width])}


def _why_empty(result: Result) -> str:
    score = f"{100 * result.options.score_threshold:g} %"
    if result.options.task == "instance":
        return (
            f"No thing is left: no instance scored above {score}, its class probability times the mean probability of "
            "its mask. Lower the threshold to see more."
        )
    return (
        f"No segment is left: no query scored above {score} and kept enough of its mask. "
        "Lower the thresholds to see more."
    )
