"""A graph beside the library's own network, which is the reference for all of them."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from segdemo import checkpoints
from segdemo.export.parity import Comparison, examples
from segdemo.model.exported import FittingSizes
from segdemo.model.preprocessing import Preprocessing
from segdemo.model.runtimes import Graph
from segdemo.model.weights import load_library_model


def stretched(folder: Path, size: tuple[int, int], count: int) -> list[npt.NDArray[np.float32]]:
    """Photographs as inputs (1, 3, H, W) of ``size``, height and width."""
    fitting = FittingSizes(Preprocessing.from_folder(folder), [size])
    return [fitting.stretched(picture.load(), size)[None] for picture in examples(count)]


def compared(folder: Path, graph: Graph, inputs: list[npt.NDArray[np.float32]]) -> Comparison:
    """The graph's answers beside those of the library's network on a checkpoint, at the size of the inputs."""
    network: Any = load_library_model(folder)
    size = (inputs[0].shape[2], inputs[0].shape[3])
    comparison = Comparison(checkpoints.labels(folder), size)
    for number, pixels in enumerate(inputs):
        with torch.inference_mode():
            expected = network(pixel_values=torch.from_numpy(pixels))
        answer = expected.class_queries_logits[0].numpy(), expected.masks_queries_logits[0].numpy()
        classes, masks = graph(pixels)
        comparison.add(str(number), size, answer, (classes[0], masks[0]))
    return comparison
