"""The store: bounded in bytes and time, one record under several tokens counted once."""

import threading
import time
from pathlib import Path

import numpy as np
import pytest

from segdemo.checkpoints import Checkpoint
from segdemo.prediction import Prediction
from segdemo.progress import CancelledError
from segdemo.taxonomy import taxonomy_for
from segdemo.ui.store import DERIVED_ENTRIES, GoneError, Record, Store

LABELS = {0: "sky", 1: "car"}


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def make_record(pixels: int = 100, example: str | None = None) -> Record:
    prediction = Prediction(
        image_size=(1, pixels),
        input_size=(32, 32),
        content_size=(32, 32),
        id2label=LABELS,
        masks=(np.zeros((1, 8, 8), np.float32),),
        classes=(np.zeros((1, 3), np.float32),),
    )
    return Record(
        image=np.zeros((1, pixels, 3), np.uint8),
        display=b"",
        display_size=(1, pixels),
        prediction=prediction,
        taxonomy=taxonomy_for(LABELS),
        checkpoint=Checkpoint("test", "Test", "semantic", "", path=Path()),
        example=example,
    )


def test_a_record_counts_its_photo_its_prediction_and_what_was_derived() -> None:
    record = make_record(100)
    before = record.nbytes
    assert before == 300 + 8 * 8 * 4 + 3 * 4
    record.derive("map", lambda: np.zeros(50, np.uint8))
    assert record.nbytes == before + 50


def test_derived_values_are_computed_once_and_the_oldest_go() -> None:
    record = make_record()
    calls: list[int] = []
    for _ in range(2):
        record.derive("a", lambda: calls.append(1))
    assert calls == [1]
    for key in range(DERIVED_ENTRIES):
        record.derive(key, lambda: None)
    record.derive("a", lambda: calls.append(2))
    assert calls == [1, 2]


def test_the_least_recently_used_makes_room() -> None:
    one = make_record(1000)
    store = Store(max_bytes=int(2.5 * one.nbytes), max_seconds=60)
    first, second = store.put(one), store.put(make_record(1000))
    store.get(first)
    store.put(make_record(1000))
    assert store.get(first) is one
    with pytest.raises(GoneError):
        store.get(second)


def test_the_newest_stays_even_when_it_alone_is_too_large() -> None:
    store = Store(max_bytes=1, max_seconds=60)
    token = store.put(make_record())
    assert store.get(token).image.shape == (1, 100, 3)


def test_time_runs_from_the_last_use() -> None:
    clock = Clock()
    store = Store(max_bytes=10**9, max_seconds=10, clock=clock)
    token = store.put(make_record())
    clock.now = 9
    store.get(token)
    clock.now = 18
    store.get(token)
    clock.now = 29
    with pytest.raises(GoneError):
        store.get(token)


def test_what_is_too_old_goes_when_nobody_asks_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("segdemo.ui.store.TRIM_SECONDS", 0.01)
    clock = Clock()
    store = Store(max_bytes=10**9, max_seconds=10, clock=clock)
    store.put(make_record())
    assert len(store) == 1
    clock.now = 11
    for _ in range(1000):
        if len(store) == 0:
            break
        time.sleep(0.01)
    assert len(store) == 0


def test_one_record_under_two_tokens_counts_once_and_is_deleted_one_by_one() -> None:
    store = Store(max_bytes=10**9, max_seconds=60)
    record = make_record(example="street")
    first, second = store.put(record), store.put(record)
    assert first != second
    assert store.nbytes == record.nbytes
    assert store.delete(first)
    assert not store.delete(first)
    assert store.get(second) is record


@pytest.mark.parametrize("token", [None, "", "guess", 7, ["x"]])
def test_anything_else_is_nobodys_token(token: object) -> None:
    store = Store(max_bytes=10**9, max_seconds=60)
    store.put(make_record())
    with pytest.raises(GoneError):
        store.get(token)
    assert not store.delete(token)


def test_an_example_is_found_again() -> None:
    store = Store(max_bytes=10**9, max_seconds=60)
    store.put(make_record())
    record = make_record(example="street")
    store.put(record)
    assert store.find(lambda item: item.example == "street") is record
    assert store.find(lambda item: item.example == "beach") is None


def test_nobody_waits_for_what_somebody_else_computes() -> None:
    """A derived result under way holds up neither the store nor another result of the same photo."""
    store = Store(max_bytes=10**9, max_seconds=60)
    record = make_record()
    token = store.put(record)
    computing, go_on = threading.Event(), threading.Event()

    def compute() -> int:
        computing.set()
        go_on.wait(10)
        return 7

    results: list[int] = []
    thread = threading.Thread(target=lambda: results.append(record.derive("slow", compute)))
    thread.start()
    assert computing.wait(5)
    try:
        finished = threading.Event()

        def look_up() -> None:
            assert store.get(token) is record
            store.put(make_record())
            store.trim()
            assert store.nbytes > 0
            assert record.derive("quick", lambda: 3) == 3
            finished.set()

        threading.Thread(target=look_up, daemon=True).start()
        assert finished.wait(5)
    finally:
        go_on.set()
        thread.join(5)
    assert results == [7]


def test_those_who_want_the_same_wait_for_one_computation() -> None:
    record = make_record()
    computing, go_on = threading.Event(), threading.Event()
    calls: list[int] = []

    def compute() -> int:
        calls.append(1)
        computing.set()
        go_on.wait(10)
        return 7

    results: list[int] = []
    threads = [threading.Thread(target=lambda: results.append(record.derive("slow", compute))) for _ in range(3)]
    for thread in threads:
        thread.start()
    assert computing.wait(5)
    go_on.set()
    for thread in threads:
        thread.join(5)
    assert results == [7, 7, 7]
    assert calls == [1]


def test_a_computation_that_failed_is_done_again() -> None:
    record = make_record()

    def fail() -> int:
        raise CancelledError

    with pytest.raises(CancelledError):
        record.derive("a", fail)
    assert record.derive("a", lambda: 5) == 5


def test_another_version_takes_the_place_of_the_last() -> None:
    record = make_record()
    empty = record.nbytes
    assert record.derive("a", lambda: np.zeros(10, np.uint8), version=1).shape == (10,)
    assert record.derive("a", lambda: np.zeros(20, np.uint8), version=1).shape == (10,)
    assert record.derive("a", lambda: np.zeros(20, np.uint8), version=2).shape == (20,)
    assert record.nbytes == empty + 20


def test_what_is_too_large_is_handed_out_and_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("segdemo.ui.store.LARGEST_DERIVED", 15)
    record = make_record()
    empty = record.nbytes
    assert record.derive("a", lambda: np.zeros(20, np.uint8)).shape == (20,)
    assert record.nbytes == empty
