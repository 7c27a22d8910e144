"""Refinement: the visitor's sliders applied to the semantic map, and what they changed."""

import time
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from segdemo.errors import SegdemoError
from segdemo.progress import CancelledError
from segdemo.refine import (
    CrfOptions,
    Difference,
    MorphologyOptions,
    PreparedCrf,
    Quality,
    Refined,
    RefineOptions,
    prepare_crf,
    refine_semantic,
)
from segdemo.results.refined import contending_classes
from segdemo.segmentation import class_probabilities
from segdemo.settings import settings
from segdemo.taxonomy import Taxonomy
from segdemo.ui.arguments import Arguments, choice, flag, number, whole
from segdemo.ui.jobs import Job, Turnstile
from segdemo.ui.packing import pack
from segdemo.ui.runs import semantic_map
from segdemo.ui.store import Record
from segdemo.ui.tabs.result import class_entry, for_display
from segdemo.ui.tabs.truth import ground_truth, scores

OPERATIONS = ("none", "erode", "dilate", "open", "close")
CONTENDERS = 24
"""The CRF weighs so many classes at most: those with the largest areas."""


def refine(record: Record, arguments: Arguments) -> dict[str, Any]:
    """The refined semantic map, with the CRF in its interactive quality: what a moving slider shows."""
    return _answer(record, _refined(record, refine_options(arguments), "interactive", None))


def refine_exactly(record: Record, arguments: Arguments, job: Job, turnstile: Turnstile) -> dict[str, Any]:
    """The same with the CRF in its exact quality, one visitor at a time; ends at the deadline with a sentence."""
    options = refine_options(arguments)
    with turnstile.turn(waiting=lambda ahead: job.report(f"Waiting: {ahead} ahead of you")):
        job.report("Refining exactly", 0.0)
        refined = _refined(record, options, "exact", job)
        return {**_answer(record, refined), "truth": _against_truth(record, np.asarray(refined.labels))}


def judge(record: Record, arguments: Arguments) -> dict[str, Any]:
    """The refined map's scores against the ground truth; on its own, since they take longer than the refinement."""
    refined = _refined(record, refine_options(arguments), "interactive", None)
    return {"truth": _against_truth(record, np.asarray(refined.labels))}


def refine_options(arguments: Arguments) -> RefineOptions:
    """What the page's ``refine`` argument asks for; raises ``SegdemoError`` for values outside the sliders."""
    wanted = arguments.get("refine")
    if wanted is None:
        return RefineOptions()
    if not isinstance(wanted, dict):
        raise SegdemoError("refine must hold the sliders' values.")
    crf = CrfOptions()
    return RefineOptions(
        morphology=MorphologyOptions(
            operation=choice(wanted, "operation", OPERATIONS, default="none"),  # type: ignore[arg-type]
            size=whole(wanted, "size", low=1, high=101, default=5) | 1,
            shape=choice(wanted, "shape", ("ellipse", "square", "cross"), default="ellipse"),  # type: ignore[arg-type]
            smallest_region=whole(wanted, "smallest_region", low=0, high=1_000_000, default=0),
            largest_hole=whole(wanted, "largest_hole", low=0, high=1_000_000, default=0),
        ),
        crf=CrfOptions(
            enabled=flag(wanted, "crf"),
            gaussian_sxy=number(wanted, "gaussian_sxy", low=0.5, high=50, default=crf.gaussian_sxy),
            gaussian_compat=number(wanted, "gaussian_compat", low=0, high=50, default=crf.gaussian_compat),
            bilateral_sxy=number(wanted, "bilateral_sxy", low=1, high=400, default=crf.bilateral_sxy),
            bilateral_srgb=number(wanted, "bilateral_srgb", low=1, high=128, default=crf.bilateral_srgb),
            bilateral_compat=number(wanted, "bilateral_compat", low=0, high=50, default=crf.bilateral_compat),
            iterations=whole(wanted, "iterations", low=0, high=20, default=crf.iterations),
        ),
    )


def scaled(options: RefineOptions, factor: float) -> RefineOptions:
    """The same options for a picture ``factor`` times the photo's width: lengths shrink by it, areas by its square."""
    if factor == 1:
        return options
    shape, crf = options.morphology, options.crf
    return RefineOptions(
        morphology=MorphologyOptions(
            operation=shape.operation,
            size=max(1, round(shape.size * factor)) | 1,
            shape=shape.shape,
            smallest_region=round(shape.smallest_region * factor**2),
            largest_hole=round(shape.largest_hole * factor**2),
        ),
        crf=CrfOptions(
            enabled=crf.enabled,
            gaussian_sxy=max(0.5, crf.gaussian_sxy * factor),
            gaussian_compat=crf.gaussian_compat,
            bilateral_sxy=max(1, crf.bilateral_sxy * factor),
            bilateral_srgb=crf.bilateral_srgb,
            bilateral_compat=crf.bilateral_compat,
            iterations=crf.iterations,
        ),
    )


