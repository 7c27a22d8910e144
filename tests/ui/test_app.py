"""What happens once the page is there and nobody has come yet."""

import gc
import shutil
import threading
from pathlib import Path

import pytest

from segdemo.checkpoints import public_id
from segdemo.errors import SegdemoError
from segdemo.model.predictor import load_predictor
from segdemo.process import put_off_collecting
from segdemo.results.job import Host, Job
from segdemo.ui import app, runs
from segdemo.ui.runs import Runner
from segdemo.ui.store import Store


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


@pytest.mark.parametrize("fails", [False, True])
def test_garbage_is_collected_again_once_the_network_is_there_or_cannot_be_had(
    fails: bool, tiny_ade_checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    collected = []

    class Warmed:
        def warm_up(self, *_: object) -> None:
            collected.append(gc.isenabled())
            if fails:
                raise SegdemoError("It cannot be loaded.")

    monkeypatch.setattr(app, "make_graph_in_background", lambda folder: None)
    chosen, _ = app._checkpoints(str(tiny_ade_checkpoint))
    put_off_collecting()
    try:
        app._warm_up(Warmed(), Host(waiting=1), chosen, None)  # type: ignore[arg-type]
        assert [*collected, gc.isenabled()] == [False, True]
    finally:
        gc.enable()
        gc.unfreeze()


def test_whoever_sends_a_photo_while_the_checkpoint_is_loaded_comes_before_the_example(
    tiny_ade_checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = Host(waiting=2)
    entry = load_predictor(tiny_ade_checkpoint).checkpoint
    runner = Runner(Store(max_bytes=10**9, max_seconds=100), lambda: [entry])
    order: list[str] = []

    def loading(_: object) -> None:
        place = host.cores.enter("visitor", waiting=lambda ahead: pytest.fail("the visitor waits"))
        order.append("visitor")
        host.cores.leave(place)

    monkeypatch.setattr(runs, "load", loading)
    monkeypatch.setattr(Runner, "run", lambda *_: order.append("example"))
    job = Job(host, visitor="", seconds=60, cancelled=lambda: False)
    runner.warm_up(job, public_id(entry.id), "crossing")
    assert order == ["visitor", "example"]


def test_nothing_runs_unasked_without_warming_up(tiny_ade_checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app, "make_graph_in_background", lambda folder: pytest.fail("converted"))
    monkeypatch.setattr(Runner, "warm_up", lambda *rest: pytest.fail("ran an example"))
    before = set(threading.enumerate())
    app.create_app(str(tiny_ade_checkpoint), warm_up=False)
    assert set(threading.enumerate()) <= before


@pytest.mark.slow
@pytest.mark.usefixtures("own_cache")
def test_pickled_weights_are_converted_before_the_page_is_there(caplog: pytest.LogCaptureFixture) -> None:
    folder = Path(__file__).parents[1] / "published" / "coco-instance"
    app.create_app(str(folder), warm_up=False)
    (line,) = [message for message in caplog.messages if "safetensors" in message]
    assert line.startswith("Converting pytorch_model.bin")


@pytest.mark.slow
def test_a_pickle_that_is_refused_leaves_a_line_and_the_default_in_its_place(
    tmp_path: Path, own_cache: Path, caplog: pytest.LogCaptureFixture
) -> None:
    published = Path(__file__).parents[1] / "published" / "coco-instance"
    shutil.copytree(published, tmp_path / "bad")
    (tmp_path / "bad" / "pytorch_model.bin").write_bytes(b"no weights")
    chosen, available = app._checkpoints(str(tmp_path / "bad"))
    assert chosen.id != str(tmp_path / "bad")
    assert chosen in available
    assert any("pytorch_model.bin is damaged" in message for message in caplog.messages)
