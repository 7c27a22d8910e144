"""Why was this not segmented: the candidates that the panoptic thresholds dropped, with what would bring them back."""

from typing import Any

from segdemo.results.job import Job
from segdemo.segmentation import dropped as dropped_queries
from segdemo.ui.arguments import Arguments
from segdemo.ui.options import page_options
from segdemo.ui.store import Record
from segdemo.ui.tabs.result import class_entry, small_size, things_only


def dropped(record: Record, arguments: Arguments, job: Job) -> dict[str, Any]:
    """The dropped candidates under the visitor's thresholds, the highest score first."""
    options = page_options(arguments, record.taxonomy, task="panoptic", things_only=things_only(record))
    with job.turn():
        found = dropped_queries(
            record.prediction,
            score_threshold=options.score_threshold,
            mask_threshold=options.mask_threshold,
            overlap_threshold=options.overlap_threshold,
            things_only=options.task == "instance",
            stuff=record.taxonomy.stuff,
            size=small_size(record),
        )
    return {
        "dropped": [
            {
                **class_entry(record.taxonomy, entry.category_id),
                "query": entry.query,
                "score": entry.score,
                "reason": entry.reason,
                "value": entry.value,
                "remedy": entry.remedy,
            }
            for entry in found
        ]
    }
