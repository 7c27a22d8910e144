"""Whether rounding alone decides what a network answers: the same network in double precision.

The attention of a query is masked by a threshold. Where a mask comes as close to it as float32 rounds, the network goes
one way or the other with the order in which a sum is made, in the library as in any export of it; neither is wrong.
"""

from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from segdemo.export.parity import Answer
from segdemo.model.capture import Request
from segdemo.model.families import family_of


class InDouble:
    """The library's network of a checkpoint folder in float64, read when it is first asked."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @cached_property
    def _network(self) -> Any:
        network: Any = family_of(self._folder).load(self._folder, "cpu", "fp32", accelerated=False)
        network.model.double()
        return network

    def __call__(self, pixels: npt.NDArray[np.float32]) -> Answer:
        """Its answer on one input, float32 (1, 3, H, W)."""
        import torch

        answer = self._network.run(torch.from_numpy(pixels).double(), Request(capture=False)).answer
        return tuple(part[0] for part in answer)
