"""``python -m scenes``: paint the demo's examples again, or any other scenes, into a folder."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from segdemo.errors import SegdemoError
from segdemo.examples import EXAMPLE_SIZE, EXAMPLES, THUMBNAIL_SIZE
from segdemo.settings import ASSETS

from . import KINDS, generate
from .files import write_scene


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 0 when everything was written, 1 after an error with its sentence on stderr."""
    parser = argparse.ArgumentParser(prog="python -m scenes", description=__doc__)
    parser.add_argument("--out", type=Path, default=ASSETS / "examples", help="folder to write to")
    parser.add_argument("--only", metavar="ID", nargs="+", help="of the examples, only these")
    parser.add_argument("--seed", type=int, help="paint scenes from this seed on instead of the examples")
    parser.add_argument("--count", type=int, default=1, help="how many scenes, with --seed")
    parser.add_argument("--kind", choices=KINDS, help="kind of scene, with --seed (default: the seed decides)")
    parser.add_argument(
        "--size", type=int, nargs=2, metavar=("HEIGHT", "WIDTH"), default=(480, 640), help="with --seed"
    )
    options = parser.parse_args(arguments)
    try:
        if options.seed is None:
            for example in EXAMPLES:
                if options.only is None or example.id in options.only:
                    scene = generate(example.seed, kind=example.kind, size=EXAMPLE_SIZE)
                    write_scene(scene, options.out, example.id, thumbnail=THUMBNAIL_SIZE)
        else:
            for seed in range(options.seed, options.seed + options.count):
                scene = generate(seed, kind=options.kind, size=tuple(options.size))
                write_scene(scene, options.out, f"{scene.kind}-{seed}")
    except SegdemoError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
