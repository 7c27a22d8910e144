"""A data set as large as COCO's: seconds and memory until it is listed, and until all of it was looked through.

Beside it the memory that Python's own ``json.load`` of the annotation file takes.

Run from the project's root: ``python -m benchmarks.large_data [--pictures 1000 118000] [--look]``. The annotations are
made, seven polygons a picture; the pictures are links to one.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

SIZE = (48, 64)
LINKS = 30_000
OBJECTS = 7
"""Objects of a picture; COCO's have 7.3 in the mean."""


def write(folder: Path, count: int) -> Path:
    """Write ``count`` pictures and their annotation file."""
    (folder / "images").mkdir()
    first = folder / "images" / "000000000000.jpg"
    Image.fromarray(np.zeros((*SIZE, 3), np.uint8)).save(first)
    images: list[dict[str, object]] = []
    annotations: list[dict[str, object]] = []
    for number in range(count):
        name = f"{number:012d}.jpg"
        if number % LINKS:
            os.link(first, folder / "images" / name)
        elif number:
            # File systems have a limit on the names of one file.
            first = Path(shutil.copy(first, folder / "images" / name))
        images.append({"id": number, "file_name": name, "height": SIZE[0], "width": SIZE[1]})
        for place in range(OBJECTS):
            x = 4.0 + 8 * place
            # Some twenty corners, as COCO's outlines have.
            around = np.linspace(0, 2 * np.pi, 20, endpoint=False)
            outline = np.stack([x + 3 * np.cos(around), 20 + 15 * np.sin(around)], 1).round(2).ravel().tolist()
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": number,
                    "category_id": 1 + place,
                    "iscrowd": 0,
                    "area": 140.0,
                    "bbox": [x, 5.0, 6.0, 30.0],
                    "segmentation": [outline],
                }
            )
    categories = [{"id": 1 + place, "name": f"class {place}"} for place in range(OBJECTS)]
    path = folder / "instances.json"
    path.write_text(json.dumps({"images": images, "annotations": annotations, "categories": categories}))
    return path


def _peak() -> int:
    """The most memory that this program has held, in kB (Linux)."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0])


def measured(path: Path, look: bool) -> str:
    """A row of the table, from within a process of its own."""
    from segdemo.data import Dataset, SourceConfig, open_source

    start = _peak()
    began = time.process_time()
    source = SourceConfig(data=path)
    data = Dataset(open_source(source), source, {place: f"class {place}" for place in range(OBJECTS)})
    listed, held = time.process_time() - began, _peak() - start
    found, then = "", 0.0
    if look:
        began = time.process_time()
        assert not data.survey().faults
        found, then = f"{time.process_time() - began:.0f} s", _peak() - start
    began = time.process_time()
    assert data[len(data) // 2].classes.size
    one = time.process_time() - began
    looked = f"{found} | {then / 1e3:.0f} MB" if look else "- | -"
    return (
        f"| {len(data)} | {path.stat().st_size / 1e6:.0f} MB | {listed:.1f} s | {held / 1e3:.0f} MB | "
        f"{1000 * one:.0f} ms | {looked} |"
    )


def plain(path: Path) -> str:
    """The last cell of a row, from within a process of its own."""
    start = _peak()
    json.loads(path.read_text())
    return f" {(_peak() - start) / 1e3:.0f} MB |"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.large_data", description=__doc__)
    parser.add_argument("--pictures", type=int, nargs="+", default=[1000, 10_000, 118_000])
    parser.add_argument("--look", action="store_true", help="look through all pictures, as training does first")
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--plain", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure is not None:
        print(measured(options.measure, options.look), end="", flush=True)
        return
    if options.plain is not None:
        print(plain(options.plain), flush=True)
        return
    print("| pictures | annotation file | listed in | memory | one picture | looked through in | memory | json.load |")
    print("|--:|--:|--:|--:|--:|--:|--:|--:|", flush=True)
    for count in options.pictures:
        with tempfile.TemporaryDirectory() as folder:
            path = write(Path(folder), count)
            command = [sys.executable, "-m", "benchmarks.large_data"]
            look = ["--look"] if options.look else []
            subprocess.run([*command, "--measure", str(path), *look], check=True)
            subprocess.run([*command, "--plain", str(path)], check=True)


if __name__ == "__main__":
    main()
