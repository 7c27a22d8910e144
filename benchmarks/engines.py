"""Times a photograph from its bytes to its id map, engine by engine, beside the library's pipeline in one run.

Run from the project's root: ``python -m benchmarks.engines [--checkpoint ID_OR_FOLDER] [--trained ID_OR_FOLDER --photos
FOLDER] [--repeats N] [--out FILE]``. Without ``--checkpoint`` the seed architecture with random weights is written to a
temporary folder: it costs what the real one costs. Every contender is a process of its own, asked in turn, so that what
else the machine does hits all of them and each one's peak memory is its own (Linux only). ``--trained`` adds how many
pixels of real photographs keep their label in each engine.
"""

import argparse
import contextlib
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import segdemo
from benchmarks.contenders import Worker
from benchmarks.roofline import Roofline
from segdemo.cli.benchmark import machine

PHOTO = (1024, 768)
LARGE = (3840, 2160)
INPUT = (640, 864)
CONTENDERS = ("pipeline", "torch fp32", "torch bf16", "torch int8", "openvino fp32", "openvino bf16")


def in_turn(
    workers: Sequence[Worker], repeats: int, do: str, roofline: Roofline | None = None, **request: Any
) -> dict[str, dict[str, float]]:
    """Ask each worker ``repeats`` times, alternating; medians of the seconds, maxima of the peaks.

    The machine's rates are measured before each, for the ``roofline``.
    """
    answers: dict[str, list[dict[str, Any]]] = {worker.name: [] for worker in workers}
    for _ in range(repeats):
        for worker in workers:
            if roofline is not None:
                roofline.measure()
            answers[worker.name].append(worker.ask(do, **request))
    return {
        name: {
            "seconds": statistics.median(answer["seconds"] for answer in found),
            "peak": max(answer["peak"] for answer in found),
        }
        for name, found in answers.items()
    }


def captures(workers: Sequence[Worker], repeats: int, photo: str) -> tuple[dict[str, float], dict[str, float]]:
    """Median seconds of a forward pass without and with everything captured, one after the other in every round."""
    rounds = [
        [in_turn(workers, 1, "forward", photo=photo, capture=capture) for capture in (False, True)]
        for _ in range(repeats)
    ]
    plain, full = (
        {worker.name: statistics.median(found[which][worker.name]["seconds"] for found in rounds) for worker in workers}
        for which in (0, 1)
    )
    return plain, full


