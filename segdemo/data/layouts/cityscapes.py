"""Cityscapes as downloaded (Cordts et al., CVPR 2016).

``gtFine/val/lindau/lindau_000000_000019_gtFine_labelIds.png`` with ``leftImg8bit/val/lindau/..._leftImg8bit.png``.
Labels are label ids, or train ids in ``_labelTrainIds.png``; ``_instanceIds.png`` has 1000 times the label id plus the
object's number, or the label id alone for what has no objects and for a group that was not told apart
(cityscapesScripts, ``json2instanceImg.py``). ``gtCoarse`` is laid out alike.
"""

from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from segdemo.class_tables import CITYSCAPES
from segdemo.data.files import is_dir, is_file
from segdemo.data.labelmaps import LabelMaps, read_regions, split
from segdemo.data.listing import DataClass, Found, Picture, Truth, View
from segdemo.data.source import SourceConfig
from segdemo.errors import SegdemoError
from segdemo.labels import VOID
from segdemo.prediction import Size

LOOKED_FOR = "gtFine/ with *_labelIds.png (Cityscapes)"
CLASSES = tuple(CITYSCAPES)
"""In the order of the train ids."""
LABEL_IDS = tuple(number for number, _ in CITYSCAPES.values())
"""The label id of each train id; the other ids to 33 are void, in training and in evaluation."""
FIRST_THING = 11
KINDS = ("gtFine", "gtCoarse")


class Cityscapes(LabelMaps):
    """A split of Cityscapes."""

    title = "Cityscapes"

    def regions(self, picture: Picture) -> Path | None:
        """The picture's ``_instanceIds.png``, where there is one."""
        path: Path = picture.key
        stem = path.name.removesuffix("_labelIds.png").removesuffix("_labelTrainIds.png")
        ids = path.with_name(f"{stem}_instanceIds.png")
        return ids if is_file(ids) else None

    def truth(self, picture: Picture, size: Size, view: View) -> Truth:
        """Read labels and objects; groups are crowds.

        Raises ``SegdemoError`` where the objects are not those of the labels.
        """
        own = self.labels(picture, size, View.own(self.classes))
        labels = np.append(view.table, VOID)[own]
        path = self.regions(picture)
        if path is None:
            return split(labels, view, None, picture.key)
        ids = read_regions(path, size)
        _compare(own, ids, path, picture.key)
        if not view.things:
            return split(labels, view, None, picture.key)
        found = split(labels, view, ids, picture.key)
        group = np.zeros(len(found.classes) + 1, bool)
        group[np.unique(found.segments[ids < 1000])] = True
        crowd = group[1:] & np.isin(found.classes, list(view.things))
        return Truth(found.segments, found.classes, crowd if crowd.any() else None)

    def check(self, picture: Picture, size: Size) -> None:
        """Nothing more: ``truth`` reads the objects in any case."""


def _compare(own: npt.NDArray[np.int64], ids: npt.NDArray[np.int32], path: Path, labels: Path) -> None:
    """Raise ``SegdemoError`` where ids (H, W) do not fit the classes ``own`` (H, W) of the labels.

    An object's id begins with the label id of its class, and what is of a thing class is an object or a group of it.
    What is neither in the ids nor in the labels an object may differ: it has no part in what is read.
    """
    table = np.full(34, VOID, np.int64)
    table[list(LABEL_IDS)] = range(len(CLASSES))
    base = np.where(ids < 1000, ids, ids // 1000)
    wrong = ((own >= FIRST_THING) | (ids >= 1000)) & ((base > 33) | (table[base.clip(0, 33)] != own))
    if wrong.any():
        y, x = (int(place) for place in np.argwhere(wrong)[0])
        index = int(own[y, x])
        expected = (
            f"is {CLASSES[index]}: {LABEL_IDS[index]}" if index != VOID else "has no label there: not 1000 or more"
        )
        if index >= FIRST_THING:
            expected += f" for a group, {LABEL_IDS[index]}000 to {LABEL_IDS[index]}999 for an object"
        raise SegdemoError(
            f"{path} does not fit {labels} in {int(wrong.sum())} pixels: that at x {x}, y {y} has the id {ids[y, x]}, "
            f"but it {expected}."
        )


def find(source: SourceConfig) -> Found | None:
    """The splits that there are labels of, at the data set's folder or at ``gtFine`` itself."""
    places = [source.labels] if source.labels else [*(source.data / kind for kind in KINDS), source.data]
    for labels in places:
        splits = [
            split.name
            for split in (sorted(labels.iterdir()) if is_dir(labels) else [])
            if is_dir(split) and _label_files(split)
        ]
        if splits:
            return Found(
                "cityscapes",
                Cityscapes.title,
                {split: partial(_listing, source, labels, split) for split in splits},
            )
    return None


def _label_files(folder: Path) -> list[Path]:
    for ending in ("_labelIds.png", "_labelTrainIds.png"):
        found = sorted(folder.glob(f"*/*{ending}"))
        if found:
            return found
    return []


def _listing(source: SourceConfig, labels: Path, split: str) -> Cityscapes:
    files = _label_files(labels / split)
    stems = [f"{path.parent.name}/{path.name.rsplit('_', 2)[0]}" for path in files]
    candidates = [source.images] if source.images else [labels.parent / "leftImg8bit", labels / "leftImg8bit"]
    for folder in candidates:
        for images in (folder / split, folder):
            if any(is_file(images / f"{stem}_leftImg8bit.png") for stem in stems[:20]):
                break
        else:
            continue
        break
    else:
        looked = " and ".join(str(folder / split) for folder in candidates)
        raise SegdemoError(
            f"The pictures of {labels / split} were not found in {looked}: name their folder with --images."
        )
    train_ids = files[0].name.endswith("_labelTrainIds.png")
    return Cityscapes(
        where=source.data,
        split=split,
        pictures=tuple(
            Picture(stem, images / f"{stem}_leftImg8bit.png", path) for stem, path in zip(stems, files, strict=True)
        ),
        classes=tuple(DataClass(name, index >= FIRST_THING) for index, name in enumerate(CLASSES)),
        stored=tuple(range(len(CLASSES))) if train_ids else LABEL_IDS,
        void=frozenset({255} if train_ids else ({*range(34), 255} - set(LABEL_IDS))),
    )
