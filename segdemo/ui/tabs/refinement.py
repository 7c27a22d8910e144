"""Refinement: the visitor's sliders applied to the semantic map, and what they changed."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from segdemo.packing import pack
from segdemo.refine import Difference, Refined
from segdemo.results.job import Job
from segdemo.results.make import Result, make_result, reduced
from segdemo.segmentation import SemanticMap, present_classes
from segdemo.taxonomy import Taxonomy
from segdemo.ui.arguments import Arguments
from segdemo.ui.options import page_options
from segdemo.ui.store import Record
from segdemo.ui.tabs.result import class_entry
from segdemo.ui.tabs.truth import ground_truth, scores


def refine(record: Record, arguments: Arguments, job: Job) -> dict[str, Any]:
    """The refined semantic map at the picture's size, quickly: what a moving slider shows.

    Where that is not yet what a download holds, the answer says so: ``quick``.
    """
    return _answer(record, _refined(record, arguments, job, quick=True))


def refine_exactly(record: Record, arguments: Arguments, job: Job) -> dict[str, Any]:
    """The map that a download holds, brought to the picture's size, with its scores where the truth is known."""
    result = _refined(record, arguments, job, quick=False)
    return {**_answer(record, result), "truth": _against_truth(record, result)}


def judge(record: Record, arguments: Arguments, job: Job) -> dict[str, Any]:
    """The refined map's scores against the ground truth; on its own, since they take longer than the refinement."""
    return {"truth": _against_truth(record, _refined(record, arguments, job, quick=True))}


def change_rows(
    changes: Difference, taxonomy: Taxonomy, categories: Mapping[int, int] | None = None
) -> list[dict[str, Any]]:
    """Net change of each class as a share of the photo, the largest first.

    ``categories`` are the classes of the labels; without, they are classes already. Labels of no class are left out.
    """
    shares: dict[int, float] = {}
    known = {entry.index: entry.index for entry in taxonomy.classes} if categories is None else categories
    for label, change in changes.by_class.items():
        if label in known:
            index = known[label]
            shares[index] = shares.get(index, 0.0) + (change.after - change.before) / changes.mask.size
    ordered = sorted(shares.items(), key=lambda item: -abs(item[1]))
    return [{**class_entry(taxonomy, index), "share": share} for index, share in ordered if share]


def _refined(record: Record, arguments: Arguments, job: Job, *, quick: bool) -> Result:
    options = page_options(arguments, record.taxonomy, task="semantic")
    return make_result(job, record.source, options, preview=record.display_size if quick else None)


def _answer(record: Record, result: Result) -> dict[str, Any]:
    assert isinstance(result.after, SemanticMap)
    labels, before = (reduced(values, record.display_size) for values in (result.labels, result.labels_before))
    change = result.change
    coarser = record.image.shape[1] / result.labels.shape[1]
    return {
        "map": pack(labels),
        "mask": pack((labels != before).astype(np.uint8)),
        "entries": [
            {**class_entry(record.taxonomy, entry.category_id), "area": entry.share, "score": entry.score}
            for entry in present_classes(record.prediction, result.after)
        ],
        "changed": change.changed_percent / 100 if change else 0.0,
        "byClass": change_rows(change.difference, record.taxonomy) if change else [],
        "seconds": change.seconds if change else 0.0,
        "grid": round(coarser * (change.grid_factor if isinstance(change, Refined) else 1), 2),
        "parameters": change.parameters if change else {},
        "quick": result.quick,
        "truth": None,
    }


def _against_truth(record: Record, result: Result) -> dict[str, Any] | None:
    """Scores before and after, where the truth is known."""
    truth = record.derive("truth", lambda: ground_truth(record))
    if truth is None:
        return None
    count = len(record.taxonomy)
    before, after = (reduced(values, record.display_size) for values in (result.labels_before, result.labels))
    return {
        "before": record.derive("truth before", lambda: scores(before, truth, count)),
        "after": scores(after, truth, count),
    }
