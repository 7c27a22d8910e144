"""Data sets with something wrong in them, at random but the same for the same seed, and what the package makes of them.

What is asked of every one: it is read as what it says, or sentences name the file, and the entry where one was changed;
nothing else is raised.
"""

import json
import math
import random
import shutil
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from segdemo.data import Dataset, SourceConfig, open_source
from segdemo.data.checks import check
from segdemo.data.recognise import splits_of
from segdemo.errors import SegdemoError
from segdemo.labels import OTHER
from tests.layouts import LAYOUTS

KINDS = ("index", "coco", "panoptic", "voc", "cityscapes", "yolo")
LABELS = {0: "box", 1: "car", 2: "tree", 3: "background", 4: "vegetation"}
SIZE = (12, 16)


@dataclass(frozen=True)
class Outcome:
    """What one data set came to."""

    seed: int
    changes: tuple["Change", ...]
    """What was done to it."""
    said: tuple[str, ...]
    """The sentences, none where it was read."""
    fault: str
    """Why this is not as it should be, empty where it is."""


@dataclass(frozen=True)
class Change:
    """What was done to a file."""

    path: Path
    how: str
    entry: frozenset[str] = frozenset()
    """What a sentence may call the entry that was changed; nothing where it was the whole file or its bytes."""
    line: int = 0
    """The line that was changed, from 1; 0 where it was no line, or any line may be named."""
    more: int = 0
    """How many lines were added at that line."""


class Originals:
    """A sound data set of each kind, and a copy to spoil and mend."""

    def __init__(self, folder: Path) -> None:
        self._sound, self._tried = folder / "sound", folder / "tried"
        self._changed: dict[str, list[Path]] = {}
        self._splits: dict[str, tuple[str | None, ...]] = {}
        for kind in KINDS:
            root = self._sound / kind
            root.mkdir(parents=True)
            {"index": _index, "panoptic": LAYOUTS["coco_panoptic"]}.get(kind, LAYOUTS.get(kind, _index))(root)
            _shrink(root)
            shutil.copytree(root, self._tried / kind)
            self._splits[kind] = (None, *splits_of(SourceConfig(data=root)))

    def attempt(self, kind: str, seed: int) -> Outcome:
        """Change a data set of a kind in one to three ways, and use it."""
        rng = random.Random(f"{kind} {seed}")
        root = self._tried / kind
        for path in self._changed.get(kind, ()):
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink(missing_ok=True)
            shutil.copy(self._sound / kind / path.relative_to(root), path)
        done = tuple(_change(root, rng) for _ in range(rng.choice((1, 1, 1, 2, 3))))
        self._changed[kind] = list({change.path for change in done})
        asked: dict[str, Any] = {"data": root, "split": rng.choice(self._splits[kind])}
        if rng.random() < 0.3:
            asked["format"] = kind
        files = sorted((root / "annotations").glob(f"{ {'coco': 'instances'}.get(kind, kind) }*.json"))
        if files and rng.random() < 0.3:
            asked = {"data": rng.choice(files)}
        said, fault = outcome(SourceConfig.model_validate(asked), prefer=rng.choice((("train",), ("val", "test"))))
        return Outcome(seed, done, said, fault or _unnamed(root, done, said))


def _unnamed(root: Path, done: tuple[Change, ...], said: tuple[str, ...]) -> str:
    """Which sentence names no file below the folder, or that no sentence names an entry that was changed."""
    # Where a file is gone, there is only the folder to name.
    there = all(change.path.is_file() for change in done)
    for sentence in said:
        if (f"{root}/" if there else str(root)) not in sentence:
            return f"names no file: {sentence}"
    known = all(change.entry for change in done)
    names = {name for change in done for name in change.entry} | set(lines_changed(done))
    if said and known and not any(name in sentence for name in names for sentence in said):
        return f"names none of {sorted(names)}: {said[0]}"
    return ""


