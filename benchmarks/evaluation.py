"""Times what the page and the command do beyond segmenting: evaluation, comparison, features, likeness, what-if.

Run from the project's root: ``python -m benchmarks.evaluation [--checkpoint ID_OR_FOLDER] [--photos N] [--repeats N]``.
The photograph is one of the demo's drawn examples, which has labels of ADE20K's classes. Calls take turns. Prints
Markdown tables.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import segdemo
from segdemo import examples
from segdemo.cli.benchmark import machine
from segdemo.data import Dataset, SourceConfig, open_source
from segdemo.evaluation.agreement import JointClasses, agreement
from segdemo.evaluation.causes import error_causes
from segdemo.evaluation.outcomes import outcomes
from segdemo.explain import features as explain
from segdemo.images import decode_png_index, encode_jpeg, encode_png_index
from segdemo.judging_folder import FolderOptions, evaluate_folder
from segdemo.model.predictor import Predictor, load_predictor
from segdemo.prediction import Prediction
from segdemo.process import prepare_process
from segdemo.segmentation import semantic

Photo = npt.NDArray[np.uint8]
Labels = npt.NDArray[np.int16]
SHRINK = 8
"""With ``--tiny`` a photograph has every eighth pixel of every eighth row."""
OTHER_SIZE = 320
"""Short side of the input of the second run that a comparison makes."""


def medians(calls: Mapping[str, Callable[[], Any]], repeats: int) -> dict[str, float]:
    """Seconds of each call, the median of runs that take turns, after one to warm up."""
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for turn in range(repeats + 1):
        for name, call in calls.items():
            start = time.perf_counter()
            call()
            if turn:
                seconds[name].append(time.perf_counter() - start)
    return {name: statistics.median(times) for name, times in seconds.items()}


def labelled(example: examples.Scene, shrink: int) -> tuple[Photo, Labels]:
    """A drawn example and its labels, of which every ``shrink``-th pixel of every ``shrink``-th row is taken."""
    image = segdemo.load_image(example.image)
    truth = decode_png_index(example.labels.read_bytes(), size=(image.shape[0], image.shape[1])).astype(np.int16)
    return np.ascontiguousarray(image[::shrink, ::shrink]), np.ascontiguousarray(truth[::shrink, ::shrink])


def one_photograph(predictor: Predictor, repeats: int, shrink: int = 1) -> list[str]:
    """Rows of the first table."""
    image, truth = labelled(examples.SCENES[0], shrink)
    other_size = OTHER_SIZE // shrink
    prediction, other = predictor(image), predictor(image, size=other_size)
    judged, second = semantic(prediction).labels, semantic(other).labels
    joint = JointClasses(prediction.id2label, other.id2label)
    calls: dict[str, Callable[[], Any]] = {
        "the forward pass, everything captured": lambda: predictor(image),
        f"`evaluate`, {prediction.num_layers} layers": lambda: segdemo.evaluate(prediction, truth),
        "`evaluate` without layers": lambda: segdemo.evaluate(prediction, truth, layers=False),
        "of it, causes": lambda: error_causes(prediction, truth, judged),
        f"compare with short side {other_size}: its forward pass": lambda: predictor(image, size=other_size),
        "compare: agreement of two maps, by class": lambda: agreement(judged, second, joint),
        "compare: both against the labels, and the causes that changed": lambda: _changed(prediction, other, truth),
        "what if: the decoder again, nothing off": lambda: predictor.what_if(prediction),
        "what if: the decoder again, a query off": lambda: predictor.what_if(prediction, without_queries=[0]),
    }
    for one in explain.feature_maps(prediction):
        name = f"{one.part}, {one.channels} x {one.size[0]} x {one.size[1]}"
        calls[f"three components as colours: {name}"] = partial(_as_colours, one)
        calls[f"likeness to a pixel: {name}"] = partial(explain.similarity, one.values, 0, 0)
    found = medians(calls, repeats)
    height, width = prediction.image_size
    rows = [f"One photograph of {width} x {height}, input {prediction.input_size[1]} x {prediction.input_size[0]}.\n"]
    rows += ["| | time | beside the forward pass |", "|---|--:|--:|"]
    forward = found["the forward pass, everything captured"]
    return rows + [f"| {name} | {_time(value)} | {value / forward:.3f} |" for name, value in found.items()]


def _changed(first: Prediction, second: Prediction, truth: Labels) -> Any:
    """What the Compare tab finds of two runs beside their agreement, where there are labels."""
    one, other = (segdemo.evaluate(prediction, truth, layers=False) for prediction in (first, second))
    return outcomes(one, other).changes


def _as_colours(one: explain.FeatureMap) -> Any:
    return explain.as_colours(explain.principal_components(one.values))


def folder(predictor: Predictor, count: int, shrink: int = 1) -> list[str]:
    """How many photographs a second the command evaluates, beside predicting them alone."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        for part in ("images", "labels"):
            (root / part).mkdir()
        for number in range(count):
            image, labels = labelled(examples.SCENES[number % len(examples.SCENES)], shrink)
            (root / "images" / f"{number:04}.jpg").write_bytes(encode_jpeg(image))
            (root / "labels" / f"{number:04}.png").write_bytes(encode_png_index(labels.astype(np.uint8)))
        source = SourceConfig(data=root)
        data = Dataset(open_source(source), source, dict(predictor.id2label))
        start = time.perf_counter()
        for place in range(count):
            semantic(predictor(data[place].image, capture=False))
        alone = time.perf_counter() - start
        (root / "out").mkdir()
        start = time.perf_counter()
        evaluate_folder(predictor, data, root / "out", {}, FolderOptions())
        taken = time.perf_counter() - start
    return [
        f"\n| {count} photographs of a folder | photographs per second |",
        "|---|--:|",
        f"| read and segmented, one after the other | {count / alone:.2f} |",
        f"| evaluated with all layers, and the report written | {count / taken:.2f} |",
    ]


def _time(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms" if seconds < 1 else f"{seconds:.2f} s"


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--checkpoint", default="embedded", help="hub id whose weights are on disk, or a folder")
    parser.add_argument("--photos", type=int, default=12, help="photographs of the folder; 0 leaves it out")
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--tiny", action="store_true", help="photographs of an eighth of the size, to try it out")
    options = parser.parse_args(arguments)
    prepare_process()
    shrink = SHRINK if options.tiny else 1
    predictor = load_predictor(options.checkpoint, engine="torch", precision="fp32")
    print(f"{machine()}, the checkpoint {predictor.checkpoint.title}.\n")
    for row in one_photograph(predictor, options.repeats, shrink):
        print(row, flush=True)
    for row in folder(predictor, options.photos, shrink) if options.photos else ():
        print(row, flush=True)


if __name__ == "__main__":
    main()
