"""How long work is followed, and how it is ended before it is done: alike in every room.

Loops over arrays ask ``stop_point`` now and then, and whoever runs them says when to stop. What asks needs no argument
for it, so no loop can be reached by a way that forgot to hand one on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from typing import Protocol

from segdemo.errors import SegdemoError

Progress = Callable[[float], None]
"""Told the share of the work that is done, 0 to 1, never less than before."""

Cancel = Callable[[], bool]
"""Asked now and then by the work itself, in its thread, whether to stop: on true it raises ``CancelledError``.

An event's ``is_set`` is one; so is ``lambda: time.monotonic() > deadline``. It is asked often: it must answer at once.
"""


class StoppedError(SegdemoError):
    """Work ended before it was done; nothing that was there before is lost."""


class CancelledError(StoppedError):
    """Nobody wants the work's result any more."""

    def __init__(self, sentence: str = "The run was stopped; what was there before is kept.") -> None:
        super().__init__(sentence)


class DeadlineError(StoppedError):
    """The work took longer than its host allows."""


class Watch(Protocol):
    """What stands over a piece of work."""

    def check(self) -> None:
        """Raise ``StoppedError`` if the work is to end; asked often, from any thread."""
        ...

    @property
    def rest_due(self) -> bool:
        """Whether others wait for the cores and it is time to let them; asked often, from any thread."""
        ...

    def aside(self) -> AbstractContextManager[None]:
        """Let others have the cores meanwhile, and come back in one's turn; for the thread that runs the work only."""
        ...


_watch: ContextVar[Watch | None] = ContextVar("segdemo_watch", default=None)


@contextmanager
def watched(watch: Watch | None) -> Iterator[None]:
    """Let ``watch`` stand over what this thread does inside, and over what ``threads.in_threads`` does for it."""
    token = _watch.set(watch)
    try:
        yield
    finally:
        _watch.reset(token)


def current_watch() -> Watch | None:
    """What stands over the work of this thread."""
    return _watch.get()


def stop_point() -> None:
    """Raise ``StoppedError`` if the work that this thread is on is to end; for loops that may take long."""
    watch = _watch.get()
    if watch is not None:
        watch.check()


def rest_point() -> None:
    """A ``stop_point`` where others may have the cores for a while, too.

    For the thread that runs the work, between steps, where it holds nothing that others wait for.
    """
    watch = _watch.get()
    if watch is not None:
        watch.check()
        if watch.rest_due:
            with watch.aside():
                pass
            watch.check()


def stand_aside() -> AbstractContextManager[None]:
    """Let others have the cores while the work that this thread runs waits for something."""
    watch = _watch.get()
    return nullcontext() if watch is None else watch.aside()
