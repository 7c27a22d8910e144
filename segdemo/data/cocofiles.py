"""Where COCO's files and pictures are, as downloaded and as tools export them."""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from segdemo.data.files import folder_of, is_dir, is_file, json_entries, plain_path, unique_names
from segdemo.data.formats import CocoPicture, parsed
from segdemo.data.listing import Found, Listing, Picture
from segdemo.data.source import SourceConfig
from segdemo.errors import SegdemoError

MOST_FAULTS = 1000
"""Faults of a file that are kept."""
PLACES = ("*.json", "annotations/*.json", "*/*.json", "*/annotations/*.json")
"""Where annotation files lie below a data set's folder."""
PARTS = {"images", "annotations", "categories"}
"""What an annotation file consists of."""
_KINDS = re.compile(r"(?:instances|panoptic|stuff|annotations|labels)[_-](.+)$")
_OTHERS = re.compile(r"captions|keypoints|image_info|person_")
"""Files that lie beside, in COCO's own archive, and have no outlines of classes."""


@dataclass(frozen=True)
class AnnotationFile:
    """A file of annotations."""

    path: Path
    split: str


def find_files(
    source: SourceConfig, kind: str, title: str, opened: Callable[[SourceConfig, AnnotationFile], Listing]
) -> Found | None:
    """The annotation files of a ``kind`` (``coco`` or ``panoptic``): ``source.data`` itself, or below that folder."""
    if source.data.suffix.lower() == ".json" and is_file(source.data):
        if kind_of(source.data) != kind and source.format == "auto":
            return None
        files = [AnnotationFile(source.data, _split(source.data, source.data.parent))]
    else:
        files = _below(source, kind)
    if not files:
        return None
    if len(files) == 1:
        (file,) = files
        only = partial(opened, source, file)
        return Found(kind, title, {file.split: only} if file.split else {}, whole=only)
    names = [file.split for file in files]
    if len(set(names)) < len(names) or not all(names):
        names = [file.path.relative_to(source.data).as_posix() for file in files]
    return Found(kind, title, {name: partial(opened, source, file) for name, file in zip(names, files, strict=True)})


def kind_of(path: Path) -> str | None:
    """``panoptic`` or ``coco`` after the first annotation of a file; none for files that are neither.

    Raises ``SegdemoError`` where that cannot be told, since the file is damaged.
    """
    seen = set()
    for key, place, value in json_entries(path):
        seen.add(key)
        if key == "annotations" and place == 0 and isinstance(value, dict):
            if "segments_info" in value:
                return "panoptic"
            if "category_id" in value or "caption" in value:
                return "coco" if "category_id" in value else None
        if seen >= PARTS:
            break
    # Whoever opens it is told what is wrong with it.
    return _by_name(path) if len(seen & PARTS) > 1 else None


def unreadable(folder: Path) -> str:
    """A sentence about an annotation file below a folder that is damaged or lacks its parts; empty where none is."""
    for place in PLACES if is_dir(folder) else ():
        for path in sorted(folder.glob(place)):
            try:
                if not _OTHERS.search(path.name) and kind_of(path) is None and _KINDS.match(path.stem):
                    return f"{path} should be a COCO file: it has none of the lists {', '.join(sorted(PARTS))}."
            except SegdemoError as error:
                return str(error)
    return ""


def _by_name(path: Path) -> str:
    return "panoptic" if path.name.startswith("panoptic") else "coco"


def _told(path: Path, folder: Path) -> str | None:
    """The kind of a file in a data set's folder; a damaged one is what its name says."""
    try:
        kind = kind_of(path)
        damaged = kind is None and _KINDS.match(path.stem) is not None
    except SegdemoError:
        kind, damaged = None, bool(_split(path, folder))
    return f"damaged {_by_name(path)}" if damaged else kind


