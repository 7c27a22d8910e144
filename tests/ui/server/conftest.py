"""The page, served as strangers meet it, and plain requests to it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import gradio as gr
import httpx
import pytest

from segdemo.ui.app import create_app, launch_options


@pytest.fixture(scope="module")
def blocks(tiny_ade_checkpoint: Path) -> Iterator[gr.Blocks]:
    """The page, served on a port of its own."""
    page = create_app(str(tiny_ade_checkpoint), warm_up=False)
    page.launch(prevent_thread_lock=True, quiet=True, **launch_options())
    yield page
    page.close(verbose=False)


@pytest.fixture(scope="module")
def port(blocks: gr.Blocks) -> int:
    """The port that the page is served on."""
    found = urlsplit(blocks.local_url).port
    assert found is not None
    return found


@pytest.fixture
def http(port: int) -> Iterator[httpx.Client]:
    """A client that follows no redirects and has patience."""
    # Not verifying anything saves reading a list of authorities for each client.
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60, verify=False) as client:
        yield client


def form(**fields: Any) -> dict[str, Any]:
    """A request to one of the page's functions."""
    return {"data": {}, "component_id": 1, "session_hash": "abc", "fn_name": "noop", **fields}


def encoded(value: Any) -> bytes:
    """JSON bytes."""
    return json.dumps(value).encode()
