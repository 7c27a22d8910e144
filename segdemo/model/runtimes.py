"""Loads an exported graph into its runtime: ONNX Runtime, OpenVINO or PyTorch."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from segdemo.errors import MissingExtraError, SegdemoError
from segdemo.model.graph import COMPILE_OPTIONS, require_openvino

GraphFormat = Literal["onnx", "openvino", "torchscript"]
"""Formats that run here; TensorRT plans run on the card that they were built on."""
INPUT = "pixel_values"
CLASSES, MASKS = "class_queries_logits", "masks_queries_logits"
LOGITS = "logits"
"""What networks without queries hand out instead."""


class Graph:
    """A loaded graph: pixels float32 (1, 3, H, W) to class logits (1, Q, C + 1) and mask logits (1, Q, h, w).

    Of a network without queries to logits (1, C, h, w) alone. Raises ``SegdemoError`` with what the runtime says, also
    for inputs of another size.
    """

    def __init__(self, format: str, file: Path) -> None:
        self._file = file
        self._run = _RUNTIMES[format](file)

    def __call__(self, pixels: npt.NDArray[np.float32]) -> tuple[npt.NDArray[np.float32], ...]:
        """Run one picture."""
        try:
            answer = self._run(pixels)
        except MemoryError:
            raise
        except Exception as error:  # each runtime has errors of its own
            size = f"{pixels.shape[2]} x {pixels.shape[3]}"
            raise SegdemoError(f"{self._file} does not run on an input of {size}: {_said(error)}") from error
        return tuple(np.asarray(part, np.float32) for part in answer)


def load_graph(format: str, file: Path) -> Graph:
    """Return a graph ready to run; raises ``SegdemoError`` where it cannot be, ``MissingExtraError`` for the extra."""
    if format not in get_args(GraphFormat):
        raise SegdemoError(f"An export in the format {format} does not run here: choose onnx or openvino.")
    try:
        return Graph(format, file)
    except (SegdemoError, MemoryError):
        raise
    except Exception as error:
        raise SegdemoError(f"{file} cannot be loaded ({_said(error)}): export the checkpoint again.") from error


def _said(error: Exception) -> str:
    return " ".join(str(error).split())[:400] or type(error).__name__


def _onnx(file: Path) -> Any:
    try:
        import onnxruntime
    except ImportError:
        raise MissingExtraError("The ONNX engine", "export") from None
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    # Threads that spin while they wait keep the cores that others need.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    outputs = _outputs([output.name for output in session.get_outputs()])
    return lambda pixels: session.run(outputs, {INPUT: pixels})


def _openvino(file: Path) -> Any:
    openvino = require_openvino()
    options = {**COMPILE_OPTIONS}
    compiled = openvino.Core().compile_model(file, "CPU", options)
    outputs = _outputs([name for output in compiled.outputs for name in output.get_names()])

    def run(pixels: npt.NDArray[np.float32]) -> list[npt.NDArray[Any]]:
        found = compiled({INPUT: pixels})
        return [found[name] for name in outputs]

    return run


def _torchscript(file: Path) -> Any:
    import torch

    # Not a path: PyTorch cannot open names with all characters.
    with file.open("rb") as stream:
        module = torch.jit.load(stream, map_location="cpu")

    def run(pixels: npt.NDArray[np.float32]) -> list[npt.NDArray[Any]]:
        with torch.inference_mode():
            answer = module(torch.from_numpy(pixels))
        return [part.numpy() for part in ([answer] if isinstance(answer, torch.Tensor) else answer)]

    return run


def _outputs(there: Sequence[str]) -> list[str]:
    """Names of what a graph hands out, in the order in which it is read."""
    return [LOGITS] if LOGITS in there else [CLASSES, MASKS]


_RUNTIMES = {"onnx": _onnx, "openvino": _openvino, "torchscript": _torchscript}
