"""Work spread over threads: everything done once, errors raised, the library's own threads given back."""

import threading

import pytest
from threadpoolctl import threadpool_info

from segdemo.segmentation.threads import for_each


def blas_threads() -> list[int]:
    return [entry["num_threads"] for entry in threadpool_info() if entry["user_api"] == "blas"]


@pytest.mark.parametrize("count", [0, 1, 2, 17])
def test_every_item_is_done_once(count):
    done: list[int] = []
    for_each(done.append, range(count))
    assert sorted(done) == list(range(count))


def test_errors_are_raised():
    def work(item: int) -> None:
        if item == 5:
            raise LookupError("five")

    with pytest.raises(LookupError, match="five"):
        for_each(work, range(9))


def test_the_thread_limit_ends_with_the_last_of_several_callers():
    before = blas_threads()
    inside: list[list[int]] = []
    both = threading.Barrier(2, timeout=60)

    def work(_: int) -> None:
        both.wait()
        inside.append(blas_threads())

    callers = [threading.Thread(target=for_each, args=(work, [0])) for _ in range(2)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert all(threads == [1] * len(before) for threads in inside)
    assert blas_threads() == before
