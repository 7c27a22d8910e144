"""All that one forward pass produced: immutable, and enough to derive every picture and number from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

Float32 = npt.NDArray[np.float32]
Size = tuple[int, int]
"""Height and width in pixels."""


@dataclass(frozen=True, eq=False)
class Prediction:
    """The outputs of a mask-classification network for one photograph.

    Layer 0 is the initial prediction, made from the learned queries before any decoder layer; layer ``k >= 1`` is
    the prediction after the network's ``decoder.layers[k - 1]``, which attends to feature level ``(k - 1) % 3``
    under the mask of prediction ``k - 1`` (masked attention: Cheng et al., "Masked-attention Mask Transformer for
    Universal Image Segmentation", CVPR 2022, section 3.2.1).

    Arrays are kept in half precision but for the last layer; accessors return float32 copies.
    """

    image_size: Size
    """The photograph's own size."""
    input_size: Size
    """The size the network saw, padding included."""
    content_size: Size
    """The input less its padding, which lies at the right and the bottom."""
    id2label: Mapping[int, str]
    masks: tuple[npt.NDArray[np.floating], ...] = field(repr=False)
    """Mask logits of each layer, each (Q, h, w)."""
    classes: tuple[npt.NDArray[np.floating], ...] = field(repr=False)
    """Class logits of each layer, each (Q, C + 1)."""
    attentions: tuple[npt.NDArray[np.floating], ...] = field(default=(), repr=False)
    """Cross-attention of layers 1.., each (heads, Q, h_l, w_l); empty where it was not captured. Each head's map of a
    query may carry any positive scale: accessors make it sum to 1."""
    unmasked: npt.NDArray[np.bool_] | None = field(default=None, repr=False)
    """(layers - 1, Q): whether the query's attention mask was empty, so that it attended everywhere."""
    checkpoint: str = ""
    engine: str = ""
    precision: str = ""
    device: str = ""
    seconds: Mapping[str, float] = field(default_factory=dict)
    """Measured wall time of the parts of this run: ``preprocess``, ``forward``."""

    def __post_init__(self) -> None:
        """Freeze what can be frozen: arrays become read-only, mappings views."""
        for array in (*self.masks, *self.classes, *self.attentions):
            array.flags.writeable = False
        object.__setattr__(self, "id2label", MappingProxyType(dict(self.id2label)))
        object.__setattr__(self, "seconds", MappingProxyType(dict(self.seconds)))

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle by the constructor's arguments: views of mappings do not pickle."""
        values = (getattr(self, item.name) for item in fields(self))
        return type(self), tuple(dict(value) if isinstance(value, MappingProxyType) else value for value in values)

    @property
    def num_layers(self) -> int:
        """Predictions per query: the initial one and one per decoder layer."""
        return len(self.masks)

    @property
    def num_queries(self) -> int:
        """Number of queries Q."""
        return int(self.classes[-1].shape[0])

    @property
    def num_heads(self) -> int:
        """Attention heads per layer; 0 where attention was not captured."""
        return int(self.attentions[0].shape[0]) if self.attentions else 0

    @property
    def nbytes(self) -> int:
        """Memory held by the arrays, in bytes."""
        return sum(array.nbytes for array in (*self.masks, *self.classes, *self.attentions))

    def mask_logits(self, layer: int = -1) -> Float32:
        """Mask logits of a layer: float32 (Q, h, w), at a quarter of ``input_size``; 0 is the mask's border."""
        return self.masks[self._layer(layer)].astype(np.float32)

    def class_logits(self, layer: int = -1) -> Float32:
        """Class logits of a layer: float32 (Q, C + 1), the last column "no object"."""
        return self.classes[self._layer(layer)].astype(np.float32)

    def attention(self, layer: int, query: int, *, head: int | None = None) -> Float32:
        """Masked cross-attention of a query in layer 1..: float32 (h_l, w_l), summing to 1.

        ``head`` counts from 0; ``None`` is the mean over heads. Raises ``IndexError`` for layer 0, which attends to
        nothing, and for layers, heads or queries that do not exist; ``LookupError`` where none was captured.
        """
        maps = self.attentions[self._attention_layer(layer)]
        if not 0 <= query < maps.shape[1]:
            raise IndexError(f"query {query} is not in 0..{maps.shape[1] - 1}")
        if head is not None and not 0 <= head < maps.shape[0]:
            raise IndexError(f"head {head} is not in 0..{maps.shape[0] - 1}")
        chosen: Sequence[int] = range(maps.shape[0]) if head is None else [head]
        per_head = maps[list(chosen), query].astype(np.float32)
        per_head /= per_head.sum(axis=(1, 2), keepdims=True)
        return np.asarray(per_head.mean(axis=0), dtype=np.float32)

    def attends_everywhere(self, layer: int, query: int) -> bool:
        """Whether the query's mask was empty before ``layer`` (1..), which lifts the restriction to the mask."""
        index = self._attention_layer(layer)
        if self.unmasked is None:
            raise LookupError("attention was not captured for this prediction")
        return bool(self.unmasked[index, query])

    def _layer(self, layer: int) -> int:
        index = layer + self.num_layers if layer < 0 else layer
        if not 0 <= index < self.num_layers:
            raise IndexError(f"layer {layer} is not in 0..{self.num_layers - 1}")
        return index

    def _attention_layer(self, layer: int) -> int:
        if not self.attentions:
            raise LookupError("attention was not captured for this prediction")
        if not 1 <= layer <= len(self.attentions):
            raise IndexError(
                f"layer {layer} is not in 1..{len(self.attentions)}: the initial prediction attends to nothing"
            )
        return layer - 1
