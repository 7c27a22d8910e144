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
    lines = [(number, line) for number, line in enumerate(read_text(path).splitlines(), 1) if line.strip()]
    if lines and lines[0][1].startswith("Idx\t"):
        return _checked([_row(line, path, number) for number, line in lines[1:]], path)
    return _checked([(index, line.strip(), f"line {number}") for index, (number, line) in enumerate(lines)], path)


def list_beside(folder: Path) -> Path | None:
    """The class list in a folder, none where there is none."""
    return next((folder / name for name in CLASS_FILES if is_file(folder / name)), None)


def categories(entries: Iterable[Any], path: Path, *, used: Iterable[int] = ()) -> dict[int, tuple[int, DataClass]]:
    """Index and class of each COCO category id, numbered from 0 in the order of the ids.

    A root as Roboflow writes it - without a category above, itself above others, and not ``used`` by any object - is
    left out. Raises ``SegdemoError`` naming the entry that is wrong.
    """
    named = [(f"categories[{place}]", entry) for place, entry in enumerate(entries)]
    listed = [(place, parsed(CocoCategory, entry, path, place)) for place, entry in named]
    above = {entry.supercategory for _, entry in listed}
    taken = set(used)
    kept = [
        (place, entry)
        for place, entry in sorted(listed, key=lambda both: both[1].id)
        if not (entry.supercategory == "none" and entry.name in above and entry.id not in taken)
    ]
    for (first, one), (second, other) in pairwise(kept):
        if one.id == other.id:
            raise SegdemoError(f"{path} lists the category id {one.id} twice: {first} and {second}.")
    _checked([(index, entry.name, place) for index, (place, entry) in enumerate(kept)], path, "categories")
    things = [None if entry.isthing is None else bool(entry.isthing) for _, entry in kept]
    return {entry.id: (index, DataClass(entry.name, things[index])) for index, (_, entry) in enumerate(kept)}


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
        where = "id2label" if "id2label" in data else ""
        data = data.get("id2label", data)
        if not isinstance(data, dict):
            raise SegdemoError(f"{path}: {where} should map class indices to names.")
        return _checked([_entry(index, entry, path) for index, entry in data.items()], path, where)
    if not isinstance(data, list):
        raise SegdemoError(f"{path} should be a list of class names, or map class indices to names.")
    # Objects in a list may say their index themselves.
    indices = [entry.get("id", place) if isinstance(entry, dict) else place for place, entry in enumerate(data)]
    if not all(type(index) is int for index in indices):
        raise SegdemoError(f"{path}: every `id` of a class should be its index, from 0.")
    named = [(index, entry, f"[{place}]") for place, (index, entry) in enumerate(zip(indices, data, strict=True))]
    return _checked([(index, _label(entry, path, place), place) for index, entry, place in named], path)


def _row(line: str, path: Path, number: int) -> tuple[int, str, str]:
    """Index, name and place of a line of ADE20K's table."""
    cells = line.split("\t")
    try:
        return int(cells[0]) - 1, cells[-1].split(",")[0].strip(), f"line {number}"
    except ValueError as error:
        raise SegdemoError(
            f"{path} should begin every line after the first with a class number: see line {number}."
        ) from error


def _entry(key: str, entry: Any, path: Path) -> tuple[int, str, str]:
    """Index, name and place of an entry that maps an index to a name."""
    try:
        return int(key), _label(entry, path, repr(key)), repr(key)
    except ValueError as error:
        raise SegdemoError(f"{path} should map class indices to names: {key!r} is no index.") from error


def _label(entry: Any, path: Path, place: str) -> str:
    """A class's name: itself, or in an object with more about the class, as OneFormer's class files have it."""
    name = entry.get("name") if isinstance(entry, dict) else entry
    if isinstance(name, bool) or not isinstance(name, str | int | float) or not str(name).strip():
        raise SegdemoError(f"{path} should map class indices to names: {place} has no name.")
    return str(name).strip()


def _checked(entries: Sequence[tuple[int, str, str]], path: Path, part: str = "") -> dict[int, str]:
    """The names by index, of entries of index, name and place; raises ``SegdemoError`` naming those that clash."""
    if not entries:
        raise SegdemoError(f"{path}: {part} lists no classes." if part else f"{path} lists no classes.")
    labels: dict[int, str] = {}
    places: dict[int | str, str] = {}
    for index, name, place in entries:
        if index in labels:
            raise SegdemoError(f"{path} has the same class index twice: {places[index]} and {place}.")
        if name in places:
            raise SegdemoError(f"{path} lists the class {name!r} twice: {places[name]} and {place}.")
        labels[index] = name
        places[index] = places[name] = place
    for expected, index in enumerate(sorted(labels)):
        if index != expected:
            raise SegdemoError(f"{path}: class indices should run from 0 without gaps: see {places[index]}.")
    return dict(sorted(labels.items()))
