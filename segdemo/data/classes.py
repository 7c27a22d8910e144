"""Class lists: which index means what, from a text file, a JSON file or COCO categories."""

import json
from pathlib import Path
from typing import Any

from segdemo.errors import SegdemoError
from segdemo.training.config import RunConfig, SourceConfig

CLASS_FILES = ("classes.txt", "classes.json", "objectInfo150.txt")
"""What a class list beside the data may be called, in the order they are looked for."""


def run_classes(config: RunConfig) -> dict[int, str]:
    """Return the label of every class index of a run: from ``config.classes``, else from its first source.

    Raises ``SegdemoError`` where there is no list, or the list cannot be read.
    """
    if config.classes is not None:
        return read_classes(config.classes)
    for source in config.sources.values():
        if source.format in ("coco", "panoptic") and source.data is not None:
            return category_labels(read_json(source.data), source.data)
        if source.format == "index" and source.data is not None:
            return read_classes(_beside(source))
    from segdemo.taxonomy import ade20k

    return {entry.index: entry.name for entry in ade20k().classes}


def read_classes(path: Path) -> dict[int, str]:
    """Read a class list.

    Text: one name a line, the first is index 0; or ADE20K's table, tab-separated with a header, whose ``Idx`` counts
    from 1 and whose names' first synonym is taken. JSON: a list of names, an ``id2label`` object, or COCO categories.
    """
    if path.suffix == ".json":
        return _json_classes(path)
    try:
        lines = [line.rstrip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise SegdemoError(f"{path} cannot be read as a class list.") from error
    if lines and lines[0].startswith("Idx\t"):
        rows = [line.split("\t") for line in lines[1:]]
        labels = {int(row[0]) - 1: row[-1].split(",")[0].strip() for row in rows}
    else:
        labels = {index: line.strip() for index, line in enumerate(lines)}
    return _checked(labels, path)


def category_labels(data: Any, path: Path) -> dict[int, str]:
    """Return the labels of COCO categories, numbered from 0 in the order of their ids."""
    try:
        ordered = sorted(data["categories"], key=lambda entry: int(entry["id"]))
        return _checked({index: str(entry["name"]) for index, entry in enumerate(ordered)}, path)
    except (KeyError, TypeError, ValueError) as error:
        raise SegdemoError(f"{path} should have a list `categories`, each with an id and a name.") from error


def category_indices(data: Any, labels: dict[int, str], path: Path) -> dict[int, int]:
    """Return the class index of each COCO category id, matched by name; unknown names are errors."""
    by_name = {label: index for index, label in labels.items()}
    indices = {}
    for entry in data["categories"]:
        if entry["name"] not in by_name:
            raise SegdemoError(f"{path}: the category {entry['name']!r} is not in the class list of the run.")
        indices[int(entry["id"])] = by_name[entry["name"]]
    return indices


def read_json(path: Path) -> Any:
    """Read a JSON file; raises ``SegdemoError`` naming it."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SegdemoError(f"{path} cannot be read as JSON.") from error


def _json_classes(path: Path) -> dict[int, str]:
    data = read_json(path)
    if isinstance(data, dict) and "categories" in data:
        return category_labels(data, path)
    if isinstance(data, dict):
        data = data.get("id2label", data)
        try:
            return _checked({int(index): str(label) for index, label in data.items()}, path)
        except ValueError as error:
            raise SegdemoError(f"{path} should map class indices to names.") from error
    return _checked({index: str(label) for index, label in enumerate(data)}, path)


def _checked(labels: dict[int, str], path: Path) -> dict[int, str]:
    if not labels:
        raise SegdemoError(f"{path} lists no classes.")
    if sorted(labels) != list(range(len(labels))):
        raise SegdemoError(f"{path}: class indices should run from 0 without gaps.")
    if len(set(labels.values())) < len(labels):
        twice = next(name for name in labels.values() if list(labels.values()).count(name) > 1)
        raise SegdemoError(f"{path} lists the class {twice!r} twice.")
    return labels


def _beside(source: SourceConfig) -> Path:
    folder = source.data
    for name in CLASS_FILES:
        if folder is not None and (folder / name).is_file():
            return folder / name
    raise SegdemoError(f"{folder} has no class list: add a file classes.txt with one class name a line, index 0 first.")
