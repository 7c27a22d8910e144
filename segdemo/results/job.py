"""A piece of work for somebody: in its turn, within its time, and only as long as somebody wants what comes of it."""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from statistics import median
from typing import Any

from segdemo.progress import CancelledError, DeadlineError, StoppedError, watched
from segdemo.results.line import Line, Place
from segdemo.results.pace import duration

SLICE_SECONDS = 0.5
"""How long a job has the cores while others wait for them."""
LOOK_SECONDS = 0.02
"""How old the answer may be whether somebody still wants the work."""
LARGE_PIXELS = 6_000_000
"""A photo of more pixels than this is large: few of them are worked on at once, which bounds the memory."""
LAST_PHOTOS = 20
"""How long a photo takes is told by so many of the last."""

Report = Callable[[str, float | None], None]


class Host:
    """What the jobs of one process share: the memory, which has room for a few, and the cores, which have for one.

    ``waiting`` jobs at most stand in line for either. ``at_once`` jobs have the cores together: more than one where
    each keeps to one of them.
    """

    def __init__(self, *, waiting: int, at_once: int = 1) -> None:
        self.memory = Line(limit=waiting, places=8, large_places=2)
        self.cores = Line(limit=4 * waiting, places=at_once)
        self._took: deque[float] = deque(maxlen=LAST_PHOTOS)

    @property
    def idle(self) -> bool:
        """Whether nobody uses the cores or waits for them."""
        return self.cores.idle and self.memory.idle

    def note(self, seconds: float) -> None:
        """A photo has been dealt with, in so much work; how long others are told to wait is made of it."""
        self._took.append(seconds)

    def wait_for(self, ahead: int) -> float | None:
        """How long ``ahead`` jobs will take, in seconds, by the median of the last photos; none before the first."""
        took = list(self._took)
        return ahead * median(took) if took else None


class Job:
    """One piece of work. Results are made by functions that take a job, so there is no way around its limits.

    ``visitor`` is whom it is for, ``client`` from what address, where that is known: they take turns. ``seconds`` is
    how long it may work; waiting does not count. ``cancelled`` says whether nobody wants it any more. ``report`` is
    told what is going on, and the share done where that is known; ``show`` gets what can be looked at before the
    result. To be used by one thread.
    """

    def __init__(
        self,
        host: Host,
        *,
        visitor: str,
        client: str = "",
        seconds: float,
        cancelled: Callable[[], bool],
        report: Report = lambda text, fraction: None,
        show: Callable[[Mapping[str, Any]], None] = lambda early: None,
    ) -> None:
        self.host = host
        self.visitor = visitor
        self.client = client
        self.seconds = seconds
        self._cancelled = cancelled
        self._report = report
        self._show = show
        self._thread = threading.get_ident()
        self._waited = time.monotonic()
        """When the job began, later by what it has waited."""
        self._ends = seconds
        self._looked = -math.inf
        self._turn: Place | None = None
        self._slice_ends = math.inf

    def report(self, text: str, fraction: float | None = None) -> None:
        """Say what is going on (``fraction`` 0..1 where known); raises ``StoppedError`` where the job is to end."""
        self.check()
        self._report(text, fraction)

    def show(self, early: Mapping[str, Any]) -> None:
        """Hand out something to look at until the result is there."""
        self.check()
        self._show(early)

    def check(self) -> None:
        """Raise ``CancelledError`` if nobody wants the work, ``DeadlineError`` once its time is up."""
        now = time.monotonic()
        if now - self._looked > LOOK_SECONDS:
            self._looked = now
            if self._cancelled():
                self._looked = -math.inf
                raise CancelledError
        if self.worked > self._ends:
            raise DeadlineError(
                f"This would take more than {self.seconds:g} s here and was stopped: "
                "choose a smaller photo, a smaller reach or fewer iterations."
            )

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """Allow a part of the work so much time at most."""
        before = self._ends, self.seconds
        self._ends, self.seconds = min(self._ends, self.worked + seconds), min(self.seconds, seconds)
        try:
            yield
        finally:
            self._ends, self.seconds = before

    def is_over(self) -> bool:
        """Whether ``check`` would raise: a ``progress.Cancel``."""
        try:
            self.check()
        except StoppedError:
            return True
        return False

    @contextmanager
    def in_memory(self, *, pixels: int) -> Iterator[None]:
        """Wait until there is memory for a photo of so many pixels and what is made of it, and hold it."""
        place = self.wait(self.host.memory, large=pixels > LARGE_PIXELS)
        before = self.worked
        try:
            yield
            self.host.note(self.worked - before)
        finally:
            self.host.memory.leave(place)

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for the cores, and have them; inside, work that takes long lets others have theirs now and then."""
        if self._turn is not None:
            yield
            return
        self._take_turn()
        try:
            with self.working():
                yield
        finally:
            self._give_turn()

    @contextmanager
    def working(self) -> Iterator[None]:
        """Work outside of the turn that the job's limits hold for, such as writing files."""
        self.check()
        with watched(self):
            yield

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Wait for something, and let others have the cores meanwhile; the time is not the job's."""
        if threading.get_ident() != self._thread:
            yield
            return
        had, start = self._turn is not None, time.monotonic()
        self._give_turn()
        try:
            yield
        finally:
            self._waited += time.monotonic() - start
            if had:
                self._take_turn(first=True)

    @property
    def rest_due(self) -> bool:
        """Whether others wait for the cores that this job has had for long enough."""
        return time.monotonic() > self._slice_ends and self.host.cores.others_wait(self.visitor, self.client)

    @property
    def worked(self) -> float:
        """How long the job has been at work, in seconds; waiting does not count."""
        return time.monotonic() - self._waited

    def _take_turn(self, *, first: bool = False) -> None:
        self._turn = self.wait(self.host.cores, first=first)
        self._slice_ends = time.monotonic() + SLICE_SECONDS

    def _give_turn(self) -> None:
        if self._turn is not None:
            self.host.cores.leave(self._turn)
            self._turn, self._slice_ends = None, math.inf

    def wait(self, line: Line, *, large: bool = False, first: bool = False) -> Place:
        """Stand in a line, and return the place, to be given back with ``leave``; the time is not the job's."""
        start = time.monotonic()

        def waiting(ahead: int) -> None:
            if self._cancelled():
                raise CancelledError
            if not first and ahead:
                self._report(_waiting(ahead, self.host.wait_for(ahead)), None)

        try:
            return line.enter(self.visitor, client=self.client, large=large, first=first, waiting=waiting)
        finally:
            self._waited += time.monotonic() - start


def _waiting(ahead: int, seconds: float | None) -> str:
    place = "Waiting: you are next" if ahead == 1 else f"Waiting: {ahead} ahead of you"
    return place if seconds is None else f"{place}, about {duration(max(1, seconds))}"


def own_job() -> Job:
    """A job for whoever has the process to themselves, such as a command line: no line, no limit, ended by Ctrl-C."""
    return Job(Host(waiting=1), visitor="", seconds=math.inf, cancelled=lambda: False)
