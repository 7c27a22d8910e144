"""What if: the map with parts of the decoder switched off, what changed, and which query changes most."""

from typing import Any

import numpy as np
import numpy.typing as npt

from segdemo.errors import SegdemoError
from segdemo.explain.what_if import (
    attention_of,
    attention_on,
    changed_share,
    class_changes,
    foretold,
    rank_queries,
    switched_off,
)
from segdemo.packing import pack
from segdemo.prediction import Prediction
from segdemo.results.job import Job
from segdemo.results.make import reduced
from segdemo.segmentation import layer_labels
from segdemo.ui.arguments import Arguments
from segdemo.ui.runs import predict_without
from segdemo.ui.store import Record
from segdemo.ui.tabs.result import class_entry, query_rows, small_size

Labels = npt.NDArray[np.integer[Any]]
REGIONS = 8
"""Regions that are compared by attention and effect at most, the largest and the most changed."""


def what_if(record: Record, arguments: Arguments, job: Job) -> dict[str, Any]:
    """The map without the ``queries``, ``heads`` (pairs of layer and head) and ``layers`` named, and what changed."""
    prediction = record.prediction
    prediction.require("decoder_features")
    off = off_parts(arguments)
    before = record.derive("what if", lambda: _map(record, predict_without(job, record.checkpoint, prediction)))
    found = predict_without(job, record.checkpoint, prediction, **off)
    with job.turn():
        after = _map(record, found)
        attention = attention_of(prediction, switched_off(prediction, **off))
        told = foretold(before, after, attention_on(prediction, attention, before))
    shown = sorted(told.regions, key=lambda region: -max(region.area, region.attention, region.effect))[:REGIONS]
    return {
        "map": pack(after.astype(np.uint16)),
        "changed": pack((before != after).astype(np.uint8)),
        "share": changed_share(before, after),
        "entries": [
            {**class_entry(record.taxonomy, int(index)), "area": float((after == index).mean())}
            for index in np.unique(after)
            if index >= 0
        ],
        "classes": [
            {
                **class_entry(record.taxonomy, change.category_id),
                "before": change.before,
                "after": change.after,
                "lost": change.lost,
                "gained": change.gained,
            }
            for change in class_changes(before, after)
            if change.category_id >= 0
        ],
        "regions": [
            {
                **class_entry(record.taxonomy, region.category_id),
                "area": region.area,
                "attention": region.attention,
                "changed": region.changed,
                "effect": region.effect,
            }
            for region in shown
            if region.category_id >= 0
        ],
        "byAttention": told.by_attention,
        "byArea": told.by_area,
        "seconds": found.seconds["decoder"],
    }


def ranking(record: Record, arguments: Arguments, job: Job) -> list[dict[str, Any]]:
    """Every query by what switching it off alone changes; followed by polls, and cancelled between two queries."""
    prediction = record.prediction
    prediction.require("decoder_features")
    size, count = small_size(record), prediction.num_queries

    def labels(*queries: int) -> Labels:
        found = predict_without(job, record.checkpoint, prediction, queries=queries)
        with job.turn():
            return layer_labels(found, -1, size=size)

    def rank() -> list[dict[str, Any]]:
        rows = {row.query: row for row in query_rows(record)}
        effects = rank_queries(
            range(count),
            labels,
            labels(),
            progress=lambda share: job.report(f"Switched off {round(share * count)} of {count} queries", share),
        )
        return [
            {
                **class_entry(record.taxonomy, rows[effect.query].category_id),
                "query": effect.query,
                "changed": effect.changed,
                "won": rows[effect.query].won,
            }
            for effect in effects
        ]

    job.report("Switching off one query after the other", 0.0)
    return record.derive("ranking", rank)


def _map(record: Record, prediction: Prediction) -> Labels:
    """The semantic map at the size that the browser shows; -1 where a pixel is of no class."""
    labels = layer_labels(prediction, -1)
    if labels.shape == record.display_size:
        return labels
    return reduced(labels, record.display_size).astype(np.int16)


def off_parts(arguments: Arguments) -> dict[str, Any]:
    """What is switched off: ``queries`` and ``layers`` by number, ``heads`` as pairs; raises ``SegdemoError``."""
    numbers = {name: _numbers(arguments, name) for name in ("queries", "layers")}
    return {**numbers, "heads": _pairs(arguments, "heads")}


def _numbers(arguments: Arguments, name: str) -> list[int]:
    values = arguments.get(name, [])
    if not isinstance(values, list) or not all(
        isinstance(value, int) and not isinstance(value, bool) for value in values
    ):
        raise SegdemoError(f"{name} must be a list of whole numbers.")
    return values


def _pairs(arguments: Arguments, name: str) -> list[tuple[int, int]]:
    values = arguments.get(name, [])
    if not isinstance(values, list) or not all(isinstance(pair, list) and len(pair) == 2 for pair in values):
        raise SegdemoError(f"{name} must be a list of pairs: layer and head.")
    flat = _numbers({name: [number for pair in values for number in pair]}, name)
    return list(zip(flat[::2], flat[1::2], strict=True))
