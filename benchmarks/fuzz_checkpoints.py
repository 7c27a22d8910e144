"""``python -m benchmarks.fuzz_checkpoints --count N``: spoilt checkpoints by the thousand, and what came of them."""

import argparse
import resource
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np

from tests.conftest import write_tiny_checkpoint
from tests.damage.fuzz import KINDS, Originals


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fuzz_checkpoints", description=__doc__)
    parser.add_argument("--count", type=int, default=1000, help="how many of each kind")
    parser.add_argument("--first", type=int, default=0, help="seed of the first; the others follow")
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=KINDS)
    parser.add_argument("--alone", action="store_true", help="do not ask the library the same: three times as fast")
    options = parser.parse_args()
    wrong, stricter = [], Counter[str]()
    print("| file | tried | run | refused | refused, where the library answers | anything else | slowest |")
    print("|---|--:|--:|--:|--:|--:|--:|")
    with tempfile.TemporaryDirectory() as name:
        checkpoint = write_tiny_checkpoint(Path(name) / "tiny")
        photo = np.random.default_rng(0).integers(0, 256, (48, 64, 3), dtype=np.uint8)
        originals = Originals(checkpoint, Path(name), photo)
        for kind in options.kinds:
            said, others, more, slowest = 0, 0, 0, 0.0
            for seed in range(options.first, options.first + options.count):
                began = time.monotonic()
                outcome = originals.attempt(kind, seed, compare=not options.alone)
                slowest = max(slowest, time.monotonic() - began)
                said += bool(outcome.said and not outcome.fault)
                more += outcome.stricter
                others += bool(outcome.fault)
                if outcome.fault:
                    wrong.append(f"{kind} {seed}: {outcome.fault} after {outcome.change}")
                if outcome.stricter:
                    stricter[outcome.said.rpartition("/")[2][:100]] += 1
            run = options.count - said - others
            print(f"| {kind} | {options.count} | {run} | {said} | {more} | {others} | {slowest:.1f} s |", flush=True)
    print(f"\nPeak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.2f} GB")
    print("\nRefused, where the library answers:")
    print("\n".join(f"{count} x {sentence}" for sentence, count in stricter.most_common()))
    print("\n".join(wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
