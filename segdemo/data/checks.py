"""What can be wrong with training data, found before the training starts, each fault with its file."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, UnidentifiedImageError

from segdemo.data import coco, index
from segdemo.data.classes import category_indices, read_json
from segdemo.data.samples import IGNORE
from segdemo.errors import SegdemoError
from segdemo.training.config import RunConfig, SourceConfig

SHOWN = 20
"""Faults listed in the error; the number of the others follows."""


def check_run(config: RunConfig, labels: dict[int, str]) -> None:
    """Raise ``SegdemoError`` listing every fault of every source and validation source."""
    faults = []
    for name, source in (*config.sources.items(), *((f"validation {k}", v) for k, v in config.validation.items())):
        faults += [f"{name}: {fault}" for fault in check_source(source, labels)]
    if faults:
        more = f"\n... and {len(faults) - SHOWN} more" if len(faults) > SHOWN else ""
        raise SegdemoError("The data cannot be trained on as it is:\n" + "\n".join(faults[:SHOWN]) + more)


def check_source(source: SourceConfig, labels: dict[int, str]) -> list[str]:
    """Return one sentence for every fault of a source, naming the file: an empty list means it can be trained on."""
    checks: dict[str, Callable[[SourceConfig, dict[int, str]], Iterator[str]]] = {
        "index": _check_index,
        "coco": _check_coco,
        "panoptic": _check_panoptic,
        "scenes": _check_scenes,
    }
    try:
        return list(checks[source.format](source, labels))
    except SegdemoError as error:
        return [str(error)]


def _check_index(source: SourceConfig, labels: dict[int, str]) -> Iterator[str]:
    pairs = index.pairs(source)
    if not pairs:
        split = f" in the split {source.split!r}" if source.split else ""
        yield f"{source.data} has no pictures{split} that match {', '.join(source.include)}."
    binary = []
    for _, picture, mask in pairs:
        size, fault = _picture_size(picture)
        if fault:
            yield fault
            continue
        if not mask.is_file():
            yield f"{picture} has no mask: {mask} is missing."
            continue
        try:
            values = index.read_values(mask)
        except SegdemoError as error:
            yield str(error)
            continue
        if values.shape != size:
            yield f"{mask} is {values.shape[1]}x{values.shape[0]}, but its picture is {size[1]}x{size[0]}."
        found = {int(value) for value in np.unique(values)}
        if found == {0, IGNORE} and not source.reduce_labels and len(labels) > 1:
            binary.append(mask)
        first = 1 if source.reduce_labels else 0
        known = {label + first for label in labels} | {IGNORE} | ({0} if source.reduce_labels else set())
        if found - known:
            yield f"{mask} has the values {_listed(found - known)}, which are not in the list of {len(labels)} classes."
    # A single such mask can be a picture of class 0 with unlabelled rest; when all are, 255 was meant as a class.
    if binary and len(binary) == len(pairs):
        yield from (
            f"{mask} is a binary mask of 0 and 255, but 255 means no label: write the class index instead of 255."
            for mask in binary
        )


def _check_coco(source: SourceConfig, labels: dict[int, str]) -> Iterator[str]:
    path = coco.annotations(source)
    data = read_json(path)
    entries = coco.entries(source, data)
    if not entries:
        yield f"{path} has no pictures that match {', '.join(source.include)}."
    indices = category_indices(data, labels, path)
    sizes = {}
    for entry in entries:
        size, fault = _picture_size(coco.picture_folder(source) / entry["file_name"])
        if fault:
            yield fault
            continue
        sizes[entry["id"]] = (entry["file_name"], size)
        yield from _entry_size(entry, size, path)
    for item in data["annotations"]:
        if item["image_id"] not in sizes:
            continue
        name, size = sizes[item["image_id"]]
        if item["category_id"] not in indices:
            yield f"{path}: object {item['id']} of {name} has the unknown category {item['category_id']}."
        yield from _object_mask(item, name, size, path)
    if entries and not any(item["image_id"] in sizes for item in data["annotations"]):
        yield f"{path} has no objects on its pictures."


def _object_mask(item: dict[str, Any], name: str, size: tuple[int, int], path: Path) -> Iterator[str]:
    try:
        mask = coco.decode(item["segmentation"], *size)
    except SegdemoError:
        raise
    except Exception as error:  # the codec raises whatever its C code runs into
        yield f"{path}: the mask of object {item.get('id')} of {name} cannot be decoded ({error})."
        return
    if mask.shape != size:
        yield f"{path}: the mask of object {item.get('id')} is {mask.shape[1]}x{mask.shape[0]}, but {name} is not."


def _check_panoptic(source: SourceConfig, labels: dict[int, str]) -> Iterator[str]:
    path = coco.annotations(source)
    data = read_json(path)
    entries = coco.entries(source, data)
    if not entries:
        yield f"{path} has no pictures that match {', '.join(source.include)}."
    indices = category_indices(data, labels, path)
    by_picture = {item["image_id"]: item for item in data["annotations"]}
    for entry in entries:
        size, fault = _picture_size(coco.picture_folder(source) / entry["file_name"])
        if fault:
            yield fault
            continue
        if entry["id"] not in by_picture:
            yield f"{path}: {entry['file_name']} has no annotation."
            continue
        item = by_picture[entry["id"]]
        png = coco.mask_folder(source) / item["file_name"]
        try:
            ids = coco.read_ids(png)
        except SegdemoError as error:
            yield str(error)
            continue
        if ids.shape != size:
            yield f"{png} is {ids.shape[1]}x{ids.shape[0]}, but its picture is {size[1]}x{size[0]}."
        listed = {int(info["id"]) for info in item["segments_info"]}
        unlisted = {int(value) for value in np.unique(ids)} - listed - {0}
        if unlisted:
            yield f"{png} has the segment ids {_listed(unlisted)}, which {path} does not describe."
        for info in item["segments_info"]:
            if info["category_id"] not in indices:
                yield f"{path}: a segment of {entry['file_name']} has the unknown category {info['category_id']}."


def _check_scenes(source: SourceConfig, labels: dict[int, str]) -> Iterator[str]:
    from scenes import KINDS
    from segdemo.taxonomy import ade20k

    unknown = [kind for kind in source.kinds if kind not in KINDS]
    if unknown:
        yield f"There is no scene of kind {unknown[0]!r}: choose among {', '.join(KINDS)}."
    if [labels.get(entry.index) for entry in ade20k().classes] != [entry.name for entry in ade20k().classes]:
        yield "Generated scenes have ADE20K's 150 classes: they cannot be mixed with another class list."


def _entry_size(entry: dict[str, Any], size: tuple[int, int], path: Path) -> Iterator[str]:
    stated = (entry.get("height", size[0]), entry.get("width", size[1]))
    if stated != size:
        name = entry["file_name"]
        yield f"{path} says that {name} is {stated[1]}x{stated[0]}, but it is {size[1]}x{size[0]}."


def _picture_size(path: Path) -> tuple[tuple[int, int], str]:
    """Return (height, width) and no fault, or the fault."""
    try:
        with Image.open(path) as file:
            file.load()
            return (file.height, file.width), ""
    except FileNotFoundError:
        return (0, 0), f"{path} is missing."
    except (OSError, UnidentifiedImageError, Image.DecompressionBombError):
        return (0, 0), f"{path} cannot be read as a picture."


def _listed(values: set[int]) -> str:
    ordered = sorted(values)
    return ", ".join(map(str, ordered[:5])) + (" and others" if len(ordered) > 5 else "")
