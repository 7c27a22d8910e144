"""``segdemo segment``: photographs to id maps, segment lists and overlays."""

import math
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

import typer

from segdemo.errors import SegdemoError
from segdemo.settings import MASK_THRESHOLD, OVERLAP_THRESHOLD, SCORE_THRESHOLD, Precision

REFINEMENT = "Refinement, of the result"
MANY = "Many photographs"


def segment(
    context: typer.Context,
    images: Annotated[
        list[Path],
        typer.Argument(
            metavar="IMAGE...", help="Photographs, folders of them, or patterns in quotes.", show_default=False
        ),
    ],
    out: Annotated[Path, typer.Option(help="Folder for the results; made where it is missing.", show_default=False)],
    task: Annotated[
        Literal["semantic", "panoptic", "instance"] | None,
        typer.Option(
            help="What to separate; by default classes, or instances with a checkpoint of them. A network that is told "
            "it, such as OneFormer, is told this.",
            show_default=False,
        ),
    ] = None,
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
        float, typer.Option(min=0, max=1, help="Least share of its mask a segment must win (panoptic).")
    ] = OVERLAP_THRESHOLD,
    fuse_stuff: Annotated[bool, typer.Option(help="One segment for each stuff class (panoptic).")] = True,
    split_components: Annotated[
        bool, typer.Option(help="One segment for each connected part of a thing (panoptic, instance).")
    ] = False,
    min_area: Annotated[int, typer.Option(min=0, help="Least area of a segment, in pixels (panoptic, instance).")] = 0,
    label_ids: Annotated[
        bool, typer.Option(help="Number the classes of Cityscapes by its label ids, 0 = none, not by its train ids.")
    ] = False,
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
    masks: Annotated[
        bool,
        typer.Option("--masks", help="Also write NAME.masks.json: each region's mask as COCO's results have it (RLE)."),
    ] = False,
    evolution: Annotated[
        bool, typer.Option("--evolution", help="Also write NAME.evolution.webp: the decoder's layers as an animation.")
    ] = False,
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
    deadline: Annotated[
        float,
        typer.Option(min=0, help="Longest time for one photograph, in seconds; 0 for no limit.", rich_help_panel=MANY),
    ] = 300,
    at_once: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Photographs on the cores at once; by default one a core, as memory allows.",
            rich_help_panel=MANY,
            show_default=False,
        ),
    ] = None,
    ray: Annotated[
        bool, typer.Option("--ray", help="Run as a batch of a Ray cluster, on this machine.", rich_help_panel=MANY)
    ] = False,
    ray_address: Annotated[
        str | None,
        typer.Option(help="Address of a Ray cluster that runs already.", rich_help_panel=MANY, show_default=False),
    ] = None,
    ray_actors: Annotated[
        int | None,
        typer.Option(
            min=1, help="Actors; by default as many as there are cores for.", rich_help_panel=MANY, show_default=False
        ),
    ] = None,
    ray_cores: Annotated[int, typer.Option(min=1, help="Cores of each actor.", rich_help_panel=MANY)] = 1,
) -> None:
    """Segment photographs and write, for each, an id map, its segments and an overlay into a folder.

    NAME.semantic.png holds 8-bit class indices, 255 = none. For the other tasks, NAME.panoptic.png holds segment ids
    as R + 256 G + 65536 B, 0 = none, and NAME.segments.json what they are. Instances may overlap: NAME.instances.json
    holds whole masks as COCO's results do, category_id being the class index. NAME.overlay.jpg is for people. A file
    that cannot be used is named on stderr, the others are still done, and the exit code is 1.

    For more than one photograph also results.csv, failures.csv and manifest.json. Run again with the same options, it
    does only what is missing, however it ended before.
    """
    from segdemo.cli.batch import Batch, Cluster
    from segdemo.model.preprocessing import parse_size
    from segdemo.results.options import options_from, usual_task
    from segdemo.results.work import Work

    input_size = parse_size(size)
    check_model(model, engine, checkpoint, precision)
    if checkpoint is not None:
        fetch(checkpoint, asked=download)
    exported = None if model is None else str(model.absolute())
    work = Work(
        checkpoint,
        engine,
        precision,
        input_size,
        model=exported,
        seconds=deadline or math.inf,
        evolution=evolution,
        masks=masks,
    )
    predictor = work.load()
    # What the parameters above say, by name: the options are listed there and in the dataclass, and nowhere else.
    given = {**context.params, "task": task or predictor.only_task or usual_task(predictor.checkpoint)}
    work = replace(work, options=options_from(given, predictor.taxonomy))
    cluster = Cluster(ray_address, ray_actors, ray_cores) if ray or ray_address is not None else None
    failed = Batch(images, out, work, at_once=at_once, ray=cluster).run()
    if failed:
        raise typer.Exit(1)


def check_model(model: Path | None, engine: str, checkpoint: str | None, precision: str) -> None:
    """Raise ``SegdemoError`` for options that say different things of what is to run."""
    if model is None and engine in ("onnx", "torchscript"):
        raise SegdemoError(
            f"The engine {engine} runs an exported folder: name it with --model, and make it with "
            f"`python -m segdemo export --format {engine} --out DIR`."
        )
    if model is not None and (engine == "torch" or checkpoint is not None or precision != "auto"):
        other = "--engine torch" if engine == "torch" else "--checkpoint" if checkpoint else f"--precision {precision}"
        raise SegdemoError(f"--model runs an exported folder as it is: leave {other} out, or leave --model out.")


def fetch(checkpoint: str, *, asked: bool) -> None:
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
