"""Small planes behind a hover read-out: per pixel the two best classes, how unsure it is, and which query decided."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from segdemo.prediction import Prediction, Size
from segdemo.segmentation import per_pixel
from segdemo.segmentation.sampling import Float32, grid, shared
from segdemo.segmentation.scores import (
    TINY,
    Tile,
    class_weights,
    flattened,
    mask_probabilities,
    movers,
    normalised_entropy,
    resize,
    tiles,
)
from segdemo.threads import in_threads

Int16 = npt.NDArray[np.int16]

NO_QUERY = -1
"""In ``Planes.query``, of a network without queries."""


@dataclass(frozen=True, eq=False)
class Planes:
    """What a read-out says at every pixel; all (H, W)."""

    top: Int16
    """The most probable class."""
    top_probability: Float32
    """0 to 1."""
    runner_up: Int16
    """The next most probable class; the same as ``top`` where the checkpoint has only one."""
    runner_up_probability: Float32
    """0 to 1; 0 where there is no runner-up."""
    entropy: Float32
    """Of the class probabilities, over its maximum: 0 to 1."""
    query: Int16
    """The query that contributes most to the score of ``top``; ``NO_QUERY`` where there are none."""


def planes(prediction: Prediction, *, size: Size, layer: int = -1) -> Planes:
    """The read-out's planes at ``size`` (height, width), small by intention: every class and query counts here."""
    if prediction.logits is not None:
        return Planes(*per_pixel.readout(prediction, size), np.full(size, NO_QUERY, np.int16))
    layout = grid(prediction, size)
    masks = np.asarray(prediction.masks[layer], np.float32)
    weights = class_weights(prediction, layer)
    classes = weights.shape[1]
    top, runner_up, query = (np.empty(size, np.int16) for _ in range(3))
    top_probability, runner_up_probability, entropy = (np.empty(size, np.float32) for _ in range(3))

    def fill(tile: Tile) -> None:
        here = tile.output
        queries = movers(weights, tile)
        middle = (tile.low + tile.high) / 2
        votes = np.broadcast_to(middle[:, None], (len(middle), top[here].size)).copy()
        if tile.rows.share is not None or tile.columns.share is not None:
            votes *= shared(np.ones(top[here].shape, np.float32), tile.rows.counted, tile.columns.counted).ravel()
        near = shared(mask_probabilities(masks, tile, queries), tile.rows.share, tile.columns.share)
        votes[queries] = flattened(resize(near, tile))
        scores = np.maximum(votes.T @ weights, TINY)
        total = scores.sum(axis=1)
        pixels = np.arange(len(scores))
        first = scores.argmax(axis=1)
        best = scores[pixels, first]
        shape = top[here].shape
        entropy[here] = normalised_entropy(scores.T, total).reshape(shape)
        top[here], top_probability[here] = first.reshape(shape), (best / total).reshape(shape)
        query[here] = (votes * weights[:, first]).argmax(axis=0).reshape(shape)
        if classes > 1:
            scores[pixels, first] = 0
        second = scores.argmax(axis=1)
        runner_up[here] = second.reshape(shape)
        rest = scores[pixels, second] if classes > 1 else np.zeros_like(best)
        runner_up_probability[here] = (rest / total).reshape(shape)

    in_threads(fill, tiles(layout, masks))
    return Planes(top, top_probability, runner_up, runner_up_probability, entropy, query)
