"""Times the dense CRF side by side with pydensecrf2, and says on how many pixels their labels agree.

Run from the project's root, with the extras ``crf-reference`` and ``dev``: ``python -m benchmarks.crf [--checkpoint
ID_OR_FOLDER] [--images FOLDER] [--at 1024x768] [--speed] [--agreement] [--grid] [--random] [--morphology]``; all
five tables unless told. The scores are the checkpoint's own, of its most probable classes; photographs are those of
scikit-image and of ``--images``. Calls alternate, so that what else the machine does hits all of them; memory is the
peak beyond what was held before, with the result (Linux only).
"""

import argparse
import statistics
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pydensecrf.densecrf as densecrf
import skimage.data

import segdemo
from benchmarks.postprocessing import Measured, measure
from segdemo.images import load_image
from segdemo.process import prepare_process
from segdemo.refine import MorphologyOptions, crf_grid, dense_crf, morphology, most_probable, prepare_crf
from segdemo.refine.morphology import Operation
from segdemo.segmentation import class_probabilities

Picture = npt.NDArray[np.uint8]
Scores = npt.NDArray[np.float32]

PHOTOS = ("astronaut", "chelsea", "coffee", "rocket", "stereo_motorcycle")
DEFAULTS = {
    "gaussian_sxy": 3.0,
    "gaussian_compat": 3.0,
    "bilateral_sxy": 60.0,
    "bilateral_srgb": 10.0,
    "bilateral_compat": 10.0,
    "iterations": 5,
}
GRID: list[dict[str, float]] = [
    {},
    {"gaussian_sxy": 1},
    {"gaussian_sxy": 10},
    {"gaussian_compat": 0},
    {"gaussian_compat": 10},
    {"bilateral_sxy": 20},
    {"bilateral_sxy": 100},
    {"bilateral_srgb": 3},
    {"bilateral_srgb": 5},
    {"bilateral_srgb": 20},
    {"bilateral_srgb": 50},
    {"bilateral_compat": 3},
    {"bilateral_compat": 20},
    {"bilateral_sxy": 20, "bilateral_srgb": 5, "bilateral_compat": 20},
    {"iterations": 1},
    {"iterations": 10},
    {"iterations": 10, "bilateral_compat": 20, "gaussian_compat": 10},
]

RANGES = {
    "gaussian_sxy": (1, 20),
    "gaussian_compat": (0.5, 20),
    "bilateral_sxy": (10, 150),
    "bilateral_srgb": (3, 50),
    "bilateral_compat": (1, 30),
    "iterations": (1, 10),
}
"""Between which parameters are drawn, evenly in their logarithm."""


def drawn(count: int, seed: int = 0) -> list[dict[str, float]]:
    """Sets of parameters drawn at random, iterations among them whole."""
    rng = np.random.default_rng(seed)
    sets = [{name: float(np.exp(rng.uniform(*np.log(span)))) for name, span in RANGES.items()} for _ in range(count)]
    return [{**one, "iterations": round(one["iterations"])} for one in sets]


def reference(image: Picture, scores: Scores, **changes: float) -> Scores:
    """What pydensecrf2 makes of it, with its default kernel and symmetric normalisation."""
    p = DEFAULTS | changes
    count, height, width = scores.shape
    crf = densecrf.DenseCRF2D(width, height, count)
    crf.setUnaryEnergy(-np.log(np.maximum(scores, 1e-10)).reshape(count, -1))
    if p["gaussian_compat"]:
        crf.addPairwiseGaussian(sxy=p["gaussian_sxy"], compat=p["gaussian_compat"])
    crf.addPairwiseBilateral(
        sxy=p["bilateral_sxy"], srgb=p["bilateral_srgb"], rgbim=image, compat=p["bilateral_compat"]
    )
    marginals: Scores = np.array(crf.inference(int(p["iterations"])), np.float32).reshape(scores.shape)
    return marginals


