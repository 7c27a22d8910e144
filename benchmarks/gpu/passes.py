"""Forward passes on a card: parity with the processor, and how long they take beside the library's network."""

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.gpu.measuring import Clock, Pixels, Table, median, memory, said

BATCHES = (1, 4, 8)


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
            table.row(precision, "-", "-", f"does not run here: {said(error)}")
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
                    cells.append(said(error))
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
            table.row(f"segdemo, {precision}", said(error), "-", "-", "-")
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
            table.row(f"{name}, {how}", said(error), "-", "-", "-")

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


def _nothing() -> None:
    """A processor has nothing to wait for."""
