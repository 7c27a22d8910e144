"""The report of what the page shows: the photo, what was found in it and chosen of it, as one HTML file."""

import base64
from dataclasses import replace
from typing import Any

from segdemo.results.job import Job
from segdemo.results.report import report, report_options
from segdemo.ui.alone import shell
from segdemo.ui.arguments import Arguments, flag, number
from segdemo.ui.options import page_options
from segdemo.ui.store import Record
from segdemo.ui.tabs.labels import record_labels
from segdemo.ui.tabs.result import things_only


def report_file(record: Record, arguments: Arguments, job: Job) -> dict[str, Any]:
    """The file: name, MIME type, and base64 of its content.

    ``pixel_x`` and ``pixel_y`` are the pixel that was picked, 0 to 1 from the left and the top; the rest are the
    options of ``report_options`` and of a download.
    """
    options = page_options(arguments, record.taxonomy, things_only=things_only(record))
    if options.task == "semantic":
        options = replace(options, split_components=flag(arguments, "split"))
    given = {name: arguments.get(name) for name in ("title", "note", "query", "layer", "attention")}
    if arguments.get("pixel_x") is not None:
        height, width = record.prediction.image_size
        given["x"] = min(width - 1, int(number(arguments, "pixel_x", low=0, high=1) * width))
        given["y"] = min(height - 1, int(number(arguments, "pixel_y", low=0, high=1) * height))
    asked = report_options({**given, "file_name": record.name})
    with job.in_memory(pixels=record.image.shape[0] * record.image.shape[1]):
        job.report("Making the report")
        labels = record_labels(record, job)
        page = report(job, record.source, record.checkpoint, options, asked, shell=shell(), labels=labels)
    return {"name": f"{record.name}.report.html", "mime": "text/html", "data": base64.b64encode(page).decode("ascii")}
