"""The parity card: ``parity.json`` for programs, ``README.md`` for people."""

import math
import os
import platform
import re
import shlex
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from segdemo.machine import processor

PACKAGES = ("torch", "transformers", "onnx", "onnxscript", "onnxruntime", "openvino", "tensorrt")


def surroundings() -> dict[str, Any]:
    """The versions and the machine that a card's figures are of."""
    versions = {}
    for name in PACKAGES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return {
        "python": platform.python_version(),
        "versions": versions,
        "processor": processor(),
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None,
    }


def command_line(options: Sequence[tuple[str, str]], switches: Sequence[str] = ()) -> str:
    """The command to repeat an export, with the names of folders and not where this machine has them."""
    words = ["python", "-m", "segdemo", "export"]
    for name, value in options:
        words += [f"--{name}", shlex.quote(_without_place(value))]
    return " ".join([*words, *(f"--{name}" for name in switches)])


def _without_place(value: str) -> str:
    return re.split(r"[\\/]", value.rstrip("/\\"))[-1] or value if Path(value).is_absolute() else value


def readme(card: dict[str, Any]) -> str:
    """The card as Markdown."""
    lines = [f"# {card['checkpoint']['title']} as {_TITLES[card['format']]}, {card['precision']}", ""]
    lines += [*_verdict(card), ""]
    if card.get("task"):
        lines += [
            f'The network was told "the task is {card["task"]}" for good: its token is a constant of the graph. Export '
            f"it once more with another `--task` for another task.",
            "",
        ]
    if card.get("about"):
        lines += [card["about"], ""]
    lines += ["| file | input | size |", "|---|---|--:|"]
    for entry in card["files"]:
        lines.append(f"| `{entry['name']}` | {_size(entry)} | {_bytes(entry['bytes'])} |")
    lines += [
        "",
        f"Input `pixel_values` float32 (1, 3, H, W), prepared as `preprocessor_config.json` says and "
        f"{'padded with black at the right or the bottom' if card['padded'] else 'stretched'} to the graph's size. "
        f"{_outputs(card)}",
        "",
    ]
    for shape in card["shapes"]:
        lines += _shape(shape, card)
    made = card["made_with"]
    versions = ", ".join(f"{name} {number}" for name, number in made["versions"].items())
    lines += [
        "## To repeat it",
        "",
        f"    {card['command']}",
        "",
        f"Made with segdemo {card['segdemo']}, Python {made['python']}, {versions}, on {made['cores']} cores of "
        f"{made['processor']}" + (f" with a load of {made['load']} at the end." if made["load"] is not None else "."),
        "",
    ]
    return "\n".join(lines)


_TITLES = {
    "onnx": "ONNX",
    "openvino": "OpenVINO IR",
    "torchscript": "TorchScript",
    "tensorrt": "TensorRT",
    "web": "a web page",
}


def _outputs(card: dict[str, Any]) -> str:
    if "logits" in card["outputs"]:
        return (
            f"Output `logits` (1, {card['classes']}, H / 4, W / 4): of each cell the scores of the classes, which a "
            "softmax makes probabilities of, before the library brings them to the input's size; there are no queries "
            "and no segments."
        )
    return (
        f"Outputs `class_queries_logits` (1, {card['queries']}, {card['classes'] + 1}), the last column "
        f'"no object", and `masks_queries_logits` (1, {card["queries"]}, H / 4, W / 4).'
    )


def _verdict(card: dict[str, Any]) -> list[str]:
    wanted = share(card["least_labels_equal"])
    if card["passed"]:
        return [f"At least {wanted} of the labels must equal the network's own in the mean over pictures: they do."]
    everywhere = [entry["labels_equal"] for shape in card["shapes"] for entry in shape.get("also_at", [])]
    mean = min([shape["labels_equal"]["mean"] for shape in card["shapes"]] + everywhere)
    return [
        f"**Refused, and written by force:** at least {wanted} of the labels must equal the network's own in the mean "
        f"over pictures, and {share(mean)} do. Do not rely on it."
    ]


def _shape(shape: dict[str, Any], card: dict[str, Any]) -> list[str]:
    equal, worst = shape["labels_equal"], shape["labels_equal"]["worst_picture"]
    lines = [
        f"## At {_size(shape)}",
        "",
        f"Labels beside the library's network in float32, on {shape['pictures']} pictures at their own size: "
        f"{share(equal['mean'])} equal in the mean, {share(equal['worst'])} in the worst ({worst}).",
        "",
    ]
    wavering = [*equal.get("in_double", []), *(name for at in shape.get("also_at", []) for name in at["in_double"])]
    if wavering:
        names = ", ".join(dict.fromkeys(wavering))
        lines += [
            f"Rounding in float32 decides what the network itself answers on {names}, where a mask comes that close "
            "to a threshold: there the graph is held against the network in float64.",
            "",
        ]
    if shape.get("differences"):
        lines += [f"![Where labels differ in the worst picture, in red]({shape['differences']})", ""]
    lines += ["| logits | largest difference | mean difference | mean magnitude |", "|---|--:|--:|--:|"]
    for name, title in (("class_logits", "classes"), ("mask_logits", "masks"), ("logits", "scores")):
        if name not in shape:
            continue
        found = shape[name]
        lines.append(f"| {title} | {found['largest']:.2g} | {found['mean']:.2g} | {found['magnitude']:.3g} |")
    lines.append("")
    if shape.get("also_at"):
        there = ", ".join(f"{share(entry['labels_equal'])} at {_size(entry)}" for entry in shape["also_at"])
        lines += [f"The graph runs at any size in multiples of 32; labels equal elsewhere: {there}.", ""]
    if shape.get("miou"):
        lines += [
            f"mIoU on {shape['miou']['pictures']} labelled pictures: {shape['miou']['before']:.4f} before, "
            f"{shape['miou']['after']:.4f} after.",
            "",
        ]
    lines += [
        "| | load | one input | photo to labels | peak memory |"
        + (" four inputs | one by one |" if _batch(shape) else ""),
        "|---|--:|--:|--:|--:|" + ("--:|--:|" if _batch(shape) else ""),
    ]
    for row in shape["contenders"]:
        cells = [row["title"], *(_seconds(row[name]) for name in ("load_seconds", "forward_seconds", "photo_seconds"))]
        cells.append(_bytes(row["peak_bytes"]) if row["peak_bytes"] else "not known")
        if _batch(shape):
            cells += [_seconds(row[name]) for name in ("batch_seconds", "singles_seconds")]
        lines.append("| " + " | ".join(cells) + " |")
    lines += [
        "",
        "Each in a process of its own, one after the other; the median of several runs. Loading includes "
        "importing what it needs; peak memory is the whole process's, after loading and running the graph or network.",
        "",
    ]
    return lines


def share(value: float) -> str:
    """A share in per cent, rounded down: all but a pixel is not all."""
    return f"{math.floor(value * 1e5) / 1e3:.3f} %"


def finite(value: Any) -> Any:
    """The same values with none for what is not a finite number, which JSON has no word for."""
    if isinstance(value, dict):
        return {key: finite(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [finite(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _batch(shape: dict[str, Any]) -> bool:
    return all("batch_seconds" in row for row in shape["contenders"])


def _size(entry: dict[str, Any]) -> str:
    return f"{entry['height']} x {entry['width']}" if entry["height"] else "any, in multiples of 32"


def _seconds(value: float) -> str:
    return f"{value:.2f} s" if value >= 1 else f"{1000 * value:.0f} ms"


def _bytes(value: int) -> str:
    return f"{value / 1e9:.2f} GB" if value >= 1e9 else f"{value / 1e6:.1f} MB"
