"""Names for results: each input's own stem where that is unique, longer where two inputs would share it."""

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path


def result_names(paths: Sequence[Path]) -> list[str]:
    """Return a file name stem for each input, no two alike even where the file system ignores case.

    An input is called after its stem; inputs whose stems collide keep their extension (``a.jpg`` and ``a.png``), those
    that still do are preceded by as many of their folders as it takes (``x_a.jpg`` and ``y_a.jpg``), and what is left
    is numbered.
    """
    parts = [(path.parent.resolve() / path.name).parts for path in paths]
    depth = max(map(len, parts), default=1)
    names = [path.stem for path in paths]
    for folders in range(depth):
        seen = Counter(name.casefold() for name in names)
        clashes = [index for index, name in enumerate(names) if seen[name.casefold()] > 1]
        for index in clashes:
            names[index] = "_".join(part.strip(os.sep) for part in parts[index][-1 - folders :])
    taken: set[str] = set()
    for index, name in enumerate(names):
        number = 2
        while names[index].casefold() in taken:
            names[index] = f"{name}-{number}"
            number += 1
        taken.add(names[index].casefold())
    return names
