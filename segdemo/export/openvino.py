"""A network as an OpenVINO graph: traced, and converted by the front end itself, which sends nothing to anybody."""

import re
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from segdemo.errors import SegdemoError, first_line
from segdemo.export.network import Portable
from segdemo.model.graph import probe_pixels, require_openvino
from segdemo.model.runtimes import INPUT
from segdemo.prediction import Size

_TRACED = (96, 128)
"""Size at which a network is traced whose graph is to run at any."""


def traced_graph(network: torch.nn.Module, shape: Sequence[int], *, batch: int = 1) -> Any:
    """Convert a network from pixels float32 of ``shape`` (B, 3, H, W), -1 for what is free, to OpenVINO's model.

    A trace is only as general as the arithmetic in it: where sizes are free, each must be taken from the tensors.
    Raises ``SegdemoError`` with the operation in the way where there is one.
    """
    openvino = require_openvino()
    from openvino.frontend import FrontEndManager
    from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder

    size = (shape[2], shape[3]) if min(shape[2:]) > 0 else _TRACED
    pixels = torch.from_numpy(probe_pixels(size, batch=batch))
    try:
        with torch.no_grad(), warnings.catch_warnings():
            # The tracer warns of every Python test on a size; the comparison afterwards tells whether one mattered.
            warnings.simplefilter("ignore")
            traced = torch.jit.trace(network.eval(), pixels, check_trace=False)
        front = FrontEndManager().load_by_framework("pytorch")
        decoder = TorchScriptPythonDecoder(traced)
        source = front.load(decoder)
        place = source.get_place_by_input_index(0)
        source.set_partial_shape(place, openvino.PartialShape(list(shape)))
        source.set_element_type(place, openvino.Type.f32)
        return front.convert(source)
    except (MemoryError, OSError):
        raise
    except Exception as error:  # the front end's own, of which no class is promised
        raise SegdemoError(_obstacle(error)) from error


def write_openvino(network: Portable, size: Size | None, file: Path) -> None:
    """Write the graph of a float32 network as ``file``, its weights beside it.

    It is for one input size, (height, width), or none for any.
    """
    model = traced_graph(network, (1, 3, *(size or (-1, -1))))
    for port, name in zip((model.input(0), *model.outputs), (INPUT, *network.outputs), strict=True):
        port.get_tensor().set_names({name})
    _save(model, file)


def convert_onnx(source: Path, file: Path) -> None:
    """Write the graph of an ONNX file, in the numbers that it has: how float16 and 8 bits come to OpenVINO.

    Raises ``SegdemoError`` with the operation in the way where there is one.
    """
    openvino = require_openvino()
    try:
        model = openvino.Core().read_model(source)
    except RuntimeError as error:
        raise SegdemoError(_obstacle(error)) from error
    _save(model, file)


def _save(model: Any, file: Path) -> None:
    openvino = require_openvino()
    try:
        openvino.save_model(model, file, compress_to_fp16=False)
    except RuntimeError as error:  # which is also what a full disk is
        raise OSError(None, first_line(error), str(file)) from error


def _obstacle(error: Exception) -> str:
    """A sentence on why a conversion failed: the operations in the way, where the error names them."""
    said = str(error)
    listed = re.search(r"No conversion rule found for operations: ([^\n]+)", said)
    named = listed[1].split(", ") if listed else re.findall(r"\b(?:aten|torchvision|quantized)::\w+", said)
    if named:
        what = ", ".join(dict.fromkeys(named))
        return f"This network cannot be exported: OpenVINO has nothing for its operation {what}."
    # The lines before name source files of OpenVINO's.
    lines = [line for line in said.splitlines() if line.strip() and not re.match("Exception from |Check '", line)]
    return f"This network cannot be exported to OpenVINO: {(lines or [first_line(error)])[0].strip()[:300]}"


__all__ = ["convert_onnx", "traced_graph", "write_openvino"]
