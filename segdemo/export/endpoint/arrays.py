"""From an opened picture to segments: what the image processor, the graph and the paper's procedure do, in NumPy.

Semantic: masks are brought to the input and squashed, a class scores the sum over queries of its probability times
the mask's, scores are resized to the picture. Panoptic: sure queries compete for pixels with score times mask
probability (``semantic_inference`` and ``panoptic_inference`` in ``maskformer_model.py``, Cheng et al., CVPR 2022).
"""

import json
import math
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

Array = np.ndarray[Any, np.dtype[Any]]
Size = tuple[int, int]
"""Height and width in pixels."""
Answer = tuple[Array, ...]
"""Class logits (Q, C + 1) and mask logits (Q, h, w); of a network without queries logits (C, h, w) alone."""
Network = Callable[[Array], Answer]
"""From pixels float32 (1, 3, H, W) to the network's answer."""

NONE = 255
"""The index of a pixel that is of no class."""
_BAND = 8_000_000
"""Values computed at once, which bounds the memory."""
_TINY = float(np.finfo(np.float32).tiny)


def graphs(folder: Path) -> dict[Size | None, Path]:
    """The folder's graphs by the size of their input, none for one of any size, as its parity card lists them."""
    card = json.loads((folder / "parity.json").read_text(encoding="utf-8"))
    return {
        None if file["height"] is None else (int(file["height"]), int(file["width"])): folder / file["name"]
        for file in card["files"]
    }


def network(path: Path) -> Network:
    """Load a graph with the runtime that it is for."""
    if path.suffix == ".onnx":
        import onnxruntime

        session = onnxruntime.InferenceSession(str(path), providers=onnxruntime.get_available_providers())
        return lambda pixels: _first(session.run(None, {session.get_inputs()[0].name: pixels}))
    if path.suffix == ".xml":
        import openvino

        compiled = openvino.Core().compile_model(path, "CPU")

        def infer(pixels: Array) -> Answer:
            found = compiled.create_infer_request().infer([pixels])
            return _first([found[output] for output in compiled.outputs])

        return infer
    import torch

    module = torch.jit.load(str(path))

    def run(pixels: Array) -> Answer:
        with torch.inference_mode():
            found = module(torch.from_numpy(pixels))
        return _first([output.numpy() for output in ([found] if isinstance(found, torch.Tensor) else found)])

    return run


def _first(outputs: Sequence[Array]) -> Answer:
    return tuple(np.asarray(output[0], np.float32) for output in sorted(outputs, key=lambda output: output.ndim))


def checkpoint_size(size: Size, settings: dict[str, Any]) -> Size:
    """The input size that the checkpoint's image processor makes of a picture's."""
    height, width = size
    wanted, divisor = settings["size"], settings.get("size_divisor", 32)
    if "shortest_edge" in wanted:
        short, longest = wanted["shortest_edge"], wanted.get("longest_edge") or math.inf
        target = float(short)
        if max(size) / min(size) * short > longest:
            target = longest * min(size) / max(size)
            short = round(target)
        if min(size) != short:
            long_side = int(target * max(size) / min(size))
            height, width = (long_side, short) if width < height else (short, long_side)
    elif "max_height" in wanted:
        scale = min(wanted["max_height"] / height, wanted["max_width"] / width)
        height, width = int(height * scale), int(width * scale)
    else:
        height, width = wanted["height"], wanted["width"]
    return math.ceil(max(height, 1) / divisor) * divisor, math.ceil(max(width, 1) / divisor) * divisor


def fitting(wanted: Size, there: Collection[Size | None]) -> Size:
    """Of the input sizes that there are graphs for the nearest to the one wanted; that one where any will do."""
    sizes = [size for size in there if size is not None]
    if not sizes:
        return wanted
    return min(sizes, key=lambda own: sum(abs(math.log(a / b)) for a, b in zip(own, wanted, strict=True)))


def pixel_values(photo: Image.Image, size: Size, settings: dict[str, Any]) -> Array:
    """The network's input: float32 (1, 3, H, W), resized and normalised as the checkpoint was trained."""
    resized = photo.resize(size[::-1], Image.Resampling(settings.get("resample", 2)))
    scale = settings.get("rescale_factor", 1 / 255) if settings.get("do_rescale", True) else 1
    table: Array = np.repeat((np.arange(256) * scale).astype(np.float32)[:, None], 3, axis=1)
    if settings.get("do_normalize", True):
        mean, std = settings.get("image_mean", [0.485, 0.456, 0.406]), settings.get("image_std", [0.229, 0.224, 0.225])
        table = (table - np.asarray(mean, np.float32)) / np.asarray(std, np.float32)
    pixels = np.asarray(resized)
    return np.stack([table[pixels[..., channel], channel] for channel in range(3)]).astype(np.float32)[None]


def semantic(classes: Array, masks: Array, input_size: Size, size: Size, least: float) -> tuple[Array, Array]:
    """The best class of every pixel, int (H, W), ``NONE`` where it scores below ``least``, and its probability."""
    weights = _softmax(classes)[:, :-1]
    inside = _sigmoid(_taps(masks.shape[1], input_size[0]) @ masks @ _taps(masks.shape[2], input_size[1]).T)
    scores = np.tensordot(weights, inside, axes=(0, 0))
    # A class that wins at no sample of the input wins nowhere between them, but for a hair's breadth.
    present = np.unique(scores.argmax(axis=0))
    across = _taps(input_size[1], size[1]).T
    wide, total = scores[present] @ across, scores.sum(axis=0) @ across
    labels, probabilities = np.empty(size, np.int64), np.empty(size, np.float32)
    for rows, down in _bands(_taps(input_size[0], size[0]), len(present) * size[1]):
        part = down @ wide
        best = part.max(axis=0)
        labels[rows] = np.where(best < least, NONE, present[part.argmax(axis=0)])
        probabilities[rows] = best / np.maximum(down @ total, _TINY)
    return labels, probabilities


