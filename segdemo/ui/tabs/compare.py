"""Compare: two results of one photo, how far they agree, and which of them is right where there are labels."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from segdemo.errors import SegdemoError
from segdemo.evaluation.agreement import Agreement, JointClasses, agreement
from segdemo.evaluation.evaluate import class_map
from segdemo.evaluation.legend import CAUSE_COLORS, KIND_COLORS, WRONG_COLOR
from segdemo.evaluation.outcomes import OUTCOMES, Outcomes, outcomes
from segdemo.evaluation.photo import Evaluation
from segdemo.packing import pack
from segdemo.results.difference import agreement_csv, encode_difference
from segdemo.results.job import Job
from segdemo.results.judged import judge
from segdemo.results.known import KnownLabels
from segdemo.results.make import Result, reduced
from segdemo.segmentation import Segments, SemanticMap
from segdemo.ui.arguments import Arguments, choice
from segdemo.ui.beside import Beside
from segdemo.ui.store import Record, array_bytes
from segdemo.ui.tabs.labels import record_labels, why_no_labels
from segdemo.ui.tabs.result import class_entry, small_size
from segdemo.ui.tabs.sides import Side, describe, sides

NO_LABELS_FOR_ONE = "The labels say nothing of the classes of one of the two checkpoints: only the maps are compared."
MEASURES = ("pixel_accuracy", "miou", "frequency_weighted_iou", "boundary_f", "boundary_width", "panoptic")


@dataclass(frozen=True, eq=False)
class Comparison:
    """What was found."""

    agreement: Agreement
    sure: tuple[npt.NDArray[np.uint8] | None, npt.NDArray[np.uint8] | None]
    """Probability of each map's class in percent, at the small size; none where the map has none."""
    labels: KnownLabels | None
    none: str
    """Why there are no scores; empty where there are."""
    scores: tuple[Mapping[str, Any], Mapping[str, Any]] | None
    outcomes: Outcomes | None

    @property
    def nbytes(self) -> int:
        """Memory held, in bytes."""
        maps = [self.agreement.first, self.agreement.second, self.agreement.difference, *self.sure]
        return array_bytes([*maps, *([] if self.outcomes is None else [self.outcomes.first, self.outcomes.second])])


def comparison(record: Record, arguments: Arguments, job: Job, beside: Beside) -> dict[str, Any]:
    """Both maps in joint classes at the picture's size, how far they agree, and scores where there are labels.

    Arguments: those of ``sides.sides``. The second run is made where it is not there.
    """
    both = sides(record, arguments, job, beside)
    found = _compared(record, arguments, both, job)
    told = found.agreement
    return {
        "ran": beside.ran,
        "sides": [describe(side) for side in both],
        "share": told.share,
        "pixels": dict(zip(("same", "different", "unmatched"), told.counts, strict=True)),
        "unmatched": [list(names) for names in told.unmatched],
        "classes": _class_rows(told, both),
        "maps": [pack(reduced(labels, record.display_size)) for labels in (told.first, told.second)],
        "difference": pack(reduced(told.difference, record.display_size).astype(np.uint8)),
        "sure": [None if plane is None else pack(plane) for plane in found.sure],
        "labels": None if found.labels is None else found.labels.describe(),
        "none": found.none,
        "scores": found.scores,
        **_outcome_rows(found.outcomes, record),
    }


def comparison_file(record: Record, arguments: Arguments, job: Job, beside: Beside) -> dict[str, Any]:
    """The difference map as a PNG, or the table as CSV: name, MIME type, and base64 of the content."""
    kind = choice(arguments, "kind", ("map", "csv"))
    both = sides(record, arguments, job, beside)
    with job.in_memory(pixels=record.image.shape[0] * record.image.shape[1]):
        found = _compared(record, arguments, both, job)
        job.report("Writing the file")
        with job.working():
            if kind == "map":
                name, mime, content = f"{record.name}.difference.png", "image/png", encode_difference(found.agreement)
            else:
                name, mime, content = f"{record.name}.agreement.csv", "text/csv", agreement_csv(found.agreement)
    return {"name": name, "mime": mime, "data": base64.b64encode(content).decode("ascii")}


