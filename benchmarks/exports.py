"""Exports a checkpoint in several formats and precisions, and writes one table of their parity cards.

``python -m benchmarks.exports --checkpoint ID_OR_FOLDER --out DIR [--formats onnx openvino torchscript]
[--precisions fp32 fp16 int8] [--shape HxW] [--images DIR] [--data DIR]``. Every export is forced, so that a refused one
has its row, which says so; those that are there already are not made again.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from segdemo.export.card import share

HEAD = (
    "| format | precision | labels equal, mean | worst | largest difference, classes | masks | file | load "
    "| one input | PyTorch | the library | peak memory | |"
)


def exported(options: argparse.Namespace, format: str, precision: str) -> dict[str, Any] | None:
    """The card of one export, made now or before; none where it could not be made."""
    out = options.out / f"{format}-{precision}"
    if not (out / "parity.json").is_file():
        command = [sys.executable, "-m", "segdemo", "export", "--format", format, "--precision", precision]
        command += ["--out", str(out), "--batch", "--force"]
        for name in ("checkpoint", "shape", "images", "data"):
            value = getattr(options, name)
            command += [f"--{name}", str(value)] if value else []
        if subprocess.run(command, check=False).returncode:
            return None
    card: dict[str, Any] = json.loads((out / "parity.json").read_text())
    return card


def row(card: dict[str, Any]) -> str:
    """One line of the table, of the card's first size."""
    shape = card["shapes"][0]
    equal = shape["labels_equal"]
    rows = {entry["name"]: entry for entry in shape["contenders"]}
    own = rows["exported"]
    # A network without queries has scores alone, and one that is told a task no pipeline.
    first = "class_logits" if "class_logits" in shape else "logits"
    library = "pipeline" if "pipeline" in rows else "network"
    cells = [
        card["format"],
        card["precision"],
        share(equal["mean"]),
        share(equal["worst"]),
        *(f"{shape[name]['largest']:.2g}" if name in shape else "" for name in (first, "mask_logits")),
        f"{card['files'][0]['bytes'] / 1e6:.1f} MB",
        f"{own['load_seconds']:.2f} s",
        f"{1000 * own['forward_seconds']:.0f} ms",
        *(f"{1000 * rows[name]['forward_seconds']:.0f} ms" for name in ("torch", library)),
        f"{own['peak_bytes'] / 1e6:.0f} MB",
        "" if card["passed"] else "refused, forced",
    ]
    return f"| {' | '.join(cells)} |"


def batches(card: dict[str, Any]) -> list[str]:
    """Lines of a table: four inputs at once beside one by one, and load and memory, of all three."""
    lines = []
    for entry in card["shapes"][0]["contenders"]:
        title = f"{card['format']} {card['precision']}" if entry["name"] == "exported" else entry["title"]
        cells = [f"{1000 * entry[name]:.0f} ms" for name in ("batch_seconds", "singles_seconds", "photo_seconds")]
        cells += [f"{entry['load_seconds']:.1f} s", f"{entry['peak_bytes'] / 1e6:.0f} MB"]
        lines.append(f"| {title} | {' | '.join(cells)} |")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--checkpoint", help="by default the page's")
    parser.add_argument("--formats", nargs="+", default=["onnx", "openvino", "torchscript"])
    parser.add_argument("--precisions", nargs="+", default=["fp32", "fp16", "int8"])
    parser.add_argument("--shape", help="input size, height x width; by default the checkpoint's own")
    parser.add_argument("--images", help="folder of photographs to compare on; by default the examples")
    parser.add_argument("--data", help="labelled pictures for mIoU")
    parser.add_argument("--out", type=Path, required=True, help="folder for the exports")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    found = [exported(options, format, precision) for format in options.formats for precision in options.precisions]
    cards = [card for card in found if card is not None]
    print(HEAD, "|---|---|" + "--:|" * 10 + "---|", *map(row, cards), "", sep="\n")
    print("| | four at once | one by one | photo to labels | load | peak memory |", "|---|" + "--:|" * 5, sep="\n")
    for card in cards:
        print(*batches(card), sep="\n")
    sys.exit(0 if all(found) else 1)


if __name__ == "__main__":
    main()
