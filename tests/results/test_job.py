"""Jobs: in turn, within their time, as long as somebody wants them; long ones let others go first."""

import threading
from collections.abc import Callable
from typing import Any

import pytest

from segdemo.progress import CancelledError, DeadlineError, rest_point, stop_point
from segdemo.results.job import LARGE_PIXELS, Host, Job, own_job
from segdemo.threads import PatientLock, in_threads


class Clock:
    """Stands still but when a test moves it."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("segdemo.results.job.time", clock)
    return clock


@pytest.fixture
def host() -> Host:
    return Host(waiting=9)


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks are taken at once, and a slice of the cores is over as soon as it began."""
    monkeypatch.setattr("segdemo.results.line.LOOK_SECONDS", 0.005)
    monkeypatch.setattr("segdemo.results.job.SLICE_SECONDS", -1)
    monkeypatch.setattr("segdemo.results.job.LOOK_SECONDS", -1)


def job(host: Host, visitor: str = "a", *, seconds: float = 60, cancelled: Callable[[], bool] = lambda: False) -> Job:
    return Job(host, visitor=visitor, seconds=seconds, cancelled=cancelled)


def test_a_job_ends_when_its_time_is_up(host: Host, clock: Clock) -> None:
    work = job(host, seconds=5)
    clock.now += 5
    work.check()
    clock.now += 0.1
    with pytest.raises(DeadlineError, match="more than 5 s"):
        work.check()
    assert work.is_over()


def test_waiting_is_not_working(host: Host, clock: Clock) -> None:
    work = job(host, seconds=5)
    place = host.cores.enter("b")

    def told(text: str, fraction: float | None) -> None:
        assert text == "Waiting: you are next"
        clock.now += 100
        host.cores.leave(place)

    work._report = told
    with work.turn():
        clock.now += 4
        work.check()
        clock.now += 2
        with pytest.raises(DeadlineError):
            work.check()


def test_waiting_for_what_somebody_else_computes_is_not_working(host: Host, clock: Clock) -> None:
    work = job(host, seconds=5)
    with work.aside():
        clock.now += 100
    work.check()
    with work.turn():
        with work.aside():
            clock.now += 100
        work.check()


def test_a_part_has_a_limit_of_its_own(host: Host, clock: Clock) -> None:
    work = job(host, seconds=50)
    clock.now += 10
    with work.within(3):
        clock.now += 4
        with pytest.raises(DeadlineError, match="more than 3 s"):
            work.check()
    work.check()
    with work.within(1000):
        clock.now += 40
        with pytest.raises(DeadlineError, match="more than 50 s"):
            work.check()


@pytest.mark.usefixtures("at_once")
def test_a_cancelled_job_ends_at_the_next_look_and_while_it_waits(host: Host) -> None:
    wanted = True
    work = job(host, cancelled=lambda: not wanted)
    work.check()
    wanted = False
    with pytest.raises(CancelledError):
        work.check()
    place = host.cores.enter("b")
    with pytest.raises(CancelledError), work.turn():
        pytest.fail("it was not its turn")
    host.cores.leave(place)
    assert host.idle


def test_loops_ask_the_job_whose_turn_it_is(host: Host, clock: Clock) -> None:
    stop_point()
    work = job(host, seconds=5)
    with work.turn():
        stop_point()
        clock.now += 6
        for asks in (stop_point, rest_point, lambda: in_threads(abs, [1, 2, 3])):
            with pytest.raises(DeadlineError):
                asks()
    stop_point()


def test_a_turn_within_a_turn_is_the_same(host: Host) -> None:
    work = job(host)
    with work.turn(), work.turn():
        assert not host.idle
    assert host.idle


@pytest.mark.usefixtures("at_once")
def test_long_work_lets_others_go_first(host: Host) -> None:
    order: list[str] = []
    standing, done = threading.Event(), threading.Event()

    def other() -> None:
        mine = job(host, "b")
        mine._report = lambda text, fraction: standing.set()
        with mine.turn():
            order.append("other")
        done.set()

    long = job(host, "a")
    with long.turn():
        order.append("long begins")
        threading.Thread(target=other).start()
        assert standing.wait(5)
        in_threads(lambda number: order.append(f"long {number}"), range(3))
    assert done.wait(5)
    assert order[:2] == ["long begins", "other"]
    assert sorted(order[2:]) == ["long 0", "long 1", "long 2"]


@pytest.mark.usefixtures("at_once")
def test_a_visitors_own_jobs_do_not_interrupt_each_other(host: Host) -> None:
    first = job(host, "a")
    standing = threading.Event()
    order: list[str] = []

    def second() -> None:
        mine = job(host, "a")
        mine._report = lambda text, fraction: standing.set()
        with mine.turn():
            order.append("second")

    thread = threading.Thread(target=second)
    with first.turn():
        thread.start()
        assert standing.wait(5)
        assert not first.rest_due
        rest_point()
        order.append("first")
    thread.join(5)
    assert order == ["first", "second"]


@pytest.mark.usefixtures("at_once")
def test_who_waits_for_what_a_resting_job_computes_gives_it_the_cores(host: Host) -> None:
    """The holder of a lock rests, the next in turn wants the lock: neither may wait for the other for ever."""
    lock, held, results = PatientLock(), threading.Event(), list[str]()

    def compute(visitor: str, wait: bool) -> None:
        mine = job(host, visitor)
        with mine.turn(), lock.held():
            held.set()
            while wait and not host.cores.others_wait(visitor):
                threading.Event().wait(0.005)
            in_threads(abs, range(4))
            results.append(visitor)

    threads = [threading.Thread(target=compute, args=("a", True))]
    threads[0].start()
    assert held.wait(5)
    threads += [threading.Thread(target=compute, args=(visitor, False)) for visitor in "bc"]
    for thread in threads[1:]:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert sorted(results) == ["a", "b", "c"]
    assert host.idle


def test_few_large_photos_are_in_memory_at_once(host: Host) -> None:
    jobs = [job(host, visitor) for visitor in "abc"]
    entered = threading.Event()

    def third() -> None:
        with jobs[2].in_memory(pixels=LARGE_PIXELS + 1):
            entered.set()

    with jobs[0].in_memory(pixels=LARGE_PIXELS + 1):
        with jobs[1].in_memory(pixels=LARGE_PIXELS + 1):
            thread = threading.Thread(target=third)
            thread.start()
            with job(host, "d").in_memory(pixels=LARGE_PIXELS):
                assert not entered.wait(0.02)
        assert entered.wait(5)
    thread.join(5)
    assert host.idle


def test_a_command_line_has_no_limits() -> None:
    work = own_job()
    with work.in_memory(pixels=10**9), work.turn():
        work.report("anything", 0.5)
    assert not work.is_over()


def test_a_job_needs_its_limits() -> None:
    wrong: Any = Job
    for missing in ("visitor", "seconds", "cancelled"):
        given = {"visitor": "a", "seconds": 1, "cancelled": lambda: False}
        del given[missing]
        with pytest.raises(TypeError, match=missing):
            wrong(Host(waiting=1), **given)
