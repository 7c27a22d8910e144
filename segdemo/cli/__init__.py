"""The command line: ``python -m segdemo COMMAND``; each command is a module here with one function of its name."""

import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

import typer

from segdemo import __version__
from segdemo.errors import HostError, SegdemoError
from segdemo.process import prepare_process

COMMANDS = ("page", "segment", "report", "evaluate", "finetune", "optimise", "export", "benchmark", "checkpoints")
"""In the order of the help. Their modules import what is heavy inside the function, so that help comes at once."""


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"segdemo {__version__}")
        raise typer.Exit


def make_app() -> typer.Typer:
    """Return the command line with all commands."""
    app = typer.Typer(
        name="segdemo",
        help="See what a mask-classification segmentation network does with a photograph, and why.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )

    @app.callback()
    def options(
        version: bool = typer.Option(False, "--version", help="Print the version.", callback=_version, is_eager=True),
    ) -> None:
        del version

    for name in COMMANDS:
        app.command(name)(getattr(import_module(f"segdemo.cli.{name}"), name))
    return app


def main() -> None:
    """Run the command line; a ``SegdemoError`` becomes one line on stderr and exit code 1, or 2 for the host's own."""
    run(make_app(), prog_name="segdemo")


def run(command: Callable[..., Any], **options: Any) -> None:
    """Run a command in a process prepared for it, with sentences for errors."""
    prepare_process()
    try:
        command(**options)
    except SegdemoError as error:
        typer.echo(f"segdemo: {error}", err=True)
        sys.exit(2 if isinstance(error, HostError) else 1)
