"""What ``segdemo export`` puts beside the graph for those who run it elsewhere: an endpoint's files, or a web page."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from segdemo.checkpoints import Checkpoint
from segdemo.errors import SegdemoError

Finish = Callable[[Path, dict[str, Any]], None]
"""Given the folder and its card, which it may change."""
_OFFERED = 6
"""Examples of a web page."""


def endpoint(checkpoint: Checkpoint, format: str, task: str | None = None) -> Finish:
    """What makes the folder an endpoint; raises ``SegdemoError`` at once for a format or a task that has none."""
    from segdemo import checkpoints
    from segdemo.export.endpoint import RUNTIMES, TASKS, write_endpoint
    from segdemo.model.families import family_of
    from segdemo.model.preprocessing import Preprocessing
    from segdemo.taxonomy import taxonomy_for

    if format not in RUNTIMES:
        raise SegdemoError(f"--endpoint is for {', '.join(RUNTIMES)}: a {format} export has no program that answers.")
    weights = checkpoints.resolve(checkpoint.id)
    family = family_of(weights)
    if not isinstance(family.preprocessing(weights), Preprocessing):
        raise SegdemoError(
            f"--endpoint stretches photographs to the graph's size, and {family.name} pads them: leave it out, and run "
            "the folder with `segdemo segment --model`."
        )
    tasks: tuple[str, ...] = ("semantic",) if "queries" in family.lacks else TASKS
    if family.tasks:
        tasks = (task or family.tasks[0],)
    if not set(tasks) <= set(TASKS):
        raise SegdemoError(f"--endpoint answers with {' or '.join(TASKS)} maps: export one of those tasks for it.")
    taxonomy = taxonomy_for(checkpoints.labels(weights), stuff=checkpoint.stuff)

    def finish(folder: Path, card: dict[str, Any]) -> None:
        sizes = [None if file["height"] is None else (file["height"], file["width"]) for file in card["files"]]
        write_endpoint(folder, checkpoint, taxonomy, format=format, shapes=sizes, queries=card["queries"], tasks=tasks)
        card["about"] = f"{card['about']} handler.py answers requests: see docs/deploy.md.".strip()

    return finish


def web(checkpoint: Checkpoint, runtime: Path | None, download: bool, images: Path | None) -> Finish:
    """What makes the folder a page; raises ``SegdemoError`` at once where it could not.

    ``runtime`` is the unpacked npm package; without it ``download`` says whether it may be fetched. The page's
    examples are ``images``, else the drawn ones, since photographs of packages are not ours to hand on.
    """
    from segdemo import checkpoints, examples
    from segdemo.cli.export import pictures_of
    from segdemo.export.web import Photo, check_web, write_web
    from segdemo.export.web.runtime import PACKAGE, VERSION, download_runtime, find_runtime
    from segdemo.model.families import family_of
    from segdemo.model.preprocessing import Preprocessing
    from segdemo.taxonomy import taxonomy_for
    from segdemo.ui import alone

    folder = checkpoints.resolve(checkpoint.id)
    family = family_of(folder)
    if "queries" in family.lacks or family.tasks:
        reason = family.lacks.get("queries", f"{family.name} is told one of them for good.")
        raise SegdemoError(
            f"The web page shows classes and segments of one network. {reason} Give --format onnx, which "
            "examples/run_onnx.py and `segdemo segment --model` run."
        )
    if runtime is None and not download:
        raise SegdemoError(
            f"The page needs ONNX Runtime Web: run `npm pack {PACKAGE}@{VERSION}`, unpack it and give its folder with "
            "--runtime, or give --download."
        )
    preprocessing = Preprocessing.from_folder(folder)
    check_web(preprocessing)
    found = None if runtime is None else find_runtime(runtime)
    taxonomy = taxonomy_for(checkpoints.labels(folder), stuff=checkpoint.stuff)
    if images is not None:
        photos = [Photo(picture.name, picture.file) for picture in pictures_of(images)[:_OFFERED]]
    else:
        drawn = [example for example in examples.offered() if example.drawn][:_OFFERED]
        photos = [Photo(example.title, example.image, True) for example in drawn]

    def finish(target: Path, card: dict[str, Any]) -> None:
        with tempfile.TemporaryDirectory() as place:
            used = found if found is not None else download_runtime(Path(place))
            write_web(target, card["files"], checkpoint, taxonomy, preprocessing, used, alone.shell(), photos)
        for file in card["files"]:
            file["name"] = next(target.glob(f"{Path(file['name']).stem}-1-of-*.bin")).name
        card["format"] = "web"
        card["about"] = (
            f"{card['about']} Put the folder on any static host and open index.html there; to try it, run "
            f"`python -m http.server` in it. It was compared as the ONNX file that it runs, with ONNX Runtime; in the "
            f"page that is ONNX Runtime Web {used.version}."
        ).strip()

    return finish