def speed(workers: Sequence[Worker], photo: str, large: str, repeats: int, roofline: Roofline) -> list[str]:
    """Rows of the first table: forward, with capture, end to end and peak memory at two photo sizes; then the bounds.

    Times are those of a run that is asked for the map alone, peaks those of runs with everything captured.
    """
    in_turn(workers, 1, "semantic", photo=photo, capture=True)
    whole = in_turn(workers, repeats, "semantic", roofline, photo=photo, capture=False)
    plain, full = captures(workers, repeats, photo)
    held = in_turn(workers, 1, "semantic", photo=photo, capture=True)
    wide = in_turn(workers, max(1, repeats // 3), "semantic", photo=large, capture=False)
    most = in_turn(workers, 1, "semantic", photo=large, capture=True)
    rows = [
        "| what runs | forward | with everything captured | bytes to semantic map, 1024x768 | against the pipeline "
        "| peak memory | the same, 3840x2160 | against the pipeline | peak memory |",
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for worker in workers:
        name = worker.name
        captured = "" if name == "pipeline" else f"{full[name] / plain[name] - 1:+.0%}"
        rows.append(
            f"| {name} | {plain[name]:.2f} s | {captured} | {whole[name]['seconds']:.2f} s "
            f"| {whole['pipeline']['seconds'] / whole[name]['seconds']:.1f} | {held[name]['peak'] / 1e9:.2f} GB "
            f"| {wide[name]['seconds']:.2f} s | {wide['pipeline']['seconds'] / wide[name]['seconds']:.1f} "
            f"| {most[name]['peak'] / 1e9:.2f} GB |"
        )
    return [*rows, "", roofline.text(whole["pipeline"]["seconds"])]


def batches(workers: Sequence[Worker], equal: Sequence[str], mixed: Sequence[str]) -> list[str]:
    """Rows of the batch table."""
    rows = ["| what runs | eight photos | batch path | one by one | labels equal on |", "|---|---|--:|--:|--:|"]
    for worker in workers:
        if worker.name != "pipeline":
            for title, photos in (("of one size", equal), ("of mixed sizes", mixed)):
                found = worker.ask("batch", photos=list(photos))
                rows.append(
                    f"| {worker.name} | {title} | {found['seconds']:.1f} s | {found['single']:.1f} s "
                    f"| {found['agree']:.3%} |"
                )
    return rows


def agreement(checkpoint: str, photos: Sequence[Path]) -> list[str]:
    """Rows of the agreement table: each engine's labels on real photographs against the library's network."""
    rows = ["| engine | labels equal to the library's network, mean | worst photo |", "|---|--:|--:|"]
    with tempfile.TemporaryDirectory() as folder:
        expected = [_library_labels(checkpoint, photo) for photo in photos]
        for name in CONTENDERS[1:]:
            worker = Worker.start(name, checkpoint)
            if worker is None:
                continue
            shares = []
            for photo, labels in zip(photos, expected, strict=True):
                out = str(Path(folder) / "labels.npy")
                worker.ask("labels", photo=str(photo), out=out)
                shares.append(float((np.load(out) == labels).mean()))
            worker.stop()
            rows.append(f"| {name} | {statistics.mean(shares):.3%} | {min(shares):.3%} |")
    return rows


def starts(repeats: int = 5) -> list[str]:
    """How long ``import segdemo`` takes in a fresh interpreter, and ``python app.py`` to serve its page; medians."""
    code = "import time; t = time.perf_counter(); import segdemo; print(time.perf_counter() - t)"
    runs = [float(subprocess.check_output([sys.executable, "-c", code], text=True)) for _ in range(repeats)]
    served = [_served() for _ in range(repeats)]
    return [
        f"`import segdemo` takes {1000 * statistics.median(runs):.0f} ms. The page is served "
        f"{statistics.median(served):.1f} s ({min(served):.1f} to {max(served):.1f}) after `python app.py`."
    ]


def _served() -> float:
    """Seconds from starting the demo to its page's last byte."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    start = time.perf_counter()
    command = [sys.executable, "app.py", "--port", str(port)]
    demo = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while demo.poll() is None:
            with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as page:
                page.read()
                return time.perf_counter() - start
            time.sleep(0.02)
    finally:
        demo.terminate()
        demo.wait()
    raise RuntimeError(f"`python app.py` ended with {demo.returncode}")


def _convert(checkpoint: str, precision: str) -> bool:
    """Convert a checkpoint for OpenVINO where that is installed and not done yet; whether it was done here."""
    from importlib.util import find_spec

    from segdemo import checkpoints
    from segdemo.model.graph import find_graph

    if find_spec("openvino") is None or find_graph(checkpoints.resolve(checkpoint), precision) is not None:
        return False
    command = [sys.executable, "-m", "segdemo", "optimise", "--checkpoint", checkpoint, "--shape", "640x864"]
    command += ["--precision", precision]
    return subprocess.run(command, check=False).returncode == 0


def _library_labels(checkpoint: str, photo: Path) -> npt.NDArray[np.integer]:
    """The paper's labels from the library's own network, unchanged, in float32."""
    import torch

    from segdemo import checkpoints
    from segdemo.model.engines import TorchEngine
    from segdemo.model.families.mask2former import LibraryNetwork
    from segdemo.model.predictor import Predictor
    from segdemo.model.weights import load_library_model

    found = segdemo.load_predictor(checkpoint, engine="torch", precision="fp32").checkpoint
    folder = checkpoints.resolve(found.id)
    if (engine := _library.get(checkpoint)) is None:
        engine = _library[checkpoint] = TorchEngine(LibraryNetwork(load_library_model(folder)))
    with torch.inference_mode():
        prediction = Predictor(found, folder, engine)(segdemo.load_image(photo), size="paper", capture=False)
    labels: npt.NDArray[np.integer] = segdemo.semantic(prediction).labels
    return labels


_library: dict[str, Any] = {}


def _pictures(folder: Path, source: Path | None) -> tuple[str, str, list[str], list[str]]:
    """One photo of 1024 x 768, one of 3840 x 2160, eight of one size and eight of mixed sizes, as JPEG files."""
    from PIL import Image

    import segdemo

    if source is not None:
        original = Image.fromarray(segdemo.load_image(source))
    else:
        from skimage import data

        original = Image.fromarray(data.rocket())

    def written(name: str, size: tuple[int, int], turn: int = 0) -> str:
        file = folder / f"{name}.jpg"
        shifted = Image.fromarray(np.roll(np.asarray(original), 37 * turn, axis=1))
        shifted.resize(size).save(file, quality=92)
        return str(file)

    sizes = [(1024, 768), (768, 1024), (900, 600), (1280, 720)]
    equal = [written(f"equal{index}", PHOTO, index) for index in range(8)]
    mixed = [written(f"mixed{index}", sizes[index % 4], index) for index in range(8)]
    return written("photo", PHOTO), written("large", LARGE), equal, mixed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--checkpoint", help="folder or hub id; by default random weights of the seed architecture")
    parser.add_argument("--image", type=Path, help="a photograph; by default one that scikit-image brings")
    parser.add_argument("--trained", help="a trained checkpoint to compare labels with")
    parser.add_argument("--photos", type=Path, help="folder of photographs to compare labels on")
    parser.add_argument("--limit", type=int, default=20, help="how many of them")
    parser.add_argument("--only", nargs="*", default=list(CONTENDERS), help="which contenders; the pipeline always")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--batches", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--out", type=Path, help="file for the tables")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        checkpoint = options.checkpoint
        if checkpoint is None:
            from segdemo.model.architecture import write_random_checkpoint

            checkpoint = str(write_random_checkpoint(folder / "swin-large-ade-semantic"))
        photo, large, equal, mixed = _pictures(folder, options.image)
        lines = [f"{machine()}.", "", *starts(), ""]
        wanted = [title.split()[1] for title in options.only if title.startswith("openvino")]
        compared = [options.trained] if options.trained and options.photos else []
        graphs = [(source, precision) for source in (checkpoint, *compared) for precision in wanted]
        converted = [graph for graph in graphs if _convert(*graph)]
        started = [Worker.start(title, checkpoint) for title in CONTENDERS if title in (*options.only, "pipeline")]
        workers = [worker for worker in started if worker is not None]
        lines += [*speed(workers, photo, large, options.repeats, Roofline(checkpoint, INPUT)), ""]
        if options.batches:
            lines += [*batches(workers, equal, mixed), ""]
        for worker in workers:
            worker.stop()
        if options.trained and options.photos:
            files = sorted(file for file in options.photos.iterdir() if file.suffix.lower() in (".jpg", ".png"))
            lines += [*agreement(options.trained, files[:: max(1, len(files) // options.limit)][: options.limit]), ""]
        for source, precision in converted:
            from segdemo import checkpoints
            from segdemo.model.graph import discard_graph

            discard_graph(checkpoints.resolve(source), precision)
    text = "\n".join(lines)
    print(text)
    if options.out is not None:
        options.out.write_text(text)


if __name__ == "__main__":
    main()
