"""``python -m segdemo optimise``: convert a checkpoint for the fastest engine of this machine, once."""

import sys
from collections.abc import Sequence
from pathlib import Path

from segdemo import checkpoints
from segdemo.errors import SegdemoError


def optimise(
    checkpoint: str | None = None, *, shapes: Sequence[str] = (), again: bool = False, quiet: bool = False
) -> Path:
    """Convert a checkpoint (default: the one the page runs) to an OpenVINO graph, check it, and return its folder.

    ``shapes`` are input sizes such as ``"640x864"`` at which graph and network are compared; the common aspect ratios
    at short side 640 where none are given. The graph itself runs at any size. ``again`` converts even if a graph is
    there. Progress goes to stderr. Raises ``SegdemoError`` for shapes that are no input sizes, without the
    ``openvino`` extra, and where graph and network disagree.
    """
    from segdemo.model.graph import COMMON_SHAPES, make_graph

    sizes = [parse_shape(text) for text in shapes] or list(COMMON_SHAPES)
    found = checkpoints.find(checkpoint) if checkpoint else checkpoints.default_checkpoint()

    def report(share: float, text: str) -> None:
        if not quiet:
            print(f"{share:4.0%} {text}", file=sys.stderr, flush=True)

    graph = make_graph(checkpoints.resolve(found.id), shapes=sizes, report=report, again=again)
    if not quiet:
        for entry in graph.parity:
            print(
                f"     {entry.height} x {entry.width}: labels equal on {entry.labels_agree:.4%} of pixels, "
                f"mask logits within {entry.difference:.1e}",
                file=sys.stderr,
            )
    return graph.folder


def parse_shape(text: str) -> tuple[int, int]:
    """Return (height, width) of ``"HxW"``; raises ``SegdemoError`` unless both are multiples of 32."""
    height, separator, width = text.lower().partition("x")
    if separator and height.isdecimal() and width.isdecimal():
        size = int(height), int(width)
        if min(size) >= 32 and max(size) <= 2560 and size[0] % 32 == 0 and size[1] % 32 == 0:
            return size
    raise SegdemoError(f"{text!r} is not an input size: give height x width in multiples of 32, such as 640x864.")
