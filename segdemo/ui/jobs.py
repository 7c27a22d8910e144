"""Work that takes longer than a look-up: one at a time, with progress, a place in the queue, and cancel."""

import asyncio
import contextvars
import logging
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from segdemo.errors import SegdemoError
from segdemo.progress import CancelledError

logger = logging.getLogger(__name__)

POLL_SECONDS = 10.0
"""How long a poll waits for news before it returns without."""
ABANDONED_SECONDS = 45.0
"""A job that nobody has asked about for so long is cancelled: its page was closed."""
KEPT_SECONDS = 120.0
"""How long a finished job's last message is kept."""


class Turnstile:
    """Lets one job at a time through, in the order of arrival."""

    def __init__(self, *, limit: int) -> None:
        self.limit = limit
        self._waiting: list[object] = []
        self._changed = threading.Condition()

    @property
    def idle(self) -> bool:
        """Whether nobody is in line and nothing runs."""
        return not self._waiting

    @contextmanager
    def turn(self, *, waiting: Callable[[int], None] = lambda ahead: None) -> Iterator[None]:
        """Wait for one's turn; ``waiting(ahead)`` is told the number of jobs ahead and may raise to give up.

        Raises ``SegdemoError`` when more than ``limit`` are in line already.
        """
        me = object()
        with self._changed:
            if len(self._waiting) > self.limit:
                raise SegdemoError(f"{len(self._waiting)} people are waiting already: please try again in a minute.")
            self._waiting.append(me)
        try:
            while True:
                with self._changed:
                    ahead = self._waiting.index(me)
                if ahead == 0:
                    break
                waiting(ahead)
                with self._changed:
                    if self._waiting.index(me) == ahead:
                        self._changed.wait(timeout=0.25)
            yield
        finally:
            with self._changed:
                self._waiting.remove(me)
                self._changed.notify_all()


@dataclass(eq=False)
class Job:
    """One piece of work, seen from the thread that does it."""

    message: dict[str, Any] = field(default_factory=lambda: {"state": "running", "text": "Starting", "fraction": None})
    version: int = 1
    asked: float = field(default_factory=time.monotonic)
    finished: float | None = None
    _cancelled: threading.Event = field(default_factory=threading.Event)

    @property
    def cancelled(self) -> bool:
        """Whether to stop: the visitor said so, or has gone."""
        return self._cancelled.is_set() or time.monotonic() - self.asked > ABANDONED_SECONDS

    def cancel(self) -> None:
        """Ask the work to stop at its next report."""
        self._cancelled.set()

    def report(self, text: str, fraction: float | None = None) -> None:
        """Tell the visitor what is happening (``fraction`` 0..1 where known). Raises ``CancelledError``."""
        if self.cancelled:
            raise CancelledError
        self.say({"state": "running", "text": text, "fraction": fraction})

    def say(self, message: dict[str, Any]) -> None:
        """Replace the message that polls return."""
        if message != self.message:
            self.message = message
            self.version += 1


class Jobs:
    """The jobs of all visitors, by unguessable ticket."""

    def __init__(self) -> None:
        self._jobs: dict[str, Job] = {}
        self._lock = threading.Lock()

    def start(self, work: Callable[[Job], dict[str, Any]]) -> str:
        """Run ``work`` in a thread of its own and return its ticket; what it returns becomes the last message.

        A ``SegdemoError`` becomes the sentence of an error message; any other exception is logged with its trace and
        becomes an apology.
        """
        ticket, job = secrets.token_urlsafe(18), Job()
        with self._lock:
            self._forget()
            self._jobs[ticket] = job
        context = contextvars.copy_context()
        threading.Thread(target=context.run, args=(self._run, job, work), daemon=True, name="segdemo-job").start()
        return ticket

    async def poll(self, ticket: object, version: int, *, timeout: float = POLL_SECONDS) -> dict[str, Any]:
        """The job's message as soon as it is newer than ``version``, or after ``timeout`` seconds as it is."""
        job = self._jobs.get(ticket) if isinstance(ticket, str) else None
        if job is None:
            return {"state": "error", "text": "This run is no longer known here: please start it again.", "version": 0}
        deadline = time.monotonic() + timeout
        while job.version <= version and time.monotonic() < deadline:
            job.asked = time.monotonic()
            await asyncio.sleep(0.02)
        job.asked = time.monotonic()
        return {**job.message, "version": job.version}

    def cancel(self, ticket: object) -> None:
        """Ask a job to stop; unknown tickets are nobody's."""
        job = self._jobs.get(ticket) if isinstance(ticket, str) else None
        if job is not None:
            job.cancel()

    def _run(self, job: Job, work: Callable[[Job], dict[str, Any]]) -> None:
        try:
            job.say({"state": "done", **work(job)})
        except CancelledError:
            job.say({"state": "cancelled", "text": "Cancelled. The last result is still there."})
        except SegdemoError as error:
            job.say({"state": "error", "text": str(error)})
        except MemoryError:
            logger.exception("out of memory in a job")
            job.say({"state": "error", "text": "There was not enough memory for this photo: try a smaller input size."})
        except Exception:
            logger.exception("a job failed")
            job.say({"state": "error", "text": "Something went wrong on the server. The last result is still there."})
        finally:
            job.finished = time.monotonic()

    def _forget(self) -> None:
        oldest = time.monotonic() - KEPT_SECONDS
        for ticket in [key for key, job in self._jobs.items() if job.finished is not None and job.finished < oldest]:
            del self._jobs[ticket]
