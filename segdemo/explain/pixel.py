"""Why a pixel is what it is: its most probable classes, and the queries that voted for each.

A network without queries says the classes and no more: ``PixelExplanation.no_votes`` is the sentence on the rest.
"""

from dataclasses import dataclass

import numpy as np

from segdemo.prediction import Prediction
from segdemo.segmentation.per_pixel import at_pixel
from segdemo.segmentation.sampling import Float32, Span, grid, shared, sigmoid, softmax
from segdemo.segmentation.scores import TINY, class_weights, normalised_entropy
from segdemo.threads import one_blas_thread


@dataclass(frozen=True)
class Vote:
    """What one query adds to the score of a class."""

    query: int
    share: float
    """Of the class's score, 0 to 1; over all queries they sum to 1."""
    class_probability: float
    """The query's probability of the class, 0 to 1."""
    mask_probability: float
    """The query's mask probability at the pixel, 0 to 1; times ``class_probability`` it is what it adds.

    Of that only the mean counts where more than one square of the photograph saw the pixel (EoMT)."""


@dataclass(frozen=True)
class ClassAtPixel:
    """One class at the pixel."""

    category_id: int
    label: str
    probability: float
    """Its score over the sum of all classes' scores, 0 to 1."""
    score: float
    """The sum over queries of class probability times mask probability, the mean over the squares that saw the pixel
    where a photograph was seen in squares (EoMT); without queries, the class's logit."""
    votes: tuple[Vote, ...]
    """Of every query, the strongest first; empty where there are none."""


@dataclass(frozen=True)
class PixelExplanation:
    """Why a pixel is what it is."""

    y: int
    x: int
    classes: tuple[ClassAtPixel, ...]
    """The most probable classes, the best first."""
    margin: float
    """Probability of the best class less that of the next, 0 to 1."""
    entropy: float
    """Of the class probabilities, over its maximum: 0 to 1."""
    query: int | None
    """The strongest query of the best class; none where there are no queries."""
    mask_logits: tuple[float, ...]
    """That query's mask logit at the pixel in every layer, the initial prediction first; empty without queries."""
    no_votes: str = ""
    """Why nobody voted, in a sentence; empty where queries did."""


def explain_pixel(prediction: Prediction, y: int, x: int, *, classes: int = 5, layer: int = -1) -> PixelExplanation:
    """The ``classes`` most probable classes at a pixel of the photograph, and who voted for them.

    The scores are those of ``semantic`` at the photograph's own size, with nothing skipped. Raises ``IndexError``
    outside the photograph.
    """
    height, width = prediction.image_size
    if not (0 <= y < height and 0 <= x < width):
        raise IndexError(f"pixel ({y}, {x}) is not in a photograph of {height} x {width}")
    # On one thread whoever else computes: the order in which a product is summed decides its last bit.
    with one_blas_thread():
        return _explain(prediction, y, x, classes, layer)


def _explain(prediction: Prediction, y: int, x: int, classes: int, layer: int) -> PixelExplanation:
    if prediction.logits is not None:
        return _scored(prediction, y, x, classes)
    layout = grid(prediction)
    row, column = layout.rows.span(y, y + 1), layout.columns.span(x, x + 1)
    near = row.up @ prediction.masks[layer][:, row.cells, column.cells].astype(np.float32) @ column.up.T
    probabilities = sigmoid(near)
    masks = _resized(probabilities, row, column)
    counted = masks
    if row.share is not None or column.share is not None:
        counted = _resized(shared(probabilities, row.share, column.share), row, column)
    weights = class_weights(prediction, layer)
    scores = np.maximum(counted @ weights, TINY)
    order = np.argsort(-scores, kind="stable")
    total = float(scores.sum())
    found = tuple(
        _class_at_pixel(prediction, int(index), masks, counted, weights[:, index], float(scores[index]), total)
        for index in order[:classes]
    )
    strongest = found[0].votes[0].query
    rest = float(scores[order[1]]) if len(order) > 1 else 0.0
    return PixelExplanation(
        y,
        x,
        found,
        (float(scores[order[0]]) - rest) / total,
        float(normalised_entropy(scores, np.asarray(total, np.float32))),
        strongest,
        tuple(
            float(row.direct[0] @ masks[strongest, row.cells, column.cells].astype(np.float32) @ column.direct[0])
            for masks in prediction.masks
        ),
    )


def _resized(probabilities: Float32, row: Span, column: Span) -> Float32:
    """Mask probabilities (Q, rows, columns) at the samples around one output pixel, at that pixel: (Q,)."""
    for matrix, axis in ((row.resize, 1), (column.resize, 2)):
        if matrix is not None:
            probabilities = np.tensordot(probabilities, matrix[0], axes=(axis, 0))[..., None]
            probabilities = np.moveaxis(probabilities, -1, axis)
    return probabilities.reshape(-1)


def _scored(prediction: Prediction, y: int, x: int, classes: int) -> PixelExplanation:
    """Of a network that scores each pixel by itself."""
    logits = at_pixel(prediction, y, x)
    chances = np.maximum(softmax(logits), TINY)
    order = np.argsort(-logits, kind="stable")
    found = tuple(
        ClassAtPixel(
            int(index),
            prediction.id2label.get(int(index), f"class {index}"),
            float(chances[index]),
            float(logits[index]),
            (),
        )
        for index in order[:classes]
    )
    rest = float(chances[order[1]]) if len(order) > 1 else 0.0
    return PixelExplanation(
        y,
        x,
        found,
        float(chances[order[0]]) - rest,
        float(normalised_entropy(chances, np.ones((), np.float32))),
        None,
        (),
        prediction.why_not("queries"),
    )


def _class_at_pixel(
    prediction: Prediction,
    category: int,
    masks: Float32,
    counted: Float32,
    weights: Float32,
    score: float,
    total: float,
) -> ClassAtPixel:
    adds = counted * weights
    votes = tuple(
        Vote(int(query), float(adds[query] / score), float(weights[query]), float(masks[query]))
        for query in np.argsort(-adds, kind="stable")
    )
    return ClassAtPixel(category, prediction.id2label.get(category, f"class {category}"), score / total, score, votes)
