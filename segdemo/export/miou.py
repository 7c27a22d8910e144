"""mIoU of a network and of its export on the same labelled pictures, at the same input size."""

from pathlib import Path
from typing import Any

from segdemo import checkpoints
from segdemo.checkpoints import Checkpoint
from segdemo.data import SourceConfig
from segdemo.judging import run_evaluation
from segdemo.model.engines import TorchEngine
from segdemo.model.exported import ExportedEngine, read_exported
from segdemo.model.networks import load_network, release_network
from segdemo.model.predictor import Predictor
from segdemo.prediction import Size


def measured(checkpoint: Checkpoint, folder: Path, format: str, size: Size, data: SourceConfig) -> dict[str, Any]:
    """Return ``before``, of the library's network in float32, ``after``, of the export, and the number of pictures."""
    weights = checkpoints.resolve(checkpoint.id)
    exported = ExportedEngine(read_exported(folder, format))
    network = load_network(weights, accelerated=False)
    library = Predictor(checkpoint, weights, TorchEngine(network), sizes=[size])
    before = run_evaluation(library, data, task=exported.task, boundary=False)
    del library, network
    release_network(weights)
    after = run_evaluation(Predictor(checkpoint, weights, exported, sizes=[size]), data, boundary=False)
    return {"before": before.overall.miou, "after": after.overall.miou, "pictures": before.overall.pictures}
