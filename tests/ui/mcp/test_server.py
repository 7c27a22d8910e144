"""The MCP server, asked by the official Python client over HTTP."""

import base64
import io
import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr
import httpx
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

import segdemo
from segdemo.class_tables import ADE20K
from segdemo.images import encode_png_index, load_image
from segdemo.model.predictor import load_predictor
from segdemo.results.job import Job
from segdemo.segmentation import class_probabilities
from tests.ui.test_api_document import examples

Ask = Callable[..., Any]
HEADERS = {"accept": "application/json, text/event-stream", "content-type": "application/json"}


@pytest.fixture(scope="module")
def prediction(tiny_ade_checkpoint: Path, jpeg: bytes) -> segdemo.Prediction:
    return load_predictor(str(tiny_ade_checkpoint))(load_image(jpeg))


def sentence(answer: Any) -> str:
    return str(answer.content[0].text)


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_the_tools_are_the_calls_and_nothing_else(ask: Ask, mode: str) -> None:
    listed = ask(lambda client: client.list_tools(), mode=mode)
    assert [tool.name for tool in listed.tools] == ["segment", "explain", "evaluate", "report"]
    for tool in listed.tools:
        assert len(tool.description) > 100
        assert tool.input_schema["additionalProperties"] is False
        assert all(
            option.get("description") or "default" in option for option in tool.input_schema["properties"].values()
        )
    assert [tool.input_schema["required"] for tool in listed.tools] == [
        ["image"],
        ["image"],
        ["image", "labels"],
        ["image"],
    ]
    capabilities = ask(_capabilities, mode=mode)
    assert capabilities.prompts is None
    assert capabilities.completions is None


async def _capabilities(client: Any) -> Any:
    return client.server_capabilities


def test_what_is_in_it_how_sure_and_why_at_this_pixel(
    ask: Ask, bare: str, prediction: segdemo.Prediction, tiny_ade_checkpoint: Path
) -> None:
    async def three(client: Any) -> list[Any]:
        what = await client.call_tool("segment", {"image": bare})
        sure = await client.call_tool("segment", {"image": bare, "task": "panoptic", "score_threshold": 0.05})
        why = await client.call_tool("explain", {"image": bare, "x": 31, "y": 17})
        return [what, sure, why]

    what, sure, why = ask(three)
    found = segdemo.semantic(prediction)
    areas = np.bincount(found.labels.ravel(), minlength=150)
    for entry in what.structured_content["classes"]:
        index = next(i for i, names in enumerate(ADE20K) if names.split(",")[0] == entry["label"])
        assert entry["share"] == pytest.approx(areas[index] / found.labels.size, abs=1e-4)
        assert entry["sure"] == pytest.approx(found.scores[found.labels == index].mean(), abs=2e-3)
    assert len(what.structured_content["classes"]) == (areas > 0).sum()
    largest = ADE20K[int(areas.argmax())].split(",")[0]
    assert sentence(what).startswith(f"The photo shows {largest} {areas.max() / areas.sum():.0%}")
    assert what.structured_content["checkpoint"] == tiny_ade_checkpoint.name

    segments = segdemo.panoptic(prediction, score_threshold=0.05).segments_info
    told = {entry["id"]: entry for entry in sure.structured_content["segments"]}
    assert {entry.id: pytest.approx(entry.score, abs=1e-3) for entry in segments} == {
        number: entry["sure"] for number, entry in told.items()
    }

    probabilities = class_probabilities(prediction)[:, 17, 31]
    best = int(probabilities.argmax())
    assert why.structured_content["classes"][0]["category_id"] == best
    assert why.structured_content["classes"][0]["probability"] == pytest.approx(probabilities[best], abs=1e-4)
    assert f"column 31, row 17 is {ADE20K[best].split(',')[0]}, {probabilities[best]:.0%}" in sentence(why)
    for answer in (what, sure, why):
        assert not answer.is_error
        assert {"sentence": sentence(answer), **json.loads(answer.content[1].text)} == answer.structured_content
        assert sum(len(part.text) for part in answer.content) < 8000


