"""``segdemo optimise``: convert a checkpoint for the fastest engine of this machine, once."""

import sys
from typing import Annotated, Literal

import typer

from segdemo.errors import SegdemoError


def optimise(
    checkpoint: Annotated[
        str | None,
        typer.Option(help="Hub id whose weights are on disk, or a folder; by default the page's."),
    ] = None,
    shape: Annotated[
        list[str] | None,
        typer.Option(
            help="Input size at which graph and network are compared, such as 640x864; may be repeated. By default the "
            "common aspect ratios at short side 640. The graph runs at any size."
        ),
    ] = None,
    precision: Annotated[
        Literal["auto", "fp32", "bf16"],
        typer.Option(help="Numbers of the network; a graph has one precision. By default what suits this processor."),
    ] = "auto",
    again: Annotated[bool, typer.Option(help="Convert even if a graph is there.")] = False,
    quiet: Annotated[bool, typer.Option(help="Say nothing unless something is wrong.")] = False,
) -> None:
    """Convert a checkpoint to an OpenVINO graph, check it against the network, and keep it.

    The page and the command line take the graph by themselves once it is there. Needs the extra ``openvino``.
    """
    from segdemo import checkpoints
    from segdemo.export.graphs import COMMON_SHAPES, make_graph
    from segdemo.model.engines import processor_precision
    from segdemo.model.graph import require_openvino

    require_openvino()
    sizes = [parse_shape(part) for text in shape or [] for part in text.replace(",", " ").split()]
    found = checkpoints.find(checkpoint) if checkpoint else checkpoints.default_checkpoint()

    def report(share: float, text: str) -> None:
        if not quiet:
            print(f"{share:4.0%} {text}", file=sys.stderr, flush=True)

    graph = make_graph(
        checkpoints.resolve(found.id),
        processor_precision(precision),
        shapes=sizes or COMMON_SHAPES,
        report=report,
        again=again,
    )
    if not quiet:
        for entry in graph.parity:
            print(
                f"     {entry.height} x {entry.width}: labels equal on {entry.labels_agree:.3%} of pixels, "
                f"mask logits within {entry.difference:.1e}; {entry.seconds:.2f} s, "
                f"PyTorch {entry.network_seconds:.2f} s",
                file=sys.stderr,
            )
        print(graph.folder)


def parse_shape(text: str) -> tuple[int, int]:
    """Return (height, width) of ``"HxW"``; raises ``SegdemoError`` unless both are multiples of 32."""
    height, separator, width = text.lower().partition("x")
    if separator and height.isdecimal() and width.isdecimal():
        size = int(height), int(width)
        if min(size) >= 32 and max(size) <= 2560 and size[0] % 32 == 0 and size[1] % 32 == 0:
            return size
    raise SegdemoError(f"{text!r} is not an input size: give height x width in multiples of 32, such as 640x864.")
