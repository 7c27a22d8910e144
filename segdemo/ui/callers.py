"""Who asks: the address that a request counts for, and the visitor's name, for those who take turns."""

from gradio.context import LocalContext

from segdemo.ui.server.clients import client_of


def caller() -> str:
    """The client whose request is being answered; empty where there is none."""
    request = LocalContext.request.get(None)
    scope = getattr(getattr(request, "request", request), "scope", None)
    if not scope:
        return ""
    return client_of((scope.get("client") or (None,))[0], scope.get("headers", ()))
