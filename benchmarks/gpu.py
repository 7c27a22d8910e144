"""The path on a graphics card: parity with the processor, latency and memory beside the library's pipeline.

One command of at most six minutes on a machine with a CUDA card, from the project's root: ``python -m benchmarks.gpu
[--checkpoint ID_OR_FOLDER] [--seconds 340] [--out FILE]``. Without ``--checkpoint`` the seed architecture with random
weights, which costs what the real one costs. It needs what the package needs without gradio. What no time is left for
is left out, and said so. ``--device cpu --tiny`` runs the same on a processor with a tiny network, to try the command.
"""

import argparse
import contextlib
import gc
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TextIO

import numpy as np
import numpy.typing as npt

INPUT = (640, 864)
BATCHES = (1, 4, 8)
PASSES = 10
Pixels = npt.NDArray[np.float32]


@dataclass
class Clock:
    """How long the command may still take."""

    end: float

    def left(self) -> float:
        """Seconds."""
        return self.end - time.monotonic()

    def allows(self, seconds: float) -> bool:
        """Whether a part that takes about so long may begin."""
        return self.left() > seconds


class Table:
    """Markdown, written as soon as there is a row."""

    def __init__(self, out: TextIO | None) -> None:
        self._out = out

    def say(self, line: str = "") -> None:
        """A line, here and in the file."""
        for stream in filter(None, (sys.stdout, self._out)):
            print(line, file=stream, flush=True)

    def head(self, title: str, *columns: str) -> None:
        """The head of a table."""
        self.say(f"\n## {title}\n")
        self.row(*columns)
        self.row(*("---" if index == 0 else "--:" for index in range(len(columns))))

    def row(self, *cells: str) -> None:
        """A row of it."""
        self.say(f"| {' | '.join(cells)} |")


def pictures(count: int, size: tuple[int, int]) -> Pixels:
    """Inputs (count, 3, H, W): smooth waves of many lengths, as photographs are smooth, each picture others."""
    y, x = np.mgrid[0 : size[0], 0 : size[1]] / max(size)
    generator = np.random.default_rng(0)
    waves = generator.uniform(-1, 1, (count, 3, 24, 4))
    length = 2.0 ** np.arange(24).reshape(24, 1, 1) ** 0.5
    made = [
        [
            sum(
                w[3] / scale * np.sin(2 * np.pi * scale * (w[0] * x + w[1] * y) + 9 * w[2])
                for w, scale in zip(channel, length, strict=True)
            )
            for channel in picture
        ]
        for picture in waves
    ]
    return np.asarray(made, np.float32)


def median(run: Callable[[], Any], wait: Callable[[], None], clock: Clock) -> float:
    """Median seconds of a pass, after two that warm up; fewer passes where time is short."""
    for _ in range(2):
        run()
    wait()
    found: list[float] = []
    while len(found) < PASSES and (not found or clock.left() > 5):
        start = time.perf_counter()
        run()
        wait()
        found.append(time.perf_counter() - start)
    return statistics.median(found)


@contextlib.contextmanager
def memory(torch: Any, device: str) -> Iterator[Callable[[], str]]:
    """Peak memory of the card since the block began, as text."""
    if device == "cuda":
        gc.collect()
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    yield lambda: f"{torch.cuda.max_memory_allocated() / 2**30:.2f} GiB" if device == "cuda" else "-"


def labels(raw: Any, size: tuple[int, int]) -> npt.NDArray[np.integer]:
    """The semantic map of the first picture's answer, at the input's size."""
    from segdemo.prediction import Prediction
    from segdemo.segmentation.semantic import semantic

    masks, classes = raw.masks[-1][0], raw.classes[-1][0]
    names = {index: str(index) for index in range(classes.shape[1] - 1)}
    return semantic(Prediction(size, size, size, names, (masks,), (classes,))).labels


