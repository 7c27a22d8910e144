"""The call ``/evaluate``: a photo against its labels."""

from collections.abc import Mapping
from typing import Any

import gradio as gr

from segdemo.checkpoints import Checkpoint, public_id
from segdemo.data.photo_labels import FORMS, read_photo_labels
from segdemo.errors import SegdemoError
from segdemo.evaluation.errors import WIDTH
from segdemo.results.errormap import encode_error_map
from segdemo.results.job import Job
from segdemo.results.judged import WIDEST, judge
from segdemo.results.known import labels_of_file
from segdemo.results.make import Source
from segdemo.results.options import flat_defaults, options_from
from segdemo.settings import settings
from segdemo.ui.arguments import choice, flag, number
from segdemo.ui.calls import Work, bounded_size, chosen_checkpoint, network_inputs, option_inputs, register
from segdemo.ui.choices import load
from segdemo.ui.forms import is_sent, own_name, sent_file
from segdemo.ui.jobs import Jobs
from segdemo.ui.runs import predict
from segdemo.ui.server.decoding import opened_photo
from segdemo.ui.server.uploads import ledger

Answer = tuple[dict[str, Any], str]
"""The figures, path of the map of errors."""

TASKS = ("semantic", "panoptic")
_OPTIONS = flat_defaults().keys() - {"task", "opacity", "outlines", "hatching", "view", "show_classes"}
"""Those that the result depends on."""
_DESCRIPTION = (
    "Compare one photo's result with its labels: an index PNG of the checkpoint's classes, a PNG of ADE20K's or "
    "Cityscapes', COCO's JSON, COCO panoptic's PNG and JSON, or a colour PNG with its palette file. Returns the "
    "figures as JSON, as `python -m segdemo evaluate` writes them for a picture, and the map of errors as a PNG: 0 no "
    "label, 1 right, 2 boundary band, 3 missed object, 4 invented object, 5 inside a region."
)


def add_evaluate(choices: Mapping[str, Checkpoint], jobs: Jobs) -> Work:
    """Register the call within the current ``gr.Blocks``; the first of ``choices`` is the default checkpoint."""
    inputs = {
        "image": gr.File(label="Photo", type="binary"),
        "labels": gr.File(label="Its labels", type="binary"),
        "table": gr.File(label="The second file, where the labels have two", type="binary"),
        "form": gr.Dropdown(["auto", *FORMS], value="auto", label="What the labels are"),
        "file_name": gr.Textbox("", label="The photo's file name, by which a JSON file of many pictures knows it"),
        "task": gr.Dropdown(list(TASKS), value="semantic", label="What is judged"),
        "width": gr.Number(WIDTH, label="Width of the boundary band, in pixels"),
        "layers": gr.Checkbox(True, label="Every decoder layer, too"),
        **network_inputs(choices),
        **option_inputs(_OPTIONS),
    }
    outputs = [gr.JSON(label="Figures"), gr.File(label="Map of errors (PNG)")]
    return register("evaluate", _DESCRIPTION, inputs, outputs, lambda job, given: _evaluate(job, given, choices), jobs)


def _evaluate(job: Job, values: Mapping[str, Any], choices: Mapping[str, Checkpoint]) -> Answer:
    given = {name: value for name, value in values.items() if value is not None}
    checkpoint, size = chosen_checkpoint(values, choices), bounded_size(values)
    task = choice(given, "task", TASKS, default="semantic")
    form = choice(given, "form", ("auto", *FORMS), default="auto")
    width = number(given, "width", low=0.5, high=WIDEST, default=WIDTH)
    layers = flag(given, "layers", default=True)
    name = given.get("file_name", "") or own_name(values.get("image"))
    if not isinstance(name, str) or len(name) > 200:
        raise SegdemoError("file_name is not a text of up to 200 characters.")
    image = sent_file(values.get("image"), "image", job)
    labels = sent_file(values.get("labels"), "labels", job)
    table = sent_file(values["table"], "table", job) if is_sent(values.get("table")) else None
    if len(labels) + len(table or b"") > settings().max_file_bytes:
        raise SegdemoError(f"The label files are larger than {settings().max_file_bytes / 1e6:g} MB together.")
    with opened_photo(image, job) as photo:
        del image
        with job.turn():
            predictor = load(checkpoint)
            options = options_from({**values, "task": task}, predictor.taxonomy).of_the_map()
            read = read_photo_labels(labels, photo.shape[:2], predictor.id2label, form=form, table=table, name=name)
            known = labels_of_file(read)
            prediction = predict(job, predictor, photo, size, capture=layers, task=predictor.told(task))
        with job.within(settings().result_deadline):
            found = judge(job, Source(photo, prediction), options, known, width=width, layers=layers)
            with job.working():
                errors = encode_error_map(found.kinds)
    (path,) = ledger().keep(job.client, {"errors.png": errors})
    about = {
        "checkpoint": public_id(prediction.checkpoint),
        "size": list(prediction.image_size),
        **({"task": prediction.task} if prediction.task else {}),
        "labels": known.describe(),
    }
    return {**about, **found.to_json()}, str(path)
