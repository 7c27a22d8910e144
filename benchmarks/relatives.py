"""Times a photograph through each family of networks, beside the library's own processor, network and post-processing.

Run from the project's root: ``python -m benchmarks.relatives [--rows NAME ...] [--precision P] [--repeats N]
[--image FILE] [--out FILE] [--tiny]``. Each row is a published architecture with random weights, which cost what the
real ones cost, written to a temporary folder that goes with the row. Ours and the library's are a process each, asked
in turn, so that what else the machine does hits both and each one's peak memory is its own (Linux only). A row is
printed when it is done; with ``--out`` it is also added to that file, and rows that the file has are not run again.
Times are medians from a file's bytes to its map at the checkpoint's own input size, after one run to warm up. Random
weights are sure of nothing: every class and every query stays in the running, which is the most that post-processing
can be asked for.
"""

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.contenders import Worker, serve
from segdemo.cli.benchmark import machine

ROWS = (
    "oneformer-swin-tiny-ade",
    "oneformer-swin-large-ade",
    "maskformer-swin-base-ade",
    "upernet-swin-large",
    "upernet-convnext-large",
    "eomt-large-ade-semantic",
    "mask2former-swin-large-cityscapes",
    "mask2former-swin-large-coco-instance",
)
"""What is run unless asked otherwise; any of ``architecture.ARCHITECTURES`` can be, and Mask2Former's other sizes."""
PHOTO, STREET = (1024, 768), (2048, 1024)
COCO_SIZE = {"shortest_edge": 800, "longest_edge": 1333}
HEAD = [
    "| network | task | input | precision, ours | time, ours | time, library | ratio | peak memory, ours "
    "| peak memory, library |",
    "|---|---|--:|---|--:|--:|--:|--:|--:|",
]


class Ours:
    """This project's predictor and segmentation, in PyTorch."""

    def __init__(self, checkpoint: str, precision: str) -> None:
        from segdemo.process import prepare_process

        prepare_process()
        import segdemo

        self.segdemo = segdemo
        self.predictor = segdemo.load_predictor(checkpoint, engine="torch", precision=precision, device="cpu")

    def segment(self, photo: str, task: str) -> dict[str, Any]:
        start = time.perf_counter()
        prediction = self.predictor(self.segdemo.load_image(photo), capture=False)
        if task == "instance":
            self.segdemo.instances(prediction, score_threshold=0.0)
        else:
            self.segdemo.semantic(prediction)
        seconds = time.perf_counter() - start
        return {"seconds": seconds, "input": prediction.input_size, "precision": prediction.precision}


class Library:
    """The library's processor, network and post-processing, as its documentation puts them together."""

    def __init__(self, checkpoint: str) -> None:
        import torch
        import transformers

        from segdemo.model.families import family_of
        from segdemo.model.families.oneformer import OneFormer, task_tokens

        folder = Path(checkpoint)
        self.processor = transformers.AutoImageProcessor.from_pretrained(folder, backend="pil")
        network = transformers.AutoConfig.from_pretrained(folder).architectures[0]
        self.model = getattr(transformers, network).from_pretrained(folder, dtype=torch.float32).eval()
        self.more: dict[str, Any] = {}
        if isinstance(family_of(folder), OneFormer):
            self.more["task_inputs"] = task_tokens(folder)["semantic"][None]

    def segment(self, photo: str, task: str) -> dict[str, Any]:
        import torch
        from PIL import Image

        start = time.perf_counter()
        image = Image.open(photo).convert("RGB")
        made = self.processor(image, return_tensors="pt")
        inputs = {name: made[name] for name in ("pixel_values", "patch_offsets") if name in made}
        sizes = [(image.height, image.width)]
        with torch.inference_mode():
            outputs = self.model(**inputs, **self.more)
            if task == "instance":
                self.processor.post_process_instance_segmentation(
                    outputs, threshold=0.0, target_sizes=sizes, return_binary_maps=True
                )
            else:
                self.processor.post_process_semantic_segmentation(outputs, target_sizes=sizes)
        return {"seconds": time.perf_counter() - start}


