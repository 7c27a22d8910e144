"""A request that is not answered: a status, and a sentence that says what to do."""

import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from segdemo.errors import SegdemoError

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

REFUSED = -32000
"""The code of JSON-RPC for an error of the server's own kind."""
DISK_FULL = "The server's disk is full: please try again later."


class RefusedError(SegdemoError):
    """Ends a request with ``status`` and a sentence."""

    def __init__(self, status: int, sentence: str, *, retry_after: float | None = None) -> None:
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence
        self.retry_after = retry_after


class GoneAwayError(Exception):
    """The client has closed the connection: there is nobody to answer."""


async def answer_json(send: Send, status: int, content: Any, headers: dict[str, str] | None = None) -> None:
    """Send a whole JSON response."""
    body = json.dumps(content).encode()
    lines = {"content-type": "application/json", "content-length": str(len(body)), **(headers or {})}
    encoded = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in lines.items()]
    await send({"type": "http.response.start", "status": status, "headers": encoded})
    await send({"type": "http.response.body", "body": body})


async def refuse(send: Send, error: RefusedError, *, for_page: bool = False, rpc: bool = False) -> None:
    """Send a refusal; the page's own functions read theirs from a normal answer, as Gradio drops any other.

    With ``rpc`` it is an error of JSON-RPC 2.0, of a request whose number is not known yet.
    """
    headers = {"cache-control": "no-store", "connection": "close"}
    if error.retry_after is not None:
        headers["retry-after"] = str(max(1, round(error.retry_after)))
    status = 200 if for_page else error.status
    content: dict[str, Any] = {"error": error.sentence, "detail": error.sentence}
    if rpc:
        content = {"jsonrpc": "2.0", "id": None, "error": {"code": REFUSED, "message": error.sentence}}
    await answer_json(send, status, content, headers)
