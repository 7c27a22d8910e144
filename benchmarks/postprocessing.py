"""Times semantic and panoptic post-processing against the library's, side by side in one run, and what the page asks.

Run from the project's root: ``python -m benchmarks.postprocessing [--checkpoint ID_OR_FOLDER] [--image FILE]``. Outputs
of a trained checkpoint are brought to Swin-L's shapes for a 1024 x 768 photograph (100 queries, 150 classes, masks of
160 x 216) by running it at 640 x 864 and repeating its least sure queries elsewhere in the picture; random weights
stand beside it. Prints a Markdown table. Ours and the library's calls alternate, so that what else the machine does
hits both; memory, measured in calls of its own, is the peak beyond what the process held before (Linux only).
"""

import argparse
import ctypes
import gc
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

import segdemo
from segdemo.explain import attention_map, explain_pixel, query_history, query_mask, query_table
from segdemo.model.architecture import write_random_checkpoint
from segdemo.prediction import AttentionLayer, Prediction, Size
from segdemo.process import prepare_process
from segdemo.segmentation import confidence, layer_labels, panoptic, planes, semantic
from segdemo.segmentation.sampling import softmax
from segdemo.taxonomy import taxonomy_for

PHOTO: Size = (768, 1024)
LARGE: Size = (2160, 3840)
SHOWN: Size = (612, 816)
QUERIES = 100


@dataclass(frozen=True)
class Measured:
    """One call, many times."""

    seconds: float
    """Median."""
    megabytes: float | None
    """Largest peak beyond what was held before."""


