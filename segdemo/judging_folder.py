"""A checkpoint on labelled pictures, one after the other, with everything that is measured: constant memory, resumable.

What is known of a picture goes to a file at once; the files that people want are made from it at the end.
"""

import base64
import csv
import hashlib
import heapq
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np
import numpy.typing as npt

from segdemo.data import Dataset
from segdemo.data.samples import Sample
from segdemo.evaluation.causes import CAUSES
from segdemo.evaluation.errors import KINDS, WIDTH
from segdemo.evaluation.evaluate import evaluate
from segdemo.evaluation.figures import figures
from segdemo.evaluation.legend import painted_causes, painted_kinds
from segdemo.evaluation.parts import Parts
from segdemo.evaluation.photo import Evaluation
from segdemo.evaluation.report_page import report_page
from segdemo.evaluation.report_pictures import WORST, Shown
from segdemo.evaluation.scoring import Report, score_of
from segdemo.evaluation.tally import Tally
from segdemo.evaluation.truth import TrueSegments
from segdemo.images import encode_jpeg
from segdemo.judging import SegmentOptions, sets_of
from segdemo.prediction import Prediction

AT_ONCE = 2
"""Pictures in memory at once, with all layers."""
PARTS_FILE = ".evaluation.parts.jsonl"
FORM = 2
"""Of that file: another number where a picture's line holds other things, so that nothing goes on with older ones."""
THUMBNAIL = 280
"""The longer side of a picture in the report, in pixels."""


class LayerPredictor(Protocol):
    """What is needed of ``segdemo.model.predictor.Predictor``."""

    @property
    def id2label(self) -> Mapping[int, str]:
        """Class index to label."""

    def predict_batch(
        self, images: Sequence[npt.NDArray[np.uint8]], *, size: Any, task: str | None, capture: bool
    ) -> list[Prediction]:
        """One prediction for each RGB picture, with all layers where ``capture``."""


@dataclass(frozen=True)
class FolderOptions:
    """How pictures are judged."""

    size: Any = "checkpoint"
    segments: SegmentOptions | None = None
    """For panoptic quality, where the truth tells objects apart; none leaves it out."""
    boundary: bool = True
    width: float = WIDTH
    """Of the boundary band, in pixels."""
    task: str | None = None
    """What a network that is told its task is told."""


def evaluate_sample(sample: Sample, prediction: Prediction, data: Dataset, options: FolderOptions) -> Evaluation:
    """Judge a prediction by a labelled picture: ``evaluate`` in the terms of a data set."""
    objects = None
    if options.segments is not None and sample.apart:
        objects = TrueSegments.numbered(sample.segments, sample.classes, sample.crowd)
    return evaluate(
        prediction,
        sample.labels,
        objects=objects,
        panoptic_options=vars(options.segments) if options.segments is not None else None,
        covered=data.covered,
        things=data.things,
        width=options.width,
        boundary=options.boundary,
    )


