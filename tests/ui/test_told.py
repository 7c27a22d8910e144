"""The page's runs of a network that is told its task: which task ran, and that results of others stay."""

import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from gradio_client import Client, handle_file
from PIL import Image

from segdemo import checkpoints
from segdemo.errors import SegdemoError
from segdemo.evaluation.agreement import JointClasses, agreement
from segdemo.model.predictor import load_predictor
from segdemo.results.job import Host, own_job
from segdemo.segmentation import panoptic, semantic
from segdemo.ui.beside import Beside, Setup
from segdemo.ui.endpoint import add_endpoints
from segdemo.ui.jobs import Jobs
from segdemo.ui.page_config import page_config
from segdemo.ui.runs import Request, Runner
from segdemo.ui.store import GoneError, LabelFiles, Store
from segdemo.ui.tabs.compare import comparison
from segdemo.ui.tabs.panoptic import panoptic as panoptic_tab
from segdemo.ui.tabs.result import TOLD_NOTES, result

NAME = "tiny-oneformer"


@pytest.fixture
def runner(told_checkpoint: Path, tiny_checkpoint: Path) -> Runner:
    every = [checkpoints.find(told_checkpoint), replace(checkpoints.find(tiny_checkpoint), title="Tiny")]
    return Runner(Store(max_bytes=10**9, max_seconds=600), lambda: every)


@pytest.fixture
def request_for(photo: npt.NDArray[np.uint8]) -> Request:
    stream = io.BytesIO()
    Image.fromarray(photo).save(stream, "PNG")
    return Request(checkpoint=NAME, size="checkpoint", content=stream.getvalue())


def test_a_photo_keeps_the_result_of_every_task(
    runner: Runner, request_for: Request, photo: npt.NDArray[np.uint8], told_checkpoint: Path
) -> None:
    first = runner.run(request_for, own_job())["token"]
    second = runner.run(replace(request_for, task="panoptic", previous=first, beside=True), own_job())["token"]
    found = {token: runner.store.get(token) for token in (first, second)}
    assert [found[token].prediction.task for token in (first, second)] == ["semantic", "panoptic"]
    expected = load_predictor(told_checkpoint)(photo, task="panoptic").mask_logits()
    np.testing.assert_allclose(found[second].prediction.mask_logits(), expected, rtol=1e-4, atol=1e-4)
    for token in (first, second):
        answer = result(found[token], {"token": token}, own_job())
        assert answer["task"] == found[token].prediction.task
        assert answer["instancesNote"] == TOLD_NOTES[answer["task"]]
    assert runner.back(second, first) == {"token": first}
    # Labels that came in since go back with the photo.
    files = LabelFiles(b"labels")
    runner.store.exchange(first, found[first], found[first].with_labels(files))
    runner.back(first, second)
    assert runner.store.get(second).label_files is files
    assert runner.store.get(second).prediction.task == "panoptic"
    runner.store.delete(first)
    with pytest.raises(GoneError):
        runner.back(second, first)


def test_without_being_asked_the_last_result_goes(runner: Runner, request_for: Request) -> None:
    first = runner.run(request_for, own_job())["token"]
    runner.run(replace(request_for, previous=first), own_job())
    with pytest.raises(GoneError):
        runner.store.get(first)


def test_an_example_is_computed_once_for_each_task(runner: Runner, request_for: Request) -> None:
    asked = replace(request_for, content=None, size="320", example="autumn-street")
    assert "kept" not in runner.run(asked, own_job())
    assert "kept" not in runner.run(replace(asked, task="instance"), own_job())
    assert runner.run(replace(asked, task="semantic"), own_job())["kept"]
    assert runner.run(replace(asked, task="instance"), own_job())["kept"]


def test_a_task_that_there_is_not_is_a_sentence_and_others_are_told_nothing(
    runner: Runner, request_for: Request, tiny_checkpoint: Path
) -> None:
    with pytest.raises(SegdemoError, match="The task must be one of semantic, instance, panoptic"):
        runner.run(replace(request_for, task="all"), own_job())
    token = runner.run(replace(request_for, task="panoptic", checkpoint=tiny_checkpoint.name), own_job())["token"]
    answer = result(runner.store.get(token), {"token": token}, own_job())
    assert "task" not in answer
    assert answer["instancesNote"] not in [note for note in TOLD_NOTES.values() if note]


def test_the_page_knows_before_any_photo(runner: Runner) -> None:
    told, other = page_config(runner.checkpoints(), NAME)["checkpoints"]
    assert (told["tasks"], told["task"]) == (["semantic", "instance", "panoptic"], "semantic")
    assert (other["tasks"], other["task"]) == ([], None)


@pytest.fixture(scope="module")
def told_client(told_checkpoint: Path) -> Iterator[Client]:
    import gradio as gr

    with gr.Blocks(analytics_enabled=False, delete_cache=(600, 3600)) as blocks:
        add_endpoints(str(told_checkpoint), Jobs(Host(waiting=3)))
    blocks.queue(max_size=5, api_open=False)
    _, url, _ = blocks.launch(
        server_port=None, max_file_size=1_000_000, prevent_thread_lock=True, quiet=True, ssr_mode=False
    )
    try:
        yield Client(url, verbose=False)
    finally:
        blocks.close(verbose=False)


