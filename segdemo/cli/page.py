"""``segdemo page``: the demo; ``app.py`` is the same for Hugging Face Spaces."""

import os
from typing import Annotated

import typer


def page(
    checkpoint: Annotated[str | None, typer.Option(help="Hub id whose weights are on disk, or a folder.")] = None,
    download: Annotated[bool, typer.Option(help="Fetch the checkpoint's weights from the hub if need be.")] = False,
    port: Annotated[int | None, typer.Option(help="Port to serve on; 7860 or the next free one by default.")] = None,
) -> None:
    """See in the browser what a mask-classification segmentation network does with a photograph, and why."""
    from segdemo.ui.app import create_app, launch_options

    if download:
        os.environ["SEGDEMO_ALLOW_DOWNLOAD"] = "1"
    create_app(checkpoint).launch(**launch_options(port=port))
