"""Why this pixel: the most probable classes at a point of the photo and the queries that voted for them."""

from typing import Any

from segdemo.explain import explain_pixel
from segdemo.results.job import Job
from segdemo.ui.arguments import Arguments, number
from segdemo.ui.store import Record
from segdemo.ui.tabs.result import class_entry


def pixel(record: Record, arguments: Arguments, job: Job) -> dict[str, Any]:
    """Explain the pixel at ``x``, ``y`` (0 to 1 from the left and the top)."""
    height, width = record.prediction.image_size
    column = min(width - 1, int(number(arguments, "x", low=0, high=1) * width))
    row = min(height - 1, int(number(arguments, "y", low=0, high=1) * height))
    found = explain_pixel(record.prediction, row, column)
    return {
        "x": column,
        "y": row,
        "margin": found.margin,
        "entropy": found.entropy,
        "noVotes": found.no_votes,
        "classes": [
            {
                **class_entry(record.taxonomy, entry.category_id),
                "probability": entry.probability,
                "score": entry.score,
                "votes": [{"query": vote.query, "share": vote.share} for vote in entry.votes[:3] if vote.share >= 0.01],
            }
            for entry in found.classes
        ],
    }
