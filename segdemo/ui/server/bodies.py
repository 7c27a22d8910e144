"""Reads a request's whole body before anything looks at it: bounded in bytes, time, and memory for all together."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, closing

from segdemo.settings import settings
from segdemo.ui.server.budget import BUSY, Share
from segdemo.ui.server.refusals import GoneAwayError, Message, Receive, RefusedError
from segdemo.ui.server.routes import Body

FORM_BYTES = 65_536
"""What a form may have beside its file: boundaries, names, small fields."""
DRAINED_BYTES = 50_000_000
DRAINED_SECONDS = 5.0
"""So much of a body that is too large is read and thrown away, so that its sender gets to read the refusal."""


def limit_of(body: Body, content_type: str) -> int:
    """Most bytes that a body may have."""
    json_bytes, file_bytes = settings().json_bytes, settings().max_file_bytes
    if body is Body.PICTURE:
        return json_bytes + -(-file_bytes * 4 // 3)
    if body is Body.UPLOAD or (body is Body.COMPONENT and is_form(content_type)):
        return file_bytes + FORM_BYTES
    return 0 if body is Body.NONE else json_bytes


def is_form(content_type: str) -> bool:
    """Whether a body is a form with files."""
    return content_type.split(";")[0].strip().lower() == "multipart/form-data"


def announced(headers: Iterable[tuple[bytes, bytes]]) -> int | None:
    """The length that a request announces; none where it comes in chunks. Raises ``RefusedError``."""
    values = [value for name, value in headers if name == b"content-length"]
    if not values:
        return None
    if len(set(values)) > 1 or not values[0].isdigit():
        raise RefusedError(400, "The length of the request is not a number.")
    return int(values[0])


@asynccontextmanager
async def whole_body(
    receive: Receive, headers: Iterable[tuple[bytes, bytes]], limit: int, share: Share
) -> AsyncIterator[bytes]:
    """The body, held in ``share`` until it has been dealt with.

    Raises ``RefusedError`` where it is too large, too slow, or would be more than there is memory for, and
    ``GoneAwayError`` where its sender has left.
    """
    length = announced(headers)
    if length is not None and length > limit:
        raise too_large(limit)
    content = bytearray()
    deadline = time.monotonic() + settings().body_seconds
    with closing(share):
        more = True
        while more:
            message = await heard(receive, deadline)
            chunk = message.get("body", b"")
            if len(content) + len(chunk) > limit:
                raise too_large(limit)
            if not share.take(len(chunk)):
                raise RefusedError(503, BUSY, retry_after=60)
            content += chunk
            more = message.get("more_body", False)
        body = bytes(content)
        content.clear()
        yield body


async def heard(receive: Receive, deadline: float) -> Message:
    """The next part of a body. Raises ``RefusedError`` after too long a silence, ``GoneAwayError`` for nobody there."""
    seconds = min(settings().silent_seconds, deadline - time.monotonic())
    try:
        async with asyncio.timeout(max(seconds, 0)):
            message = await receive()
    except TimeoutError:
        raise RefusedError(408, "The request took too long to arrive: please try again.") from None
    if message["type"] == "http.disconnect":
        raise GoneAwayError
    return message


async def drain(receive: Receive) -> None:
    """Read what is still coming and throw it away, within bounds."""
    drained, deadline = 0, time.monotonic() + DRAINED_SECONDS
    try:
        while drained < DRAINED_BYTES:
            message = await heard(receive, deadline)
            drained += len(message.get("body", b""))
            if not message.get("more_body", False):
                return
    except (RefusedError, GoneAwayError):
        return


def too_large(limit: int) -> RefusedError:
    """The refusal for more than ``limit`` bytes."""
    size = f"{limit / 1e6:.3g} MB" if limit >= 1_000_000 else f"{limit / 1024:g} kB"
    return RefusedError(413, f"The request is larger than {size}: send a smaller photo, or less at once.")
