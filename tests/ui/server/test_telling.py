"""What programs are told while they wait, and when there are too many of them."""

import json
import threading
from collections.abc import Iterator
from typing import Any

import gradio as gr
import httpx
import pytest
from gradio_client import Client

from segdemo.results.job import Host, Job
from segdemo.ui.app import _full


class Held:
    """In place of a call's work: says what is going on, and goes on when it may."""

    def __init__(self) -> None:
        self.go_on = threading.Event()

    def __call__(self, job: Job, *_: Any) -> Any:
        job._report("Waiting: 2 ahead of you, about 12 s", None)
        assert self.go_on.wait(60)
        return None, {"here": True}, None


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Iterator[Held]:
    work = Held()
    monkeypatch.setattr("segdemo.ui.endpoint._segment", work)
    yield work
    work.go_on.set()


def test_plain_http_is_told_in_the_stream(http: httpx.Client, held: Held) -> None:
    event = http.post("gradio_api/call/v2/segment", json={"image": "x"}).json()["event_id"]
    events = []
    with http.stream("GET", f"gradio_api/call/v2/segment/{event}", headers={"accept-encoding": "br"}) as stream:
        assert "content-encoding" not in stream.headers
        lines = (line for line in stream.iter_lines() if line)
        for line in lines:
            events.append((line.removeprefix("event: "), json.loads(next(lines).removeprefix("data: "))))
            held.go_on.set()
    assert events[0] == ("progress", {"text": "Waiting: 2 ahead of you, about 12 s", "fraction": None})
    assert events[-1] == ("complete", [None, {"here": True}, None])


def test_gradios_client_is_told_in_its_status(blocks: gr.Blocks, held: Held) -> None:
    client = Client(blocks.local_url, verbose=False)
    call = client.submit(image=None, api_name="/segment")
    for _ in range(600):
        told = call.status().progress_data
        if told:
            break
        threading.Event().wait(0.05)
    held.go_on.set()
    assert told is not None
    assert told[-1].desc == "Waiting: 2 ahead of you, about 12 s"
    assert call.result()[1] == {"here": True}


def test_where_the_line_is_full_a_call_is_refused_with_the_time_to_come_again(
    http: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def full(_: Host, client: str) -> tuple[str, float]:
        asked.append(client)
        return "40 others are waiting already: please try again in a minute.", 90.0

    monkeypatch.setattr("segdemo.ui.app._full", full)
    for address, body in (
        ("call/v2/segment", {"image": "x"}),
        ("call/segment", {"data": ["x"]}),
        ("queue/join", {"fn_index": _number(http, "explain"), "data": ["x"], "session_hash": "abc"}),
    ):
        answer = http.post(f"gradio_api/{address}", json=body)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "90"), address
        assert answer.json()["error"] == "40 others are waiting already: please try again in a minute."
    assert asked == ["127.0.0.1"] * 3


def _number(http: httpx.Client, name: str) -> int:
    dependencies = http.get("config").json()["dependencies"]
    return int(next(entry["id"] for entry in dependencies if entry["api_name"] == name))


def test_a_line_is_full_for_whom_it_would_turn_away() -> None:
    host = Host(waiting=2)
    inside = [host.memory.enter("first", client="a") for _ in range(host.memory.places)]
    assert _full(host, "a") is None
    host.note(4.0)
    host.note(6.0)
    host.note(50.0)
    waiting = [threading.Thread(target=_enter_and_leave, args=(host,)) for _ in range(2)]
    for thread in waiting:
        thread.start()
    while host.memory.refuses("a") < 2:
        threading.Event().wait(0.005)
    assert _full(host, "a") == ("2 others are waiting already: please try again in a minute.", 12.0)
    # Of the client with most in line the last is turned away: somebody new is not.
    assert _full(host, "b") is None
    for place in inside:
        host.memory.leave(place)
    for thread in waiting:
        thread.join(60)
    assert _full(host, "a") is None


def _enter_and_leave(host: Host) -> None:
    host.memory.leave(host.memory.enter("visitor", client="a"))
