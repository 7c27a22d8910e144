"""The process that decodes a stranger's photographs: ``python -m segdemo.ui.server.decoder``, ended at will.

Requests come on standard input: what is asked (``s`` its size, ``d`` its pixels), the length of the file, the file.
Answers go to standard output: ``s`` with height and width, ``d`` with height, width and the pixels, or ``e`` with the
length of a sentence and the sentence. Numbers are unsigned 64-bit, little-endian.
"""

import os
import signal
import struct
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from segdemo.children import end_with_parent
from segdemo.errors import SegdemoError
from segdemo.settings import settings

REQUEST = struct.Struct("<cQ")
PAIR = struct.Struct("<QQ")
LENGTH = struct.Struct("<Q")
NO_MEMORY = "There is not enough memory for this picture: make it smaller and try again."


def main() -> None:
    """Answer requests until there are none."""
    import segdemo.images  # noqa: F401 - ready before the first request

    end_with_parent()
    _limit_memory(settings().decode_bytes)
    requests, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    # Whatever a library prints is not to land among the answers.
    os.dup2(2, 1)
    while len(head := requests.read(REQUEST.size)) == REQUEST.size:
        asked, length = REQUEST.unpack(head)
        _answer(asked, requests.read(length), answers)
        answers.flush()


def _answer(asked: bytes, content: bytes, answers: BinaryIO) -> None:
    from segdemo.images import image_size, load_image

    try:
        if asked == b"s":
            with _limited_time(settings().decode_seconds):
                size = image_size(content)
            answers.write(b"s" + PAIR.pack(*size))
            return
        with _limited_time(settings().decode_seconds):
            pixels = load_image(content)
        answers.write(b"d" + PAIR.pack(*pixels.shape[:2]))
        answers.write(pixels.data)
    except (SegdemoError, MemoryError) as error:
        sentence = (NO_MEMORY if isinstance(error, MemoryError) else str(error)).encode()
        answers.write(b"e" + LENGTH.pack(len(sentence)) + sentence)


@contextmanager
def _limited_time(seconds: float) -> Iterator[None]:
    """End the process by SIGPROF once it has worked so long: decoders of libraries cannot be ended otherwise."""
    if not hasattr(signal, "setitimer"):
        yield
        return
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def _limit_memory(nbytes: int) -> None:
    try:
        import resource
    except ImportError:
        return
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    limit = nbytes if hard == resource.RLIM_INFINITY else min(nbytes, hard)
    try:
        resource.setrlimit(resource.RLIMIT_AS, (limit, hard))
    except (OSError, ValueError):
        # Not every system can limit it; the number of pixels is limited all the same.
        return


if __name__ == "__main__":
    main()
