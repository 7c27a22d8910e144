"""Watches for tests: what stands over work and ends it at the n-th question."""

from collections.abc import Iterator
from contextlib import contextmanager

from segdemo.progress import CancelledError, watched


class CountingWatch:
    """Counts how often work asked whether to go on, and ends it at the question ``last``."""

    rest_due = False

    def __init__(self, last: int | None = None) -> None:
        self.last = last
        self.asked = 0

    def check(self) -> None:
        """Count, and raise when it is time."""
        self.asked += 1
        if self.last is not None and self.asked >= self.last:
            raise CancelledError

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Nobody else wants the cores."""
        yield


@contextmanager
def counted(last: int | None = None) -> Iterator[CountingWatch]:
    """Let a counting watch stand over what is done inside."""
    watch = CountingWatch(last)
    with watched(watch):
        yield watch
