"""Makes an exported folder ready for a service: ``handler.py``, what it needs, and what Triton wants to know."""

import json
import re
from collections.abc import Sequence
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any

from segdemo.checkpoints import Checkpoint, public_id
from segdemo.errors import SegdemoError
from segdemo.prediction import Size
from segdemo.settings import MASK_THRESHOLD, OVERLAP_THRESHOLD, SCORE_THRESHOLD
from segdemo.taxonomy import Taxonomy

PARTS = ("arrays.py", "pictures.py", "handler.py")
"""What ``handler.py`` is put together from, since services load one file."""
TASKS = ("semantic", "panoptic")
"""What a handler can be asked for."""
RUNTIMES = {"onnx": "onnxruntime", "openvino": "openvino", "torchscript": "torch"}
"""Package that runs each format."""
_NEEDED = ("numpy>=1.26,<3", "pillow>=11")
_LEAST = {"onnxruntime": "1.20", "openvino": "2025.0", "torch": "2.8"}
"""The oldest series that reads what the export writes."""
_OWN_IMPORT = re.compile(r"^from segdemo\.export\.endpoint\.\w+ import (?:\([^)]*\)|[^\n(]*)\n", re.MULTILINE)
_DOCSTRING = re.compile(r'\A"""(.*?)"""\n', re.DOTALL)


def write_endpoint(
    folder: Path,
    checkpoint: Checkpoint,
    taxonomy: Taxonomy,
    *,
    format: str,
    shapes: Sequence[Size | None],
    queries: int,
    tasks: Sequence[str] = TASKS,
) -> list[str]:
    """Put beside the graphs of an exported folder what a service needs; returns the names of the files.

    ``handler.py`` and ``requirements.txt`` are for Hugging Face Inference Endpoints, ``classes.json`` is what the
    handler knows of the checkpoint, ``config.pbtxt`` describes the first graph to Triton. ``format`` is one of
    ``RUNTIMES``, else ``SegdemoError`` is raised; ``shapes`` are the graphs' input sizes, (height, width),
    none for any. ``queries`` is 0 of a network without; ``tasks`` are those of ``TASKS`` that the graph is for, the
    usual one first.
    """
    if format not in RUNTIMES:
        raise SegdemoError(f"--endpoint is for {', '.join(RUNTIMES)}: a {format} export has no program that answers.")
    contents = {
        "handler.py": handler_source(),
        "requirements.txt": requirements(format),
        "classes.json": json.dumps(
            {**about(checkpoint, taxonomy), **_tasks(checkpoint, tasks)}, indent=1, ensure_ascii=False
        )
        + "\n",
        "config.pbtxt": triton_config(format, shapes[0], queries=queries, classes=len(taxonomy)),
    }
    for name, text in contents.items():
        (folder / name).write_text(text, encoding="utf-8")
    return list(contents)


def handler_source() -> str:
    """The text of ``handler.py``: one module that needs nothing of this project."""
    texts = {name: (files(__name__) / name).read_text(encoding="utf-8") for name in PARTS}
    bodies = []
    for name in PARTS:
        text = _OWN_IMPORT.sub("", texts[name])
        said = _DOCSTRING.match(text)
        assert said is not None
        # The last one's docstring is the module's; the others' become comments.
        comment = "" if name == PARTS[-1] else "".join(f"# {line}".rstrip() + "\n" for line in said[1].splitlines())
        bodies.append(comment + text[said.end() :].strip())
    title = _DOCSTRING.match(texts[PARTS[-1]])
    assert title is not None
    return title[0] + "\n" + "\n\n\n".join(bodies) + "\n"


def requirements(format: str) -> str:
    """The text of ``requirements.txt``: what the handler needs, and in which versions it was tried."""
    package = RUNTIMES[format]
    tried = ", ".join(f"{name} {version(name).partition('+')[0]}" for name in ("numpy", "pillow", package))
    return "\n".join([f"# Tried with {tried}.", *_NEEDED, f"{package}>={_LEAST[package]}"]) + "\n"


def about(checkpoint: Checkpoint, taxonomy: Taxonomy) -> dict[str, Any]:
    """What the handler and the web page know of a checkpoint: its classes in index order, and the defaults."""
    return {
        "checkpoint": public_id(checkpoint.id),
        "title": checkpoint.title,
        "note": checkpoint.note,
        "terms": checkpoint.terms,
        "task": "semantic" if checkpoint.kind == "semantic" else "panoptic",
        "score_threshold": SCORE_THRESHOLD,
        "mask_threshold": MASK_THRESHOLD,
        "overlap_threshold": OVERLAP_THRESHOLD,
        "least_score": checkpoint.least_score,
        "classes": [
            {"name": entry.name, "isthing": int(entry.isthing), "color": list(entry.color)}
            for entry in taxonomy.classes
        ],
    }


def _tasks(checkpoint: Checkpoint, tasks: Sequence[str]) -> dict[str, Any]:
    """What the handler can be asked for, and what it does where nobody asks."""
    usual = "semantic" if checkpoint.kind == "semantic" else "panoptic"
    return {"task": usual if usual in tasks else tasks[0], "tasks": list(tasks)}


def triton_config(format: str, shape: Size | None, *, queries: int, classes: int) -> str:
    """The text of Triton's ``config.pbtxt`` for a graph of one input size (height, width), or of any; batch 1.

    ``queries`` is 0 of a network that hands out logits for each cell.
    """
    backend = {"onnx": "onnxruntime", "openvino": "openvino", "torchscript": "pytorch"}[format]
    height, width = shape or (-1, -1)
    rows, columns = (height // 4, width // 4) if shape else (-1, -1)
    # LibTorch has no names: Triton numbers what goes in and out.
    numbered = format == "torchscript"
    outputs: dict[str, tuple[int, ...]] = {
        "class_queries_logits": (1, queries, classes + 1),
        "masks_queries_logits": (1, queries, rows, columns),
    }
    if not queries:
        outputs = {"logits": (1, classes, rows, columns)}
    entries: list[tuple[str, str, tuple[int, ...]]] = [
        ("input", "INPUT__0" if numbered else "pixel_values", (1, 3, height, width))
    ]
    for number, (name, dims) in enumerate(outputs.items()):
        entries.append(("output", f"OUTPUT__{number}" if numbered else name, dims))
    blocks = [
        f'{kind} [\n  {{\n    name: "{name}"\n    data_type: TYPE_FP32\n    dims: [ {", ".join(map(str, dims))} ]\n'
        "  }\n]"
        for kind, name, dims in entries
    ]
    return "\n".join([f'backend: "{backend}"', "max_batch_size: 0", *blocks]) + "\n"
