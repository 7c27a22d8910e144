"""Evaluate: the photo against its labels, as maps and numbers, and the pixels behind every number."""

import base64
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from segdemo.errors import SegdemoError
from segdemo.evaluation.causes import CAUSES
from segdemo.evaluation.errors import BOUNDARY, INSIDE, KINDS, WIDTH
from segdemo.evaluation.legend import CAUSE_COLORS, KIND_COLORS, WRONG_COLOR
from segdemo.evaluation.photo import Evaluation
from segdemo.evaluation.pixel import error_at
from segdemo.packing import pack
from segdemo.results.errormap import encode_error_map
from segdemo.results.job import Job
from segdemo.results.judged import WIDEST, judge
from segdemo.results.known import KnownLabels
from segdemo.results.make import reduced
from segdemo.results.options import Task
from segdemo.results.outputs import as_json
from segdemo.ui.arguments import Arguments, choice, number
from segdemo.ui.options import page_options
from segdemo.ui.store import Record, array_bytes
from segdemo.ui.tabs.labels import record_labels, why_no_labels
from segdemo.ui.tabs.result import class_entry, small_size

JUDGED = ("semantic", "panoptic")
LAYERS_FOLLOW = "The decoder layers are being compared: they follow."


def evaluation(record: Record, arguments: Arguments, job: Job) -> dict[str, Any]:
    """All numbers, and the maps at the picture's size; only ``none``, a sentence, where there are no labels.

    Arguments: ``judged`` (one of ``JUDGED``), ``width`` of the boundary band in pixels of the photo, and the options of
    the Semantic and Panoptic tabs. All but what the decoder layers say is shown as soon as it is there, since they take
    most of the time.
    """
    labels = record_labels(record, job)
    if labels is None:
        return {"none": why_no_labels(record), "labels": None}

    def answer(found: Evaluation) -> dict[str, Any]:
        return {"none": "", "labels": labels.describe(), "figures": found.to_json(), **_maps(record, found)}

    def early(found: Evaluation) -> None:
        rough = answer(found)
        job.show({**rough, "figures": {**rough["figures"], "no_layers": LAYERS_FOLLOW}})
        job.report("Comparing every decoder layer")

    return answer(_evaluated(record, arguments, job, labels, early))


def evaluation_pixels(record: Record, arguments: Arguments, job: Job) -> dict[str, Any]:
    """The pixels behind a number, as ``Evaluation.where`` has them: a mask at the picture's size, and their count."""
    which = arguments.get("pixels")
    if not isinstance(which, list) or not 1 <= len(which) <= 3 or not all(type(part) in (str, int) for part in which):
        raise SegdemoError("pixels must say which ones, as a list of words and numbers.")
    mask = _existing(record, arguments, job).where(*which)
    return {"mask": pack(_small(mask, record)), "pixels": int(mask.sum())}


def error_pixel(record: Record, arguments: Arguments, job: Job) -> dict[str, Any]:
    """A sentence on the pixel at ``x``, ``y`` (0 to 1 from the left and the top)."""
    found = _existing(record, arguments, job)
    height, width = found.truth.shape
    column = min(width - 1, int(number(arguments, "x", low=0, high=1) * width))
    row = min(height - 1, int(number(arguments, "y", low=0, high=1) * height))
    return {"sentence": error_at(found, record.prediction, row, column).sentence}


def evaluation_file(record: Record, arguments: Arguments, job: Job) -> dict[str, Any]:
    """The map of errors as a PNG, or all numbers as JSON: name, MIME type, and base64 of the content."""
    kind = choice(arguments, "kind", ("map", "json"))
    with job.in_memory(pixels=record.image.shape[0] * record.image.shape[1]):
        found = _existing(record, arguments, job)
        job.report("Writing the file")
        with job.working():
            if kind == "map":
                name, mime, content = f"{record.name}.errors.png", "image/png", encode_error_map(found.kinds)
            else:
                name, mime = f"{record.name}.evaluation.json", "application/json"
                content = as_json(found.to_json())
    return {"name": name, "mime": mime, "data": base64.b64encode(content).decode("ascii")}


def _existing(record: Record, arguments: Arguments, job: Job) -> Evaluation:
    labels = record_labels(record, job)
    if labels is None:
        raise SegdemoError(why_no_labels(record))
    return _evaluated(record, arguments, job, labels)


def _evaluated(
    record: Record,
    arguments: Arguments,
    job: Job,
    labels: KnownLabels,
    early: Callable[[Evaluation], None] | None = None,
) -> Evaluation:
    """The evaluation that the arguments ask for, computed once; ``early`` is told what is known before the layers."""
    judged: Task = "panoptic" if choice(arguments, "judged", JUDGED, default="semantic") == "panoptic" else "semantic"
    width = number(arguments, "width", low=0.5, high=WIDEST, default=WIDTH)
    options = page_options({**arguments, "things_only": False}, record.taxonomy, task=judged).of_the_map()

    def compute() -> Evaluation:
        if early is not None and "layers" in record.prediction.offers:
            early(judge(job, record.source, options, labels, layers=False).at_width(width))
        return judge(job, record.source, options, labels)

    with job.turn():
        return record.derive(("evaluation", judged), compute, version=options, nbytes=_nbytes).at_width(width)


def _nbytes(found: Evaluation) -> int:
    arrays = [value for value in vars(found).values() if isinstance(value, np.ndarray | dict)]
    return array_bytes([*arrays, *vars(found.doubts).values()])


def _maps(record: Record, found: Evaluation) -> dict[str, Any]:
    present = sorted(set(np.unique(found.truth).tolist()) | set(np.unique(found.predicted).tolist()))
    known = {entry.index for entry in record.taxonomy.classes}
    small = small_size(record)
    return {
        "maps": {
            "kinds": pack(_small(found.kinds, record)),
            "causes": None if found.causes is None else pack(_small(found.causes, record)),
            # 0 where nothing is wrong, 1 for never right, 2 + the layer.
            "lost": None if found.lost_at is None else pack(_small(found.lost_at + 2, record)),
            # 65535 and 65534 are the two negative values.
            "truth": pack(reduced(found.truth, record.display_size)),
            "predicted": pack(reduced(found.predicted, record.display_size)),
            # The least whole width of a boundary band that has the pixel.
            "band": pack(_small(np.minimum(np.ceil(found.distance), 255), record)),
        },
        "bandPixels": _band_pixels(found),
        "small": {
            "confidence": pack(reduced(found.confidence, small).astype(np.uint8)),
            "label": pack(reduced(found.label_probability, small).astype(np.uint8)),
        },
        "classes": [class_entry(record.taxonomy, index) for index in present if index in known],
        "colors": {
            "wrong": list(WRONG_COLOR),
            "kinds": {kind: list(KIND_COLORS[kind]) for kind in KINDS},
            "causes": {cause: list(CAUSE_COLORS[cause]) for cause in CAUSES[1:]},
        },
        "kinds": list(KINDS),
        "causes": list(CAUSES),
    }


def _band_pixels(found: Evaluation) -> list[int]:
    """The errors in bands of 0, 1 ... ``WIDEST`` pixels, and last all that are in the band or inside a region."""
    either = (found.kinds == BOUNDARY) | (found.kinds == INSIDE)
    widths = np.minimum(np.ceil(found.distance[either]), WIDEST + 1).astype(np.intp)
    return np.cumsum(np.bincount(widths, minlength=WIDEST + 2)).tolist()


def _small(values: npt.NDArray[Any], record: Record) -> npt.NDArray[np.uint8]:
    """A map of small numbers at the picture's size."""
    return reduced(values, record.display_size).astype(np.uint8)
