"""The tables of a batch, read back with Python's own readers."""

import csv
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from segdemo.results.folder import Entry, Results
from segdemo.results.pace import Pace, duration
from segdemo.results.tables import versions, write_tables


def test_tables(tmp_path: Path) -> None:
    results = Results(tmp_path)
    results.prepare()
    classes = (("sky, blue", 0.5), ('a "tree"', 0.12345))
    results.keep(Entry("b", "x/b.jpg", "done", seconds=1.5, classes=classes, sha256="s", files=("b.png",)), {})
    results.keep(Entry("a", "a.jpg", "failed", reason='It is "empty", so.'), {})
    write_tables(results, ["a", "b", "never begun"], {"size": "paper"}, {"engine": "torch"}, datetime.now(UTC))

    with (tmp_path / "results.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["name"] for row in rows] == ["a", "b"]
    assert [row["status"] for row in rows] == ["failed", "done"]
    assert rows[1]["classes"] == 'sky, blue 50.00 %; a "tree" 12.35 %'
    assert (rows[1]["seconds"], list(rows[0])) == ("1.500", ["name", "status", "seconds", "classes"])
    with (tmp_path / "failures.csv").open(newline="") as stream:
        assert list(csv.reader(stream)) == [["name", "reason"], ["a", 'It is "empty", so.']]
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert manifest["size"] == "paper"
    assert manifest["run"] == {"engine": "torch"}
    assert set(manifest["versions"]) >= {"segdemo", "python", "torch", "numpy"}
    assert manifest["photos"][0]["sha256"] is None
    assert manifest["photos"][1] == {
        "name": "b",
        "file": "x/b.jpg",
        "sha256": "s",
        "bytes": 0,
        "status": "done",
        "files": ["b.png"],
    }
    assert datetime.fromisoformat(manifest["started"]) <= datetime.fromisoformat(manifest["finished"])


def test_tables_of_nothing_are_tables(tmp_path: Path) -> None:
    results = Results(tmp_path)
    results.prepare()
    write_tables(results, [], {}, {}, datetime.now(UTC))
    assert json.loads((tmp_path / "manifest.json").read_text())["photos"] == []


def test_versions_are_those_that_run() -> None:
    import numpy as np

    assert versions()["numpy"] == np.__version__


def test_pace() -> None:
    now = [10.0]
    pace = Pace(10, clock=lambda: now[0])
    assert (pace.rate, pace.seconds_left) == (0, None)
    for _ in range(4):
        now[0] += 0.5
        pace.note()
    assert pace.rate == pytest.approx(2)
    assert pace.seconds_left == pytest.approx(3)
    assert pace.text == "2.00 photos/s, 3 s left"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (59.4, "59 s"),
        (60, "1 min"),
        (200, "3 min 20 s"),
        (1234, "21 min"),
        (7500, "2 h 5 min"),
        (7200, "2 h"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text
