"""The gate before Gradio: each request passes it, is checked for what its route takes, or ends here with a sentence."""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, unquote

from segdemo.settings import settings
from segdemo.ui.server import headers as headers_of
from segdemo.ui.server.bodies import announced, drain, is_form, limit_of, whole_body
from segdemo.ui.server.budget import Budget
from segdemo.ui.server.checks import check_event, check_form, check_function, check_json, check_name, check_options
from segdemo.ui.server.clients import Rates, client_of
from segdemo.ui.server.folder import Folder
from segdemo.ui.server.refusals import (
    DISK_FULL,
    App,
    GoneAwayError,
    Message,
    Receive,
    RefusedError,
    Scope,
    Send,
    answer_json,
    refuse,
)
from segdemo.ui.server.routes import Body, Found, Kind, Table
from segdemo.ui.server.uploads import FULL, Ledger, keep_upload

logger = logging.getLogger(__name__)

QUERY_BYTES = 2048
PATH_BYTES = 4096
FAILED = "Something went wrong on the server."
YOUNG_SECONDS = 1.0
"""Files that are younger may still be written to."""

STATIC_SHARE = 10
"""Scripts, styles and fonts do not count as requests; of them a client may have so many times as many."""


@dataclass(frozen=True)
class Page:
    """What is behind the gate, asked anew at each request."""

    options: Callable[[str], Mapping[str, bool]]
    """Of each option that an endpoint has, whether it may be left out."""
    functions: Callable[[], Mapping[int, Collection[str]]]
    """The functions of the page's components, by the components' numbers."""
    events: Callable[[], Collection[int]]
    """The numbers of the calls that clients may make."""
    full: Callable[[str], tuple[str, float] | None] = lambda client: None
    """Why no more calls of a client can be taken, and after how many seconds to try again; none where they can."""


