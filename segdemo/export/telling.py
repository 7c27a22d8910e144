"""Says how far an export is and how long it will take: some of its steps take minutes and tell nothing themselves."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

Say = Callable[[str], None]
_BEAT = 10.0
"""Seconds between lines within a step."""


class Steps:
    """Steps with the seconds that each is expected to take; what the finished ones took corrects the rest."""

    def __init__(self, expected: Sequence[float], say: Say, *, beat: float = _BEAT) -> None:
        self._left = list(expected)
        self._total = max(sum(expected), 1e-9)
        self._say, self._beat = say, beat
        self._done = self._spent = 0.0

    @contextmanager
    def step(self, text: str) -> Iterator[None]:
        """Say what is done now, again and again until it is."""
        expected = self._left.pop(0) if self._left else 0.0
        start = time.monotonic()
        over = threading.Event()

        def line() -> str:
            spent = time.monotonic() - start
            pace = min(max(self._spent / self._done, 0.2), 20.0) if self._done else 1.0
            # A step that takes longer than expected is nearly done for ever, not over.
            here = 1 - 2 ** (-spent / (pace * expected)) if expected else 0.0
            share = (self._done + here * expected) / self._total
            left = pace * ((1 - here) * expected + sum(self._left))
            return f"{share:4.0%} {text}, about {_duration(left)} left"

        def tell() -> None:
            while not over.wait(self._beat):
                self._say(line())

        self._say(line())
        teller = threading.Thread(target=tell, daemon=True, name="segdemo-export-telling")
        teller.start()
        try:
            yield
        finally:
            over.set()
            teller.join()
        self._done += expected
        self._spent += time.monotonic() - start


def _duration(seconds: float) -> str:
    return f"{max(1, round(seconds))} s" if seconds < 90 else f"{round(seconds / 60)} min"
