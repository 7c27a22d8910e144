"""An exported graph, this project's PyTorch engine and the library's pipeline, one after the other in one run."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from segdemo.children import start_child
from segdemo.errors import SegdemoError
from segdemo.export.parity import Answer

LIBRARY, NETWORK, TORCH, EXPORTED = "pipeline", "network", "torch", "exported"
"""``NETWORK`` stands for ``LIBRARY`` where the library's pipeline cannot be built without the hub."""
TITLES = {
    EXPORTED: "this export",
    NETWORK: "the library's network, fp32",
    TORCH: "segdemo in PyTorch, fp32",
    LIBRARY: "the library's pipeline, fp32",
}
_LAST_WORDS = 300


@dataclass(frozen=True)
class Ran:
    """What a contender took, and where its answers are."""

    name: str
    figures: dict[str, Any]
    """``load_seconds``, ``forward_seconds``, ``photo_seconds``, ``peak_bytes``, ``start_bytes``."""
    answers: tuple[Path, ...]

    def answer(self, index: int) -> Answer:
        """The logits of a picture."""
        with np.load(self.answers[index], allow_pickle=False) as found:
            return tuple(found[name] for name in found.files)

    def values(self) -> dict[str, Any]:
        """For the card."""
        return {"name": self.name, "title": TITLES[self.name], **self.figures}


def run_contender(
    name: str, pixels: Sequence[Path], photo: Path, work: Path, request: dict[str, Any], *, batch: bool = False
) -> Ran:
    """Run one in its own process on prepared pictures (files of float32 (3, H, W)), with ``work`` for its files.

    ``photo`` is the picture whose way from file to labels is timed. Raises ``SegdemoError`` with its last words where
    it does not come to its end.
    """
    folder = work / name
    folder.mkdir()
    answers = tuple(folder / f"{index}.npz" for index in range(len(pixels)))
    written = {
        **request,
        "kind": name,
        "pixels": [str(path) for path in pixels],
        "answers": [str(path) for path in answers],
        "photo": str(photo),
        "batch": batch,
    }
    file = folder / "request.json"
    file.write_text(json.dumps(written), encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    child = start_child(
        [sys.executable, "-m", "segdemo.export.contender", str(file)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
    )
    out, said = child.communicate()
    if child.returncode != 0 or not out.strip():
        reason = "it was ended, perhaps for lack of memory" if child.returncode < 0 else _last_line(said)
        raise SegdemoError(f"{TITLES[name][:1].upper()}{TITLES[name][1:]} did not run: {reason}")
    return Ran(name, json.loads(out.decode().strip().splitlines()[-1]), answers)


def prepared(pictures: Sequence[npt.NDArray[np.float32]], work: Path) -> list[Path]:
    """Files of network inputs float32 (3, H, W)."""
    files = []
    for index, pixels in enumerate(pictures):
        files.append(work / f"pixels-{index}.npy")
        np.save(files[-1], pixels)
    return files


def _last_line(said: bytes) -> str:
    lines = [line.strip() for line in said.decode(errors="replace").splitlines() if line.strip()]
    last = lines[-1] if lines else "it said nothing"
    return last.partition("SegdemoError: ")[2] or last[:_LAST_WORDS]
