"""Running array operations, which release the interpreter lock, on the processor's cores."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


@cache
def workers() -> int:
    """How many threads the refinement uses: the cores this process may run on, at most four."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(4, cores)


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(workers(), thread_name_prefix="segdemo-refine")


def in_threads(function: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
    """``[function(item) for item in items]``, several at a time; never to be called from within ``function``."""
    return list(_pool().map(function, items))


def spans(length: int, step: int) -> list[slice]:
    """``range(length)`` cut into slices of ``step``, the last one shorter."""
    return [slice(start, min(start + step, length)) for start in range(0, length, step)]


@cache
def shares(length: int) -> list[slice]:
    """``range(length)`` cut into one slice for each worker."""
    return spans(length, -(-length // workers()))
