"""Headers: what of a request is believed, what browsers are told about a response, and which sites may read it."""

import re
from urllib.parse import urlsplit

from segdemo.settings import settings
from segdemo.ui.server.clients import trusted_proxies
from segdemo.ui.server.refusals import RefusedError
from segdemo.ui.server.routes import Kind

Pairs = list[tuple[bytes, bytes]]

_HOST = re.compile(rb"([\w.-]+|\[[\da-fA-F:.]+\])(:\d{1,5})?", re.ASCII)
"""A host with or without a port (RFC 3986)."""
_UNUSED = (b"range", b"if-range", b"x-gradio-server")
"""Results are small and sent whole: many ranges of one file would cost more than it has bytes."""
_OF_MCP = b"mcp-protocol-version, mcp-method, mcp-name, mcp-session-id"
"""Headers that clients of the Model Context Protocol send (its specification, "Transports")."""
_FORWARDED = (b"x-forwarded-host", b"x-forwarded-proto", b"x-forwarded-for", b"forwarded")


def believed(headers: Pairs) -> Pairs:
    """A request's headers without those that nobody needs, or that only a proxy may set, unless the host has one.

    Then the last entry of each list counts, which the proxy itself appended.
    """
    if trusted_proxies():
        return [
            (name, value.rsplit(b",", 1)[-1].strip())
            if name in (b"x-forwarded-host", b"x-forwarded-proto")
            else (name, value)
            for name, value in headers
            if name not in _UNUSED
        ]
    return [(name, value) for name, value in headers if name not in _FORWARDED + _UNUSED]


def check_host(headers: Pairs) -> None:
    """Raise ``RefusedError`` where the host that a request names, and that addresses are made from, cannot be one."""
    for name, value in headers:
        if name in (b"host", b"x-forwarded-host") and not _HOST.fullmatch(value):
            raise RefusedError(400, "The name of the host in the request cannot be one.")


def page_policy() -> str:
    """The Content Security Policy of the page: everything from here, and no other host.

    Gradio starts its page from inline scripts and makes functions from text, so scripts in the page cannot be
    forbidden; there is nowhere that they could send anything to.
    """
    return "; ".join(
        (
            "default-src 'self'",
            "script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:",
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "media-src 'self' data: blob:",
            "font-src 'self' data:",
            "connect-src 'self' data: blob:",
            "worker-src 'self' blob:",
            "object-src 'none'",
            "base-uri 'self'",
            "form-action 'self'",
            f"frame-ancestors {' '.join(settings().frame_ancestors) or chr(39) + 'none' + chr(39)}",
        )
    )


def response_headers(headers: Pairs, kind: Kind) -> Pairs:
    """A response's headers with what browsers are to be told, and without anything about other sites."""
    kept = [(name, value) for name, value in headers if not name.lower().startswith(b"access-control-")]
    added = {"x-content-type-options": "nosniff", "referrer-policy": "no-referrer"}
    if kind is Kind.PAGE:
        added["content-security-policy"] = page_policy()
        added["cache-control"] = "no-cache"
    elif kind is Kind.STATIC:
        added["content-security-policy"] = "frame-ancestors 'none'"
    else:
        added["content-security-policy"] = "default-src 'none'; frame-ancestors 'none'; sandbox"
        added["cache-control"] = "no-store"
        added["cross-origin-resource-policy"] = "same-origin"
    names = {name.encode() for name in added}
    return [pair for pair in kept if pair[0].lower() not in names] + [
        (name.encode(), value.encode()) for name, value in added.items()
    ]


def value_of(headers: Pairs, name: bytes) -> str:
    """A header's value, empty where it is missing."""
    return next((value.decode("latin-1") for key, value in headers if key == name), "")


def allowed_origin(headers: Pairs) -> str | None:
    """The other site whose scripts send this request, if it is one that the host has named."""
    origin = value_of(headers, b"origin")
    return origin if origin and origin != "null" and origin in settings().allowed_origins else None


def origin_headers(origin: str | None, *, preflight: bool = False) -> Pairs:
    """What allows scripts of ``origin`` to use the server; nothing without one."""
    if origin is None:
        return []
    lines = [(b"access-control-allow-origin", origin.encode()), (b"vary", b"Origin")]
    if preflight:
        lines += [
            (b"access-control-allow-methods", b"GET, POST"),
            (b"access-control-allow-headers", b"content-type, " + _OF_MCP),
            (b"access-control-max-age", b"600"),
        ]
    return lines


def check_origin(method: str, headers: Pairs) -> None:
    """Raise ``RefusedError`` where a browser says that a page of another site wants something done here."""
    if method in ("GET", "HEAD") or allowed_origin(headers) is not None:
        return
    site = value_of(headers, b"sec-fetch-site")
    origin = value_of(headers, b"origin")
    own = {value_of(headers, b"host"), value_of(headers, b"x-forwarded-host")} - {""}
    # Browsers that do not say from what site a request comes, as on plain HTTP, say its origin.
    if site in ("cross-site", "same-site") or (not site and origin and origin_host(origin) not in own):
        raise RefusedError(403, "Pages of other sites may not use this server: open it itself.")


def origin_host(origin: str) -> str:
    """Host and port of an origin, without the port that goes without saying."""
    try:
        parts = urlsplit(origin)
        port = parts.port
    except ValueError:
        return ""
    usual = {"http": 80, "https": 443}.get(parts.scheme)
    return f"{parts.hostname or ''}" + (f":{port}" if port is not None and port != usual else "")
