"""Array operations, which release the interpreter lock, on the cores that this process may use.

The linear algebra library is kept to one thread meanwhile: the products are small, and spread over threads each of them
waits at a barrier for a core that something else uses.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from functools import cache
from typing import TypeVar

from threadpoolctl import ThreadpoolController

from segdemo.progress import current_watch, rest_point, stand_aside, stop_point, watched

Item = TypeVar("Item")
Result = TypeVar("Result")

MAX_WORKERS = 4
_LOOK_SECONDS = 0.1
_helped: ContextVar[bool] = ContextVar("segdemo_helped", default=True)


@cache
def cores() -> int:
    """How many cores this process may run on."""
    return max(1, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)


@cache
def workers() -> int:
    """How many threads array work uses: the cores this process may run on, at most four."""
    return min(MAX_WORKERS, cores())


@contextmanager
def without_helpers() -> Iterator[None]:
    """Inside, array work stays in the thread that asks for it: for whoever keeps every core busy with several such."""
    token = _helped.set(False)
    try:
        yield
    finally:
        _helped.reset(token)


def in_threads(function: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
    """``[function(item) for item in items]``, several at a time; the first error is raised, and no item begun after it.

    Between items the work can be stopped, and can rest (``progress``). Not to be called from within ``function``.
    """
    todo = list(items)
    results: list[Result] = [None] * len(todo)  # type: ignore[list-item]
    left = iter(range(len(todo)))
    done, failed = [False] * len(todo), threading.Event()
    lock = threading.Lock()
    watch = current_watch()

    def run() -> None:
        with watched(watch):
            while not failed.is_set() and not (watch is not None and watch.rest_due):
                with lock:
                    number = next(left, None)
                if number is None:
                    return
                try:
                    stop_point()
                    results[number] = function(todo[number])
                except BaseException:
                    failed.set()
                    raise
                done[number] = True

    while not all(done):
        rest_point()
        with one_blas_thread():
            helpers = min(workers(), len(todo) - sum(done)) - 1 if _helped.get() else 0
            others = [_pool().submit(run) for _ in range(helpers)]
            try:
                run()
            finally:
                wait(others)
        for other in others:
            other.result()
    return results


def spans(length: int, step: int) -> list[slice]:
    """``range(length)`` cut into slices of ``step``, the last one shorter."""
    return [slice(start, min(start + step, length)) for start in range(0, length, step)]


@cache
def shares(length: int) -> list[slice]:
    """``range(length)`` cut into one slice for each worker."""
    return spans(length, -(-length // workers()))


class PatientLock:
    """A lock for something that is computed once: whoever waits for it lets others have the cores meanwhile.

    Its holder may rest, so waiting for it with the cores in hand would be waiting for each other. A thread may take it
    again.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Have it to oneself; raises ``StoppedError`` while waiting where the work is to end."""
        acquired = self._lock.acquire(blocking=False)
        try:
            if not acquired:
                with stand_aside():
                    while not (acquired := self._lock.acquire(timeout=_LOOK_SECONDS)):
                        stop_point()
            yield
        finally:
            if acquired:
                self._lock.release()


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Keep the linear algebra library to one thread; the last of those inside gives its threads back."""
    with _limit:
        yield


class _BlasLimit:
    """One limit for everybody inside: the library has one setting for the whole process, and limits do not nest.

    One thread sets it and takes it back, since threadpoolctl heeds only the thread that set it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._setter = ThreadPoolExecutor(1, thread_name_prefix="segdemo-blas")
        self._limit: AbstractContextManager[object] | None = None

    def __enter__(self) -> None:
        with self._lock:
            self._inside += 1
            if self._inside == 1:
                self._setter.submit(self._set).result()

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                self._setter.submit(self._take_back).result()

    def _set(self) -> None:
        self._limit = _controller().limit(limits=1, user_api="blas")
        self._limit.__enter__()

    def _take_back(self) -> None:
        assert self._limit is not None
        self._limit.__exit__(None, None, None)


@cache
def _controller() -> ThreadpoolController:
    return ThreadpoolController()


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(workers(), thread_name_prefix="segdemo-arrays")


_limit = _BlasLimit()


def _after_fork() -> None:
    # Threads do not survive a fork, and a lock may be held by one of them: the child makes its own.
    global _limit
    _pool.cache_clear()
    _limit = _BlasLimit()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
