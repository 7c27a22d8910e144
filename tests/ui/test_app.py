"""What happens once the page is there and nobody has come yet."""

import threading
from pathlib import Path

import pytest

from segdemo.ui import app
from segdemo.ui.runs import Runner


def test_the_checkpoint_is_converted_in_the_background(
    tiny_ade_checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Path] = []
    done = threading.Event()

    def convert(folder: Path) -> None:
        asked.append(folder)
        done.set()

    monkeypatch.setattr(app, "make_graph_in_background", convert)
    app.create_app(str(tiny_ade_checkpoint))
    assert done.wait(60)
    assert asked == [tiny_ade_checkpoint.resolve()]


def test_nothing_runs_unasked_without_warming_up(tiny_ade_checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app, "make_graph_in_background", lambda folder: pytest.fail("converted"))
    monkeypatch.setattr(Runner, "warm_up", lambda *rest: pytest.fail("ran an example"))
    before = set(threading.enumerate())
    app.create_app(str(tiny_ade_checkpoint), warm_up=False)
    assert set(threading.enumerate()) <= before
