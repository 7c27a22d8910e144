"""Which class wins where nobody asks for scores, settled for whole windows before anything is computed at a sample.

A *window* is what lies between four neighbouring mask cells. They bound every query's mask probability in it, and in
most windows of a photograph one class beats every other whatever the queries do within their bounds.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from segdemo.segmentation.sampling import Float32, Windows, shared, sigmoid, sigmoid_of_negated
from segdemo.segmentation.scores import (
    SLACK,
    Index,
    Places,
    Tile,
    differing,
    first_maximum,
    flattened,
    movers,
    possible_classes,
    resized_winners,
)

TILE_CELLS = 48
"""Mask cells along a tile's side: more than where every sample is computed, as most of a tile costs little."""


@dataclass(frozen=True, eq=False)
class _Between:
    """Places between two cells along one axis, each with one or more samples."""

    before: Index
    """(places,): the cell before each."""
    behind: Index
    """(places,): the one behind it."""
    weights: Float32
    """(samples, places): what the cell behind counts, 0 to 1; the one before counts the rest."""


@dataclass(frozen=True, eq=False)
class _Contest:
    """A tile's possible classes and the queries that tell them apart."""

    negated: Float32
    """(q, rows, columns): the queries' mask logits at the tile's cells, their sign changed."""
    weights: Float32
    """(q, n): what each query gives to each contender."""
    constant: Float32
    """(n,): what all other queries give."""

    def among(self, places: Index) -> "_Contest":
        """The same for some of the classes."""
        return _Contest(self.negated, np.ascontiguousarray(self.weights[:, places]), self.constant[places])

    def bounds(self) -> tuple[Float32, Float32]:
        """Least and largest mask probability of each query in every window: (q, rows, columns) each."""
        probabilities = sigmoid(-self.negated)
        return _around(np.minimum, probabilities), _around(np.maximum, probabilities)

    def scores(self, rows: _Between, columns: _Between) -> Float32:
        """Scores between cells: float32 (n, samples of columns * samples of rows * places)."""
        width = self.negated.shape[2]
        flat = flattened(self.negated)
        upper_left, upper_right, lower_left, lower_right = (
            flat.take(row * width + column, axis=1)[:, None]
            for row in (rows.before, rows.behind)
            for column in (columns.before, columns.behind)
        )
        left = _between(upper_left, lower_left, rows.weights)
        right = _between(upper_right, lower_right, rows.weights)
        values = _between(left[:, None], right[:, None], columns.weights[:, None]).reshape(len(flat), -1)
        scores = self.weights.T @ sigmoid_of_negated(values)
        scores += self.constant[:, None]
        return np.asarray(scores, np.float32)


def winning_class(masks: Float32, weights: Float32, tile: Tile) -> Index:
    """The winning class at every output pixel of a tile.

    Nothing is computed where only one class can win; elsewhere only the queries that tell the classes apart, at
    the samples of windows that more than one can win.
    """
    shape = len(tile.rows.lower), len(tile.columns.lower)
    classes = possible_classes(weights, tile)
    if len(classes) == 1:
        return np.full(shape, classes[0])
    # What a query gives to all possible classes alike changes no winner.
    lead = weights[:, classes] - weights[:, classes].min(axis=1, keepdims=True)
    queries = movers(lead.max(axis=1, keepdims=True), tile)
    middle = (tile.low + tile.high) / 2
    middle[queries] = 0
    constant = middle @ lead
    if not len(queries):
        return np.full(shape, classes[constant.argmax()])
    contest = _Contest(-masks[queries, tile.rows.cells, tile.columns.cells], lead[queries], constant)
    settled, possible = _settled(contest)
    places: Places = np.zeros(len(classes), np.uint16)
    places[possible] = np.arange(len(possible))
    classes, contest = classes[possible], contest.among(possible)
    rows, columns = tile.rows.windows, tile.columns.windows
    winner: Places = places.take(settled, mode="clip").take(rows.of, axis=0).take(columns.of, axis=1)
    unsettled = settled < 0
    ys, xs = np.nonzero(unsettled & rows.sampled[:, None] & columns.sampled)
    scores = contest.scores(_inside(rows, ys), _inside(columns, xs))
    share = None
    if tile.rows.share is not None or tile.columns.share is not None:
        share = shared(np.ones(winner.shape, np.float32), tile.rows.share, tile.columns.share)
    # Where in ``scores`` the samples are.
    index = np.zeros(winner.shape, np.intp)
    at = (rows.samples[:, ys] * winner.shape[1] + columns.samples[:, None, xs]).ravel()
    index.ravel()[at] = np.arange(len(at))
    winner.ravel()[at] = first_maximum(scores)[0]
    if share is not None:
        scores *= share.ravel()[at]
    if tile.rows.resize is None and tile.columns.resize is None:
        return classes[winner]
    # An output pixel between samples of different winners needs the scores of all four.
    between = differing(winner)
    needed = cv2.dilate(between.view(np.uint8), np.ones((2, 2), np.uint8), anchor=(1, 1)).view(bool)
    ys, xs = np.nonzero(needed & ~unsettled[rows.of][:, columns.of])
    index[ys, xs] = scores.shape[1] + np.arange(len(ys))
    more = contest.scores(_at(rows, ys), _at(columns, xs))
    if share is not None:
        more *= share[ys, xs]
    scores = np.concatenate([scores, more], axis=1)
    return classes[resized_winners(winner, scores, tile, between, index)[0]]


def _settled(contest: _Contest) -> tuple[npt.NDArray[np.int16], Index]:
    """The contender that wins all of each window, -1 where several can, and those that can win somewhere."""
    low, high = contest.bounds()
    shape = low.shape[1:]
    low, high = flattened(low), flattened(high)
    likely = (contest.weights.T @ (low + high) + 2 * contest.constant[:, None]).argmax(axis=0)
    settled = np.full(likely.shape, -1, np.int16)
    possible = np.zeros(len(contest.constant), bool)
    for best in np.unique(likely):
        here = np.flatnonzero(likely == best)
        lead = (contest.weights - contest.weights[:, best, None]).T
        most = np.maximum(lead, 0) @ high[:, here] + np.minimum(lead, 0) @ low[:, here]
        most += (contest.constant - contest.constant[best])[:, None]
        most[best] = -1
        open_to = most >= -SLACK
        possible |= open_to.any(axis=1)
        possible[best] = True
        settled[here[~open_to.any(axis=0)]] = best
    return settled.reshape(shape), np.flatnonzero(possible)


def _around(extreme: np.ufunc, values: Float32) -> Float32:
    """Minimum or maximum of each value (n, rows, columns), the one below, the one to the right and the one between."""
    down = values.copy()
    extreme(values[:, :-1], values[:, 1:], out=down[:, :-1])
    result = down.copy()
    extreme(down[:, :, :-1], down[:, :, 1:], out=result[:, :, :-1])
    return result


def _between(before: Float32, behind: Float32, weights: Float32) -> Float32:
    """Linear interpolation, broadcast."""
    result = np.empty(np.broadcast_shapes(before.shape, weights.shape), np.float32)
    np.multiply(behind - before, weights, out=result)
    result += before
    return result


def _inside(axis: Windows, windows: Index) -> _Between:
    """All samples of some windows."""
    return _Between(windows, np.minimum(windows + 1, len(axis.sampled) - 1), axis.weights[:, windows])


def _at(axis: Windows, samples: Index) -> _Between:
    """Some samples, each for itself."""
    before = axis.of[samples]
    return _Between(before, np.minimum(before + 1, len(axis.sampled) - 1), axis.weight[None, samples])