def evaluate_folder(
    predictor: LayerPredictor,
    data: Dataset,
    out: Path,
    about: Mapping[str, Any],
    options: FolderOptions,
    *,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Report:
    """Judge all pictures of ``data`` and write ``evaluation.json``, ``images.csv`` and ``report.html`` into ``out``.

    ``about`` says what is evaluated, and how, as JSON types. An evaluation of the same about the same pictures that was
    interrupted goes on. ``progress`` is called with the pictures done and their number. Raises ``SegdemoError`` for a
    picture that cannot be read.
    """
    labels = dict(predictor.id2label)
    told = {"form": FORM, "about": dict(about), "pictures": _digest(data), "width": options.width}
    parts = Parts(out / PARTS_FILE, told)
    sets = sets_of(data.names)
    done = len(parts.names)
    worst = [float(part["json"]["pixel_accuracy"] or 0) for part in parts if "shown" in part]
    progress(done, len(data))
    left = [place for place, name in enumerate(data.names) if name not in parts.names]
    for start in range(0, len(left), AT_ONCE):
        samples = [data[place] for place in left[start : start + AT_ONCE]]
        predictions = predictor.predict_batch(
            [sample.image for sample in samples], size=options.size, task=options.task, capture=True
        )
        for sample, prediction in zip(samples, predictions, strict=True):
            found = evaluate_sample(sample, prediction, data, options)
            figures_of = found.to_json()
            part = {"name": sample.name, "set": sets[sample.name], "json": figures_of, "state": found.tally.state()}
            part |= {"size": list(found.truth.shape), "no": [found.no_causes, found.no_layers, found.no_panoptic]}
            # Pictures are kept of those that may be among the worst in the end.
            own = float(figures_of["pixel_accuracy"] or 0)
            if len(worst) < WORST or own < heapq.nsmallest(WORST, worst)[-1]:
                worst.append(own)
                part["shown"] = _thumbnails(sample.image, found)
            parts.add(part)
        done += len(samples)
        progress(done, len(data))
    report = _write(out, parts, about, labels, data)
    parts.remove()
    return report


def _write(out: Path, parts: Parts, about: Mapping[str, Any], labels: dict[int, str], data: Dataset) -> Report:
    """The three files, from the pictures' lines, read one by one; each is there whole or as it was before."""
    whole: Tally | None = None
    sets: dict[str, Tally] = {}
    worst: list[Shown] = []
    suspects: list[tuple[float, str, dict[str, Any]]] = []
    no_causes, no_layers, no_panoptic = "", "", ""
    for number, part in enumerate(parts):
        tally = Tally.restored(part["state"])
        if whole is None:
            whole = Tally(tally.classes, width=tally.width)
        whole.merge(tally)
        tally.layers, tally.lost = [], []  # of sets, which may be many, without the layers
        sets.setdefault(part["set"], Tally(tally.classes, width=tally.width)).merge(tally)
        no_causes, no_layers, told = part["no"]
        no_panoptic = no_panoptic or told  # only of pictures whose labels tell objects apart
        suspects += [
            (found["area"] * found["confidence"] / (part["size"][0] * part["size"][1]), part["name"], found)
            for found in part["json"]["suspects"]
        ]
        suspects = heapq.nlargest(WORST, suspects, key=lambda entry: entry[0])
        if "shown" in part:
            worst.append(Shown(part["name"], part["json"], part["shown"], number))
            worst = heapq.nsmallest(WORST, worst, key=lambda shown: shown.order)
    assert whole is not None
    why = {"no_causes": no_causes, "no_panoptic": no_panoptic}
    overall = figures(whole, labels, data.things, no_layers=no_layers, **why)
    by_set = {
        name: figures(sets[name], labels, data.things, no_layers=no_layers or "See overall.", **why)
        for name in sorted(sets)
    }
    document = {**about, "overall": overall, "sets": by_set}
    _whole(out / "evaluation.json", _json_lines(document, parts))
    _whole(out / "images.csv", _csv_lines(parts))
    page = report_page(about, overall, by_set, worst, suspects)
    _whole(out / "report.html", iter([page]))
    return Report(
        {name: score_of(sets[name], data.things) for name in sorted(sets)}, score_of(whole, data.things), labels
    )


def _json_lines(document: Mapping[str, Any], parts: Parts) -> Iterator[str]:
    """The document with a list ``images`` at its end, one picture a line."""
    yield json.dumps(document, indent=1, ensure_ascii=False)[:-2] + ',\n "images": ['
    for number, part in enumerate(parts):
        own = {"name": part["name"], "set": part["set"], "size": part["size"], **part["json"]}
        yield (",\n  " if number else "\n  ") + json.dumps(own, ensure_ascii=False)
    yield "\n ]\n}\n"


COLUMNS = (
    *("name", "set", "height", "width", "labelled_pixels", "wrong_pixels", "pixel_accuracy", "miou"),
    *("frequency_weighted_iou", "boundary_f", "pq", "sq", "rq", "ece", "suspects"),
    *(f"error: {kind}" for kind in KINDS[2:]),
    *(f"cause: {cause}" for cause in CAUSES[1:]),
    "right at no layer",
)


def _csv_lines(parts: Parts) -> Iterator[str]:
    """One row a picture; errors and causes in pixels, empty where there is nothing to measure."""
    yield _row(COLUMNS)
    for part in parts:
        found = part["json"]
        quality = found["panoptic"] or {}
        causes = {entry["cause"]: entry["pixels"] for entry in found["causes"] or ()}
        yield _row(
            [
                *(part["name"], part["set"], *part["size"], found["labelled_pixels"], found["wrong_pixels"]),
                *(found[name] for name in ("pixel_accuracy", "miou", "frequency_weighted_iou", "boundary_f")),
                *(quality.get(name) for name in ("pq", "sq", "rq")),
                *(found["calibration"]["ece"], len(found["suspects"])),
                *(entry["pixels"] for entry in found["errors"]["kinds"]),
                *(causes.get(cause) for cause in CAUSES[1:]),
                found["lost_at"][0]["pixels"] if found["lost_at"] else None,
            ]
        )


def _row(values: Sequence[Any]) -> str:
    stream = io.StringIO()
    csv.writer(stream).writerow(["" if value is None else value for value in values])
    return stream.getvalue()


def _whole(path: Path, lines: Iterator[str]) -> None:
    """Write a text file aside, piece by piece, and move it into place."""
    aside = path.with_name(f".{path.name}.part")
    with aside.open("w", encoding="utf-8", newline="") as stream:
        stream.writelines(lines)
    aside.replace(path)


def _thumbnails(image: npt.NDArray[np.uint8], found: Evaluation) -> list[str]:
    """Photograph, kinds of errors and causes, small, as base64 of JPEG and PNG; without causes an empty string."""
    height, width = image.shape[:2]
    scale = min(1.0, THUMBNAIL / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    photo = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
    maps = [painted_kinds(_small(found.kinds, size))]
    if found.causes is not None:
        maps.append(painted_causes(_small(found.causes, size)))
    shown = [encode_jpeg(photo, quality=80), *(_png(one) for one in maps)]
    return [base64.b64encode(data).decode() for data in shown] + [""] * (3 - len(shown))


def _small(values: npt.NDArray[np.uint8], size: tuple[int, int]) -> npt.NDArray[np.uint8]:
    return np.asarray(cv2.resize(values, size, interpolation=cv2.INTER_NEAREST), np.uint8)


def _png(rgb: npt.NDArray[np.uint8]) -> bytes:
    return bytes(cv2.imencode(".png", rgb[..., ::-1])[1])


def _digest(data: Dataset) -> str:
    """Changes with the pictures, their files and the order."""
    digest = hashlib.sha256()
    for picture in data.pictures:
        stat = picture.image.stat()
        digest.update(f"{picture.name}\0{stat.st_size}\0{stat.st_mtime_ns}\n".encode())
    return digest.hexdigest()
