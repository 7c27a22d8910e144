"""Evaluations for people: tables for the terminal."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from segdemo.evaluation.scoring import Report

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text


def summary_table(report: Report) -> "Table":
    """One row for each set, and one for all of them where there are several."""
    table = _table(
        "Per set, in percent",
        "set",
        ("pics", "cls", "Acc", "mIoU", "BF", "PQ", "PQth", "PQst", "SQ", "RQ"),
        caption="pics, cls: how many; Acc: pixel accuracy; BF: boundary F; PQth, PQst: of things and stuff",
    )
    rows = {**report.sets, **({"all": report.overall} if len(report.sets) > 1 else {})}
    for name, score in rows.items():
        whole = score.panoptic
        table.add_row(
            _plain(name),
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
    table = _table("Per class, in percent", "class", ("IoU", "Acc", "PQ", "SQ", "RQ"))
    score = report.overall
    quality = score.class_quality or {}
    for index in sorted({*score.class_iou, *quality}, key=lambda index: -score.class_iou.get(index, -1)):
        own = quality.get(index)
        table.add_row(
            _plain(report.labels[index]),
            _percent(score.class_iou.get(index)),
            _percent(score.class_accuracy.get(index)),
            _percent(own.pq if own else None),
            _percent(own.sq if own else None),
            _percent(own.rq if own else None),
        )
    return table


def _table(title: str, first: str, figures: Sequence[str], *, caption: str | None = None) -> "Table":
    """A table whose figures all fit into 70 columns; names, and in narrower places figures, go on in the next line."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(title=title, caption=caption, box=SIMPLE_HEAD, padding=0, pad_edge=False)
    table.add_column(first, overflow="fold")
    for name in figures:
        table.add_column(name, justify="right", overflow="fold")
    return table


def _plain(name: str) -> "Text":
    """A name as it is: brackets in it are no mark-up."""
    from rich.text import Text

    return Text(name)


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.1f}"