def _compared(record: Record, arguments: Arguments, both: tuple[Side, Side], job: Job) -> Comparison:
    asked = {name: arguments.get(name) for name in ("by", "first", "second")}
    version = (*map(str, asked.values()), *((side.options, str(side.key)) for side in both))
    with job.turn():
        return record.derive(
            "comparison", lambda: _compare(record, both, job), version=version, nbytes=lambda found: found.nbytes
        )


def _compare(record: Record, both: tuple[Side, Side], job: Job) -> Comparison:
    first, second = both
    results = first.result(job), second.result(job)
    job.report("Comparing the two")
    joint = JointClasses(first.prediction.id2label, second.prediction.id2label)
    told = agreement(_classes(results[0]), _classes(results[1]), joint)
    size = small_size(record)
    sure = _sure(results[0], size), _sure(results[1], size)
    mine = record_labels(record, job)
    if mine is None:
        return Comparison(told, sure, None, why_no_labels(record), None, None)
    labels = [known for side in both if (known := _labels_for(side, record, mine, job)) is not None]
    if len(labels) < len(both):
        return Comparison(told, sure, mine, NO_LABELS_FOR_ONE, None, None)
    judged = [
        judge(job, side.source, side.options, known, layers=False) for side, known in zip(both, labels, strict=True)
    ]
    scores = _scores(judged[0]), _scores(judged[1])
    return Comparison(told, sure, mine, "", scores, outcomes(judged[0], judged[1]))


def _classes(result: Result) -> npt.NDArray[np.int16]:
    """The class of every pixel, -1 for none."""
    return class_map(result.after) if isinstance(result.after, Segments) else result.labels.astype(np.int16)


def _sure(result: Result, size: tuple[int, int]) -> npt.NDArray[np.uint8] | None:
    if not isinstance(result.after, SemanticMap) or result.change is not None:
        return None
    return reduced(np.rint(result.after.scores * 100).astype(np.uint8), size).astype(np.uint8)


def _labels_for(side: Side, record: Record, mine: KnownLabels, job: Job) -> KnownLabels | None:
    """The photo's labels in the terms of a side's classes; none where they have no word for any of them."""
    here, there = dict(record.prediction.id2label), dict(side.prediction.id2label)
    if here == there:
        return mine
    if mine.form == "example":
        return record_labels(side.record, job)
    if mine.form == "index":
        joint = JointClasses(here, there)
        names = {entry.second for entry in joint.classes if entry.first is not None and entry.second is not None}
        covered = frozenset(index for index in names if index is not None)
        if not covered:
            return None
        return replace(mine, labels=joint.into_second(mine.labels), covered=covered, objects=None)
    # What the first checkpoint has no name for the other may have: the file says more than its reading does.
    assert record.label_files is not None
    try:
        return record_labels(side.record.with_labels(record.label_files), job)
    except SegdemoError:
        return None


def _scores(found: Evaluation) -> dict[str, Any]:
    figures = found.to_json()
    return {**{name: figures[name] for name in MEASURES}, "ece": figures["calibration"]["ece"]}


def _class_rows(told: Agreement, both: tuple[Side, Side]) -> list[dict[str, Any]]:
    rows = []
    for row in told.classes:
        entry = told.joint.by_id[row.id]
        if entry.first is not None:
            shown = class_entry(both[0].record.taxonomy, entry.first)
        else:
            assert entry.second is not None
            shown = class_entry(both[1].record.taxonomy, entry.second)
        known = "first" if entry.second is None else "second" if entry.first is None else "both"
        rows.append(
            {**shown, "id": row.id, "label": row.name, "first": row.first, "second": row.second, "iou": row.iou}
            | {"pixels": [row.first_pixels, row.second_pixels, row.both_pixels], "known": known}
        )
    return rows


def _outcome_rows(found: Outcomes | None, record: Record) -> dict[str, Any]:
    if found is None:
        return {"outcomes": None}
    names: dict[str, Any] = {str(cause): color for cause, color in CAUSE_COLORS.items()}
    names |= {"ignored": KIND_COLORS["ignored"], "right": KIND_COLORS["right"], "wrong": WRONG_COLOR}
    totals = found.totals
    return {
        "outcomes": {
            "names": list(OUTCOMES),
            "colors": [list(names[name]) for name in OUTCOMES],
            "maps": [pack(reduced(side, record.display_size).astype(np.uint8)) for side in (found.first, found.second)],
            "changes": [list(change) for change in found.changes],
            "totals": list(totals),
            "noCauses": found.no_causes,
        }
    }