@pytest.mark.slow
def test_calls_tell_the_network_what_they_ask_for(told_client: Client, photo_file: str, tmp_path: Path) -> None:
    _, segments, _ = told_client.predict(image=handle_file(photo_file), task="instance", api_name="/segment")
    assert segments["model"]["task"] == "instance"
    _, segments, _ = told_client.predict(image=handle_file(photo_file), api_name="/segment")
    assert segments["model"]["task"] == "semantic"
    answer = told_client.predict(image=handle_file(photo_file), task="panoptic", api_name="/explain")
    assert answer["task"] == "panoptic"
    assert told_client.predict(image=handle_file(photo_file), api_name="/explain")["task"] == "semantic"
    labels = tmp_path / "labels.png"
    Image.fromarray(np.ones((120, 160), np.uint8)).save(labels)
    figures, _ = told_client.predict(
        image=handle_file(photo_file),
        labels=handle_file(str(labels)),
        form="index",
        task="panoptic",
        api_name="/evaluate",
    )
    assert figures["task"] == "panoptic"


def test_the_other_run_of_a_comparison_is_told_the_same(
    runner: Runner, request_for: Request, photo: npt.NDArray[np.uint8], told_checkpoint: Path
) -> None:
    token = runner.run(replace(request_for, task="panoptic"), own_job())["token"]
    record = runner.store.get(token)
    other = Beside(runner, token)(record, replace(Setup.of(record), size="320"), own_job())
    assert (other.prediction.task, other.size) == ("panoptic", "320")
    expected = load_predictor(told_checkpoint)(photo, size=320, task="panoptic").mask_logits()
    np.testing.assert_allclose(other.prediction.mask_logits(), expected, rtol=1e-4, atol=1e-4)


def test_the_two_sides_of_a_comparison_may_be_told_different_tasks(
    runner: Runner, request_for: Request, photo: npt.NDArray[np.uint8], told_checkpoint: Path
) -> None:
    token = runner.run(request_for, own_job())["token"]
    asked = {"token": token, "by": "told", "first": None, "second": "panoptic"}

    def ask(**changes: object) -> dict[str, Any]:
        other = changes.pop("other", None)
        return comparison(runner.store.get(token), {**asked, **changes}, own_job(), Beside(runner, token, other))

    answer = ask()
    maps = [semantic(load_predictor(told_checkpoint)(photo, task=task)).labels for task in ("semantic", "panoptic")]
    names = load_predictor(told_checkpoint).id2label
    expected = agreement(maps[0], maps[1], JointClasses(names, names))
    assert answer["ran"]
    assert [side["task"] for side in answer["sides"]] == ["semantic", "panoptic"]
    assert answer["share"] == expected.share < 1
    assert list(answer["pixels"].values()) == list(expected.counts)
    # The result of the other task that the page still holds serves; nothing is run for it.
    held = runner.run(replace(request_for, task="instance", previous=token, beside=True), own_job())["token"]
    assert not ask(second="instance", other=held)["ran"]
    # What stands under another token and is something else does not.
    assert ask(second="panoptic", other=held)["ran"]
    assert ask(second="instance", other="nothing")["ran"]
    for wrong in ({"second": "semantic"}, {"second": "all"}, {"first": "instance"}):
        with pytest.raises(SegdemoError, match=r"\.$"):
            ask(**wrong)


def test_a_network_that_is_told_nothing_cannot_be_compared_by_that(runner: Runner, request_for: Request) -> None:
    plain = runner.checkpoints()[1].id
    token = runner.run(replace(request_for, checkpoint=Path(plain).name), own_job())["token"]
    asked = {"token": token, "by": "told", "first": None, "second": "panoptic"}
    with pytest.raises(SegdemoError, match="This network is not told a task"):
        comparison(runner.store.get(token), asked, own_job(), Beside(runner, token))


def test_things_alone_are_listed_of_a_network_that_was_told_so(runner: Runner, request_for: Request) -> None:
    token = runner.run(replace(request_for, task="instance"), own_job())["token"]
    record = runner.store.get(token)
    assert record.checkpoint.kind == "semantic"
    assert result(record, {"token": token}, own_job())["thingsOnly"]
    thresholds = {"score_threshold": 0.05, "overlap_threshold": 0.0}
    answer = panoptic_tab(record, {"token": token, **thresholds}, own_job())
    found = {entry["label"] for entry in answer["segments"]}
    names = {entry.name for entry in record.taxonomy.classes if entry.isthing}
    assert found
    assert found <= names
    both = panoptic(record.prediction, **thresholds, stuff=record.taxonomy.stuff)
    assert {record.taxonomy[entry.category_id].name for entry in both.segments_info} - names, "there is no stuff"
