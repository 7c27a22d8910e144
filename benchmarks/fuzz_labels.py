"""``python -m benchmarks.fuzz_labels --count N``: spoilt data sets by the thousand, as a table of what came of them."""

import argparse
import resource
import tempfile
import time
from pathlib import Path

from tests.data.fuzz import KINDS, Originals


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fuzz_labels", description=__doc__)
    parser.add_argument("--count", type=int, default=1000, help="how many of each kind")
    parser.add_argument("--first", type=int, default=0, help="seed of the first; the others follow")
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=KINDS)
    options = parser.parse_args()
    wrong = []
    print("| data set | tried | read all the same | sentences name file and entry | anything else | slowest |")
    print("|---|--:|--:|--:|--:|--:|")
    with tempfile.TemporaryDirectory() as folder:
        originals = Originals(Path(folder))
        for kind in options.kinds:
            said, others, slowest = 0, 0, 0.0
            for seed in range(options.first, options.first + options.count):
                began = time.process_time()
                outcome = originals.attempt(kind, seed)
                slowest = max(slowest, time.process_time() - began)
                said += bool(outcome.said and not outcome.fault)
                others += bool(outcome.fault)
                if outcome.fault:
                    changes = "; ".join(f"{change.path.name}: {change.how}" for change in outcome.changes)
                    wrong.append(f"{kind} {seed}: {outcome.fault} after {changes}")
            read = options.count - said - others
            print(f"| {kind} | {options.count} | {read} | {said} | {others} | {slowest:.1f} s |", flush=True)
    print(f"\nPeak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.2f} GB")
    print("\n".join(wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
