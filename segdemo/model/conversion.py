"""Makes the OpenVINO graph of a network, right at every input size, and compares it with the network before it is kept.

A trace is only as general as the arithmetic in it: every size in ``network.py`` is taken from the tensors, so batch,
height and width stay free.
"""

import json
import os
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from segdemo.children import end_with_parent, start_child
from segdemo.errors import SegdemoError
from segdemo.keeping import alone, being_made, made
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

Report = Callable[[float, str], None]
"""Called with the done share, 0..1, and what is being done."""

COMMON_SHAPES: tuple[tuple[int, int], ...] = ((640, 864), (864, 640), (640, 640), (640, 960), (640, 1152))
"""Input sizes of the common aspect ratios at short side 640: 4:3, 3:4, 1:1, 3:2, 16:9."""

_TRACED = (96, 128)
_SMALL_SHAPES = ((64, 96), (128, 64))
_LABELS_AGREE = {"fp32": 0.9999, "bf16": 0.98}
"""Share of pixels whose label must be the network's own: in bfloat16 two ways to add up the same products differ."""


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
    from segdemo.model.families.mask2former import make_network
    from segdemo.model.fast.network import Network

    openvino = require_openvino()
    say(0.0, "loading the weights")
    network = make_network(checkpoint, precision)
    if not isinstance(network, Network):
        raise SegdemoError("This checkpoint's architecture cannot be converted: run it with the torch engine.")
    with made(target) as folder:
        say(0.05, "converting")
        model = _converted(network, openvino)
        say(0.5, "writing the graph")
        openvino.save_model(model, folder / "model.xml", compress_to_fp16=False)
        del model
        say(0.6, "compiling the graph")
        network.pack()
        compiled = openvino.Core().compile_model(folder / "model.xml", "CPU", COMPILE_OPTIONS)
        parity = []
        sizes = [*_SMALL_SHAPES, *shapes]
        for index, size in enumerate(sizes):
            say(0.7 + 0.3 * index / len(sizes), f"comparing with the network at {size[0]} x {size[1]}")
            parity.append(_compare(network, compiled, size, _LABELS_AGREE[precision]))
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
        [sys.executable, "-m", "segdemo.model.conversion", str(checkpoint)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment,
    )


def _converted(network: Any, openvino: Any) -> Any:
    """Trace the network and convert the trace with the front end itself, which sends nothing to anybody."""
    import torch
    from openvino.frontend import FrontEndManager
    from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder

    class Everything(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(self, pixels: Any) -> tuple[Any, ...]:
            found = self.network.layers(pixels, True, lambda part: None)
            start = (*found.levels, found.mask_features)
            empty = torch.stack(found.unmasked)
            return (*found.masks, *found.classes, *found.attentions, empty, *found.features, *start)

    pixels = torch.from_numpy(probe_pixels(_TRACED, batch=2))
    with torch.no_grad(), warnings.catch_warnings():
        # The tracer warns of every Python test on a size; the comparison afterwards tells whether one mattered.
        warnings.simplefilter("ignore")
        traced = torch.jit.trace(Everything().eval(), pixels, check_trace=False)
    front = FrontEndManager().load_by_framework("pytorch")
    decoder = TorchScriptPythonDecoder(traced)
    source = front.load(decoder)
    place = source.get_place_by_input_index(0)
    source.set_partial_shape(place, openvino.PartialShape([-1, 3, -1, -1]))
    source.set_element_type(place, openvino.Type.f32)
    return front.convert(source)


def _compare(network: Any, compiled: Any, size: tuple[int, int], at_least: float) -> Parity:
    import torch

    if min(size) < 32 or size[0] % 32 or size[1] % 32:
        raise SegdemoError(f"The shape {size[0]}x{size[1]} is not an input size: give multiples of 32.")
    pixels = probe_pixels(size)
    values = torch.from_numpy(pixels)
    # The first run at a size sets things up that later runs find ready.
    compiled(pixels), network.run(values)
    start = time.perf_counter()
    outputs = list(compiled(pixels).values())
    between = time.perf_counter()
    expected = network.run(values)
    end = time.perf_counter()
    layers = len(expected.masks)
    masks, classes = outputs[layers - 1], outputs[2 * layers - 1]
    agree = float((_labels(masks[0], classes[0]) == _labels(expected.masks[-1][0], expected.classes[-1][0])).mean())
    difference = float(np.abs(masks - expected.masks[-1]).max() / max(np.abs(expected.masks[-1]).max(), 1e-12))
    if agree < at_least:
        raise SegdemoError(
            f"The converted graph disagrees with the network at {size[0]} x {size[1]} (labels equal on {agree:.2%} of "
            "pixels): it is not used. Run the torch engine."
        )
    return Parity(size[0], size[1], agree, difference, between - start, end - between)


def _labels(masks: npt.NDArray[np.floating], classes: npt.NDArray[np.floating]) -> npt.NDArray[np.intp]:
    """Most probable class per mask pixel, as the paper sums it."""
    weights = np.exp(classes - classes.max(axis=-1, keepdims=True))
    weights /= weights.sum(axis=-1, keepdims=True)
    scores = np.tensordot(weights[:, :-1].T, 1 / (1 + np.exp(-masks)), axes=1)
    return np.asarray(scores.argmax(axis=0))


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