def lines_changed(done: tuple[Change, ...]) -> Iterator[str]:
    """The lines that were changed, as sentences call them, where they are now that others have been added above."""
    for place, change in enumerate(done):
        line = change.line
        for later in done[place + 1 :]:
            line += later.more if later.path == change.path and later.line <= line else 0
        if change.line:
            yield f"line {line}"


def outcome(source: SourceConfig, prefer: tuple[str, ...]) -> tuple[tuple[str, ...], str]:
    """The sentences about a source, and what is wrong with how it was received; empty where nothing is.

    It is used as the commands do, which take the first of the splits ``prefer`` where none is asked for.
    """
    faults: list[str] = []
    try:
        try:
            data = Dataset(open_source(source, prefer=prefer), source, LABELS)
            faults = check(data)
        except SegdemoError as error:
            return (str(error),), ""
        if not faults:
            for sample in data:
                assert sample.image.ndim == 3
                assert sample.segments.shape == sample.image.shape[:2]
                assert int(sample.segments.max(initial=0)) <= len(sample.classes)
                assert set(sample.labels.ravel().tolist()) <= set(range(OTHER, len(LABELS)))
    except SegdemoError as error:
        return (str(error),), "was read by the check and not afterwards"
    except Exception as error:
        return (), f"{type(error).__name__}: {error}"
    return tuple(faults), ""


def _index(root: Path) -> None:
    LAYOUTS["fiftyone"](root)
    (root / "data").rename(root / "images")
    (root / "labels.json").unlink()
    for part in ("labels", "regions"):
        (root / part).mkdir()
        for path in (root / "images").iterdir():
            Image.fromarray(np.eye(*SIZE, dtype=np.uint8)).save(root / part / path.name)
    (root / "classes.txt").write_text("tree\nbox\n")
    (root / "split.json").write_text(json.dumps({"train": ["p00", "p01"], "val": ["p02"]}))


def _shrink(root: Path) -> None:
    """Make pictures of a few pixels: what is wrong shows there as well, and sooner."""
    for path in root.rglob("*"):
        if path.suffix in (".png", ".jpg"):
            with Image.open(path) as picture:
                picture.resize(SIZE[::-1], Image.Resampling.NEAREST).save(path)
        elif path.suffix == ".json":
            data = json.loads(path.read_text())
            for part in ("images", "annotations"):
                for entry in (data.get(part) or [])[:]:
                    if isinstance(entry, dict) and "height" in entry:
                        entry["height"], entry["width"] = SIZE
                    if isinstance(entry, dict) and isinstance(entry.get("segmentation"), list):
                        entry["segmentation"] = [[value / 4 for value in entry["segmentation"][0]]]
            if len(data.get("annotations") or []) > 1 and "segmentation" in data["annotations"][1]:
                data["annotations"][1]["segmentation"] = {
                    "size": list(SIZE),
                    "counts": [40, 12, SIZE[0] * SIZE[1] - 52],
                }
            path.write_text(json.dumps(data))


def _change(root: Path, rng: random.Random) -> Change:
    """Change a file in some way."""
    files = sorted(path for path in root.rglob("*") if path.is_file())
    # What describes the pictures is what goes wrong in most ways, and there is less of it than of pictures.
    texts = [path for path in files if path.suffix in (".json", ".txt", ".yaml")]
    path = rng.choice(texts if texts and rng.random() < 0.6 else files)
    ways: list[Callable[[Path, random.Random], Change]] = [_bytes, _bytes, _file]
    ways += {".json": [_json] * 9, ".png": [_png] * 4, ".txt": [_lines] * 6, ".yaml": [_lines] * 3}.get(path.suffix, [])
    return rng.choice(ways)(path, rng)


def _bytes(path: Path, rng: random.Random) -> Change:
    data = bytearray(path.read_bytes())
    how = rng.choice(("cut", "flip", "insert", "repeat", "zero"))
    at = rng.randrange(len(data) + 1)
    if how == "cut":
        del data[at:]
    elif how == "flip" and data:
        for _ in range(rng.choice((1, 1, 5, 50))):
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    elif how == "insert":
        data[at:at] = rng.randbytes(rng.choice((1, 4, 200)))
    elif how == "repeat":
        data[at:at] = data[at : at + rng.choice((1, 30, 400))]
    else:
        data[at : at + 20] = bytes(len(data[at : at + 20]))
    path.write_bytes(bytes(data))
    return Change(path, f"bytes {how} at {at}")