def test_how_right_it_is(call: Ask, bare: str, prediction: segdemo.Prediction) -> None:
    found = segdemo.semantic(prediction).labels
    labels = found.astype(np.uint8)
    labels[:30] = (labels[:30] + 1) % 150
    labels[100:] = 255
    given = "data:image/png;base64," + base64.b64encode(encode_png_index(labels)).decode()
    answer = call("evaluate", image=bare, labels=given)
    assert answer.structured_content["pixel_accuracy"] == pytest.approx(70 / 100)
    assert sentence(answer).startswith("70.0% of the 16000 labelled pixels are right")
    errors = httpx.get(answer.structured_content["files"]["error_map"])
    assert ((np.asarray(Image.open(io.BytesIO(errors.content))) > 1) == (np.arange(120)[:, None] < 30)).all()


def test_a_report_is_one_file_at_an_address(call: Ask, bare: str) -> None:
    answer = call("report", image=bare, title="Waves & more", note="Look here.", x=31, y=17)
    address = answer.structured_content["files"]["report"]
    page = httpx.get(address)
    assert page.text.lower().startswith("<!doctype html>")
    assert "Waves &amp; more" in page.text
    assert len(page.content) == answer.structured_content["bytes"]
    assert address in sentence(answer)
    assert "for 30 minutes" in sentence(answer)


def test_files_and_a_picture_come_with_it(call: Ask, jpeg: bytes, address: str, photo: npt.NDArray[np.uint8]) -> None:
    upload = httpx.post(address.replace("/mcp", "/upload"), files={"files": ("photo.jpg", jpeg)})
    answer = call("segment", image=upload.json()[0], picture=True)
    assert answer.content[-1].mime_type == "image/jpeg"
    shown = Image.open(io.BytesIO(base64.b64decode(answer.content[-1].data)))
    files = answer.structured_content["files"]
    ids, overlay = (Image.open(io.BytesIO(httpx.get(files[name]).content)) for name in ("id_map", "overlay"))
    assert ids.size == overlay.size == shown.size == (photo.shape[1], photo.shape[0])
    assert np.abs(np.asarray(shown, int) - np.asarray(overlay, int)).mean() < 3


@pytest.mark.parametrize(
    ("tool", "arguments", "said"),
    [
        ("segment", {"image": "https://example.org/a.jpg"}, "fetches nothing from other hosts"),
        ("segment", {"image": "data:image/jpeg;base64,/9j/4AAQSkZJRg"}, "base64 is damaged or cut off"),
        ("segment", {"image": "A" * 101}, "base64 is damaged or cut off"),
        ("segment", {"image": "A" * 100}, "not a picture"),
        ("segment", {"image": "/etc/hostname"}, "not a file that was uploaded here"),
        ("segment", {}, "There is no photo: send one as `image`"),
        ("segment", {"image": "BARE", "task": "depth"}, "task is 'depth': choose one of semantic, panoptic, instance"),
        ("segment", {"image": "BARE", "colour": "red"}, "colour is no option of segment: it has image, task"),
        ("explain", {"image": "BARE", "x": 160}, "the photo is 160 pixels wide"),
        ("explain", {"image": "BARE", "x": "left"}, "x must be a number"),
        ("explain", {"image": "BARE", "checkpoint": "no/such"}, "checkpoint is not on this machine"),
        ("evaluate", {"image": "BARE"}, "There is no label file"),
        ("delete", {}, "There is no tool delete: there are segment, explain, evaluate, report"),
    ],
)
def test_what_cannot_be_is_answered_with_a_sentence(
    call: Ask, bare: str, tool: str, arguments: dict[str, Any], said: str
) -> None:
    answer = call(tool, **{name: bare if value == "BARE" else value for name, value in arguments.items()})
    assert answer.is_error
    assert said in sentence(answer)