def parity(folder: Path, device: str, table: Table, pixels: Pixels) -> None:
    """The card in both precisions beside the processor's library network in float32."""
    from segdemo.model.capture import Request
    from segdemo.model.engines import make_engine

    request, size = Request(capture=False), (pixels.shape[2], pixels.shape[3])
    reference = [
        make_engine(folder, engine="torch", precision="fp32", device="cpu")(one[None], request) for one in pixels
    ]
    table.head(
        "Parity with the processor in float32", "precision", "class logits", "mask logits", "labels equal, mean / worst"
    )
    for precision in ("fp32", "bf16"):
        try:
            engine = make_engine(folder, engine="torch", precision=precision, device=device)
            found = [engine(one[None], request) for one in pixels]
        except Exception as error:  # a card may lack a precision: that is a result
            table.row(precision, "-", "-", f"does not run here: {_said(error)}")
            continue
        pairs = list(zip(reference, found, strict=True))
        off = [
            max(float(np.abs(a[-1] - b[-1]).max()) for a, b in part)
            for part in (
                [(one.classes, other.classes) for one, other in pairs],
                [(one.masks, other.masks) for one, other in pairs],
            )
        ]
        same = [float((labels(one, size) == labels(other, size)).mean()) for one, other in pairs]
        table.row(precision, f"{off[0]:.1e}", f"{off[1]:.1e}", f"{np.mean(same):.3%} / {min(same):.3%}")
        del engine


def latency(folder: Path, device: str, table: Table, clock: Clock, make: Callable[[int], Pixels]) -> None:
    """A forward pass with its answer in main memory, beside the library's network as its pipeline runs it."""
    import torch
    from transformers import AutoModelForUniversalSegmentation

    from segdemo.model.capture import Request
    from segdemo.model.engines import make_engine
    from segdemo.registration import register_backbones

    register_backbones()
    wait = torch.cuda.synchronize if device == "cuda" else _nothing
    table.head(
        "A forward pass", "network", *(f"batch {batch}, ms a picture" for batch in BATCHES), "peak at the largest"
    )

    def measured(name: str, run: Callable[[Pixels], Any]) -> None:
        cells = []
        with memory(torch, device) as peak:
            for batch in BATCHES:
                if not clock.allows(15):
                    cells.append("no time left")
                    continue
                try:
                    pixels = make(batch)
                    cells.append(f"{1000 * median(lambda: run(pixels), wait, clock) / batch:.1f}")  # noqa: B023
                except Exception as error:  # a batch may not fit: that is a result
                    cells.append(_said(error))
            table.row(name, *cells, peak())

    for dtype in (torch.float32, torch.bfloat16):
        model = AutoModelForUniversalSegmentation.from_pretrained(folder, dtype=dtype).to(device).eval()

        def library(pixels: Pixels, model: Any = model, dtype: Any = dtype) -> Any:
            with torch.inference_mode():
                outputs = model(pixel_values=torch.from_numpy(pixels).to(device, dtype))
                return outputs.class_queries_logits.float().cpu(), outputs.masks_queries_logits.float().cpu()

        measured(f"library, {str(dtype).partition('.')[2]}", library)
        if device == "cuda":
            tuned(model, dtype, table, clock, make(1), wait)
        del model, library
    for precision in ("fp32", "bf16"):
        try:
            engine = make_engine(folder, engine="torch", precision=precision, device=device)
        except Exception as error:
            table.row(f"segdemo, {precision}", _said(error), "-", "-", "-")
            continue
        for capture in (False, True):
            name = f"segdemo, {precision}, {'everything captured' if capture else 'last layer alone'}"
            measured(name, partial(engine, request=Request(capture=capture)))
        del engine


