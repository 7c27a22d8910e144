"""Pascal VOC as downloaded (Everingham et al., IJCV 2010 and 2015).

``JPEGImages/2007_000032.jpg`` with ``SegmentationClass/2007_000032.png``, an index PNG with a palette: 0 is background,
255 the border around objects, which has no label; ``SegmentationObject`` tells objects apart, the lists in
``ImageSets/Segmentation`` are the splits. Background means: of none of the 20 classes.
"""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from segdemo.data.classes import list_beside, read_classes
from segdemo.data.files import is_dir, is_file, pictures_below, plain_path, read_text, without_suffix
from segdemo.data.labelmaps import LabelMaps
from segdemo.data.listing import DataClass, Found, Picture
from segdemo.data.source import SourceConfig
from segdemo.errors import SegdemoError

LOOKED_FOR = "JPEGImages/ with SegmentationClass/ (Pascal VOC)"
CLASSES = (
    *(
        "background",
        "aeroplane",
        "bicycle",
        "bird",
        "boat",
        "bottle",
        "bus",
        "car",
        "cat",
        "chair",
        "cow",
        "diningtable",
    ),
    *("dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor"),
)


@dataclass
class Voc(LabelMaps):
    """A split of Pascal VOC."""

    title = "Pascal VOC"
    objects: Path | None = None

    def regions(self, picture: Picture) -> Path | None:
        """The picture's PNG in ``SegmentationObject``, where there is one."""
        path = None if self.objects is None else self.objects / f"{picture.name}.png"
        return path if path is not None and is_file(path) else None


def find(source: SourceConfig) -> Found | None:
    """The lists of ``ImageSets/Segmentation``, or all labelled pictures; also at one of the lists."""
    root, asked = source.data, None
    if root.suffix == ".txt" and is_file(root):
        root, asked = source.data.parent.parent.parent, source.data.stem
    labels = source.labels or root / "SegmentationClass"
    if not is_dir(labels) or not any(is_dir(root / name) for name in ("JPEGImages", "SegmentationClass")):
        return None
    lists = sorted((root / "ImageSets" / "Segmentation").glob("*.txt"))
    splits = {path.stem: partial(_listing, source, root, labels, path) for path in lists}
    if asked is not None:
        splits = {asked: partial(_listing, source, root, labels, source.data)}
    whole = None if splits else partial(_listing, source, root, labels, None)
    return Found("voc", Voc.title, splits, whole=whole, divided_by=root / "ImageSets" / "Segmentation")


def _names(listed: Path) -> dict[str, int]:
    """The pictures of a list, the first word of each line, each once and with its line."""
    names: dict[str, int] = {}
    for number, line in enumerate(read_text(listed).splitlines(), 1):
        name = next(iter(line.split()), "")
        if plain_path(name) != name or "\0" in name:
            raise SegdemoError(f"{listed}: line {number} should begin with the name of a picture.")
        if name:
            names.setdefault(name, number)
    return names


def _label_map(path: Path) -> list[str]:
    """The classes of CVAT's ``labelmap.txt``: ``name:colour:parts:actions`` a line, the first is index 0."""
    lines = [line.strip() for line in read_text(path).splitlines()]
    names = [line.split(":")[0] for line in lines if line and not line.startswith("#")]
    if not all(names) or not names or len(set(names)) < len(names):
        raise SegdemoError(f"{path} should begin every line with the name of a class, each once.")
    return names


def _listing(source: SourceConfig, root: Path, labels: Path, listed: Path | None) -> Voc:
    lines = _names(listed) if listed else {}
    names = list(lines) if listed else [without_suffix(path) for path in pictures_below(labels, [".png"])]
    images = source.images or root / "JPEGImages"
    there = {without_suffix(path): path for path in reversed(pictures_below(images))}
    if names and not any(name in there for name in names):
        what = f"that {listed} lists" if listed else f"of {labels}"
        first = f"line {lines[names[0]]} is {names[0]:.60}" if listed else f"there is no {names[0]:.60}"
        raise SegdemoError(f"The pictures {what} were not found in {images}: {first}. Name their folder with --images.")
    objects = root / "SegmentationObject"
    class_list = source.classes or list_beside(root)
    own = list(read_classes(class_list).values() if class_list is not None else CLASSES)
    if class_list is None and is_file(root / "labelmap.txt"):
        class_list = root / "labelmap.txt"
        own = _label_map(class_list)
    return Voc(
        where=source.data,
        split=listed.stem if listed is not None else None,
        pictures=tuple(
            Picture(name, images / there.get(name, f"{name}.jpg"), labels / f"{name}.png") for name in names
        ),
        classes=tuple(DataClass(name, name != "background") for name in own),
        background=0 if own[0] == "background" else None,
        class_list=class_list,
        picture_list=listed,
        objects=objects if is_dir(objects) else None,
    )
