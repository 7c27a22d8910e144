"""Who asks is told by the connection, in the page's functions as in calls."""

import contextvars
from typing import Any

import gradio as gr
import pytest
from gradio.context import LocalContext
from starlette.requests import Request

from segdemo.ui.callers import caller

SCOPE = {"type": "http", "client": ("10.0.0.1", 1), "headers": [(b"x-forwarded-for", b"1.2.3.4")]}


def _asked_by(request: Any) -> str:
    def ask() -> str:
        LocalContext.request.set(request)
        return caller()

    return contextvars.copy_context().run(ask)


@pytest.mark.parametrize(
    ("request_", "client"), [(Request(SCOPE), "10.0.0.1"), (gr.Request(Request(SCOPE)), "10.0.0.1"), (None, "")]
)
def test_a_request_is_from_its_address(request_: Any, client: str) -> None:
    assert _asked_by(request_) == client
