"""Jobs and the turnstile: order of arrival, place in the queue, cancel, errors as sentences."""

import asyncio
import threading
from typing import Any

import pytest

from segdemo.errors import SegdemoError
from segdemo.ui.jobs import Job, Jobs, Turnstile


def last_message(jobs: Jobs, ticket: str) -> dict[str, Any]:
    async def follow() -> dict[str, Any]:
        version = 0
        while True:
            message = await jobs.poll(ticket, version, timeout=5)
            version = message["version"]
            if message["state"] != "running":
                return message

    return asyncio.run(follow())


def test_a_jobs_result_is_its_last_message() -> None:
    jobs = Jobs()
    message = last_message(jobs, jobs.start(lambda job: {"token": "abc"}))
    assert message["state"] == "done"
    assert message["token"] == "abc"


def test_a_persons_error_keeps_its_sentence() -> None:
    def work(job: Job) -> dict[str, Any]:
        raise SegdemoError("Choose a smaller photo.")

    jobs = Jobs()
    message = last_message(jobs, jobs.start(work))
    assert (message["state"], message["text"]) == ("error", "Choose a smaller photo.")


def test_our_own_error_is_logged_and_not_shown(caplog: pytest.LogCaptureFixture) -> None:
    def work(job: Job) -> dict[str, Any]:
        raise RuntimeError("secret detail")

    jobs = Jobs()
    message = last_message(jobs, jobs.start(work))
    assert message["state"] == "error"
    assert "secret" not in message["text"]
    assert "secret detail" in caplog.text


def test_cancel_stops_at_the_next_report() -> None:
    started, go_on = threading.Event(), threading.Event()

    def work(job: Job) -> dict[str, Any]:
        started.set()
        go_on.wait(5)
        job.report("next step")
        return {}

    jobs = Jobs()
    ticket = jobs.start(work)
    started.wait(5)
    jobs.cancel(ticket)
    go_on.set()
    assert last_message(jobs, ticket)["state"] == "cancelled"


def test_a_poll_waits_for_news_and_gives_the_progress() -> None:
    go_on = threading.Event()

    def work(job: Job) -> dict[str, Any]:
        job.report("half way", 0.5)
        go_on.wait(5)
        return {}

    async def follow() -> None:
        jobs = Jobs()
        ticket = jobs.start(work)
        message = await jobs.poll(ticket, 1, timeout=5)
        assert (message["text"], message["fraction"]) == ("half way", 0.5)
        same = await jobs.poll(ticket, message["version"], timeout=0.05)
        assert same == message
        go_on.set()
        assert (await jobs.poll(ticket, message["version"], timeout=5))["state"] == "done"

    asyncio.run(follow())


@pytest.mark.parametrize("ticket", [None, "guess", 3])
def test_unknown_tickets_get_a_sentence(ticket: object) -> None:
    message = asyncio.run(Jobs().poll(ticket, 0, timeout=1))
    assert message["state"] == "error"


def test_the_turnstile_keeps_the_order_and_tells_the_place() -> None:
    turnstile = Turnstile(limit=5)
    order: list[str] = []
    places: list[int] = []
    inside, go_on, waiting = threading.Event(), threading.Event(), threading.Event()

    def first() -> None:
        with turnstile.turn():
            inside.set()
            go_on.wait(5)
            order.append("first")

    def second() -> None:
        def told(ahead: int) -> None:
            places.append(ahead)
            waiting.set()

        with turnstile.turn(waiting=told):
            order.append("second")

    threads = [threading.Thread(target=first), threading.Thread(target=second)]
    threads[0].start()
    inside.wait(5)
    threads[1].start()
    waiting.wait(5)
    go_on.set()
    for thread in threads:
        thread.join(5)
    assert order == ["first", "second"]
    assert set(places) == {1}


def test_whoever_gives_up_while_waiting_leaves_the_line() -> None:
    turnstile = Turnstile(limit=5)

    def give_up(ahead: int) -> None:
        raise KeyboardInterrupt

    with turnstile.turn(), pytest.raises(KeyboardInterrupt), turnstile.turn(waiting=give_up):
        pass
    with turnstile.turn(waiting=give_up):
        pass


def test_a_full_line_says_so() -> None:
    turnstile = Turnstile(limit=0)
    with turnstile.turn(), pytest.raises(SegdemoError, match="waiting"), turnstile.turn():
        pass


def test_the_turnstile_is_idle_when_nobody_runs_or_waits() -> None:
    turnstile = Turnstile(limit=2)
    assert turnstile.idle
    with turnstile.turn():
        assert not turnstile.idle
    assert turnstile.idle
