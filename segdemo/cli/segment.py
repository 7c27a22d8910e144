"""``segdemo segment``: photographs to id maps, segment lists and overlays."""

import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from segdemo.cli.naming import result_names
from segdemo.errors import SegdemoError
from segdemo.settings import MASK_THRESHOLD, OVERLAP_THRESHOLD, SCORE_THRESHOLD, Precision

REFINEMENT = "Refinement, of the result"

if TYPE_CHECKING:
    from segdemo.model.predictor import Predictor
    from segdemo.results.options import OutputOptions
    from segdemo.results.outputs import Outputs


def segment(
    context: typer.Context,
    images: Annotated[list[Path], typer.Argument(metavar="IMAGE...", help="Photographs.", show_default=False)],
    out: Annotated[Path, typer.Option(help="Folder for the results; made where it is missing.", show_default=False)],
    task: Annotated[
        Literal["semantic", "panoptic", "instance"],
        typer.Option(help="What to separate; a network that is told it, such as OneFormer, is told this."),
    ] = "semantic",
    checkpoint: Annotated[str | None, typer.Option(help="Hub id whose weights are on disk, or a folder.")] = None,
    engine: Annotated[
        Literal["auto", "torch", "openvino", "onnx", "torchscript"],
        typer.Option(help="What runs the network; onnx, torchscript: with --model."),
    ] = "auto",
    model: Annotated[
        Path | None, typer.Option(help="Folder that `segdemo export` wrote, to run instead of a checkpoint.")
    ] = None,
    precision: Annotated[
        Precision, typer.Option(help="Numbers of the network; int8: with torch, on processors that multiply 8 bits.")
    ] = "auto",
    size: Annotated[
        str, typer.Option(help='Input size: "checkpoint" (its own settings), "paper" (640), or a short side in pixels.')
    ] = "checkpoint",
    score_threshold: Annotated[
        float, typer.Option(min=0, max=1, help="Least probability of a query's class (panoptic, instance).")
    ] = SCORE_THRESHOLD,
    mask_threshold: Annotated[
        float, typer.Option(min=0, max=1, help="Least mask probability in a segment (panoptic, instance).")
    ] = MASK_THRESHOLD,
    overlap_threshold: Annotated[
        float, typer.Option(min=0, max=1, help="Least share of its mask a segment must win (panoptic, instance).")
    ] = OVERLAP_THRESHOLD,
    fuse_stuff: Annotated[bool, typer.Option(help="One segment for each stuff class (panoptic).")] = True,
    split_components: Annotated[
        bool, typer.Option(help="One segment for each connected part of a thing (panoptic, instance).")
    ] = False,
    min_area: Annotated[int, typer.Option(min=0, help="Least area of a segment, in pixels (panoptic, instance).")] = 0,
    opacity: Annotated[float, typer.Option(min=0, max=1, help="Weight of the colours in the overlay.")] = 0.5,
    outlines: Annotated[bool, typer.Option(help="Outline the regions in the overlay.")] = True,
    hatching: Annotated[bool, typer.Option(help="Hatch stuff in the overlay.")] = False,
    view: Annotated[
        Literal["classes", "confidence", "entropy"],
        typer.Option(help="What the overlay's colours are: classes, or how sure the network is (semantic)."),
    ] = "classes",
    show_classes: Annotated[
        str, typer.Option(help="Classes that the overlay shows, names or indices; all if empty, or none.")
    ] = "",
    morphology: Annotated[
        Literal["none", "erode", "dilate", "open", "close"],
        typer.Option(help="Kernel operation on the result.", rich_help_panel=REFINEMENT),
    ] = "none",
    kernel_size: Annotated[
        int, typer.Option(min=1, max=101, help="Diameter in pixels, odd.", rich_help_panel=REFINEMENT)
    ] = 3,
    kernel_shape: Annotated[
        Literal["ellipse", "square", "cross"], typer.Option(help="The kernel's shape.", rich_help_panel=REFINEMENT)
    ] = "ellipse",
    smallest_region: Annotated[
        int, typer.Option(min=0, help="Remove regions of fewer pixels.", rich_help_panel=REFINEMENT)
    ] = 0,
    largest_hole: Annotated[
        int, typer.Option(min=0, help="Fill holes of at most so many pixels.", rich_help_panel=REFINEMENT)
    ] = 0,
    refine_classes: Annotated[
        str,
        typer.Option(
            help="Classes that morphology concerns, names or indices; all if empty.", rich_help_panel=REFINEMENT
        ),
    ] = "",
    crf: Annotated[bool, typer.Option(help="Run the dense CRF (semantic).", rich_help_panel=REFINEMENT)] = False,
    gaussian_sxy: Annotated[
        float, typer.Option(help="CRF: width of smoothness, in pixels.", rich_help_panel=REFINEMENT)
    ] = 3,
    gaussian_compat: Annotated[float, typer.Option(help="CRF: its weight.", rich_help_panel=REFINEMENT)] = 3,
    bilateral_sxy: Annotated[
        float, typer.Option(help="CRF: width of appearance, in pixels.", rich_help_panel=REFINEMENT)
    ] = 60,
    bilateral_srgb: Annotated[
        float, typer.Option(help="CRF: width of appearance, in grey levels.", rich_help_panel=REFINEMENT)
    ] = 10,
    bilateral_compat: Annotated[float, typer.Option(help="CRF: its weight.", rich_help_panel=REFINEMENT)] = 10,
    iterations: Annotated[
        int, typer.Option(min=0, max=50, help="CRF: mean-field steps.", rich_help_panel=REFINEMENT)
    ] = 5,
    download: Annotated[bool, typer.Option(help="Fetch the checkpoint's weights from the hub if need be.")] = False,
) -> None:
    """Segment photographs and write, for each, an id map, its segments and an overlay into a folder.

    NAME.semantic.png holds 8-bit class indices, 255 = none. For the other tasks, NAME.panoptic.png holds segment ids
    as R + 256 G + 65536 B, 0 = none, and NAME.segments.json what they are. NAME.overlay.jpg is for people. A file that
    cannot be used is named on stderr, the others are still done, and the exit code is 1.
    """
    from segdemo.model.exported import load_exported
    from segdemo.model.predictor import load_predictor
    from segdemo.model.preprocessing import parse_size
    from segdemo.results.options import options_from

    parse_size(size)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SegdemoError(f"The folder {out} cannot be made: {error.strerror or error}.") from error
    _check_model(model, engine, checkpoint, precision)
    if checkpoint is not None:
        _fetch(checkpoint, asked=download)
    if model is not None:
        predictor = load_exported(model, None if engine == "auto" else engine)
    else:
        predictor = load_predictor(checkpoint, engine=engine, precision=precision)
    # What the parameters above say, by name: the options are listed there and in the dataclass, and nowhere else.
    options = options_from(context.params, predictor.taxonomy)
    inputs = list({path.resolve(): path for path in images}.values())
    told = predictor.told(options.task)
    typer.echo(f"{predictor.checkpoint.title}: {_engine(predictor)}{f', told the task {told}' if told else ''}")
    failed = 0
    for number, (path, name) in enumerate(zip(inputs, result_names(inputs), strict=True), start=1):
        start = time.perf_counter()
        try:
            written, found = _segment(path, name, out, predictor, size, options, protected=inputs)
        except (SegdemoError, OSError, MemoryError) as error:
            failed += 1
            typer.echo(f"{path}: {_sentence(error)}", err=True)
            continue
        seconds = time.perf_counter() - start
        typer.echo(f"[{number}/{len(inputs)}] {path}: {found} in {seconds:.2f} s -> {', '.join(written)}")
    if failed:
        typer.echo(f"{failed} of {len(inputs)} could not be segmented.", err=True)
        raise typer.Exit(1)


