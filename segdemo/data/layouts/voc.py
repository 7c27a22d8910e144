"""Pascal VOC as downloaded (Everingham et al., IJCV 2010 and 2015).

``JPEGImages/2007_000032.jpg`` with ``SegmentationClass/2007_000032.png``, an index PNG with a palette: 0 is background,
255 the border around objects, which has no label; ``SegmentationObject`` tells objects apart, the lists in
``ImageSets/Segmentation`` are the splits. Background means: of none of the 20 classes.

CVAT's "Segmentation mask 1.1" is laid out alike, with PNGs in the colours of its ``labelmap.txt``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from segdemo.data.classes import list_beside, read_classes
from segdemo.data.files import is_dir, is_file, pictures_below, plain_path, read_text, without_suffix
from segdemo.data.labelmaps import LabelMaps, read_values
from segdemo.data.listing import DataClass, Found, Picture
from segdemo.data.source import SourceConfig
from segdemo.errors import SegdemoError
from segdemo.prediction import Size

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


@dataclass(frozen=True)
class LabelMap:
    """CVAT's ``labelmap.txt``: ``name:red,green,blue:parts:actions`` a line, the first is index 0."""

    path: Path
    colours: Mapping[str, int | None]
    """Red + 256 green + 65536 blue of each class, none where its line has no colour."""
    lines: Mapping[str, int]
    """The line of each class."""

    def indices(self, classes: Sequence[str]) -> dict[int, int]:
        """The index among ``classes`` that each colour stands for.

        Raises ``SegdemoError`` where two of them have the same.
        """
        found: dict[int, int] = {}
        for name, colour in self.colours.items():
            if colour is None or name not in classes:
                continue
            index = classes.index(name)
            if found.setdefault(colour, index) != index:
                one, other = self.lines[classes[found[colour]]], self.lines[name]
                raise SegdemoError(f"{self.path}: line {one} and line {other} have the same colour.")
        return found


@dataclass
class Voc(LabelMaps):
    """A split of Pascal VOC."""

    title = "Pascal VOC"
    objects: Path | None = None
    label_map: LabelMap | None = None
    """The colours of the classes, where there are some."""

    def values(self, path: Path, size: Size) -> npt.NDArray[np.int32]:
        """Class indices: as the PNG stores them, or by its colours."""
        if self.label_map is None:
            return super().values(path, size)
        values = read_values(path, size)
        if values.ndim == 2:
            return np.asarray(values, np.int32)
        table = self.label_map.indices([entry.name for entry in self.classes])
        packed = np.asarray(values @ np.array([1, 256, 65536], np.int32), np.int32)
        known = np.array(sorted(table), np.int32)
        places = np.searchsorted(known, packed).clip(max=max(len(known) - 1, 0))
        strange = np.unique(packed[known[places] != packed] if table else packed).tolist()
        if strange:
            shown = "; ".join(f"{colour % 256},{colour // 256 % 256},{colour // 65536}" for colour in strange[:3])
            many = "s" if len(strange) > 1 else ""
            bare = [self.label_map.lines[name] for name, colour in self.label_map.colours.items() if colour is None]
            raise SegdemoError(
                f"{path} has the colour{many} {shown}{' and others' if len(strange) > 3 else ''}, which "
                f"{self.label_map.path} gives to no class{f' (line {bare[0]} has no colour)' if bare else ''}."
            )
        return np.array([table[colour] for colour in sorted(table)], np.int32)[places]

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


def _label_map(path: Path) -> LabelMap:
    """Read ``labelmap.txt``."""
    colours: dict[str, int | None] = {}
    lines: dict[str, int] = {}
    for number, line in enumerate(read_text(path).splitlines(), 1):
        name, _, rest = line.strip().partition(":")
        if not line.strip() or line.strip().startswith("#"):
            continue
        if not name or "\0" in name or name in lines:
            raise SegdemoError(
                f"{path} should begin every line with the name of a class, each once: see line {number}."
            )
        colours[name] = _colour(rest.partition(":")[0], f"{path}: line {number}")
        lines[name] = number
    if not lines:
        raise SegdemoError(f"{path} lists no classes.")
    return LabelMap(path, colours, lines)


def _colour(text: str, line: str) -> int | None:
    """A colour "red,green,blue" as one number, none where there is no text."""
    if not text.strip():
        return None
    parts = [int(part) if part.strip().isdecimal() and len(part) < 9 else 256 for part in text.split(",")]
    if len(parts) != 3 or max(parts) > 255:
        raise SegdemoError(f"{line} should be name:red,green,blue:parts:actions, with colours from 0 to 255.")
    return parts[0] + 256 * parts[1] + 65536 * parts[2]


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
    label_map = _label_map(root / "labelmap.txt") if is_file(root / "labelmap.txt") else None
    if class_list is None and label_map is not None:
        class_list = label_map.path
        own = list(label_map.lines)
    return Voc(
        where=source.data,
        split=listed.stem if listed is not None else None,
        pictures=tuple(
            Picture(name, images / there.get(name, f"{name}.jpg"), labels / f"{name}.png") for name in names
        ),
        classes=tuple(DataClass(name, name != "background") for name in own),
        background=own.index("background") if "background" in own else None,
        class_list=class_list,
        picture_list=listed,
        objects=objects if is_dir(objects) else None,
        label_map=label_map,
    )
