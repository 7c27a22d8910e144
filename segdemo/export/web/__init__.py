"""A folder for any static host: the viewer, the network and ONNX Runtime Web, which segment a photo in the browser."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from segdemo.checkpoints import Checkpoint
from segdemo.errors import SegdemoError
from segdemo.export.endpoint import about as about_checkpoint
from segdemo.export.web.runtime import Runtime
from segdemo.images import encode_jpeg, load_image, thumbnail
from segdemo.model.preprocessing import Preprocessing
from segdemo.settings import settings
from segdemo.shell import Shell
from segdemo.taxonomy import Taxonomy

PART_BYTES = 24_000_000
"""Largest file that is written: hosts of static files refuse what is over 25 MB."""
WORKER_SCRIPTS = (
    "within.js",
    "resize.js",
    "sampling.js",
    "semantic.js",
    "panoptic.js",
    "png.js",
    "fetching.js",
    "worker.js",
    "working.js",
    "start.js",
)
"""What the worker runs, in this order."""
PAGE_SCRIPTS = ("within.js", "asking.js", "panel.js", "alone.js", "start.js")
"""What the page runs after the viewer and its controls."""
SCRIPTS = tuple(dict.fromkeys([*WORKER_SCRIPTS[:-1], *PAGE_SCRIPTS]))
_FILTERS = (1, 2, 3)
"""Pillow's numbers of the filters that ``resize.js`` has."""
_THUMBNAIL = (144, 192)


@dataclass(frozen=True)
class Photo:
    """A picture that the page offers to try."""

    title: str
    file: Path
    drawn: bool = False


def check_web(preprocessing: Any) -> None:
    """Raise ``SegdemoError`` for a checkpoint whose preprocessing the page does not have."""
    if not isinstance(preprocessing, Preprocessing) or preprocessing.pad_size or not preprocessing.do_resize:
        raise SegdemoError("The web page resizes photographs, and does nothing else: this checkpoint wants more.")
    if preprocessing.resample not in _FILTERS:
        raise SegdemoError(
            f"The web page resizes by the filters {', '.join(map(str, _FILTERS))} of Pillow, not by "
            f"{preprocessing.resample} as this checkpoint's preprocessor_config.json asks."
        )


def write_web(
    folder: Path,
    graphs: Sequence[dict[str, Any]],
    checkpoint: Checkpoint,
    taxonomy: Taxonomy,
    preprocessing: Preprocessing,
    runtime: Runtime,
    shell: Shell,
    photos: Sequence[Photo] = (),
) -> list[str]:
    """Make an exported ONNX folder a page; returns the names of the files that it consists of.

    ``graphs`` are the card's ``files``: each is cut into parts of at most ``PART_BYTES`` in place of its file. Raises
    ``SegdemoError`` as ``check_web`` does, and for a runtime that a static host would refuse.
    """
    check_web(preprocessing)
    written = runtime.copy(folder, PART_BYTES)
    listed = []
    for graph in graphs:
        parts = cut(folder / graph["name"])
        written += [part["name"] for part in parts]
        listed.append({"name": graph["name"], "height": graph["height"], "width": graph["width"], "parts": parts})
    about = {
        **about_checkpoint(checkpoint, taxonomy),
        "graphs": listed,
        "preprocessing": {
            "size": preprocessing.size,
            "divisor": max(1, preprocessing.size_divisor),
            "resample": preprocessing.resample,
            "table": _table(preprocessing),
        },
        "max_pixels": settings().max_pixels,
        "runtime": runtime.version,
        "examples": [_example(folder, index, photo) for index, photo in enumerate(photos)],
    }
    page = [(files(__name__) / name).read_text(encoding="utf-8") for name in PAGE_SCRIPTS]
    worker = [(files(__name__) / name).read_text(encoding="utf-8") for name in WORKER_SCRIPTS]
    head = 'globalThis.window = globalThis;\nimportScripts("about.js", "ort.wasm.min.js");\n'
    contents = {
        "index.html": (files(__name__) / "index.html").read_text(encoding="utf-8"),
        "about.js": f"(window.segdemo ??= {{}}).about = {json.dumps(about, ensure_ascii=True)};\n",
        "page.js": "\n".join([shell.script, *page]),
        "page.css": "\n".join([shell.style, (files(__name__) / "page.css").read_text(encoding="utf-8")]),
        "worker.js": head + "\n".join(worker),
        "_headers": _HEADERS,
    }
    for name, text in contents.items():
        (folder / name).write_text(text, encoding="utf-8")
    return [*written, *contents]


_HEADERS = """/*
  Cross-Origin-Opener-Policy: same-origin
  Cross-Origin-Embedder-Policy: require-corp
"""
"""For hosts that read it: an isolated page may use several threads."""


def cut(file: Path) -> list[dict[str, Any]]:
    """Cut a file into parts of at most ``PART_BYTES`` beside it and remove it; names and bytes, in order."""
    count = max(1, -(-file.stat().st_size // PART_BYTES))
    parts = []
    with file.open("rb") as stream:
        for index in range(count):
            content = stream.read(PART_BYTES)
            name = f"{file.stem}-{index + 1}-of-{count}.bin"
            (file.parent / name).write_bytes(content)
            parts.append({"name": name, "bytes": len(content)})
    file.unlink()
    return parts


def _table(preprocessing: Preprocessing) -> list[list[float]]:
    """Normalised value of each of the 256 levels of each channel."""
    levels = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2)
    return [[float(value) for value in channel[0]] for channel in preprocessing.normalised(levels)]


def _example(folder: Path, index: int, photo: Photo) -> dict[str, Any]:
    """Put an example beside the page, without what its file says of camera and place."""
    image = load_image(photo.file)
    name, small = f"example-{index + 1}.jpg", f"example-{index + 1}-small.jpg"
    (folder / name).write_bytes(encode_jpeg(image))
    (folder / small).write_bytes(encode_jpeg(thumbnail(image, _THUMBNAIL)))
    found = asdict(photo)
    return {"title": found["title"], "drawn": found["drawn"], "file": name, "thumb": small}
