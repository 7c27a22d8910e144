"""Starts the demo: ``python app.py [--checkpoint ID_OR_FOLDER [--download]] [--port N]``; Spaces runs it as it is."""

import os
from typing import Annotated

import typer

from segdemo.ui import zerogpu  # noqa: F401 - on ZeroGPU this must come before torch
from segdemo.ui.app import create_app, launch_options


def main(
    checkpoint: Annotated[str | None, typer.Option(help="Hub id whose weights are on disk, or a folder.")] = None,
    download: Annotated[bool, typer.Option(help="Fetch the checkpoint's weights from the hub if need be.")] = False,
    port: Annotated[int | None, typer.Option(help="Port to serve on; 7860 or the next free one by default.")] = None,
) -> None:
    """See what a mask-classification segmentation network does with a photograph, and why."""
    if download:
        os.environ["SEGDEMO_ALLOW_DOWNLOAD"] = "1"
    create_app(checkpoint).launch(**launch_options(port=port))


if __name__ == "__main__":
    typer.run(main)
