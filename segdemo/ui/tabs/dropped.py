"""Why was this not segmented: the candidates that the panoptic thresholds dropped, with what would bring them back."""

from typing import Any

from segdemo.segmentation import dropped as dropped_queries
from segdemo.ui.arguments import Arguments, flag
from segdemo.ui.store import Record
from segdemo.ui.tabs.panoptic import thresholds
from segdemo.ui.tabs.result import class_entry, small_size


def dropped(record: Record, arguments: Arguments) -> dict[str, Any]:
    """The dropped candidates under the visitor's thresholds, the highest score first."""
    found = dropped_queries(
        record.prediction,
        **thresholds(arguments),
        things_only=flag(arguments, "things_only"),
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
