"""The call ``/report``: all that was found in a photo as one HTML file."""

from collections.abc import Mapping
from typing import Any

import gradio as gr

from segdemo.checkpoints import Checkpoint
from segdemo.data.photo_labels import FORMS, read_photo_labels
from segdemo.errors import SegdemoError
from segdemo.prediction import Size
from segdemo.results.job import Job
from segdemo.results.known import KnownLabels, labels_of_file
from segdemo.results.make import Source
from segdemo.results.options import CHOICES, flat_defaults, options_from, usual_task
from segdemo.results.report import report, report_options
from segdemo.settings import settings
from segdemo.ui.alone import shell
from segdemo.ui.arguments import choice
from segdemo.ui.calls import Work, bounded_size, chosen_checkpoint, network_inputs, option_inputs, register
from segdemo.ui.choices import load
from segdemo.ui.forms import is_sent, own_name, sent_file
from segdemo.ui.jobs import Jobs
from segdemo.ui.runs import predict
from segdemo.ui.server.decoding import opened_photo
from segdemo.ui.server.uploads import ledger

_DESCRIPTION = (
    "Report on one photo: one HTML file of at most 5 MB that opens from disk and fetches nothing, with the photo, its "
    "classes and segments, how the answer grew over the decoder's layers, where a query looked, why the pixel x, y is "
    "what it is, the measures where there are labels, all settings, and the checkpoint with its terms."
)


def add_report(choices: Mapping[str, Checkpoint], jobs: Jobs) -> Work:
    """Register the call within the current ``gr.Blocks``; the first of ``choices`` is the default checkpoint."""
    default = next(iter(choices.values()))
    inputs = {
        "image": gr.File(label="Photo", type="binary"),
        "title": gr.Textbox("", label="The report's title"),
        "note": gr.Textbox("", label="A note; empty lines part paragraphs"),
        "x": gr.Number(None, label="Column of a pixel to explain, 0 at the left", precision=0),
        "y": gr.Number(None, label="Row of the pixel, 0 at the top", precision=0),
        "query": gr.Number(None, label="The query to follow; the one that decided most where empty", precision=0),
        "layer": gr.Number(None, label="The layer whose attention is shown", precision=0),
        "attention": gr.Textbox("", label="Attention maps to show: LAYER:QUERY, with commas between"),
        "labels": gr.File(label="Labels of the photo, to judge the result by", type="binary"),
        "table": gr.File(label="The second file, where the labels have two", type="binary"),
        "form": gr.Dropdown(["auto", *FORMS], value="auto", label="What the labels are"),
        "file_name": gr.Textbox("", label="The photo's file name"),
        "task": gr.Dropdown(
            list(CHOICES["task"]),
            value=usual_task(default),
            label="What is shown first; networks that are told a task are told this",
        ),
        **network_inputs(choices),
        **option_inputs(flat_defaults().keys() - {"task"}),
    }
    outputs = [gr.File(label="Report (HTML)")]
    return register("report", _DESCRIPTION, inputs, outputs, lambda job, given: _report(job, given, choices), jobs)


def _report(job: Job, values: Mapping[str, Any], choices: Mapping[str, Checkpoint]) -> str:
    checkpoint, size = chosen_checkpoint(values, choices), bounded_size(values)
    name = values.get("file_name") or own_name(values.get("image"))
    asked = report_options({**values, "file_name": name})
    if len(asked.name) > 200:
        raise SegdemoError("file_name is not a text of up to 200 characters.")
    given = {name: value for name, value in values.items() if value is not None}
    form = choice(given, "form", ("auto", *FORMS), default="auto")
    image = sent_file(values.get("image"), "image", job)
    files = _label_files(values, job)
    with opened_photo(image, job) as photo:
        del image
        with job.turn():
            predictor = load(checkpoint)
            task = usual_task(predictor.checkpoint) if values.get("task") is None else values["task"]
            options = options_from({**values, "task": task}, predictor.taxonomy)
            known = _known(files, form, (photo.shape[0], photo.shape[1]), predictor.id2label, asked.name)
            prediction = predict(job, predictor, photo, size, task=predictor.told(options.task))
        source = Source(photo, prediction)
        page = report(job, source, predictor.checkpoint, options, asked, shell=shell(), labels=known)
    (path,) = ledger().keep(job.client, {"report.html": page})
    return str(path)


def _label_files(values: Mapping[str, Any], job: Job) -> tuple[bytes, bytes | None] | None:
    """The file of labels that was sent, and the second one, if any. Raises ``SegdemoError``."""
    table = sent_file(values["table"], "table", job) if is_sent(values.get("table")) else None
    if not is_sent(values.get("labels")):
        if table is not None:
            raise SegdemoError("table is the second file of labels: send the first one as `labels`.")
        return None
    labels = sent_file(values["labels"], "labels", job)
    if len(labels) + len(table or b"") > settings().max_file_bytes:
        raise SegdemoError(f"The label files are larger than {settings().max_file_bytes / 1e6:g} MB together.")
    return labels, table


def _known(
    files: tuple[bytes, bytes | None] | None, form: str, size: Size, classes: Mapping[int, str], name: str
) -> KnownLabels | None:
    if files is None:
        return None
    labels, table = files
    return labels_of_file(read_photo_labels(labels, size, classes, form=form, table=table, name=name))
