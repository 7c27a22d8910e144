"""COCO annotations: instances (polygons and run lengths) and panoptic (PNG and JSON)."""

from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from segdemo.data.classes import category_indices, read_json
from segdemo.data.index import read_picture
from segdemo.data.samples import Sample
from segdemo.errors import MissingExtraError, SegdemoError
from segdemo.training.config import SourceConfig


def entries(source: SourceConfig, data: Any) -> list[dict[str, Any]]:
    """Return the ``images`` entries that the source asks for, in the file's order."""
    if not isinstance(data, dict) or not {"images", "annotations", "categories"} <= set(data):
        raise SegdemoError(f"{source.data} should be a COCO file with images, annotations and categories.")
    return [
        entry
        for entry in data["images"]
        if any(fnmatch(Path(entry["file_name"]).stem, pattern) for pattern in source.include)
        and not any(fnmatch(Path(entry["file_name"]).stem, pattern) for pattern in source.exclude)
    ]


def picture_folder(source: SourceConfig) -> Path:
    """Where the pictures are: as configured, or a folder ``images`` beside the annotations, or right beside them."""
    if source.images is not None:
        return source.images
    beside = annotations(source).parent
    return beside / "images" if (beside / "images").is_dir() else beside


def mask_folder(source: SourceConfig) -> Path:
    """Where the PNGs of a panoptic file are: in the folder of the same name, as COCO has it."""
    return annotations(source).with_suffix("")


def annotations(source: SourceConfig) -> Path:
    """The annotation file of a source."""
    if source.data is None:
        raise SegdemoError(f"A {source.format} source needs `data`, the annotation file.")
    return source.data


def load_instances(source: SourceConfig, labels: dict[int, str]) -> list[Sample]:
    """Read a COCO instances file; every object is a segment, crowds and what is not annotated have no label.

    Where objects overlap, the smaller one is in front.
    """
    data = read_json(annotations(source))
    indices = category_indices(data, labels, annotations(source))
    folder = picture_folder(source)
    grouped = _by_picture(data)
    samples = []
    for entry in entries(source, data):
        image = read_picture(folder / entry["file_name"])
        height, width = image.shape[:2]
        objects = [item for item in grouped.get(entry["id"], []) if not item.get("iscrowd", 0)]
        masks = [(decode(item["segmentation"], height, width), indices[item["category_id"]]) for item in objects]
        masks = sorted((item for item in masks if item[0].any()), key=lambda item: -int(item[0].sum()))
        segments = np.zeros((height, width), np.uint16)
        for number, (mask, _) in enumerate(masks, start=1):
            segments[mask] = number
        samples.append(_compact(entry["file_name"], image, segments, [index for _, index in masks]))
    return samples


def load_panoptic(source: SourceConfig, labels: dict[int, str]) -> list[Sample]:
    """Read a COCO panoptic file; crowds and id 0 have no label."""
    data = read_json(annotations(source))
    indices = category_indices(data, labels, annotations(source))
    folder = picture_folder(source)
    by_picture = {item["image_id"]: item for item in data["annotations"]}
    samples = []
    for entry in entries(source, data):
        annotation = by_picture.get(entry["id"])
        if annotation is None:
            raise SegdemoError(f"{source.data}: {entry['file_name']} has no annotation.")
        image = read_picture(folder / entry["file_name"])
        ids = read_ids(mask_folder(source) / annotation["file_name"])
        segments = np.zeros(ids.shape, np.uint16)
        classes = []
        for item in annotation["segments_info"]:
            if not item.get("iscrowd", 0):
                classes.append(indices[item["category_id"]])
                segments[ids == item["id"]] = len(classes)
        samples.append(_compact(entry["file_name"], image, segments, classes))
    return samples


def decode(segmentation: Any, height: int, width: int) -> npt.NDArray[np.bool_]:
    """Decode polygons, an uncompressed or a compressed run-length mask to bool (height, width)."""
    try:
        from pycocotools import mask as codec
    except ImportError as error:
        raise MissingExtraError("Reading COCO masks", "train") from error
    if isinstance(segmentation, list):
        runs = codec.merge(codec.frPyObjects(segmentation, height, width))
    elif isinstance(segmentation["counts"], list):
        runs = codec.frPyObjects(segmentation, *segmentation["size"])
    else:
        runs = segmentation
    return np.asarray(codec.decode(runs), bool)


def read_ids(path: Path) -> npt.NDArray[np.int64]:
    """Read the segment ids of a panoptic PNG, R + 256 G + 65536 B, as (H, W)."""
    colours = read_picture(path).astype(np.int64)
    return colours[..., 0] + 256 * colours[..., 1] + 65536 * colours[..., 2]


def _by_picture(data: Any) -> dict[int, list[dict[str, Any]]]:
    grouped: dict[int, list[dict[str, Any]]] = {}
    for item in data["annotations"]:
        grouped.setdefault(item["image_id"], []).append(item)
    return grouped


def _compact(name: str, image: npt.NDArray[np.uint8], segments: npt.NDArray[np.uint16], classes: list[int]) -> Sample:
    """Drop the segments that nothing is left of and renumber the others."""
    present = np.unique(segments)
    present = present[present > 0]
    table = np.zeros(len(classes) + 1, np.uint16)
    table[present] = np.arange(1, len(present) + 1)
    kept = np.asarray([classes[number - 1] for number in present], np.int64)
    return Sample(Path(name).stem, image, table[segments], kept)
