"""The page with its MCP server, served as strangers meet it, and the official client."""

import asyncio
import base64
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
import numpy.typing as npt
import pytest

from segdemo.images import encode_jpeg
from segdemo.ui.app import create_app, launch_options


@pytest.fixture(scope="module")
def served(tiny_ade_checkpoint: Path) -> Iterator[gr.Blocks]:
    pytest.importorskip("mcp", reason='the extra "mcp" is not installed: pip install -e ".[mcp]"')
    page = create_app(str(tiny_ade_checkpoint), warm_up=False, mcp=True)
    page.launch(prevent_thread_lock=True, quiet=True, **launch_options())
    yield page
    page.close(verbose=False)


@pytest.fixture(scope="module")
def address(served: gr.Blocks) -> str:
    return f"{served.local_url}gradio_api/mcp"


@pytest.fixture(scope="module")
def ask(address: str) -> Callable[..., Any]:
    """Have a connected client do something: ``ask(lambda client: client.list_tools())``."""

    def asked(what: Callable[[Any], Any], **options: Any) -> Any:
        from mcp import Client

        async def connected() -> Any:
            try:
                async with Client(address, **options) as client:
                    return await what(client)
            except BaseExceptionGroup as group:
                raise _innermost(group) from None

        return asyncio.run(connected())

    return asked


def _innermost(error: BaseException) -> BaseException:
    """The one error that the client's groups hold."""
    return _innermost(error.exceptions[0]) if isinstance(error, BaseExceptionGroup) else error


@pytest.fixture(scope="module")
def call(ask: Callable[..., Any]) -> Callable[..., Any]:
    """Call a tool."""
    return lambda name, **arguments: ask(lambda client: client.call_tool(name, arguments))


@pytest.fixture(scope="session")
def jpeg(photo: npt.NDArray[np.uint8]) -> bytes:
    return encode_jpeg(photo)


@pytest.fixture(scope="session")
def bare(jpeg: bytes) -> str:
    """The photo in base64, as a client of a language model sends it."""
    return base64.b64encode(jpeg).decode()
