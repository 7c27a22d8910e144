"""The labels of one photograph from COCO's files: objects as outlines, or segments as a PNG with a JSON."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from segdemo.data.classes import categories
from segdemo.data.files import plain_path
from segdemo.data.formats import CocoObject, CocoPicture, PanopticPicture, parsed
from segdemo.data.labelmaps import some
from segdemo.data.layouts.coco import Coco, check_size
from segdemo.data.listing import Picture, Truth, View
from segdemo.data.objects import Object, compact
from segdemo.data.outlines import parse_outline
from segdemo.errors import SegdemoError
from segdemo.images import decode_png_ids
from segdemo.labels import NOTHING
from segdemo.prediction import Size

_FILE = Path("The labels")
"""What sentences about entries begin with."""


def is_json(data: bytes) -> bool:
    """Whether a file begins as a JSON object does."""
    return data.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"{"


def read_document(data: bytes) -> dict[str, Any]:
    """A JSON object; raises ``SegdemoError`` for what is none."""
    try:
        found = json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        raise SegdemoError("The labels cannot be read as JSON: save or export them again.") from None
    if not isinstance(found, dict):
        raise SegdemoError("The labels should be a JSON object in COCO's form.")
    return found


def is_panoptic(document: dict[str, Any]) -> bool:
    """Whether it is the JSON of COCO panoptic labels."""
    annotations = document.get("annotations")
    first = annotations[0] if isinstance(annotations, list) and annotations else None
    return isinstance(first, dict) and "segments_info" in first


def coco_truth(document: dict[str, Any], size: Size, name: str) -> tuple[Truth, list[str]]:
    """The objects on a photograph, their classes as places in the names that come with it; ``NOTHING`` beside them."""
    picture = _picture(document, name)
    found: list[Object] = []
    for place, value in enumerate(_list(document, "annotations")):
        item = parsed(CocoObject, value, _FILE, f"annotations[{place}]")
        if item.image_id != picture.id:
            continue
        number = place if item.id is None else item.id
        try:
            found.append(Object(number, item.category_id, parse_outline(item.segmentation), bool(item.iscrowd)))
        except SegdemoError as error:
            raise SegdemoError(f"{_FILE}: object {number} {error}.") from error
    indices, names = _classes(document, [item.category for item in found])
    listing = Coco(_FILE, None, (), (), found={picture.id: found}, indices=indices)
    key = (picture.id, (picture.height, picture.width))
    view = View(np.arange(len(names)), frozenset(), NOTHING)
    return listing.truth(Picture(picture.file_name, Path(picture.file_name), key), size, view), names


def panoptic_truth(document: dict[str, Any], png: bytes, size: Size, name: str) -> tuple[Truth, list[str]]:
    """The segments of a photograph, their classes as places in the names that come with it; id 0 has no label."""
    picture = _picture(document, name)
    check_size(
        _FILE,
        Picture(picture.file_name, Path(picture.file_name)),
        size,
        (picture.height, picture.width),
    )
    entries = [
        entry
        for place, value in enumerate(_list(document, "annotations"))
        if (entry := parsed(PanopticPicture, value, _FILE, f"annotations[{place}]")).image_id == picture.id
    ]
    if not entries:
        raise SegdemoError(f"{_FILE}: {picture.file_name} has no annotation.")
    info = {segment.id: segment for segment in entries[0].segments_info}
    indices, names = _classes(document, [segment.category_id for segment in info.values()])
    values, inverse = np.unique(decode_png_ids(png, size=size), return_inverse=True)
    unlisted = [value for value in values.tolist() if value and value not in info]
    if unlisted:
        raise SegdemoError(f"The PNG has the segment ids {some(unlisted)}, which its JSON does not describe.")
    there = [value for value in values.tolist() if value]
    numbers = np.zeros(len(values), np.uint16)
    numbers[values > 0] = np.arange(1, len(there) + 1)
    classes = [indices[info[value].category_id] for value in there]
    return compact(numbers[inverse.reshape(size)], classes, [bool(info[value].iscrowd) for value in there]), names


def _classes(document: dict[str, Any], used: Sequence[int]) -> tuple[dict[int, int], list[str]]:
    """The place of each category among the names, and the names."""
    found = categories(_list(document, "categories"), _FILE, used=used)
    unknown = sorted(set(used) - set(found))
    if unknown:
        raise SegdemoError(f"{_FILE} name the categories {some(unknown)}, which they do not list.")
    return {category: index for category, (index, _) in found.items()}, [entry.name for _, entry in found.values()]


def _picture(document: dict[str, Any], name: str) -> CocoPicture:
    """The entry of the photograph: the one that is called like it, or the only one."""
    entries = _list(document, "images")
    if len(entries) == 1:
        return parsed(CocoPicture, entries[0], _FILE, "images[0]")
    wanted = plain_path(name).rpartition("/")[2]
    for place, value in enumerate(entries):
        stated = value.get("file_name") if isinstance(value, dict) else None
        if wanted and isinstance(stated, str) and plain_path(stated).rpartition("/")[2] == wanted:
            return parsed(CocoPicture, value, _FILE, f"images[{place}]")
    called = f"none of which is called {wanted}" if wanted else "and which of them this is, is not said"
    raise SegdemoError(f"{_FILE} are of {len(entries)} pictures, {called}: keep the photo's own file name.")


def _list(document: dict[str, Any], key: str) -> list[Any]:
    found = document.get(key)
    if not isinstance(found, list):
        raise SegdemoError(f"{_FILE} should be a COCO file: there is no list {key!r}.")
    return found
