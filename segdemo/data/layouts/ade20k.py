"""ADE20K as its scene parsing benchmark is downloaded (``ADEChallengeData2016``).

``images/training/ADE_train_00000001.jpg`` with ``annotations/training/ADE_train_00000001.png``, and ``validation``
alike. A label is the class index plus one; 0 is none. Zhou et al.: "Scene Parsing through ADE20K Dataset", CVPR 2017.
"""

from functools import partial
from pathlib import Path

from segdemo.data.classes import list_beside, read_classes
from segdemo.data.files import is_dir, pictures_below, unique_names
from segdemo.data.labelmaps import LabelMaps
from segdemo.data.listing import DataClass, Found, Picture
from segdemo.data.source import SourceConfig
from segdemo.errors import SegdemoError
from segdemo.taxonomy import ade20k

LOOKED_FOR = "annotations/training or annotations/validation with PNGs (ADE20K)"
SPLITS = ("training", "validation")


class Ade20k(LabelMaps):
    """A split of ADE20K."""

    title = "ADE20K"


def find(source: SourceConfig) -> Found | None:
    """The splits that there are labels of."""
    labels = source.labels or source.data / "annotations"
    there = [split for split in SPLITS if is_dir(labels / split)]
    if not any(next((labels / split).glob("*.png"), None) for split in there):
        return None
    return Found("ade20k", Ade20k.title, {split: partial(_listing, source, labels, split) for split in there})


def _listing(source: SourceConfig, labels: Path, split: str) -> Ade20k:
    images = source.images or source.data / "images"
    folder = images / split if is_dir(images / split) else images
    relative = pictures_below(folder) if is_dir(folder) else []
    if not relative:
        raise SegdemoError(
            f"The pictures of {labels / split} were not found in {folder}: name their folder with --images."
        )
    # Classes that the folder lists itself come first: subsets renumber them.
    listed = source.classes or list_beside(source.data)
    names = read_classes(listed).values() if listed else [entry.name for entry in ade20k().classes]
    return Ade20k(
        where=source.data,
        split=split,
        pictures=tuple(
            Picture(name, folder / path, labels / split / f"{name}.png")
            for name, path in zip(unique_names(relative), relative, strict=True)
        ),
        classes=tuple(DataClass(name) for name in names),
        class_list=listed,
        reduced=True,
    )
