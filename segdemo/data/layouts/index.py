"""Photographs with index PNGs: ``images/``, ``labels/``, perhaps ``regions/``, ``split.json`` and a class list."""

import os
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from segdemo.data.classes import list_beside, read_classes
from segdemo.data.files import is_dir, is_file, pictures_below, read_json, unique_names
from segdemo.data.formats import NAMES, checked
from segdemo.data.labelmaps import LabelMaps
from segdemo.data.listing import DataClass, Found, Picture
from segdemo.data.source import SourceConfig
from segdemo.errors import SegdemoError

LOOKED_FOR = "images/ with labels/ of index PNGs"


@dataclass
class IndexFolder(LabelMaps):
    """A folder of index PNGs."""

    title = "Index PNGs"
    region_folder: Path | None = None

    def regions(self, picture: Picture) -> Path | None:
        """The PNG in ``regions/`` that is called like the picture, where there is one."""
        path = None if self.region_folder is None else self.region_folder / f"{picture.name}.png"
        return path if path is not None and is_file(path) else None


def find(source: SourceConfig) -> Found | None:
    """The splits of a folder of index PNGs: those of ``split.json``, or else all pictures as one."""
    images = source.images or source.data / "images"
    labels = source.labels or source.data / "labels"
    if not (is_dir(images) and is_dir(labels)) or _has_text(labels):
        return None
    listed = _splits(source.data / "split.json")

    def part(split: str) -> IndexFolder:
        return _listing(source, images, labels, split, listed[split])

    splits = {split: partial(part, split) for split in listed}
    whole = partial(_listing, source, images, labels, None, None)
    return Found("index", IndexFolder.title, splits, whole=whole, divided_by=source.data / "split.json")


def _has_text(labels: Path) -> bool:
    """Whether labels are text, as Ultralytics has them."""
    return not any(labels.rglob("*.png")) and any(labels.rglob("*.txt"))


def _listing(
    source: SourceConfig, images: Path, labels: Path, split: str | None, listed: list[str] | None
) -> IndexFolder:
    relative = pictures_below(images)
    names = unique_names(relative)
    found = {
        name: Picture(name, images / path, labels / f"{name}.png") for name, path in zip(names, relative, strict=True)
    }
    faults = []
    if listed is not None:
        found.update({path: found[name] for name, path in zip(names, relative, strict=True)})
        missing = [name for name in listed if name not in found]
        faults = [
            f"{source.data / 'split.json'} lists {name} in {split!r}, but {images} has no such picture."
            for name in missing
        ]
        names = sorted({found[name].name for name in listed if name in found})
    class_list = source.classes or list_beside(source.data)
    classes = {} if class_list is None else read_classes(class_list)
    regions = source.data / "regions"
    return IndexFolder(
        where=source.data,
        split=split,
        pictures=tuple(found[name] for name in names),
        classes=tuple(DataClass(name) for name in classes.values()),
        faults=faults,
        class_list=class_list,
        picture_list=None if listed is None else source.data / "split.json",
        reduced=source.reduce_labels,
        region_folder=regions if is_dir(regions) else None,
    )


def _splits(path: Path) -> dict[str, list[str]]:
    if not os.path.lexists(path):
        return {}
    lists = read_json(path)
    if not isinstance(lists, dict):
        raise SegdemoError(f"{path} should be a JSON object of lists of names.")
    return {
        name: checked(NAMES, value, path, name if name.isidentifier() else repr(name)) for name, value in lists.items()
    }
