"""Starts the demo: ``python app.py [--checkpoint NAME [--download]] [--port N] [--mcp]``; Spaces runs it as it is."""

import typer

from segdemo.cli import run
from segdemo.cli.page import page
from segdemo.ui import zerogpu  # noqa: F401 - on ZeroGPU this must come before torch

if __name__ == "__main__":
    run(lambda: typer.run(page))
