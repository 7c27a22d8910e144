"""A TensorRT plan from an ONNX file: built where the package and a card are at hand, else the exact command for it.

A plan runs on the kind of card that it was built on, in the version that built it.
"""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

from segdemo.errors import SegdemoError

COMMAND = "trtexec.txt"


def trtexec_line(source: Path, plan: Path, precision: str) -> str:
    """The command that builds the plan elsewhere; the ONNX file has the numbers of its precision."""
    flags = {"fp32": "--noTF32", "fp16": "--fp16", "int8": "--int8 --fp16"}[precision]
    return f"trtexec --onnx={source.name} --saveEngine={plan.name} {flags} --skipInference"


def can_build() -> bool:
    """Whether TensorRT and a card are at hand."""
    if find_spec("tensorrt") is None:
        return False
    import torch

    return torch.cuda.is_available()


def write_plan(source: Path, plan: Path, precision: str) -> None:
    """Build the plan of an ONNX file on this machine's card; raises ``SegdemoError`` with what TensorRT says."""
    import tensorrt

    logger = tensorrt.Logger(tensorrt.Logger.ERROR)
    builder = tensorrt.Builder(logger)
    definition: Any = builder.create_network(0)
    parser = tensorrt.OnnxParser(definition, logger)
    if not parser.parse_from_file(str(source)):
        first = parser.get_error(0)
        raise SegdemoError(f"TensorRT cannot read this network: {first.desc()} (operation {first.node_operator()}).")
    config = builder.create_builder_config()
    if precision == "fp32":
        config.clear_flag(tensorrt.BuilderFlag.TF32)
    else:
        config.set_flag(tensorrt.BuilderFlag.FP16)
    if precision == "int8":
        config.set_flag(tensorrt.BuilderFlag.INT8)
    built = builder.build_serialized_network(definition, config)
    if built is None:
        raise SegdemoError("TensorRT could not build a plan for this card: its log above says why.")
    plan.write_bytes(built)
