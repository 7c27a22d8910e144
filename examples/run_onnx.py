"""Segment a photograph with an exported ONNX file: NumPy, Pillow and onnxruntime, nothing else.

    pip install numpy pillow onnxruntime
    python run_onnx.py FOLDER photo.jpg labels.png

FOLDER is what ``python -m segdemo export --format onnx --out FOLDER`` wrote. ``labels.png`` is an 8-bit picture of the
photograph's own size: each pixel's value is the index of its class in ``config.json``, 255 where there is none. It is
what ``python -m segdemo segment`` writes but where two classes are almost equally probable.
"""

import json
import math
import sys
from pathlib import Path

import numpy as np
import onnxruntime
from PIL import Image, ImageOps

MAX_PIXELS, NONE, ROWS = 40_000_000, 255, 64


def checkpoint_size(height, width, settings):
    """The height and width that the checkpoint's image processor resizes a photograph to."""
    size, divisor = settings["size"], settings.get("size_divisor", 32)
    if "shortest_edge" in size:
        short, longest = size["shortest_edge"], size.get("longest_edge") or math.inf
        target = float(short)
        if max(height, width) / min(height, width) * short > longest:
            target = longest * min(height, width) / max(height, width)
            short = round(target)
        if min(height, width) != short:
            long_side = int(target * max(height, width) / min(height, width))
            height, width = (long_side, short) if width < height else (short, long_side)
    elif "max_height" in size:
        scale = min(size["max_height"] / height, size["max_width"] / width)
        height, width = int(height * scale), int(width * scale)
    else:
        height, width = size["height"], size["width"]
    return tuple(math.ceil(max(side, 1) / divisor) * divisor for side in (height, width))


def load(folder, wanted):
    """The session of the graph whose input size is nearest to the one wanted, and that size."""
    card = json.loads((folder / "parity.json").read_text(encoding="utf-8"))
    if card.get("padded"):
        raise SystemExit("This network wants its photographs padded: use `python -m segdemo segment --model`.")
    there = {(file["height"], file["width"]): file["name"] for file in card["files"]}
    size = wanted
    if (None, None) not in there:  # else the graph takes any size
        size = min(there, key=lambda own: sum(abs(math.log(a / b)) for a, b in zip(own, wanted, strict=True)))
    name = there.get(size) or there[None, None]
    return onnxruntime.InferenceSession(str(folder / name), providers=["CPUExecutionProvider"]), size


def pixel_values(photo, size, settings):
    """The network's input: float32 (1, 3, H, W), normalised as the checkpoint was trained."""
    pixels = np.asarray(photo.resize(size[::-1], Image.Resampling(settings.get("resample", 2))))
    scale = settings.get("rescale_factor", 1 / 255) if settings.get("do_rescale", True) else 1
    table = np.repeat((np.arange(256) * scale).astype(np.float32)[:, None], 3, axis=1)
    if settings.get("do_normalize", True):
        mean, std = settings.get("image_mean", [0.485, 0.456, 0.406]), settings.get("image_std", [0.229, 0.224, 0.225])
        table = (table - np.float32(mean)) / np.float32(std)
    return np.stack([table[pixels[..., channel], channel] for channel in range(3)]).astype(np.float32)[None]


def taps(source, target):
    """Bilinear interpolation along an axis, as a matrix (target, source): half-pixel centres, clamped at the ends."""
    position = np.maximum((np.arange(target) + 0.5) * (source / target) - 0.5, 0)
    lower = np.minimum(position.astype(int), source - 1)
    matrix, rows = np.zeros((target, source), np.float32), np.arange(target)
    matrix[rows, lower] = 1 - (position - lower)
    matrix[rows, np.minimum(lower + 1, source - 1)] += position - lower
    return matrix


def labels(answer, input_size, size, least):
    """The best class of every pixel: uint8 (height, width). Cheng et al., CVPR 2022:

    masks are brought to the input and squashed; a class scores the sum over queries of its probability times the
    mask's; scores are resized to the photograph. A network without queries scores classes itself.
    """
    *queries, maps = (part[0] for part in answer)
    scores = taps(maps.shape[1], input_size[0]) @ maps @ taps(maps.shape[2], input_size[1]).T
    if queries:
        exponentials = np.exp(queries[0] - queries[0].max(axis=1, keepdims=True))
        weights = (exponentials / exponentials.sum(axis=1, keepdims=True))[:, :-1]
        with np.errstate(over="ignore"):
            scores = np.tensordot(weights, 1 / (1 + np.exp(-scores)), axes=(0, 0))
    # A class that wins at no sample of the input wins nowhere between them, but for a hair's breadth.
    classes = np.unique(scores.argmax(axis=0)) if queries or not least else np.arange(len(scores))
    wide, down = scores[classes] @ taps(input_size[1], size[1]).T, taps(input_size[0], size[0])
    result = np.empty(size, np.uint8)
    for start in range(0, size[0], ROWS):
        part = down[start : start + ROWS] @ wide
        best = part.max(axis=0) if queries else 1 / np.exp(part - part.max(axis=0)).sum(axis=0)
        result[start : start + ROWS] = np.where(best < least, NONE, classes[part.argmax(axis=0)])
    return result


def main(folder, source, target):
    """Photograph in, index PNG out."""
    folder = Path(folder)
    settings = json.loads((folder / "preprocessor_config.json").read_text(encoding="utf-8"))
    least = json.loads((folder / "config.json").read_text(encoding="utf-8")).get("segdemo_least_score") or 0
    photo = Image.open(source)
    if photo.width * photo.height > MAX_PIXELS:
        raise SystemExit(f"{source} has more than {MAX_PIXELS / 1e6:g} megapixels: make it smaller.")
    photo = ImageOps.exif_transpose(photo).convert("RGB")
    session, input_size = load(folder, checkpoint_size(photo.height, photo.width, settings))
    answer = session.run(None, {"pixel_values": pixel_values(photo, input_size, settings)})
    found = labels(answer, input_size, (photo.height, photo.width), least)
    Image.fromarray(found).save(target)


if __name__ == "__main__":
    if len(sys.argv) != 4:
        raise SystemExit("Usage: python run_onnx.py FOLDER PHOTO LABELS.png")
    main(*sys.argv[1:])