def speed(scene: tuple[Picture, Scores], repeats: int) -> Iterator[str]:
    """Seconds and ratios at one photograph."""
    image, scores = scene
    count, height, width = scores.shape
    prepared = {quality: prepare_crf(image, quality=quality) for quality in ("exact", "interactive")}
    calls: dict[str, Callable[[], Any]] = {
        "pydensecrf2": lambda: reference(image, scores),
        "`exact`": lambda: dense_crf(image, scores),
        "`exact`, prepared": lambda: dense_crf(image, scores, prepared=prepared["exact"]),
        "`interactive`": lambda: dense_crf(image, scores, quality="interactive"),
        "`interactive`, prepared": lambda: dense_crf(
            image, scores, quality="interactive", prepared=prepared["interactive"]
        ),
    }
    found: dict[str, Measured] = dict(zip(calls, measure(list(calls.values()), repeats), strict=True))
    base = found["pydensecrf2"].seconds
    yield f"{width} x {height}, {count} labels, 5 iterations, median of {repeats}:\n"
    yield "| | seconds | of the reference's time | times as fast | peak memory with the result, MB |"
    yield "|---|---|---|---|---|"
    for name, one in found.items():
        memory = "not available" if one.megabytes is None else f"{one.megabytes:.0f}"
        yield f"| {name} | {one.seconds:.2f} | {one.seconds / base:.2f} | {base / one.seconds:.1f} | {memory} |"


def agreement(scenes: dict[str, tuple[Picture, Scores]]) -> Iterator[str]:
    """Labels that agree with the reference's, photograph by photograph, at the defaults."""
    yield "| photograph | size | labels | changed by the CRF | `exact` agrees | `interactive` agrees | its grid |"
    yield "|---|---|---|---|---|---|---|"
    shares: dict[str, list[float]] = {"exact": [], "interactive": []}
    for name, (image, scores) in scenes.items():
        expected = most_probable(reference(image, scores))
        row = [name, f"{image.shape[1]} x {image.shape[0]}", str(len(scores))]
        row.append(f"{100 * (expected != most_probable(scores)).mean():.1f} %")
        for quality in ("exact", "interactive"):
            shares[quality].append(100 * (most_probable(dense_crf(image, scores, quality=quality)) == expected).mean())
            row.append(f"{shares[quality][-1]:.2f} %")
        row.append(f"1 : {crf_grid(image.shape, 'interactive').factor:.2f}")
        yield f"| {' | '.join(row)} |"
    for how in (min, statistics.mean):
        found = " | ".join(f"{how(values):.2f} %" for values in shares.values())
        yield f"| {'worst' if how is min else 'mean'} of {len(scenes)} | | | | {found} | |"


def over_sets(scenes: dict[str, tuple[Picture, Scores]], sets: Sequence[dict[str, float]]) -> Iterator[str]:
    """The worst agreement over all photographs for each set of parameters, and over all sets."""
    yield "| parameters, else the defaults | `exact` agrees, worst | mean | `interactive`, worst | mean |"
    yield "|---|---|---|---|---|"
    over_all: dict[str, list[float]] = {"exact": [], "interactive": []}
    for changes in sets:
        shares: dict[str, list[float]] = {"exact": [], "interactive": []}
        for image, scores in scenes.values():
            expected = most_probable(reference(image, scores, **changes))
            for quality, values in shares.items():
                found = most_probable(dense_crf(image, scores, quality=quality, **changes))  # type: ignore[arg-type]
                values.append(100 * (found == expected).mean())
        name = ", ".join(f"{key} {value:.3g}" for key, value in changes.items()) or "defaults"
        yield f"| {name} | {_worst_and_mean(shares)} |"
        for quality, values in shares.items():
            over_all[quality] += values
    yield f"| all {len(sets)} | {_worst_and_mean(over_all)} |"


def _worst_and_mean(shares: dict[str, list[float]]) -> str:
    return " | ".join(f"{how(values):.2f} %" for values in shares.values() for how in (min, statistics.mean))


