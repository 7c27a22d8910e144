"""What a family of networks tells the others: an adapter between a checkpoint folder and ``RawOutputs``."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from segdemo.model.capture import RawOutputs, Request, Without
from segdemo.prediction import Size, Windows

if TYPE_CHECKING:
    from torch import Tensor


class Loaded(Protocol):
    """A network with its weights on a device; safe to call from several threads."""

    def run(self, pixels: "Tensor", request: Request = ...) -> RawOutputs:
        """Run normalised pixels (B, 3, H, W) on that device forward; raises ``CancelledError``."""
        ...

    def decode(
        self, levels: "list[Tensor]", masks: "Tensor", *, height: int, without: Without = ..., request: Request = ...
    ) -> RawOutputs:
        """Run the decoder alone, of what it starts from (``capture.Start``) for an input of ``height`` pixels.

        It goes ``without`` some of its parts. What backbone and pixel decoder hand on is not in the result. A family
        whose predictions lack ``decoder_features`` is never asked. Raises ``CancelledError``.
        """
        ...


class Inputs(Protocol):
    """From a photograph to a network's input."""

    def sizes(self, image_size: Size, size: str | int) -> tuple[Size, Size]:
        """The input size and the content size of a photograph, both (height, width), for a size option."""
        ...

    def __call__(self, image: npt.NDArray[np.uint8], size: str | int) -> tuple[npt.NDArray[np.float32], Size, Size]:
        """The input float32 (3, H, W) of an RGB uint8 (h, w, 3), with input and content size."""
        ...


class Family(Protocol):
    """One kind of network. A new one is a file beside this with such a class, a line in ``FAMILIES``, and its test."""

    name: str
    """What people call it."""
    lacks: Mapping[str, str]
    """A sentence for each part of ``segdemo.prediction.PARTS`` that its predictions do not have."""
    tasks: tuple[str, ...]
    """The tasks that it can be told; empty where the checkpoint alone decides."""

    def recognises(self, config: Mapping[str, Any]) -> bool:
        """Whether a checkpoint's ``config.json`` is of this family."""
        ...

    def preprocessing(self, folder: Path) -> Inputs:
        """What a checkpoint's pixels go through first; raises ``SegdemoError`` for settings nobody can follow."""
        ...

    def accelerates(self, config: Mapping[str, Any]) -> bool:
        """Whether the network in ``model/fast`` computes a checkpoint, so that it converts and runs in 8 bits."""
        ...

    def borrows(self, config: Mapping[str, Any]) -> bool:
        """Whether parts of ``model/fast`` stand in the library's network of a checkpoint, on the processor."""
        ...

    def windows(self, config: Mapping[str, Any]) -> Mapping[int, Windows]:
        """By scale, the windows that the blocks of a checkpoint's backbone attend within; empty without such."""
        ...

    def precisions(self, config: Mapping[str, Any], device: str) -> tuple[str, ...]:
        """The precisions that a checkpoint can be had in on a device of this machine, ``fp32`` first."""
        ...

    def load(self, folder: Path, device: str, precision: str, *, accelerated: bool = True) -> Loaded:
        """Load a checkpoint: with the accelerated network or parts where they fit, or the library's own.

        Raises ``SegdemoError`` where the folder does not hold what its configuration says, and whatever what is
        accelerated runs into.
        """
        ...
