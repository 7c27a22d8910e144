"""Every route that Gradio answers is known here: those in the table, and no other, get past the gate."""

import re
from typing import Any

import gradio as gr
import httpx
import pytest

from segdemo.ui.server.routes import MCP, ROUTES, Table

NEEDED = {
    "GET /", "HEAD /",
    "GET /assets/{path:path}",
    "GET /config", "GET /config/",
    "GET /favicon.ico",
    "GET /gradio_api/call/v2/{api_name}/{event_id}", "GET /gradio_api/call/{api_name}/{event_id}",
    "GET /gradio_api/file={path_or_url:path}", "HEAD /gradio_api/file={path_or_url:path}",
    "GET /gradio_api/heartbeat/{session_hash}",
    "GET /gradio_api/info", "GET /gradio_api/info/",
    "GET /gradio_api/openapi.json",
    "GET /gradio_api/queue/data",
    "GET /gradio_api/startup-events",
    "GET /gradio_api/theme.css", "GET /theme.css",
    "GET /manifest.json", "GET /robots.txt",
    "GET /static/{path:path}",
    "POST /gradio_api/call/v2/{api_name}", "POST /gradio_api/call/v2/{api_name}/",
    "POST /gradio_api/call/{api_name}", "POST /gradio_api/call/{api_name}/",
    "POST /gradio_api/cancel",
    "POST /gradio_api/component_server", "POST /gradio_api/component_server/",
    "POST /gradio_api/queue/join",
    "POST /gradio_api/reset", "POST /gradio_api/reset/",
    "POST /gradio_api/upload",
}  # fmt: skip
"""Gradio's routes that the page or a client needs; all others are to be answered with 404."""


def _routes(routes: list[Any]) -> list[tuple[str, str]]:
    found = []
    for route in routes:
        # FastAPI keeps an included router as it is, older ones copied its routes.
        inner = getattr(getattr(route, "original_router", route), "routes", None)
        if inner:
            found += _routes(inner)
        elif getattr(route, "methods", None):
            found += [(method, route.path) for method in route.methods]
    return found


def _filled(path: str) -> str:
    """An address on a route, with the endpoint there is and harmless names."""
    path = path.replace("{api_name}", "segment").replace("{path_or_url:path}", "/etc/passwd")
    return re.sub(r"\{\w+(:path)?\}", "x", path)


def test_every_route_that_answers_is_known(blocks: gr.Blocks) -> None:
    table = Table(endpoints=lambda: {"segment"})
    answered = {f"{method} {path}" for method, path in _routes(blocks.app.routes) if table.find(method, _filled(path))}
    assert answered == NEEDED


def test_other_routes_are_not_there(blocks: gr.Blocks, http: httpx.Client) -> None:
    others = [(method, path) for method, path in _routes(blocks.app.routes) if f"{method} {path}" not in NEEDED]
    assert len(others) > 40
    for method, path in others:
        answer = http.request(method, _filled(path))
        assert answer.status_code == 404, (method, path)
        if method != "HEAD":
            assert answer.json()["detail"] == "There is nothing at this address."


def test_every_line_of_the_table_is_for_a_route_of_gradios(blocks: gr.Blocks) -> None:
    there = [(method, _filled(path)) for method, path in _routes(blocks.app.routes)]
    for route in ROUTES:
        pattern = re.compile(route.pattern)
        assert any(method in route.methods and pattern.fullmatch(path) for method, path in there), route.pattern


@pytest.mark.parametrize(
    "address",
    [
        "/gradio_api/file=http://127.0.0.1:1/secret",
        "/gradio_api/file=https://example.org/a.png",
        "/gradio_api/file=http:/127.0.0.1:1/",
        "/gradio_api/file=%68ttp://127.0.0.1:1/",
        "/gradio_api/file=//127.0.0.1:1/",
        "/gradio_api/file=/etc/passwd",
        "/gradio_api/file=../../../../etc/passwd",
        "/gradio_api/file=app.py",
        "/gradio_api/proxy=https://x.hf.space/",
        "/monitoring",
        "/monitoring/summary",
        "/gradio_api/dev/reload",
        "/gradio_api/mcp/",
        "/gradio_api/call/no_such/1",
        "/assets/../config.py",
    ],
)
def test_nothing_is_fetched_or_read_from_elsewhere(http: httpx.Client, address: str) -> None:
    assert http.get(address).status_code == 404


def test_mcp_is_there_only_where_it_is_asked_for() -> None:
    assert Table(endpoints=set).find("POST", "/gradio_api/mcp/") is None
    found = Table(endpoints=set, mcp=lambda: True).find("POST", "/gradio_api/mcp/")
    assert found is not None
    assert found.route is MCP


def test_unknown_endpoints_are_not_there(http: httpx.Client) -> None:
    assert http.post("/gradio_api/call/no_such", json={"data": []}).status_code == 404


def test_websockets_are_refused(blocks: gr.Blocks) -> None:
    import asyncio

    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    served: Any = blocks.app.middleware_stack
    asyncio.run(served({"type": "websocket", "path": "/", "headers": []}, receive, send))
    assert sent == [{"type": "websocket.close", "code": 1008}]
