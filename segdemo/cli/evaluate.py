"""``segdemo evaluate``: how good a checkpoint is on labelled pictures."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from segdemo.errors import SegdemoError
from segdemo.settings import MASK_THRESHOLD, OVERLAP_THRESHOLD, SCORE_THRESHOLD, Precision

if TYPE_CHECKING:
    from segdemo.training.config import SourceConfig


def evaluate(
    data: Annotated[
        Path | None,
        typer.Option(help="Folder with images/ and labels/, or a COCO annotation file.", show_default=False),
    ] = None,
    checkpoint: Annotated[
        str | None, typer.Option(help="Hub id whose weights are on disk, or a folder; default: the demo's own.")
    ] = None,
    size: Annotated[
        str, typer.Option(help='Input size: "checkpoint" (its own settings), "paper" (640), or a short side in pixels.')
    ] = "checkpoint",
    split: Annotated[
        str | None, typer.Option(help="List of split.json to keep to; default: val where there is one, else all.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for evaluation.json.", show_default=False)] = None,
    format: Annotated[
        Literal["auto", "index", "coco", "panoptic", "scenes"],
        typer.Option(help="Index PNGs, COCO instances, COCO panoptic, or the project's generated scenes."),
    ] = "auto",
    classes: Annotated[
        Path | None, typer.Option(help="Class list of index PNGs; default: classes.txt in the data folder.")
    ] = None,
    reduce_labels: Annotated[
        bool, typer.Option("--reduce-labels", help="ADE20K's masks: 0 means no label, the rest is index + 1.")
    ] = False,
    scenes: Annotated[int, typer.Option(min=1, help="How many scenes to generate.")] = 100,
    first_scene: Annotated[int, typer.Option(min=0, help="Seed of the first scene.")] = 1_000_000,
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
    engine: Annotated[Literal["auto", "torch", "openvino"], typer.Option(help="What runs the network.")] = "auto",
    precision: Annotated[
        Precision, typer.Option(help="Numbers of the network; int8: with torch, on processors that multiply 8 bits.")
    ] = "auto",
) -> None:
    """Measure a checkpoint on labelled pictures, set by set: the pictures whose names begin alike up to the first "_".

    Pixel accuracy and mIoU are over labelled pixels, mIoU over the classes present in the truth; boundary F as in
    Csurka et al. 2013 with a tolerance of 0.75 % of the diagonal; panoptic quality as in Kirillov et al. 2019.
    """
    from rich.console import Console
    from rich.progress import MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from segdemo.evaluation.report import as_json, class_table, summary_table
    from segdemo.evaluation.run import SegmentOptions, run_evaluation
    from segdemo.model.predictor import load_predictor
    from segdemo.model.preprocessing import parse_size

    source = _source(data, format, split, reduce_labels, scenes, first_scene)
    listed = _class_list(source, classes)
    asked = parse_size(size)
    if out is not None:
        try:
            out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise SegdemoError(f"The folder {out} cannot be made: {error.strerror or error}.") from error
    predictor = load_predictor(checkpoint, engine=engine, precision=precision)
    options = SegmentOptions(score_threshold, mask_threshold, overlap_threshold, split_components, min_area)
    console = Console()
    with Progress(
        TextColumn("{task.description}"), MofNCompleteColumn(), TimeRemainingColumn(), console=Console(stderr=True)
    ) as progress:
        task = progress.add_task("pictures", total=None)
        report = run_evaluation(
            predictor,
            source,
            size=asked,
            segments=options if segments else None,
            boundary=boundary,
            classes=listed,
            limit=limit,
            progress=lambda done, total: progress.update(task, completed=done, total=total),
        )
    about = {
        "checkpoint": predictor.checkpoint.id,
        "engine": predictor.engine.name,
        "precision": predictor.engine.precision,
        "size": asked,
        "data": source.model_dump(mode="json", exclude_defaults=True),
        "segments": vars(options) if segments else None,
    }
    console.print(f"{predictor.checkpoint.title}, {predictor.engine.name} {predictor.engine.precision}, size {asked}")
    console.print(class_table(report))
    console.print(summary_table(report))
    if out is not None:
        path = out / "evaluation.json"
        path.write_text(json.dumps(as_json(report, about), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        console.print(f"Written to {path}.")


def _source(
    data: Path | None, format: str, split: str | None, reduce_labels: bool, scenes: int, first_scene: int
) -> "SourceConfig":
    """Describe the data; its format is guessed from what it is."""
    from segdemo.data.classes import read_json
    from segdemo.training.config import SourceConfig

    if format == "scenes":
        return SourceConfig(format="scenes", count=scenes, first_seed=first_scene)
    if data is None:
        raise SegdemoError("Name the labelled pictures with --data, or evaluate on --format scenes.")
    if not data.exists():
        raise SegdemoError(f"{data} does not exist: --data is a folder with images/ and labels/, or a COCO file.")
    if format == "auto":
        format = "index"
        if data.is_file():
            content = read_json(data)
            entries = content.get("annotations") if isinstance(content, dict) else None
            format = "panoptic" if entries and "segments_info" in entries[0] else "coco"
    if split is None and format == "index" and (data / "split.json").is_file():
        lists = read_json(data / "split.json")
        split = "val" if isinstance(lists, dict) and "val" in lists else None
    return SourceConfig.model_validate({"format": format, "data": data, "split": split, "reduce_labels": reduce_labels})


def _class_list(source: "SourceConfig", classes: Path | None) -> dict[int, str] | None:
    """The data's own class list, for index PNGs that have one."""
    from segdemo.data.classes import CLASS_FILES, read_classes

    if classes is not None:
        return read_classes(classes)
    if source.format == "index" and source.data is not None:
        for name in CLASS_FILES:
            if (source.data / name).is_file():
                return read_classes(source.data / name)
    return None
