"""Checkpoint folders changed at random, the same for the same seed, and whether that was received as it should be.

What is asked of every one: it runs as the library runs it, or a sentence names the file; nothing else is raised, and
nothing runs that the library refuses.
"""

import json
import random
import shutil
import signal
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from tests.damage.changes import CONFIG, INDEX, PROCESSOR, WEIGHTS, split
from tests.damage.trying import Picture, of_the_library, said
from tests.data.changes import WORDS, Change, change_bytes, change_file, change_json

Answer = TypeVar("Answer")

KINDS = ("config", "processor", "weights", "index")
_FILES = {"config": (CONFIG,), "processor": (PROCESSOR,), "weights": (WEIGHTS,), "index": (INDEX,)}
_NAMES = (CONFIG, PROCESSOR, WEIGHTS, "safetensors", "weights in", "its weights", "checkpoint's")
"""One of these is in every sentence about a folder."""
CLOSE = 1e-3
PATIENCE = 20
"""Seconds that the library has: it begins to build a network of two billion blocks."""


@dataclass(frozen=True)
class Outcome:
    """What one folder came to."""

    seed: int
    change: str
    said: str
    """The sentence, empty where it ran."""
    fault: str
    """Why this is not as it should be, empty where it is."""
    stricter: bool = False
    """Whether the library would have answered with numbers; asked only where ``compare`` is."""


class Originals:
    """A sound folder of each kind, and a copy to spoil and mend."""

    def __init__(self, checkpoint: Path, folder: Path, photo: Picture) -> None:
        self._folder, self._photo = folder, photo
        self._sound = {kind: shutil.copytree(checkpoint, folder / f"sound-{kind}") for kind in KINDS}
        split(self._sound["index"])

    def attempt(self, kind: str, seed: int, *, compare: bool = False) -> Outcome:
        """Change a folder of a kind, use it, and with ``compare`` ask the library the same."""
        rng = random.Random(f"{kind} {seed}")
        tried = self._folder / "tried"
        shutil.rmtree(tried, ignore_errors=True)
        shutil.copytree(self._sound[kind], tried)
        file = tried / _FILES[kind][0]
        change = f"{file.name}: {_change(file, rng).how}"
        try:
            prediction, sentence = said(tried, self._photo)
        except Exception as error:
            return Outcome(seed, change, "", f"{type(error).__name__}: {error}")
        if prediction is None and not any(name in sentence for name in _NAMES):
            return Outcome(seed, change, sentence, f"names no file: {sentence}")
        if prediction is None and "\n" in sentence:
            return Outcome(seed, change, sentence, f"has several lines: {sentence}")
        expected = _within(PATIENCE, lambda: of_the_library(tried, self._photo)) if compare else None
        if prediction is None:
            return Outcome(seed, change, sentence, "", expected is not None)
        if expected is not None:
            apart = [
                float(np.abs(ours - theirs).max()) if ours.shape == theirs.shape else float("inf")
                for ours, theirs in zip((prediction.mask_logits(), prediction.class_logits()), expected, strict=True)
            ]
            if max(apart) > CLOSE * max(1.0, *(float(np.abs(part).max()) for part in expected)):
                return Outcome(seed, change, "", f"differs from the library by {max(apart):.2g}")
        elif compare:
            return Outcome(seed, change, "", "runs what the library refuses")
        return Outcome(seed, change, "", "")


def _within(seconds: int, ask: Callable[[], Answer]) -> Answer:
    """What the library answers; its work is broken off by an error after so many seconds (not on Windows)."""

    def stop(*_: object) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        return ask()
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def _change(file: Path, rng: random.Random) -> Change:
    ways: tuple[Callable[[Path, random.Random], Change], ...]
    if file.suffix == ".json":
        ways = (*[change_json] * 14, change_bytes, change_file)
    else:
        ways = (*[change_bytes] * 3, change_file, *[_header] * 8, *[_numbers] * 4)
    return rng.choice(ways)(file, rng)


_HEADER_WORDS: dict[str, tuple[Any, ...]] = {
    "dtype": ("F64", "F16", "BF16", "I32", "U8", "BOOL", "F8_E4M3", "C64"),
    "shape": ([], [0], [1], [2**62]),
    "data_offsets": ([0, 4], [4, 0], [0, 2**62]),
}


def _header(file: Path, rng: random.Random) -> Change:
    """Change an entry of the header, and keep the file's numbers."""
    content = file.read_bytes()
    size = struct.unpack("<Q", content[:8])[0]
    head: dict[str, Any] = json.loads(content[8 : 8 + size])
    name = rng.choice(sorted(head))
    how = rng.choice(("field", "field", "drop", "rename", "swap", "turn", "length"))
    if how == "field" and name != "__metadata__":
        field = rng.choice(("dtype", "shape", "data_offsets"))
        words = {
            "dtype": ("F64", "F16", "BF16", "I32", "U8", "BOOL", "F8_E4M3", "C64"),
            "shape": ([], [0], [1], [2**62]),
        }
        head[name][field] = rng.choice((*WORDS, *words.get(field, ([0, 4], [4, 0], [0, 2**62]))))
        how = f"{field} of {name}"
    elif how == "rename":
        head[rng.choice(("x", f"{name}.weight", ""))] = head.pop(name)
    elif how == "swap":
        other = rng.choice(sorted(head))
        head[name], head[other] = head[other], head[name]
    elif how == "turn" and isinstance(head[name].get("shape"), list):
        head[name]["shape"] = head[name]["shape"][::-1]
    elif how == "drop":
        del head[name]
    packed = json.dumps(head).encode()
    length = len(packed) if how != "length" else rng.choice((0, 1, len(packed) - 1, len(packed) + 1, 2**31, 2**63))
    file.write_bytes(struct.pack("<Q", length) + packed + content[8 + size :])
    return Change(file, f"header {how} at {name}")


def _numbers(file: Path, rng: random.Random) -> Change:
    """Change bits in the numbers alone, or put others in their place."""
    content = bytearray(file.read_bytes())
    start = 8 + struct.unpack("<Q", content[:8])[0]
    count = rng.choice((1, 1, 10, 1000))
    if rng.random() < 0.5:
        for _ in range(count):
            content[rng.randrange(start, len(content))] ^= 1 << rng.randrange(8)
        file.write_bytes(bytes(content))
        return Change(file, f"{count} bits")
    value = struct.pack("<f", rng.choice((float("nan"), float("inf"), -float("inf"), 3e38, -1e30, 1e12, 0.0)))
    for _ in range(count):
        at = rng.randrange((len(content) - start) // 4) * 4 + start
        content[at : at + 4] = value
    file.write_bytes(bytes(content))
    return Change(file, f"{count} numbers are {struct.unpack('<f', value)[0]}")
