"""Tiny labelled pictures in every format: a sky over grass, with red boxes as objects."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

CLASSES = ("sky", "grass", "box")
SIZE = (48, 64)


@dataclass(frozen=True)
class Picture:
    image: np.ndarray
    labels: np.ndarray
    regions: np.ndarray
    boxes: list[tuple[int, int, int, int]]


def draw(seed: int) -> Picture:
    """One picture with exact labels: class 0 above, 1 below, two boxes of class 2, one unlabelled corner."""
    rng = np.random.default_rng(seed)
    height, width = SIZE
    image = np.empty((height, width, 3), np.uint8)
    image[: height // 2], image[height // 2 :] = (120, 170, 230), (70, 140, 60)
    labels = np.zeros(SIZE, np.uint8)
    labels[height // 2 :] = 1
    regions = np.zeros(SIZE, np.uint8)
    boxes = []
    for number in (1, 2):
        x = int(rng.integers(2, 14)) + 32 * (number - 1)
        y = int(rng.integers(8, 24))
        image[y : y + 16, x : x + 14] = (200, 40, 40)
        labels[y : y + 16, x : x + 14] = 2
        regions[y : y + 16, x : x + 14] = number
        boxes.append((x, y, 14, 16))
    labels[:3, :3] = 255
    noise = rng.normal(0, 6, image.shape)
    return Picture(np.clip(image + noise, 0, 255).astype(np.uint8), labels, regions, boxes)


@pytest.fixture
def pictures() -> list[Picture]:
    return [draw(seed) for seed in range(4)]


@pytest.fixture
def index_data(tmp_path: Path, pictures: list[Picture]) -> Path:
    folder = tmp_path / "index"
    for name in ("images", "labels", "regions"):
        (folder / name).mkdir(parents=True)
    (folder / "classes.txt").write_text("\n".join(CLASSES) + "\n")
    for number, picture in enumerate(pictures):
        Image.fromarray(picture.image).save(folder / "images" / f"p{number}.png")
        Image.fromarray(picture.labels).save(folder / "labels" / f"p{number}.png")
        Image.fromarray(picture.regions).save(folder / "regions" / f"p{number}.png")
    return folder


@pytest.fixture
def coco_data(tmp_path: Path, pictures: list[Picture]) -> Path:
    """Instances: the first box of a picture as a polygon, the second as an uncompressed run-length mask."""
    folder = tmp_path / "coco"
    (folder / "images").mkdir(parents=True)
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for number, picture in enumerate(pictures):
        Image.fromarray(picture.image).save(folder / "images" / f"p{number}.png")
        images.append({"id": number, "file_name": f"p{number}.png", "height": SIZE[0], "width": SIZE[1]})
        (x, y, w, h), _ = picture.boxes
        polygon = [x, y, x + w, y, x + w, y + h, x, y + h]
        shapes = ([[float(value) for value in polygon]], run_lengths(picture.regions == 2))
        for shape in shapes:
            annotations.append(
                {"id": len(annotations) + 1, "image_id": number, "category_id": 7, "iscrowd": 0, "segmentation": shape}
            )
    path = folder / "instances.json"
    categories = [{"id": 7, "name": "box"}, {"id": 3, "name": "ball"}]
    path.write_text(json.dumps({"images": images, "annotations": annotations, "categories": categories}))
    return path


@pytest.fixture
def panoptic_data(tmp_path: Path, pictures: list[Picture]) -> Path:
    folder = tmp_path / "panoptic"
    (folder / "images").mkdir(parents=True)
    (folder / "all").mkdir()
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for number, picture in enumerate(pictures):
        Image.fromarray(picture.image).save(folder / "images" / f"p{number}.png")
        images.append({"id": number, "file_name": f"p{number}.png", "height": SIZE[0], "width": SIZE[1]})
        ids = np.where(
            picture.labels == 2, 1000 * picture.regions.astype(np.int64), picture.labels.astype(np.int64) + 1
        )
        ids[picture.labels == 255] = 0
        colours = np.stack([ids % 256, ids // 256 % 256, ids // 65536], axis=-1).astype(np.uint8)
        Image.fromarray(colours).save(folder / "all" / f"p{number}.png")
        kinds = {1: 0, 2: 1, 1000: 2, 2000: 2}
        info = [{"id": key, "category_id": kind, "iscrowd": 0} for key, kind in kinds.items()]
        annotations.append({"image_id": number, "file_name": f"p{number}.png", "segments_info": info})
    categories = [{"id": index, "name": name, "isthing": int(index == 2)} for index, name in enumerate(CLASSES)]
    path = folder / "all.json"
    path.write_text(json.dumps({"images": images, "annotations": annotations, "categories": categories}))
    return path


def run_lengths(mask: np.ndarray) -> dict[str, object]:
    """COCO's uncompressed run-length code: columns first, beginning with the zeros."""
    flat = mask.ravel(order="F").astype(int)
    edges = np.flatnonzero(np.diff(flat)) + 1
    counts = np.diff(np.concatenate([[0], edges, [len(flat)]])).tolist()
    return {"size": list(mask.shape), "counts": ([0, *counts] if flat[0] else counts)}
