"""Data sets with something wrong in them, at random but the same for the same seed, and what the package makes of them.

What is asked of every one: it is read as what it says, or sentences name the file, and the entry where one was changed;
nothing else is raised.
"""

import json
import random
import shutil
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
from tests.data.changes import SIZE, Change, change_bytes, change_file, change_json, change_lines, change_png
from tests.layouts import LAYOUTS

KINDS = ("index", "coco", "panoptic", "voc", "cvat_masks", "cityscapes", "yolo")
LABELS = {0: "box", 1: "car", 2: "tree", 3: "background", 4: "vegetation"}


@dataclass(frozen=True)
class Outcome:
    """What one data set came to."""

    seed: int
    changes: tuple[Change, ...]
    """What was done to it."""
    said: tuple[str, ...]
    """The sentences, none where it was read."""
    fault: str
    """Why this is not as it should be, empty where it is."""


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
            asked["format"] = {"cvat_masks": "voc"}.get(kind, kind)
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
    ways: list[Callable[[Path, random.Random], Change]] = [change_bytes, change_bytes, change_file]
    ways += {
        ".json": [change_json] * 9,
        ".png": [change_png] * 4,
        ".txt": [change_lines] * 6,
        ".yaml": [change_lines] * 3,
    }.get(path.suffix, [])
    return rng.choice(ways)(path, rng)
