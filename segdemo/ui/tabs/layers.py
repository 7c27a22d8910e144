"""Decoder layers: the pictures of all predictions at once, for all classes or one query, and how they develop."""

from typing import Any

import numpy as np

from segdemo.segmentation import layer_labels, query_history, query_mask
from segdemo.ui.arguments import Arguments, whole
from segdemo.ui.packing import pack, to_bytes
from segdemo.ui.store import Record
from segdemo.ui.tabs.attention import STRIDES
from segdemo.ui.tabs.result import class_entry, small_size


def layers(record: Record, arguments: Arguments) -> dict[str, Any]:
    """Label maps of every layer, or the mask probabilities of ``query`` where one is named."""
    if arguments.get("query") is None:
        return record.derive("layers", lambda: _all_classes(record))
    return _one_query(record, whole(arguments, "query", low=0, high=record.prediction.num_queries - 1))


def _all_classes(record: Record) -> dict[str, Any]:
    prediction = record.prediction
    size = small_size(record)
    maps = np.stack([layer_labels(prediction, layer, size=size) for layer in range(prediction.num_layers)])
    return {
        "maps": pack(maps.astype(np.uint16)),
        "classes": [
            {**class_entry(record.taxonomy, int(index)), "area": float((maps[-1] == index).mean())}
            for index in np.unique(maps)
        ],
        "agreement": [float((labels == maps[-1]).mean()) for labels in maps],
        "strides": [STRIDES[layer % 3] for layer in range(prediction.num_layers - 1)],
    }


def _one_query(record: Record, query: int) -> dict[str, Any]:
    prediction = record.prediction
    size = small_size(record)
    maps = np.stack([query_mask(prediction, query, layer=layer, size=size) for layer in range(prediction.num_layers)])
    history = query_history(prediction, query)
    final = history[-1].category_id
    return {
        "maps": pack(to_bytes(maps)),
        "finalLabel": record.taxonomy[final].name,
        "history": [
            {
                "label": record.taxonomy[row.category_id].name,
                "probability": row.probability,
                "final_class_probability": row.final_class_probability,
                "no_object": row.no_object,
                "iou": row.iou,
            }
            for row in history
        ],
    }
