"""Connections that say nothing are closed, those at work and those that ask now and then are not."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from segdemo.settings import settings
from segdemo.ui.server import connections
from segdemo.ui.server.connections import Watch


@dataclass(eq=False)
class Cycle:
    response_complete: bool = True


@dataclass(eq=False)
class Connection:
    cycle: Any = None
    client: Any = ("10.0.0.1", 1)
    waiting: int = 0
    aborted: bool = False
    transport: Any = field(init=False)

    def __post_init__(self) -> None:
        self.transport = self

    def abort(self) -> None:
        self.aborted = True

    def get_write_buffer_size(self) -> int:
        return self.waiting


def test_silence_is_ended_and_work_is_not() -> None:
    now = [0.0]
    watch = Watch(clock=lambda: now[0])
    silent, after, busy, lively = (
        Connection(),
        Connection(cycle=Cycle()),
        Connection(cycle=Cycle(response_complete=False)),
        Connection(cycle=Cycle()),
    )
    for second in range(32):
        now[0] = float(second)
        lively.cycle = Cycle() if second % 7 == 0 else lively.cycle
        watch.look([silent, after, busy, lively])
        assert silent.aborted == after.aborted == (second > 30)
    assert not busy.aborted
    assert not lively.aborted


@pytest.mark.parametrize("complete", [True, False])
def test_an_answer_is_to_be_taken(complete: bool) -> None:
    now = [0.0]
    watch = Watch(clock=lambda: now[0])
    stuck, slow = (Connection(cycle=Cycle(response_complete=complete), waiting=10**6) for _ in range(2))
    for second in range(200):
        now[0] = float(second)
        slow.waiting -= 1000 if second % 20 == 0 else 0
        watch.look([stuck, slow])
        assert stuck.aborted == (second > 30)
    assert not slow.aborted


def test_no_answer_takes_for_ever() -> None:
    now = [0.0]
    watch = Watch(clock=lambda: now[0])
    dripping = Connection(cycle=Cycle(), waiting=10**6)
    for second in range(700):
        now[0] = float(second)
        dripping.waiting -= 1
        watch.look([dripping])
    assert dripping.aborted


def test_a_server_that_stood_still_blames_nobody() -> None:
    now = [0.0]
    watch = Watch(clock=lambda: now[0])
    connection = Connection(cycle=Cycle())
    for moment in (0.0, 1.0, 100.0):
        now[0] = moment
        watch.look([connection])
    assert not connection.aborted


def test_one_client_may_hold_so_many(monkeypatch: pytest.MonkeyPatch) -> None:
    few = settings().model_copy(update={"client_connections": 2})
    monkeypatch.setattr(connections, "settings", lambda: few)
    mine = [Connection() for _ in range(4)]
    other = Connection(client=("10.0.0.2", 1))
    Watch().look([*mine, other])
    assert sum(connection.aborted for connection in mine) == 2
    assert not other.aborted
