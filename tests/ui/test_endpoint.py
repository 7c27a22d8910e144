"""``/segment`` through gradio_client, against a served page of nothing else."""

import json
import threading
import time
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError

from segdemo.images import decode_png_ids, load_image
from segdemo.model.predictor import load_predictor
from segdemo.results.job import Job, own_job
from segdemo.results.make import Source
from segdemo.results.options import OutputOptions, flat_defaults
from segdemo.results.outputs import make_outputs
from segdemo.settings import settings
from segdemo.ui.app import create_app

NAMES = ["/segment", "/explain", "/evaluate", "/report"]


def _parameters(client: Client) -> dict[str, Any]:
    described = client.view_api(return_format="dict", print_info=False)
    assert list(described["named_endpoints"]) == NAMES
    assert described["unnamed_endpoints"] == {}
    return {entry["parameter_name"]: entry for entry in described["named_endpoints"]["/segment"]["parameters"]}


def test_its_description_has_clean_names_and_the_command_lines_defaults(
    client: Client, tiny_ade_checkpoint: Path
) -> None:
    parameters = _parameters(client)
    given = {name: entry["parameter_default"] for name, entry in parameters.items()}
    expected = {"image": None, "checkpoint": tiny_ade_checkpoint.name, "size": "checkpoint", **flat_defaults()}
    assert given == expected
    # The photo, too, so that a call that forgot it is told so.
    assert all(entry["parameter_has_default"] for entry in parameters.values())


@pytest.mark.parametrize("task", ["semantic", "panoptic", "instance"])
def test_it_returns_what_python_makes(client: Client, tiny_ade_checkpoint: Path, photo_file: str, task: Any) -> None:
    loose = {"score_threshold": 0.05, "overlap_threshold": 0.1}
    id_map, segments, overlay = client.predict(
        image=handle_file(photo_file), task=task, size="64", **loose, api_name="/segment"
    )
    image = load_image(photo_file)
    prediction = load_predictor(str(tiny_ade_checkpoint))(image, size=64, capture=False)
    expected = make_outputs(own_job(), Source(image, prediction), OutputOptions(task=task, **loose))
    assert Path(id_map).read_bytes() == expected.id_map
    assert Path(overlay).read_bytes() == expected.overlay
    listed = {} if task != "instance" else {"instances": json.loads(json.dumps(expected.instances))}
    assert segments == {**json.loads(expected.segments_json()), **listed}
    if task != "semantic":
        ids = decode_png_ids(Path(id_map).read_bytes())
        assert {entry["id"] for entry in segments["segments_info"]} == set(np.unique(ids).tolist()) - {0}


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"image": None}, "send one as `image`"),
        ({"score_threshold": 3}, "score threshold is 3"),
        ({"size": "2000"}, "choose one up to 960"),
        ({"size": "huge"}, "input size 'huge'"),
        ({"checkpoint": "no/such"}, "checkpoint is not on this machine"),
        ({"task": "depth"}, "task is 'depth': choose one of semantic, panoptic, instance"),
        ({"task": "panoptic", "crf": True}, "CRF refines semantic maps only"),
        ({"refine_classes": "unicorn"}, "no class 'unicorn'"),
        ({"kernel_size": 4}, "odd number"),
    ],
)
def test_bad_input_gets_a_sentence(client: Client, photo_file: str, arguments: dict[str, Any], sentence: str) -> None:
    with pytest.raises(AppError, match=sentence):
        client.predict(**{"image": handle_file(photo_file), **arguments}, api_name="/segment")


def test_a_result_beyond_the_hosts_deadline_gets_a_sentence(
    client: Client, photo_file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    strict = settings().model_copy(update={"result_deadline": 0.0})
    monkeypatch.setattr("segdemo.ui.endpoint.settings", lambda: strict)
    with pytest.raises(AppError, match="more than 0 s"):
        client.predict(image=handle_file(photo_file), crf=True, api_name="/segment")


def test_a_file_that_is_no_picture_gets_a_sentence(client: Client, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("not a picture")
    with pytest.raises(AppError, match="not a picture"):
        client.predict(image=handle_file(str(tmp_path / "notes.txt")), api_name="/segment")


def test_nothing_is_fetched_for_a_caller(client: Client) -> None:
    address = {"path": "https://photos.invalid/a.jpg", "meta": {"_type": "gradio.FileData"}}
    with pytest.raises(AppError, match="fetches nothing from other hosts"):
        client.predict(image=address, api_name="/segment")


def test_the_pages_api_lists_them_and_nothing_else(tiny_ade_checkpoint: Path) -> None:
    blocks = create_app(str(tiny_ade_checkpoint), warm_up=False)
    described = blocks.get_api_info()
    assert list(described["named_endpoints"]) == NAMES
    assert not described["unnamed_endpoints"]


class Endless:
    """In place of the endpoint's work: goes on until nobody wants it."""

    def __init__(self) -> None:
        self.begun, self.ended = threading.Event(), threading.Event()

    def __call__(self, job: Job, *_: Any) -> Any:
        self.begun.set()
        while not job.is_over():
            threading.Event().wait(0.01)
        self.ended.set()
        job.check()


@pytest.fixture
def endless(monkeypatch: pytest.MonkeyPatch) -> Endless:
    work = Endless()
    monkeypatch.setattr("segdemo.ui.endpoint._segment", work)
    return work


def test_a_call_that_is_cancelled_ends(client: Client, photo_file: str, endless: Endless) -> None:
    call = client.submit(image=handle_file(photo_file), api_name="/segment")
    assert endless.begun.wait(60)
    # The work may begin before the client has read what its call is named: then it would cancel nothing.
    deadline = time.monotonic() + 60
    while call.communicator.event_id is None and time.monotonic() < deadline:
        time.sleep(0.01)
    call.cancel()
    assert endless.ended.wait(60)


def test_a_call_whose_caller_leaves_ends(client: Client, endless: Endless) -> None:
    with httpx.Client(base_url=client.src, timeout=20) as http:
        event = http.post("gradio_api/call/v2/segment", json={"image": "x"}).json()["event_id"]
        with http.stream("GET", f"gradio_api/call/v2/segment/{event}"):
            assert endless.begun.wait(60)
            assert not endless.ended.is_set()
    assert endless.ended.wait(60)
