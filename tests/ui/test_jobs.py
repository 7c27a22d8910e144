"""Jobs: followed by polls or awaited, cancelled, errors as sentences."""

import asyncio
import threading
from typing import Any

import pytest

from segdemo.errors import SegdemoError
from segdemo.results.job import Host, Job
from segdemo.ui.jobs import Jobs, Work


@pytest.fixture
def jobs() -> Jobs:
    return Jobs(Host(waiting=5))


def start(jobs: Jobs, work: Work) -> str:
    return jobs.start(work, visitor="a", seconds=60)


def last_message(jobs: Jobs, ticket: str) -> dict[str, Any]:
    async def follow() -> dict[str, Any]:
        version = 0
        while True:
            message = await jobs.poll(ticket, version, timeout=5)
            version = message["version"]
            if message["state"] != "running":
                return message

    return asyncio.run(follow())


def test_a_jobs_result_is_its_last_message(jobs: Jobs) -> None:
    message = last_message(jobs, start(jobs, lambda job: {"token": "abc"}))
    assert message["state"] == "done"
    assert message["token"] == "abc"


def test_a_persons_error_keeps_its_sentence(jobs: Jobs) -> None:
    def work(job: Job) -> dict[str, Any]:
        raise SegdemoError("Choose a smaller photo.")

    message = last_message(jobs, start(jobs, work))
    assert (message["state"], message["text"]) == ("error", "Choose a smaller photo.")


def test_our_own_error_is_logged_and_not_shown(jobs: Jobs, caplog: pytest.LogCaptureFixture) -> None:
    def work(job: Job) -> dict[str, Any]:
        raise RuntimeError("secret detail")

    message = last_message(jobs, start(jobs, work))
    assert message["state"] == "error"
    assert "secret" not in message["text"]
    assert "secret detail" in caplog.text


def test_a_job_past_its_time_says_so(jobs: Jobs) -> None:
    def work(job: Job) -> dict[str, Any]:
        job.report("one more step")
        return {}

    message = last_message(jobs, jobs.start(work, visitor="a", seconds=0))
    assert message["state"] == "error"
    assert "more than 0 s" in message["text"]


def test_cancel_stops_at_the_next_report(jobs: Jobs) -> None:
    started, go_on = threading.Event(), threading.Event()

    def work(job: Job) -> dict[str, Any]:
        started.set()
        go_on.wait(5)
        job.report("next step")
        return {}

    ticket = start(jobs, work)
    started.wait(5)
    jobs.cancel(ticket)
    go_on.set()
    assert last_message(jobs, ticket)["state"] == "cancelled"


def test_a_job_that_nobody_asks_about_is_cancelled(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("segdemo.ui.jobs.ABANDONED_SECONDS", -1)

    def work(job: Job) -> dict[str, Any]:
        job.report("next step")
        return {}

    message = last_message(jobs, start(jobs, work))
    assert message["state"] == "cancelled"


def test_a_poll_waits_for_news_and_gives_the_progress(jobs: Jobs) -> None:
    go_on = threading.Event()

    def work(job: Job) -> dict[str, Any]:
        job.report("half way", 0.5)
        go_on.wait(5)
        return {}

    async def follow() -> None:
        ticket = start(jobs, work)
        message = await jobs.poll(ticket, 1, timeout=5)
        assert (message["text"], message["fraction"]) == ("half way", 0.5)
        same = await jobs.poll(ticket, message["version"], timeout=0.05)
        assert same == message
        go_on.set()
        assert (await jobs.poll(ticket, message["version"], timeout=5))["state"] == "done"

    asyncio.run(follow())


@pytest.mark.parametrize("ticket", [None, "guess", 3])
def test_unknown_tickets_get_a_sentence(jobs: Jobs, ticket: object) -> None:
    message = asyncio.run(jobs.poll(ticket, 0, timeout=1))
    assert message["state"] == "error"


async def _stays() -> bool:
    return False


async def _leaves() -> bool:
    return True


def test_an_awaited_job_returns_and_raises_what_its_work_does(jobs: Jobs) -> None:
    def fail(job: Job) -> None:
        raise LookupError("nothing there")

    async def ask(work: Any) -> Any:
        return await jobs.answer(work, visitor="a", seconds=60, gone=_stays)

    assert asyncio.run(ask(lambda job: 7)) == 7
    with pytest.raises(LookupError, match="nothing there"):
        asyncio.run(ask(fail))


def _until_cancelled(seen: threading.Event) -> Any:
    def work(job: Job) -> None:
        while not job.is_over():
            threading.Event().wait(0.005)
        seen.set()
        job.check()

    return work


def test_an_awaited_job_is_cancelled_when_its_caller_leaves(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("segdemo.ui.jobs.LOOK_SECONDS", 0.01)
    seen = threading.Event()
    with pytest.raises(SegdemoError, match="stopped"):
        asyncio.run(jobs.answer(_until_cancelled(seen), visitor="a", seconds=60, gone=_leaves))
    assert seen.is_set()


def test_an_awaited_job_is_cancelled_with_whoever_awaits_it(jobs: Jobs) -> None:
    seen = threading.Event()

    async def ask_and_go() -> None:
        task = asyncio.create_task(jobs.answer(_until_cancelled(seen), visitor="a", seconds=60, gone=_stays))
        await asyncio.sleep(0.02)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(ask_and_go())
    assert seen.wait(5)
