"""How the answer develops over the decoder's layers, for all classes or for one query, and what each query is."""

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np

from segdemo.prediction import Prediction, Size
from segdemo.segmentation.planes import Planes, planes
from segdemo.segmentation.sampling import Float32, evenly, grid, inside, sigmoid, softmax
from segdemo.threads import one_blas_thread


@dataclass(frozen=True)
class LayerOfQuery:
    """One query after one layer."""

    layer: int
    category_id: int
    """Its most probable class, "no object" left out."""
    probability: float
    """Of that class, 0 to 1."""
    final_class_probability: float
    """Of the class that it has after the last layer, 0 to 1."""
    no_object: float
    """Probability of "no object", 0 to 1."""
    iou: float
    """Of its mask with its mask after the last layer, 0 to 1; 1 where both are empty."""
    area: float
    """Share of the picture in its mask, 0 to 1."""


@dataclass(frozen=True)
class QuerySummary:
    """One query of a layer."""

    query: int
    category_id: int
    """Its most probable class, "no object" left out."""
    label: str
    probability: float
    """Of that class, 0 to 1."""
    no_object: float
    """Probability of "no object", 0 to 1."""
    area: float
    """Share of the picture in its mask, 0 to 1."""
    change: float
    """How far its mask is from that of the initial prediction: 1 less the IoU of the two, 0 to 1; 0 where both are
    empty."""
    won: float
    """Share of the picture where it contributes most to the winning class's score, 0 to 1."""
    centroid: tuple[float, float] | None
    """Row and column of its mask's centre of gravity, each 0 to 1 from the top left; ``None`` for an empty mask."""


def query_mask(prediction: Prediction, query: int, *, layer: int = -1, size: Size | None = None) -> Float32:
    """A query's mask probability at every pixel of ``size`` (height, width): float32 (H, W), 0 to 1.

    Logits are brought to the input, cropped and resized before the sigmoid, as in panoptic segmentation. Raises
    ``IndexError`` for queries that do not exist.
    """
    return _mask_probabilities(prediction, query, (layer,), size)[0]


def query_masks(prediction: Prediction, query: int, *, size: Size | None = None) -> Float32:
    """``query_mask`` of every layer at once: float32 (layers, H, W)."""
    return _mask_probabilities(prediction, query, range(prediction.num_layers), size)


def query_thumbnails(prediction: Prediction, *, size: Size, layer: int = -1) -> Float32:
    """``query_mask`` of every query of a layer at once, small by intention: float32 (Q, H, W), 0 to 1."""
    prediction.require("queries")
    layout = grid(prediction, size)
    rows, columns = layout.rows.span(0, layout.size[0]), layout.columns.span(0, layout.size[1])
    with one_blas_thread():
        masks = prediction.masks[layer][:, rows.cells, columns.cells].astype(np.float32)
        return sigmoid(rows.direct @ masks @ columns.direct.T)


def _mask_probabilities(prediction: Prediction, query: int, layers: Iterable[int], size: Size | None) -> Float32:
    _check(prediction, query)
    layout = grid(prediction, size)
    with one_blas_thread():
        rows, columns = layout.rows.span(0, layout.size[0]), layout.columns.span(0, layout.size[1])
        masks = np.stack([prediction.masks[layer][query, rows.cells, columns.cells] for layer in layers])
        return sigmoid(rows.direct @ masks.astype(np.float32) @ columns.direct.T)


def query_history(prediction: Prediction, query: int) -> tuple[LayerOfQuery, ...]:
    """One query from the initial prediction to the last layer; masks are compared cell by cell, padding left out."""
    _check(prediction, query)
    chances = [softmax(prediction.class_logits(layer)[query]) for layer in range(prediction.num_layers)]
    height, width = _cells(prediction)
    masks = [inside(evenly(prediction, masks[query])[:height, :width]) for masks in prediction.masks]
    last = int(chances[-1][:-1].argmax())
    history = []
    for layer, (chance, mask) in enumerate(zip(chances, masks, strict=True)):
        union = np.count_nonzero(mask | masks[-1])
        category = int(chance[:-1].argmax())
        history.append(
            LayerOfQuery(
                layer,
                category,
                float(chance[category]),
                float(chance[last]),
                float(chance[-1]),
                float(np.count_nonzero(mask & masks[-1]) / union) if union else 1.0,
                float(mask.mean()),
            )
        )
    return tuple(history)


def query_table(prediction: Prediction, *, layer: int = -1, readout: Planes | None = None) -> tuple[QuerySummary, ...]:
    """Every query of a layer, the least probable "no object" first; areas are counted on the masks' own cells.

    ``won`` is counted on ``readout``, the layer's planes at any size, where they are at hand; they are made if not.
    """
    chances = softmax(prediction.class_logits(layer))
    size = _cells(prediction)
    masks, initial = (inside(evenly(prediction, prediction.masks[one])[:, : size[0], : size[1]]) for one in (layer, 0))
    # One query after the other: counting along axes is several times as slow.
    area, before, shared = (
        np.asarray([np.count_nonzero(mask) for mask in which]) for which in (masks, initial, masks & initial)
    )
    union = area + before - shared
    change = np.where(union > 0, 1 - shared / np.maximum(union, 1), 0.0)
    strongest = (readout or planes(prediction, size=size, layer=layer)).query
    won = np.bincount(strongest.ravel(), minlength=len(chances)) / strongest.size
    table = []
    for query in np.argsort(chances[:, -1], kind="stable").tolist():
        category = int(chances[query, :-1].argmax())
        table.append(
            QuerySummary(
                query,
                category,
                prediction.id2label.get(category, f"class {category}"),
                float(chances[query, category]),
                float(chances[query, -1]),
                float(area[query] / (size[0] * size[1])),
                float(change[query]),
                float(won[query]),
                _centroid(cv2.moments(masks[query].view(np.uint8), binaryImage=True), size),
            )
        )
    return tuple(table)


def _centroid(moments: dict[str, float], size: Size) -> tuple[float, float] | None:
    if not moments["m00"]:
        return None
    row, column = moments["m01"] / moments["m00"], moments["m10"] / moments["m00"]
    return (row + 0.5) / size[0], (column + 0.5) / size[1]


def _cells(prediction: Prediction) -> Size:
    """How many mask cells the picture covers, padding left out."""
    even = evenly(prediction, np.empty((0, *prediction.cells), np.float32))
    height, width = (
        max(1, round(cells * content / of))
        for cells, content, of in zip(even.shape[1:], prediction.content_size, prediction.input_size, strict=True)
    )
    return height, width


def _check(prediction: Prediction, query: int) -> None:
    prediction.require("queries")
    if not 0 <= query < prediction.num_queries:
        raise IndexError(f"query {query} is not in 0..{prediction.num_queries - 1}")
