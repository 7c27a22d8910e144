"""``segdemo benchmark``: how long a photograph takes on this machine, engine by engine."""

import os
import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from segdemo.model.predictor import Predictor


@dataclass(frozen=True)
class Timing:
    """Medians for one engine, in seconds."""

    engine: str
    precision: str
    device: str
    decode: float
    preprocess: float
    forward: float
    """With everything captured."""
    plain: float
    """Without capture."""
    semantic: float
    panoptic: float

    @property
    def total(self) -> float:
        """From the file's bytes to the semantic map, everything captured."""
        return self.decode + self.preprocess + self.forward + self.semantic


def benchmark(
    image: Annotated[Path | None, typer.Option(help="A photograph; by default one of the demo's examples.")] = None,
    checkpoint: Annotated[
        str | None,
        typer.Option(help="Hub id whose weights are on disk, or a folder; by default the page's."),
    ] = None,
    size: Annotated[str, typer.Option(help='Input size: "checkpoint", "paper", or a short side in pixels.')] = "paper",
    repeats: Annotated[int, typer.Option(min=1, help="Runs of which the median is taken, after one to warm up.")] = 5,
) -> None:
    """Time a photograph from its bytes to its maps on every engine of this machine, and print a Markdown table."""
    from segdemo.errors import SegdemoError
    from segdemo.model.predictor import load_predictor

    data = (image or _example()).read_bytes() if image is None or image.is_file() else b""
    if not data:
        raise SegdemoError(f"There is no file {image}: give a photograph.")
    timings = []
    for engine, precision in _engines():
        try:
            predictor = load_predictor(checkpoint, engine=engine, precision=precision)
        except SegdemoError as error:
            typer.echo(f"{engine} in {precision} is left out: {error}", err=True)
            continue
        typer.echo(f"timing {engine} in {precision} ...", err=True)
        timings.append(time_engine(predictor, data, size=size, repeats=repeats))
    if not timings:
        raise SegdemoError("No engine could run this checkpoint: see the lines above.")
    typer.echo(report(timings, predictor, data, size))


def time_engine(predictor: "Predictor", data: bytes, *, size: str, repeats: int) -> Timing:
    """Return the medians of ``repeats`` runs of a picture's bytes on one predictor, after one run to warm up."""
    from segdemo.images import load_image
    from segdemo.segmentation.panoptic import panoptic
    from segdemo.segmentation.semantic import semantic

    seconds: dict[str, list[float]] = {}

    def timed(name: str, call: Callable[[], Any]) -> Any:
        start = time.perf_counter()
        result = call()
        seconds.setdefault(name, []).append(time.perf_counter() - start)
        return result

    prediction = None
    for _ in range(repeats + 1):
        photo = timed("decode", lambda: load_image(data))
        plain = predictor(photo, size=size, capture=False)
        prediction = predictor(photo, size=size)
        seconds.setdefault("plain", []).append(plain.seconds["forward"])
        for part in ("preprocess", "forward"):
            seconds.setdefault(part, []).append(prediction.seconds[part])
        timed("semantic", partial(semantic, prediction))
        timed("panoptic", partial(panoptic, prediction))
    assert prediction is not None
    medians = {name: statistics.median(values[1:]) for name, values in seconds.items()}
    return Timing(prediction.engine, prediction.precision, prediction.device, **medians)


def report(timings: list[Timing], predictor: "Predictor", data: bytes, size: str) -> str:
    """Return the Markdown table with the machine and the versions above it."""
    from segdemo.images import load_image

    photo = load_image(data)
    (height, width), _ = predictor.preprocessing.sizes((photo.shape[0], photo.shape[1]), size)
    lines = [
        f"{predictor.checkpoint.title}; photo {photo.shape[1]} x {photo.shape[0]}, input {width} x {height}.",
        "",
        f"{machine()}.",
        "",
        "| engine | precision | device | decode | preprocess | forward | of it capture | semantic | panoptic "
        "| bytes to semantic map |",
        "|---|---|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for row in timings:
        parts = [
            row.decode,
            row.preprocess,
            row.forward,
            row.forward - row.plain,
            row.semantic,
            row.panoptic,
            row.total,
        ]
        cells = " | ".join(f"{1000 * part:.0f} ms" for part in parts)
        lines.append(f"| {row.engine} | {row.precision} | {row.device} | {cells} |")
    return "\n".join(lines)


def machine() -> str:
    """Name the processor's cores, the load, and the versions that matter."""
    from segdemo.machine import processor

    names = [name for name in ("torch", "transformers", "openvino") if find_spec(name) is not None]
    versions = ", ".join(f"{name} {version(name)}" for name in names)
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    return f"{os.cpu_count()} cores ({processor()}){load}, Python {platform.python_version()}, {versions}"


def _engines() -> list[tuple[str, str]]:
    from segdemo.model.engines import has_native_bf16
    from segdemo.model.fast.quantized import has_quantized_products

    found = [("torch", "fp32")]
    if has_native_bf16():
        found.append(("torch", "bf16"))
    if has_quantized_products():
        found.append(("torch", "int8"))
    if find_spec("openvino") is not None:
        found.append(("openvino", "fp32"))
        if has_native_bf16():
            found.append(("openvino", "bf16"))
    return found


def _example() -> Path:
    from segdemo.errors import SegdemoError
    from segdemo.settings import ASSETS

    found = sorted((ASSETS / "examples").glob("*.jpg"))
    if not found:
        raise SegdemoError("There is no example to time: give a photograph with --image.")
    return next((file for file in found if ".thumb" not in file.name), found[0])
