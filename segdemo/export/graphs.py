"""Makes the OpenVINO graph of a network, right at every input size, and compares it with the network before it is kept.

A trace is only as general as the arithmetic in it: every size in ``network.py`` is taken from the tensors, so batch,
height and width stay free.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from segdemo.checkpoint_files import described
from segdemo.children import end_with_parent, start_child
from segdemo.errors import SegdemoError
from segdemo.export.parity import USUAL_PHOTO, Comparison, examples, least_labels_equal
from segdemo.keeping import alone, being_made, made
from segdemo.model.exported import FittingSizes
from segdemo.model.graph import (
    COMPILE_OPTIONS,
    GRAPH_PRECISIONS,
    PROBE,
    Graph,
    Parity,
    find_graph,
    graph_folder,
    probe_pixels,
    require_openvino,
)
from segdemo.process import prepare_process
from segdemo.settings import settings

if TYPE_CHECKING:
    from segdemo.model.families import Inputs

Report = Callable[[float, str], None]
"""Called with the done share, 0..1, and what is being done."""

COMMON_SHAPES: tuple[tuple[int, int], ...] = ((640, 864), (864, 640), (640, 640), (640, 960), (640, 1152))
"""Input sizes of the common aspect ratios at short side 640: 4:3, 3:4, 1:1, 3:2, 16:9."""

_SMALL_SHAPES = ((64, 96), (128, 64))
"""Sizes that show whether the trace is general, beside the ones that were asked for."""
_GENERAL = 0.9
"""Share of labels that must be equal there: at these sizes a pass is all thresholds, and a wrong trace has far less."""
_PICTURES = 4
"""Photographs to compare on at each size."""


def make_graph(
    checkpoint: Path,
    precision: str = "fp32",
    *,
    shapes: Sequence[tuple[int, int]] = (),
    report: Report | None = None,
    again: bool = False,
) -> Graph:
    """Convert a checkpoint, compare the graph with the network, and keep it; return the kept one if there is one.

    The graph's weights are of the types of the network's. ``shapes`` are further input sizes, (height, width)
    in multiples of 32, at which to compare. Takes a minute or two and about four times the weights' memory for a large
    network. Raises ``SegdemoError`` where the checkpoint is not of the family that converts, or the graph does not
    agree with the network; then nothing is kept.
    """
    say = report if report is not None else (lambda share, text: None)
    kept = None if again else find_graph(checkpoint, precision)
    if kept is not None:
        say(1.0, "the converted graph is on disk already")
        return kept
    target = graph_folder(checkpoint, precision)
    try:
        with alone(target):
            # Another process may have made it while this one waited.
            kept = None if again else find_graph(checkpoint, precision)
            if kept is None:
                _make(checkpoint, precision, target, shapes, say)
    except OSError as error:
        raise SegdemoError(f"The converted graph cannot be kept in {target} ({error.strerror or error}).") from error
    say(1.0, "ready")
    found = find_graph(checkpoint, precision)
    if found is None:
        raise SegdemoError(f"The converted graph could not be kept in {target}: free some space on that disk.")
    return found


def _make(checkpoint: Path, precision: str, target: Path, shapes: Sequence[tuple[int, int]], say: Report) -> None:
    """Convert, compare, and put the graph where it is kept."""
    from segdemo.model.families import family_of
    from segdemo.model.families.mask2former import make_network
    from segdemo.model.fast.network import Network

    openvino = require_openvino()
    say(0.0, "loading the weights")
    network = make_network(checkpoint, precision)
    if not isinstance(network, Network):
        raise SegdemoError("This checkpoint's architecture cannot be converted: run it with the torch engine.")
    with made(target) as folder:
        say(0.05, "converting")
        model = _converted(network)
        say(0.5, "writing the graph")
        openvino.save_model(model, folder / "model.xml", compress_to_fp16=False)
        del model
        say(0.6, "compiling the graph")
        network.pack()
        compiled = openvino.Core().compile_model(folder / "model.xml", "CPU", COMPILE_OPTIONS)
        parity = []
        inputs, labels = family_of(checkpoint).preprocessing(checkpoint), described(checkpoint).labels()
        asked = list(shapes) or [inputs.sizes(USUAL_PHOTO, "checkpoint")[0]]
        sizes = [*_SMALL_SHAPES, *asked]
        for index, size in enumerate(sizes):
            say(0.7 + 0.3 * index / len(sizes), f"comparing with the network at {size[0]} x {size[1]}")
            parity.append(_compare(network, compiled, size, inputs, labels))
            _refuse(parity[-1], least_labels_equal(precision) if size in asked else _GENERAL)
        _write_probe(network, folder)
        _write_meta(folder, len(network.query_decoder.layers) + 1, parity)


def make_graph_in_background(checkpoint: Path) -> "subprocess.Popen[bytes] | None":
    """Start converting a checkpoint in a process of its own at the lowest priority; return it.

    It is made in the precision that suits the processor. An engine chosen by ``auto`` changes to it once it is ready,
    if it was faster. Returns ``None`` where there is nothing to do: OpenVINO is not installed, the graph is on disk or
    being made, the host wants a precision that graphs do not come in, or the network is not of those that convert. The
    process ends with this one, however that ends.
    """
    if find_spec("openvino") is None:
        return None
    from segdemo.checkpoint_files import read_config
    from segdemo.model.engines import processor_precision
    from segdemo.model.families import family_of

    precision = processor_precision()
    if (
        settings().precision not in ("auto", *GRAPH_PRECISIONS)
        or find_graph(checkpoint, precision) is not None
        or being_made(graph_folder(checkpoint, precision))
        or not family_of(checkpoint).accelerates(read_config(checkpoint))
    ):
        return None
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    return start_child(
        [sys.executable, "-m", "segdemo.export.graphs", str(checkpoint)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment,
    )


def _converted(network: Any) -> Any:
    """Convert the network with all that its predictions offer, for any batch and size."""
    import torch

    from segdemo.export.openvino import traced_graph

    class Everything(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(self, pixels: Any) -> tuple[Any, ...]:
            found = self.network.layers(pixels, True, lambda part: None)
            start = (*found.levels, found.mask_features)
            empty = torch.stack(found.unmasked)
            return (*found.masks, *found.classes, *found.attentions, empty, *found.features, *start)

    return traced_graph(Everything(), (-1, 3, -1, -1), batch=2)


def _compare(network: Any, compiled: Any, size: tuple[int, int], inputs: "Inputs", labels: Mapping[int, str]) -> Parity:
    """Compare on photographs stretched to that size; the times are of the last."""
    import torch

    if min(size) < 32 or size[0] % 32 or size[1] % 32:
        raise SegdemoError(f"The shape {size[0]}x{size[1]} is not an input size: give multiples of 32.")
    fitting = FittingSizes(inputs, [size])
    comparison = Comparison(labels, size)
    seconds = network_seconds = 0.0
    for picture in examples(_PICTURES):
        pixels = fitting.stretched(picture.load(), size)[None]
        values = torch.from_numpy(pixels)
        if not comparison.equal:
            # The first run at a size sets things up that later runs find ready.
            compiled(pixels), network.run(values)
        start = time.perf_counter()
        outputs = list(compiled(pixels).values())
        between = time.perf_counter()
        expected = network.run(values)
        seconds, network_seconds = between - start, time.perf_counter() - between
        layers = len(expected.masks)
        found = outputs[2 * layers - 1][0], outputs[layers - 1][0]
        comparison.add(picture.name, size, (expected.classes[-1][0], expected.masks[-1][0]), found)
    masks = comparison.masks.result()
    difference = masks.largest / max(masks.peak, 1e-12)
    return Parity(size[0], size[1], comparison.mean, difference, seconds, network_seconds)


def _refuse(entry: Parity, at_least: float) -> None:
    """Raise ``SegdemoError`` where too few labels are the network's own."""
    if entry.labels_agree < at_least:
        raise SegdemoError(
            f"The converted graph disagrees with the network at {entry.height} x {entry.width} (labels equal on "
            f"{entry.labels_agree:.2%} of pixels): it is not used. Run the torch engine."
        )


def _write_probe(network: Any, folder: Path) -> None:
    import torch

    np.save(folder / "probe.npy", network.run(torch.from_numpy(probe_pixels(PROBE))).masks[-1])


def _write_meta(folder: Path, num_layers: int, parity: list[Parity]) -> None:
    sizes = {file.name: file.stat().st_size for file in folder.iterdir()}
    meta = {"num_layers": num_layers, "parity": [asdict(entry) for entry in parity], "sizes": sizes}
    (folder / "graph.json").write_text(json.dumps(meta, indent=2) + "\n")


def _main(checkpoint: Path) -> None:
    """What the process in the background does."""
    from segdemo.model.engines import processor_precision

    end_with_parent()
    if hasattr(os, "nice"):
        os.nice(19)
    prepare_process()
    make_graph(checkpoint, processor_precision(), shapes=COMMON_SHAPES[:1])


if __name__ == "__main__":
    _main(Path(sys.argv[1]))
