"""The same four pictures - a red rectangle on green ground - as people have them on disk."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from segdemo import taxonomy

COUNT = 4
SIZE = (48, 64)
ADE = {entry.index: entry.name for entry in taxonomy.ade20k().classes}
BOX = {0: "box"}


def box(number: int) -> tuple[int, int, int, int]:
    """x, y, width, height of a picture's rectangle."""
    return 6 + 4 * number, 8 + 3 * number, 16, 12


def truth(number: int) -> np.ndarray:
    """(48, 64) bool: where the rectangle is."""
    x, y, w, h = box(number)
    mask = np.zeros(SIZE, bool)
    mask[y : y + h, x : x + w] = True
    return mask


def photo(path: Path, number: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    colours = np.where(truth(number)[..., None], (210, 40, 40), (90, 130, 90)).astype(np.uint8)
    Image.fromarray(colours).save(path)


def index_png(path: Path, values: np.ndarray, *, palette: bool = False) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = Image.fromarray(values.astype(np.uint8))
    if palette:
        picture = Image.new("P", values.shape[::-1])
        picture.putdata(values.ravel().tolist())
        picture.putpalette([(place * 37) % 256 for place in range(768)])
    picture.save(path)


def ids_png(path: Path, ids: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    colours = np.stack([ids % 256, ids // 256 % 256, ids // 65536], axis=-1)
    Image.fromarray(colours.astype(np.uint8)).save(path)


def labels(number: int, ground: int, inside: int, border: int | None = None) -> np.ndarray:
    """A label map, with the rectangle's outermost pixels as ``border``."""
    mask = truth(number)
    values = np.where(mask, inside, ground)
    if border is not None:
        x, y, w, h = box(number)
        edge = mask.copy()
        edge[y + 1 : y + h - 1, x + 1 : x + w - 1] = False
        values[edge] = border
    return values


def dump(path: Path, data: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(data))


def coco_file(path: Path, names: Sequence[str], categories: Sequence[dict[str, Any]] = ()) -> None:
    """Instances with the rectangle as a polygon, of the last category."""
    listed = [*categories, {"id": 3, "name": "box"}]
    images, objects = [], []
    for number, name in enumerate(names):
        x, y, w, h = box(number)
        images.append({"id": number + 1, "file_name": name, "height": SIZE[0], "width": SIZE[1]})
        objects.append(
            {
                "id": number + 1,
                "image_id": number + 1,
                "category_id": 3,
                "iscrowd": 0,
                "bbox": [x, y, w, h],
                "area": w * h,
                "segmentation": [[x, y, x + w, y, x + w, y + h, x, y + h]],
            }
        )
    dump(path, {"info": {}, "licenses": [], "images": images, "annotations": objects, "categories": listed})


def ade20k(root: Path) -> None:
    for part, short in (("training", "train"), ("validation", "val")):
        for number in range(COUNT):
            name = f"ADE_{short}_{number + 1:08d}"
            photo(root / "images" / part / f"{name}.jpg", number)
            index_png(root / "annotations" / part / f"{name}.png", labels(number, 10, 21, border=0))
    (root / "sceneCategories.txt").write_text("ADE_val_00000001 street\n")


def cityscapes(root: Path) -> None:
    for part, city in (("train", "ulm"), ("val", "lindau")):
        for number in range(COUNT):
            name = f"{city}_{number:06d}_000019"
            photo(root / "leftImg8bit" / part / city / f"{name}_leftImg8bit.png", number)
            fine = root / "gtFine" / part / city
            index_png(fine / f"{name}_gtFine_labelIds.png", labels(number, 21, 26, border=4))
            index_png(fine / f"{name}_gtFine_color.png", labels(number, 1, 2))
            instances = labels(number, 21, 26000 + number, border=4)
            Image.fromarray(instances.astype(np.uint16)).save(fine / f"{name}_gtFine_instanceIds.png")


def voc(root: Path) -> None:
    for number in range(COUNT):
        name = f"2007_{number:06d}"
        photo(root / "JPEGImages" / f"{name}.jpg", number)
        index_png(root / "SegmentationClass" / f"{name}.png", labels(number, 0, 7, border=255), palette=True)
        index_png(root / "SegmentationObject" / f"{name}.png", labels(number, 0, 1, border=255), palette=True)
    lists = root / "ImageSets" / "Segmentation"
    lists.mkdir(parents=True)
    (lists / "train.txt").write_text("2007_000000\n2007_000001\n")
    (lists / "val.txt").write_text("2007_000002\n2007_000003\n")
    (lists / "trainval.txt").write_text("2007_000000\n2007_000001\n2007_000002\n2007_000003\n")


CVAT_COLOURS = {"tree": (250, 50, 83), "background": (0, 0, 0), "box": (51, 221, 255)}


def cvat_masks(root: Path) -> None:
    """What CVAT exports as "Segmentation mask 1.1": colours in place of indices, background among the classes."""
    listed = [f"{name}:{','.join(map(str, colour))}::" for name, colour in CVAT_COLOURS.items()]
    (root / "labelmap.txt").write_text("\n".join(["# label:color_rgb:parts:actions", *listed]) + "\n")
    for number in range(COUNT):
        photo(root / "JPEGImages" / f"p{number}.png", number)
        for part, colour in (("SegmentationClass", CVAT_COLOURS["box"]), ("SegmentationObject", (128, 0, 0))):
            path = root / part / f"p{number}.png"
            path.parent.mkdir(exist_ok=True)
            Image.fromarray(np.where(truth(number)[..., None], colour, 0).astype(np.uint8)).save(path)
    lists = root / "ImageSets" / "Segmentation"
    lists.mkdir(parents=True)
    (lists / "default.txt").write_text("".join(f"p{number}\n" for number in range(COUNT)))


def coco(root: Path) -> None:
    for part in ("train2017", "val2017"):
        names = [f"{number:012d}.jpg" for number in range(COUNT)]
        for number, name in enumerate(names):
            photo(root / part / name, number)
        coco_file(root / "annotations" / f"instances_{part}.json", names)
        dump(root / "annotations" / f"captions_{part}.json", {"images": [], "annotations": [{"caption": "a box"}]})


def coco_panoptic(root: Path) -> None:
    images, annotations = [], []
    for number in range(COUNT):
        photo(root / "val2017" / f"{number:012d}.jpg", number)
        ids = np.where(truth(number), 70000, 300)
        ids_png(root / "annotations" / "panoptic_val2017" / f"{number:012d}.png", ids)
        info = [{"id": key, "category_id": kind, "iscrowd": 0} for key, kind in ((300, 184), (70000, 3))]
        images.append({"id": number, "file_name": f"{number:012d}.jpg", "height": SIZE[0], "width": SIZE[1]})
        annotations.append({"image_id": number, "file_name": f"{number:012d}.png", "segments_info": info})
    categories = [{"id": 3, "name": "car", "isthing": 1}, {"id": 184, "name": "tree-merged", "isthing": 0}]
    data = {"images": images, "annotations": annotations, "categories": categories}
    dump(root / "annotations" / "panoptic_val2017.json", data)


def exported(
    pictures: str, file: str, prefix: str = "", categories: Sequence[dict[str, Any]] = ()
) -> Callable[[Path], None]:
    """COCO as a tool writes it: pictures in one folder, the file in another, ``prefix`` before the file names."""

    def write(root: Path) -> None:
        names = [f"p{number:02d}.png" for number in range(COUNT)]
        for number, name in enumerate(names):
            photo(root / pictures / name, number)
        coco_file(root / file, [prefix + name for name in names], categories)

    return write


ROOT = {"id": 0, "name": "boxes", "supercategory": "none"}


def yolo(root: Path) -> None:
    for part in ("train", "val"):
        for number in range(COUNT):
            photo(root / "images" / part / f"{part}{number}.jpg", number)
            x, y, w, h = box(number)
            shares = [x / 64, y / 48, (x + w) / 64, y / 48, (x + w) / 64, (y + h) / 48, x / 64, (y + h) / 48]
            path = root / "labels" / part / f"{part}{number}.txt"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("0 " + " ".join(f"{share:.6f}" for share in shares) + "\n")
    (root / "data.yaml").write_text("path: /datasets/boxes\ntrain: images/train\nval: images/val\nnames:\n  0: box\n")


LAYOUTS: dict[str, Callable[[Path], None]] = {
    "ade20k": ade20k,
    "cityscapes": cityscapes,
    "voc": voc,
    "cvat_masks": cvat_masks,
    "coco": coco,
    "coco_panoptic": coco_panoptic,
    "cvat": exported("images", "annotations/instances_default.json"),
    "cvat_subset": exported("images/train", "annotations/instances_train.json"),
    "fiftyone": exported("data", "labels.json"),
    "roboflow": exported("train", "train/_annotations.coco.json", categories=[ROOT]),
    "supervisely": exported("ds0/img", "ds0/annotations/instances.json"),
    "label_studio": exported("images", "result.json", prefix="images/"),
    "label_studio_windows": exported("images", "result.json", prefix="images\\"),
    "yolo": yolo,
}
"""What writes each layout into a folder."""