def of_morphology(scene: tuple[Picture, Scores], repeats: int) -> Iterator[str]:
    """Milliseconds of morphology on one photograph, its classes made equally frequent so that all of them occur."""
    shares = scene[1] / scene[1].mean((1, 2), keepdims=True)
    scores = (shares / shares.sum(0)).astype(np.float16)
    labels = scores.argmax(0)
    operations: tuple[Operation, ...] = ("erode", "dilate", "open", "close")
    options = [MorphologyOptions(operation, size) for size in (5, 15, 31) for operation in operations]
    options += [MorphologyOptions("open", 5, smallest_region=200)]
    options += [MorphologyOptions("close", 5, smallest_region=200, largest_hole=200)]

    def call(option: MorphologyOptions) -> Callable[[], Any]:
        return lambda: morphology(labels, option, probabilities=scores)

    yield f"{labels.shape[1]} x {labels.shape[0]}, {len(np.unique(labels))} labels, median of {repeats}:\n"
    yield "| morphology | kernel | smallest region | largest hole | ms |"
    yield "|---|---|---|---|---|"
    for option, one in zip(options, measure([call(option) for option in options], repeats), strict=True):
        where = f"{option.size} px {option.shape} | {option.smallest_region} | {option.largest_hole}"
        yield f"| {option.operation} | {where} | {1000 * one.seconds:.0f} |"


def scored(checkpoint: str | None, image: Picture, labels: int) -> Scores:
    """The checkpoint's probabilities of the image's ``labels`` most probable classes."""
    prediction = segdemo.load_predictor(checkpoint)(image)
    means = class_probabilities(prediction, size=(96, 128)).mean((1, 2))
    return class_probabilities(prediction, classes=np.argsort(means)[::-1][:labels].tolist())


def pictures(folder: Path | None) -> dict[str, Picture]:
    """The photographs of scikit-image, and those of a folder."""
    found = {}
    for name in PHOTOS:
        picture = getattr(skimage.data, name)()
        found[name] = np.ascontiguousarray((picture[0] if isinstance(picture, tuple) else picture)[..., :3])
    for path in sorted(folder.iterdir()) if folder else []:
        found[path.stem] = load_image(path)
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint")
    parser.add_argument("--images", type=Path, help="a folder of further photographs")
    parser.add_argument("--size", default="1024x768", help="of the photograph that is timed")
    parser.add_argument("--at", help="size that photographs are brought to before agreement is measured")
    parser.add_argument("--labels", type=int, default=12)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--draws", type=int, default=40, help="sets of parameters drawn at random")
    tables = ("speed", "agreement", "grid", "random", "morphology")
    for name in tables:
        parser.add_argument(f"--{name}", action="store_true", help=f"only the tables named, {name} among them")
    options = parser.parse_args(arguments)
    prepare_process()
    wanted = [name for name in tables if getattr(options, name)] or list(tables)

    found = pictures(options.images)
    width, height = map(int, options.size.split("x"))
    # Enlarging does no harm to what is timed: the lattice has as many points as the photo has pixels.
    timed = np.asarray(cv2.resize(found["astronaut"], (width, height), interpolation=cv2.INTER_CUBIC), np.uint8)
    timed_scene = (timed, scored(options.checkpoint, timed, options.labels))
    needed = {"agreement", "grid", "random"} & set(wanted)
    scenes = {}
    for name, image in found.items() if needed else ():
        if options.at:
            size = tuple(map(int, options.at.split("x")))
            image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_CUBIC), np.uint8)
        scenes[name] = (image, scored(options.checkpoint, image, options.labels))
    makers: dict[str, Callable[[], Iterator[str]]] = {
        "speed": lambda: speed(timed_scene, options.repeats),
        "agreement": lambda: agreement(scenes),
        "grid": lambda: over_sets(scenes, GRID),
        "random": lambda: over_sets(scenes, drawn(options.draws)),
        "morphology": lambda: of_morphology((timed, timed_scene[1][:10]), options.repeats),
    }
    for name in wanted:
        for line in makers[name]():
            print(line, flush=True)
        print(flush=True)


if __name__ == "__main__":
    main()
