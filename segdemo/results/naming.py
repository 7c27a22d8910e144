"""Names for results: each input's own stem where that is unique, longer where two inputs would share it."""

import os
import re
from collections import Counter
from collections.abc import Mapping, Sequence, Set
from pathlib import Path


def result_names(
    paths: Sequence[Path], *, settled: Mapping[int, str] | None = None, taken: Set[str] = frozenset()
) -> list[str]:
    """Return a file name stem for each input, no two alike even where the file system ignores case.

    An input is called after its stem; inputs whose stems collide keep their extension (``a.jpg`` and ``a.png``), those
    that still do are preceded by as many of their folders as it takes (``x_a.jpg`` and ``y_a.jpg``), and what is left
    is numbered. ``settled`` names, by an input's place in the list, stay as they are; names that are ``taken``, by
    results of other inputs, are not used.
    """
    settled = settled or {}
    taken = {name.casefold() for name in taken}
    parts = [(path.parent.resolve() / path.name).parts for path in paths]
    depth = max(map(len, parts), default=1)
    names = [settled.get(index, path.stem) for index, path in enumerate(paths)]
    for folders in range(depth):
        seen = Counter(name.casefold() for name in names)
        clashes = [
            index
            for index, name in enumerate(names)
            if index not in settled and (seen[name.casefold()] > 1 or name.casefold() in taken)
        ]
        for index in clashes:
            names[index] = "_".join(part.strip(os.sep) for part in parts[index][-1 - folders :])
    used = taken | {name.casefold() for name in settled.values()}
    for index in range(len(names)):
        if index in settled:
            continue
        number, plain = 2, names[index]
        while names[index].casefold() in used:
            names[index] = f"{plain}-{number}"
            number += 1
        used.add(names[index].casefold())
    return names


def file_stem(name: str) -> str:
    """What is left of a stranger's file name for the names of downloads: letters, digits, ``-`` and ``_``."""
    stem = name.replace("\\", "/").rsplit("/", 1)[-1].rsplit(".", 1)[0]
    return re.sub(r"[^A-Za-z0-9_-]+", "-", stem).strip("-")[:60] or "photo"
