"""Tiles worked off by a few threads of our own, with the linear algebra library's kept out of the way.

A tile's products are small: spread over threads each of them waits at a barrier for a core that something else uses,
and on a busy machine that wait is most of the time. Whole tiles need only one wait, at the end.
"""

import os
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from typing import TypeVar

from threadpoolctl import ThreadpoolController

Item = TypeVar("Item")

MAX_WORKERS = 4


@cache
def _controller() -> ThreadpoolController:
    return ThreadpoolController()


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(_workers(), thread_name_prefix="segdemo-tiles")


def _workers() -> int:
    return max(1, min(MAX_WORKERS, os.cpu_count() or 1))


@cache
def _turn() -> threading.Lock:
    return threading.Lock()


_turn()  # made before two threads can ask for it at once

if hasattr(os, "register_at_fork"):
    # Threads do not survive a fork, and a lock may be held by one of them: the child makes its own.
    os.register_at_fork(after_in_child=_pool.cache_clear)
    os.register_at_fork(after_in_child=_turn.cache_clear)


@contextmanager
def alone() -> Iterator[None]:
    """Keep the library to one thread, for products too small to share.

    Callers take turns: the cores are all in use, and limits on the library's threads do not nest across threads.
    """
    with _turn(), _controller().limit(limits=1, user_api="blas"):
        yield


def for_each(work: Callable[[Item], object], items: Iterable[Item]) -> None:
    """Call ``work`` on every item, several at a time; it must write to places of its own. Its first error is raised.

    Callers take turns, as with ``alone``. Not to be called from within ``work``.
    """
    with alone():
        everything = list(items)
        workers = min(_workers(), len(everything))
        if workers <= 1:
            _run(work, everything)
            return
        runs = [_pool().submit(_run, work, everything[first::workers]) for first in range(workers)]
        for run in runs:
            run.result()


def _run(work: Callable[[Item], object], items: list[Item]) -> None:
    for item in items:
        work(item)
