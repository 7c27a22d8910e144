"""Work spread over threads: everything done once, errors raised, the library's own threads given back."""

import threading

import pytest
from threadpoolctl import threadpool_info

from segdemo.threads import in_threads


def blas_threads() -> list[int]:
    """Of NumPy's own library: others bring copies that come and go with what is imported."""
    return [entry["num_threads"] for entry in threadpool_info() if "numpy" in entry["filepath"]]


@pytest.mark.parametrize("count", [0, 1, 2, 17])
def test_every_item_is_done_once(count):
    done: list[int] = []
    in_threads(done.append, range(count))
    assert sorted(done) == list(range(count))


def test_errors_are_raised():
    def work(item: int) -> None:
        if item == 5:
            raise LookupError("five")

    with pytest.raises(LookupError, match="five"):
        in_threads(work, range(9))


def test_products_run_on_one_thread_inside_and_as_before_outside():
    before = blas_threads()
    inside: list[list[int]] = []
    in_threads(lambda _: inside.append(blas_threads()), [0])
    assert inside == [[1] * len(before)]
    assert blas_threads() == before


def test_callers_at_the_same_time_leave_the_limit_as_it_was():
    before = blas_threads()
    inside: list[list[int]] = []

    def call() -> None:
        in_threads(lambda _: inside.append(blas_threads()), range(3))

    for _ in range(20):
        callers = [threading.Thread(target=call) for _ in range(3)]
        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join()
        assert blas_threads() == before
    assert inside == [[1] * len(before)] * 180
