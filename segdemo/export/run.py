"""The export itself: convert, compare, measure, and put the folder where it is wanted, whole or not at all."""

import errno
import glob
import json
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from segdemo import __version__, checkpoints
from segdemo.checkpoints import Checkpoint
from segdemo.errors import SegdemoError
from segdemo.export.card import finite, readme, share, surroundings
from segdemo.export.configuration import write_configuration
from segdemo.export.contest import EXPORTED, LIBRARY, NETWORK, TORCH, Ran, prepared, run_contender
from segdemo.export.make import Made, make_files, runnable
from segdemo.export.parity import USUAL_PHOTO, Comparison, Picture, least_labels_equal, marked, split
from segdemo.export.rounding import InDouble
from segdemo.export.telling import Say, Steps
from segdemo.images import encode_jpeg
from segdemo.model.capture import Request
from segdemo.model.exported import CARD, FittingSizes
from segdemo.model.families import Family, Inputs, family_of
from segdemo.model.networks import load_network, release_network
from segdemo.model.runtimes import load_graph
from segdemo.prediction import Size

FORMATS = ("onnx", "openvino", "torchscript", "tensorrt")
PRECISIONS = ("fp32", "fp16", "int8")
EXTENSIONS = {"onnx": "onnx", "openvino": "xml", "torchscript": "torchscript", "tensorrt": "plan"}
_ELSEWHERE = ((64, 96), (192, 64), (128, 416))
"""Sizes at which a graph for any size is compared, beside its usual one both ways round."""
_OLD_SECONDS = 86_400
_CONVERT, _RUN = 90.0, 25.0
"""Seconds that a conversion and a contender are expected to take at first, of a small checkpoint."""


@dataclass(frozen=True)
class Order:
    """What to export, and how."""

    checkpoint: Checkpoint
    format: str
    precision: str
    out: Path
    sizes: tuple[Size | None, ...] = ()
    """(height, width) each, none of them for any size; without any, what the checkpoint's processor makes of a
    photograph of 4:3."""
    pictures: Sequence[Picture] = ()
    """To compare on, and to calibrate 8 bits with."""
    force: bool = False
    batch: bool = False
    """Whether four inputs at once are timed as well."""
    command: str = ""
    task: str | None = None
    """What a network is told that is told one, semantic by default; of others none."""
    miou: Callable[[Path, str, Size], dict[str, Any]] | None = field(default=None, repr=False)
    """Given the folder as it is so far, its format and a size: ``before``, ``after`` and ``pictures``."""
    finish: Callable[[Path, dict[str, Any]], None] | None = field(default=None, repr=False)
    """Given the whole folder but its card, and the card: puts more files in and may change the card."""


def export(order: Order, say: Say) -> dict[str, Any]:
    """Export a checkpoint into a folder and return its card, as ``parity.json`` has it.

    Raises ``SegdemoError`` where an extra is missing, an operation stands in the way, too few labels are equal and
    nobody forces it, the checkpoint is told no task and one is given, or the disk is full: then what was in the folder
    before is still there.
    """
    folder = checkpoints.resolve(order.checkpoint.id)
    order = replace(order, task=_told(family_of(folder), order.task))
    with _disk(order.out):
        order.out.parent.mkdir(parents=True, exist_ok=True)
        _check_target(order.out)
        _sweep(order.out)
    with (
        _disk(order.out),
        tempfile.TemporaryDirectory(dir=order.out.parent, prefix=f".{order.out.name}.part-") as name,
        # Once more, while what fills the disk is still there.
        _disk(order.out),
    ):
        whole, work = Path(name) / "whole", Path(name) / "work"
        for part in (whole, work):
            part.mkdir()
        card = _exported(order, folder, whole, work, say)
        if order.finish is not None:
            order.finish(whole, card)
        (whole / CARD).write_text(json.dumps(finite(card), indent=2) + "\n", encoding="utf-8")
        (whole / "README.md").write_text(readme(card), encoding="utf-8")
        _put(whole, order.out, Path(name) / "old")
    return card


