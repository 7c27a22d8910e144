"""Decodes photographs in processes of their own: few at once, in bounded time and memory, ended when not wanted."""

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import IO

import numpy as np

import segdemo
from segdemo.children import start_child
from segdemo.errors import SegdemoError
from segdemo.images import Rgb
from segdemo.results.job import Job
from segdemo.results.line import Line
from segdemo.settings import settings
from segdemo.ui.server.budget import BUSY, Budget
from segdemo.ui.server.decoder import LENGTH, PAIR, REQUEST

logger = logging.getLogger(__name__)

LOOK_SECONDS = 0.05
"""How often whoever waits looks whether to go on."""
_OUT_OF_TIME = -getattr(signal, "SIGPROF", 0)
PATIENCE = 3
"""A process that gets a third of a core's time is waited for so many times as long as it may work."""
DIED = "The picture cannot be read: it needs more memory than there is, or is damaged. Save it smaller, and anew."

Check = Callable[[], None]
"""Called now and then by whoever waits: raises to give up."""


class Decoders:
    """So many processes that decode, started when first needed, each used by one job at a time.

    At most ``waiting`` jobs stand in line for one, in which visitors take turns.
    """

    def __init__(self, *, places: int, waiting: int) -> None:
        self.line = Line(limit=waiting, places=places)
        self._free = [_Decoder() for _ in range(places)]

    def start(self) -> None:
        """Start one process ahead, so that the first photograph finds it ready."""
        self._free[0].start()

    def size(self, content: bytes, job: Job) -> tuple[int, int]:
        """Height and width of a photograph, undecoded. Raises ``SegdemoError``, and ``CancelledError``."""
        with self._one(job) as decoder:
            _, height, width = decoder.ask(b"s", content, job.check)
        return height, width

    def decode(self, content: bytes, job: Job) -> Rgb:
        """A photograph as ``images.load_image`` reads it. Raises ``SegdemoError``, and ``CancelledError``."""
        with self._one(job) as decoder:
            pixels, height, width = decoder.ask(b"d", content, job.check)
        return np.frombuffer(pixels, np.uint8).reshape(height, width, 3)

    @contextmanager
    def _one(self, job: Job) -> Iterator["_Decoder"]:
        """A process of one's own, in turn."""
        place = job.wait(self.line)
        decoder = self._free.pop()
        try:
            yield decoder
        finally:
            self._free.append(decoder)
            self.line.leave(place)


class _Decoder:
    """One process; a new one takes its place where it was ended."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def ask(self, what: bytes, content: bytes, check: Check) -> tuple[bytearray, int, int]:
        """Send a request and return the answer; the process is ended where time is up or ``check`` raises."""
        process = self.start()
        answer: list[tuple[bytes, bytearray, int, int]] = []
        done = threading.Event()

        def exchange() -> None:
            with suppress(OSError, EOFError, ValueError):
                answer.append(_exchange(process, what, content))
            done.set()

        deadline = time.monotonic() + PATIENCE * settings().decode_seconds
        threading.Thread(target=exchange, daemon=True, name="segdemo-decode").start()
        try:
            while not done.wait(LOOK_SECONDS):
                check()
                if time.monotonic() > deadline:
                    raise SegdemoError(_too_slow())
        except BaseException:
            self._end()
            raise
        if not answer:
            ended = process.wait()
            self._end()
            raise SegdemoError(_too_slow() if ended == _OUT_OF_TIME else DIED)
        kind, payload, first, second = answer[0]
        if kind == b"e":
            raise SegdemoError(payload.decode())
        return payload, first, second

    def start(self) -> "subprocess.Popen[bytes]":
        """The process, started if need be."""
        if self._process is None or self._process.poll() is not None:
            self._end()
            root = str(Path(segdemo.__file__).resolve().parent.parent)
            environment = {
                **os.environ,
                "PYTHONPATH": os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")])),
                # Threads of numerical libraries would take address space that photographs are to have.
                "OPENBLAS_NUM_THREADS": "1",
                "OMP_NUM_THREADS": "1",
            }
            self._process = start_child(
                [sys.executable, "-m", "segdemo.ui.server.decoder"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=environment,
            )
        return self._process

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            for stream in (process.stdin, process.stdout):
                # What was not sent any more is of no use.
                with suppress(OSError):
                    stream.close()  # type: ignore[union-attr]


def _too_slow() -> str:
    return (
        f"Reading this picture takes more than {settings().decode_seconds:g} s: save it as a plain JPEG or PNG and "
        "try again."
    )


def _exchange(process: "subprocess.Popen[bytes]", what: bytes, content: bytes) -> tuple[bytes, bytearray, int, int]:
    """The kind of the answer, its bytes, and two numbers. Raises ``EOFError`` where the process has ended."""
    to, back = process.stdin, process.stdout
    assert to is not None
    assert back is not None
    to.write(REQUEST.pack(what, len(content)))
    to.write(content)
    to.flush()
    kind = bytes(_read(back, 1))
    if kind == b"e":
        (length,) = LENGTH.unpack(_read(back, LENGTH.size))
        return kind, _read(back, length), 0, 0
    first, second = PAIR.unpack(_read(back, PAIR.size))
    return kind, _read(back, first * second * 3) if kind == b"d" else bytearray(), first, second


def _read(stream: IO[bytes], length: int) -> bytearray:
    content = bytearray(length)
    view, got = memoryview(content), 0
    while got < length:
        count = stream.readinto(view[got:])  # type: ignore[attr-defined]
        if not count:
            raise EOFError
        got += count
    return content


@cache
def decoders() -> Decoders:
    """The processes of this server."""
    return Decoders(places=settings().decode_places, waiting=settings().queue_size)


@cache
def photo_budget() -> Budget:
    """The memory for what has been sent and waits to be decoded."""
    return Budget(settings().photo_bytes)


@contextmanager
def opened_photo(content: bytes, job: Job) -> Iterator[Rgb]:
    """A photograph as ``images.load_image`` reads it, decoded within the server's limits.

    While it is open the job has its place in memory, taken before it is decoded. Raises ``SegdemoError`` where it
    cannot be read, too much waits already, or the job is over.
    """
    with ExitStack() as stack:
        sent = stack.enter_context(closing(photo_budget().share_of(job.client)))
        if not sent.take(len(content)):
            raise SegdemoError(BUSY)
        height, width = decoders().size(content, job)
        stack.enter_context(job.in_memory(pixels=height * width))
        photo = decoders().decode(content, job)
        sent.close()
        yield photo
