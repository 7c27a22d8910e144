"""What a forward pass hands over: masks, classes, cross-attention and features, in the form they are kept in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from segdemo.crops import Crops
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
    """(layers - 1, B, Q): the query's attention mask was empty, so that it attended everywhere; none for plain
    attention, which no mask restricts."""
    strides: tuple[int, ...] = ()
    """Of each of ``attentions``: pixels of the input that a cell is wide and high."""
    stages: Mapping[int, npt.NDArray[np.floating]] = field(default_factory=dict)
    """What the backbone handed on, each (B, C, h, w) float16, by the pixels of the input that a cell is wide."""
    start: "Start | None" = None
    """What the decoder started from."""
    logits: npt.NDArray[np.float32] | None = None
    """(B, C, h, w), of a network without queries, whose ``masks`` and ``classes`` are empty."""
    crops: Crops | None = None
    """The squares that the inputs were seen in, where they were several."""

    @property
    def answer(self) -> tuple[npt.NDArray[np.floating], ...]:
        """Class and mask logits of the last layer, or, of a network without queries, its logits."""
        return (self.classes[-1], self.masks[-1]) if self.logits is None else (self.logits,)


@dataclass(frozen=True, eq=False)
class Start:
    """What a decoder starts from, for a batch of B images."""

    levels: tuple[npt.NDArray[np.float32], ...]
    """What its layers look at in turn, each (B, C, h, w)."""
    strides: tuple[int, ...]
    """Of each of ``levels``: pixels of the input that a cell is wide and high."""
    masks: npt.NDArray[np.float32]
    """(B, C, h, w): mask features."""
    mask_stride: int
    """Of ``masks``."""


@dataclass(frozen=True)
class Without:
    """What a run of the decoder goes without; nothing unless said. Layers count from 1, queries and heads from 0."""

    queries: frozenset[int] = frozenset()
    """Queries that no other query attends to."""
    heads: frozenset[tuple[int, int]] = frozenset()
    """Heads of the cross-attention, as (layer, head), whose output is zero before the output projection."""
    layers: frozenset[int] = frozenset()
    """Layers whose cross-attention adds nothing."""

    def heads_of(self, layer: int) -> list[int]:
        """The heads of a layer that are off, in their order."""
        return sorted(head for number, head in self.heads if number == layer)


NOTHING = Without()


@dataclass(frozen=True, eq=False)
class Request:
    """What a forward pass is asked for, beside its pixels."""

    capture: bool = True
    """Whether everything is kept, or the last layer's masks and classes alone."""
    task: str | None = None
    """For families that are told it: ``semantic``, ``instance`` or ``panoptic``; none for the checkpoint's own."""
    progress: Progress | None = None
    cancel: Cancel | None = None
    alone: bool = True
    """Whether other passes wait for this one; else they may run beside it, where the network can (``side_by_side``)."""


EVERYTHING = Request()


class Steps:
    """Counts the parts of a forward pass as they end: tells the progress, and stops the run when asked to."""

    def __init__(self, counts: Mapping[str, int], request: Request) -> None:
        self._shares = {part: SHARES[part] / max(count, 1) for part, count in counts.items()}
        self._request = request
        self._done = 0.0

    def __call__(self, part: str) -> None:
        """Note that one of the ``part``'s blocks ended; raises ``CancelledError`` once ``cancel`` says so."""
        self._check()
        self._tell(min(self._done + self._shares[part], 1.0))

    def end(self) -> None:
        """Note that the pass is over."""
        self._tell(1.0)

    def _check(self) -> None:
        if self._request.cancel is not None and self._request.cancel():
            raise CancelledError

    def _tell(self, done: float) -> None:
        self._done = done
        if self._request.progress is not None:
            self._request.progress(done)


def packed(
    masks: "Sequence[Tensor]",
    classes: "Sequence[Tensor]",
    attentions: "Sequence[Tensor]" = (),
    unmasked: "Sequence[Tensor]" = (),
    features: "Sequence[Tensor]" = (),
    levels: "Sequence[Tensor]" = (),
    mask_features: "Tensor | None" = None,
    *,
    height: int,
    crops: Crops | None = None,
) -> RawOutputs:
    """Bring a network's outputs for inputs of ``height`` pixels into the form they are kept in; see ``RawOutputs``."""
    import torch

    return kept(
        _stored(masks),
        _stored(classes),
        [scaled_half(maps).cpu().numpy() for maps in attentions],
        torch.stack(list(unmasked)).cpu().numpy() if unmasked else None,
        [as_half(maps).cpu().numpy() for maps in features],
        [maps.float().cpu().numpy() for maps in levels],
        None if mask_features is None else mask_features.float().cpu().numpy(),
        height=height,
        crops=crops,
    )


def scored(logits: "Tensor", features: "Sequence[Tensor]" = (), *, height: int) -> RawOutputs:
    """The same of a network without queries: class logits (B, C, h, w), and what its backbone handed on."""
    stages = [as_half(maps).cpu().numpy() for maps in features]
    return RawOutputs(
        (), (), logits=logits.float().cpu().numpy(), stages={_stride(height, maps): maps for maps in stages}
    )


def kept(
    masks: Sequence[npt.NDArray[np.floating]],
    classes: Sequence[npt.NDArray[np.floating]],
    attentions: Sequence[npt.NDArray[np.floating]] = (),
    unmasked: npt.NDArray[np.bool_] | None = None,
    features: Sequence[npt.NDArray[np.floating]] = (),
    levels: Sequence[npt.NDArray[np.float32]] = (),
    mask_features: npt.NDArray[np.float32] | None = None,
    *,
    height: int,
    crops: Crops | None = None,
) -> RawOutputs:
    """``RawOutputs`` of arrays in the form they are kept in, with the strides that their sizes tell."""
    return RawOutputs(
        tuple(masks),
        tuple(classes),
        crops=crops,
        attentions=tuple(attentions),
        unmasked=unmasked,
        strides=tuple(_stride(height, maps) for maps in attentions),
        stages={_stride(height, maps): maps for maps in features},
        start=None
        if mask_features is None
        else Start(
            tuple(levels),
            tuple(_stride(height, maps) for maps in levels),
            mask_features,
            _stride(height, mask_features),
        ),
    )


def _stride(height: int, maps: npt.NDArray[Any]) -> int:
    """Pixels that a cell is high: the power of two that fits, since networks halve, and round up what is odd."""
    cells = maps.shape[-2]
    powers = [1 << power for power in range(height.bit_length() + 1)]
    return next((stride for stride in powers if -(-height // stride) == cells), max(1, round(height / cells)))


def scaled_half(maps: "Tensor") -> "Tensor":
    """Scale each map (..., h, w) to a maximum of 1 in half precision, where probabilities would underflow."""
    import torch

    if maps.dtype == torch.float16:
        return maps
    return (maps / maps.amax(dim=(-2, -1), keepdim=True).clamp(min=1e-30)).half()


def as_half(features: "Tensor") -> "Tensor":
    """Return features in half precision, cut off where that ends: not every backbone normalises what it hands on."""
    import torch

    if features.dtype == torch.float16:
        return features
    return features.clamp(-_LARGEST_HALF, _LARGEST_HALF).half()


def _stored(layers: "Sequence[Tensor]") -> tuple[npt.NDArray[np.floating], ...]:
    halves = [layer.half().cpu().numpy() for layer in layers[:-1]]
    return (*halves, layers[-1].float().cpu().numpy())
