"""Times what the page and the command do beyond segmenting: evaluation, causes, features, likeness, what-if.

Run from the project's root: ``python -m benchmarks.evaluation [--checkpoint ID_OR_FOLDER] [--photos N] [--repeats N]``.
The photograph is one of the demo's drawn examples, which has labels. Calls take turns. Prints Markdown tables.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import segdemo
from segdemo import examples
from segdemo.cli.benchmark import machine
from segdemo.data import Dataset, SourceConfig, open_source
from segdemo.evaluation.causes import error_causes
from segdemo.explain import features as explain
from segdemo.images import decode_png_index, encode_jpeg, encode_png_index
from segdemo.judging_folder import FolderOptions, evaluate_folder
from segdemo.model.predictor import Predictor, load_predictor
from segdemo.process import prepare_process
from segdemo.segmentation import semantic


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


def one_photograph(predictor: Predictor, repeats: int) -> list[str]:
    """Rows of the first table."""
    example = examples.SCENES[0]
    image = segdemo.load_image(example.image)
    truth = decode_png_index(example.labels.read_bytes(), size=(image.shape[0], image.shape[1])).astype(np.int16)
    prediction = predictor(image)
    judged = semantic(prediction).labels
    calls: dict[str, Callable[[], Any]] = {
        "the forward pass, everything captured": lambda: predictor(image),
        f"`evaluate`, {prediction.num_layers} layers": lambda: segdemo.evaluate(prediction, truth),
        "`evaluate` without layers": lambda: segdemo.evaluate(prediction, truth, layers=False),
        "of it, causes": lambda: error_causes(prediction, truth, judged),
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


def _as_colours(one: explain.FeatureMap) -> Any:
    return explain.as_colours(explain.principal_components(one.values))


def folder(predictor: Predictor, count: int) -> list[str]:
    """How many photographs a second the command evaluates, beside predicting them alone."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        for part in ("images", "labels"):
            (root / part).mkdir()
        for number in range(count):
            example = examples.SCENES[number % len(examples.SCENES)]
            image = segdemo.load_image(example.image)
            labels = decode_png_index(example.labels.read_bytes(), size=(image.shape[0], image.shape[1]))
            (root / "images" / f"{number:04}.jpg").write_bytes(encode_jpeg(image))
            (root / "labels" / f"{number:04}.png").write_bytes(encode_png_index(labels))
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--checkpoint", default="embedded", help="hub id whose weights are on disk, or a folder")
    parser.add_argument("--photos", type=int, default=12, help="photographs of the folder; 0 leaves it out")
    parser.add_argument("--repeats", type=int, default=9)
    options = parser.parse_args()
    prepare_process()
    predictor = load_predictor(options.checkpoint, engine="torch", precision="fp32")
    print(f"{machine()}, the checkpoint {predictor.checkpoint.title}.\n")
    for row in one_photograph(predictor, options.repeats):
        print(row, flush=True)
    for row in folder(predictor, options.photos) if options.photos else ():
        print(row, flush=True)


if __name__ == "__main__":
    main()
