"""What can be done to a sound checkpoint folder."""

import json
import os
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

from safetensors.numpy import load_file, save_file

CONFIG, PROCESSOR, WEIGHTS = "config.json", "preprocessor_config.json", "model.safetensors"
INDEX = f"{WEIGHTS}.index.json"
SHARDS = ("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors")
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 866000000\n"

Change = Callable[[Path], object]


def json_with(file: str, *path: str, value: Any) -> Change:
    """Set a value in a JSON file."""

    def change(folder: Path) -> None:
        found = json.loads((folder / file).read_text())
        place = found
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = value
        (folder / file).write_text(json.dumps(found))

    return change


def json_without(file: str, field: str) -> Change:
    """Leave a field out of a JSON file."""

    def change(folder: Path) -> None:
        found = json.loads((folder / file).read_text())
        del found[field]
        (folder / file).write_text(json.dumps(found))

    return change


def text(file: str, content: str | bytes) -> Change:
    """Write something else in a file's place."""
    return lambda folder: (folder / file).write_bytes(content if isinstance(content, bytes) else content.encode())


def replaced(file: str, old: str, new: str) -> Change:
    """Change a file's text, once."""

    def change(folder: Path) -> None:
        before = (folder / file).read_text()
        assert old in before
        (folder / file).write_text(before.replace(old, new, 1))

    return change


def cut(file: str, keep: float) -> Change:
    """Leave only the first part of a file."""

    def change(folder: Path) -> None:
        content = (folder / file).read_bytes()
        (folder / file).write_bytes(content[: int(len(content) * keep)])

    return change


def no_file(file: str, instead: str) -> Change:
    """Put a folder, a link to nowhere, a link to itself or nothing where a file was."""

    def change(folder: Path) -> None:
        (folder / file).unlink()
        if instead == "folder":
            (folder / file).mkdir()
        elif instead == "nowhere":
            (folder / file).symlink_to(folder / "gone")
        elif instead == "itself":
            (folder / file).symlink_to(file)
        elif instead == "pipe":
            os.mkfifo(folder / file)

    return change


def tensors(edit: Callable[[dict[str, Any]], object]) -> Change:
    """Edit the weights by name."""

    def change(folder: Path) -> None:
        weights = load_file(folder / WEIGHTS)
        edit(weights)
        save_file(weights, folder / WEIGHTS, {"format": "pt"})

    return change


def header(edit: Callable[[dict[str, Any]], object], *, length: int | None = None) -> Change:
    """Edit the header of the weights and leave the numbers as they are."""

    def change(folder: Path) -> None:
        content = (folder / WEIGHTS).read_bytes()
        size = struct.unpack("<Q", content[:8])[0]
        found = json.loads(content[8 : 8 + size])
        edit(found)
        packed = json.dumps(found).encode()
        (folder / WEIGHTS).write_bytes(
            struct.pack("<Q", len(packed) if length is None else length) + packed + content[8 + size :]
        )

    return change


def in_shards(then: Change | None = None) -> Change:
    """Split the weights over two files with an index, and do something more."""

    def change(folder: Path) -> None:
        split(folder)
        if then is not None:
            then(folder)

    return change


def split(folder: Path) -> None:
    """Split a folder's weights over two files with an index."""
    weights = load_file(folder / WEIGHTS)
    names = sorted(weights)
    where = {name: SHARDS[index % 2] for index, name in enumerate(names)}
    for shard in SHARDS:
        save_file({name: weights[name] for name in names if where[name] == shard}, folder / shard, {"format": "pt"})
    (folder / INDEX).write_text(json.dumps({"metadata": {"total_size": 1}, "weight_map": where}))
    (folder / WEIGHTS).unlink()


def put(name: str, value: float) -> Callable[[dict[str, Any]], object]:
    """Set the last number of a tensor."""

    def edit(weights: dict[str, Any]) -> None:
        weights[name] = weights[name].copy()
        weights[name].flat[-1] = value

    return edit


def outside(folder: Path) -> None:
    """Move a shard out of the folder and have the index name it there."""
    shutil.move(folder / SHARDS[1], folder.parent / f"{folder.name}-outside.safetensors")
    json_with(INDEX, "weight_map", "class_predictor.bias", value=f"../{folder.name}-outside.safetensors")(folder)
