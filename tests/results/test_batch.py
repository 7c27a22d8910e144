"""Many photos: the results are those of one call after the other, whatever fails or is done already."""

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from segdemo.images import load_image
from segdemo.model.predictor import Predictor
from segdemo.progress import DeadlineError
from segdemo.results.batch import Plan, in_workers, make_plan, one_core, places, run_batch
from segdemo.results.folder import Results
from segdemo.results.inputs import find_inputs
from segdemo.results.job import own_job
from segdemo.results.make import Source
from segdemo.results.options import OutputOptions
from segdemo.results.outputs import make_outputs
from segdemo.results.work import Work


@pytest.fixture
def work(tiny_ade_checkpoint: Path) -> Work:
    return Work(
        str(tiny_ade_checkpoint), precision="fp32", options=OutputOptions(task="panoptic", score_threshold=0.05)
    )


@pytest.fixture
def predictor(work: Work) -> Predictor:
    return work.load()


@pytest.fixture
def photos(tmp_path: Path, photo: npt.NDArray[np.uint8]) -> Path:
    """Five photographs of three sizes in two folders, two of one name; and two files that are none."""
    folder = tmp_path / "photos"
    (folder / "more").mkdir(parents=True)
    turned = np.ascontiguousarray(photo.transpose(1, 0, 2))
    for name, pixels in [("a", photo), ("b", turned), ("c", photo[:96]), ("more/a", photo[::-1]), ("more/d", photo)]:
        Image.fromarray(np.ascontiguousarray(pixels)).save(folder / f"{name}.png")
    (folder / "empty.jpg").write_bytes(b"")
    (folder / "text.jpg").write_text("not a picture")
    return folder


@pytest.fixture
def results(tmp_path: Path) -> Results:
    made = Results(tmp_path / "out")
    made.prepare()
    return made


def _plan(photos: Path, results: Results, work: Work) -> Plan:
    return make_plan(find_inputs([photos], out=results.folder), results, work.fingerprint())


def _contents(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.glob("*.*") if path.is_file()}


@pytest.mark.parametrize("at_once", [1, 3])
def test_results_are_those_of_single_calls(
    photos: Path, results: Results, work: Work, predictor: Predictor, at_once: int
) -> None:
    plan = _plan(photos, results, work)
    entries = {entry.name: entry for entry in run_batch(plan.todo, work, predictor, results, at_once=at_once)}
    assert sorted(entries) == ["b", "c", "d", "empty", "more_a.png", "photos_a.png", "text"]
    assert {name for name, entry in entries.items() if not entry.done} == {"empty", "text"}
    assert entries["text"].reason.startswith("This file is not a picture")
    for planned in plan.photos:
        entry = entries[planned.name]
        assert entry.sha256 == hashlib.sha256(planned.path.read_bytes()).hexdigest()
        if entry.done:
            image = load_image(planned.path)
            prediction = predictor(image, capture=False)
            alone = make_outputs(own_job(), Source(image, prediction), work.options).files(planned.name)
            assert {name: (results.folder / name).read_bytes() for name in entry.files} == alone
            assert sum(share for _, share in entry.classes) <= 1.001
            assert bool(entry.found) == bool(entry.classes)


def test_run_again_it_does_what_is_missing(photos: Path, results: Results, work: Work, predictor: Predictor) -> None:
    list(run_batch(_plan(photos, results, work).todo, work, predictor, results))
    before = _contents(results.folder)
    (results.folder / "b.panoptic.png").unlink()
    Image.new("RGB", (64, 48), "red").save(photos / "c.png")
    Image.new("RGB", (64, 48), "red").save(photos / "text.jpg")
    plan = _plan(photos, results, work)
    assert sorted(photo.name for photo in plan.todo) == ["b", "c", "empty", "text"]
    assert {entry.name for entry in plan.done} == {"d", "more_a.png", "photos_a.png"}
    again = {entry.name for entry in run_batch(plan.todo, work, predictor, results) if entry.done}
    assert again == {"b", "c", "text"}
    after = _contents(results.folder)
    assert {name for name in before if before[name] != after[name]} == {
        f"c.{end}" for end in ("panoptic.png", "segments.json", "overlay.jpg")
    }
    other = replace(work, options=replace(work.options, score_threshold=0.5))
    assert len(_plan(photos, results, other).todo) == 7


