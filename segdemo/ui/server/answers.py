"""Drops answers that were waited for by nobody: Gradio keeps them until somebody comes for them."""

import time
from collections.abc import Callable
from typing import Any

from segdemo.settings import settings

MOST_MESSAGES = 1000
"""More messages than this wait for nobody who means to come."""


class Answers:
    """Looks now and then at what a queue of Gradio's keeps for each session."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen: dict[str, tuple[int, float]] = {}

    def forget(self, queue: Any) -> None:
        """Drop the messages of sessions that have fetched none for ``temp_seconds``, and what is left of sessions."""
        now, seen = self._clock(), {}
        kept = queue.pending_messages_per_session
        for session, messages in list(kept.items()):
            count = messages.qsize()
            before, since = self._seen.get(session, (count, now))
            since = since if before == count else now
            if count > MOST_MESSAGES or (count and now - since > settings().temp_seconds):
                del kept[session]
            else:
                seen[session] = (count, since)
        for session in [session for session in queue.pending_event_ids_session if session not in kept]:
            del queue.pending_event_ids_session[session]
        self._seen = seen