class Gate:
    """ASGI middleware around the whole of Gradio's application."""

    def __init__(self, app: App, table: Table, page: Page, *, folder: Folder, budget: Budget, ledger: Ledger) -> None:
        self.app = app
        self.table = table
        self.page = page
        self.folder = folder
        self.budget = budget
        self.ledger = ledger
        self.rates = Rates(settings().requests_per_minute)
        self.static_rates = Rates(STATIC_SHARE * settings().requests_per_minute)
        self._under_way: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or say no to it."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        peer = (scope.get("client") or (None,))[0]
        client = client_of(peer, scope["headers"])
        scope = {**scope, "headers": headers_of.believed(scope["headers"])}
        out = _Outgoing(send, scope)
        try:
            with self._one_more(client):
                await self._pass(scope, receive, out, client)
        except RefusedError as error:
            await self._refuse(error, scope, receive, out)
        except GoneAwayError:
            return
        except Exception as error:
            await self._failed(error, scope, out)

    async def _pass(self, scope: Scope, receive: Receive, out: "_Outgoing", client: str) -> None:
        method, headers = scope["method"], scope["headers"]
        headers_of.check_host(headers)
        if method == "OPTIONS":
            await self._preflight(out, headers)
            return
        found = self._find(scope)
        out.kind, out.rpc = found.route.kind, found.rpc
        rates = self.static_rates if found.route.kind is Kind.STATIC else self.rates
        if wait := rates.wait(client):
            sentence = f"More than {rates.per_minute} requests in a minute: please wait a moment."
            raise RefusedError(429, sentence, retry_after=wait)
        headers_of.check_origin(method, headers)
        if found.file is not None:
            _check_file(found.file, self.folder)
        if method in ("GET", "HEAD", "DELETE") or found.route.body is Body.NONE:
            await self._inside(scope, receive, out)
            return
        content_type = headers_of.value_of(headers, b"content-type")
        limit = limit_of(found.route.body, content_type)
        async with whole_body(receive, headers, limit, self.budget.share_of(client)) as body:
            await self._with_body(found, body, content_type, scope, receive, out, client)

    async def _with_body(
        self,
        found: Found,
        body: bytes,
        content_type: str,
        scope: Scope,
        receive: Receive,
        out: "_Outgoing",
        client: str,
    ) -> None:
        kind = found.route.body
        if kind is Body.UPLOAD:
            if not is_form(content_type):
                raise RefusedError(400, "Send the file in a form (multipart/form-data), as `files`.")
            form = await check_form(body, content_type)
            paths = await keep_upload(form.file, client, self.ledger)
            await answer_json(out, 200, paths)
            return
        if kind is Body.COMPONENT and is_form(content_type):
            check_function((await check_form(body, content_type)).fields, self.page.functions())
        else:
            sent = await asyncio.to_thread(check_json, body)
            if found.endpoint is not None and found.named:
                check_options(sent, found.endpoint, self.page.options(found.endpoint))
            elif kind is Body.COMPONENT:
                check_function(sent, self.page.functions())
            elif found.joins:
                check_event(sent, self.page.events())
            if (found.endpoint is not None or found.joins) and (refusal := self.page.full(client)) is not None:
                sentence, seconds = refusal
                raise RefusedError(503, sentence, retry_after=seconds)
        await self._inside(scope, _replay(body, receive), out)

    async def _inside(self, scope: Scope, receive: Receive, out: "_Outgoing") -> None:
        await self.app(scope, receive, out.inside)
        if out.broken:
            raise RefusedError(500, FAILED)

    @contextmanager
    def _one_more(self, client: str) -> Iterator[None]:
        """Count a request as under way. Raises ``RefusedError`` where a client has too many at once."""
        limit = settings().client_connections
        if self._under_way[client] >= limit:
            raise RefusedError(429, f"More than {limit} requests at once: wait until some are answered.", retry_after=5)
        self._under_way[client] += 1
        try:
            yield
        finally:
            self._under_way[client] -= 1
            if not self._under_way[client]:
                del self._under_way[client]

    def _find(self, scope: Scope) -> Found:
        path = scope["path"].removeprefix(scope.get("root_path", "")) or "/"
        found = self.table.find(scope["method"], path) if len(path) <= PATH_BYTES else None
        if found is None:
            raise RefusedError(404, "There is nothing at this address.")
        query = scope.get("query_string", b"")
        if len(query) > QUERY_BYTES:
            raise RefusedError(414, "The address is too long.")
        for name in parse_qs(query.decode("latin-1")).get("session_hash", []):
            check_name(name)
        last = path.rstrip("/").rpartition("/")[2]
        if found.file is None and found.route.kind is Kind.DATA and len(last) > settings().session_length:
            raise RefusedError(400, f"A name in the address has more than {settings().session_length} characters.")
        return found

    async def _preflight(self, out: "_Outgoing", headers: headers_of.Pairs) -> None:
        if out.origin is None:
            raise RefusedError(403, "Pages of other sites may not use this server: open it itself.")
        allowed = headers_of.origin_headers(out.origin, preflight=True)
        await out({"type": "http.response.start", "status": 204, "headers": allowed})
        await out({"type": "http.response.body"})

    async def _refuse(self, error: RefusedError, scope: Scope, receive: Receive, out: "_Outgoing") -> None:
        if out.started:
            return
        headers = scope["headers"]
        from_page = (
            scope["path"].rstrip("/").endswith("/component_server")
            and headers_of.value_of(headers, b"sec-fetch-site") == "same-origin"
        )
        try:
            coming = announced(headers) != 0 and scope["method"] == "POST"
        except RefusedError:
            coming = False
        if not coming:
            await refuse(out, error, for_page=from_page, rpc=out.rpc)
            return
        # The answer goes out first; then the rest is taken in, since a connection that is closed meanwhile loses it.
        held: list[Message] = []

        async def hold_last(message: Message) -> None:
            if message["type"] == "http.response.body":
                held.append({"type": "http.response.body", "body": b"", "more_body": False})
                message = {**message, "more_body": True}
            await out(message)

        await refuse(hold_last, error, for_page=from_page, rpc=out.rpc)
        await drain(receive)
        for message in held:
            await out(message)

    async def _failed(self, error: Exception, scope: Scope, out: "_Outgoing") -> None:
        full = isinstance(error, OSError) and error.errno in FULL
        if full:
            self._sweep_partial()
            # What this request itself has begun is too young to be told from what others are writing.
            asyncio.get_running_loop().call_later(1.5 * YOUNG_SECONDS, self._sweep_partial)
            logger.warning("the disk is full")
        elif out.started:
            # A stream that broke off: its client has gone, or asked for what is not there.
            logger.info("%s broke off: %r", scope["path"], error)
            return
        else:
            logger.error("%s %s failed", scope["method"], scope["path"], exc_info=error)
        if not out.started:
            sentence = DISK_FULL if full else FAILED
            await refuse(out, RefusedError(507 if full else 500, sentence), rpc=out.rpc)

    def _sweep_partial(self) -> None:
        self.folder.sweep(older_than=float("inf"), partial_older_than=YOUNG_SECONDS)


class _Outgoing:
    """Sends a response with the headers that its kind of route has, to a client that takes it within bounded time."""

    def __init__(self, send: Send, scope: Scope) -> None:
        self._send = send
        self.origin = headers_of.allowed_origin(scope["headers"])
        self.kind = Kind.DATA
        self.rpc = False
        self.started = False
        self.broken = False
        """Whether what is behind the gate has failed: then the gate says so."""

    async def inside(self, message: Message) -> None:
        """Send what comes from behind the gate."""
        self.broken = self.broken or (message["type"] == "http.response.start" and message["status"] == 500)
        if not self.broken:
            await self(message)

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            pairs = [(bytes(name), bytes(value)) for name, value in message.get("headers", [])]
            pairs = headers_of.response_headers(pairs, self.kind) + headers_of.origin_headers(self.origin)
            message = {**message, "headers": pairs}
            self.started = True
        try:
            async with asyncio.timeout(2 * settings().silent_seconds):
                await self._send(message)
        except TimeoutError:
            raise GoneAwayError from None


def _replay(body: bytes, receive: Receive) -> Receive:
    """A ``receive`` that hands out a body that has been read, and then what comes after it."""
    pending: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replayed() -> Message:
        return pending.pop() if pending else await receive()

    return replayed


def _check_file(name: str, folder: Folder) -> None:
    """Raise ``RefusedError`` unless ``name`` is a file within the server's folder; addresses are none."""
    try:
        path = Path(unquote(name)).resolve()
        inside = path.is_relative_to(folder.path) and path.parent != folder.path and path.is_file()
    except (OSError, ValueError):
        inside = False
    if not inside:
        raise RefusedError(404, "This file is not kept here any more.")