def test_names_stay_when_photos_come_or_move(photos: Path, results: Results, work: Work, predictor: Predictor) -> None:
    first = make_plan(find_inputs([photos / "a.png"], out=results.folder), results, work.fingerprint())
    list(run_batch(first.todo, work, predictor, results))
    names = {photo.file: photo.name for photo in _plan(photos, results, work).photos}
    assert (names["a.png"], names["more/a.png"]) == ("a", "a.png")
    moved = photos.rename(photos.parent / "elsewhere")
    plan = make_plan(find_inputs([moved / "a.png"], out=results.folder), results, work.fingerprint())
    assert [entry.name for entry in plan.done] == ["a"]
    plan = make_plan(find_inputs([moved / "more" / "a.png"], out=results.folder), results, work.fingerprint())
    assert [photo.name for photo in plan.todo] == ["a.png"]


def test_what_takes_too_long_is_a_failure_of_its_own(
    photos: Path, results: Results, work: Work, predictor: Predictor
) -> None:
    plan = make_plan(find_inputs([photos / "b.png", photos / "c.png"], out=results.folder), results, "")
    entries = list(run_batch(plan.todo, replace(work, seconds=0), predictor, results))
    assert [entry.status for entry in entries] == ["failed", "failed"]
    assert all("more than 0 s" in entry.reason for entry in entries)
    assert {path.name for path in results.folder.iterdir()} == {".segdemo"}


def test_a_network_that_never_ends_is_stopped_at_the_deadline(
    photos: Path, results: Results, work: Work, predictor: Predictor
) -> None:
    class Endless:
        side_by_side = False

        def __getattr__(self, name: str) -> Any:
            return getattr(predictor, name)

        def __call__(self, image: Any, *, cancel: Any, **_: Any) -> Any:
            while not cancel():
                pass
            raise DeadlineError("stopped")

    plan = make_plan(find_inputs([photos / "b.png"], out=results.folder), results, "")
    (entry,) = run_batch(plan.todo, replace(work, seconds=0.05), Endless(), results)  # type: ignore[arg-type]
    assert not entry.done


def test_a_bug_in_one_photo_is_not_the_end_of_the_others(
    photos: Path, results: Results, work: Work, predictor: Predictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(job: Any, source: Source, options: Any, **asked: Any) -> Any:
        if source.size == (96, 160):
            raise KeyError("surprise")
        return make_outputs(job, source, options, **asked)

    monkeypatch.setattr("segdemo.results.work.make_outputs", broken)
    entries = list(run_batch(_plan(photos, results, work).todo, work, predictor, results))
    assert {entry.name: entry.reason for entry in entries if "unexpected" in entry.reason} == {
        "c": "Something unexpected went wrong with this picture (KeyError: 'surprise')."
    }
    assert sum(entry.done for entry in entries) == 4


def test_stopping_leaves_no_half_result(photos: Path, results: Results, work: Work, predictor: Predictor) -> None:
    stop = threading.Event()
    running = run_batch(_plan(photos, results, work).todo, work, predictor, results, at_once=1, stop=stop)
    first = next(running)
    stop.set()
    done = {first.name, *(entry.name for entry in running)}
    assert {entry.name for entry in results.entries()} >= done
    there = {path.name for path in results.folder.iterdir()} - {".segdemo"}
    assert there == {name for entry in results.entries() for name in entry.files}


@contextmanager
def _plain() -> Iterator[None]:
    yield


def test_workers_raise_what_their_work_raises() -> None:
    def work(number: int) -> int:
        if number == 3:
            raise ZeroDivisionError
        return number

    with pytest.raises(ZeroDivisionError):
        list(in_workers(work, range(1000), 2, threading.Event(), prepared=_plain))
    assert sorted(in_workers(abs, range(-9, 9), 3, threading.Event(), prepared=nullcontext)) == sorted(
        map(abs, range(-9, 9))
    )


def test_workers_end_with_whoever_listens() -> None:
    begun: list[int] = []
    running = in_workers(lambda number: begun.append(number), iter(range(10**9)), 2, threading.Event(), prepared=_plain)
    next(running)
    running.close()
    assert len(begun) < 100


def test_one_core_is_for_one_thread() -> None:
    import torch

    before, found = torch.get_num_threads(), []

    def inside() -> None:
        with one_core():
            found.append(torch.get_num_threads())
            other = threading.Thread(target=lambda: found.append(torch.get_num_threads()))
            other.start()
            other.join()

    thread = threading.Thread(target=inside)
    thread.start()
    thread.join()
    assert found == [1, before]
    assert torch.get_num_threads() == before


def test_places_need_memory(predictor: Predictor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("segdemo.results.batch.cores", lambda: 64)
    monkeypatch.setattr("segdemo.results.batch._free_memory", lambda: 1 << 40)
    assert places(predictor) == 8
    monkeypatch.setattr("segdemo.results.batch._free_memory", lambda: 1_700_000_000)
    assert places(predictor) == 3
    monkeypatch.setattr("segdemo.results.batch._free_memory", lambda: 0)
    assert places(predictor) == 1