def _file(path: Path, rng: random.Random) -> Change:
    how = rng.choice(("missing", "empty", "folder", "EPS", "PPM", "SVG", "loop"))
    path.unlink()
    if how == "folder":
        path.mkdir()
    elif how == "loop":
        path.symlink_to(path.name)
    elif how != "missing":
        begins = {
            "EPS": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
            "PPM": b"P6 9999 9999 255\n",
            "SVG": b"<svg/>",
        }
        path.write_bytes(begins.get(how, b""))
    return Change(path, how)


def _png(path: Path, rng: random.Random) -> Change:
    """A PNG whose chunks are sound and say something else."""
    how = rng.choice(("size", "size", "kind", "values", "values", "colour", "deep"))
    if how in ("size", "kind"):
        data = bytearray(path.read_bytes())
        if len(data) < 40:
            return Change(path, "too short")
        if how == "size":
            wide = (0, 1, 15, 17, 4096, 100_000, 95_000, 2**31 - 1)
            struct.pack_into(">II", data, 16, rng.choice(wide), rng.choice(wide))
        else:
            data[24], data[25] = rng.choice((1, 2, 4, 8, 16, 7)), rng.choice((0, 2, 3, 4, 6, 5))
        struct.pack_into(">I", data, 29, zlib.crc32(bytes(data[12:29])))
        path.write_bytes(bytes(data))
        return Change(path, f"header says other {how}")
    numbers = np.random.default_rng(rng.randrange(2**32))
    size = rng.choice((SIZE, SIZE, SIZE, (3, 5), SIZE[::-1], (400, 1)))
    if how == "colour":
        values = numbers.integers(256, size=(*size, rng.choice((2, 3, 4))), dtype=np.uint8)
    elif how == "deep":
        values = numbers.integers(65536, size=size, dtype=np.uint16)
    else:
        values = numbers.integers(rng.choice((2, 6, 256)), size=size, dtype=np.uint8)
    Image.fromarray(values).save(path)
    return Change(path, f"{how} {size}")


WORDS: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 3, 7, 255, 70000, 2**24, 2**31, 2**63, 10**30, 0.5, -1.5, 1e308, math.nan, math.inf),
    *(
        "",
        "a",
        "p00.png",
        "1",
        "-1",
        "\0",
        "a\0b",
        "/",
        "..",
        "../../../etc/passwd",
        "/etc/passwd",
        "a" * 5000,
        "\ud800",
        "ü",
    ),
    *(
        [],
        {},
        [[]],
        [{}],
        [None],
        [1, 2, 3],
        [[1, 2]],
        {"a": 1},
        [[0.0, 0.0, 1e9, 0.0, 1e9, 1e9]],
        [[1, 1, 5, 1, "5", 5]],
    ),
    *(
        {"size": [12, 16], "counts": [10, 20]},
        {"size": [12, 16], "counts": "abc"},
        {"size": [2**31, 2**31], "counts": [1]},
    ),
    *({"size": [12, 16], "counts": [-5, 197]}, {"size": [12, 16], "counts": [2**70]}, {"size": "ab", "counts": []}),
)


