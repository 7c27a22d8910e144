"""Photographs are decoded elsewhere, few at once, and what takes too long or too much is ended, with a sentence."""

import contextlib
import io
import math
import struct
import threading
import zlib
from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np
import pytest
from PIL import Image

from segdemo.errors import SegdemoError
from segdemo.images import load_image
from segdemo.progress import CancelledError
from segdemo.results.job import Host, Job, own_job
from segdemo.settings import settings
from segdemo.ui.server import decoding
from segdemo.ui.server.decoding import Decoders


def _file(array: np.ndarray, kind: str = "PNG", **options: object) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(array).save(stream, kind, **options)
    return stream.getvalue()


@pytest.fixture(scope="module")
def decoders() -> Iterator[Decoders]:
    made = Decoders(places=1, waiting=2)
    made.start()
    yield made
    made._free[0]._end()


@pytest.fixture
def photo_bytes(photo: np.ndarray) -> bytes:
    return _file(photo, "JPEG", quality=90)


@cache
def many_scans(side: int = 3000, scans: int = 95) -> bytes:
    """A progressive JPEG whose scans cost a pass over all its coefficients each, in a few bytes."""
    plain = _file(np.zeros((side, side), np.uint8), "JPEG", progressive=True)
    last = plain.rindex(b"\xff\xda")
    scan = plain[last : plain.rindex(b"\xff\xd9")]
    return plain[:last] + scan * scans + b"\xff\xd9"


def test_it_reads_what_the_reader_reads(decoders: Decoders, photo_bytes: bytes) -> None:
    expected = load_image(photo_bytes)
    assert np.array_equal(decoders.decode(photo_bytes, own_job()), expected)
    assert decoders.size(photo_bytes, own_job()) == expected.shape[:2]


@pytest.mark.parametrize("content", [b"no picture", b"", b"\x89PNG\r\n\x1a\n" + bytes(40)])
def test_its_sentences_are_the_readers(decoders: Decoders, content: bytes) -> None:
    with pytest.raises(SegdemoError) as here:
        load_image(content)
    with pytest.raises(SegdemoError) as there:
        decoders.decode(content, own_job())
    assert str(there.value) == str(here.value)


def test_the_same_process_serves_on(decoders: Decoders, photo_bytes: bytes) -> None:
    decoders.decode(photo_bytes, own_job())
    process = decoders._free[0].start()
    with pytest.raises(SegdemoError):
        decoders.decode(b"no picture", own_job())
    decoders.decode(photo_bytes, own_job())
    assert decoders._free[0].start() is process


def test_it_ends_when_nobody_wants_the_photo(decoders: Decoders, photo_bytes: bytes) -> None:
    began, left = threading.Event(), threading.Event()

    def cancelled() -> bool:
        began.set()
        return left.is_set()

    job = Job(Host(waiting=1), visitor="", seconds=math.inf, cancelled=cancelled)

    def leave() -> None:
        assert began.wait(30)
        left.set()

    leaver = threading.Thread(target=leave)
    leaver.start()
    with pytest.raises(CancelledError):
        decoders.decode(many_scans(), job)
    leaver.join(30)
    process = decoders._free[0]._process
    assert process is None
    assert np.array_equal(decoders.decode(photo_bytes, own_job()), load_image(photo_bytes))


def test_time_is_bounded(photo_bytes: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEGDEMO_DECODE_SECONDS", "0.2")
    short = settings().model_copy(update={"decode_seconds": 0.2})
    hurried = Decoders(places=1, waiting=2)
    hurried.start()
    hurried.size(photo_bytes, own_job())
    monkeypatch.setattr(decoding, "settings", lambda: short)
    monkeypatch.setattr(decoding, "PATIENCE", 300)
    try:
        with pytest.raises(SegdemoError, match=r"more than 0\.2 s"):
            hurried.decode(many_scans(), own_job())
    finally:
        hurried._free[0]._end()


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEGDEMO_DECODE_BYTES", "450000000")
    small = Decoders(places=1, waiting=2)
    try:
        with pytest.raises(SegdemoError, match="memory"):
            small.decode(_file(np.zeros((5000, 8000), np.bool_)), own_job())
    finally:
        small._free[0]._end()


def test_a_process_that_dies_is_replaced(decoders: Decoders, photo_bytes: bytes) -> None:
    decoders.decode(photo_bytes, own_job())
    process = decoders._free[0].start()
    process.kill()
    process.wait()
    assert np.array_equal(decoders.decode(photo_bytes, own_job()), load_image(photo_bytes))


def test_visitors_take_turns_and_so_many_wait(decoders: Decoders, photo_bytes: bytes) -> None:
    def job(visitor: str, standing: threading.Event) -> Job:
        def cancelled() -> bool:
            standing.set()
            return False

        return Job(Host(waiting=1), visitor=visitor, seconds=60, cancelled=cancelled)

    place = decoders.line.enter("first")
    done: list[str] = []
    waiting = []
    for visitor in ("a", "a", "b"):
        standing = threading.Event()

        def wait(visitor: str = visitor, standing: threading.Event = standing) -> None:
            with contextlib.suppress(SegdemoError):
                decoders.decode(photo_bytes, job(visitor, standing))
                done.append(visitor)

        waiting.append(threading.Thread(target=wait))
        waiting[-1].start()
        assert standing.wait(30)
    decoders.line.leave(place)
    for thread in waiting:
        thread.join(30)
    assert done == ["a", "b"]


def test_a_small_file_of_many_pixels_is_refused_before_it_is_decoded(decoders: Decoders) -> None:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0))
    bomb = b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    with pytest.raises(SegdemoError, match="40 megapixels"):
        decoders.size(bomb, own_job())


def test_what_waits_is_bounded_in_bytes(photo_bytes: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    from segdemo.ui.server.budget import Budget

    monkeypatch.setattr(decoding, "photo_budget", lambda: Budget(10))
    with pytest.raises(SegdemoError, match="busy"), decoding.opened_photo(photo_bytes, own_job()):
        pytest.fail("there was no room")


def test_a_photo_has_its_place_in_memory_before_it_is_decoded(
    decoders: Decoders, photo_bytes: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoding, "decoders", lambda: decoders)
    budget, job, held = decoding.photo_budget(), own_job(), []
    decode = decoders.decode

    def noted(*rest: Any, **options: Any) -> Any:
        held.append(not job.host.memory.idle)
        return decode(*rest, **options)

    monkeypatch.setattr(decoders, "decode", noted)
    with decoding.opened_photo(photo_bytes, job) as opened:
        assert np.array_equal(opened, load_image(photo_bytes))
        assert held == [True]
        assert budget.held == 0
        assert not job.host.memory.idle
    assert job.host.memory.idle
    with pytest.raises(SegdemoError), decoding.opened_photo(b"no picture", job):
        pytest.fail("it is none")
    assert budget.held == 0
