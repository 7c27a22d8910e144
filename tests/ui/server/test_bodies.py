"""What is too large, too many or too deep is refused with a sentence, and nothing of it stays."""

import base64
import contextlib
import errno
import io
import json
import socket
import time
from collections.abc import Iterator
from typing import Any

import gradio as gr
import httpx
import numpy as np
import pytest
from gradio.route_utils import GradioUploadFile
from PIL import Image

from segdemo.settings import settings
from segdemo.ui.server import gate
from segdemo.ui.server.folder import private_folder

from .conftest import encoded, form

UPLOAD = "/gradio_api/upload"
COMPONENT = "/gradio_api/component_server/"
JOIN = "/gradio_api/queue/join"


def _files() -> set[str]:
    return {str(path) for path, _ in private_folder().files()}


@pytest.fixture
def nothing_left() -> Iterator[None]:
    """The server's folder holds afterwards what it held before."""
    before = _files()
    yield
    assert _files() == before


def _photo() -> bytes:
    stream = io.BytesIO()
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(stream, "PNG")
    return stream.getvalue()


@pytest.mark.slow
@pytest.mark.parametrize("route", [JOIN, "/gradio_api/call/segment", "/gradio_api/call/v2/segment", COMPONENT])
def test_json_has_its_limit(http: httpx.Client, route: str) -> None:
    body = encoded({"data": ["#" * settings().json_bytes], "session_hash": "a"})
    answer = http.post(route, content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 413
    sentence = "larger than 64 kB" if route == COMPONENT else "pictures aside, may have 64 kB"
    assert sentence in answer.json()["error"]


def test_a_body_in_chunks_has_it_too(http: httpx.Client) -> None:
    answer = http.post(COMPONENT, content=(b"x" * 10_000 for _ in range(100)))
    assert answer.status_code == 413


def test_a_call_may_hold_a_picture_in_base64(http: httpx.Client) -> None:
    picture = "data:image/png;base64," + base64.b64encode(bytes(settings().json_bytes)).decode()
    answer = http.post("/gradio_api/call/v2/segment", json={"image": picture})
    assert answer.status_code == 200
    too_large = "A" * (settings().max_file_bytes * 4 // 3 + 2 * settings().json_bytes)
    assert http.post("/gradio_api/call/v2/segment", json={"image": too_large}).status_code == 413


@pytest.mark.parametrize(
    ("options", "sentence"),
    [({"colour": 3}, "colour is no option of /segment: it has image, task"), ({"x" * 1000: 1}, "xxx is no option")],
)
def test_unknown_options_are_named(http: httpx.Client, options: dict[str, Any], sentence: str) -> None:
    answer = http.post("/gradio_api/call/v2/segment", json={"image": "photo.png", **options})
    assert answer.status_code == 400
    assert sentence in answer.json()["error"]
    assert len(answer.json()["error"]) < 1000


@pytest.mark.usefixtures("nothing_left")
def test_one_file_a_request(http: httpx.Client) -> None:
    files = [("files", (f"{index}.png", _photo())) for index in range(2)]
    answer = http.post(UPLOAD, files=files)
    assert (answer.status_code, answer.json()["error"]) == (413, "Send one file a request.")


@pytest.mark.usefixtures("nothing_left")
def test_a_file_has_its_limit(http: httpx.Client) -> None:
    answer = http.post(UPLOAD, files={"files": ("a.png", bytes(settings().max_file_bytes + 1))})
    assert answer.status_code == 413
    answer = http.post(UPLOAD, files={"files": ("a.png", bytes(settings().max_file_bytes + 70_000))})
    assert answer.status_code == 413


@pytest.mark.usefixtures("nothing_left")
@pytest.mark.parametrize("content_type", ["text/plain", "multipart/form-data", "multipart/form-data; boundary=x"])
def test_what_is_no_form_is_refused(http: httpx.Client, content_type: str) -> None:
    answer = http.post(UPLOAD, content=b"rubbish", headers={"content-type": content_type})
    assert answer.status_code == 400
    assert answer.json()["error"]


def test_an_upload_is_kept_under_its_own_name(http: httpx.Client) -> None:
    (path,) = http.post(UPLOAD, files={"files": ("../my cat?.png", _photo())}).json()
    assert path.endswith("/my cat.png")
    answer = http.get(f"/gradio_api/file={path}")
    assert answer.content == _photo()
    assert answer.headers["cache-control"] == "no-store"
    assert http.get(f"/gradio_api/file={path.rpartition('/')[0]}").status_code == 404


@pytest.mark.parametrize("name", ["x" * 65, "../../x", "a b", 7, {"a": 1}, ["a"]])
def test_a_sessions_name_is_short(http: httpx.Client, name: Any) -> None:
    assert http.post(JOIN, json={"data": [], "session_hash": name}).status_code == 400
    assert http.post(COMPONENT, json=form(session_hash=name)).status_code == 400
    if isinstance(name, str):
        assert http.get("/gradio_api/queue/data", params={"session_hash": name}).status_code == 400
        photo = {"photo": ("a.png", _photo())}
        fields = {"component_id": "1", "fn_name": "noop", "session_hash": name}
        assert http.post(COMPONENT, data=fields, files=photo).status_code == 400
    if name == "x" * 65:
        assert http.get(f"/gradio_api/heartbeat/{name}").status_code == 400


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[1]",
        b"null",
        b"\xff",
        b"7",
        b"[" * 30_000,
        b'{"a":' * 50 + b"1" + b"}" * 50,
        b'"' + b"a" * 99 + b'"',
    ],
    ids=lambda body: body[:9].decode("latin-1"),
)
def test_what_is_no_plain_object_is_refused(http: httpx.Client, body: bytes) -> None:
    answer = http.post(JOIN, content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 400
    assert "JSON" in answer.json()["error"]


def test_the_query_has_its_limit(http: httpx.Client) -> None:
    assert http.get("/config", params={"x": "y" * 3000}).status_code == 414


def test_the_pages_own_functions_read_the_sentence(http: httpx.Client) -> None:
    answer = http.post(COMPONENT, json=form(data="x" * 70_000), headers={"sec-fetch-site": "same-origin"})
    assert answer.status_code == 200
    assert "larger than 64 kB" in answer.json()["error"]


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"component_id": -1}, 404), ({"component_id": 10**30}, 404), ({"component_id": "x"}, 404),
        ({"component_id": 1.0}, 404), ({"component_id": True}, 404), ({"component_id": None}, 400),
        ({"fn_name": "__init__"}, 404), ({"fn_name": ["noop"]}, 404), ({"fn_name": "\ud800"}, 404),
        ({"fn_name": None}, 400), ({"session_hash": None}, 400),
    ],
)  # fmt: skip
def test_only_the_pages_functions_are_called(http: httpx.Client, fields: dict[str, Any], status: int) -> None:
    answer = http.post(COMPONENT, content=encoded(form(**fields)), headers={"content-type": "application/json"})
    assert (answer.status_code, "reload the page" in answer.json()["error"]) == (status, True)
    texts = {name: value for name, value in form(**fields).items() if isinstance(value, str) and value.isprintable()}
    answer = http.post(COMPONENT, data=texts, files={"file": ("a.png", _photo())})
    assert (answer.status_code in (400, 404), "reload" in answer.json()["error"]) == (True, True)


