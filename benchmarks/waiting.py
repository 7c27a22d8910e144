"""A photograph through the network beside other processes that keep the cores busy: threads that spin or sleep.

Run from the project's root: ``python -m benchmarks.waiting [--checkpoint ID_OR_FOLDER] [--size N] [--repeats N]``. Each
way to wait is a process of its own; busy processes do nothing but count.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from segdemo.cli.benchmark import machine

WAYS: Mapping[str, Mapping[str, str]] = {
    "PyTorch as it comes: spin": {},
    "as this project's programs start: sleep": {"OMP_WAIT_POLICY": "passive"},
    "a single thread": {"OMP_NUM_THREADS": "1"},
}
BESIDE = (0, 1, 2)


@contextmanager
def busy(count: int) -> Iterator[None]:
    """Keep ``count`` processes counting."""
    processes = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


def measured(way: Mapping[str, str], checkpoint: str, size: str, repeats: int) -> float:
    """Median seconds of a pass in a process that waits that way."""
    command = [sys.executable, "-m", "benchmarks.waiting", "--child", "--checkpoint", checkpoint, "--size", size]
    free = {name: value for name, value in os.environ.items() if not name.startswith(("OMP_", "GOMP_", "KMP_"))}
    done = subprocess.run(
        [*command, "--repeats", str(repeats)], env={**free, **way}, check=True, capture_output=True, text=True
    )
    return float(json.loads(done.stdout.splitlines()[-1])["seconds"])


def child(checkpoint: str, size: str, repeats: int) -> None:
    """Print the median seconds of a pass, the photograph read and the map made, after two to warm up."""
    import segdemo
    from segdemo import examples
    from segdemo.process import keep_freed_memory

    keep_freed_memory()
    predictor = segdemo.load_predictor(checkpoint, engine="torch", precision="fp32", device="cpu")
    image = segdemo.load_image(examples.SCENES[0].image)
    seconds = []
    for _ in range(repeats + 2):
        start = time.perf_counter()
        segdemo.semantic(predictor(image, size=size, capture=False))
        seconds.append(time.perf_counter() - start)
    print(json.dumps({"seconds": statistics.median(seconds[2:])}))


def rows(checkpoint: str, size: str, repeats: int, beside: Sequence[int] = BESIDE) -> list[str]:
    """Rows of the table."""
    found: dict[str, list[float]] = {name: [] for name in WAYS}
    for count in beside:
        with busy(count):
            for name, way in WAYS.items():
                found[name].append(measured(way, checkpoint, size, repeats))
    titles = ["alone" if count == 0 else f"beside {count} busy" for count in beside]
    table = [f"| how threads wait | {' | '.join(titles)} |", f"|---|{'--:|' * len(titles)}"]
    return table + [f"| {name} | {' | '.join(f'{value:.2f} s' for value in row)} |" for name, row in found.items()]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--checkpoint", default="embedded", help="hub id whose weights are on disk, or a folder")
    parser.add_argument("--size", default="checkpoint", help='input size: "checkpoint", "paper" or a short side')
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        child(options.checkpoint, options.size, options.repeats)
        return
    print(f"{machine()}, the checkpoint {options.checkpoint}.\n")
    for row in rows(options.checkpoint, options.size, options.repeats):
        print(row, flush=True)


if __name__ == "__main__":
    main()
