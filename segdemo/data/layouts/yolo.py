"""Folders as Ultralytics trains segmentation on them.

``data.yaml`` names classes and folders of pictures; the labels of ``images/val/a.jpg`` are in ``labels/val/a.txt``, a
line for each object: class index, then a polygon in shares of width and height. A picture without has no objects.
"""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from segdemo.data.files import is_dir, is_file, pictures_below, read_text, unique_names, without_suffix
from segdemo.data.formats import CLASS_NAMES, checked
from segdemo.data.listing import DataClass, Found, Picture
from segdemo.data.objects import Object, Objects
from segdemo.data.outlines import Outline
from segdemo.data.source import SourceConfig
from segdemo.errors import MissingExtraError, SegdemoError
from segdemo.prediction import Size

LOOKED_FOR = "data.yaml with names and folders (Ultralytics)"
SPLITS = ("train", "val", "test")
FILES = ("data.yaml", "data.yml", "dataset.yaml")


@dataclass
class Yolo(Objects):
    """A split; a picture's ``key`` is the path of its label file."""

    title = "Ultralytics segmentation"

    def objects(self, picture: Picture, size: Size) -> Sequence[Object]:
        """Read the picture's label file."""
        path: Path = picture.key
        if not is_file(path):
            return ()
        lines = read_text(path).splitlines()
        return [self._object(path, number, line.split(), size) for number, line in enumerate(lines, 1) if line.strip()]

    def called(self, picture: Picture, item: Object) -> str:
        """Label file and line."""
        return f"{picture.key}: line {item.id}"

    def _object(self, path: Path, line: int, words: Sequence[str], size: Size) -> Object:
        index, numbers = _index(words[0]), np.array([_number(word) for word in words[1:]])
        if index is None or np.isnan(numbers).any():
            wrong = words[0] if index is None else words[1 + int(np.flatnonzero(np.isnan(numbers))[0])]
            raise SegdemoError(
                f"{path}: line {line} should be a class index and a polygon x y x y ..., not {wrong[:40]!r}."
            )
        if not 0 <= index < len(self.classes):
            raise SegdemoError(f"{path}: line {line} has the class {index}, which {self.where} does not name.")
        if len(numbers) == 4:
            raise SegdemoError(f"{path}: line {line} is a box, not an outline: export the set for segmentation.")
        if len(numbers) < 6 or len(numbers) % 2:
            raise SegdemoError(
                f"{path}: line {line} has {len(numbers)} numbers: a polygon takes x and y of at least three points."
            )
        if not ((numbers >= -0.01) & (numbers <= 1.01)).all():
            raise SegdemoError(f"{path}: line {line} has numbers outside 0 to 1, the shares of width and height.")
        points = array("d", (numbers.reshape(-1, 2) * size[::-1]).ravel().tolist())
        return Object(line, index, Outline(polygons=(points,)))


def find(source: SourceConfig) -> Found | None:
    """The splits that ``data.yaml`` names, at the file or at its folder."""
    path = source.data
    if is_dir(path):
        path = next((path / name for name in FILES if is_file(path / name)), path / FILES[0])
    if path.suffix.lower() not in (".yaml", ".yml") or not is_file(path):
        return None
    data = _read(path)
    data = {**data, "val": data.get("val") or data.get("validation")}
    if "names" not in data or not any(data.get(split) for split in SPLITS):
        return None
    classes = _classes(data["names"], path)
    splits = {
        split: (lambda split=split: _listing(source, path, data, split, classes)) for split in SPLITS if data.get(split)
    }
    return Found("yolo", Yolo.title, splits, divided_by=path)


def _number(word: str) -> float:
    try:
        return float(word)
    except ValueError:
        return float("nan")


def _index(word: str) -> int | None:
    """A class index, which some programs write as 3.0; none for what is no index."""
    number = _number(word)
    return int(number) if number.is_integer() else None


def _read(path: Path) -> dict[str, Any]:
    try:
        import yaml
    except ImportError as error:
        raise MissingExtraError("Reading data.yaml", "train") from error
    text = read_text(path)
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise SegdemoError(f"{path} cannot be read as YAML: line {line} holds NUL.")
    try:
        data = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        place = f"line {error.problem_mark.line + 1}, {error.problem}" if error.problem_mark else str(error.problem)
        raise SegdemoError(f"{path} cannot be read as YAML: {place}.") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise SegdemoError(f"{path} cannot be read as YAML: {str(error).splitlines()[0]}.") from error
    return data if isinstance(data, dict) else {}


