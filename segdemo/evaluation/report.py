"""Evaluations for people and for programs: tables for the terminal, and JSON."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from segdemo.evaluation.quality import Quality
from segdemo.evaluation.scoring import Report, Score

if TYPE_CHECKING:
    from rich.table import Table


def as_json(report: Report, about: Mapping[str, Any]) -> dict[str, Any]:
    """The report as JSON types: ``about`` (what was evaluated, and how), ``overall`` and ``sets``; 0 to 1."""
    return {
        **about,
        "overall": _score(report.overall, report.labels),
        "sets": {name: _score(score, report.labels) for name, score in report.sets.items()},
    }


def summary_table(report: Report) -> "Table":
    """One row for each set, and one for all of them where there are several."""
    from rich.table import Table

    table = Table(title="Per set, in percent", caption="Acc: pixel accuracy; BF: boundary F; PQ of all, things, stuff")
    table.add_column("set", no_wrap=True)
    for title in ("pictures", "classes", "Acc", "mIoU", "BF", "PQ", "things", "stuff", "SQ", "RQ"):
        table.add_column(title, justify="right", no_wrap=True)
    rows = {**report.sets, **({"all": report.overall} if len(report.sets) > 1 else {})}
    for name, score in rows.items():
        whole = score.panoptic
        table.add_row(
            name,
            str(score.pictures),
            str(len(score.class_iou)),
            _percent(score.pixel_accuracy),
            _percent(score.miou),
            _percent(score.boundary_f),
            *(_percent(part.pq if part else None) for part in (whole, score.things, score.stuff)),
            _percent(whole.sq if whole else None),
            _percent(whole.rq if whole else None),
        )
    return table


def class_table(report: Report) -> "Table":
    """One row for each class that the truth or a predicted segment has, the best first."""
    from rich.table import Table

    table = Table(title="Per class, in percent")
    table.add_column("class")
    for title in ("IoU", "accuracy", "PQ", "SQ", "RQ"):
        table.add_column(title, justify="right")
    score = report.overall
    quality = score.class_quality or {}
    for index in sorted({*score.class_iou, *quality}, key=lambda index: -score.class_iou.get(index, -1)):
        own = quality.get(index)
        table.add_row(
            report.labels[index],
            _percent(score.class_iou.get(index)),
            _percent(score.class_accuracy.get(index)),
            _percent(own.pq if own else None),
            _percent(own.sq if own else None),
            _percent(own.rq if own else None),
        )
    return table


def _score(score: Score, labels: Mapping[int, str]) -> dict[str, Any]:
    return {
        "pictures": score.pictures,
        "labelled_pixels": score.pixels,
        "pixel_accuracy": score.pixel_accuracy,
        "miou": score.miou,
        "boundary_f": score.boundary_f,
        "panoptic": _quality(score.panoptic),
        "things": _quality(score.things),
        "stuff": _quality(score.stuff),
        "classes": [
            {
                "id": index,
                "label": labels[index],
                "iou": score.class_iou.get(index),
                "accuracy": score.class_accuracy.get(index),
                "panoptic": _quality((score.class_quality or {}).get(index)),
            }
            for index in sorted({*score.class_iou, *(score.class_quality or {})})
        ],
    }


def _quality(quality: Quality | None) -> dict[str, float] | None:
    return None if quality is None else {"pq": quality.pq, "sq": quality.sq, "rq": quality.rq}


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.1f}"