def test_a_field_is_sent_once(http: httpx.Client) -> None:
    fields = {"component_id": "1", "fn_name": "noop", "session_hash": "a"}
    for name in fields:
        answer = http.post(COMPONENT, data=fields, files={name: ("a.png", _photo())})
        assert (answer.status_code, answer.json()["error"]) == (400, f"{name} is in the form twice: send it once.")


@pytest.mark.parametrize("fields", [{"fn_index": -1}, {"fn_index": 10**30}, {"fn_index": "x"}, {"data": 7}, {}])
def test_only_known_calls_are_joined(http: httpx.Client, fields: dict[str, Any]) -> None:
    answer = http.post(JOIN, json={"data": [], "session_hash": "a", **fields})
    assert answer.status_code in (400, 404)
    assert answer.json()["error"]


def test_what_breaks_behind_the_gate_is_a_sentence(
    http: httpx.Client, blocks: gr.Blocks, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 500, "headers": [(b"content-type", b"text/plain")]})
        await send({"type": "http.response.body", "body": b"Internal Server Error"})
        raise ZeroDivisionError

    monkeypatch.setattr(blocks.app.middleware_stack, "app", broken)
    answer = http.get("/config")
    assert (answer.status_code, answer.json()["error"]) == (500, "Something went wrong on the server.")
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.usefixtures("nothing_left")
def test_an_aborted_upload_leaves_nothing(port: int, blocks: gr.Blocks, http: httpx.Client) -> None:
    head = (
        f"POST {UPLOAD} HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\n"
        "Content-Length: 900000\r\n\r\n--b\r\nContent-Disposition: form-data; name=files; filename=a.png\r\n\r\n"
    ).encode()
    for _ in range(5):
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.sendall(head + bytes(300_000))
    assert http.get("/config").status_code == 200
    gate = blocks.app.middleware_stack
    for _ in range(100):
        if gate.budget.held == 0:
            break
        http.get("/config")
    assert gate.budget.held == 0


def test_base64_counts_aside_where_a_picture_may_come() -> None:
    from segdemo.ui.server.bodies import limit_of
    from segdemo.ui.server.checks import check_json
    from segdemo.ui.server.refusals import RefusedError
    from segdemo.ui.server.routes import Body

    assert limit_of(Body.PICTURE, "") == 65_536 + 26_666_667
    picture = {"image": "data:image/png;base64," + "QUJD" * 50_000}
    assert check_json(encoded(picture)) == picture
    with pytest.raises(RefusedError, match="pictures aside"):
        check_json(json.dumps({"image": [[]] * 30_000}).encode())


@pytest.mark.parametrize(
    "route",
    ["/gradio_api/queue/data?session_hash=nobody", "/gradio_api/call/segment/nothing", "/gradio_api/queue/data"],
)
def test_a_stream_that_is_not_there_leaves_no_trace(
    http: httpx.Client, route: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    with contextlib.suppress(httpx.HTTPError):
        http.get(route)
    assert http.get("/config").status_code == 200
    assert "Traceback" not in caplog.text + "".join(capfd.readouterr())


def test_what_a_full_disk_cut_short_goes(http: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    async def full(self: object, data: bytes) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(gate, "YOUNG_SECONDS", 0.05)
    monkeypatch.setattr(GradioUploadFile, "write", full)
    before = _files()
    texts = {name: str(value) for name, value in form(fn_name="start").items() if name != "data"}
    answer = http.post(COMPONENT, data=texts, files={"file": ("a.png", _photo())})
    assert answer.status_code == 507
    assert "disk is full" in answer.json()["error"]
    deadline = time.monotonic() + 10
    while _files() != before and time.monotonic() < deadline:
        time.sleep(0.02)
    assert _files() == before
