"""Class scores tile by tile, without the work that provably cannot matter.

Interpolated values are convex combinations of mask cells, so the smallest and the largest cell of a tile bound every
query's mask probability in it. A query whose probability hardly moves there becomes a constant, and a class that
another one beats whatever the queries do within their bounds is never computed.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from segdemo.prediction import Prediction
from segdemo.segmentation.sampling import (
    Float32,
    Grid,
    Span,
    cell_bounds,
    shared,
    sigmoid,
    sigmoid_of_negated,
    softmax,
)

Index = npt.NDArray[np.intp]
Places = npt.NDArray[np.uint8] | npt.NDArray[np.uint16]

TILE_CELLS = 28
"""Mask cells along a tile's side: few enough to prune well and to fit the cache, enough to be worth the bookkeeping."""
SLACK = 1e-4
"""Largest error of a class score (together they are 0.25 to 3.3) that treating queries as constant may cause."""
ROUNDING = 1e-6
TINY = float(np.finfo(np.float32).tiny)
FEW = 4
"""Contenders of a tile that are cheaper to compute than to tell apart."""
RIVALS = 4
"""How many strong classes every other class of a tile is compared with."""


@dataclass(frozen=True, eq=False)
class Tile:
    """A rectangle of the output, and the bounds of every query's mask probability in it."""

    rows: Span
    columns: Span
    low: Float32
    """(Q,), 0 to 1."""
    high: Float32
    """(Q,), 0 to 1."""

    @property
    def output(self) -> tuple[slice, slice]:
        """The rectangle, as an index into an output plane."""
        return self.rows.output, self.columns.output


def class_weights(prediction: Prediction, layer: int = -1) -> Float32:
    """Each query's class probabilities, "no object" left out: float32 (Q, C); rows sum to less than 1."""
    return np.ascontiguousarray(softmax(prediction.class_logits(layer))[:, :-1])


def tiles(layout: Grid, masks: Float32, *, cells: int = TILE_CELLS) -> Iterator[Tile]:
    """The output in tiles of about ``cells`` x ``cells`` mask cells."""
    rows, columns = layout.rows.spans(cells), layout.columns.spans(cells)
    low, high = (sigmoid(bound) for bound in cell_bounds(masks, rows, columns))
    for i, row in enumerate(rows):
        for j, column in enumerate(columns):
            yield Tile(row, column, low[i, j], high[i, j])


def possible_classes(weights: Float32, tile: Tile) -> Index:
    """The classes that can have the highest score somewhere in a tile, ascending; never empty."""
    upper, lower = tile.high @ weights, tile.low @ weights
    classes = np.flatnonzero(upper >= lower.max() - ROUNDING)
    strongest = classes[np.argsort(-(upper + lower)[classes], kind="stable")]
    for rival in strongest[:RIVALS]:
        if len(classes) == 1:
            break
        lead = weights[:, classes] - weights[:, rival, None]
        most = tile.high @ np.maximum(lead, 0) + tile.low @ np.minimum(lead, 0)
        classes = classes[most >= -ROUNDING]
    return classes


def possible_classes_by_cell(masks: Float32, weights: Float32, tile: Tile, queries: Index, classes: Index) -> Index:
    """Those of ``classes`` that can win somewhere, by bounds around every cell instead of over the whole tile.

    ``queries`` are the tile's movers. Where two regions meet, all their queries go from 0 to 1 within a tile, and the
    tile's own bounds exclude next to nothing.
    """
    rest = np.ones(len(weights), bool)
    rest[queries] = False
    candidates = np.ascontiguousarray(weights[:, classes].T)
    cells = masks[queries, tile.rows.cells, tile.columns.cells]
    bounds = []
    for extreme, outside in ((np.minimum, tile.low), (np.maximum, tile.high)):
        around = cells
        for axis, reach in ((1, tile.rows.reach), (2, tile.columns.reach)):
            around = _neighbourhoods(extreme, around, reach, axis)
        scores = candidates[:, queries] @ flattened(sigmoid(around))
        bounds.append(scores + (candidates[:, rest] @ outside[rest])[:, None])
    lower, upper = bounds
    return classes[(upper >= lower.max(axis=0) - ROUNDING).any(axis=1)]


def _neighbourhoods(extreme: np.ufunc, values: Float32, reach: int, axis: int) -> Float32:
    """Minimum or maximum over runs along ``axis`` such that any ``reach`` neighbours lie in one of them."""
    starts = np.arange(0, max(1, values.shape[axis] - reach + 1), 2)
    result = values.take(starts, axis=axis)
    for offset in range(1, reach + 1):
        extreme(result, values.take(np.minimum(starts + offset, values.shape[axis] - 1), axis=axis), out=result)
    return result


def movers(weights: Float32, tile: Tile, *, slack: float = SLACK) -> Index:
    """The queries that must be computed in a tile: the others move no score by more than ``slack`` together."""
    error = weights.sum(axis=1) * (tile.high - tile.low) / 2
    order = np.argsort(error, kind="stable")
    return np.sort(order[np.cumsum(error[order]) > slack])


def mask_probabilities(masks: Float32, tile: Tile, queries: Index) -> Float32:
    """Mask probabilities of ``queries`` at the input samples of a tile: float32 (q, rows, columns)."""
    block = masks[queries, tile.rows.cells, tile.columns.cells]
    return sigmoid_of_negated(np.asarray(-tile.rows.up @ block @ tile.columns.up.T, np.float32))


def flattened(planes: Float32) -> Float32:
    """Planes (n, rows, columns) as (n, rows * columns), also where n is 0."""
    return planes.reshape(len(planes), planes.shape[1] * planes.shape[2])


