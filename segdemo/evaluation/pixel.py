"""A pixel of an evaluated photograph in words: what it is taken for, what it is, and where that came in."""

from dataclasses import dataclass

import numpy as np

from segdemo.errors import NotOfferedError
from segdemo.evaluation.causes import CAUSES, COVERED, naming
from segdemo.evaluation.errors import KINDS
from segdemo.evaluation.photo import NEVER, Evaluation
from segdemo.labels import NOTHING, VOID
from segdemo.prediction import Prediction
from segdemo.segmentation.sampling import grid, sigmoid, softmax


@dataclass(frozen=True)
class QueryAtPixel:
    """A query that covers the pixel and names a class."""

    query: int
    category_id: int
    label: str
    class_probability: float
    """Of that class, 0 to 1."""
    mask_probability: float
    """At the pixel, 0 to 1."""


@dataclass(frozen=True)
class ErrorAtPixel:
    """What an evaluation says of a pixel."""

    y: int
    x: int
    predicted: int
    """The class that is judged; -1 for none."""
    truth: int
    """``VOID`` (-1) without a label, ``NOTHING`` (-2) for none of the classes."""
    probability: float
    """Of the class that the network gave it, before any refinement; 0 to 1."""
    label_probability: float
    """Of the true class, 0 to 1."""
    kind: str
    cause: str | None
    """None where there are no causes, ``"none"`` where nothing is wrong."""
    lost_at: int | None
    """See ``Evaluation.lost_at``; none without layers."""
    queries: tuple[QueryAtPixel, ...]
    """Those that cover it and name a class, what adds most first; empty for networks without queries."""
    sentence: str
    """All of it in words."""


def error_at(evaluation: Evaluation, prediction: Prediction, y: int, x: int) -> ErrorAtPixel:
    """What there is to say of a pixel of the photograph; raises ``IndexError`` outside of it."""
    height, width = evaluation.truth.shape
    if not (0 <= y < height and 0 <= x < width):
        raise IndexError(f"pixel ({y}, {x}) is not in a photograph of {height} x {width}")
    queries = covering_queries(evaluation, prediction, y, x)
    truth, predicted = int(evaluation.truth[y, x]), int(evaluation.predicted[y, x])
    kind = KINDS[evaluation.kinds[y, x]]
    cause = None if evaluation.causes is None else CAUSES[evaluation.causes[y, x]]
    lost = None if evaluation.lost_at is None else int(evaluation.lost_at[y, x])
    found = ErrorAtPixel(
        y,
        x,
        predicted,
        truth,
        evaluation.confidence[y, x] / 100,
        evaluation.label_probability[y, x] / 100,
        kind,
        cause,
        lost,
        queries,
        "",
    )
    return ErrorAtPixel(**{**vars(found), "sentence": _sentence(found, evaluation, prediction)})


def covering_queries(evaluation: Evaluation, prediction: Prediction, y: int, x: int) -> tuple[QueryAtPixel, ...]:
    """The queries that cover a pixel and name a class, those first that add most to its classes' scores."""
    try:
        speakers = naming(prediction)
    except NotOfferedError:
        return ()
    layout = grid(prediction)
    row, column = layout.rows.span(y, y + 1), layout.columns.span(x, x + 1)
    cells = prediction.masks[-1][speakers.queries, row.cells, column.cells].astype(np.float32)
    if "panoptic" in evaluation.judged:
        near = sigmoid(row.direct @ cells @ column.direct.T)
    else:
        near = sigmoid(row.up @ cells @ column.up.T)
        near = near if row.resize is None else row.resize @ near
        near = near if column.resize is None else near @ column.resize.T
    masks = near.reshape(-1)
    chances = softmax(prediction.class_logits(-1))[speakers.queries, speakers.classes]
    order = sorted(np.flatnonzero(masks >= COVERED).tolist(), key=lambda place: -float(chances[place] * masks[place]))
    return tuple(
        QueryAtPixel(
            int(speakers.queries[place]),
            int(speakers.classes[place]),
            evaluation.name(int(speakers.classes[place])),
            float(chances[place]),
            float(masks[place]),
        )
        for place in order
    )


def _sentence(found: ErrorAtPixel, evaluation: Evaluation, prediction: Prediction) -> str:
    taken = f"predicted {evaluation.name(found.predicted)}"
    if "refined" not in evaluation.judged and "panoptic" not in evaluation.judged and found.predicted >= 0:
        taken += f" {_percent(found.probability)}"
    if found.truth == VOID:
        return f"{taken}; no label here."
    if found.kind == "right":
        return f"{taken}: right."
    is_ = "of no class" if found.truth == NOTHING else f"is {evaluation.name(found.truth)}"
    share = "" if found.truth == NOTHING else f" {_percent(found.label_probability)}"
    parts = [f"{taken}, {is_}{share} ({_KIND_WORDS[found.kind]})."]
    if found.cause is not None:
        parts.append(_cause_words(found, evaluation))
    if found.lost_at is not None:
        parts.append(_layer_words(found.lost_at, prediction.num_layers))
    said = " ".join(parts)
    return said[0].upper() + said[1:]


_KIND_WORDS = {
    "boundary": "at a border",
    "missed": "a missed object",
    "invented": "an invented object",
    "inside": "inside a region",
}


def _cause_words(found: ErrorAtPixel, evaluation: Evaluation) -> str:
    right = [entry for entry in found.queries if entry.category_id == found.truth]
    match found.cause:
        case "refinement":
            return "Refinement changed a right pixel."
        case "filter":
            return f"The thresholds dropped what was right: {_named(right)}."
        case "vote":
            others = [entry for entry in found.queries if entry.category_id != found.truth]
            against = f", and lost against {_named(others)}" if others else ", and was outvoted by fainter ones"
            return f"{_named(right)} was right{against}."
        case "classification":
            return f"Covered by {_named(list(found.queries))}: another class."
    return "No query that names a class covers it."


def _percent(share: float) -> str:
    """In whole per cent, as everywhere on the page: ``99 %``."""
    return f"{100 * share:.0f} %"


def _named(entries: list[QueryAtPixel]) -> str:
    if not entries:
        return "another query"
    return " and ".join(
        f"query {entry.query} ({entry.label} {_percent(entry.class_probability)}, "
        f"mask {_percent(entry.mask_probability)})"
        for entry in entries[:2]
    ) + (f" and {len(entries) - 2} more" if len(entries) > 2 else "")


def _layer_words(lost: int, layers: int) -> str:
    if lost == NEVER:
        return "It was right after no layer."
    if lost == layers - 1:
        return "The last layer had it right."
    return (
        f"It was last right after layer {lost} of {layers - 1}."
        if lost
        else "It was last right in the initial prediction."
    )
