"""Runs every benchmark, one after the other, and writes one Markdown file.

Run from the project's root on a machine that does nothing else: ``python -m benchmarks [--checkpoint ID_OR_FOLDER]
[--trained ID_OR_FOLDER --photos FOLDER] --out FILE``. Each part is a command with options of its own as well:
``python -m benchmarks.engines``, ``.postprocessing``, ``.crf``, ``.waiting``, ``.viewer``,
``.evaluation``, ``.relatives``.
"""

import argparse
import subprocess
import sys
from pathlib import Path
from typing import TextIO

PARTS = {
    "engines": "A photograph through each engine, beside the library's pipeline",
    "postprocessing": "Post-processing beside the library's, and what the page asks for",
    "crf": "The dense CRF beside pydensecrf2, and morphology",
    "waiting": "A photograph beside other processes that keep the cores busy",
    "viewer": "What the browser does",
    "evaluation": "Evaluation, comparison, features and what-if beside the forward pass",
    "relatives": "A photograph through each family of networks, beside the library",
}


def run(part: str, options: list[str], out: TextIO) -> bool:
    """Run a part and write what it prints, as soon as it does, here and to ``out``; whether it came to its end."""

    def write(line: str) -> None:
        print(line, end="", flush=True)
        out.write(line)
        out.flush()

    write(f"## {PARTS[part]}\n\n")
    command = [sys.executable, "-u", "-m", f"benchmarks.{part}", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            write(line)
    write(f"Not finished: it ended with {process.returncode}.\n\n" if process.returncode else "\n")
    return process.returncode == 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--checkpoint", help="for the engines, by default random weights of the seed architecture")
    parser.add_argument("--trained", help="a trained checkpoint to compare labels with")
    parser.add_argument("--photos", help="folder of photographs to compare labels on")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), help="some of the parts")
    parser.add_argument("--out", type=Path, required=True, help="file for the tables")
    options = parser.parse_args()
    given = {name: getattr(options, name) for name in ("checkpoint", "trained", "photos")}
    engines = [text for name, value in given.items() if value for text in (f"--{name}", value)]
    with options.out.open("w", encoding="utf-8") as out:
        complete = [run(part, engines if part == "engines" else [], out) for part in options.only]
    sys.exit(0 if all(complete) else 1)


if __name__ == "__main__":
    main()
