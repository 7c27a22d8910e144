"""Mask2Former's transformer decoder for inference, keeping the cross-attention and masks that it computes anyway.

Computes what the library's ``Mask2FormerMaskedAttentionDecoder`` computes, from its weights. The attention mask is
one for all heads and is never repeated; the last prediction makes none, since nothing attends after it.
"""

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from segdemo.model.capture import NOTHING, Steps, Without, scaled_half
from segdemo.model.fast.linear import Linear, Rows, as_maps, as_tokens
from segdemo.model.fast.pixel_decoder import sine_positions


@dataclass
class Layers:
    """What the decoder predicted, layer by layer, in half precision but for the last; index 0 is the initial one."""

    masks: list[Tensor] = field(default_factory=list)
    """(B, Q, H / 4, W / 4) logits."""
    classes: list[Tensor] = field(default_factory=list)
    """(B, Q, C + 1) logits."""
    attentions: list[Tensor] = field(default_factory=list)
    """(B, heads, Q, h_l, w_l) of layers 1.., each scaled to a maximum of 1."""
    unmasked: list[Tensor] = field(default_factory=list)
    """(B, Q) of layers 1..: the mask was empty, so that the query attended everywhere."""
    features: list[Tensor] = field(default_factory=list)
    """(B, C, h, w) of the backbone, finest first."""
    levels: list[Tensor] = field(default_factory=list)
    """(B, C, h, w) that the decoder's layers look at in turn."""
    mask_features: Tensor | None = None
    """(B, C, H / 4, W / 4)."""