def _classes(names: Any, path: Path) -> tuple[DataClass, ...]:
    if isinstance(names, list):
        names = dict(enumerate(names))
    if not isinstance(names, dict) or not names:
        raise SegdemoError(f"{path}: names should list the class names, or number them from 0: it is {names!r:.60}.")
    # Numbers are names of classes, too: the digits, for example.
    words = {key: str(name) if type(name) in (int, float) else name for key, name in names.items()}
    table = checked(CLASS_NAMES, words, path, "names")
    for expected, index in enumerate(sorted(table)):
        if index != expected:
            raise SegdemoError(f"{path}: names should number the classes from 0 without gaps: see {index}.")
    numbers: dict[str, int] = {}
    for index, name in table.items():
        if numbers.setdefault(name, index) != index:
            raise SegdemoError(f"{path}: names has the class {name!r} twice: {numbers[name]} and {index}.")
    return tuple(DataClass(table[index]) for index in range(len(table)))


def _listing(
    source: SourceConfig, path: Path, data: dict[str, Any], split: str, classes: tuple[DataClass, ...]
) -> Yolo:
    stated = data[split] if isinstance(data[split], list) else [data[split]]
    if not all(isinstance(part, str) and "\0" not in part for part in stated):
        raise SegdemoError(f"{path}: {split} should name a folder of pictures, or several.")
    files: list[tuple[str, Path]] = []
    for part in [source.images] if source.images is not None else _folders(path, data, stated, split):
        if is_dir(part):
            own, above = path.parent.resolve(), part.resolve()
            if own.is_relative_to(above) and len(own.relative_to(above).parts) > 1:
                raise SegdemoError(f"{path}: {split} names {above}, far above the data set: name its pictures' folder.")
            files += [(name, part / name) for name in pictures_below(part)]
        else:
            lines = dict.fromkeys(line.strip() for line in read_text(part).splitlines() if line.strip())
            files += [(line.removeprefix("./"), part.parent / line) for line in lines]
    # Folders within each other and lists may name a picture twice.
    once: dict[Path, str] = {}
    for name, image in files:
        once.setdefault(image, name)
    names = unique_names(list(once.values()))
    pictures = tuple(
        Picture(name, image, _label_file(source, image, name)) for name, image in zip(names, once, strict=True)
    )
    faults = []
    if pictures and not any(is_file(picture.key) for picture in pictures):
        first = pictures[0]
        faults = [f"{path}: no picture of {split} has labels: those of {first.image} would be in {first.key}."]
    return Yolo(where=path, split=split, pictures=pictures, classes=classes, faults=faults)


def _folders(path: Path, data: dict[str, Any], stated: Sequence[str], split: str) -> list[Path]:
    """Where the folders or lists are that the file names: from its root, or from itself where that is elsewhere."""
    root = data.get("path")
    roots = [path.parent / root, path.parent] if isinstance(root, str) and "\0" not in root else [path.parent]
    found = []
    for part in stated:
        # Roboflow's files name their folders from one folder further in than they lie.
        tries = [base / name for base in roots for name in (part, part.removeprefix("../"))]
        there = next((place for place in tries if is_dir(place) or is_file(place)), None)
        if there is None:
            looked = ", ".join(map(str, dict.fromkeys(tries)))
            raise SegdemoError(
                f"The pictures of {split!r} in {path} were not found in {looked}: name their folder with --images."
            )
        found.append(there)
    return found


def _label_file(source: SourceConfig, image: Path, name: str) -> Path:
    """The label file of a picture: in the folder ``labels`` beside the last ``images`` of its path."""
    if source.labels is not None:
        return source.labels / f"{without_suffix(name)}.txt"
    parts = list(image.parts)
    places = [place for place, part in enumerate(parts[:-1]) if part == "images"]
    if places:
        parts[places[-1]] = "labels"
    return Path(*parts).with_suffix(".txt")
