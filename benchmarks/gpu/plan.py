"""A TensorRT plan of the exported graph: how long it takes to build, and a pass."""

import time
from importlib.util import find_spec
from pathlib import Path

from benchmarks.gpu.measuring import Clock, Pixels, Table, median, said


def plan(folder: Path, table: Table, clock: Clock, pixels: Pixels, work: Path) -> None:
    """A TensorRT plan of the exported graph, where TensorRT and what exports are installed."""
    table.head("TensorRT", "what", "result")
    missing = [name for name in ("tensorrt", "onnx", "onnxscript") if find_spec(name) is None]
    if missing:
        table.row("plan", f"not measured: {', '.join(missing)} is not installed")
        return
    if not clock.allows(150):
        table.row("plan", "no time left")
        return
    from segdemo.export.network import portable
    from segdemo.export.onnx import write_onnx
    from segdemo.export.tensorrt import write_plan

    start = time.monotonic()
    try:
        write_onnx(portable(folder), (pixels.shape[2], pixels.shape[3]), work / "model.onnx")
        write_plan(work / "model.onnx", work / "model.plan", "fp16")
        table.row("plan, fp16", f"built in {time.monotonic() - start:.0f} s")
        run_plan(work / "model.plan", table, clock, pixels)
    except Exception as error:
        table.row("plan, fp16", said(error))


def run_plan(file: Path, table: Table, clock: Clock, pixels: Pixels) -> None:
    """Time a plan by TensorRT's own binding."""
    import torch
    from tensorrt import Logger, Runtime

    engine = Runtime(Logger(Logger.ERROR)).deserialize_cuda_engine(file.read_bytes())
    context, held = engine.create_execution_context(), {}
    for index in range(engine.num_io_tensors):
        name = engine.get_tensor_name(index)
        held[name] = torch.zeros(tuple(engine.get_tensor_shape(name)), device="cuda")
        context.set_tensor_address(name, held[name].data_ptr())
    held["pixel_values"].copy_(torch.from_numpy(pixels))
    stream = torch.cuda.Stream()
    found = median(lambda: context.execute_async_v3(stream.cuda_stream), torch.cuda.synchronize, clock)
    table.row("a pass, batch 1", f"{1000 * found:.1f} ms")
