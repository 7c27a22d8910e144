"""How fast a batch goes, and how long it will take."""

import time
from collections import deque
from collections.abc import Callable

_LAST = 200
"""Photos that the rate is of: the last ones, since photos differ."""


class Pace:
    """Counts photos as they are done, of ``total``."""

    def __init__(self, total: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.total, self.done = total, 0
        self.told: Callable[[], None] = lambda: None
        """Called after each."""
        self.said = clock()
        self._clock = clock
        self._times = deque([clock()], maxlen=_LAST + 1)

    def note(self) -> None:
        """One more is done."""
        self.done += 1
        self._times.append(self._clock())
        self.told()

    @property
    def rate(self) -> float:
        """Photos a second; 0 before the first."""
        passed = self._times[-1] - self._times[0]
        return (len(self._times) - 1) / passed if passed > 0 else 0.0

    @property
    def seconds_left(self) -> float | None:
        """How long the rest will take; none before there is a rate."""
        return (self.total - self.done) / self.rate if self.rate > 0 else None

    @property
    def text(self) -> str:
        """Rate and time left, for people."""
        left = self.seconds_left
        return f"{self.rate:.2f} photos/s" + (f", {duration(left)} left" if left is not None else "")


def duration(seconds: float) -> str:
    """A time for people: ``8 s``, ``3 min 20 s``, ``2 h 5 min``."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 600:
        minutes, rest = divmod(whole, 60)
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(round(whole / 60), 60)
    if not hours:
        return f"{minutes} min"
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"
