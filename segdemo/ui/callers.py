"""Who asks: the address that a request counts for, and the visitor's name, for those who take turns."""

from typing import Any

from gradio.context import LocalContext

from segdemo.ui.server.clients import client_of


def caller() -> str:
    """The client whose request is being answered; empty where there is none."""
    return client_of_request(LocalContext.request.get(None))


def client_of_request(request: Any) -> str:
    """The client that a request of Gradio's or of Starlette's counts for; empty for none."""
    scope = getattr(getattr(request, "request", request), "scope", None)
    if not scope:
        return ""
    return client_of((scope.get("client") or (None,))[0], scope.get("headers", ()))
