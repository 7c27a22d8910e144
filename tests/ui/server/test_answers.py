"""Answers that nobody fetches are dropped, others are not."""

import queue
from types import SimpleNamespace
from typing import Any

from segdemo.settings import settings
from segdemo.ui.server.answers import MOST_MESSAGES, Answers


def _waiting(count: int) -> "queue.Queue[int]":
    messages: queue.Queue[int] = queue.Queue()
    for number in range(count):
        messages.put(number)
    return messages


def test_what_nobody_fetches_is_dropped() -> None:
    now = [0.0]
    sessions: dict[str, Any] = {"left": _waiting(3), "comes": _waiting(3), "idle": _waiting(0)}
    gradios = SimpleNamespace(
        pending_messages_per_session=sessions, pending_event_ids_session={"left": {"a"}, "comes": {"b"}, "gone": set()}
    )
    answers = Answers(clock=lambda: now[0])
    answers.forget(gradios)
    assert set(gradios.pending_event_ids_session) == {"left", "comes"}
    now[0] = settings().temp_seconds / 2
    sessions["comes"].get()
    answers.forget(gradios)
    now[0] = settings().temp_seconds + 1
    answers.forget(gradios)
    assert set(sessions) == {"comes", "idle"}
    assert set(gradios.pending_event_ids_session) == {"comes"}


def test_so_many_and_no_more_are_kept() -> None:
    sessions = {"few": _waiting(MOST_MESSAGES), "many": _waiting(MOST_MESSAGES + 1)}
    Answers().forget(SimpleNamespace(pending_messages_per_session=sessions, pending_event_ids_session={}))
    assert set(sessions) == {"few"}
