"""Downloads: the same files as the command line writes, at the photo's own size."""

import base64
from typing import Any

from segdemo.results.outputs import OutputOptions, make_outputs
from segdemo.ui.arguments import Arguments, choice, flag, number
from segdemo.ui.jobs import Job
from segdemo.ui.store import Record
from segdemo.ui.tabs.panoptic import thresholds
from segdemo.ui.tabs.refinement import refine_options

KINDS = ("idmap", "segments", "overlay")


def download(record: Record, arguments: Arguments, job: Job) -> dict[str, Any]:
    """One file: name, MIME type, and base64 of its content."""
    kind = choice(arguments, "kind", KINDS)
    task = choice(arguments, "task", ("semantic", "panoptic"))
    options = OutputOptions(
        task="instance" if task == "panoptic" and flag(arguments, "things_only") else task,  # type: ignore[arg-type]
        **thresholds(arguments),
        split_components=flag(arguments, "split"),
        opacity=number(arguments, "opacity", low=0, high=1, default=0.6),
        outlines=flag(arguments, "outlines", default=True),
        refine=refine_options(arguments),
    )
    job.report("Writing the file")
    made = make_outputs(record.image, record.prediction, options)
    stem = f"{record.name}.{options.task}"
    name, mime, content = {
        "idmap": (f"{stem}.png", "image/png", made.id_map),
        "segments": (f"{stem}.segments.json", "application/json", made.segments_json()),
        "overlay": (f"{stem}.overlay.jpg", "image/jpeg", made.overlay),
    }[kind]
    return {"name": name, "mime": mime, "data": base64.b64encode(content).decode("ascii")}
