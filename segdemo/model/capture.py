"""What a forward pass hands over: masks, classes, cross-attention and features, in the form they are kept in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from segdemo.progress import Cancel, CancelledError, Progress

if TYPE_CHECKING:
    from torch import Tensor

_LARGEST_HALF = 65504.0

SHARES = {"backbone": 0.65, "pixel": 0.20, "decoder": 0.15}
"""What the three parts cost of a forward pass, for the progress only."""


@dataclass(frozen=True, eq=False)
class RawOutputs:
    """All that one forward pass over a batch of B images produced; arrays as in ``Prediction``, with a batch axis."""

    masks: tuple[npt.NDArray[np.floating], ...]
    """Per layer (B, Q, h, w): float16, the last float32."""
    classes: tuple[npt.NDArray[np.floating], ...]
    """Per layer (B, Q, C + 1): float16, the last float32."""
    attentions: tuple[npt.NDArray[np.floating], ...] = ()
    """Per layer 1.. (B, heads, Q, h_l, w_l): float16, each map scaled to a maximum of 1."""
    unmasked: npt.NDArray[np.bool_] | None = None
    """(layers - 1, B, Q): the query's attention mask was empty, so that it attended everywhere."""
    strides: tuple[int, ...] = ()
    """Of each of ``attentions``: pixels of the input that a cell is wide and high."""
    stages: Mapping[int, npt.NDArray[np.floating]] = field(default_factory=dict)
    """What the backbone handed on, each (B, C, h, w) float16, by the pixels of the input that a cell is wide."""


class Steps:
    """Counts the parts of a forward pass as they end: tells the progress, and stops the run when asked to."""

    def __init__(self, counts: dict[str, int], progress: Progress | None = None, cancel: Cancel | None = None) -> None:
        self._shares = {part: SHARES[part] / max(count, 1) for part, count in counts.items()}
        self._progress, self._cancel = progress, cancel
        self._done = 0.0

    def __call__(self, part: str) -> None:
        """Note that one of the ``part``'s blocks ended; raises ``CancelledError`` once ``cancel`` says so."""
        if self._cancel is not None and self._cancel():
            raise CancelledError
        self._done += self._shares[part]
        if self._progress is not None:
            self._progress(min(self._done, 1.0))


def packed(
    masks: "Sequence[Tensor]",
    classes: "Sequence[Tensor]",
    attentions: "Sequence[Tensor]" = (),
    unmasked: "Sequence[Tensor]" = (),
    features: "Sequence[Tensor]" = (),
    *,
    height: int,
) -> RawOutputs:
    """Bring a network's outputs for inputs of ``height`` pixels into the form they are kept in; see ``RawOutputs``."""
    import torch

    return kept(
        _stored(masks),
        _stored(classes),
        [scaled_half(maps).cpu().numpy() for maps in attentions],
        torch.stack(list(unmasked)).cpu().numpy() if unmasked else None,
        [as_half(maps).cpu().numpy() for maps in features],
        height=height,
    )


def kept(
    masks: Sequence[npt.NDArray[np.floating]],
    classes: Sequence[npt.NDArray[np.floating]],
    attentions: Sequence[npt.NDArray[np.floating]] = (),
    unmasked: npt.NDArray[np.bool_] | None = None,
    features: Sequence[npt.NDArray[np.floating]] = (),
    *,
    height: int,
) -> RawOutputs:
    """``RawOutputs`` of arrays in the form they are kept in, with the strides that their sizes tell."""
    return RawOutputs(
        tuple(masks),
        tuple(classes),
        tuple(attentions),
        unmasked,
        tuple(_stride(height, maps) for maps in attentions),
        {_stride(height, maps): maps for maps in features},
    )


def _stride(height: int, maps: npt.NDArray[Any]) -> int:
    return max(1, round(height / maps.shape[-2]))


def scaled_half(maps: "Tensor") -> "Tensor":
    """Scale each map (..., h, w) to a maximum of 1 in half precision, where probabilities would underflow."""
    import torch

    if maps.dtype == torch.float16:
        return maps
    return (maps / maps.amax(dim=(-2, -1), keepdim=True)).half()


def as_half(features: "Tensor") -> "Tensor":
    """Return features in half precision, cut off where that ends: not every backbone normalises what it hands on."""
    import torch

    if features.dtype == torch.float16:
        return features
    return features.clamp(-_LARGEST_HALF, _LARGEST_HALF).half()


def _stored(layers: "Sequence[Tensor]") -> tuple[npt.NDArray[np.floating], ...]:
    halves = [layer.half().cpu().numpy() for layer in layers[:-1]]
    return (*halves, layers[-1].float().cpu().numpy())
