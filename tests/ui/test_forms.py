"""The forms in which callers without Gradio's client send a photo and options, over plain HTTP."""

import base64
import json
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import numpy.typing as npt
import pytest
from gradio.utils import get_upload_folder
from gradio_client import Client
from PIL import Image

from segdemo.errors import SegdemoError
from segdemo.images import load_image
from segdemo.results.job import own_job
from segdemo.results.options import flat_defaults
from segdemo.settings import settings
from segdemo.ui.forms import sent_file

FORMS = ["FileData", "no meta", "path", "data URL", "url with a data URL", "path with a data URL", "list of one"]


@pytest.fixture
def uploaded(client: Client, photo_file: str) -> str:
    with httpx.Client(base_url=client.src, timeout=60) as http:
        (path,) = http.post("gradio_api/upload", files={"files": ("photo.png", Path(photo_file).read_bytes())}).json()
    return str(path)


def sent(form: str, path: str) -> Any:
    data = {"_type": "gradio.FileData"}
    url = "data:image/png;base64," + base64.b64encode(Path(path).read_bytes()).decode()
    return {
        "FileData": {"path": path, "meta": data},
        "no meta": {"path": path},
        "path": path,
        "data URL": url,
        "url with a data URL": {"url": url, "meta": data},
        "path with a data URL": {"path": url, "meta": data},
        "list of one": [{"path": path, "meta": data}],
    }[form]


def call(client: Client, body: Any, *, version: str = "call/v2", name: str = "segment") -> tuple[str, Any]:
    """The last event of a call over plain HTTP, and its data."""
    with httpx.Client(base_url=client.src, timeout=120) as http:
        answer = http.post(f"gradio_api/{version}/{name}", json=body)
        assert answer.status_code == 200, answer.text
        lines = http.get(f"gradio_api/{version}/{name}/{answer.json()['event_id']}").text.strip().splitlines()
    event, data = lines[-2:]
    return event.removeprefix("event: "), json.loads(data.removeprefix("data: "))


@pytest.mark.parametrize("form", FORMS)
def test_a_photo_is_read_in_every_form(uploaded: str, photo: npt.NDArray[np.uint8], form: str) -> None:
    assert np.array_equal(load_image(sent_file(sent(form, uploaded), "image", own_job())), photo)


@pytest.mark.parametrize("form", ["no meta", "data URL"])
def test_a_call_takes_it(client: Client, uploaded: str, form: str) -> None:
    event, (id_map, segments, _) = call(client, {"image": sent(form, uploaded), "size": "64"})
    assert event == "complete"
    with Image.open(id_map["path"]) as picture:
        assert {entry["id"] for entry in segments["segments_info"]} == set(np.unique(np.asarray(picture)))


@pytest.mark.parametrize(
    ("image", "sentence"),
    [
        (None, "There is no photo"),
        ({}, "There is no photo"),
        ([], "There is no photo"),
        ("", "There is no photo"),
        ([1, 2], "image is not one photo"),
        (7, "image is not one photo"),
        ({"path": 7}, "image is not one photo"),
        ({"path": None, "url": "http://127.0.0.1:1/a.png"}, "fetches nothing from other hosts"),
        ("HTTPS://example.org/a.png", "fetches nothing from other hosts"),
        ("/etc/hostname", "not a file that was uploaded here"),
        ({"path": "/etc/hostname"}, "not a file that was uploaded here"),
        ("a\0b", "not a file that was uploaded here"),
        ("x" * 10_000, "not a file that was uploaded here"),
        ("data:image/png,abc", "not in base64"),
        ("data:image/png;base64", "not in base64"),
        ("data:image/png;base64,@@@", "damaged or cut off"),
    ],
)
def test_other_things_get_a_sentence(image: Any, sentence: str) -> None:
    with pytest.raises(SegdemoError, match=sentence):
        sent_file(image, "image", own_job())


def test_no_way_leads_out_of_the_folder_of_uploads(tmp_path: Path) -> None:
    folder = Path(get_upload_folder()) / "secret-test"
    folder.mkdir(parents=True, exist_ok=True)
    (tmp_path / "outside.png").write_bytes(b"secret")
    link = folder / "link.png"
    link.unlink(missing_ok=True)
    link.symlink_to(tmp_path / "outside.png")
    try:
        for path in (link, folder / ".." / ".." / "outside.png", folder):
            with pytest.raises(SegdemoError, match="not a file that was uploaded"):
                sent_file(str(path), "image", own_job())
    finally:
        link.unlink()
        folder.rmdir()


def test_a_value_of_the_wrong_kind_is_named(client: Client, uploaded: str) -> None:
    for name, value in (("score_threshold", "high"), ("outlines", 1), ("iterations", 1.5), ("task", ["semantic"])):
        event, data = call(client, {"image": uploaded, name: value})
        assert event == "error"
        assert data["error"].startswith(f"{name} is {value!r}: ")


@pytest.mark.parametrize("given", [1, 4, len(flat_defaults())])
def test_options_left_out_take_their_defaults_in_every_form(client: Client, uploaded: str, given: int) -> None:
    first = [uploaded, None, None, "64", *[None] * len(flat_defaults())][:given]
    by_place = call(client, {"data": first}, version="call")
    by_name = call(client, {"image": uploaded, **({"size": 64} if given > 1 else {}), "opacity": None})
    assert by_place[0] == by_name[0] == "complete"
    assert by_place[1][1] == by_name[1][1]
    assert by_name[1][1]["parameters"]["opacity"] == flat_defaults()["opacity"]


def test_the_photo_alone_is_enough_through_the_queue(client: Client, uploaded: str) -> None:
    dependencies = client.config["dependencies"]
    number = next(entry["id"] for entry in dependencies if entry["api_name"] == "segment")
    with httpx.Client(base_url=client.src, timeout=120) as http:
        body = {"fn_index": number, "data": [uploaded], "session_hash": "photo-alone"}
        assert http.post("gradio_api/queue/join", json=body).status_code == 200
        with http.stream("GET", "gradio_api/queue/data?session_hash=photo-alone") as stream:
            messages = (json.loads(line.removeprefix("data: ")) for line in stream.iter_lines() if line)
            last = next(message for message in messages if message["msg"] == "process_completed")
    assert last["success"], last
    by_name = call(client, {"image": uploaded})[1]
    assert last["output"]["data"][1] == by_name[1]


def test_an_address_is_fetched_where_the_host_allows_it(monkeypatch: pytest.MonkeyPatch) -> None:
    allowed = settings().model_copy(update={"allow_urls": True})
    monkeypatch.setattr("segdemo.ui.forms.settings", lambda: allowed)
    with pytest.raises(SegdemoError, match=r"photo could not be fetched: 169\.254\.169\.254 is not a public address"):
        sent_file({"path": "http://169.254.169.254/latest/", "meta": {}}, "image", own_job())
    asked: list[str] = []

    def fetched(url: str, *_: Any, **__: Any) -> bytes:
        asked.append(url)
        return b"a photo"

    monkeypatch.setattr("segdemo.ui.forms.fetched", fetched)
    assert sent_file("https://example.org/a.png", "image", own_job()) == b"a photo"
    assert asked == ["https://example.org/a.png"]
