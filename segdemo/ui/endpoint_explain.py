"""The call ``/explain``: why a pixel of a photo is what it is."""

from collections.abc import Mapping
from typing import Any

import gradio as gr

from segdemo.checkpoints import KINDS, Checkpoint
from segdemo.errors import SegdemoError
from segdemo.results.explained import CLASSES, MOST, QUERIES, explained
from segdemo.results.job import Job
from segdemo.settings import settings
from segdemo.ui.arguments import choice, whole
from segdemo.ui.calls import Work, bounded_size, chosen_checkpoint, network_inputs, register
from segdemo.ui.choices import load
from segdemo.ui.forms import sent_file
from segdemo.ui.jobs import Jobs
from segdemo.ui.runs import predict
from segdemo.ui.server.decoding import opened_photo

_DESCRIPTION = (
    "Explain one pixel of a photo, by default its middle: x is the column from the left, y the row from the top, in "
    "pixels of the photo. Returns JSON: a sentence, the most probable classes, the queries that voted for the best one "
    "with their shares and where each looked most in every layer, and what the pixel was after each decoder layer."
)


def add_explain(choices: Mapping[str, Checkpoint], jobs: Jobs) -> Work:
    """Register the call within the current ``gr.Blocks``; the first of ``choices`` is the default checkpoint."""
    inputs = {
        "image": gr.File(label="Photo", type="binary"),
        "x": gr.Number(None, label="Column of the pixel, 0 at the left", precision=0),
        "y": gr.Number(None, label="Row of the pixel, 0 at the top", precision=0),
        "classes": gr.Number(CLASSES, label=f"Classes told of, up to {MOST}", precision=0),
        "queries": gr.Number(QUERIES, label=f"Queries told of, up to {MOST}", precision=0),
        "task": gr.Dropdown(
            ["", *KINDS], value="", label="For networks that are told a task: which; the checkpoint's own where empty"
        ),
        **network_inputs(choices),
    }
    outputs = [gr.JSON(label="Explanation")]
    return register("explain", _DESCRIPTION, inputs, outputs, lambda job, given: _explain(job, given, choices), jobs)


def _explain(job: Job, values: Mapping[str, Any], choices: Mapping[str, Checkpoint]) -> dict[str, Any]:
    given = {name: value for name, value in values.items() if value is not None}
    checkpoint, size = chosen_checkpoint(values, choices), bounded_size(values)
    classes = whole(given, "classes", low=1, high=MOST, default=CLASSES)
    queries = whole(given, "queries", low=1, high=MOST, default=QUERIES)
    task = choice(given, "task", KINDS) if given.get("task") else None
    with opened_photo(sent_file(values.get("image"), "image", job), job) as photo:
        y, x = _place(given, "y", photo.shape[0], "high"), _place(given, "x", photo.shape[1], "wide")
        with job.turn():
            predictor = load(checkpoint)
            prediction = predict(job, predictor, photo, size, task=task)
            with job.within(settings().result_deadline), job.working():
                found = explained(prediction, y, x, classes=classes, queries=queries)
    return {**found, "task": prediction.task} if prediction.task else found


def _place(given: Mapping[str, Any], name: str, length: int, how: str) -> int:
    """A row or column of the photo, by default the middle one. Raises ``SegdemoError``."""
    try:
        return whole(given, name, low=0, high=length - 1, default=length // 2)
    except SegdemoError as error:
        raise SegdemoError(f"{str(error).rstrip('.')}: the photo is {length} pixels {how}.") from None
