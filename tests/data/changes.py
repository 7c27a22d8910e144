"""Ways to change a file at random, each saying what it did and what a sentence may call the entry."""

import json
import math
import random
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

SIZE = (12, 16)


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


def change_bytes(path: Path, rng: random.Random) -> Change:
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


def change_file(path: Path, rng: random.Random) -> Change:
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


def change_png(path: Path, rng: random.Random) -> Change:
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


def change_json(path: Path, rng: random.Random) -> Change:
    try:
        data = json.loads(path.read_text())
    except (ValueError, RecursionError):
        return change_bytes(path, rng)
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


def change_lines(path: Path, rng: random.Random) -> Change:
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