def _exported(order: Order, folder: Path, whole: Path, work: Path, say: Say) -> dict[str, Any]:
    """Fill the folder, but for the card, which is returned."""
    preprocessing = family_of(folder).preprocessing(folder)
    usual = preprocessing.sizes(USUAL_PHOTO, "checkpoint")[0]
    sizes = order.sizes or (usual,)
    weight = max(1.0, (order.checkpoint.parameters or 0) / 20e6)
    calibration, compared = split(order.pictures) if order.precision == "int8" else ([], list(order.pictures))
    steps = Steps([_CONVERT * weight**0.5, *([_RUN * weight] * 3)] * len(sizes), say)
    write_configuration(order.checkpoint, folder, whole, preprocessing)
    shapes, files = [], []
    wanted = least_labels_equal(order.precision)
    made = Made()
    for size in sizes:
        run_at = size or usual
        fitting = FittingSizes(preprocessing, [run_at])
        label = f"{run_at[0]} x {run_at[1]}"
        file = whole / (_stem(size, len(sizes)) + "." + EXTENSIONS[order.format])
        with steps.step(f"converting for {label if size else 'any size'}"):
            inputs = [fitting.stretched(picture.load(), run_at)[None] for picture in calibration]
            made = make_files(folder, order.format, order.precision, size, file, work, inputs, order.task)
        height, width = size or (None, None)
        files.append({"name": made.file.name, "height": height, "width": width, "bytes": made.bytes})
        _write_listing(order, whole, files)
        shapes.append(_judged(order, fitting, made, compared, whole, work, steps, folder, run_at))
        if size is None:
            shapes[-1]["also_at"] = _anywhere(order, preprocessing, made, folder, run_at)
        mean, place, count = _least(shapes[-1])
        if mean < wanted and not order.force:
            raise SegdemoError(
                f"Only {share(mean)} of the labels are the network's own at {place}, in the mean over "
                f"{count} pictures; {share(wanted)} are wanted in {order.precision}: nothing was written. "
                "Give --force to have it all the same, and the card will say so."
            )
    passed = all(_least(shape)[0] >= wanted for shape in shapes)
    return {
        "segdemo": __version__,
        "format": order.format,
        "precision": order.precision,
        "checkpoint": {"id": checkpoints.public_id(order.checkpoint.id), "title": order.checkpoint.title},
        "network": "segdemo" if made.ours else "transformers",
        "opset": made.opset,
        "queries": made.queries,
        "classes": made.classes,
        "outputs": list(made.outputs),
        "task": order.task,
        "padded": fitting.padded,
        "about": made.about,
        "least_labels_equal": wanted,
        "passed": passed,
        "forced": order.force and not passed,
        "calibrated_on": [picture.name for picture in calibration],
        "files": files,
        "shapes": shapes,
        "command": order.command,
        "made_with": surroundings(),
    }


def _told(family: Family, task: str | None) -> str | None:
    """The task that a network is told for good: semantic where nobody says, none where it is told none."""
    if task is not None and not family.tasks:
        raise SegdemoError(f"A {family.name} checkpoint is not told a task: leave --task {task} out.")
    return task or next(iter(family.tasks), None)


def _least(shape: dict[str, Any]) -> tuple[float, str, int]:
    """Least share of equal labels in the mean over pictures, at which size, and of how many pictures."""
    own = {**shape, "labels_equal": shape["labels_equal"]["mean"]}
    least = min((own, *shape.get("also_at", [])), key=lambda entry: float(entry["labels_equal"]))
    return least["labels_equal"], f"{least['height']} x {least['width']}", least["pictures"]


def _judged(
    order: Order,
    fitting: FittingSizes,
    made: Made,
    pictures: Sequence[Picture],
    whole: Path,
    work: Path,
    steps: Steps,
    folder: Path,
    size: Size,
) -> dict[str, Any]:
    """Run the export and those that it is held against, and compare their answers."""
    inside = Path(tempfile.mkdtemp(dir=work))
    pixels = prepared([fitting.stretched(picture.load(), size) for picture in pictures], inside)
    format = runnable(order.format)
    where = {"checkpoint": str(folder), "folder": str(whole), "file": str(made.graph)}
    request = {**where, "format": format, "task": order.task}
    # The library's processor of networks that are told a task asks the hub for a table.
    library = LIBRARY if order.task is None else NETWORK
    ran: dict[str, Ran] = {}
    for name in (EXPORTED, TORCH, library):
        with steps.step(f"running {name} at {size[0]} x {size[1]}"):
            ran[name] = run_contender(name, pixels, pictures[0].file, inside, request, batch=order.batch)
    comparison = Comparison(checkpoints.labels(folder), size, order.checkpoint.stuff)
    exact, wanted = _exact(order, folder), least_labels_equal(order.precision)
    for index, picture in enumerate(pictures):
        image = picture.load()
        shape = (image.shape[0], image.shape[1])
        answers = ran[library].answer(index), ran[EXPORTED].answer(index)
        comparison.add(picture.name, shape, *answers, content=fitting.content(shape, size))
        if exact is not None and comparison.equal[picture.name] < wanted:
            own = exact(fitting.stretched(image, size)[None])
            comparison.settle(picture.name, shape, own, answers[1], content=fitting.content(shape, size))
    values = {"height": size[0], "width": size[1], **comparison.values()}
    if comparison.worst is not None and comparison.worst[1].any():
        name, differs = comparison.worst
        image = next(picture for picture in pictures if picture.name == name).load()
        values["differences"] = f"{made.file.stem.replace('model', 'differences')}.jpg"
        (whole / values["differences"]).write_bytes(encode_jpeg(marked(image, differs)))
    if order.miou is not None:
        values["miou"] = order.miou(whole, format, size)
    values["contenders"] = [one.values() for one in ran.values()]
    shutil.rmtree(inside)
    return values