def change_rows(changes: Difference, taxonomy: Taxonomy, categories: dict[int, int]) -> list[dict[str, Any]]:
    """Net change of each class as a share of the photo, the largest first; ``categories`` maps labels to classes."""
    shares: dict[int, float] = {}
    for label, change in changes.by_class.items():
        if label in categories:
            index = categories[label]
            shares[index] = shares.get(index, 0.0) + (change.after - change.before) / changes.mask.size
    ordered = sorted(shares.items(), key=lambda item: -abs(item[1]))
    return [{**class_entry(taxonomy, index), "share": share} for index, share in ordered if share]


def _refined(record: Record, options: RefineOptions, quality: Quality, job: Job | None) -> Refined:
    factor = record.display_size[1] / record.image.shape[1]
    image = record.derive("picture", lambda: _picture(record))
    labels = record.derive("labels", lambda: _labels(record))
    options = scaled(options, factor)
    classes, probabilities = record.derive("probabilities", lambda: _probabilities(record, labels))
    prepared = None
    if options.crf.enabled:
        prepared = _prepared(record, image, options.crf, quality)
    deadline = time.monotonic() + settings().crf_deadline
    try:
        return refine_semantic(
            image,
            probabilities,
            classes,
            labels,
            options,
            quality=quality,
            prepared=prepared,
            cancel=lambda: time.monotonic() > deadline or (job is not None and job.cancelled),
            progress=None if job is None else lambda share: job.report("Refining exactly", share),
        )
    except CancelledError:
        if job is not None and job.cancelled:
            raise
        raise SegdemoError(
            f"The refinement took more than {settings().crf_deadline:.0f} seconds and was stopped: "
            "choose a smaller reach or fewer iterations."
        ) from None


def _prepared(record: Record, image: npt.NDArray[np.uint8], crf: CrfOptions, quality: Quality) -> PreparedCrf:
    key = ("crf", quality, crf.bilateral_sxy, crf.bilateral_srgb)
    return record.derive(
        key,
        lambda: prepare_crf(image, bilateral_sxy=crf.bilateral_sxy, bilateral_srgb=crf.bilateral_srgb, quality=quality),
        nbytes=lambda prepared: prepared.nbytes,
    )


def _picture(record: Record) -> npt.NDArray[np.uint8]:
    """The photo at the size of the maps that the browser gets."""
    height, width = record.display_size
    if record.image.shape[:2] == (height, width):
        return record.image
    return np.asarray(cv2.resize(record.image, (width, height), interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _probabilities(record: Record, labels: npt.NDArray[np.integer]) -> tuple[list[int], npt.NDArray[np.float32]]:
    """The classes that take part and their probabilities at every pixel of the picture."""
    classes = contending_classes(labels)[:CONTENDERS]
    return classes, class_probabilities(record.prediction, classes=classes, size=record.display_size)


def _answer(record: Record, refined: Refined) -> dict[str, Any]:
    labels = np.asarray(refined.labels)
    values, counts = np.unique(labels, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    means = {entry["id"]: entry["score"] for entry in record.derive("scores", lambda: _scores(record))}
    return {
        "map": pack(labels.astype(np.uint16)),
        "mask": pack(refined.difference.mask.astype(np.uint8)),
        "entries": [
            {
                **class_entry(record.taxonomy, int(values[place])),
                "area": float(counts[place] / labels.size),
                "score": means.get(int(values[place]), 0.0),
            }
            for place in order
        ],
        "changed": refined.difference.changed_percent / 100,
        "byClass": change_rows(
            refined.difference, record.taxonomy, {entry.index: entry.index for entry in record.taxonomy.classes}
        ),
        "seconds": refined.seconds,
        "grid": round(refined.grid_factor, 2),
        "parameters": refined.parameters,
        "truth": None,
    }


def _scores(record: Record) -> list[dict[str, Any]]:
    from segdemo.segmentation import present_classes

    found = present_classes(record.prediction, semantic_map(record))
    return [{"id": entry.category_id, "score": entry.score} for entry in found]


def _against_truth(record: Record, after: npt.NDArray[np.integer]) -> dict[str, Any] | None:
    """Scores before and after, where the truth is known."""
    truth = record.derive("truth", lambda: ground_truth(record))
    if truth is None:
        return None
    count = len(record.taxonomy)
    before = record.derive(
        "truth before", lambda: scores(record.derive("labels", lambda: _labels(record)), truth, count)
    )
    return {"before": before, "after": scores(after, truth, count)}


def _labels(record: Record) -> npt.NDArray[np.uint16]:
    return for_display(semantic_map(record).labels, record.display_size)
