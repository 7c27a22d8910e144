"""``segdemo evaluate``: how good a checkpoint is on labelled pictures."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from segdemo.errors import SegdemoError
from segdemo.settings import MASK_THRESHOLD, OVERLAP_THRESHOLD, SCORE_THRESHOLD, Precision

if TYPE_CHECKING:
    from segdemo.data import Dataset, SourceConfig


def evaluate(
    data: Annotated[
        Path,
        typer.Option(help="Folder of a data set, or its annotation file, in any layout.", show_default=False),
    ],
    checkpoint: Annotated[
        str | None, typer.Option(help="Hub id whose weights are on disk, or a folder; default: the demo's own.")
    ] = None,
    size: Annotated[
        str, typer.Option(help='Input size: "checkpoint" (its own settings), "paper" (640), or a short side in pixels.')
    ] = "checkpoint",
    task: Annotated[
        Literal["semantic", "panoptic", "instance"] | None,
        typer.Option(help="For networks that are told a task: what; default: the checkpoint's own."),
    ] = None,
    split: Annotated[
        str | None, typer.Option(help="Part of the data set; default: the one for validation where there is one.")
    ] = None,
    images: Annotated[Path | None, typer.Option(help="Folder of the pictures, where the data set is without.")] = None,
    labels: Annotated[Path | None, typer.Option(help="Folder of the labels, where the data set is without.")] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Folder for evaluation.json, images.csv and report.html; an interrupted run goes on.",
            show_default=False,
        ),
    ] = None,
    width: Annotated[
        float, typer.Option(min=0, help="With --out: pixels beside a true border that count as its band.")
    ] = 3.0,
    format: Annotated[
        Literal["auto", "index", "ade20k", "cityscapes", "voc", "coco", "panoptic", "yolo"],
        typer.Option(help="The layout, where it is not to be recognised."),
    ] = "auto",
    classes: Annotated[
        Path | None, typer.Option(help="Class list of index PNGs; default: classes.txt in the data folder.")
    ] = None,
    reduce_labels: Annotated[
        bool, typer.Option("--reduce-labels", help="ADE20K's masks: 0 means no label, the rest is index + 1.")
    ] = False,
    partial: Annotated[
        bool, typer.Option("--partial", help="Objects were left out: what has none is unknown, not background.")
    ] = False,
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many pictures, spread evenly.")] = None,
    boundary: Annotated[bool, typer.Option(help="Measure how well outlines are met.")] = True,
    segments: Annotated[bool, typer.Option(help="Measure panoptic quality where the truth has segments.")] = True,
    score_threshold: Annotated[
        float, typer.Option(min=0, max=1, help="Least probability of a query's class.")
    ] = SCORE_THRESHOLD,
    mask_threshold: Annotated[
        float, typer.Option(min=0, max=1, help="Least mask probability in a segment.")
    ] = MASK_THRESHOLD,
    overlap_threshold: Annotated[
        float, typer.Option(min=0, max=1, help="Least share of its mask a segment must win.")
    ] = OVERLAP_THRESHOLD,
    split_components: Annotated[bool, typer.Option(help="One segment for each connected part of a thing.")] = False,
    min_area: Annotated[int, typer.Option(min=0, help="Least area of a segment, in pixels.")] = 0,
    engine: Annotated[
        Literal["auto", "torch", "openvino", "onnx", "torchscript"],
        typer.Option(help="What runs the network; onnx, torchscript: with --model."),
    ] = "auto",
    model: Annotated[
        Path | None, typer.Option(help="Folder that `segdemo export` wrote, to measure instead of a checkpoint.")
    ] = None,
    precision: Annotated[
        Precision, typer.Option(help="Numbers of the network; int8: with torch, on processors that multiply 8 bits.")
    ] = "auto",
) -> None:
    """Measure a checkpoint on labelled pictures, by sets: those of a folder, or with names alike up to the first "_".

    Pixel accuracy and mIoU are over labelled pixels, mIoU over the classes present in the truth; boundary F as in
    Csurka et al. 2013 with a tolerance of 0.75 % of the diagonal; panoptic quality as in Kirillov et al. 2019. With
    --out also what kind every error is, where in the network it came in, layers and calibration: docs/evaluation.md.
    """
    from rich.console import Console
    from rich.progress import MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from segdemo.cli.segment import check_model
    from segdemo.data import SourceConfig
    from segdemo.data.checks import check, refuse
    from segdemo.evaluation.confusion import ABSENT
    from segdemo.evaluation.report import class_table, summary_table
    from segdemo.judging import SegmentOptions, run_evaluation
    from segdemo.judging_folder import FolderOptions, evaluate_folder
    from segdemo.model.exported import load_exported
    from segdemo.model.predictor import load_predictor
    from segdemo.model.preprocessing import parse_size

    source = SourceConfig(
        format=format,
        data=data,
        images=images,
        labels=labels,
        split=split,
        classes=classes,
        reduce_labels=reduce_labels,
        partial=partial,
    )
    asked = parse_size(size)
    check_model(model, engine, checkpoint, precision)
    if out is not None:
        try:
            out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise SegdemoError(f"The folder {out} cannot be made: {error.strerror or error}.") from error
    if model is not None:
        predictor = load_exported(model, None if engine == "auto" else engine)
    else:
        predictor = load_predictor(checkpoint, engine=engine, precision=precision)
    predictor.check_task(task)
    told: dict[str, Any] = {"task": found} if (found := task or predictor.task) else {}
    options = SegmentOptions(score_threshold, mask_threshold, overlap_threshold, split_components, min_area)
    console = Console()
    with Progress(
        TextColumn("{task.description}"), MofNCompleteColumn(), TimeRemainingColumn(), console=Console(stderr=True)
    ) as progress:
        checking, judging = progress.add_task("checking", total=None), progress.add_task("pictures", total=None)
        opened = _opened(source, predictor.id2label, limit)
        faults = check(opened, lambda done, total: progress.update(checking, completed=done, total=total))
        refuse({"data": faults}, "The data cannot be evaluated on as it is")
        lines = opened.lines("the checkpoint")
        for line in lines:
            console.print(line, markup=False, highlight=False, soft_wrap=True)
        about = {
            "checkpoint": predictor.checkpoint.id,
            "engine": predictor.engine.name,
            "precision": predictor.engine.precision,
            "size": asked,
            **told,
            "data": {**source.model_dump(mode="json", exclude_defaults=True), "split": opened.listing.split},
            "about_data": lines,
            "segments": vars(options) if segments else None,
            "boundary": boundary,
        }
        judged = options if segments else None

        def tell(done: int, total: int) -> None:
            progress.update(judging, completed=done, total=total)

        if out is None:
            report = run_evaluation(
                predictor, opened, size=asked, segments=judged, boundary=boundary, progress=tell, **told
            )
        else:
            how = FolderOptions(asked, judged, boundary, width, **told)
            try:
                report = evaluate_folder(predictor, opened, out, about, how, progress=tell)
            except OSError as error:
                raise SegdemoError(
                    f"{error.filename or out} cannot be used ({error.strerror or error}): "
                    "give the same command again once it can, and it goes on."
                ) from error
    console.print(f"{predictor.checkpoint.title}, {predictor.engine.name} {predictor.engine.precision}, size {asked}")
    if segments and (none := predictor.family.lacks.get("queries")):
        console.print(f"There is no panoptic quality. {none}", markup=False, soft_wrap=True)
    if predictor.checkpoint.kind == "instance":
        console.print(
            "This checkpoint learned things alone. What follows is of its semantic and panoptic maps, over pixels "
            "labelled as its classes. Average precision is not measured: segment writes NAME.instances.json for COCO's "
            "tools.",
            soft_wrap=True,
        )
    console.print(class_table(report))
    console.print(summary_table(report))
    console.print(ABSENT, soft_wrap=True, highlight=False)
    if out is not None:
        console.print(f"Written to {out / 'report.html'}, evaluation.json and images.csv beside it.", soft_wrap=True)


def _opened(source: "SourceConfig", labels: dict[int, str], limit: int | None) -> "Dataset":
    """The pictures to evaluate on: of the split for validation where no other is asked for."""
    from segdemo.data import Dataset, open_source
    from segdemo.judging import chosen

    opened = Dataset(open_source(source, prefer=("val", "test")), source, labels)
    return opened if limit is None else opened.part(chosen(opened.names, limit))
