"""The public calls of the API: ``/segment``, ``/explain``, ``/evaluate`` and ``/report``, for one photo each.

They do what the page, the command line and Python do, with the same options.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import gradio as gr

from segdemo.checkpoints import Checkpoint, available_checkpoints, find
from segdemo.results.job import Job
from segdemo.results.make import Source
from segdemo.results.options import CHOICES, flat_defaults, options_from, usual_task
from segdemo.results.outputs import make_outputs
from segdemo.settings import settings
from segdemo.ui.calls import (
    Work,
    bounded_size,
    chosen_checkpoint,
    network_inputs,
    option_inputs,
    register,
    take_values_as_they_come,
)
from segdemo.ui.choices import by_public_id, load
from segdemo.ui.endpoint_evaluate import add_evaluate
from segdemo.ui.endpoint_explain import add_explain
from segdemo.ui.endpoint_report import add_report
from segdemo.ui.forms import sent_file
from segdemo.ui.jobs import Jobs
from segdemo.ui.runs import predict
from segdemo.ui.server.decoding import opened_photo
from segdemo.ui.server.folder import private_folder
from segdemo.ui.server.uploads import ledger
from segdemo.ui.snippets import show_short_snippets

Answer = tuple[str, dict[str, Any], str]
"""Path of the id map, the segments, path of the overlay."""


@dataclass(frozen=True)
class Endpoints:
    """The calls there are."""

    works: Mapping[str, Work]
    """By name."""
    choices: Mapping[str, Checkpoint]
    """The checkpoints that they run, by the names that callers know; the first is the one by default."""


_DESCRIPTION = (
    "Segment one photo. Returns the id map as a PNG, its segments as JSON, and an overlay as a JPEG, all at the photo's"
    " own size. Semantic: 8-bit class indices, 255 = none, and the classes present. Panoptic and instance: id = R + "
    "256 G + 65536 B, 0 = none, and COCO segments_info with score and label. Instances may overlap: their list "
    "has each with its whole mask, as COCO's results do."
)


def add_endpoints(checkpoint: str, jobs: Jobs) -> Endpoints:
    """Register the calls within the current ``gr.Blocks``, with components that no visitor sees; return them.

    ``checkpoint`` is the one that runs unless a call names another that is on this machine.
    """
    # Where the files of calls go, settled before a component asks Gradio.
    private_folder()
    choices = by_public_id([find(checkpoint), *available_checkpoints()])
    with gr.Column(visible=False):
        works = {
            "segment": _add_segment(choices, jobs),
            "explain": add_explain(choices, jobs),
            "evaluate": add_evaluate(choices, jobs),
            "report": add_report(choices, jobs),
        }
    take_values_as_they_come(works)
    show_short_snippets(works)
    return Endpoints(works, choices)


def _add_segment(choices: Mapping[str, Checkpoint], jobs: Jobs) -> Work:
    default = next(iter(choices.values()))
    inputs = {
        "image": gr.File(label="Photo", type="binary"),
        "task": gr.Dropdown(
            list(CHOICES["task"]),
            value=usual_task(default),
            label="What to separate; networks that are told a task are told this",
        ),
        **network_inputs(choices),
        **option_inputs(flat_defaults().keys() - {"task"}),
    }
    outputs = [gr.File(label="Id map (PNG)"), gr.JSON(label="Segments"), gr.File(label="Overlay (JPEG)")]
    return register("segment", _DESCRIPTION, inputs, outputs, lambda job, given: _segment(job, given, choices), jobs)


def _segment(job: Job, values: Mapping[str, Any], choices: Mapping[str, Checkpoint]) -> Answer:
    checkpoint, size = chosen_checkpoint(values, choices), bounded_size(values)
    with opened_photo(sent_file(values.get("image"), "image", job), job) as photo:
        with job.turn():
            predictor = load(checkpoint)
            task = usual_task(predictor.checkpoint) if values.get("task") is None else values["task"]
            options = options_from({**values, "task": task}, predictor.taxonomy)
            prediction = predict(job, predictor, photo, size, capture=False, task=predictor.told(options.task))
        with job.within(settings().result_deadline):
            made = make_outputs(job, Source(photo, prediction), options)
    id_map, overlay = ledger().keep(job.client, {"ids.png": made.id_map, "overlay.jpg": made.overlay})
    listed = {} if made.instances is None else {"instances": list(made.instances)}
    return str(id_map), {**made.segments, **listed}, str(overlay)
