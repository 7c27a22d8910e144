"""``python -m scenes``: paint labelled scenes into a folder that the package reads, or the demo's examples again."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from segdemo.errors import SegdemoError
from segdemo.examples import EXAMPLE_SIZE, SCENES, THUMBNAIL_SIZE
from segdemo.settings import ASSETS
from segdemo.taxonomy import ade20k

from . import KINDS, balloons, generate
from .files import write_classes, write_example, write_labelled


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 0 when everything was written, 1 after an error with its sentence on stderr."""
    options = _parser().parse_args(arguments)
    try:
        if options.command == "examples":
            _examples(options.out, options.only)
        else:
            _folder(options.out, options.seed, options.count, options.kind, tuple(options.size), options.balloons)
    except SegdemoError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m scenes", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    folder = commands.add_parser("folder", help="labelled scenes: images/, labels/, regions/ and classes.txt")
    folder.add_argument("--out", type=Path, required=True, help="folder to write to")
    folder.add_argument("--seed", type=int, default=0, help="seed of the first scene; the others follow (default: 0)")
    folder.add_argument("--count", type=int, default=50, help="how many (default: 50)")
    folder.add_argument("--kind", choices=KINDS, nargs="+", help="kinds to take in turn (default: the seed decides)")
    folder.add_argument("--size", type=int, nargs=2, metavar=("HEIGHT", "WIDTH"), default=(240, 320), help="in pixels")
    folder.add_argument(
        "--balloons", action="store_true", help=f"with a {balloons.BALLOON} or more, a class of its own"
    )
    examples = commands.add_parser("examples", help="the demo's examples, as they lie in assets/examples")
    examples.add_argument("--out", type=Path, default=ASSETS / "examples", help="folder to write to")
    examples.add_argument("--only", metavar="ID", nargs="+", help="only these")
    return parser


def _examples(out: Path, only: Sequence[str] | None) -> None:
    for example in SCENES:
        if only is None or example.id in only:
            scene = generate(example.seed, kind=example.kind, size=EXAMPLE_SIZE)
            write_example(scene, out, example.id, thumbnail=THUMBNAIL_SIZE)


def _folder(
    out: Path, first: int, count: int, kinds: Sequence[str] | None, size: tuple[int, int], with_balloons: bool
) -> None:
    names = [entry.name for entry in ade20k().classes]
    if with_balloons:
        kinds = kinds or balloons.KINDS
    for place in range(count):
        seed = first + place
        scene = generate(seed, kind=kinds[place % len(kinds)] if kinds else None, size=size)
        if with_balloons:
            scene = balloons.with_balloons(scene, len(names), seed)
        write_labelled(scene, out, f"{scene.kind}_{seed:06d}")
    write_classes([*names, balloons.BALLOON] if with_balloons else names, out)


if __name__ == "__main__":
    raise SystemExit(main())
