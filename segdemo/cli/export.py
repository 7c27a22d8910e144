"""``segdemo export``: a checkpoint in a portable format, with a card that says what the conversion cost."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from segdemo.errors import SegdemoError

if TYPE_CHECKING:
    from segdemo.checkpoints import Checkpoint
    from segdemo.prediction import Size


def export(
    format: Annotated[
        Literal["onnx", "openvino", "torchscript", "tensorrt", "web"],
        typer.Option(help="What to write.", show_default=False),
    ],
    out: Annotated[Path, typer.Option(help="Folder for it; made where it is missing.", show_default=False)],
    precision: Annotated[
        Literal["fp32", "fp16", "int8"],
        typer.Option(help="Numbers of the graph; what goes in and comes out is float32 always."),
    ] = "fp32",
    shape: Annotated[
        list[str] | None,
        typer.Option(
            help="Input size, height x width in multiples of 32, such as 640x864; may be repeated, one graph each; or "
            "any: one graph for all sizes (not TorchScript). By default what the checkpoint's processor makes of a "
            "photograph of 4:3.",
        ),
    ] = None,
    images: Annotated[
        Path | None,
        typer.Option(help="A photograph or a folder of them to compare on and to calibrate int8; default: examples."),
    ] = None,
    task: Annotated[
        Literal["semantic", "instance", "panoptic"] | None,
        typer.Option(help="For networks that are told a task (OneFormer): what, for good; semantic by default."),
    ] = None,
    data: Annotated[
        Path | None, typer.Option(help="Labelled pictures, in any layout: mIoU before and after.", show_default=False)
    ] = None,
    checkpoint: Annotated[
        str | None, typer.Option(help="Hub id whose weights are on disk, or a folder; by default the page's.")
    ] = None,
    batch: Annotated[bool, typer.Option("--batch", help="Time four inputs at once beside one by one, too.")] = False,
    endpoint: Annotated[
        bool, typer.Option("--endpoint", help="Add handler.py and what else an endpoint needs; see docs/deploy.md.")
    ] = False,
    runtime: Annotated[
        Path | None, typer.Option(help="Of web: the unpacked npm package onnxruntime-web.", show_default=False)
    ] = None,
    download: Annotated[bool, typer.Option("--download", help="Of web: fetch that package, hash checked.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Write it even if too few labels are the network's own.")] = (
        False
    ),
    quiet: Annotated[bool, typer.Option("--quiet", help="Say nothing unless something is wrong.")] = False,
) -> None:
    """Export a checkpoint, compare it with the network on photographs, and write both down.

    The folder then holds the graph, config.json, preprocessor_config.json and the parity card: parity.json and
    README.md. Refused where too few labels are equal to the network's own. Needs the extra ``export``.
    """
    from segdemo import checkpoints
    from segdemo.cli import elsewhere
    from segdemo.cli.optimise import parse_shape
    from segdemo.export.card import command_line, share
    from segdemo.export.run import Order
    from segdemo.export.run import export as make

    words = [part for text in shape or [] for part in text.replace(",", " ").split()]
    sizes = tuple(dict.fromkeys(None if word == "any" else parse_shape(word) for word in words))
    if None in sizes and len(sizes) > 1:
        raise SegdemoError("A graph for any size needs no others beside it: give --shape any alone.")
    found = checkpoints.find(checkpoint) if checkpoint else checkpoints.default_checkpoint()
    if format != "web" and (runtime is not None or download):
        raise SegdemoError("--runtime and --download are of --format web alone: leave them out.")
    finish = None
    if format == "web":
        if endpoint:
            raise SegdemoError("A web page answers no requests: export --endpoint in a format of its own.")
        finish = elsewhere.web(found, runtime, download, images)
        sizes = sizes or (None,)
    elif endpoint:
        finish = elsewhere.endpoint(found, format, task)
    options = [
        ("format", format),
        ("precision", precision),
        *(("shape", f"{size[0]}x{size[1]}" if size else "any") for size in sizes),
    ]
    named = {"task": task, "images": images, "data": data, "runtime": runtime, "checkpoint": found.id}
    for name, value in named.items():
        options += [(name, str(value))] if value is not None else []
    switches = [
        name for name, on in (("batch", batch), ("endpoint", endpoint), ("download", download), ("force", force)) if on
    ]

    def say(line: str) -> None:
        if not quiet:
            print(line, file=sys.stderr, flush=True)

    order = Order(
        found,
        "onnx" if format == "web" else format,
        precision,
        out.absolute(),
        sizes,
        pictures_of(images),
        force=force,
        batch=batch,
        command=command_line([*options, ("out", str(out))], switches),
        task=task,
        miou=_measure(found, data) if data is not None else None,
        finish=finish,
    )
    card = make(order, say)
    for entry in card["shapes"]:
        equal = entry["labels_equal"]
        say(
            f"     {entry['height']} x {entry['width']}: labels equal {share(equal['mean'])} in the mean, "
            f"{share(equal['worst'])} in the worst picture"
        )
    if not quiet:
        print(out)


def pictures_of(images: Path | None) -> "list[Any]":
    """The pictures to compare on: a file, all files of a folder, or the examples."""
    from segdemo.export.parity import Picture, examples

    if images is None:
        return examples()
    if not images.exists():
        raise SegdemoError(f"There is no {images}: give a photograph or a folder of them.")
    files = sorted(images.iterdir()) if images.is_dir() else [images]
    endings = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif"}
    found = [file for file in files if file.is_file() and (file == images or file.suffix.lower() in endings)]
    if not found:
        raise SegdemoError(f"There are no pictures in {images}: give a folder that holds some.")
    return [Picture(file.stem, file) for file in found]


def _measure(checkpoint: "Checkpoint", data: Path) -> Any:
    """What measures mIoU of the network and of an export at one size."""
    from segdemo.data import SourceConfig
    from segdemo.export.miou import measured

    def measure(folder: Path, format: str, size: "Size") -> dict[str, Any]:
        return measured(checkpoint, folder, format, size, SourceConfig(data=data))

    return measure
