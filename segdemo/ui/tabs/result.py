"""What a page gets first: the photo, the semantic map with its legend, small planes for the read-out, the queries."""

from typing import Any

import numpy as np

from segdemo import examples
from segdemo.checkpoints import EMBEDDED_ID
from segdemo.explain import QuerySummary, query_table
from segdemo.packing import data_url, pack, to_bytes
from segdemo.results.doubt import doubt
from segdemo.results.entries import class_entry as class_entry
from segdemo.results.job import Job
from segdemo.results.make import reduced, semantic_map
from segdemo.segmentation import Planes, planes, present_classes
from segdemo.ui.arguments import Arguments
from segdemo.ui.store import Record

SMALL_SHARE = 1 / 4
"""Share of the picture's width and height that the small pictures have."""
SMALL_SIDE = 320
"""Length of the long side, in pixels, below which a small picture is not made smaller still."""

INSTANCES_NOTE = {
    "semantic": (
        "This checkpoint learned one mask for each class, not one for each object: its instances are what its "
        "queries happen to separate. Splitting things into connected parts helps where objects do not touch."
    ),
    "panoptic": "",
    "instance": "This checkpoint learned objects only: there are no segments of stuff.",
}

TOLD_NOTES = {
    "semantic": (
        "The network was told to separate classes: its queries answer for a class each, and the instances are what "
        "they happen to separate. Tell it panoptic or instance to have objects told apart."
    ),
    "panoptic": "",
    "instance": "The network was told to separate objects only: it was not asked for stuff. Tell it panoptic for both.",
}
"""The same for a network that is told its task, by task."""


def things_only(record: Record) -> bool:
    """Whether a record's network tells of things alone: by the task it was told, or by its kind."""
    return (record.prediction.task or record.checkpoint.kind) == "instance"


CRF_HINTS = {
    "": "",
    "helps": "An example to try it on: here the CRF at its defaults brings the map closer to the ground truth.",
}


def small_size(record: Record) -> tuple[int, int]:
    """Height and width of the small pictures: a quarter of the large one, but no less than ``SMALL_SIDE`` needs."""
    height, width = record.display_size
    share = min(1.0, max(SMALL_SHARE, SMALL_SIDE / max(height, width)))
    return max(1, round(height * share)), max(1, round(width * share))


def small_planes(record: Record) -> Planes:
    """The planes behind the read-out, at the small size, computed once."""
    return record.derive("planes", lambda: planes(record.prediction, size=small_size(record)))


def query_rows(record: Record) -> tuple[QuerySummary, ...]:
    """The queries, the surest first, computed once; none of a network without."""
    if "queries" not in record.prediction.offers:
        return ()
    return record.derive("queries", lambda: query_table(record.prediction, readout=small_planes(record)))


def result(record: Record, arguments: Arguments, job: Job) -> dict[str, Any]:
    """Everything the Semantic and Classes tabs need, so that they never ask again."""
    prediction = record.prediction
    labels = semantic_map(job, record.source)
    with job.turn():
        shown, queries = small_planes(record), query_rows(record)
    return {
        "token": str(arguments.get("token")),
        "name": record.name,
        "example": record.example,
        "photo": {
            "src": data_url(record.display, "image/jpeg"),
            "width": record.display_size[1],
            "height": record.display_size[0],
        },
        "imageSize": list(prediction.image_size),
        "inputSize": list(prediction.input_size),
        "engine": prediction.engine,
        "precision": prediction.precision,
        "device": prediction.device,
        "seconds": dict(record.seconds),
        "numLayers": prediction.num_layers,
        "numHeads": prediction.num_heads,
        "offers": sorted(prediction.offers),
        "lacks": dict(prediction.lacks),
        **({"task": prediction.task} if prediction.task else {}),
        "thingsOnly": things_only(record),
        "fixedInput": prediction.fixed_input,
        "instancesNote": (TOLD_NOTES[prediction.task] if prediction.task else INSTANCES_NOTE[record.checkpoint.kind]),
        "crfHint": _crf_hint(record),
        "doubt": doubt(record.checkpoint, record.taxonomy, shown),
        "labels": {str(entry.index): entry.name for entry in record.taxonomy.classes},
        "classes": [
            {**class_entry(record.taxonomy, entry.category_id), "area": entry.share, "score": entry.score}
            for entry in present_classes(prediction, labels)
        ],
        "map": pack(reduced(labels.labels, record.display_size)),
        "planes": {
            "top": pack(to_bytes(shown.top_probability)),
            "topId": pack(shown.top.astype(np.uint16)),
            "runner": pack(shown.runner_up.astype(np.uint16)),
            "runnerProb": pack(to_bytes(shown.runner_up_probability)),
            "query": pack(shown.query.astype(np.uint16)),
            "entropy": pack(to_bytes(shown.entropy)),
        },
        "queries": [
            {
                **class_entry(record.taxonomy, row.category_id),
                "query": row.query,
                "probability": row.probability,
                "no_object": row.no_object,
                "area": row.area,
                "change": row.change,
                "won": row.won,
            }
            for row in queries
        ],
    }


def _crf_hint(record: Record) -> str:
    if record.example is None or record.checkpoint.id != EMBEDDED_ID or record.size != "checkpoint":
        return ""
    return CRF_HINTS[examples.example(record.example).crf]
