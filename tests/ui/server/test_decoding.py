"""Photographs are decoded elsewhere, few at once, and what takes too long or too much is ended, with a sentence."""

import io
import struct
import threading
import time
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from PIL import Image

from segdemo.errors import SegdemoError
from segdemo.images import load_image
from segdemo.results.job import own_job
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


def many_scans(width: int = 4000, height: int = 4000, scans: int = 95) -> bytes:
    """A progressive JPEG whose scans cost a pass over all its coefficients each, in a few bytes."""
    plain = _file(np.zeros((height, width), np.uint8), "JPEG", progressive=True)
    last = plain.rindex(b"\xff\xda")
    scan = plain[last : plain.rindex(b"\xff\xd9")]
    return plain[:last] + scan * scans + b"\xff\xd9"


def test_it_reads_what_the_reader_reads(decoders: Decoders, photo_bytes: bytes) -> None:
    expected = load_image(photo_bytes)
    assert np.array_equal(decoders.decode(photo_bytes), expected)
    assert decoders.size(photo_bytes) == expected.shape[:2]


@pytest.mark.parametrize("content", [b"no picture", b"", b"\x89PNG\r\n\x1a\n" + bytes(40)])
def test_its_sentences_are_the_readers(decoders: Decoders, content: bytes) -> None:
    with pytest.raises(SegdemoError) as here:
        load_image(content)
    with pytest.raises(SegdemoError) as there:
        decoders.decode(content)
    assert str(there.value) == str(here.value)


def test_the_same_process_serves_on(decoders: Decoders, photo_bytes: bytes) -> None:
    decoders.decode(photo_bytes)
    process = decoders._free[0].start()
    with pytest.raises(SegdemoError):
        decoders.decode(b"no picture")
    decoders.decode(photo_bytes)
    assert decoders._free[0].start() is process


def test_it_ends_when_nobody_wants_the_photo(decoders: Decoders, photo_bytes: bytes) -> None:
    class LeftError(Exception):
        pass

    asked = []

    def check() -> None:
        asked.append(time.monotonic())
        if len(asked) > 3:
            raise LeftError

    with pytest.raises(LeftError):
        decoders.decode(many_scans(), check=check)
    process = decoders._free[0]._process
    assert process is None
    assert np.array_equal(decoders.decode(photo_bytes), load_image(photo_bytes))


def test_time_is_bounded(photo_bytes: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEGDEMO_DECODE_SECONDS", "0.2")
    short = settings().model_copy(update={"decode_seconds": 0.2})
    hurried = Decoders(places=1, waiting=2)
    hurried.start()
    hurried.size(photo_bytes)
    monkeypatch.setattr(decoding, "settings", lambda: short)
    monkeypatch.setattr(decoding, "PATIENCE", 300)
    try:
        with pytest.raises(SegdemoError, match=r"more than 0\.2 s"):
            hurried.decode(many_scans())
    finally:
        hurried._free[0]._end()


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEGDEMO_DECODE_BYTES", "450000000")
    small = Decoders(places=1, waiting=2)
    try:
        with pytest.raises(SegdemoError, match="memory"):
            small.decode(_file(np.zeros((5000, 8000, 3), np.uint8)))
    finally:
        small._free[0]._end()


def test_a_process_that_dies_is_replaced(decoders: Decoders, photo_bytes: bytes) -> None:
    decoders.decode(photo_bytes)
    process = decoders._free[0].start()
    process.kill()
    process.wait()
    assert np.array_equal(decoders.decode(photo_bytes), load_image(photo_bytes))


def test_so_many_wait_and_no_more(decoders: Decoders, photo_bytes: bytes) -> None:
    inside, leave = threading.Event(), threading.Event()
    done: list[object] = []

    def hold() -> None:
        with decoders._one(lambda: None):
            inside.set()
            assert leave.wait(30)

    def wait(ready: threading.Event) -> None:
        done.append(decoders.decode(photo_bytes, check=ready.set).shape)

    holder = threading.Thread(target=hold)
    holder.start()
    assert inside.wait(30)
    waiting = []
    for _ in range(2):
        ready = threading.Event()
        waiting.append(threading.Thread(target=wait, args=(ready,)))
        waiting[-1].start()
        assert ready.wait(30)
    with pytest.raises(SegdemoError, match="busy"):
        decoders.decode(photo_bytes)
    leave.set()
    for thread in (holder, *waiting):
        thread.join(30)
    assert len(done) == 2


def test_a_small_file_of_many_pixels_is_refused_before_it_is_decoded(decoders: Decoders) -> None:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0))
    bomb = b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    with pytest.raises(SegdemoError, match="40 megapixels"):
        decoders.size(bomb)


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
