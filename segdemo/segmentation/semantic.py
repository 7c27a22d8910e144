"""The best class of every pixel, and class probabilities, by the paper's procedure and in bounded memory.

Procedure (Cheng et al., CVPR 2022; ``semantic_inference`` and what surrounds it in ``maskformer_model.py``): masks are
upsampled to the padded input and squashed by a sigmoid; the score of a class is the sum over queries of its class
probability, "no object" left out, times the mask probability; padding is cropped, the scores are resized to the
photograph, the highest wins. Scores do not sum to 1 over classes: a *probability* is a score divided by that sum.

Networks without queries go by ``per_pixel``.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from segdemo.prediction import Prediction, Size
from segdemo.segmentation import per_pixel
from segdemo.segmentation.sampling import Float32, grid
from segdemo.segmentation.scores import (
    SLACK,
    TINY,
    Tile,
    best_class,
    class_weights,
    movers,
    normalised_entropy,
    tile_scores,
    tiles,
)
from segdemo.segmentation.windows import TILE_CELLS, winning_class
from segdemo.threads import in_threads

Int16 = npt.NDArray[np.int16]


NO_CLASS = -1
"""The label of a pixel that is of no class."""
LEAST = 0.5
"""The score that a class needs where pixels may be of no class: a query that is sure brings up to 1."""


@dataclass(frozen=True, eq=False)
class SemanticMap:
    """The most probable class of every pixel."""

    labels: Int16
    """(H, W): class indices of the checkpoint, ``NO_CLASS`` where none scored enough."""
    scores: Float32
    """(H, W): probability of that class, its score divided by the sum over all classes; 0 to 1."""


@dataclass(frozen=True)
class PresentClass:
    """A class that won somewhere."""

    category_id: int
    label: str
    area: int
    """Pixels."""
    share: float
    """Of the picture, 0 to 1."""
    score: float
    """Mean probability over its pixels, 0 to 1."""


@dataclass(frozen=True, eq=False)
class Confidence:
    """How sure the network is at every pixel."""

    margin: Float32
    """(H, W): probability of the best class less that of the runner-up, 0 to 1."""
    entropy: Float32
    """(H, W): entropy of the class probabilities over its maximum, the logarithm of the class count; 0 to 1."""


def semantic(
    prediction: Prediction, *, layer: int = -1, size: Size | None = None, least: float | None = None
) -> SemanticMap:
    """The best class at every pixel, and its probability.

    ``layer`` is 0 (the initial prediction) to ``num_layers - 1``; ``size`` (height, width) is the photograph's own
    unless given. Labels are those of the full procedure but where two classes are within 1e-4 of each other. A pixel
    whose best class scores below ``least``, the prediction's own ``least_score`` unless given, is of no class. Memory
    beyond the result does not grow with ``size``.
    """
    if prediction.logits is not None:
        _check_layer(prediction, layer)
        found, chances = per_pixel.winners(prediction, size)
        lowest = prediction.least_score if least is None else least
        return SemanticMap(np.where(chances < lowest, np.int16(NO_CLASS), found) if lowest else found, chances)
    layout = grid(prediction, size)
    masks = np.asarray(prediction.masks[layer], np.float32)
    weights = class_weights(prediction, layer)
    totals = weights.sum(axis=1)
    least = prediction.least_score if least is None else least
    labels = np.empty(layout.size, np.int16)
    scores = np.empty(layout.size, np.float32)

    def fill(tile: Tile) -> None:
        winners, best, total = best_class(masks, weights, totals, tile)
        labels[tile.output] = np.where(best < least, NO_CLASS, winners) if least else winners
        scores[tile.output] = best / np.maximum(total, TINY)

    in_threads(fill, tiles(layout, masks))
    return SemanticMap(labels, scores)


def layer_labels(prediction: Prediction, layer: int, *, size: Size | None = None) -> Int16:
    """The semantic map of a layer without its scores: class indices (H, W) at ``size`` (height, width).

    As ``semantic``, whose labels these are but where two classes are within 1e-4 of each other, for less work.
    """
    if prediction.least_score or prediction.logits is not None:
        return semantic(prediction, layer=layer, size=size).labels
    layout = grid(prediction, size)
    masks = np.asarray(prediction.masks[layer], np.float32)
    weights = class_weights(prediction, layer)
    labels = np.empty(layout.size, np.int16)

    def fill(tile: Tile) -> None:
        labels[tile.output] = winning_class(masks, weights, tile)

    in_threads(fill, tiles(layout, masks, cells=TILE_CELLS))
    return labels


def present_classes(prediction: Prediction, result: SemanticMap) -> tuple[PresentClass, ...]:
    """The classes that won at least one pixel of ``result``, largest area first."""
    flat = result.labels.ravel()
    there = flat != NO_CLASS
    areas = np.bincount(flat[there])
    sums = np.bincount(flat[there], weights=result.scores.ravel()[there])
    found = np.flatnonzero(areas)
    return tuple(
        PresentClass(
            int(index),
            prediction.id2label.get(int(index), f"class {index}"),
            int(areas[index]),
            float(areas[index] / flat.size),
            float(sums[index] / areas[index]),
        )
        for index in found[np.argsort(-areas[found], kind="stable")]
    )


def class_probabilities(
    prediction: Prediction,
    *,
    classes: Sequence[int] | None = None,
    size: Size | None = None,
    layer: int = -1,
) -> Float32:
    """Probabilities of ``classes`` at every pixel, renormalised over them: float32 (L, H, W), summing to 1 over L.

    All classes of the checkpoint unless given, in which case L is the number of ``classes`` in their order; ``size``
    (height, width) is the photograph's own unless given. The result takes ``4 * L * H * W`` bytes. Raises
    ``ValueError`` for no classes or repeated ones, ``IndexError`` for ones that do not exist.
    """
    if prediction.logits is not None:
        _check_layer(prediction, layer)
        every = len(prediction.logits)
        return per_pixel.probabilities(prediction, range(every) if classes is None else _known(classes, every), size)
    weights = class_weights(prediction, layer)
    if classes is not None:
        weights = np.ascontiguousarray(weights[:, _known(classes, weights.shape[1])])
    layout = grid(prediction, size)
    masks = np.asarray(prediction.masks[layer], np.float32)
    together = weights.sum(axis=1)
    out = np.empty((weights.shape[1], *layout.size), np.float32)

    def fill(tile: Tile) -> None:
        # The classes asked for may all be improbable here, and what they are divided by small.
        slack = SLACK * min(1.0, float(tile.low @ together))
        planes = np.maximum(tile_scores(masks, weights, tile, movers(weights, tile, slack=slack)), TINY)
        np.divide(planes, planes.sum(axis=0), out=out[:, *tile.output])

    in_threads(fill, tiles(layout, masks))
    return out


def confidence(prediction: Prediction, *, layer: int = -1, size: Size | None = None) -> Confidence:
    """Margin and entropy of the class probabilities at every pixel.

    All classes count here, so this costs several times what ``semantic`` does; ask for the ``size`` that is shown.
    """
    if prediction.logits is not None:
        _check_layer(prediction, layer)
        return Confidence(*per_pixel.sureness(prediction, size))
    layout = grid(prediction, size)
    masks = np.asarray(prediction.masks[layer], np.float32)
    weights = class_weights(prediction, layer)
    margin = np.empty(layout.size, np.float32)
    entropy = np.empty(layout.size, np.float32)

    def fill(tile: Tile) -> None:
        scores = np.maximum(tile_scores(masks, weights, tile, movers(weights, tile)), TINY)
        total = scores.sum(axis=0)
        entropy[tile.output] = normalised_entropy(scores, total)
        margin[tile.output] = top_margin(scores) / total

    in_threads(fill, tiles(layout, masks))
    return Confidence(margin, entropy)


def _known(classes: Sequence[int], every: int) -> list[int]:
    """The classes asked for; raises ``ValueError`` for none or repeated ones, ``IndexError`` for unknown ones."""
    if not len(classes) or len(set(classes)) != len(classes):
        raise ValueError("name at least one class, and each only once")
    if wrong := [index for index in classes if not 0 <= index < every]:
        raise IndexError(f"class {wrong[0]} is not in 0..{every - 1}")
    return list(classes)


def _check_layer(prediction: Prediction, layer: int) -> None:
    """Raise ``NotOfferedError`` for another layer than the last of a network that has one only."""
    if layer not in (-1, 0):
        prediction.require("layers")


def top_margin(scores: Float32) -> Float32:
    """The largest of the first axis less the second largest; the largest itself where there is only one."""
    if len(scores) < 2:
        return np.array(scores[0], np.float32)
    two = np.partition(scores, -2, axis=0)[-2:]
    return np.asarray(two[1] - two[0], np.float32)
