"""Thumbnails: the mask of every query, small, for the card of a pixel and for lists of queries."""

from typing import Any

from segdemo.explain import query_thumbnails
from segdemo.packing import pack, to_bytes
from segdemo.results.job import Job
from segdemo.ui.arguments import Arguments
from segdemo.ui.store import Record

SIDE = 80
"""Length of a thumbnail's long side, in pixels."""


def masks(record: Record, _: Arguments, job: Job) -> dict[str, Any]:
    """Mask probabilities of every query in the last layer: bytes (Q, h, w), computed once."""

    def make() -> dict[str, Any]:
        height, width = record.display_size
        share = min(1.0, SIDE / max(height, width))
        size = (max(1, round(height * share)), max(1, round(width * share)))
        return {"masks": pack(to_bytes(query_thumbnails(record.prediction, size=size)))}

    with job.turn():
        return record.derive("thumbnails", make)