def _anywhere(order: Order, preprocessing: Inputs, made: Made, folder: Path, usual: Size) -> list[dict[str, Any]]:
    """Compare a graph for any size with the library's network at sizes that differ in every way."""
    import torch

    network = load_network(folder, accelerated=False)
    graph = load_graph(runnable(order.format), made.graph)
    exact, wanted = _exact(order, folder), least_labels_equal(order.precision)
    found = []
    for size in dict.fromkeys([usual[::-1], *_ELSEWHERE]):
        fitting, comparison = FittingSizes(preprocessing, [size]), Comparison(checkpoints.labels(folder), size)
        for picture in list(order.pictures)[:2]:
            pixels = fitting.stretched(picture.load(), size)[None]
            raw = network.run(torch.from_numpy(pixels), Request(capture=False))
            expected, answer = (tuple(part[0] for part in one) for one in (raw.answer, graph(pixels)))
            comparison.add(picture.name, size, expected, answer)
            if exact is not None and comparison.equal[picture.name] < wanted:
                comparison.settle(picture.name, size, exact(pixels), answer)
        count = len(comparison.equal)
        entry = {"height": size[0], "width": size[1], "pictures": count, "labels_equal": comparison.mean}
        found.append({**entry, "in_double": comparison.rounded})
    release_network(folder)
    return found


def _exact(order: Order, folder: Path) -> InDouble | None:
    """What settles where float32 differs by rounding alone; none where less than float32 was asked for, or a task."""
    return InDouble(folder) if order.precision == "fp32" and order.task is None else None


def _write_listing(order: Order, whole: Path, files: list[dict[str, Any]]) -> None:
    """What there is so far, for those who run it before the card is finished."""
    listing = {"format": runnable(order.format), "precision": order.precision, "task": order.task, "files": files}
    (whole / CARD).write_text(json.dumps(listing), encoding="utf-8")


def _stem(size: Size | None, count: int) -> str:
    return "model" if count == 1 or size is None else f"model-{size[0]}x{size[1]}"


def _check_target(out: Path) -> None:
    """Raise ``SegdemoError`` for a place that holds something else than an earlier export."""
    if out.is_dir() and not (out / CARD).is_file() and any(out.iterdir()):
        raise SegdemoError(f"{out} holds files that are no export: choose another folder.")
    if out.exists() and not out.is_dir():
        raise SegdemoError(f"{out} is a file: choose a folder.")


def _sweep(out: Path) -> None:
    """Remove what exports that were killed have left beside the folder, once it is surely nobody's."""
    for left in out.parent.glob(f".{glob.escape(out.name)}.part-*"):
        if time.time() - left.stat().st_mtime > _OLD_SECONDS:
            shutil.rmtree(left, ignore_errors=True)


def _put(whole: Path, out: Path, old: Path) -> None:
    """Put the finished folder in its place."""
    if out.exists():
        out.replace(old)
    try:
        whole.replace(out)
    except OSError:
        if old.exists():
            old.replace(out)
        raise


@contextmanager
def _disk(out: Path) -> Iterator[None]:
    """Say of a full disk that it is full, whoever found out."""
    full = f"The disk that {out} is on is full: free some space, or choose another folder. Nothing was written."
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT) or _full(out.parent):
            raise SegdemoError(full) from error
        raise SegdemoError(f"{error.filename or out} cannot be written: {error.strerror or error}.") from error
    except (RuntimeError, SegdemoError) as error:  # what runtimes and other processes make of it
        if not _full(out.parent):
            raise
        raise SegdemoError(full) from error


def _full(folder: Path) -> bool:
    return folder.is_dir() and shutil.disk_usage(folder).free < 1 << 20
