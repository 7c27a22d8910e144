"""Class lists: which index means what, from a text file, a JSON file or COCO categories, and how lists are matched."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from segdemo.data.files import is_file, read_json, read_text
from segdemo.data.formats import CocoCategory, parsed
from segdemo.data.listing import DataClass, Listing
from segdemo.errors import SegdemoError
from segdemo.labels import VOID
from segdemo.taxonomy import taxonomy_for

CLASS_FILES = ("classes.txt", "classes.json", "objectInfo150.txt")
"""What a class list beside the data may be called, in the order they are looked for."""

__all__ = [
    "CLASS_FILES",
    "categories",
    "category_labels",
    "class_table",
    "labels_of",
    "list_beside",
    "read_classes",
    "read_json",
]


def read_classes(path: Path) -> dict[int, str]:
    """Read a class list.

    Text: one name a line, the first is index 0; or ADE20K's table, tab-separated with a header, whose ``Idx`` counts
    from 1 and whose names' first synonym is taken. JSON: a list of names; an object of names, or of objects with a
    ``name``, by index; a checkpoint's ``config.json``; or COCO categories.
    """
    if path.suffix == ".json":
        return _json_classes(path)
    lines = [line.rstrip() for line in read_text(path).splitlines() if line.strip()]
    if lines and lines[0].startswith("Idx\t"):
        rows = [line.split("\t") for line in lines[1:]]
        try:
            labels = {int(row[0]) - 1: row[-1].split(",")[0].strip() for row in rows}
        except ValueError as error:
            raise SegdemoError(f"{path} should begin every line after the first with a class number.") from error
    else:
        labels = {index: line.strip() for index, line in enumerate(lines)}
    return _checked(labels, path)


def list_beside(folder: Path) -> Path | None:
    """The class list in a folder, none where there is none."""
    return next((folder / name for name in CLASS_FILES if is_file(folder / name)), None)


def categories(entries: Iterable[Any], path: Path, *, used: Iterable[int] = ()) -> dict[int, tuple[int, DataClass]]:
    """Index and class of each COCO category id, numbered from 0 in the order of the ids.

    A root as Roboflow writes it - without a category above, itself above others, and not ``used`` by any object - is
    left out. Raises ``SegdemoError`` naming the entry that is wrong.
    """
    listed = [parsed(CocoCategory, entry, path, f"categories[{place}]") for place, entry in enumerate(entries)]
    above = {entry.supercategory for entry in listed}
    taken = set(used)
    kept = [
        entry
        for entry in sorted(listed, key=lambda entry: entry.id)
        if not (entry.supercategory == "none" and entry.name in above and entry.id not in taken)
    ]
    for one, other in pairwise(kept):
        if one.id == other.id:
            raise SegdemoError(f"{path} lists the category id {one.id} twice.")
    _checked({index: entry.name for index, entry in enumerate(kept)}, path)
    things = [None if entry.isthing is None else bool(entry.isthing) for entry in kept]
    return {entry.id: (index, DataClass(entry.name, things[index])) for index, entry in enumerate(kept)}


def labels_of(listing: Listing) -> dict[int, str]:
    """The data's own classes by index; raises ``SegdemoError`` where it has no list."""
    if not listing.classes:
        raise SegdemoError(
            f"{listing.where} has no class list: add a file classes.txt with one class name a line, index 0 first."
        )
    return {index: entry.name for index, entry in enumerate(listing.classes)}


def category_labels(data: Any, path: Path) -> dict[int, str]:
    """Return the labels of COCO categories, numbered from 0 in the order of their ids."""
    entries = data.get("categories") if isinstance(data, dict) else None
    if not isinstance(entries, list):
        raise SegdemoError(f"{path} should have a list `categories`, each with an id and a name.")
    objects = data.get("annotations")
    items = [item for item in objects if isinstance(item, dict)] if isinstance(objects, list) else []
    used = [item["category_id"] for item in items if isinstance(item.get("category_id"), int)]
    return {index: entry.name for index, entry in categories(entries, path, used=used).values()}


def class_table(classes: Sequence[str], labels: Mapping[int, str]) -> list[int]:
    """The index that each of the data's classes has in ``labels``, matched by name or synonym; ``VOID`` for none.

    Case, spaces, hyphens and what COCO adds to names of stuff ("grass-merged") make no difference. Lists of equal
    length that agree in nine of ten places are taken to be the same, whatever the rest is called.
    """
    same = sum(_first(labels.get(index, "")) == _first(name) for index, name in enumerate(classes))
    if set(labels) == set(range(len(classes))) and 10 * same >= 9 * len(classes):
        return list(range(len(classes)))
    taxonomy = taxonomy_for(labels)
    spellings: dict[str, int] = {}
    for spell in (_plain, _bare):
        for entry in taxonomy.classes:
            spellings.setdefault(spell(entry.name), entry.index)
            spellings.setdefault(spell(labels[entry.index]), entry.index)
        for entry in taxonomy.classes:
            for synonym in entry.synonyms:
                spellings.setdefault(spell(synonym), entry.index)
    table = []
    for name in classes:
        tried = (_plain(name), _bare(name), _first(name))
        table.append(next((spellings[spelt] for spelt in tried if spelt in spellings), VOID))
    return table


def _plain(name: str) -> str:
    return "".join(letter for letter in name.casefold() if letter.isalnum() or letter == ",") or name


def _first(name: str) -> str:
    """A name without the synonyms behind it."""
    return _plain(name.partition(",")[0])


def _bare(name: str) -> str:
    """A name without what COCO puts behind names of stuff."""
    bare = name.casefold()
    for suffix in ("-merged", "-other", "-stuff"):
        bare = bare.removesuffix(suffix)
    return _plain(bare)


def _json_classes(path: Path) -> dict[int, str]:
    data = read_json(path)
    if isinstance(data, dict) and "categories" in data:
        return category_labels(data, path)
    if isinstance(data, dict):
        data = data.get("id2label", data)
        try:
            return _checked({int(index): _label(entry) for index, entry in data.items()}, path)
        except (AttributeError, ValueError, KeyError) as error:
            raise SegdemoError(f"{path} should map class indices to names.") from error
    if not isinstance(data, list):
        raise SegdemoError(f"{path} should be a list of class names, or map class indices to names.")
    return _checked({index: str(label) for index, label in enumerate(data)}, path)


def _label(entry: Any) -> str:
    """A class's name: itself, or in an object with more about the class, as OneFormer's class files have it."""
    return str(entry["name"] if isinstance(entry, dict) else entry).strip()


def _checked(labels: dict[int, str], path: Path) -> dict[int, str]:
    if not labels:
        raise SegdemoError(f"{path} lists no classes.")
    if sorted(labels) != list(range(len(labels))):
        raise SegdemoError(f"{path}: class indices should run from 0 without gaps.")
    if len(set(labels.values())) < len(labels):
        names = list(labels.values())
        twice = next(name for name in names if names.count(name) > 1)
        raise SegdemoError(f"{path} lists the class {twice!r} twice.")
    return dict(sorted(labels.items()))