def test_the_table_of_classes_is_a_resource(ask: Ask, tiny_ade_checkpoint: Path) -> None:
    async def read(client: Any) -> Any:
        listed = await client.list_resources()
        return listed.resources, await client.read_resource("segdemo://classes")

    resources, answer = ask(read)
    assert str(resources[0].uri) == "segdemo://classes"
    assert all(str(entry.uri).startswith("segdemo://classes") for entry in resources)
    table = json.loads(answer.contents[0].text)
    assert table["checkpoint"] == tiny_ade_checkpoint.name
    assert [entry["name"] for entry in table["classes"]] == [names.split(",")[0] for names in ADE20K]
    kinds = {entry["name"]: entry["kind"] for entry in table["classes"]}
    assert (kinds["person"], kinds["sky"]) == ("thing", "stuff")


def test_an_unknown_resource_says_which_there_are(ask: Ask) -> None:
    from mcp import MCPError

    with pytest.raises(MCPError, match="There is no resource segdemo://weights: there is segdemo://classes"):
        ask(lambda client: client.read_resource("segdemo://weights"))


class Endless:
    """In place of a call's work: goes on until nobody wants it."""

    def __init__(self) -> None:
        self.begun, self.ended = threading.Event(), threading.Event()

    def __call__(self, job: Job, *_: Any) -> Any:
        self.begun.set()
        job.report("Thinking", 0.5)
        while not job.is_over():
            threading.Event().wait(0.01)
        self.ended.set()
        job.check()


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_who_waits_is_told_why_and_who_leaves_ends_it(
    ask: Ask, bare: str, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    import anyio

    work, told = Endless(), []
    monkeypatch.setattr("segdemo.ui.endpoint._segment", work)

    async def leave(client: Any) -> None:
        heard = anyio.Event()

        async def progress(step: float, total: float | None, message: str | None) -> None:
            told.append((step, message))
            heard.set()

        async with anyio.create_task_group() as group:
            group.start_soon(lambda: client.call_tool("segment", {"image": bare}, progress_callback=progress))
            await heard.wait()
            group.cancel_scope.cancel()

    ask(leave, mode=mode)
    assert told[0] == (1, "Thinking")
    assert work.ended.wait(60)


def test_a_refusal_before_the_tools_is_json_rpc(address: str) -> None:
    answer = httpx.post(address, headers=HEADERS, content=json.dumps({"a": ["b" * 100] * 1000}))
    assert answer.status_code == 413
    assert "pictures aside" in answer.json()["error"]["message"]
    assert answer.json()["jsonrpc"] == "2.0"


def test_too_many_requests_reach_the_client_as_a_sentence(
    served: gr.Blocks, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mcp import MCPError

    gate: Any = served.app.middleware_stack
    monkeypatch.setattr(gate.rates, "wait", lambda client: 3.0)
    with pytest.raises(MCPError, match="requests in a minute: please wait a moment"):
        ask(lambda client: client.list_tools(), mode="legacy")


def test_pages_of_other_sites_and_foreign_names_are_refused(address: str) -> None:
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    for added, status in (
        ({"origin": "http://evil.example"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"host": "evil.example", "origin": "http://evil.example"}, 421),
    ):
        assert httpx.post(address, headers={**HEADERS, **added}, json=body).status_code == status, added


def test_other_methods_and_gradios_own_addresses_answer_nothing(address: str) -> None:
    for method in ("GET", "DELETE"):
        answer = httpx.request(method, address)
        assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    for path in ("/schema", "/sse", "/http/"):
        assert httpx.get(address + path).status_code == 404


def test_the_documents_example_gets_its_three_answers(
    address: str, jpeg: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (example,) = [text for text in examples("docs/api.md", "python") if "from mcp" in text]
    (tmp_path / "street.jpg").write_bytes(jpeg)
    monkeypatch.chdir(tmp_path)
    capsys.readouterr()
    exec(example.replace("http://127.0.0.1:7860/gradio_api/mcp", address), {})
    what, sure, why = capsys.readouterr().out.strip().splitlines()
    assert what.startswith("The photo shows ")
    assert sure.startswith(("The photo shows ", "Nothing in the photo is sure enough"))
    assert why.startswith("The pixel in column 100, row 60 is ")
