"""Attention: where a query looked in one layer, per head and on average, with the mask it was held to."""

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from segdemo.explain import attention_map, query_mask
from segdemo.packing import pack
from segdemo.prediction import Prediction
from segdemo.results.job import Job
from segdemo.ui.arguments import Arguments, whole
from segdemo.ui.store import Record
from segdemo.ui.tabs.result import class_entry, query_rows, small_size


def attention(record: Record, arguments: Arguments, job: Job) -> dict[str, Any]:
    """The heatmaps of ``query`` in ``layer``: the mean over heads, then every head, each scaled to its peak."""
    prediction = record.prediction
    prediction.require("attention")
    layer = whole(arguments, "layer", low=1, high=prediction.num_layers - 1)
    query = whole(arguments, "query", low=0, high=prediction.num_queries - 1)
    size = small_size(record)
    maps = [
        attention_map(prediction, layer, query, head=head, size=size) for head in (None, *range(prediction.num_heads))
    ]
    peaks = [float(values.max()) for values in maps]
    masked = prediction.attention_layer(layer).masked
    everywhere = masked and prediction.attends_everywhere(layer, query)
    shown = layer if everywhere else layer - 1
    mask = query_mask(prediction, query, layer=shown, size=size) >= 0.5
    row = next(row for row in query_rows(record) if row.query == query)
    return {
        "maps": pack(np.stack([_scaled(values) for values in maps])),
        "max": peaks,
        **_cells(prediction, layer, query),
        "everywhere": everywhere,
        "mask": pack(mask.astype(np.uint8)),
        "maskNote": (
            "its mask after this layer, since it had none before"
            if everywhere
            else "the mask it was held to: its own, from the prediction before this layer"
            if masked
            else "its mask before this layer, which does not restrict where it looks"
        ),
        "stride": f"1/{prediction.attention_layer(layer).stride}",
        "probability": row.probability,
        "label": class_entry(record.taxonomy, row.category_id)["label"],
    }


def _cells(prediction: Prediction, layer: int, query: int) -> dict[str, Any]:
    """The grid itself, less the padding: the mean over heads, then every head, each scaled to its peak."""
    grids = [prediction.attention(layer, query, head=head) for head in (None, *range(prediction.num_heads))]
    height, width = (
        max(1, math.ceil(cells * content / of - 1e-9))
        for cells, content, of in zip(grids[0].shape, prediction.content_size, prediction.input_size, strict=True)
    )
    grids = [grid[:height, :width] for grid in grids]
    return {
        "cells": pack(np.stack([_scaled(grid) for grid in grids])),
        "cellsMax": [float(grid.max()) for grid in grids],
    }


def _scaled(values: npt.NDArray[np.float32]) -> npt.NDArray[np.uint8]:
    peak = float(values.max())
    return np.rint(values * (255 / peak if peak else 0)).astype(np.uint8)
