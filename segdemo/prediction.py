"""All that one forward pass produced: immutable, and enough to derive every picture and number from.

Networks differ in what they can tell, so most of a prediction is in parts that may be missing; ``offers`` names those
that are there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from segdemo.crops import Crops
from segdemo.errors import NotOfferedError
from segdemo.taxonomy import Taxonomy, taxonomy_for

Float32 = npt.NDArray[np.float32]
Size = tuple[int, int]
"""Height and width in pixels."""

Part = Literal["queries", "layers", "attention", "features", "decoder_features"]
"""What a prediction may offer: queries with a mask and classes each, what they were after every layer, where they
looked in each layer, what the backbone made of the photograph at several scales, and what the decoder started from."""
PARTS: tuple[Part, ...] = get_args(Part)


@dataclass(frozen=True, eq=False)
class AttentionLayer:
    """Where the queries of one layer looked: its cross-attention over one feature level."""

    maps: npt.NDArray[np.floating] = field(repr=False)
    """(heads, Q, h, w), each map at any positive scale: ``Prediction.attention`` makes them sum to 1."""
    unmasked: npt.NDArray[np.bool_] = field(repr=False)
    """(Q,): whether the query's attention mask was empty, so that it attended everywhere."""
    stride: int
    """Pixels of the network's input that a cell is wide and high."""
    masked: bool = True
    """Whether queries are held to their masks; plain attention looks everywhere by choice."""

    def __post_init__(self) -> None:
        """Make the arrays read-only."""
        _freeze(self.maps, self.unmasked)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle by the constructor's arguments, so that a copy is read-only as well."""
        return type(self), (self.maps, self.unmasked, self.stride, self.masked)

    @property
    def size(self) -> Size:
        """Height and width in cells."""
        return int(self.maps.shape[-2]), int(self.maps.shape[-1])

    @property
    def nbytes(self) -> int:
        """Memory held by the arrays, in bytes."""
        return self.maps.nbytes + self.unmasked.nbytes


@dataclass(frozen=True, eq=False)
class DecoderFeatures:
    """What the decoder starts from: what the pixel decoder made of the backbone's stages.

    In float32, since attention is masked by a threshold: the decoder run again from halves would look elsewhere.
    """

    levels: Mapping[int, Float32] = field(repr=False)
    """What the decoder's layers look at in turn, each (C, h, w), by the pixels of the input that a cell is wide and
    high; in their order."""
    masks: Float32 = field(repr=False)
    """(C, h, w): the product of a query's mask embedding with the vector at a place is its mask logit there."""
    mask_stride: int
    """Pixels of the input that a cell of ``masks`` is wide and high."""

    def __post_init__(self) -> None:
        """Make the arrays read-only, and the mapping a view of a copy."""
        _freeze(*self.levels.values(), self.masks)
        object.__setattr__(self, "levels", MappingProxyType(dict(self.levels)))

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle by the constructor's arguments: views of mappings do not pickle."""
        return type(self), (dict(self.levels), self.masks, self.mask_stride)

    @property
    def nbytes(self) -> int:
        """Memory held by the arrays, in bytes."""
        return self.masks.nbytes + sum(level.nbytes for level in self.levels.values())


@dataclass(frozen=True)
class Windows:
    """The grid of windows that the blocks of a backbone's stage attend within."""

    side: int
    """Cells that a window is wide and high."""
    shift: int
    """Cells by which every second block moves the grid to the right and down; 0 where a stage has one block only."""


