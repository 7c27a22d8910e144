"""Why a pixel is what it is, as one document of plain values: what ``/explain`` answers."""

from typing import Any

import numpy as np

from segdemo.checkpoints import public_id
from segdemo.errors import NotOfferedError
from segdemo.explain import PixelExplanation, Vote, attention_focus, explain_pixel
from segdemo.prediction import Part, Prediction
from segdemo.segmentation.sampling import sigmoid, softmax

CLASSES = 5
"""Classes told of by default, the most probable first."""
QUERIES = 3
"""Queries told of by default, those first that gave the best class most."""
MOST = 20
"""Of either, at most."""
_PARTS: tuple[Part, ...] = ("queries", "layers", "attention")


def explained(
    prediction: Prediction, y: int, x: int, *, classes: int = CLASSES, queries: int = QUERIES
) -> dict[str, Any]:
    """Explain the pixel in row ``y`` and column ``x`` of the photograph: as JSON types, probabilities 0 to 1.

    ``classes`` are the most probable ones with the ``queries`` that voted most for each; ``queries`` those that gave
    the best class most, with where each looked in every layer, in pixels of the photograph; ``layers`` what the pixel
    was after each. ``lacks`` says of parts that the network does not have why. Raises ``IndexError`` outside the
    photograph.
    """
    found = explain_pixel(prediction, y, x, classes=classes)
    height, width = prediction.image_size
    return {
        "sentence": _sentence(found),
        "pixel": {"x": x, "y": y},
        "image": {"height": height, "width": width},
        "margin": found.margin,
        "entropy": found.entropy,
        "classes": [
            {
                "category_id": entry.category_id,
                "label": entry.label,
                "probability": entry.probability,
                "score": entry.score,
                "votes": [_vote(vote) for vote in entry.votes[:queries]],
            }
            for entry in found.classes
        ],
        "queries": _queries(prediction, found, queries),
        "layers": _layers(prediction, found, y, x),
        "lacks": {part: sentence for part in _PARTS if (sentence := _why_not(prediction, part))},
        "model": {
            "checkpoint": public_id(prediction.checkpoint),
            "engine": prediction.engine,
            "precision": prediction.precision,
            "input_size": list(prediction.input_size),
        },
    }


def _vote(vote: Vote) -> dict[str, Any]:
    return {
        "query": vote.query,
        "share": vote.share,
        "class_probability": vote.class_probability,
        "mask_probability": vote.mask_probability,
    }


def _queries(prediction: Prediction, found: PixelExplanation, count: int) -> list[dict[str, Any]]:
    """The queries that gave the best class most, each with its own best class and its attention in every layer."""
    votes = found.classes[0].votes[:count]
    if not votes:
        return []
    chances = softmax(prediction.class_logits())
    own = chances[:, :-1].argmax(axis=1)
    return [
        {
            **_vote(vote),
            "category_id": int(own[vote.query]),
            "label": prediction.id2label.get(int(own[vote.query]), f"class {own[vote.query]}"),
            "probability": float(chances[vote.query, own[vote.query]]),
            "no_object": float(chances[vote.query, -1]),
            "attention": [_focus(prediction, layer, vote.query) for layer in range(1, len(prediction.attentions) + 1)],
        }
        for vote in votes
    ]


def _focus(prediction: Prediction, layer: int, query: int) -> dict[str, Any]:
    """Where a query looked most in a layer; no place where that is in the input's padding."""
    focus = attention_focus(prediction, layer, query)
    inside = all(0 <= share <= 1 for share in focus.peak)
    row, column = (
        min(length - 1, int(share * length)) for share, length in zip(focus.peak, prediction.image_size, strict=True)
    )
    return {
        "layer": layer,
        "peak": {"x": column, "y": row} if inside else None,
        "entropy": focus.entropy,
        "everywhere": focus.everywhere,
    }


def _layers(prediction: Prediction, found: PixelExplanation, y: int, x: int) -> list[dict[str, Any]]:
    """The pixel's best class after every layer, and the mask of the query that decided it in the end."""
    if _why_not(prediction, "layers"):
        return []
    rows = []
    masks = sigmoid(np.asarray(found.mask_logits, np.float32))
    for layer, mask in enumerate(masks.tolist()):
        (best,) = explain_pixel(prediction, y, x, classes=1, layer=layer).classes
        rows.append(
            {
                "layer": layer,
                "category_id": best.category_id,
                "label": best.label,
                "probability": best.probability,
                "query": found.query,
                "mask_probability": mask,
            }
        )
    return rows


def _why_not(prediction: Prediction, part: Part) -> str:
    try:
        prediction.require(part)
    except NotOfferedError as error:
        return str(error)
    return ""


def _sentence(found: PixelExplanation) -> str:
    best = found.classes[0]
    said = f"The pixel in column {found.x}, row {found.y} is {best.label}, {best.probability:.0%}"
    if len(found.classes) > 1:
        said += f"; next comes {found.classes[1].label}, {found.classes[1].probability:.0%}"
    if best.votes:
        vote = best.votes[0]
        said += (
            f". Query {vote.query} gave {vote.share:.0%} of that: it is {vote.class_probability:.0%} sure of "
            f"{best.label}, and its mask is {vote.mask_probability:.0%} here"
        )
    return f"{said}."
