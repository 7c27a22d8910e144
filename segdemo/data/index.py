"""Folders of photographs with index-PNG masks: ``images/``, ``labels/``, optionally ``regions/`` and ``split.json``."""

import json
from fnmatch import fnmatch
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from segdemo.data.samples import IGNORE, Sample, split_segments
from segdemo.errors import SegdemoError
from segdemo.training.config import SourceConfig

PICTURES = (".jpg", ".jpeg", ".png", ".webp", ".bmp")


def pairs(source: SourceConfig) -> list[tuple[str, Path, Path]]:
    """Return (name, picture, mask) of every picture the source asks for, sorted by name."""
    folder = _folder(source)
    images = folder / "images"
    labels = folder / "labels"
    for wanted in (images, labels):
        if not wanted.is_dir():
            raise SegdemoError(f"{folder} should have a folder {wanted.name!r} with one file for each photograph.")
    found = {path.stem: path for path in sorted(images.iterdir()) if path.suffix.lower() in PICTURES}
    names = list(found)
    if source.split is not None:
        listed = folder / "split.json"
        try:
            names = json.loads(listed.read_text(encoding="utf-8"))[source.split]
        except (OSError, ValueError, KeyError) as error:
            raise SegdemoError(f"{listed} should be a JSON object with a list {source.split!r} of names.") from error
    chosen = [
        name
        for name in sorted(names)
        if any(fnmatch(name, pattern) for pattern in source.include)
        and not any(fnmatch(name, pattern) for pattern in source.exclude)
    ]
    return [(name, found.get(name, images / name), labels / f"{name}.png") for name in chosen]


def load(source: SourceConfig, things: frozenset[int]) -> list[Sample]:
    """Decode every picture of the source; objects come from ``regions/`` where there is one for the picture."""
    regions = _folder(source) / "regions"
    samples = []
    for name, picture, mask in pairs(source):
        labels = read_mask(mask, reduce_labels=source.reduce_labels)
        region = regions / f"{name}.png"
        ids = cv2.imread(str(region), cv2.IMREAD_UNCHANGED) if region.exists() else None
        segments, classes = split_segments(labels, things, regions=ids)
        samples.append(Sample(name, read_picture(picture), segments, classes))
    return samples


def read_picture(path: Path) -> npt.NDArray[np.uint8]:
    """Decode a picture to (H, W, 3) RGB; raises ``SegdemoError`` naming the file."""
    decoded = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if decoded is None:
        raise SegdemoError(f"{path} cannot be read as a picture.")
    return np.asarray(cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB), np.uint8)


def read_mask(path: Path, *, reduce_labels: bool = False) -> npt.NDArray[np.uint8]:
    """Decode an index PNG to (H, W) class indices, 255 where there is no label."""
    labels = read_values(path).astype(np.int64)
    if reduce_labels:
        labels = np.where((labels == 0) | (labels == IGNORE), IGNORE, labels - 1)
    return np.clip(labels, 0, IGNORE).astype(np.uint8)


def read_values(path: Path) -> npt.NDArray[np.integer]:
    """Decode an index PNG to the (H, W) values it stores; raises ``SegdemoError`` naming the file."""
    # Pillow keeps the indices of palette PNGs, which OpenCV would turn into colours.
    try:
        with Image.open(path) as file:
            values = np.asarray(file)
    except (OSError, UnidentifiedImageError) as error:
        raise SegdemoError(f"{path} cannot be read as a mask.") from error
    if values.ndim != 2 or not (np.issubdtype(values.dtype, np.integer) or values.dtype == np.bool_):
        raise SegdemoError(f"{path} is not an index PNG: it should have one channel of class indices.")
    return values


def _folder(source: SourceConfig) -> Path:
    if source.data is None:
        raise SegdemoError("A source of index PNGs needs `data`, the folder that holds images/ and labels/.")
    return source.data