@dataclass(frozen=True, eq=False)
class Prediction:
    """The outputs of a segmentation network for one photograph.

    Layer 0 is the initial prediction, made from the learned queries before any decoder layer; layer ``k >= 1`` is
    the prediction after the network's ``decoder.layers[k - 1]``. Where there is masked attention (Cheng et al.,
    "Masked-attention Mask Transformer for Universal Image Segmentation", CVPR 2022, section 3.2.1), that layer looks
    under the mask of prediction ``k - 1``.

    Arrays are kept in half precision but for the last layer and for what the decoder starts from, and are read-only;
    accessors return float32 copies. What is not offered makes them raise ``NotOfferedError``, a ``LookupError`` with a
    sentence for people.
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
    attentions: tuple[AttentionLayer, ...] = field(default=(), repr=False)
    """Cross-attention of layers 1..; empty where there is none."""
    stages: Mapping[int, npt.NDArray[np.floating]] = field(default_factory=dict, repr=False)
    """What the backbone's stages handed on, each (C, h, w), by the pixels of the input that a cell is wide and high."""
    decoder_features: DecoderFeatures | None = field(default=None, repr=False)
    """What the decoder started from, for ``Predictor.what_if`` and to look at."""
    windows: Mapping[int, Windows] = field(default_factory=dict, repr=False)
    """By scale as ``stages``: the windows that its blocks attend within; empty where there are none."""
    logits: Float32 | None = field(default=None, repr=False)
    """Class logits of every cell, (C, h, w), of a network that scores each pixel by itself; none of one with queries,
    which has ``masks`` and ``classes`` instead."""
    crops: Crops | None = None
    """The overlapping squares that the photograph was seen in, each by queries of its own, where they were several."""
    fixed_input: str = ""
    """Why there is no choice of the input size, in a sentence; empty where there is."""
    lacks: Mapping[str, str] = field(default_factory=dict, repr=False)
    """For parts that this kind of network does not have: a sentence that says why."""
    stuff: frozenset[int] | None = None
    """The classes that are stuff, where the checkpoint says so; none where their names must do."""
    least_score: float = 0.0
    """The score below which a pixel's best class is none: of a network that learned that pixels may be of no class."""
    checkpoint: str = ""
    engine: str = ""
    precision: str = ""
    device: str = ""
    seconds: Mapping[str, float] = field(default_factory=dict)
    """Measured wall time of the parts of this run: ``preprocess``, ``forward``."""

    def __post_init__(self) -> None:
        """Make arrays read-only, and mappings views of copies."""
        _freeze(*self.masks, *self.classes, *self.stages.values(), *([] if self.logits is None else [self.logits]))
        for name in ("id2label", "stages", "windows", "lacks", "seconds"):
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle by the constructor's arguments: views of mappings do not pickle."""
        values = (getattr(self, item.name) for item in fields(self))
        return type(self), tuple(dict(value) if isinstance(value, MappingProxyType) else value for value in values)

    @property
    def taxonomy(self) -> Taxonomy:
        """Names, colours, things and stuff of the checkpoint's classes."""
        return taxonomy_for(self.id2label, stuff=self.stuff)

    @property
    def offers(self) -> frozenset[Part]:
        """The parts that are there, of ``PARTS``."""
        there = {
            "queries": bool(self.classes),
            "layers": len(self.classes) > 1,
            "attention": bool(self.attentions),
            "features": bool(self.stages),
            "decoder_features": self.decoder_features is not None,
        }
        return frozenset(part for part in PARTS if there[part])

    def why_not(self, part: Part) -> str:
        """A sentence on why ``part`` is not offered; empty where it is."""
        if part in self.offers:
            return ""
        kept = f"This run did not keep {part.replace('_', ' ')}: run the photograph again with capture=True."
        return self.lacks.get(part, kept)

    def require(self, part: Part) -> None:
        """Raise ``NotOfferedError`` with a sentence on ``part`` unless it is offered."""
        if sentence := self.why_not(part):
            raise NotOfferedError(sentence)

    @property
    def num_layers(self) -> int:
        """Predictions per query: the initial one and one per decoder layer; 0 where there are no queries."""
        return len(self.masks)

    @property
    def num_queries(self) -> int:
        """Number of queries Q; 0 where there are none."""
        return int(self.classes[-1].shape[0]) if self.classes else 0

    @property
    def cells(self) -> Size:
        """Height and width of the grid that the answer is given on, in cells: of the masks, or of the logits."""
        maps = self.masks[-1] if self.logits is None else self.logits
        return int(maps.shape[-2]), int(maps.shape[-1])

    @property
    def num_heads(self) -> int:
        """Attention heads per layer; 0 where there is no attention."""
        return int(self.attentions[0].maps.shape[0]) if self.attentions else 0

    @property
    def nbytes(self) -> int:
        """Memory held by the arrays, in bytes."""
        arrays = [*self.masks, *self.classes, *self.stages.values()]
        arrays += [] if self.logits is None else [self.logits]
        start = 0 if self.decoder_features is None else self.decoder_features.nbytes
        return sum(array.nbytes for array in arrays) + sum(layer.nbytes for layer in self.attentions) + start

    def mask_logits(self, layer: int = -1) -> Float32:
        """Mask logits of a layer: float32 (Q, h, w), at a quarter of ``input_size``; 0 is the mask's border."""
        return self.masks[self._layer(layer)].astype(np.float32)

    def class_logits(self, layer: int = -1) -> Float32:
        """Class logits of a layer: float32 (Q, C + 1), the last column "no object"."""
        return self.classes[self._layer(layer)].astype(np.float32)

    def attention(self, layer: int, query: int, *, head: int | None = None) -> Float32:
        """Masked cross-attention of a query in layer 1..: float32 (h_l, w_l), summing to 1.

        ``head`` counts from 0; ``None`` is the mean over heads. Raises ``IndexError`` for layer 0, which attends to
        nothing, and for layers, heads or queries that do not exist.
        """
        maps = self.attention_layer(layer).maps
        if not 0 <= query < maps.shape[1]:
            raise IndexError(f"query {query} is not in 0..{maps.shape[1] - 1}")
        if head is not None and not 0 <= head < maps.shape[0]:
            raise IndexError(f"head {head} is not in 0..{maps.shape[0] - 1}")
        chosen: Sequence[int] = range(maps.shape[0]) if head is None else [head]
        per_head = maps[list(chosen), query].astype(np.float32)
        per_head /= np.maximum(per_head.sum(axis=(1, 2), keepdims=True), np.float32(1e-30))
        return np.asarray(per_head.mean(axis=0), dtype=np.float32)

    def attends_everywhere(self, layer: int, query: int) -> bool:
        """Whether nothing holds the query to its mask in ``layer`` (1..).

        Masked attention lifts the restriction where the mask is empty; plain attention has none.
        """
        return bool(self.attention_layer(layer).unmasked[query])

    def attention_layer(self, layer: int) -> AttentionLayer:
        """The cross-attention of layer 1..; raises ``IndexError`` for others."""
        self.require("attention")
        if not 1 <= layer <= len(self.attentions):
            raise IndexError(
                f"layer {layer} is not in 1..{len(self.attentions)}: the initial prediction attends to nothing"
            )
        return self.attentions[layer - 1]

    def features(self, scale: int) -> Float32:
        """What the backbone handed on at 1 / ``scale`` of the input: float32 (C, h, w). Scales: those of ``stages``.

        For the networks here they are 4, 8, 16 and 32. Raises ``IndexError`` for others.
        """
        self.require("features")
        if scale not in self.stages:
            raise IndexError(f"scale {scale} is not one of {', '.join(map(str, sorted(self.stages)))}")
        return self.stages[scale].astype(np.float32)

    def _layer(self, layer: int) -> int:
        self.require("queries")
        index = layer + self.num_layers if layer < 0 else layer
        if not 0 <= index < self.num_layers:
            self.require("layers")
            raise IndexError(f"layer {layer} is not in 0..{self.num_layers - 1}")
        return index


def _freeze(*arrays: npt.NDArray[Any]) -> None:
    for array in arrays:
        array.flags.writeable = False
