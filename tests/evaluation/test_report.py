"""The tables of an evaluation: every figure is there, however narrow the terminal."""

import io
import re

import numpy as np
import pytest
from rich.console import Console

from segdemo.evaluation import Report, Scoring
from segdemo.evaluation.report import class_table, summary_table

LABELS = {
    0: "a class with a name that is longer than any terminal has room for, and then some",
    1: "[/b] [red]x",
    2: "c",
}


@pytest.fixture(scope="module")
def report() -> Report:
    rng = np.random.default_rng(0)
    sets = {}
    for name in ("ADE_val_with_a_long_name_of_a_set_that_goes_on", "[bold]", "third"):
        scoring = sets[name] = Scoring(3)
        for _ in range(3):
            truth = rng.integers(0, 3, (16, 16))
            found = np.where(rng.random(truth.shape) < 0.3, 0, truth)
            scoring.add_labels(truth, found)
            kinds = {1: 0, 2: 1, 3: 2}
            scoring.add_segments(truth + 1, kinds, found + 1, kinds)
        scoring.pictures = 118_287
    perfect = sets["perfect"] = Scoring(3)
    perfect.add_labels(truth, truth)
    perfect.add_segments(truth + 1, kinds, truth + 1, kinds)
    return Report(
        {name: scoring.score({0}) for name, scoring in sets.items()}, Scoring.total([*sets.values()]).score({0}), LABELS
    )


def shown(table: object, width: int) -> str:
    stream = io.StringIO()
    Console(file=stream, width=width).print(table)
    return stream.getvalue()


@pytest.mark.parametrize("width", [70, 80, 120])
def test_no_figure_is_lost(report: Report, width: int) -> None:
    sets, classes = shown(summary_table(report), width), shown(class_table(report), width)
    for text in (sets, classes):
        assert "\N{HORIZONTAL ELLIPSIS}" not in text
        assert max(len(line) for line in text.splitlines()) <= width
    for score in (*report.sets.values(), report.overall):
        panoptic = [part.pq for part in (score.panoptic, score.things, score.stuff)]
        row = [score.pixel_accuracy, score.miou, score.boundary_f or 0.0, *panoptic]
        figures = [str(score.pictures), "3", *(f"{100 * value:.1f}" for value in row)]
        assert re.search(r"\s+".join(map(re.escape, figures)), sets), figures
    for index, iou in report.overall.class_iou.items():
        assert re.search(rf"{100 * iou:.1f}\s+{100 * report.overall.class_accuracy[index]:.1f}", classes)


def test_names_are_shown_whole_and_as_they_are(report: Report) -> None:
    words = re.sub(r"[^a-z\[\]/]", "", shown(class_table(report), 70))
    assert "[/b][red]x" in words
    assert "[bold]" in shown(summary_table(report), 80)
    assert "118287" in shown(summary_table(report), 70)


def test_a_terminal_for_nobody_still_has_every_digit(report: Report) -> None:
    assert "\N{HORIZONTAL ELLIPSIS}" not in shown(summary_table(report), 30) + shown(class_table(report), 20)
