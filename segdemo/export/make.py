"""The files of one graph: which way leads from a checkpoint to a format in a precision."""

import gc
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from segdemo.checkpoint_files import described, read_config
from segdemo.errors import SegdemoError
from segdemo.model.runtimes import CLASSES, MASKS
from segdemo.prediction import Size


@dataclass(frozen=True)
class Made:
    """A graph on disk, and what is to be said of it."""

    file: Path = field(default_factory=Path)
    """The file to load."""
    bytes: int = 0
    """Of it and what belongs to it."""
    ours: bool = True
    """Whether this project's network was exported, or the library's."""
    opset: int | None = None
    queries: int = 0
    """None at all of a network that scores every cell."""
    classes: int = 0
    about: str = ""
    outputs: tuple[str, ...] = (CLASSES, MASKS)
    """Names of what the graph hands out."""

    @property
    def graph(self) -> Path:
        """The file that runs here: of a plan the ONNX file that it is built from."""
        return self.file.with_suffix(".onnx") if self.file.suffix == ".plan" else self.file


def make_files(
    checkpoint: Path,
    format: str,
    precision: str,
    size: Size | None,
    file: Path,
    work: Path,
    calibration: Sequence[npt.NDArray[np.float32]] = (),
    task: str | None = None,
) -> Made:
    """Write the graph of a checkpoint folder as ``file`` and files beside it.

    It is for one input size, (height, width), or none for any, which only this project's network can be exported for.

    ``calibration`` are inputs (1, 3, H, W) to take the ranges of 8 bits from. ``work`` is for what is not kept.
    ``task`` is what a network is told that is told one, for good.
    Raises ``SegdemoError`` where an extra is missing or an operation stands in the way.
    """
    from segdemo.export.onnx import OPSET, quantise_onnx, require_onnx, write_onnx
    from segdemo.model.graph import require_openvino

    if format in ("onnx", "tensorrt") or (format == "openvino" and precision != "fp32"):
        require_onnx()
    if format == "openvino":
        require_openvino("The export to OpenVINO", "export")
    from segdemo.export.network import portable

    network = portable(checkpoint, task=task)
    ours, outputs = network.ours, network.outputs
    queries = _queries(checkpoint) if len(outputs) > 1 else 0
    if size is None and not ours:
        raise SegdemoError("This network is exported for fixed sizes only: name them, such as --shape 640x864.")
    classes = len(described(checkpoint).labels())
    if precision == "int8" and not network.quantised():
        raise SegdemoError("8 bits are for Swin and EfficientNet backbones: export this checkpoint in fp32 or fp16.")
    if precision == "fp16":
        network.halve()
    about, opset = _ABOUT[precision], None
    if format == "torchscript":
        from segdemo.export.torchscript import write_torchscript

        if precision == "int8":
            network.quantise()
            about = _TORCHSCRIPT_INT8
        if size is None:
            raise SegdemoError("TorchScript is traced, which is right at one size only: name it, such as 640x864.")
        write_torchscript(network, size, file)
    elif format == "openvino" and precision == "fp32":
        from segdemo.export.openvino import write_openvino

        write_openvino(network, size, file)
    else:
        opset = OPSET
        graph = work / f"{file.stem}.onnx" if format == "openvino" else file.with_suffix(".onnx")
        plain = work / "plain.onnx" if precision == "int8" else graph
        nodes = write_onnx(network, size, plain)
        del network
        gc.collect()
        if plain != graph:
            quantise_onnx(plain, graph, nodes, calibration)
            _remove(plain)
        if format == "openvino":
            from segdemo.export.openvino import convert_onnx

            convert_onnx(graph, file)
            _remove(graph)
        elif format == "tensorrt":
            about = " ".join(filter(None, (about, _plan(graph, file, precision))))
    file = file if file.is_file() else file.with_suffix(".onnx")
    size_on_disk = sum(part.stat().st_size for part in belonging(file))
    return Made(file, size_on_disk, ours, opset, queries, classes, about, outputs)


def _plan(graph: Path, file: Path, precision: str) -> str:
    """Build the plan, or write down how; return what the card is to say of it."""
    from segdemo.export.tensorrt import COMMAND, can_build, trtexec_line, write_plan

    line = trtexec_line(graph, file, precision)
    if can_build():
        write_plan(graph, file, precision)
        return f"Built from `{graph.name}` on this machine's card; elsewhere: `{line}`."
    with (graph.parent / COMMAND).open("a", encoding="utf-8") as stream:
        stream.write(f"{line}\n")
    return (
        f"TensorRT and a card were not at hand: build the plan on the card that is to run it, with `{line}` in this "
        "folder. What follows is of the ONNX file."
    )


_ABOUT = {
    "fp32": "",
    "fp16": "Weights and arithmetic are float16, but for the places that deformable attention samples at; what goes "
    "in and comes out is float32. A processor without float16 arithmetic computes it in float32 and is no faster.",
    "int8": "In 8 bits are the products late in the backbone, with ranges found on the calibration pictures; the "
    "pixel decoder and the queries, whose masks hang on a threshold, are float32.",
}
_TORCHSCRIPT_INT8 = (
    "In 8 bits are the products late in the backbone, scaled token by token in every pass, so that nothing was "
    "calibrated; the pixel decoder and the queries, whose masks hang on a threshold, are float32."
)


def runnable(format: str) -> str:
    """The format that an export is run in here: a TensorRT plan's ONNX file stands for it."""
    return "onnx" if format == "tensorrt" else format


def belonging(file: Path) -> list[Path]:
    """A graph's file and those that hold its weights."""
    beside = (file.with_suffix(".bin"), file.with_name(f"{file.name}.data"))
    return [part for part in (file, *beside) if part.is_file()]


def _remove(file: Path) -> None:
    for part in belonging(file):
        part.unlink()


def _queries(checkpoint: Path) -> int:
    config = read_config(checkpoint)
    return int(config.get("num_queries") or (config.get("decoder_config") or {}).get("num_queries", 100))
