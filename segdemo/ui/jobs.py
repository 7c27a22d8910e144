"""The jobs of the page and of the API: each in a thread of its own, followed by polls or awaited, and cancelled."""

import asyncio
import contextvars
import logging
import secrets
import threading
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from segdemo.errors import SegdemoError
from segdemo.progress import CancelledError
from segdemo.results.job import Host, Job

logger = logging.getLogger(__name__)

Answer = dict[str, Any]
Work = Callable[[Job], Answer]

POLL_SECONDS = 10.0
"""How long a poll waits for news before it returns without."""
ABANDONED_SECONDS = 25.0
"""A job that nobody has asked about for so long is cancelled: its page was closed."""
KEPT_SECONDS = 120.0
"""How long a finished job's last message is kept."""
LOOK_SECONDS = 0.25
"""How often a caller who waits is looked after: whether they are still there."""


class _Run:
    """One job as those see it who wait for it."""

    def __init__(self) -> None:
        self.message: Answer = {"state": "running", "text": "Starting", "fraction": None}
        self.version = 1
        self.asked = time.monotonic()
        self.finished: float | None = None
        self.cancelled = threading.Event()
        self.early: Mapping[str, Any] | None = None

    def abandoned(self) -> bool:
        """Whether the visitor said to stop, or has gone."""
        return self.cancelled.is_set() or time.monotonic() - self.asked > ABANDONED_SECONDS

    def report(self, text: str, fraction: float | None) -> None:
        """Say what is going on."""
        early = {} if self.early is None else {"early": True}
        self.say({"state": "running", "text": text, "fraction": fraction, **early})

    def show(self, early: Mapping[str, Any]) -> None:
        """Keep what can be looked at before the result; messages say from now on that it is there."""
        self.early = early

    def say(self, message: Answer) -> None:
        """Replace the message that polls return."""
        if message != self.message:
            self.message = message
            self.version += 1


class Jobs:
    """The jobs of all visitors, by unguessable ticket."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self._runs: dict[str, _Run] = {}
        self._lock = threading.Lock()

    def start(self, work: Work, *, visitor: str, client: str = "", seconds: float) -> str:
        """Run ``work`` and return its ticket; what it returns becomes the last message.

        A ``SegdemoError`` becomes the sentence of an error message; any other exception is logged with its trace and
        becomes an apology.
        """
        ticket, run = secrets.token_urlsafe(18), _Run()
        with self._lock:
            self._forget()
            self._runs[ticket] = run

        def last_message() -> None:
            job = self._job(run, visitor, client, seconds, run.abandoned)
            run.say(_last_message(job, work))
            run.finished, run.early = time.monotonic(), None

        _in_thread(last_message)
        return ticket

    async def poll(self, ticket: object, version: int, *, timeout: float = POLL_SECONDS) -> Answer:
        """The job's message as soon as it is newer than ``version``, or after ``timeout`` seconds as it is."""
        run = self._runs.get(ticket) if isinstance(ticket, str) else None
        if run is None:
            return {"state": "error", "text": "This run is no longer known here: please start it again.", "version": 0}
        deadline = time.monotonic() + timeout
        while run.version <= version and time.monotonic() < deadline:
            run.asked = time.monotonic()
            await asyncio.sleep(0.02)
        run.asked = time.monotonic()
        return {**run.message, "version": run.version}

    def cancel(self, ticket: object) -> None:
        """Ask a job to stop; unknown tickets are nobody's."""
        run = self._runs.get(ticket) if isinstance(ticket, str) else None
        if run is not None:
            run.cancelled.set()

    def early(self, ticket: object) -> Answer:
        """What can be looked at before a job's result is there; nothing where there is none, or no longer."""
        run = self._runs.get(ticket) if isinstance(ticket, str) else None
        return dict(run.early) if run is not None and run.early is not None else {}

    async def answer(
        self,
        work: Callable[[Job], Any],
        *,
        visitor: str,
        client: str = "",
        seconds: float,
        gone: Callable[[], Awaitable[bool]],
        told: Callable[[Answer], Awaitable[None]] | None = None,
    ) -> Any:
        """Run ``work`` and return what it returns, or raise what it raises.

        It is cancelled once ``gone()`` says that the caller has left, or when whoever awaits this is cancelled.
        ``told`` gets the job's messages as they change, such as how many are ahead in the line.
        """
        run, loop, version = _Run(), asyncio.get_running_loop(), 0
        future: asyncio.Future[Any] = loop.create_future()

        def settle(result: Any, error: BaseException | None) -> None:
            if future.cancelled():
                return
            if error is None:
                future.set_result(result)
            else:
                future.set_exception(error)

        def work_and_tell() -> None:
            result, error = None, None
            try:
                result = work(self._job(run, visitor, client, seconds, run.cancelled.is_set))
            except BaseException as raised:
                error = raised
            try:
                loop.call_soon_threadsafe(settle, result, error)
            except RuntimeError:
                logger.debug("the server stopped before an answer was there")

        _in_thread(work_and_tell)
        try:
            while not (await asyncio.wait({future}, timeout=LOOK_SECONDS))[0]:
                if await gone():
                    run.cancelled.set()
                if told is not None and run.version > version:
                    version = run.version
                    await told(run.message)
            return future.result()
        finally:
            run.cancelled.set()
            future.cancel()

    def _job(self, run: _Run, visitor: str, client: str, seconds: float, cancelled: Callable[[], bool]) -> Job:
        return Job(
            self.host,
            visitor=visitor,
            client=client,
            seconds=seconds,
            cancelled=cancelled,
            report=run.report,
            show=run.show,
        )

    def _forget(self) -> None:
        oldest = time.monotonic() - KEPT_SECONDS
        for ticket in [key for key, run in self._runs.items() if run.finished is not None and run.finished < oldest]:
            del self._runs[ticket]


def _in_thread(work: Callable[[], None]) -> None:
    context = contextvars.copy_context()
    threading.Thread(target=context.run, args=(work,), daemon=True, name="segdemo-job").start()


def _last_message(job: Job, work: Work) -> Answer:
    try:
        return {"state": "done", **work(job)}
    except CancelledError:
        return {"state": "cancelled", "text": "Cancelled. The last result is still there."}
    except SegdemoError as error:
        return {"state": "error", "text": str(error)}
    except MemoryError:
        logger.exception("out of memory in a job")
        return {"state": "error", "text": "There was not enough memory for this photo: try a smaller input size."}
    except Exception:
        logger.exception("a job failed")
        return {"state": "error", "text": "Something went wrong on the server. The last result is still there."}
