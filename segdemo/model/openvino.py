"""The OpenVINO engine: the converted graph, compiled for this processor; needs no PyTorch weights in memory."""

import logging
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from segdemo.errors import SegdemoError
from segdemo.model.capture import EVERYTHING, RawOutputs, Request, Start, Without, kept
from segdemo.model.graph import COMPILE_OPTIONS, Graph, discard_graph, find_graph, require_openvino
from segdemo.progress import CancelledError

if TYPE_CHECKING:
    from segdemo.model.families import Loaded

logger = logging.getLogger(__name__)

_LOOK = 0.05
"""Seconds between looks whether to stop."""
_DAMAGE = 0.02
"""Relative difference from the kept probe that only a damaged file or another processor's arithmetic explains."""


class OpenVinoEngine:
    """One compiled graph of a checkpoint folder for all input sizes. Forward passes run one after the other."""

    name = "openvino"
    device = "cpu"

    def __init__(self, graph: Graph, checkpoint: Path, *, precision: str = "fp32") -> None:
        openvino = require_openvino()
        self.precision = precision
        self._layers, self._checkpoint = graph.num_layers, checkpoint
        self._decoder: Loaded | None = None
        self._graph, self._core = graph, openvino.Core()
        self._compiled = self._compile()
        self._lock = threading.Lock()
        self._stops = 0
        self._pace: dict[int, float] = {}

    def __call__(self, pixel_values: npt.NDArray[np.float32], request: Request = EVERYTHING) -> RawOutputs:
        """See ``Engine``. The progress is an estimate from the last run of this many pixels."""
        with self._lock:
            if request.cancel is not None and request.cancel():
                raise CancelledError
            start = time.perf_counter()
            inference = self._compiled.create_infer_request()
            inference.start_async({0: pixel_values}, share_inputs=True)
            try:
                self._wait(inference, pixel_values.size, start, request)
            except CancelledError:
                self._refresh(pixel_values.shape)
                raise
            self._pace[pixel_values.size] = time.perf_counter() - start
            raw = self._outputs(inference, request.capture, pixel_values.shape[2])
        if request.progress is not None:
            request.progress(1.0)
        return raw

    def decode(self, start: Start, *, height: int, without: Without, request: Request = EVERYTHING) -> RawOutputs:
        """See ``Engine``: a graph runs as a whole, so the network's own decoder runs, loaded when first asked for."""
        from segdemo.model.engines import TorchEngine

        with self._lock:
            if self._decoder is None:
                self._decoder = load_decoder(self._checkpoint)
        return TorchEngine(self._decoder).decode(start, height=height, without=without, request=request)

    def _compile(self) -> Any:
        return self._core.compile_model(self._graph.file, "CPU", COMPILE_OPTIONS)

    def _wait(self, inference: Any, size: int, start: float, request: Request) -> None:
        while not inference.wait_for(int(_LOOK * 1000)):
            if request.cancel is not None and request.cancel():
                inference.cancel()
                try:
                    inference.wait()
                except RuntimeError:
                    logger.debug("inference cancelled")
                raise CancelledError
            if request.progress is not None and size in self._pace:
                request.progress(min(0.95, (time.perf_counter() - start) / self._pace[size]))
        inference.wait()

    def _refresh(self, stopped: tuple[int, ...]) -> None:
        """Make the graph forget the run that was stopped.

        Its nodes keep the shapes they saw last and skip working them out again when they come back, which goes wrong
        where a run ended half way: a small picture of a size that differs from both makes all of them start afresh.
        """
        for _ in range(4):
            self._stops += 1
            size = (64 + 32 * (self._stops % 5), 64 + 32 * (self._stops % 7))
            if size[0] == stopped[2] or size[1] == stopped[3]:
                continue
            try:
                self._compiled.create_infer_request().infer({0: np.zeros((1, 3, *size), np.float32)})
            except RuntimeError:
                continue
            return
        self._compiled = self._compile()

    def _outputs(self, inference: Any, capture: bool, height: int) -> RawOutputs:
        """Take what is wanted out of the inference's own memory, which goes with it."""
        count = self._layers

        def taken(index: int) -> npt.NDArray[Any]:
            return np.array(inference.get_output_tensor(index).data)

        if not capture:
            return kept([taken(count - 1)], [taken(2 * count - 1)], height=height)
        arrays = [taken(index) for index in range(len(self._compiled.outputs))]
        *features, level_32, level_16, level_8, masks = arrays[3 * count :]
        return kept(
            arrays[:count],
            arrays[count : 2 * count],
            arrays[2 * count : 3 * count - 1],
            arrays[3 * count - 1].astype(bool),
            features,
            (level_32, level_16, level_8),
            masks,
            height=height,
        )


def load_decoder(checkpoint: Path) -> "Loaded":
    """The decoder of a checkpoint whose graph runs the rest; it cannot run forward."""
    from segdemo.model.families.mask2former import make_network
    from segdemo.model.fast.network import Network

    network = make_network(checkpoint)
    assert isinstance(network, Network)  # no other converts
    network.keep_decoder()
    return network


def load_openvino(checkpoint: Path, *, precision: str = "fp32") -> OpenVinoEngine:
    """Return the engine of a checkpoint whose graph is on disk.

    The graph is run once on a small picture and compared with what the network gave when it was made; one that fails
    is removed. Raises ``SegdemoError`` where there is no graph (with the command that makes it).
    """
    graph = find_graph(checkpoint, precision)
    if graph is None:
        raise SegdemoError(
            f"There is no converted graph for {checkpoint} in {precision} yet: run `python -m segdemo optimise "
            f"--checkpoint {checkpoint} --precision {precision}` once, or use the torch engine."
        )
    try:
        engine = OpenVinoEngine(graph, checkpoint, precision=precision)
        pixels, expected = graph.probe()
        masks = engine(pixels, Request(capture=False)).masks[-1]
        difference = float(np.abs(masks - expected).mean() / max(float(np.abs(expected).mean()), 1e-12))
    except (RuntimeError, ValueError, OSError) as error:
        discard_graph(checkpoint, precision)
        raise SegdemoError(
            f"The converted graph is damaged and was removed ({error}): run `python -m segdemo optimise` again."
        ) from error
    if not difference < (_DAMAGE if precision == "fp32" else 10 * _DAMAGE):
        discard_graph(checkpoint, precision)
        raise SegdemoError(
            f"The converted graph no longer gives the network's results (off by {difference:.1%}) and was removed: "
            "run `python -m segdemo optimise` again."
        )
    return engine
