"""``segdemo segment --ray``: the same bytes as without, also where an actor is killed on the way."""

import csv
import json
import os
import signal
import threading
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from segdemo.cli import make_app
from segdemo.results.batch import make_plan, run_batch
from segdemo.results.folder import Results, entry_of
from segdemo.results.inputs import find_inputs
from segdemo.results.on_ray import PhotoActor
from segdemo.results.work import Work

needs_ray = pytest.mark.skipif(
    find_spec("ray") is None or not Path("/proc").is_dir(), reason="the extra ray is not installed, or not on Linux"
)


@pytest.fixture
def photos(tmp_path: Path, photo: npt.NDArray[np.uint8]) -> Path:
    (tmp_path / "photos").mkdir()
    for number in range(24):
        Image.fromarray(np.roll(photo, 5 * number, axis=1)).save(tmp_path / "photos" / f"p{number:02}.jpg")
    (tmp_path / "photos" / "broken.jpg").write_bytes(b"\xff\xd8 no more")
    return tmp_path / "photos"


def _actors() -> list[int]:
    """Processes of Ray's actors that descend from this one."""
    parents, actors = {}, []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                if b"MapWorker" in (entry / "cmdline").read_bytes():
                    actors.append(int(entry.name))
            except (OSError, IndexError):
                continue

    def is_ours(process: int) -> bool:
        while process in parents and process != os.getpid():
            process = parents[process]
        return process == os.getpid()

    return [process for process in actors if is_ours(process)]


def _files(folder: Path) -> dict[str, bytes]:
    tables = ("results.csv", "failures.csv", "manifest.json")
    return {path.name: path.read_bytes() for path in folder.glob("*.*") if path.is_file() and path.name not in tables}


def _rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "results.csv").open(newline="") as stream:
        return [{**row, "seconds": ""} for row in csv.DictReader(stream)]


def _manifest(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "manifest.json").read_text())
    return {**found, "started": "", "finished": ""}


def _run(*arguments: object) -> Any:
    return CliRunner().invoke(make_app(), ["segment", *map(str, arguments)])


def _kill_one(out: Path, killed: list[int]) -> Callable[[], None]:
    def kill() -> None:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            actors = _actors()
            if len(actors) > 1 and len(list(out.glob("*.overlay.jpg"))) >= 2:
                os.kill(actors[0], signal.SIGKILL)
                killed.append(actors[0])
                return
            time.sleep(0.02)

    return kill


@needs_ray
@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.filterwarnings("ignore")
def test_two_actors_one_of_them_killed(
    photos: Path, tmp_path: Path, tiny_ade_checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Ray gives its workers the lowest priority: on a busy machine they would hardly begin.
    monkeypatch.setenv("RAY_worker_niceness", "0")
    options = ["--checkpoint", tiny_ade_checkpoint, "--precision", "fp32", "--task", "panoptic"]
    assert _run(photos, "--out", tmp_path / "here", *options).exit_code == 1
    killed: list[int] = []
    killer = threading.Thread(target=_kill_one(tmp_path / "ray", killed))
    killer.start()
    result = _run(photos, "--out", tmp_path / "ray", *options, "--ray", "--ray-actors", 2)
    killer.join()
    assert result.exit_code == 1, result.output
    assert killed
    assert "broken.jpg: The picture is damaged" in result.stderr
    assert _files(tmp_path / "ray") == _files(tmp_path / "here")
    assert _rows(tmp_path / "ray") == _rows(tmp_path / "here")
    assert (tmp_path / "ray" / "failures.csv").read_bytes() == (tmp_path / "here" / "failures.csv").read_bytes()
    assert _manifest(tmp_path / "ray") == _manifest(tmp_path / "here")
    (tmp_path / "ray" / "p03.overlay.jpg").unlink()
    again = _run(photos, "--out", tmp_path / "ray", *options)
    assert "23 of 25 are done already." in again.stdout
    assert _files(tmp_path / "ray") == _files(tmp_path / "here")


def test_an_actor_does_what_is_missing_of_its_rows(photos: Path, tmp_path: Path, tiny_ade_checkpoint: Path) -> None:
    """What Ray calls, called without Ray."""
    threads = torch.get_num_threads()
    work = Work(str(tiny_ade_checkpoint), precision="fp32")
    here, there = Results(tmp_path / "here"), Results(tmp_path / "there")
    here.prepare()
    wanted = [photos / "broken.jpg", photos / "p00.jpg", photos / "p01.jpg"]
    plan = make_plan(find_inputs(wanted, out=here.folder), here, work.fingerprint())
    list(run_batch(plan.todo, work, work.load(), here))
    rows = {
        name: np.array([str(getattr(photo, name)) for photo in plan.photos])
        for name in ("name", "file", "path", "problem")
    }
    try:
        actor = PhotoActor(work, str(there.folder), frozenset(), 1)
        first = [entry_of(json.loads(row)) for row in actor(rows)["entry"]]
        stamp = (there.folder / "p00.overlay.jpg").stat().st_mtime_ns
        again = [entry_of(json.loads(row)) for row in actor(rows)["entry"]]
    finally:
        torch.set_num_threads(threads)
    assert {entry.name: entry.status for entry in first} == {"broken": "failed", "p00": "done", "p01": "done"}
    assert {(entry.name, entry.status, entry.sha256) for entry in again} == {
        (entry.name, entry.status, entry.sha256) for entry in first
    }
    assert (there.folder / "p00.overlay.jpg").stat().st_mtime_ns == stamp
    assert _files(there.folder) == _files(here.folder)


def test_without_the_extra_one_sentence_says_how_to_get_it(
    photos: Path, tmp_path: Path, tiny_ade_checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "ray", None)
    result = _run(photos / "p00.jpg", "--out", tmp_path / "out", "--checkpoint", tiny_ade_checkpoint, "--ray")
    assert result.exit_code == 1
    assert 'pip install -e ".[ray]"' in str(result.exception)