def resize(planes: Float32, tile: Tile) -> Float32:
    """Planes at a tile's input samples, (n, rows, columns), brought to its output pixels."""
    rows, columns = tile.rows.resize, tile.columns.resize
    # The axis that grows least goes first.
    if rows is not None and (columns is None or len(rows) * columns.shape[1] <= rows.shape[1] * len(columns)):
        planes, rows = rows @ planes, None
    if columns is not None:
        planes = planes @ columns.T
    return planes if rows is None else rows @ planes


def sample_scores(masks: Float32, weights: Float32, tile: Tile, queries: Index) -> Float32:
    """Scores for the columns of ``weights`` (Q, n) at a tile's input samples: float32 (n, rows, columns).

    Only ``queries`` are computed at every sample; the others count with the middle of their bounds.
    """
    middle = (tile.low + tile.high) / 2
    middle[queries] = 0
    probabilities = mask_probabilities(masks, tile, queries)
    sums = weights[queries].T @ flattened(probabilities)
    sums += (middle @ weights)[:, None]
    return shared(sums.reshape(-1, *probabilities.shape[1:]), tile.rows.share, tile.columns.share)


def tile_scores(masks: Float32, weights: Float32, tile: Tile, queries: Index) -> Float32:
    """As ``sample_scores``, at output pixels."""
    return resize(sample_scores(masks, weights, tile, queries), tile)


def best_class(masks: Float32, weights: Float32, totals: Float32, tile: Tile) -> tuple[Index, Float32, Float32]:
    """The winning class at every output pixel of a tile, its score, and the sum of all classes' scores.

    ``totals`` (Q,) are the sums of the rows of ``weights`` (Q, C). Most pixels lie between input samples with the same
    winner, which then wins there too: all that must be resized is its score. Only between samples with different
    winners every contender is.
    """
    queries = movers(weights, tile)
    classes = possible_classes(weights, tile)
    if len(classes) > FEW:
        classes = possible_classes_by_cell(masks, weights, tile, queries, classes)
    sums = sample_scores(masks, np.column_stack([weights[:, classes], totals]), tile, queries)
    winner, highest = first_maximum(sums[:-1])
    if tile.rows.resize is None and tile.columns.resize is None:
        return classes[winner], highest, sums[-1]
    best, total = resize(np.stack([highest, sums[-1]]), tile)
    labels, ys, xs, between = resized_winners(winner, flattened(sums[:-1]), tile, differing(winner))
    best[ys, xs] = between.max(axis=0)
    return classes[labels], best, total


def resized_winners(
    winner: Places, sums: Float32, tile: Tile, between: npt.NDArray[np.bool_], index: Index | None = None
) -> tuple[Places, Index, Index, Float32]:
    """``winner`` (rows, columns) at a tile's output pixels; where that had to be computed: row, column, and the
    interpolated sums (n, pixels).

    ``between`` is ``differing(winner)``; only there ``sums`` (n, samples) are asked for, at ``index`` (rows, columns),
    by default in the samples' own order.
    """
    above, left = tile.rows.lower, tile.columns.lower
    labels = winner[above][:, left]
    if len(sums) < 2:
        nowhere = np.empty(0, np.intp)
        return labels, nowhere, nowhere, np.empty((len(sums), 0), np.float32)
    ys, xs = np.nonzero(between[above][:, left])
    if index is None:
        index = np.arange(winner.size).reshape(winner.shape)
    interpolated = _interpolate(sums, index, tile, ys, xs)
    labels[ys, xs] = interpolated.argmax(axis=0)
    return labels, ys, xs, interpolated


def differing(labels: Places) -> npt.NDArray[np.bool_]:
    """Whether a sample, the next one, the one below and the one below that are not all labelled alike."""
    padded = np.pad(labels, ((0, 1), (0, 1)), mode="edge")
    across = padded[:, 1:] != padded[:, :-1]
    down = padded[1:, :-1] != padded[:-1, :-1]
    return np.asarray(across[:-1] | across[1:] | down)


def _interpolate(sums: Float32, index: Index, tile: Tile, ys: Index, xs: Index) -> Float32:
    """Sums of a tile's input samples, at some of its output pixels: float32 (n, pixels)."""
    height, width = index.shape
    top, left = tile.rows.lower[ys], tile.columns.lower[xs]
    bottom, right = np.minimum(top + 1, height - 1), np.minimum(left + 1, width - 1)
    down, across = tile.rows.weight[ys], tile.columns.weight[xs]
    upper = sums[:, index[top, left]] * (1 - across) + sums[:, index[top, right]] * across
    lower = sums[:, index[bottom, left]] * (1 - across) + sums[:, index[bottom, right]] * across
    return np.asarray(upper * (1 - down) + lower * down, np.float32)


def first_maximum(planes: Float32) -> tuple[Places, Float32]:
    """Index of the largest plane at every pixel, the first of equals, and its value."""
    best = planes[0].copy()
    index = np.zeros(best.shape, np.uint8 if len(planes) <= 1 << 8 else np.uint16)
    for i in range(1, len(planes)):
        np.copyto(index, i, where=planes[i] > best)
        np.maximum(best, planes[i], out=best)
    return index, best


def normalised_entropy(scores: Float32, total: Float32) -> Float32:
    """Entropy of ``scores / total`` over its first axis, divided by its maximum: 0 to 1. Scores must be positive."""
    if len(scores) < 2:
        return np.zeros(np.shape(total), np.float32)
    # With p = s / t: -sum(p ln p) = ln t - sum(s ln s) / t, one logarithm a score and no division.
    mean = np.einsum("c...,c...->...", scores, np.log(scores)) / total
    return np.asarray(np.clip((np.log(total) - mean) / np.log(len(scores)), 0, 1), np.float32)
