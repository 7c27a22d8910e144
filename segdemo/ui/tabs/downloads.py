"""Downloads: the same files as the command line writes, at the photo's own size."""

import base64
from typing import Any

from segdemo.results.coco import coco_instances, coco_masks, results_json
from segdemo.results.evolution import encode_evolution
from segdemo.results.job import Job
from segdemo.results.make import make_result
from segdemo.results.outputs import as_json, describe, encode_id_map, encode_overlay
from segdemo.ui.arguments import Arguments, choice
from segdemo.ui.options import page_options
from segdemo.ui.store import Record
from segdemo.ui.tabs.result import things_only

KINDS = ("idmap", "segments", "overlay", "instances", "masks", "evolution")


def download(record: Record, arguments: Arguments, job: Job) -> dict[str, Any]:
    """One file: name, MIME type, and base64 of its content."""
    kind = choice(arguments, "kind", KINDS)
    options, source = page_options(arguments, record.taxonomy, things_only=things_only(record)), record.source
    stem = f"{record.name}.{options.task}"
    with job.in_memory(pixels=record.image.shape[0] * record.image.shape[1]):
        if kind == "evolution":
            job.report("Drawing the layers")
            return _file(f"{record.name}.evolution.webp", "image/webp", encode_evolution(job, source, options))
        job.report("Making the result")
        result = make_result(job, source, options)
        job.report("Writing the file")
        if kind == "idmap":
            name, mime, content = f"{stem}.png", "image/png", encode_id_map(job, source, result)
        elif kind == "segments":
            name, mime = f"{stem}.segments.json", "application/json"
            content = as_json(describe(job, source, result, options))
        elif kind == "instances":
            name, mime = f"{record.name}.instances.json", "application/json"
            content = results_json(coco_instances(job, source, result), record.name)
        elif kind == "masks":
            name, mime = f"{stem}.masks.json", "application/json"
            content = results_json(coco_masks(job, source, result), record.name)
        else:
            name, mime = f"{stem}.overlay.jpg", "image/jpeg"
            content = encode_overlay(job, source, result, options)
        return _file(name, mime, content)


def _file(name: str, mime: str, content: bytes) -> dict[str, Any]:
    return {"name": name, "mime": mime, "data": base64.b64encode(content).decode("ascii")}
