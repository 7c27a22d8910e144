"""The routes that the page and the API need, and what each takes; whatever is not here is answered with 404."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

NAME = r"[\w-]+"
"""Sessions, events and endpoints are called so."""


class Body(Enum):
    """What a route takes as its body."""

    NONE = "none"
    JSON = "json"
    """A small JSON object."""
    PICTURE = "picture"
    """A JSON object that may hold a picture as base64."""
    UPLOAD = "upload"
    """A form with one file."""
    COMPONENT = "component"
    """A small JSON object, or a form with one file, on its way to one of the page's functions."""


class Kind(Enum):
    """What a route answers, which decides its headers."""

    PAGE = "page"
    STATIC = "static"
    """Scripts, styles and fonts, the same for everybody: they have a limit of their own."""
    FILE = "file"
    DATA = "data"


@dataclass(frozen=True)
class Route:
    """One kind of request that is answered."""

    methods: tuple[str, ...]
    pattern: str
    """What the whole path matches, after the root path."""
    why: str
    """Who needs it."""
    body: Body = Body.NONE
    kind: Kind = Kind.DATA


_GET = ("GET", "HEAD")

ROUTES: tuple[Route, ...] = (
    Route(_GET, "/", "the page", kind=Kind.PAGE),
    Route(_GET, r"/(assets|static)/[\w./@-]+", "the page's scripts, styles and fonts", kind=Kind.STATIC),
    Route(_GET, r"(/gradio_api)?/theme\.css", "the page's colours", kind=Kind.STATIC),
    Route(_GET, r"/favicon\.ico|/robots\.txt|/manifest\.json", "browsers and crawlers ask for it", kind=Kind.STATIC),
    Route(_GET, "/config/?", "clients: what the page consists of"),
    Route(_GET, "/gradio_api/info/?", "clients and the page's list of endpoints"),
    Route(_GET, r"/gradio_api/openapi\.json", "clients: the endpoints, described"),
    Route(_GET, "/gradio_api/startup-events", "starts the queue"),
    Route(_GET, f"/gradio_api/heartbeat/{NAME}", "tells when a page is closed"),
    Route(("POST",), "/gradio_api/component_server/?", "the page's functions", body=Body.COMPONENT),
    Route(("POST",), "/gradio_api/upload", "clients: a photo before a call", body=Body.UPLOAD),
    Route(("POST",), "/gradio_api/queue/(?P<joins>join)", "clients: a call", body=Body.PICTURE),
    Route(_GET, "/gradio_api/queue/data", "clients: what became of calls"),
    Route(
        ("POST",), f"/gradio_api/call/(?P<named>v2/)?(?P<endpoint>{NAME})/?", "plain HTTP: a call", body=Body.PICTURE
    ),
    Route(_GET, f"/gradio_api/call/(v2/)?(?P<endpoint>{NAME})/{NAME}", "plain HTTP: what became of it"),
    Route(("POST",), "/gradio_api/cancel", "clients: give up a call", body=Body.JSON),
    Route(("POST",), "/gradio_api/reset/?", "clients: give up an old call", body=Body.JSON),
    Route(_GET, r"/gradio_api/file=(?P<file>.+)", "results of calls, from the server's own folder", kind=Kind.FILE),
)

MCP_PATH = "/gradio_api/mcp"
MCP = Route(("GET", "HEAD", "POST", "DELETE"), f"{MCP_PATH}/?", "MCP clients, where asked for", body=Body.PICTURE)
"""Answered only where the server was started with MCP."""


@dataclass(frozen=True)
class Found:
    """The route of a request, and the parts of its path that are checked further."""

    route: Route
    endpoint: str | None = None
    named: bool = False
    """Whether the body gives the endpoint's options by their names."""
    joins: bool = False
    """Whether the body names a call by its number."""
    file: str | None = None

    @property
    def rpc(self) -> bool:
        """Whether the client reads its answer, and a refusal, too, as JSON-RPC."""
        return self.route is MCP


class Table:
    """Looks up requests; ``endpoints`` tells the names of the endpoints there are, ``mcp`` whether MCP is served."""

    def __init__(self, *, endpoints: Callable[[], set[str]], mcp: Callable[[], bool] = lambda: False) -> None:
        self._endpoints = endpoints
        self._mcp = mcp
        self._compiled = [(re.compile(route.pattern), route) for route in (*ROUTES, MCP)]

    def find(self, method: str, path: str) -> Found | None:
        """The route that takes this request, if any does."""
        for pattern, route in self._compiled:
            match = pattern.fullmatch(path)
            if match is None or method not in route.methods or (route is MCP and not self._mcp()):
                continue
            parts = match.groupdict()
            if parts.get("endpoint") is not None and parts["endpoint"] not in self._endpoints():
                return None
            named, joins = (parts.get(name) is not None for name in ("named", "joins"))
            return Found(route, parts.get("endpoint"), named, joins, parts.get("file"))
        return None
