"""``segdemo page``: the demo; ``app.py`` is the same for Hugging Face Spaces."""

import os
from typing import Annotated

import typer


def page(
    checkpoint: Annotated[str | None, typer.Option(help="Hub id whose weights are on disk, or a folder.")] = None,
    download: Annotated[bool, typer.Option(help="Fetch the checkpoint's weights from the hub if need be.")] = False,
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Port to serve on; 7860 or the next free one by default.")
    ] = None,
    mcp: Annotated[
        bool, typer.Option("--mcp", help="Serve the calls to language models, too (Model Context Protocol).")
    ] = False,
) -> None:
    """See in the browser what a mask-classification segmentation network does with a photograph, and why."""
    from segdemo.process import import_beside, put_off_collecting
    from segdemo.settings import settings
    from segdemo.ui.mcp import require_mcp

    if mcp:
        require_mcp()
    put_off_collecting()
    if download:
        os.environ["SEGDEMO_ALLOW_DOWNLOAD"] = "1"
    settings()
    _check_gradios_port()
    from segdemo.ui.server.ending import Ending
    from segdemo.ui.server.folder import private_folder
    from segdemo.ui.server.stubs import import_without_stubs

    ending = Ending()
    ending.listen()

    # Before anything imports gradio, which looks for its folder then.
    private_folder()
    import_without_stubs()
    import_beside("torch")
    from segdemo.ui.app import create_app, launch_options
    from segdemo.ui.server.serving import serve

    serve(lambda: create_app(checkpoint, mcp=mcp), lambda: launch_options(port=port), ending)


def _check_gradios_port() -> None:
    from segdemo.errors import HostError

    for name in ("GRADIO_SERVER_PORT", "GRADIO_NUM_PORTS"):
        value = os.environ.get(name)
        if value is not None and not (value.isdigit() and 1 <= int(value) <= 65535):
            raise HostError(f"{name} cannot be {value!r}: give a number from 1 to 65535, or leave it out.")
