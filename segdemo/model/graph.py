"""Converted networks on disk: where one is kept, whether it is whole, and how it compared with its network."""

import hashlib
import json
import logging
import shutil
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from segdemo.errors import MissingExtraError, SegdemoError
from segdemo.settings import settings

logger = logging.getLogger(__name__)

COMPILE_OPTIONS = {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"}
"""No type but what the graph says, and latency before throughput."""

GRAPH_PRECISIONS = ("fp32", "bf16")

PROBE = (64, 96)
"""Input size of the picture that a graph is tried on when it is loaded."""

_FORMAT = 7

_import_lock = threading.Lock()


@dataclass(frozen=True)
class Parity:
    """How the graph compares with the network at one input size."""

    height: int
    width: int
    labels_agree: float
    """Share of pixels with the same most probable class."""
    difference: float
    """Largest difference of the last mask logits, relative to their largest value."""
    seconds: float
    """How long the graph took."""
    network_seconds: float
    """How long the network took in PyTorch."""


@dataclass(frozen=True)
class Graph:
    """A converted network on disk."""

    folder: Path
    num_layers: int
    parity: tuple[Parity, ...]

    @property
    def faster(self) -> bool:
        """Whether the graph clearly beat PyTorch on this machine, at the largest size that was compared.

        By a tenth: it takes more memory, and a single run's time tells no more.
        """
        largest = max(self.parity, key=lambda entry: entry.height * entry.width)
        return largest.seconds < 0.9 * largest.network_seconds

    @property
    def file(self) -> Path:
        """The graph's description; its weights lie beside it."""
        return self.folder / "model.xml"

    def probe(self) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """Return a small input (1, 3, h, w) and the last mask logits that the network gave for it."""
        return probe_pixels(PROBE), np.load(self.folder / "probe.npy", allow_pickle=False)


def require_openvino(feature: str = "The OpenVINO engine", extra: str = "openvino") -> Any:
    """Return the ``openvino`` module; raises ``MissingExtraError`` for that feature where it is not installed.

    On import it would report its use to its makers, from a fork of this process. Where the module that does so cannot
    be imported it takes its own stub, for good: so that module is out of reach for as long as the import takes.
    """
    with _import_lock:
        hidden = "openvino" not in sys.modules and "openvino_telemetry" not in sys.modules
        if hidden:
            sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]
        try:
            import openvino
        except ImportError:
            raise MissingExtraError(feature, extra) from None
        finally:
            if hidden:
                del sys.modules["openvino_telemetry"]
    return openvino


def graph_folder(checkpoint: Path, precision: str) -> Path:
    """Return where a checkpoint's graph is kept, named after its weights, precision, and versions that shape it.

    Raises ``SegdemoError`` for a precision that graphs do not come in.
    """
    import torch

    if precision not in GRAPH_PRECISIONS:
        raise SegdemoError(
            f"The OpenVINO engine does not run in {precision}: choose fp32 or bf16, or the torch engine."
        )

    openvino = require_openvino()
    digest = hashlib.blake2b(digest_size=12)
    for part in (
        _FORMAT,
        precision,
        openvino.get_version(),
        torch.__version__,
        (checkpoint / "config.json").read_text(),
    ):
        digest.update(str(part).encode())
    for file in sorted(checkpoint.glob("*.safetensors")):
        digest.update(_fingerprint(file))
    return settings().cache_dir / "openvino" / digest.hexdigest()


def find_graph(checkpoint: Path, precision: str) -> Graph | None:
    """Return the graph of a checkpoint where it is on disk and whole; a damaged one is removed."""
    folder = graph_folder(checkpoint, precision)
    if not (folder / "graph.json").is_file():
        return None
    try:
        meta = json.loads((folder / "graph.json").read_text())
        for name, size in meta["sizes"].items():
            if (folder / name).stat().st_size != size:
                raise ValueError(f"{name} has another size")
        return Graph(folder, int(meta["num_layers"]), tuple(Parity(**entry) for entry in meta["parity"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        logger.warning("the converted graph in %s is damaged (%s) and will be made again", folder, error)
        discard_graph(checkpoint, precision)
        return None


def discard_graph(checkpoint: Path, precision: str) -> None:
    """Remove a checkpoint's graph from disk."""
    shutil.rmtree(graph_folder(checkpoint, precision), ignore_errors=True)


def probe_pixels(size: tuple[int, int], batch: int = 1) -> npt.NDArray[np.float32]:
    """A normalised picture of soft waves in three colours, different for each member of a batch."""
    y, x = np.mgrid[0 : size[0], 0 : size[1]].astype(np.float32)
    waves = [
        np.stack([np.sin(x / (19 + 7 * c) + y / (31 - 6 * c) + member) for c in range(3)]) * 1.5
        for member in range(batch)
    ]
    return np.stack(waves).astype(np.float32)


def _fingerprint(file: Path) -> bytes:
    """Digest of a weights file from its length, its header and samples of its contents: any training changes them."""
    size = file.stat().st_size
    digest = hashlib.blake2b(str(size).encode(), digest_size=16)
    with file.open("rb") as stream:
        digest.update(stream.read(1 << 20))
        for index in range(256):
            stream.seek(size * index // 256)
            digest.update(stream.read(4096))
    return digest.digest()
