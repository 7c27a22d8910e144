"""Which layout a data set has, and which of its splits is meant."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from segdemo.data.cocofiles import unreadable
from segdemo.data.files import is_dir, is_file, pictures_below
from segdemo.data.layouts import ade20k, cityscapes, coco, index, panoptic, voc, yolo
from segdemo.data.listing import Found, Listing
from segdemo.data.source import SourceConfig
from segdemo.errors import SegdemoError

LAYOUTS: Mapping[str, tuple[Callable[[SourceConfig], Found | None], str]] = {
    "yolo": (yolo.find, yolo.LOOKED_FOR),
    "ade20k": (ade20k.find, ade20k.LOOKED_FOR),
    "cityscapes": (cityscapes.find, cityscapes.LOOKED_FOR),
    "voc": (voc.find, voc.LOOKED_FOR),
    "index": (index.find, index.LOOKED_FOR),
    "panoptic": (panoptic.find, panoptic.LOOKED_FOR),
    "coco": (coco.find, coco.LOOKED_FOR),
}
"""Every layout with what it is recognised by, in the order in which they are tried."""
DEEP = 2
"""How many folders further in a data set is looked for."""
_CALLED = re.compile(r"(?:^|[/_.-])(train|val|test)")
_ALIASES = {"dev": "val", "training": "train", "validation": "val", "valid": "val"}


def open_source(source: SourceConfig, *, prefer: Sequence[str] = ()) -> Listing:
    """List the pictures of a source; where it names no split, the first of ``prefer`` that there is.

    Raises ``SegdemoError`` that says what was looked for where no layout fits, which splits there are where one must be
    chosen, and where the pictures were looked for where they are not found.
    """
    found = recognise(source)
    if source.split is not None:
        name = matching(found.splits, source.split)
        if name is None and source.split == "all" and found.whole is not None:
            return found.whole()
        if name is None:
            where = found.divided_by if found.divided_by and found.divided_by.exists() else source.data
            there = f"its splits are {', '.join(found.splits)}" if found.splits else "it is not divided"
            raise SegdemoError(f"{where} ({found.title}) has no split {source.split!r}: {there}.")
        return found.splits[name]()
    for wanted in prefer:
        name = matching(found.splits, wanted)
        if name is not None:
            return found.splits[name]()
    if found.whole is not None:
        return found.whole()
    if len(found.splits) == 1:
        return next(iter(found.splits.values()))()
    raise SegdemoError(
        f"{source.data} ({found.title}) has the splits {', '.join(found.splits)}: choose one with --split."
    )


def splits_of(source: SourceConfig) -> list[str]:
    """The splits of a data set by the layout's own names; empty where it is not divided."""
    return list(recognise(source).splits)


def matching(splits: Iterable[str], wanted: str) -> str | None:
    """The split that is called so, or, for ``train``, ``val`` and ``test``, what stands for it; none where none is."""
    names = list(splits)
    if wanted in names:
        return wanted
    kind = _ALIASES.get(wanted.casefold(), wanted.casefold())
    alike = [name for name in names if _kind(name) == kind]
    return min(alike, key=len) if alike else None


def recognise(source: SourceConfig) -> Found:
    """The layout of a source and its splits, at the folder or file given, or alone in a folder within it."""
    if not source.data.exists():
        raise SegdemoError(f"{source.data} does not exist: --data is the folder of a data set, or its annotation file.")
    tried = LAYOUTS if source.format == "auto" else {str(source.format): LAYOUTS[source.format]}
    places = [source.data]
    for _ in range(DEEP + 1):
        fits = [(place, found) for place in places if (found := _first(source, place, tried)) is not None]
        if len(fits) == 1:
            return fits[0][1]
        if fits:
            listed = ", ".join(str(place) for place, _ in fits[:5])
            raise SegdemoError(f"{source.data} holds several data sets ({listed}): name one of them.")
        places = [inner for place in places if is_dir(place) for inner in sorted(place.iterdir()) if is_dir(inner)]
    raise SegdemoError(_nothing_fits(source, [looked_for for _, looked_for in tried.values()]))


def _first(
    source: SourceConfig, place: Path, tried: Mapping[str, tuple[Callable[[SourceConfig], Found | None], str]]
) -> Found | None:
    here = source.model_copy(update={"data": place})
    return next((found for find, _ in tried.values() if (found := find(here)) is not None), None)


def _nothing_fits(source: SourceConfig, looked_for: Sequence[str]) -> str:
    damaged = unreadable(source.data) if source.format in ("auto", "coco", "panoptic") else ""
    if damaged:
        return damaged
    looked = "; ".join(looked_for)
    what = "folder" if is_dir(source.data) else "file"
    labels = source.labels or source.data / "labels"
    if is_dir(labels) and pictures_below(labels, [".txt"]):
        there = next((source.data / name for name in yolo.FILES if is_file(source.data / name)), None)
        if there is not None:
            return f"{there} should have `names`, the classes, and `train` or `val`, folders of pictures."
        return f"{labels} holds .txt files, but there is no data.yaml beside it that names the classes and folders."
    return f"The {what} {source.data} is no data set in a known form. Looked for: {looked}."


def _kind(name: str) -> str | None:
    called = _CALLED.search(name.casefold())
    return called[1] if called else None