def tuned(model: Any, dtype: Any, table: Table, clock: Clock, pixels: Pixels, wait: Callable[[], None]) -> None:
    """CUDA graphs and ``torch.compile`` of the library's network, where they run and time is left, at batch 1."""
    import torch

    held = torch.from_numpy(pixels).to("cuda", dtype)
    name = f"library, {str(dtype).partition('.')[2]}"

    def tried(how: str, seconds: float, build: Callable[[], Callable[[], Any]]) -> None:
        if not clock.allows(seconds):
            table.row(f"{name}, {how}", "no time left", "-", "-", "-")
            return
        start = time.monotonic()
        try:
            with torch.inference_mode():
                run = build()
                found = median(run, wait, clock)
            took = time.monotonic() - start
            table.row(f"{name}, {how}", f"{1000 * found:.1f} (made in {took:.0f} s)", "-", "-", "-")
        except Exception as error:  # what cannot be captured or compiled is a result
            table.row(f"{name}, {how}", _said(error), "-", "-", "-")

    def graphed() -> Callable[[], Any]:
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(3):
                model(pixel_values=held)
        torch.cuda.current_stream().wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            model(pixel_values=held)
        return graph.replay

    def compiled() -> Callable[[], Any]:
        made = torch.compile(model)
        return lambda: made(pixel_values=held)

    tried("CUDA graph", 20, graphed)
    tried("torch.compile", 120, compiled)
    torch._dynamo.reset()


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
        table.row("plan, fp16", _said(error))


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


def _nothing() -> None:
    """A processor has nothing to wait for."""


def _said(error: Exception) -> str:
    return " ".join((str(error).strip() or type(error).__name__).splitlines()[0].split())[:160].replace("|", "/")


def checkpoint(given: str | None, tiny: bool, work: Path) -> Path:
    """The folder of the checkpoint to run."""
    from segdemo import checkpoints
    from segdemo.model.architecture import architecture_config, write_checkpoint, write_random_checkpoint

    if given:
        return checkpoints.resolve(given)
    if tiny:
        small = {
            "hidden_dim": 32,
            "feature_size": 32,
            "mask_feature_size": 32,
            "decoder_layers": 3,
            "encoder_layers": 1,
        }
        config = architecture_config("swin-tiny-ade", **small, num_attention_heads=4, num_queries=12)
        for name, value in (
            ("embed_dim", 12),
            ("depths", [1, 1, 1, 1]),
            ("num_heads", [1, 2, 2, 4]),
            ("window_size", 4),
        ):
            setattr(config.backbone_config, name, value)
        return write_checkpoint(work / "tiny", config)
    return write_random_checkpoint(work / "swin-large")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what the command line asks for; 2 where there is no card."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--checkpoint", help="hub id on disk or a folder; by default Swin-L with random weights")
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--tiny", action="store_true", help="a tiny network at a small input, to try the command")
    parser.add_argument("--seconds", type=float, default=340, help="how long it may take")
    parser.add_argument("--out", type=Path, help="file for the tables")
    options = parser.parse_args(arguments)
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    clock = Clock(time.monotonic() + options.seconds)
    import torch

    if options.device == "cuda" and not torch.cuda.is_available():
        print(
            f"There is no CUDA card that PyTorch {torch.__version__} can use here: run this on a machine with one, or "
            "try the command with --device cpu --tiny.",
            file=sys.stderr,
        )
        return 2
    size = (64, 96) if options.tiny else INPUT
    with contextlib.ExitStack() as stack:
        work = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        out = stack.enter_context(options.out.open("w", encoding="utf-8")) if options.out else None
        table = Table(out)
        card = torch.cuda.get_device_name(0) if options.device == "cuda" else "the processor, no card"
        table.say(f"On {card}, PyTorch {torch.__version__}, CUDA {torch.version.cuda}, input {size[0]} x {size[1]}.")
        folder = checkpoint(options.checkpoint, options.tiny, work)
        parity(folder, options.device, table, pictures(2, size))
        latency(folder, options.device, table, clock, lambda count: pictures(count, size))
        if options.device == "cuda":
            plan(folder, table, clock, pictures(1, size), work)
        table.say(f"\nTook {options.seconds - clock.left():.0f} s.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
