"""Serves a page until the host says stop."""

import errno
import os
import socket
import sys
import tempfile
from collections.abc import Callable
from typing import Any

import gradio as gr
import typer

from segdemo.errors import HostError
from segdemo.ui.server.ending import Ending
from segdemo.ui.server.folder import private_folder
from segdemo.ui.server.guard import served_beside
from segdemo.ui.server.routes import MCP_PATH


def serve(make: Callable[[], gr.Blocks], options: Callable[[], dict[str, Any]], ending: Ending) -> None:
    """Make a page, launch it, and wait for the signal with which ``ending`` ends the process.

    Raises ``HostError`` where the port cannot be had.
    """
    launch = options()
    check_port(launch.get("server_port"), launch.get("server_name"))
    # What Gradio and others write for a moment goes where it is swept, should the moment be the last.
    tempfile.tempdir = str(private_folder().path)
    ending.page = blocks = make()
    try:
        blocks.launch(prevent_thread_lock=True, **launch)
    except OSError as error:
        raise HostError(_no_port(launch.get("server_port"), error)) from None
    if served_beside(blocks) is not None:
        typer.echo(f"* MCP on {str(blocks.local_url).rstrip('/')}{MCP_PATH}")
    ending.wait()


def check_port(port: int | None, host: str | None = None) -> None:
    """Raise ``HostError`` where a port that was asked for cannot be listened on."""
    if port is None:
        return
    name = host or os.environ.get("GRADIO_SERVER_NAME") or "127.0.0.1"
    family = socket.AF_INET6 if ":" in name else socket.AF_INET
    with socket.socket(family) as probe:
        if sys.platform != "win32":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((name.strip("[]"), port))
        except OSError as error:
            raise HostError(_no_port(port, error)) from None


def _no_port(port: int | None, error: OSError) -> str:
    if port is None:
        return "No port could be had from 7860 on: choose one with --port N, or GRADIO_SERVER_PORT."
    if error.errno == errno.EADDRINUSE:
        why = "is in use"
    elif error.errno == errno.EACCES:
        why = "may not be used by this user"
    elif error.errno == errno.EADDRNOTAVAIL:
        return "The address in GRADIO_SERVER_NAME is not this machine's: use 127.0.0.1 or 0.0.0.0."
    else:
        why = f"cannot be had ({error.strerror or error})"
    return f"Port {port} {why}: choose another with --port N, or leave it out for the next free one."