def write(row: str, folder: Path, tiny: bool) -> Path:
    """Write the row's checkpoint into the folder and return it; ``tiny`` is one of the tests, of the same family."""
    from segdemo.class_tables import CITYSCAPES, COCO_THINGS
    from segdemo.model.architecture import PREPROCESSOR, architecture_config, write_checkpoint, write_random_checkpoint

    if tiny:
        return _tiny(row, folder)
    if not row.startswith("mask2former"):
        return write_random_checkpoint(folder, row)
    _, swin, backbone, data, *_ = row.split("-")
    if data == "cityscapes":
        names, queries, size = tuple(CITYSCAPES), 100, {"shortest_edge": 1024, "longest_edge": 2048}
    else:
        names, queries, size = COCO_THINGS, 200 if backbone == "large" else 100, COCO_SIZE
    config = architecture_config(f"{swin}-{backbone}-ade", id2label=dict(enumerate(names)), num_queries=queries)
    settings = {**PREPROCESSOR, "reduce_labels": False, "size": size, "num_labels": len(names)}
    return write_checkpoint(folder, config, preprocessor=settings)


def _tiny(row: str, folder: Path) -> Path:
    from tests import networks
    from tests.conftest import write_tiny_checkpoint

    if row.startswith("upernet"):
        return networks.write_tiny_upernet(folder, row.split("-")[1])
    writers = {
        "oneformer": networks.write_tiny_oneformer,
        "maskformer": networks.write_tiny_maskformer,
        "eomt": networks.write_tiny_eomt,
    }
    return writers.get(row.split("-")[0], write_tiny_checkpoint)(folder)


def measured(row: str, folder: Path, photo: str, options: argparse.Namespace) -> str:
    """The row's line of the table."""
    task = "instance" if row.endswith("-instance") else "semantic"
    checkpoint = str(write(row, folder, options.tiny))
    names = (f"ours {options.precision}", "library fp32")
    started = [Worker.start(name, checkpoint, "benchmarks.relatives") for name in names]
    workers = [worker for worker in started if worker is not None]
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
    try:
        if len(workers) < len(names):
            raise EOFError(" or ".join(names))
        for _ in range(options.repeats + 1):
            for worker in workers:
                found[worker.name].append(worker.ask("segment", photo=photo, task=task))
    finally:
        for worker in workers:
            worker.stop()
    first = found[names[0]][0]
    own, theirs = (statistics.median(answer["seconds"] for answer in answers[1:]) for answers in found.values())
    peaks = [max(answer["peak"] for answer in answers) / 1e9 for answers in found.values()]
    return (
        f"| {row} | {task} | {first['input'][1]}x{first['input'][0]} | {first['precision']} | {own:.2f} s "
        f"| {theirs:.2f} s | {theirs / own:.2f} | {peaks[0]:.2f} GB | {peaks[1]:.2f} GB |"
    )


def _picture(folder: Path, size: tuple[int, int], source: Path | None) -> str:
    """A photograph of (width, height) as a JPEG file."""
    from PIL import Image

    if source is None:
        from skimage import data

        original = Image.fromarray(np.asarray(data.rocket(), np.uint8))
    else:
        import segdemo

        original = Image.fromarray(segdemo.load_image(source))
    file = folder / "photo.jpg"
    original.resize(size).save(file, quality=92)
    return str(file)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rows", nargs="+", default=list(ROWS), metavar="NAME", help="architectures; all of ROWS")
    parser.add_argument("--precision", default="fp32", help="of ours; the library's is float32")
    parser.add_argument("--repeats", type=int, default=3, help="runs of which the median is taken, after one more")
    parser.add_argument("--image", type=Path, help="a photograph; by default one that scikit-image brings")
    parser.add_argument("--out", type=Path, help="file for the table; rows that it has are not run again")
    parser.add_argument("--tiny", action="store_true", help="small checkpoints, to see that everything runs")
    options = parser.parse_args(arguments)
    done = options.out.read_text(encoding="utf-8") if options.out and options.out.exists() else ""
    todo = [row for row in options.rows if f"| {row} | " not in done]

    def tell(line: str) -> None:
        print(line, flush=True)
        if options.out:
            with options.out.open("a", encoding="utf-8") as out:
                out.write(line + "\n")

    for line in () if done else (f"{machine()}.", "", *HEAD):
        tell(line)
    failed = False
    for row in todo:
        with tempfile.TemporaryDirectory() as name:
            photo = _picture(Path(name), STREET if "cityscapes" in row and not options.tiny else PHOTO, options.image)
            try:
                tell(measured(row, Path(name) / "checkpoint", photo, options))
            except EOFError as error:
                print(f"{row}: the process of {error} ended", file=sys.stderr, flush=True)
                failed = True
    return int(failed)


def _contender(name: str, checkpoint: str) -> Ours | Library:
    kind, _, precision = name.partition(" ")
    return Ours(checkpoint, precision) if kind == "ours" else Library(checkpoint)


if __name__ == "__main__":
    if len(sys.argv) == 3 and sys.argv[1].split()[0] in ("ours", "library"):
        serve(_contender, *sys.argv[1:])
    else:
        sys.exit(main())
