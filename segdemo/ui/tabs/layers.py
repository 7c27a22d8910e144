"""Decoder layers: the pictures of all predictions at once, for all classes or one query, and how they develop."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from segdemo.explain import query_history, query_masks
from segdemo.packing import pack, to_bytes
from segdemo.prediction import Prediction
from segdemo.progress import CancelledError
from segdemo.results.job import Job
from segdemo.segmentation import layer_labels
from segdemo.threads import PatientLock
from segdemo.ui.arguments import Arguments, whole
from segdemo.ui.store import Record
from segdemo.ui.tabs.result import class_entry, small_size

PAUSE = 0.1
"""Seconds between two looks whether the machine is free."""


class LayerMaps:
    """The label maps of all predictions at one size, computed one by one, by whoever asks first."""

    def __init__(self, prediction: Prediction, size: tuple[int, int]) -> None:
        self.maps = np.zeros((prediction.num_layers, *size), np.uint16)
        self.answer: dict[str, Any] | None = None
        self._missing = set(range(len(self.maps)))
        self._lock = PatientLock()

    def compute(self, prediction: Prediction, layer: int) -> None:
        """Fill in the map of ``layer`` unless it is there."""
        with self._lock.held():
            if layer in self._missing:
                self.maps[layer] = layer_labels(prediction, layer, size=self.maps.shape[1:])
                self._missing.remove(layer)


def layers_ahead(record: Record, job: Job, *, kept: Callable[[], bool], pause: float = PAUSE) -> dict[str, Any]:
    """The answer of ``layers`` for all classes, before anybody asks for it.

    It goes on with the next layer only while the host is idle, so that nobody in line waits for more than one layer,
    and stops with ``CancelledError`` when the job is cancelled or the photo no longer ``kept()``.
    """
    maps = _layer_maps(record)
    for layer in range(record.prediction.num_layers):
        while not job.host.idle:
            job.report("Preparing the layers")
            time.sleep(pause)
        if not kept():
            raise CancelledError
        job.report("Preparing the layers")
        with job.turn():
            maps.compute(record.prediction, layer)
    return layers(record, {}, job)


def layers(record: Record, arguments: Arguments, job: Job) -> dict[str, Any]:
    """Label maps of every layer, or the mask probabilities of ``query`` where one is named."""
    with job.turn():
        if arguments.get("query") is not None:
            return _one_query(record, whole(arguments, "query", low=0, high=record.prediction.num_queries - 1))
        maps = _layer_maps(record)
        for layer in range(record.prediction.num_layers):
            maps.compute(record.prediction, layer)
        if maps.answer is None:
            maps.answer = _all_classes(record, maps.maps)
        return maps.answer


def _layer_maps(record: Record) -> LayerMaps:
    return record.derive("layer maps", lambda: LayerMaps(record.prediction, small_size(record)))


def _all_classes(record: Record, maps: npt.NDArray[np.uint16]) -> dict[str, Any]:
    return {
        "maps": pack(maps),
        "classes": [
            {**class_entry(record.taxonomy, int(index)), "area": float((maps[-1] == index).mean())}
            for index in np.unique(maps)
        ],
        "agreement": [float((labels == maps[-1]).mean()) for labels in maps],
        "strides": [f"1/{layer.stride}" for layer in record.prediction.attentions],
    }


def _one_query(record: Record, query: int) -> dict[str, Any]:
    prediction = record.prediction
    size = small_size(record)
    maps = query_masks(prediction, query, size=size)
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
