"""A network as an ONNX file: opset 18, whose GridSample ONNX Runtime, OpenVINO, TensorRT and browsers understand."""

import contextlib
import io
import logging
import os
import re
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from segdemo.errors import MissingExtraError, SegdemoError, first_line
from segdemo.export.network import Portable
from segdemo.model.runtimes import INPUT
from segdemo.prediction import Size

OPSET = 18
LARGEST_FILE = 1_900_000_000
"""Bytes of weights in one file: protobuf ends at 2 GB; more lie beside it."""
_FOLLOWED = (96, 128)
"""Size at which a network is followed whose graph is to run at any."""
_NOTES = "pkg.torch.onnx.name_scopes"


def require_onnx() -> Any:
    """Return the ``onnx`` module; raises ``MissingExtraError`` where it, onnxscript or onnxruntime is not installed."""
    try:
        import onnx
        import onnxruntime
        import onnxscript
    except ImportError:
        raise MissingExtraError("The export to ONNX", "export") from None
    del onnxruntime, onnxscript
    return onnx


def write_onnx(network: Portable, size: Size | None, file: Path) -> list[str]:
    """Write the graph of a network for one input size, (height, width), or none for any; ``onnx.checker`` checks it.

    Returns the names of the nodes that 8 bits are for. Raises ``SegdemoError`` with the operation in the way where
    there is one.
    """
    onnx = require_onnx()
    pixels = torch.zeros(1, 3, *(size or _FOLLOWED))
    height, width = (32 * torch.export.Dim(name, min=1) for name in ("rows", "columns"))
    with torch.no_grad(), _quiet(), _unchecked():
        try:
            program = torch.onnx.export(
                network,
                (pixels,),
                dynamo=True,
                opset_version=OPSET,
                input_names=[INPUT],
                output_names=list(network.outputs),
                dynamic_shapes=None if size else ({2: height, 3: width},),
                verbose=False,
            )
        except (MemoryError, OSError):
            raise
        except Exception as error:  # the exporter's own, of which no class is promised
            raise SegdemoError(_obstacle("ONNX", error)) from error
    assert program is not None
    late = _late_products(program.model, network.late())
    _forget_notes(program.model)
    weights = sum(tensor.numel() * tensor.element_size() for tensor in (*network.parameters(), *network.buffers()))
    program.save(file, external_data=weights > LARGEST_FILE)
    onnx.checker.check_model(str(file))
    return late


def quantise_onnx(source: Path, target: Path, nodes: Sequence[str], pixels: Sequence[npt.NDArray[np.float32]]) -> None:
    """Write a graph whose named nodes multiply in 8 bits, with ranges from inputs (1, 3, H, W).

    Weights have 7 bits, a scale per output: processors without dot products of 8 bits would cut sums off (ONNX
    Runtime, "Quantize ONNX models", reduce_range).
    """
    onnx = require_onnx()
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

    class Reader(CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self.waiting = list(pixels)

        def get_next(self) -> dict[str, npt.NDArray[np.float32]] | None:
            return {INPUT: self.waiting.pop(0)} if self.waiting else None

    with _quiet():
        quantize_static(
            source,
            target,
            Reader(),
            quant_format=QuantFormat.QDQ,
            # Ranges are looked for at every operation of these kinds: of all kinds it would take far longer.
            op_types_to_quantize=["Conv", "Gemm", "MatMul"],
            nodes_to_quantize=list(nodes),
            per_channel=True,
            reduce_range=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            use_external_data_format=source.with_name(f"{source.name}.data").is_file(),
            calibration_providers=["CPUExecutionProvider"],
        )
    onnx.checker.check_model(str(target))


def _late_products(model: Any, blocks: Sequence[str]) -> list[str]:
    """Names of the products and 1 x 1 convolutions with fixed weights within those modules."""
    found = []
    for node in model.graph:
        weights = node.inputs[1].const_value if node.op_type in ("Conv", "Gemm", "MatMul") else None
        scopes = set(re.findall(r"'([^']*)'", node.metadata_props.get(_NOTES, "")))
        if weights is None or not scopes.intersection(blocks):
            continue
        if node.op_type != "Conv" or (tuple(weights.shape)[2:] == (1, 1) and int(weights.shape[1]) > 1):
            found.append(str(node.name))
    return found


def _forget_notes(model: Any) -> None:
    """Take out what the exporter noted for developers, such as the paths of source files."""
    model.metadata_props.clear()
    model.graph.metadata_props.clear()
    for node in model.graph:
        node.metadata_props.clear()
        node.doc_string = None
        for value in node.outputs:
            value.metadata_props.clear()
    for value in (*model.graph.inputs, *model.graph.initializers.values()):
        value.metadata_props.clear()


def _obstacle(target: str, error: Exception) -> str:
    """A sentence on why a conversion failed: the operation that stands in the way, where the error names one."""
    text, cause = str(error), error.__cause__
    while cause is not None:
        text, cause = f"{text}\n{cause}", cause.__cause__
    named = re.search(r"\b(?:aten|torchvision|prims|segdemo)(?:\.|::)\w+(?:\.\w+)?", text)
    if named:
        return f"This network cannot be exported: {target} has nothing for its operation {named.group()}."
    return f"This network cannot be exported to {target}: {first_line(error)[:300]}"


@contextlib.contextmanager
def _unchecked() -> Iterator[None]:
    """Leave the library's checks of its own tensors out of the graph: ONNX has nothing for OneFormer's."""
    name = "TRANSFORMERS_DISABLE_TORCH_CHECK"
    before = os.environ.get(name)
    os.environ[name] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep what exporters print for their developers to themselves."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "onnxscript", "onnx_ir", "root", "torch.export")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
