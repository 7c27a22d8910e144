"""Tells callers over plain HTTP what is going on: Gradio's stream of a call has its answer alone."""

import asyncio
import json
import re
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from segdemo.ui.server.refusals import App, Message, Receive, Scope, Send
from segdemo.ui.server.routes import NAME

LOOK_SECONDS = 0.25
"""How often the stream looks for news."""
_STREAM = re.compile(f"/gradio_api/call/(v2/)?{NAME}/(?P<event>{NAME})")

News = Callable[[str], tuple[str, float | None] | None]
"""Of a call, by the number of its event: what is going on, and the share done where that is known."""


class Telling:
    """ASGI application around a page's: adds events ``progress`` to the streams of calls."""

    def __init__(self, app: App, news: News) -> None:
        self._app = app
        self._news = news

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request as the page does, with more in it where it is the stream of a call."""
        path = scope.get("path", "").removeprefix(scope.get("root_path", ""))
        found = _STREAM.fullmatch(path) if scope.get("method") == "GET" else None
        if found is None:
            await self._app(scope, receive, send)
            return
        # What is compressed cannot be added to.
        plain = [(name, value) for name, value in scope["headers"] if name != b"accept-encoding"]
        await _Stream(send, self._news, found["event"]).run(self._app, {**scope, "headers": plain}, receive)


class _Stream:
    def __init__(self, send: Send, news: News, event: str) -> None:
        self._send = send
        self._news = news
        self._event = event
        self._open = False
        self._lock = asyncio.Lock()

    async def run(self, app: App, scope: Scope, receive: Receive) -> None:
        telling = asyncio.create_task(self._tell())
        try:
            await app(scope, receive, self._pass_on)
        finally:
            telling.cancel()
            with suppress(asyncio.CancelledError):
                await telling

    async def _pass_on(self, message: Message) -> None:
        """Send a message of the page's: each is whole events, so there is room between two."""
        async with self._lock:
            if message["type"] == "http.response.start":
                self._open = b"text/event-stream" in dict(message.get("headers", [])).get(b"content-type", b"")
            elif not message.get("more_body", False):
                self._open = False
            await self._send(message)

    async def _tell(self) -> None:
        said = None
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            news = self._news(self._event)
            async with self._lock:
                if self._open and news is not None and news != said:
                    said = news
                    data = json.dumps({"text": news[0], "fraction": news[1]})
                    body = f"event: progress\ndata: {data}\n\n".encode()
                    await self._send({"type": "http.response.body", "body": body, "more_body": True})


def news_of(queue: Any, event: str) -> tuple[str, float | None] | None:
    """What Gradio's queue knows of a call's progress."""
    known = queue.event_ids_to_events.get(event)
    progress = getattr(known, "progress", None)
    if progress is None or not progress.progress_data:
        return None
    unit = progress.progress_data[-1]
    return unit.desc or "", unit.progress
