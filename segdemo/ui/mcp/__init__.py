"""The same calls for language models: a server of the Model Context Protocol beside the page, with one tool a call."""

from segdemo.errors import MissingExtraError


def require_mcp() -> None:
    """Raise ``MissingExtraError`` where the extra is not installed."""
    try:
        # What versions before 2 have not.
        from mcp import Client  # noqa: F401
    except ImportError:
        raise MissingExtraError("MCP", "mcp") from None
