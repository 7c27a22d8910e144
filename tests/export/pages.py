"""What the web page's tests share: a package with small files, the page of a graph, and Chromium."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from segdemo import checkpoints
from segdemo.export import web
from segdemo.export.web import runtime
from segdemo.model.preprocessing import Preprocessing
from segdemo.settings import ASSETS
from segdemo.taxonomy import taxonomy_for
from segdemo.ui import alone

EXAMPLES = ("autumn-street", "living-room")
ANY = ({"name": "model.onnx", "height": None, "width": None},)
"""One graph for all sizes."""


def small_package(folder: Path) -> Path:
    """An npm package with small files in place of the runtime's."""
    (folder / "dist").mkdir(parents=True)
    for name in runtime.FILES:
        (folder / "dist" / name).write_bytes(name.encode())
    (folder / "package.json").write_text('{"version": "9.9.9"}')
    return folder


def written(target: Path, package: Path, graph: Path, listed: Sequence[dict[str, Any]] = ANY) -> Path:
    """The page of the embedded checkpoint's classes over a graph that a card lists so."""
    folder = ASSETS / "checkpoint"
    shutil.copyfile(graph, target / "model.onnx")
    shell = alone.shell()
    photos = [web.Photo(name, ASSETS / "examples" / f"{name}.jpg", True) for name in EXAMPLES]
    web.write_web(
        target,
        listed,
        checkpoints.find("embedded"),
        taxonomy_for(checkpoints.labels(folder)),
        Preprocessing.from_folder(folder),
        runtime.find_runtime(package),
        shell,
        photos,
    )
    return target