def _json(path: Path, rng: random.Random) -> Change:
    try:
        data = json.loads(path.read_text())
    except (ValueError, RecursionError):
        return _bytes(path, rng)
    places = list(_places(data))
    if not places or rng.random() < 0.03:
        word = rng.choice(WORDS)
        path.write_text(json.dumps(word))
        return Change(path, f"all is {word!r}")
    trail, holder, key = rng.choice(places)
    names, gone = _names(data, trail), False
    how = rng.choice(("replace", "replace", "replace", "delete", "copy", "rename", "other"))
    if how == "delete":
        del holder[key]
        gone = len(trail) == 2
    elif how == "copy" and isinstance(holder, list):
        holder.append(json.loads(json.dumps(holder[key])))
        trail = (*trail[:-1], len(holder) - 1)
    elif how == "rename" and isinstance(holder, dict):
        called = rng.choice(("x", "", key.upper()))
        holder[called] = holder.pop(key)
        names |= {repr(called)} if len(trail) == 1 else set()
    elif how == "other":
        _, elsewhere, there = rng.choice(places)
        holder[key] = json.loads(json.dumps(elsewhere[there]))
    else:
        holder[key] = rng.choice(WORDS)
    text = json.dumps(data)
    if rng.random() < 0.02:
        path.write_text(text.replace("[", "[" * rng.choice((2, 3000)), 1))
        return Change(path, "brackets")
    path.write_text(text)
    return Change(path, f"{how} at {trail!r}", frozenset() if gone else names | _names(data, trail))


def _places(node: Any, trail: tuple[Any, ...] = ()) -> list[tuple[tuple[Any, ...], Any, Any]]:
    """Every place of a JSON document: the way there, what holds it, and its key in that."""
    found: list[tuple[tuple[Any, ...], Any, Any]] = []
    for key in list(node) if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ():
        found.append(((*trail, key), node, key))
        found += _places(node[key], (*trail, key))
    return found


def _names(data: Any, trail: tuple[Any, ...]) -> frozenset[str]:
    """What the entry that a place belongs to may be called: its place, its file, its id, the picture it is for."""
    part = data.get(trail[0]) if isinstance(data, dict) else None
    if len(trail) == 1 or not isinstance(part, list):
        return frozenset({str(trail[0])} - {""})
    names = {f"{trail[0]}[{trail[1]}]"}
    entry = part[trail[1]] if trail[1] < len(part) else None
    if isinstance(entry, str):
        names.add(entry)
    if isinstance(entry, dict):
        key = entry.get("id", entry.get("image_id"))
        names |= {f"{kind} {key}" for kind in ("object", "category", "id", "picture")}
        pictures = data.get("images")
        related = [other for other in pictures if isinstance(other, dict)] if isinstance(pictures, list) else []
        related = [other for other in related if other.get("id") == entry.get("image_id")]
        for one in (entry, *related):
            names |= {Path(str(one[field])).stem for field in ("file_name", "name") if one.get(field)}
    return frozenset(names - {""})


def _lines(path: Path, rng: random.Random) -> Change:
    lines = path.read_bytes().split(b"\n")
    at = rng.randrange(len(lines))
    words, before = lines[at].split(b" "), lines[at].split()
    word = rng.choice(
        (
            *(
                b"",
                b"-1",
                b"99999999999",
                b"nan",
                b"inf",
                b"1e400",
                b"0x1",
                b"\0",
                b"..",
                b"/",
                b"a" * 5000,
                b"\xff\xfe",
                b"[",
                b"{",
            ),
        )
    )
    how = rng.choice(("word", "word", "drop", "line", "twice", "long"))
    if how == "word":
        words[rng.randrange(len(words))] = word
        lines[at] = b" ".join(words)
    elif how == "drop":
        del words[rng.randrange(len(words))]
        lines[at] = b" ".join(words)
    elif how == "line":
        lines.insert(at, word)
    elif how == "twice":
        lines.insert(at, lines[at])
    else:
        lines[at] = lines[at] * 300
    path.write_bytes(b"\n".join(lines))
    after = lines[at].split() if at < len(lines) else []
    names = {word.decode("latin-1").strip(":") for word in (*before, *after)} - {""}
    # Parsers notice some things a line later.
    names |= {"see line", *(["line "] if path.suffix == ".yaml" else [])}
    gone = how == "drop" or not after
    line = 0 if gone or path.suffix == ".yaml" else at + 1
    more = how in ("line", "twice")
    return Change(path, f"{how} in line {at + 1}", frozenset() if gone else frozenset(names), line, more)
