"""Networks that score every pixel by itself: class logits on a grid of cells, without queries or masks.

Procedure (``SegformerImageProcessor.post_process_semantic_segmentation``, which UperNet's checkpoints use, and mmseg's
``whole_inference`` before it): logits are brought to the network's input, its padding is cropped, the rest is resized
to the photograph, both bilinear with half-pixel centres; the largest wins. A class's probability is the softmax of the
logits at the pixel, so its *score* is its probability here, and the scores sum to 1.
"""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from segdemo.prediction import Prediction, Size
from segdemo.segmentation.sampling import Float32, Grid, Span, cell_bounds, grid, softmax
from segdemo.segmentation.scores import first_maximum, normalised_entropy
from segdemo.threads import in_threads

Index = npt.NDArray[np.intp]
Here = tuple[slice, slice]

DUST = 20.0
"""A class whose logit is everywhere in a tile this far below another's is left out there: 2e-9 of its probability."""
TILE_CELLS = 28
_TINY = float(np.finfo(np.float32).tiny)


def per_tile(
    prediction: Prediction, layout: Grid, fill: Callable[[Here, Index, Float32], None], *, classes: Index | None = None
) -> None:
    """Call ``fill`` for every tile of an output with where it lies, classes, and their logits (n, rows, columns).

    The classes are those of ``classes``, in their order, or all that are more than dust somewhere in the tile, in
    ascending order. Tiles are filled in threads.
    """
    logits = _logits(prediction)
    rows, columns = layout.rows.spans(TILE_CELLS), layout.columns.spans(TILE_CELLS)
    low, high = cell_bounds(logits, rows, columns) if classes is None else (None, None)

    def one(place: tuple[int, int]) -> None:
        row, column = rows[place[0]], columns[place[1]]
        found = classes
        if low is not None and high is not None:
            found = np.flatnonzero(high[place] >= low[place].max() - DUST)
        assert found is not None
        fill((row.output, column.output), found, _brought(logits, found, row, column))

    in_threads(one, [(i, j) for i in range(len(rows)) for j in range(len(columns))])


def winners(prediction: Prediction, size: Size | None = None) -> tuple[npt.NDArray[np.int16], Float32]:
    """The most probable class of every pixel and its probability, both (H, W)."""
    layout = grid(prediction, size)
    labels, scores = np.empty(layout.size, np.int16), np.empty(layout.size, np.float32)

    def fill(here: Here, classes: Index, logits: Float32) -> None:
        best, highest = first_maximum(logits)
        labels[here] = classes[best]
        scores[here] = 1 / np.exp(logits - highest).sum(axis=0)

    per_tile(prediction, layout, fill)
    return labels, scores


def probabilities(prediction: Prediction, classes: Sequence[int], size: Size | None = None) -> Float32:
    """Probabilities of ``classes`` at every pixel, renormalised over them: float32 (L, H, W)."""
    layout = grid(prediction, size)
    out = np.empty((len(classes), *layout.size), np.float32)

    def fill(here: Here, _: Index, logits: Float32) -> None:
        np.exp(logits - logits.max(axis=0), out=logits)
        np.divide(logits, logits.sum(axis=0), out=out[:, *here])

    per_tile(prediction, layout, fill, classes=np.asarray(classes, np.intp))
    return out


def sureness(prediction: Prediction, size: Size | None = None) -> tuple[Float32, Float32]:
    """Margin and entropy of the class probabilities at every pixel, both (H, W), as in ``Confidence``."""
    _, best, _, second, entropy = readout(prediction, size)
    return (best - second if len(prediction.id2label) > 1 else best), entropy


def readout(
    prediction: Prediction, size: Size | None = None
) -> tuple[npt.NDArray[np.int16], Float32, npt.NDArray[np.int16], Float32, Float32]:
    """Best class, its probability, the runner-up, its probability, and the entropy at every pixel, each (H, W)."""
    layout = grid(prediction, size)
    every = _logits(prediction).shape[0]
    top, runner_up = (np.empty(layout.size, np.int16) for _ in range(2))
    best, second, entropy = (np.zeros(layout.size, np.float32) for _ in range(3))

    def fill(here: Here, classes: Index, logits: Float32) -> None:
        if len(classes) == 1 < every:  # the runner-up is dust, but there is one
            logits = _dusted(prediction, layout, here)
            classes = np.arange(every)
        chances = np.exp(logits - logits.max(axis=0))
        chances /= chances.sum(axis=0)
        first, best[here] = first_maximum(chances)
        top[here] = classes[first]
        entropy[here] = normalised_entropy(np.maximum(chances, _TINY), np.ones(first.shape, np.float32))
        # What was left out counts nothing, but the maximum is over all classes.
        entropy[here] *= np.log(len(classes)) / np.log(every) if every > 1 else 0
        if every > 1:
            np.put_along_axis(chances, first[None].astype(np.intp), -1, axis=0)
            next_one, second[here] = first_maximum(chances)
            runner_up[here] = classes[next_one]
        else:
            runner_up[here] = top[here]

    per_tile(prediction, layout, fill)
    return top, best, runner_up, second, entropy


def of_labels(prediction: Prediction, truth: npt.NDArray[np.integer]) -> Float32:
    """The probability of each pixel's true class: float32 (H, W), 0 where ``truth`` (H, W) is negative."""
    layout = grid(prediction, (truth.shape[0], truth.shape[1]))
    result = np.zeros(truth.shape, np.float32)

    def fill(here: Here, classes: Index, logits: Float32) -> None:
        true = truth[here]
        chances = softmax(np.moveaxis(logits, 0, -1))
        place = np.minimum(np.searchsorted(classes, np.maximum(true, 0)), len(classes) - 1)
        known = (true >= 0) & (classes[place] == true)
        result[here] = np.where(known, np.take_along_axis(chances, place[..., None], axis=-1)[..., 0], 0)

    per_tile(prediction, layout, fill)
    return result


def at_pixel(prediction: Prediction, y: int, x: int) -> Float32:
    """The logits of all classes at a pixel of the photograph: float32 (C,)."""
    layout = grid(prediction)
    logits = _logits(prediction)
    row, column = layout.rows.span(y, y + 1), layout.columns.span(x, x + 1)
    return _brought(logits, np.arange(len(logits)), row, column).reshape(-1)


def _dusted(prediction: Prediction, layout: Grid, here: Here) -> Float32:
    """The logits of all classes in a tile."""
    logits = _logits(prediction)
    row, column = layout.rows.span(here[0].start, here[0].stop), layout.columns.span(here[1].start, here[1].stop)
    return _brought(logits, np.arange(len(logits)), row, column)


def _brought(logits: Float32, classes: Index, row: Span, column: Span) -> Float32:
    return np.asarray(row.direct @ logits[classes, row.cells, column.cells] @ column.direct.T, np.float32)


def _logits(prediction: Prediction) -> Float32:
    assert prediction.logits is not None
    return np.asarray(prediction.logits, np.float32)
