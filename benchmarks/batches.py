"""A batch beside one call after the other in one process: photos a second, what takes the time, and memory.

Run from the project's root: ``python -m benchmarks.batches --photos FOLDER [--checkpoint ID_OR_FOLDER] [--count N]``.
With fewer photos than ``--count`` they are linked under further names. Each way runs in a process of its own; the two
alternate, and every figure is the median of ``--repeats``.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

from segdemo.cli.benchmark import machine
from segdemo.data.files import pictures_below


def linked(photos: Path, count: int, target: Path) -> None:
    """Fill a folder with ``count`` links to photos."""
    names = pictures_below(photos)
    for number in range(count):
        source = photos / names[number % len(names)]
        (target / f"{number:05}{source.suffix}").symlink_to(source.resolve())


def serial(folder: Path, out: Path, checkpoint: str) -> dict[str, Any]:
    """One call after the other, as somebody would write it; with the time of each step."""
    from segdemo.images import load_image
    from segdemo.model.predictor import load_predictor
    from segdemo.results.job import own_job
    from segdemo.results.make import Source
    from segdemo.results.options import OutputOptions
    from segdemo.results.outputs import make_outputs

    predictor, options, spent = load_predictor(checkpoint), OutputOptions(), defaultdict[str, float](float)
    paths = sorted(folder.iterdir())
    predictor(load_image(paths[0]), capture=False)
    start = last = time.perf_counter()

    def note(step: str) -> None:
        nonlocal last
        now = time.perf_counter()
        spent[step] += now - last
        last = now

    for path in paths:
        image = load_image(path)
        note("reading")
        prediction = predictor(image, capture=False)
        note("network")
        files = make_outputs(own_job(), Source(image, prediction), options).files(path.stem)
        note("result and encoding")
        for name, content in files.items():
            (out / name).write_bytes(content)
        note("writing")
    steps = {step: seconds / len(paths) for step, seconds in spent.items()}
    return {"rate": len(paths) / (time.perf_counter() - start), "steps": steps}


def batch(folder: Path, out: Path, checkpoint: str) -> dict[str, Any]:
    """The command line's way, with the resident memory after each tenth of the photos."""
    from segdemo.images import load_image
    from segdemo.results.batch import make_plan, run_batch
    from segdemo.results.folder import Results
    from segdemo.results.inputs import find_inputs
    from segdemo.results.work import Work

    work, results, memory = Work(checkpoint), Results(out), []
    predictor = work.load()
    predictor(load_image(min(folder.iterdir())), capture=False)
    results.prepare()
    plan = make_plan(find_inputs([folder], out=out), results, work.fingerprint())
    tenth = max(1, len(plan.todo) // 10)
    start, before = time.perf_counter(), os.times()
    for number, entry in enumerate(run_batch(plan.todo, work, predictor, results), 1):
        assert entry.done, entry
        if number % tenth == 0:
            memory.append(resident())
    seconds, after = time.perf_counter() - start, os.times()
    used = (after.user + after.system - before.user - before.system) / seconds
    return {"rate": len(plan.todo) / seconds, "memory": memory, "cores": used, "threads": threading.active_count()}


def resident() -> float:
    """Resident memory of this process in MB; the largest so far where the system does not say."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


def measured(way: str, folder: Path, checkpoint: str) -> dict[str, Any]:
    """What a way says of itself, in a process of its own."""
    with tempfile.TemporaryDirectory() as out:
        command = [sys.executable, "-m", "benchmarks.batches", "--child", way, "--photos", str(folder), "--out", out]
        done = subprocess.run([*command, "--checkpoint", checkpoint], check=True, capture_output=True, text=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--checkpoint", default="embedded", help="hub id whose weights are on disk, or a folder")
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--out", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--child", choices=["serial", "batch"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        from segdemo.process import prepare_process

        prepare_process()
        way = serial if options.child == "serial" else batch
        print(json.dumps(way(options.photos, options.out, options.checkpoint)))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        linked(options.photos, options.count, folder)
        runs: dict[str, list[dict[str, Any]]] = {"serial": [], "batch": []}
        for _ in range(options.repeats):
            for name_of, found in runs.items():
                found.append(measured(name_of, folder, options.checkpoint))
    rates = {way: statistics.median(run["rate"] for run in found) for way, found in runs.items()}
    print(f"{machine()}, the checkpoint {options.checkpoint}, {options.count} photos, {options.repeats} runs each.\n")
    print("| way | photos a second |\n|---|--:|")
    print(f"| one call after the other | {rates['serial']:.2f} |\n| batch | {rates['batch']:.2f} |\n")
    print(f"The batch is {rates['batch'] / rates['serial']:.2f} times as fast.", end=" ")
    print(f"It kept {statistics.median(run['cores'] for run in runs['batch']):.2f} cores busy.\n")
    steps = {
        step: statistics.median(run["steps"][step] for run in runs["serial"]) for step in runs["serial"][0]["steps"]
    }
    print("One call: " + ", ".join(f"{step} {1000 * seconds:.0f} ms" for step, seconds in steps.items()) + ".")
    print("Resident memory after each tenth of the batch, in MB: ", end="")
    print(", ".join(f"{value:.0f}" for value in runs["batch"][-1]["memory"]) + ".")


if __name__ == "__main__":
    main()