def scored(logits: Array, input_size: Size, size: Size, least: float) -> tuple[Array, Array]:
    """The same of a network without queries: logits go to the input, then to the picture, and the largest wins."""
    inside = _taps(logits.shape[1], input_size[0]) @ logits @ _taps(logits.shape[2], input_size[1]).T
    wide = inside @ _taps(input_size[1], size[1]).T
    labels, probabilities = np.empty(size, np.int64), np.empty(size, np.float32)
    for rows, down in _bands(_taps(input_size[0], size[0]), len(logits) * size[1]):
        part = down @ wide
        probabilities[rows] = 1 / np.exp(part - part.max(axis=0)).sum(axis=0)
        labels[rows] = np.where(probabilities[rows] < least, NONE, part.argmax(axis=0))
    return labels, probabilities


def panoptic(
    classes: Array,
    masks: Array,
    input_size: Size,
    size: Size,
    stuff: Collection[int],
    score_threshold: float,
    mask_threshold: float,
    overlap_threshold: float,
) -> tuple[Array, list[tuple[int, int, float, list[int]]]]:
    """Segment ids int (H, W), 0 = none, and for each id from 1 its class, area, score and queries."""
    probabilities = _softmax(classes)
    best, scores = probabilities.argmax(axis=1), probabilities.max(axis=1)
    queries = np.flatnonzero((best < probabilities.shape[1] - 1) & (scores > score_threshold))
    ids = np.zeros(size, np.int32)
    if not len(queries):
        return ids, []
    with np.errstate(divide="ignore"):
        border = np.float32(np.log(np.float64(mask_threshold)) - np.log1p(-np.float64(mask_threshold)))
    across = _taps(input_size[1], size[1]) @ _taps(masks.shape[2], input_size[1])
    down = _taps(input_size[0], size[0]) @ _taps(masks.shape[1], input_size[0])
    wide = masks[queries] @ across.T
    won, mask, owned = (np.zeros(len(queries), np.int64) for _ in range(3))
    owner = np.full(size, len(queries), np.int32)
    for rows, band in _bands(down, len(queries) * size[1]):
        logits = band @ wide
        inside = logits >= border
        winner = (_sigmoid(logits) * scores[queries, None, None]).argmax(axis=0)
        mask += inside.sum(axis=(1, 2))
        won += np.bincount(winner.ravel(), minlength=len(queries))
        own = np.take_along_axis(inside, winner[None], axis=0)[0]
        owned += np.bincount(winner[own], minlength=len(queries))
        owner[rows] = np.where(own, winner, len(queries))
    segments: list[tuple[int, list[int]]] = []
    fused: dict[int, int] = {}
    lookup = np.zeros(len(queries) + 1, np.int32)
    for place, category in enumerate(best[queries].tolist()):
        if not owned[place] or won[place] < overlap_threshold * mask[place]:
            continue
        if category not in fused:
            segments.append((category, []))
        number = fused.get(category, len(segments))
        if category in stuff:
            fused[category] = number
        segments[number - 1][1].append(place)
        lookup[place] = number
    found = [
        (
            category,
            int(owned[group].sum()),
            float(np.average(scores[queries[group]], weights=owned[group])),
            queries[group].tolist(),
        )
        for category, group in segments
    ]
    return lookup[owner], found


def bounding_boxes(ids: Array) -> dict[int, list[int]]:
    """By id: x, y, width and height of the smallest box around it, in pixels."""
    boxes: dict[int, list[int]] = {}
    for number in np.unique(ids).tolist():
        there = ids == number
        rows, columns = np.flatnonzero(there.any(axis=1)), np.flatnonzero(there.any(axis=0))
        top, left = int(rows[0]), int(columns[0])
        boxes[number] = [left, top, int(columns[-1]) - left + 1, int(rows[-1]) - top + 1]
    return boxes


def _bands(matrix: Array, row_values: int) -> list[tuple[slice, Array]]:
    """Output rows, a few at a time, with their part of an interpolation matrix."""
    step = max(1, _BAND // row_values)
    return [(slice(start, start + step), matrix[start : start + step]) for start in range(0, len(matrix), step)]


def _taps(source: int, target: int) -> Array:
    """Bilinear interpolation along an axis, as a matrix (target, source): half-pixel centres, clamped at the ends."""
    position = np.maximum((np.arange(target) + 0.5) * (source / target) - 0.5, 0)
    lower = np.minimum(position.astype(int), source - 1)
    matrix, rows = np.zeros((target, source), np.float32), np.arange(target)
    matrix[rows, lower] = 1 - (position - lower)
    matrix[rows, np.minimum(lower + 1, source - 1)] += position - lower
    return matrix


def _softmax(logits: Array) -> Array:
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(exponentials / exponentials.sum(axis=1, keepdims=True), np.float32)


def _sigmoid(values: Array) -> Array:
    with np.errstate(over="ignore"):
        return np.asarray(1 / (1 + np.exp(-values)), np.float32)