class QueryLayer(nn.Module):
    """Masked cross-attention, self-attention and an MLP over queries (B, Q, C)."""

    def __init__(self, layer: Any) -> None:
        super().__init__()
        cross, own = layer.cross_attn, layer.self_attn
        self.heads = int(cross.num_heads)
        self.cross_query, self.cross_key, self.cross_value = (
            Linear(_layer(weight, bias))
            for weight, bias in zip(cross.in_proj_weight.chunk(3), cross.in_proj_bias.chunk(3), strict=True)
        )
        self.cross_out, self.cross_norm = cross.out_proj, layer.cross_attn_layer_norm
        self.query, self.key, self.value, self.out = own.q_proj, own.k_proj, own.v_proj, own.out_proj
        self.norm, self.last_norm = layer.self_attn_layer_norm, layer.final_layer_norm
        self.fc1, self.fc2, self.activation = layer.fc1, layer.fc2, layer.activation_fn

    def forward(
        self,
        queries: Tensor,
        query_positions: Tensor,
        memory: Tensor,
        positions: Tensor,
        blocked: Tensor,
        keep: bool,
        number: int,
        without: Without = NOTHING,
    ) -> tuple[Tensor, Tensor | None]:
        """Return the queries and, with ``keep``, the cross-attention (B, heads, Q, N) over memory (B, N, C).

        This is layer ``number``, counted from 1, of a decoder that goes ``without`` some of its parts.
        """
        silent = without.heads_of(number)
        attended, weights = self._cross(queries + query_positions, memory + positions, memory, blocked, keep, silent)
        queries = self.cross_norm(queries if number in without.layers else queries + attended)
        placed = queries + query_positions
        query, key, value = (self._heads(x) for x in (self.query(placed), self.key(placed), self.value(queries)))
        heard = _heard(queries, without.queries)
        queries = self.norm(queries + self.out(_joined(F.scaled_dot_product_attention(query, key, value, heard))))
        return self.last_norm(queries + self.fc2(self.activation(self.fc1(queries)))), weights

    def _cross(
        self, query: Tensor, key: Tensor, value: Tensor, blocked: Tensor, keep: bool, silent: list[int]
    ) -> tuple[Tensor, Tensor | None]:
        query, key, value = (
            self._heads(x) for x in (self.cross_query(query), self.cross_key(key), self.cross_value(value))
        )
        weights = None
        if keep:
            scores = (query * query.shape[-1] ** -0.5) @ key.transpose(2, 3)
            weights = scores.masked_fill(blocked[:, None], float("-inf")).softmax(-1)
            mixed = weights @ value
        else:
            mixed = F.scaled_dot_product_attention(query, key, value, ~blocked[:, None])
        if silent:
            mixed[:, silent] = 0
        return self.cross_out(_joined(mixed)), weights

    def _heads(self, x: Tensor) -> Tensor:
        """(B, N, C) to (B, heads, N, C / heads)."""
        return x.view(x.shape[0], -1, self.heads, x.shape[2] // self.heads).transpose(1, 2)


class QueryDecoder(nn.Module):
    """Learned queries that look at the three levels in turn and predict a class and a mask after every look."""

    def __init__(self, module: Any, class_predictor: nn.Module) -> None:
        super().__init__()
        decoder = module.decoder
        self.projections = module.input_projections
        self.level_embed = module.level_embed.weight
        self.features, self.positions = module.queries_features.weight, module.queries_embedder.weight
        self.layers = nn.ModuleList([QueryLayer(layer) for layer in decoder.layers])
        self.norm, self.mask_embedder = decoder.layernorm, decoder.mask_predictor.mask_embedder
        self.class_predictor = class_predictor

    def forward(
        self,
        levels: list[Tensor],
        shapes: list[tuple[Any, Any]],
        mask_features: Tensor,
        keep: bool,
        step: Steps,
        without: Without = NOTHING,
    ) -> Layers:
        """Return every layer's prediction with ``keep``, else the last one's only."""
        memories, positions = [], []
        for index, ((height, width), tokens) in enumerate(zip(shapes, levels, strict=True)):
            memories.append(self._project(index, tokens, height, width) + self.level_embed[index])
            positions.append(sine_positions(height, width, memories[-1].shape[2], tokens))
        pixels = Rows(as_tokens(mask_features))
        size = (mask_features.shape[2], mask_features.shape[3])
        # Masks nobody keeps are made at the sizes that attention needs: shrinking is linear, and so may come first.
        shrunk = [] if keep else [Rows(as_tokens(_shrunk(mask_features, shape))) for shape in shapes]
        queries = self.features.expand(mask_features.shape[0], -1, -1)
        result = Layers()
        for index, layer in enumerate(self.layers):
            level = index % len(levels)
            normed = self.norm(queries)
            if keep:
                masks = self._masks(normed, pixels, size)
                blocked = _shrunk(masks, shapes[level])
            else:
                blocked = self._masks(normed, shrunk[level], shapes[level])
            blocked = (blocked.sigmoid() < 0.5).flatten(2)
            empty = blocked.all(dim=2)
            blocked = blocked & ~empty[..., None]
            queries, weights = layer(
                queries, self.positions, memories[level], positions[level], blocked, keep, index + 1, without
            )
            if weights is not None:
                result.masks.append(masks.half())
                result.classes.append(self.class_predictor(normed).half())
                result.attentions.append(scaled_half(weights.unflatten(3, shapes[level])))
                result.unmasked.append(empty)
            step("decoder")
        normed = self.norm(queries)
        result.masks.append(self._masks(normed, pixels, size))
        result.classes.append(self.class_predictor(normed))
        return result

    def _masks(self, normed: Tensor, pixels: Rows, size: tuple[Any, Any]) -> Tensor:
        return pixels(self.mask_embedder(normed)).unflatten(2, size)

    def _project(self, index: int, tokens: Tensor, height: Any, width: Any) -> Tensor:
        projection = self.projections[index]
        if len(list(projection.children())) == 0 and not isinstance(projection, nn.Conv2d):
            return tokens
        return as_tokens(projection(as_maps(tokens, height, width)))


def _shrunk(maps: Tensor, size: tuple[Any, Any]) -> Tensor:
    """(B, C, H, W) to (B, C, h, w), as the library shrinks masks for attention."""
    return F.interpolate(maps, size=size, mode="bilinear", align_corners=False)


def _heard(queries: Tensor, off: frozenset[int]) -> Tensor | None:
    """(1, 1, 1, Q): whom the queries (B, Q, C) attend to among themselves; none for all of them."""
    if not off:
        return None
    heard = torch.ones(queries.shape[1], dtype=torch.bool, device=queries.device)
    heard[sorted(off)] = False
    return heard[None, None, None]


def _joined(heads: Tensor) -> Tensor:
    """(B, heads, N, d) to (B, N, heads * d)."""
    return heads.transpose(1, 2).flatten(2)


def _layer(weight: Tensor, bias: Tensor) -> nn.Linear:
    """Return a linear layer with these weights (out, in) and biases (out)."""
    layer = nn.Linear(weight.shape[1], weight.shape[0], device="meta")
    layer.weight, layer.bias = nn.Parameter(weight, False), nn.Parameter(bias, False)
    return layer
