"""COCO panoptic (Kirillov et al., CVPR 2019): a file of segments, and a folder of PNGs whose colours are their ids."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from segdemo.data.classes import categories
from segdemo.data.cocofiles import AnnotationFile, Entries, find_files, listed_pictures
from segdemo.data.files import folder_of, is_dir, json_entries, plain_path
from segdemo.data.formats import PanopticPicture, PanopticSegment, parsed
from segdemo.data.labelmaps import read_ids, some
from segdemo.data.layouts.coco import check_size
from segdemo.data.listing import Found, Listing, Picture, Truth, View
from segdemo.data.objects import compact
from segdemo.data.source import SourceConfig
from segdemo.errors import SegdemoError
from segdemo.labels import VOID
from segdemo.prediction import Size

LOOKED_FOR = "COCO panoptic annotations (JSON) with their PNGs"


@dataclass
class Panoptic(Listing):
    """A file of segments; a picture's ``key`` is its id and the size that the file states."""

    title = "COCO panoptic"
    masks: Path = Path()
    """Folder of the PNGs."""
    found: dict[Any, tuple[str, Sequence[PanopticSegment]]] = field(default_factory=dict)
    """PNG and segments of each picture id."""
    indices: dict[int, int] = field(default_factory=dict)
    """Class index of each category id."""

    def truth(self, picture: Picture, size: Size, view: View) -> Truth:
        """Read the picture's PNG and what its segments are; id 0 has no label."""
        key, stated = picture.key
        check_size(self.where, picture, size, stated)
        if key not in self.found:
            raise SegdemoError(f"{self.where}: {picture.name} has no annotation.")
        name, info = self.found[key]
        path = self.masks / name
        values, inverse = np.unique(read_ids(path, size), return_inverse=True)
        by_id = {segment.id: segment for segment in info}
        unlisted = [value for value in values.tolist() if value and value not in by_id]
        if unlisted:
            raise SegdemoError(f"{path} has the segment ids {some(unlisted)}, which {self.where} does not describe.")
        numbers = np.zeros(len(values), np.uint16)
        classes, crowds = [], []
        for place, value in enumerate(values.tolist()):
            segment = by_id.get(value)
            own = None if segment is None else self.indices.get(segment.category_id)
            index = VOID if own is None else int(view.table[own])
            if segment is not None and index != VOID:
                classes.append(index)
                crowds.append(bool(segment.iscrowd))
                numbers[place] = len(classes)
        return compact(numbers[inverse.reshape(size)], classes, crowds)


def find(source: SourceConfig) -> Found | None:
    """The splits: one for each annotation file."""
    return find_files(source, "panoptic", Panoptic.title, _listing)


def _listing(source: SourceConfig, file: AnnotationFile) -> Panoptic:
    entries = Entries(file.path)
    found: dict[Any, tuple[str, Sequence[PanopticSegment]]] = {}
    used = set()
    places: dict[Any, int | None] = {}
    for key, place, value in json_entries(file.path):
        if entries.add(key, place, value):
            try:
                item = parsed(PanopticPicture, value, file.path, f"annotations[{place}]")
            except SegdemoError as error:
                entries.fault(str(error))
                continue
            if item.image_id in found:
                entries.fault(
                    f"{file.path}: annotations[{place}] is for the picture {item.image_id}, as "
                    f"annotations[{places[item.image_id]}] is."
                )
            ids: dict[int, int] = {}
            for number, segment in enumerate(item.segments_info):
                if ids.setdefault(segment.id, number) != number:
                    entries.fault(
                        f"{file.path}: annotations[{place}].segments_info[{number}] has the id {segment.id} of "
                        f"segments_info[{ids[segment.id]}]."
                    )
            places[item.image_id] = place
            found[item.image_id] = (plain_path(item.file_name), tuple(item.segments_info))
            used |= {segment.category_id for segment in item.segments_info}
    entries.complete()
    classes = categories(entries.categories, file.path, used=used)
    for name, info in found.values():
        for segment in info:
            if segment.category_id not in classes:
                entries.fault(f"{file.path}: a segment of {name} has the unknown category {segment.category_id}.")
    return Panoptic(
        where=file.path,
        split=file.split or None,
        pictures=listed_pictures(source, file, entries),
        classes=tuple(entry for _, entry in classes.values()),
        faults=entries.faults,
        masks=_mask_folder(source, file, [name for name, _ in found.values()]),
        found=found,
        indices={category: index for category, (index, _) in classes.items()},
    )


def _mask_folder(source: SourceConfig, file: AnnotationFile, names: Sequence[str]) -> Path:
    """The folder of the PNGs: called like the file, as COCO has it, or beside it.

    Raises ``SegdemoError`` that says where they were looked for.
    """
    own, beside = file.path.with_suffix(""), file.path.parent
    candidates = [source.labels] if source.labels else [own, beside, beside / "masks", beside.parent / own.name]
    found = folder_of(names, candidates) if names else (candidates[0], False)
    if found is None:
        looked = ", ".join(str(folder) for folder in candidates if is_dir(folder)) or str(candidates[0])
        raise SegdemoError(
            f"The PNGs that {file.path} lists were not found: {names[0]} is not in {looked}. "
            "Name their folder with --labels."
        )
    return found[0]
