"""Objects in COCO's form (Lin et al., ECCV 2014), as downloaded and as CVAT, FiftyOne, Roboflow and others export."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from segdemo.data.classes import categories
from segdemo.data.cocofiles import AnnotationFile, Entries, find_files, listed_pictures
from segdemo.data.files import json_entries
from segdemo.data.formats import CocoObject, parsed
from segdemo.data.listing import Found, Picture
from segdemo.data.objects import Object, Objects
from segdemo.data.outlines import parse_outline
from segdemo.data.source import SourceConfig
from segdemo.errors import SegdemoError
from segdemo.prediction import Size

LOOKED_FOR = "annotations in COCO's form (JSON)"


@dataclass
class Coco(Objects):
    """A file of objects; a picture's ``key`` is its id and the size that the file states."""

    title = "COCO instances"
    found: dict[Any, list[Object]] = field(default_factory=dict)
    """The objects of each picture id, their category that of the file."""
    indices: dict[Any, int] = field(default_factory=dict)
    """The class index of each of the file's categories."""

    def objects(self, picture: Picture, size: Size) -> Sequence[Object]:
        """The picture's objects."""
        key, stated = picture.key
        check_size(self.where, picture, size, stated)
        return [replace(item, category=self.indices[item.category]) for item in self.found.get(key, ())]

    def called(self, picture: Picture, item: Object) -> str:
        """File, object and picture."""
        return f"{self.where}: object {item.id} of {picture.name}"


def check_size(path: Path, picture: Picture, size: Size, stated: tuple[int | None, int | None]) -> None:
    """Raise ``SegdemoError`` where a file states another size (height, width) than the upright picture has."""
    if any(said not in (None, is_) for said, is_ in zip(stated, size, strict=True)):
        said = "x".join(str(side or "?") for side in stated[::-1])
        raise SegdemoError(f"{path} says that {picture.name} is {said}, but upright it is {size[1]}x{size[0]}.")


def find(source: SourceConfig) -> Found | None:
    """The splits: one for each annotation file."""
    return find_files(source, "coco", Coco.title, _listing)


def _listing(source: SourceConfig, file: AnnotationFile) -> Coco:
    entries = Entries(file.path)
    found: dict[Any, list[Object]] = {}
    for key, place, value in json_entries(file.path):
        if entries.add(key, place, value):
            try:
                image, item = _object(value, file.path, place)
                found.setdefault(image, []).append(item)
            except SegdemoError as error:
                entries.fault(str(error))
    entries.complete()
    used = {item.category for items in found.values() for item in items}
    classes = categories(entries.categories, file.path, used=used)
    names = {entry.id: entry.file_name for entry in entries.pictures}
    for image, items in found.items():
        for item in items if image in names else ():
            if item.category not in classes:
                where = f"object {item.id} of {names[image]}"
                entries.fault(f"{file.path}: {where} has the unknown category {item.category}.")
        items[:] = [item for item in items if item.category in classes]
    pictures = listed_pictures(source, file, entries)
    shown = [item for picture in pictures for item in found.get(picture.key[0], ())]
    if pictures and not shown and not entries.faults:
        entries.fault(f"{file.path} has no objects on its pictures.")
    if shown and all(item.crowd for item in shown):
        entries.fault(
            f"{file.path}: all {len(shown)} objects are groups (iscrowd 1), which have no label. CVAT writes masks "
            "so: set iscrowd to 0 where each is a single object."
        )
    return Coco(
        where=file.path,
        split=file.split or None,
        pictures=pictures,
        classes=tuple(entry for _, entry in classes.values()),
        faults=entries.faults,
        found=found,
        indices={category: index for category, (index, _) in classes.items()},
    )


def _object(value: Any, path: Path, place: int | None) -> tuple[Any, Object]:
    """A picture's id and an object on it, whose category is still an id."""
    item = parsed(CocoObject, value, path, f"annotations[{place}]")
    name = place if item.id is None else item.id
    try:
        return item.image_id, Object(name, item.category_id, parse_outline(item.segmentation), bool(item.iscrowd))
    except SegdemoError as error:
        raise SegdemoError(f"{path}: object {name} {error}.") from error