def at_swin_l_shapes(prediction: Prediction) -> Prediction:
    """``prediction`` with 100 queries: the least sure ones again, with their masks moved."""
    missing = QUERIES - prediction.num_queries
    if missing <= 0:
        return prediction
    order = np.argsort(-softmax(prediction.class_logits())[:, -1])
    extra = np.resize(order[: max(1, len(order) // 2)], missing)

    def moved(masks: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
        copies = [np.roll(masks[q], (7 * i + 3, 11 * i + 5), axis=(0, 1)) for i, q in enumerate(extra)]
        return np.concatenate([masks, np.stack(copies)])

    return replace(
        prediction,
        masks=tuple(moved(masks) for masks in prediction.masks),
        classes=tuple(np.concatenate([rows, rows[extra]]) for rows in prediction.classes),
        attentions=tuple(
            AttentionLayer(
                np.concatenate([layer.maps, layer.maps[:, extra]], axis=1),
                np.concatenate([layer.unmasked, layer.unmasked[extra]]),
                layer.stride,
            )
            for layer in prediction.attentions
        ),
    )


def library(prediction: Prediction, task: str, threshold: float) -> Callable[[], Any]:
    """The library's post-processing of the same outputs."""
    import torch
    from transformers import Mask2FormerImageProcessorPil
    from transformers.models.mask2former.modeling_mask2former import Mask2FormerForUniversalSegmentationOutput

    processor = Mask2FormerImageProcessorPil()
    outputs = Mask2FormerForUniversalSegmentationOutput(
        class_queries_logits=torch.from_numpy(prediction.class_logits())[None],
        masks_queries_logits=torch.from_numpy(prediction.mask_logits())[None],
    )
    sizes = [prediction.image_size]
    stuff = set(taxonomy_for(prediction.id2label).stuff)

    def run() -> Any:
        with torch.inference_mode():
            if task == "semantic":
                return processor.post_process_semantic_segmentation(outputs, target_sizes=sizes)
            return processor.post_process_panoptic_segmentation(
                outputs, threshold=threshold, label_ids_to_fuse=stuff, target_sizes=sizes
            )

    return run


def measure(calls: Sequence[Callable[[], Any]], repeats: int) -> list[Measured]:
    """Time calls in turn, after one round to warm up; then their memory.

    Apart from each other: what gives memory back to the system before a call makes that call fetch it page by page,
    which none does in a process that goes on working.
    """
    seconds: list[list[float]] = [[] for _ in calls]
    for turn in range(repeats + 1):
        for index, call in enumerate(calls):
            gc.collect()
            start = time.perf_counter()
            result = call()
            taken = time.perf_counter() - start
            del result
            if turn:
                seconds[index].append(taken)
    return [Measured(statistics.median(times), _peak(call)) for times, call in zip(seconds, calls, strict=True)]


def _peak(call: Callable[[], Any], repeats: int = 2) -> float | None:
    """The largest peak of a call in megabytes beyond what is held before it, its result among it."""
    peaks = []
    for _ in range(repeats):
        before = _reset_peak()
        if before is None:
            return None
        result = call()
        peaks.append((_status("VmHWM") - before) / 1e6)
        del result
    return max(peaks)


def _reset_peak() -> float | None:
    """Start counting the peak anew; the memory held now in bytes, or none where the system cannot say."""
    gc.collect()
    if not sys.platform.startswith("linux"):
        return None
    ctypes.CDLL("libc.so.6").malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")
    return _status("VmRSS")


def _status(field: str) -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(float(line.split()[1]) * 1024 for line in lines if line.startswith(field))


def predictions(checkpoint: str | None, image: Path | None) -> dict[str, Prediction]:
    """The outputs to work on, by what made them."""
    photo = segdemo.load_image(image) if image else _picture()
    photo = np.asarray(cv2.resize(photo, PHOTO[::-1], interpolation=cv2.INTER_AREA), np.uint8)
    trained = segdemo.load_predictor(checkpoint, engine="torch", precision="fp32")(photo, size="paper")
    with tempfile.TemporaryDirectory() as folder:
        random = segdemo.load_predictor(
            write_random_checkpoint(Path(folder) / "random", "swin-tiny-ade"), engine="torch", precision="fp32"
        )(photo, size="paper")
    return {"trained": at_swin_l_shapes(trained), "random weights": random}


def _picture() -> npt.NDArray[np.uint8]:
    from skimage import data

    return np.asarray(data.rocket(), np.uint8)


def against_the_library(found: dict[str, Prediction], repeats: int) -> Iterator[str]:
    """Rows of the first table, each as soon as it is measured."""
    yield from [
        "| outputs | task | photo | library | ours | ratio | memory, library | memory, ours |",
        "|---|---|---|---|---|---|---|---|",
    ]
    tasks: list[tuple[str, str, float]] = [
        ("semantic", "semantic", 0.0),
        ("panoptic, score over 0.8", "panoptic", 0.8),
        ("panoptic, all queries", "panoptic", 0.0),
    ]
    for size in (PHOTO, LARGE):
        for name, prediction in found.items():
            large = replace(prediction, image_size=size)
            for title, task, threshold in tasks:
                ours: Callable[[], Any] = partial(semantic, large)
                if task != "semantic":
                    ours = partial(panoptic, large, score_threshold=threshold)
                theirs, own = measure(
                    [library(large, task, threshold), ours], repeats if size == PHOTO else max(2, repeats // 3)
                )
                yield (
                    f"| {name} | {title} | {size[1]}x{size[0]} | {_ms(theirs)} | {_ms(own)} "
                    f"| {theirs.seconds / own.seconds:.1f} | {_mb(theirs)} | {_mb(own)} |"
                )


def interactions(prediction: Prediction, repeats: int) -> list[str]:
    """Rows of the second table."""
    small = (SHOWN[0] // 4, SHOWN[1] // 4)
    middle = prediction.num_layers // 2
    readout = planes(prediction, size=small)
    calls: dict[str, Callable[[], Any]] = {
        f"label map of layer {middle}, {SHOWN[1]}x{SHOWN[0]}": lambda: layer_labels(prediction, middle, size=SHOWN),
        f"label maps of all layers, {small[1]}x{small[0]}": lambda: [
            layer_labels(prediction, layer, size=small) for layer in range(prediction.num_layers)
        ],
        f"mask of a query in a layer, {SHOWN[1]}x{SHOWN[0]}": lambda: query_mask(prediction, 0, layer=1, size=SHOWN),
        f"attention of a query, mean of heads, {SHOWN[1]}x{SHOWN[0]}": lambda: attention_map(
            prediction, 3, 0, size=SHOWN
        ),
        "history of a query": lambda: query_history(prediction, 0),
        "list of queries": lambda: query_table(prediction, readout=readout),
        f"read-out planes, {small[1]}x{small[0]}": lambda: planes(prediction, size=small),
        f"margin and entropy, {small[1]}x{small[0]}": lambda: confidence(prediction, size=small),
        "one pixel explained": lambda: explain_pixel(prediction, 100, 100),
    }
    found = measure(list(calls.values()), repeats)
    return ["| what the page asks for | time |", "|---|---|"] + [
        f"| {name} | {_ms(result)} |" for name, result in zip(calls, found, strict=True)
    ]


def _ms(measured: Measured) -> str:
    return f"{measured.seconds * 1000:.1f} ms" if measured.seconds < 1 else f"{measured.seconds:.2f} s"


def _mb(measured: Measured) -> str:
    return "not measured" if measured.megabytes is None else f"{measured.megabytes:.0f} MB"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--checkpoint", help="hub id whose weights are on disk, or a folder; by default the demo's own")
    parser.add_argument("--image", type=Path, help="a photograph; by default one that scikit-image brings")
    parser.add_argument("--repeats", type=int, default=9)
    options = parser.parse_args()
    prepare_process()
    import os

    import torch
    import transformers

    found = predictions(options.checkpoint, options.image)
    versions = f"Python {platform.python_version()}, torch {torch.__version__}, transformers {transformers.__version__}"
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the start; {versions}.\n")
    for row in against_the_library(found, options.repeats):
        print(row, flush=True)
    print()
    print("\n".join(interactions(found["trained"], options.repeats)))


if __name__ == "__main__":
    main()