def _check_model(model: Path | None, engine: str, checkpoint: str | None, precision: str) -> None:
    """Raise ``SegdemoError`` for options that say different things of what is to run."""
    if model is None and engine in ("onnx", "torchscript"):
        raise SegdemoError(
            f"The engine {engine} runs an exported folder: name it with --model, and make it with "
            f"`python -m segdemo export --format {engine} --out DIR`."
        )
    if model is not None and (engine == "torch" or checkpoint is not None or precision != "auto"):
        other = "--engine torch" if engine == "torch" else "--checkpoint" if checkpoint else f"--precision {precision}"
        raise SegdemoError(f"--model runs an exported folder as it is: leave {other} out, or leave --model out.")


def _fetch(checkpoint: str, *, asked: bool) -> None:
    """Fetch a hub checkpoint that is not on disk, where that was asked for, with a progress bar on stderr."""
    from segdemo import checkpoints
    from segdemo.downloads import download
    from segdemo.settings import settings

    if asked:
        os.environ["SEGDEMO_ALLOW_DOWNLOAD"] = "1"
        settings.cache_clear()
    try:
        checkpoints.find(checkpoint)
    except SegdemoError:
        if not settings().allow_download:
            raise
        with typer.progressbar(length=100, label=f"Fetching {checkpoint}", file=sys.stderr) as bar:
            download(checkpoint, progress=lambda share: bar.update(round(share * 100) - bar.pos))


def _segment(
    path: Path,
    name: str,
    out: Path,
    predictor: "Predictor",
    size: str,
    options: "OutputOptions",
    *,
    protected: list[Path],
) -> tuple[list[str], str]:
    """Do one photograph; return the names of the files written, and how much was found."""
    from segdemo.images import load_image
    from segdemo.results.job import own_job
    from segdemo.results.make import Source
    from segdemo.results.outputs import make_outputs

    image = load_image(path)
    prediction = predictor(image, size=size, task=predictor.told(options.task), capture=False)
    outputs = make_outputs(own_job(), Source(image, prediction), options)
    files = outputs.files(name)
    for file in files:
        if any((out / file).resolve() == other.resolve() for other in protected):
            raise SegdemoError(f"{out / file} is one of the photographs: choose another folder for the results.")
    for file, content in files.items():
        _write(out / file, content)
    return list(files), _found(outputs)


def _found(outputs: "Outputs") -> str:
    kind = "class" if outputs.task == "semantic" else "segment"
    count = len(outputs.segments["segments_info"])
    return f"{count} {kind}{'' if count == 1 else 'es' if kind == 'class' else 's'}"


def _write(path: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    part = path.with_name(f".{path.name}.part")
    part.write_bytes(content)
    part.replace(path)


def _engine(predictor: "Predictor") -> str:
    engine = predictor.engine
    return f"{engine.name} {engine.precision} on {engine.device}"


def _sentence(error: BaseException) -> str:
    if isinstance(error, MemoryError):
        return "There is not enough memory for this picture: make it smaller and try again."
    if isinstance(error, OSError):
        return f"{error.filename or 'A result'} cannot be written: {error.strerror or error}."
    return str(error)