class Entries:
    """The pictures and categories of an annotation file, as they are read, and what is wrong with its entries."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.pictures: list[CocoPicture] = []
        self.categories: list[Any] = []
        self.faults: list[str] = []
        self.places: list[int] = []
        """Where in ``images`` each picture is."""
        self._seen: set[str] = set()
        self._ids: dict[Any, int] = {}

    def add(self, key: str, place: int | None, value: Any) -> bool:
        """Take an entry of the file; whether it is an annotation, which the caller takes."""
        if key not in PARTS:
            return False
        if place is None and value != []:
            raise SegdemoError(f"{self.path}: {key} should be a list.")
        self._seen.add(key)
        if place is None:
            return False
        if key == "categories":
            self.categories.append(value)
        elif key == "images":
            self._add_picture(place, value)
        return key == "annotations"

    def _add_picture(self, place: int, value: Any) -> None:
        try:
            entry = parsed(CocoPicture, value, self.path, f"images[{place}]")
        except SegdemoError as error:
            self.fault(str(error))
            return
        if entry.id in self._ids:
            self.fault(f"{self.path}: images[{place}] has the id {entry.id} of images[{self._ids[entry.id]}].")
            return
        self._ids[entry.id] = place
        self.pictures.append(entry)
        self.places.append(place)

    def complete(self) -> None:
        """Raise ``SegdemoError`` where a part of the file is missing."""
        missing = sorted(PARTS - self._seen)
        if missing:
            raise SegdemoError(f"{self.path} should be a COCO file: it has no list {missing[0]!r}.")

    def fault(self, sentence: str) -> None:
        """Note what is wrong; of very many, the first are enough."""
        if len(self.faults) < MOST_FAULTS:
            self.faults.append(sentence)


def listed_pictures(source: SourceConfig, file: AnnotationFile, entries: Entries) -> tuple[Picture, ...]:
    """The pictures of a file in its order, keyed by id and stated size.

    Raises ``SegdemoError`` that says where they were looked for, if none is found.
    """
    relative = [plain_path(entry.file_name) for entry in entries.pictures]
    folder, flat = _picture_folder(source, file, relative, entries)
    if not relative and not entries.faults:
        entries.fault(f"{file.path}: images lists no pictures.")
    twice: dict[str, list[str]] = {path: [] for path, count in Counter(relative).items() if count > 1}
    for path, place in zip(relative, entries.places, strict=True):
        if path in twice:
            twice[path].append(f"images[{place}]")
    for path, places in sorted(twice.items()):
        entries.fault(f"{file.path} lists the picture {path} more than once: {' and '.join(places[:2])}.")
    return tuple(
        Picture(name, folder / (path.rpartition("/")[2] if flat else path), (entry.id, (entry.height, entry.width)))
        for name, path, entry in zip(unique_names(relative), relative, entries.pictures, strict=True)
        if path not in twice
    )


def _picture_folder(
    source: SourceConfig, file: AnnotationFile, relative: Sequence[str], entries: Entries
) -> tuple[Path, bool]:
    """The folder that the pictures of a file lie in, and whether by the last part of their names alone."""
    beside, above = file.path.parent, file.path.parent.parent
    if source.images is not None:
        candidates = [source.images, source.images / file.split] if file.split else [source.images]
    else:
        candidates = [beside / "images", beside]
        for folder in (beside, above):
            if file.split:
                candidates += [folder / file.split, folder / "images" / file.split]
            candidates += [folder / "images", folder / "data", folder / "img", folder]
    found = folder_of(relative, candidates) if relative else (candidates[0], False)
    if found is None:
        looked = ", ".join(str(folder) for folder in dict.fromkeys(candidates) if is_dir(folder)) or str(candidates[0])
        raise SegdemoError(
            f"The pictures that {file.path} lists were not found: {relative[0]} of images[{entries.places[0]}] is not "
            f"in {looked}. "
            "Name their folder with --images."
        )
    return found


def _below(source: SourceConfig, kind: str) -> list[AnnotationFile]:
    folder = source.data
    for place in PLACES:
        paths = sorted(path for path in folder.glob(place) if not is_dir(path) and not _OTHERS.search(path.name))
        kinds = {path: _told(path, folder) for path in paths}
        if kind not in kinds.values():
            continue
        # A damaged file beside sound ones is the split that its name says: whoever asks for it is told.
        fitting = [
            AnnotationFile(path, _split(path, folder)) for path in paths if kinds[path] in (kind, f"damaged {kind}")
        ]
        if kind == "panoptic" and source.labels is None and "coco" in kinds.values():
            # COCO's own archive has both. Objects will do where the PNGs of the panoptic file were not fetched.
            fitting = [file for file in fitting if is_dir(file.path.with_suffix(""))]
        # COCO's own archive has stuff and instances side by side: things, unless only stuff is there.
        things = [file for file in fitting if not file.path.name.startswith("stuff")]
        if fitting:
            return things or fitting
    return []


def _split(path: Path, folder: Path) -> str:
    """What a file calls its part of the data set, or its folder does; empty where nothing says so."""
    named = _KINDS.match(path.stem)
    if named:
        return named[1]
    if path.stem in ("train", "val", "valid", "validation", "test"):
        return path.stem
    inside = path.relative_to(folder).parts[:-1] if path.is_relative_to(folder) else ()
    inside = tuple(part for part in inside if part != "annotations")
    return inside[0] if inside else path.parent.name if path.parent.name in ("train", "val", "valid", "test") else ""
