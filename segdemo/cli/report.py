"""``segdemo report``: one photograph's result, explained, as a single HTML file."""

import math
from dataclasses import replace
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from segdemo.cli.segment import check_model, fetch, segment
from segdemo.errors import SegdemoError

_OTHERS = ("context", "images", "out", "evolution", "masks", "at_once", "ray", "ray_address", "ray_actors", "ray_cores")
"""What ``segment`` has for its own files and for many photographs."""


def report(
    context: typer.Context,
    photo: Annotated[Path, typer.Argument(help="A photograph.", show_default=False)],
    out: Annotated[Path, typer.Option(help="The file to write, such as report.html.", show_default=False)],
    title: Annotated[str, typer.Option(help="The report's title; by default one that names the photograph.")] = "",
    note: Annotated[str, typer.Option(help="What you have to say of it; empty lines part paragraphs.")] = "",
    pixel: Annotated[str, typer.Option(help="A pixel to explain: column,row from the top left.")] = "",
    query: Annotated[
        int | None, typer.Option(help="The query to follow; by default the one that decided most.", show_default=False)
    ] = None,
    layer: Annotated[
        int | None,
        typer.Option(help="The layer whose attention is shown; by default the last of each scale.", show_default=False),
    ] = None,
    attention: Annotated[
        list[str] | None, typer.Option(help="LAYER:QUERY, an attention map to show instead; may be repeated.")
    ] = None,
    labels: Annotated[Path | None, typer.Option(help="Labels of the photograph, to judge the result by.")] = None,
    table: Annotated[
        Path | None, typer.Option(help="The second file of labels that have two: COCO panoptic's JSON, or a palette.")
    ] = None,
    form: Annotated[
        Literal["auto", "index", "ade20k", "cityscapes", "panoptic", "coco", "colours"],
        typer.Option(help="What the labels are, where the file does not tell."),
    ] = "auto",
    **options: Any,
) -> None:
    """Write all that was found in a photograph as one HTML file that opens anywhere and fetches nothing.

    It holds the photo with the page's own viewer, the classes with their areas, the segments, how the answer grew over
    the decoder's layers, where a query looked, the pixel's explanation, the measures where there are labels, all
    settings, and the checkpoint with its terms. The other options are those of `segment`.
    """
    from segdemo.data.photo_labels import read_photo_labels
    from segdemo.images import image_size, load_image
    from segdemo.images.reading import read_bytes
    from segdemo.model.preprocessing import parse_size
    from segdemo.progress import CancelledError
    from segdemo.results.job import Host, Job
    from segdemo.results.known import labels_of_file
    from segdemo.results.make import Source
    from segdemo.results.options import options_from, usual_task
    from segdemo.results.report import ReportOptions, report
    from segdemo.results.report.asked import parse_pairs, parse_pixel
    from segdemo.results.work import Work
    from segdemo.ui.alone import shell

    asked = ReportOptions(
        title=title.strip(),
        note=note.strip(),
        name=photo.name,
        pixel=parse_pixel(pixel) if pixel else None,
        query=query,
        layer=layer,
        attention=parse_pairs(",".join(attention or ())),
    )
    if table is not None and labels is None:
        raise SegdemoError("--table is the second file of labels: give the first one with --labels.")
    if out.resolve() in {path.resolve() for path in (photo, labels, table) if path is not None}:
        raise SegdemoError(f"{out} is one of the files to read: choose another one for the report.")
    size, model = parse_size(options["size"]), options["model"]
    check_model(model, options["engine"], options["checkpoint"], options["precision"])
    if options["checkpoint"] is not None:
        fetch(options["checkpoint"], asked=options["download"])
    exported = None if model is None else str(model.absolute())
    work = Work(options["checkpoint"], options["engine"], options["precision"], size, model=exported)
    predictor = work.load()
    given = {**context.params, "task": options["task"] or usual_task(predictor.checkpoint)}
    work = replace(work, options=options_from(given, predictor.taxonomy))
    content = read_bytes(photo)
    height, width = image_size(content)
    job = Job(Host(waiting=1), visitor="", seconds=options["deadline"] or math.inf, cancelled=lambda: False)
    with job.in_memory(pixels=height * width):
        image = load_image(content)
        known = None
        if labels is not None:
            known = labels_of_file(
                read_photo_labels(labels, image.shape[:2], predictor.id2label, form=form, table=table, name=photo.name)
            )
        with job.turn():
            told = predictor.told(work.options.task)
            try:
                prediction = predictor(image, size=size, task=told, cancel=job.is_over)
            except CancelledError:
                job.check()
                raise
        source = Source(image, prediction)
        page = report(job, source, predictor.checkpoint, work.options, asked, shell=shell(), labels=known)
    _write(out, page)
    typer.echo(f"{out}: {len(page) / 1e6:.1f} MB")


def _write(out: Path, page: bytes) -> None:
    """Write the file, all of it or nothing. Raises ``SegdemoError``."""
    beside = out.with_name(f".{out.name}.part")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        beside.write_bytes(page)
        beside.replace(out)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise SegdemoError(f"{out} cannot be written: {error.strerror or error}.") from error


def _with_options_of_segment() -> Signature:
    """The parameters above, and those of ``segment`` on what runs and what is made: listed there and nowhere else."""
    own = [one for one in signature(report, eval_str=True).parameters.values() if one.kind != Parameter.VAR_KEYWORD]
    shared = [one for name, one in signature(segment, eval_str=True).parameters.items() if name not in _OTHERS]
    return Signature([*own, *shared])


report.__signature__ = _with_options_of_segment()  # type: ignore[attr-defined]
