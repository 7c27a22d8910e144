"""The path on a graphics card: parity with the processor, latency and memory beside the library's pipeline.

One command of at most six minutes on a machine with a CUDA card, from the project's root: ``python -m benchmarks.gpu
[--checkpoint ID_OR_FOLDER] [--seconds 340] [--out FILE]``. Without ``--checkpoint`` the seed architecture with random
weights, which costs what the real one costs. Beside PyTorch it needs the packages in ``NEEDED``, and not the page's.
What no time is left for is left out, and said so. ``--device cpu --tiny`` runs the same on a processor with a tiny
network, to try the command.
"""

import argparse
import contextlib
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from benchmarks.gpu.measuring import Clock, Table, pictures
from benchmarks.gpu.passes import latency, parity
from benchmarks.gpu.plan import plan

INPUT = (640, 864)
NEEDED = {
    "torch": "torch",
    "transformers": "transformers",
    "scipy": "scipy",
    "cv2": "opencv-python-headless",
    "PIL": "pillow",
    "pydantic_settings": "pydantic-settings",
    "threadpoolctl": "threadpoolctl",
}
"""By what is imported, the packages that must be there, with what they need themselves."""


def checkpoint(given: str | None, tiny: bool, work: Path) -> Path:
    """The folder of the checkpoint to run."""
    from segdemo import checkpoints
    from segdemo.model.architecture import architecture_config, write_checkpoint, write_random_checkpoint

    if given:
        return checkpoints.resolve(given)
    if tiny:
        small = {
            "hidden_dim": 32,
            "feature_size": 32,
            "mask_feature_size": 32,
            "decoder_layers": 3,
            "encoder_layers": 1,
        }
        config = architecture_config("swin-tiny-ade", **small, num_attention_heads=4, num_queries=12)
        for name, value in (
            ("embed_dim", 12),
            ("depths", [1, 1, 1, 1]),
            ("num_heads", [1, 2, 2, 4]),
            ("window_size", 4),
        ):
            setattr(config.backbone_config, name, value)
        return write_checkpoint(work / "tiny", config)
    return write_random_checkpoint(work / "swin-large")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what the command line asks for; 2 where there is no card, or a package is missing."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--checkpoint", help="hub id on disk or a folder; by default Swin-L with random weights")
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--tiny", action="store_true", help="a tiny network at a small input, to try the command")
    parser.add_argument("--seconds", type=float, default=340, help="how long it may take")
    parser.add_argument("--out", type=Path, help="file for the tables")
    options = parser.parse_args(arguments)
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    clock = Clock(time.monotonic() + options.seconds)
    missing = [package for module, package in NEEDED.items() if find_spec(module) is None]
    if missing:
        names, are = " ".join(missing), "is" if len(missing) == 1 else "are"
        print(
            f"{', '.join(missing)} {are} not installed: fetch the wheels elsewhere with `pip download -d wheels "
            f"{names}`, bring them along, and run `pip install --no-index --find-links wheels {names}`.",
            file=sys.stderr,
        )
        return 2
    import torch

    if options.device == "cuda" and not torch.cuda.is_available():
        print(
            f"There is no CUDA card that PyTorch {torch.__version__} can use here: run this on a machine with one, or "
            "try the command with --device cpu --tiny.",
            file=sys.stderr,
        )
        return 2
    size = (64, 96) if options.tiny else INPUT
    with contextlib.ExitStack() as stack:
        work = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        out = stack.enter_context(options.out.open("w", encoding="utf-8")) if options.out else None
        table = Table(out)
        card = torch.cuda.get_device_name(0) if options.device == "cuda" else "the processor, no card"
        table.say(f"On {card}, PyTorch {torch.__version__}, CUDA {torch.version.cuda}, input {size[0]} x {size[1]}.")
        folder = checkpoint(options.checkpoint, options.tiny, work)
        parity(folder, options.device, table, pictures(2, size))
        latency(folder, options.device, table, clock, lambda count: pictures(count, size))
        if options.device == "cuda":
            plan(folder, table, clock, pictures(1, size), work)
        table.say(f"\nTook {options.seconds - clock.left():.0f} s.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
