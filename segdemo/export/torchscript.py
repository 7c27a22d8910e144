"""A network as a TorchScript module for one input size, which refuses others itself."""

import warnings
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from segdemo.errors import SegdemoError, first_line
from segdemo.export.network import Portable
from segdemo.model.graph import probe_pixels
from segdemo.prediction import Size


class FixedSize(nn.Module):
    """A traced network that runs on inputs (1, 3, H, W) of one size alone: a trace is silently wrong at others."""

    def __init__(self, traced: Any, size: Size) -> None:
        super().__init__()
        self.network = traced
        self.shape = [1, 3, size[0], size[1]]
        self.refusal = f"this graph runs on inputs of (1, 3, {size[0]}, {size[1]}) only: export one for other sizes"

    def check(self, pixel_values: Tensor) -> None:
        """Refuse every other size."""
        assert pixel_values.dim() == 4, self.refusal
        for axis, length in enumerate(self.shape):
            assert pixel_values.shape[axis] == length, self.refusal


class Queries(FixedSize):
    """The same of a network with queries."""

    def forward(self, pixel_values: Tensor) -> tuple[Tensor, Tensor]:
        """Run normalised pixels float32 forward."""
        self.check(pixel_values)
        classes, masks = self.network(pixel_values)
        return classes, masks


class Scores(FixedSize):
    """The same of a network without."""

    def forward(self, pixel_values: Tensor) -> Tensor:
        """Run normalised pixels float32 forward."""
        self.check(pixel_values)
        logits: Tensor = self.network(pixel_values)
        return logits


def write_torchscript(network: Portable, size: Size, file: Path) -> None:
    """Write a network for one input size, (height, width), in the precision that it has.

    Raises ``SegdemoError`` with what is in the way where it cannot be traced.
    """
    pixels = torch.from_numpy(probe_pixels(size))
    kind = Queries if len(network.outputs) > 1 else Scores
    with torch.no_grad(), warnings.catch_warnings():
        # The tracer warns of every Python test on a size, and that there are newer ways.
        warnings.simplefilter("ignore")
        try:
            traced = torch.jit.trace(network, pixels, check_trace=False)
            module = torch.jit.script(kind(traced, size).eval())
        except (MemoryError, OSError):
            raise
        except Exception as error:
            raise SegdemoError(f"This network cannot be traced: {first_line(error)[:300]}") from error
        with file.open("wb") as stream:
            torch.jit.save(module, stream)
