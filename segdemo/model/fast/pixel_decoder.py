"""Mask2Former's pixel decoder for inference: deformable attention over three levels, then a feature pyramid to 1/4.

Computes what the library's ``Mask2FormerPixelDecoder`` computes (Zhu et al., "Deformable DETR", ICLR 2021), from its
weights, or from those of ``OneFormerPixelDecoder``, which is the same under other names. Sampling is bilinear, hence a
weighted sum of four rows of the value matrix per point; with the attention weights multiplied in, each query and head
is one weighted sum of rows, which ``embedding_bag`` does in one pass instead of a dozen copies. A traced graph uses
``grid_sample`` instead, which graph compilers know.
"""

import math
from collections.abc import Iterable
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from segdemo.model.fast.linear import Linear, Step, as_maps, as_tokens, eager_on_processor
from segdemo.model.fast.swin import mlp

_QUERIES = 2048
"""How many queries are sampled for at a time: what the places and shares of more would not fit the caches."""


class DeformableLayer(nn.Module):
    """One encoder layer over the tokens of all levels, (B, N, C)."""

    def __init__(self, layer: Any) -> None:
        super().__init__()
        attention = layer.self_attn
        self.heads, self.levels, self.points = attention.n_heads, attention.n_levels, attention.n_points
        self.value, self.out = Linear(attention.value_proj), Linear(attention.output_proj)
        self.where = Linear(attention.sampling_offsets, attention.attention_weights)
        self.norm1, self.norm2 = layer.self_attn_layer_norm, layer.final_layer_norm
        self.fc1, self.fc2 = Linear(layer.fc1, activation="relu"), Linear(layer.fc2)

    def forward(self, tokens: Tensor, positions: Tensor, centres: Tensor, shapes: list[tuple[Any, Any]]) -> Tensor:
        """Return the layer's output; ``centres`` (N, levels, 2) are the tokens' own places in each level's pixels."""
        batch, count, channels = tokens.shape
        value = self.value(tokens).view(batch, count, self.heads, channels // self.heads)
        where = self.where(tokens + positions)
        split = self.heads * self.levels * self.points
        offsets = where[..., : 2 * split].reshape(batch, count, self.heads, self.levels, self.points, 2)
        weights = where[..., 2 * split :].reshape(batch, count, self.heads, self.levels * self.points)
        weights = weights.softmax(-1).view(batch, count, self.heads, self.levels, self.points)
        places = centres[None, :, None, :, None, :] + offsets
        # The fused kernel is the processor's; tracing needs operators that graph compilers know.
        if eager_on_processor(value):
            sampled = _by_rows(value, places, weights, shapes)
        else:
            sampled = _by_grid(value, places, weights, shapes)
        tokens = self.norm1(tokens + self.out(sampled))
        return self.norm2(tokens + mlp(tokens, self.fc1, self.fc2))


class ExactGroupNorm(nn.Module):
    """Group normalisation of maps (B, C, h, w) that is as exact for a uniform picture as for any other.

    Of channels-last maps PyTorch adds up place after place, which rounds away a thousandth where all are alike; of
    others it adds up in parts.
    """

    def __init__(self, norm: nn.GroupNorm) -> None:
        super().__init__()
        self.norm = norm

    def forward(self, maps: Tensor) -> Tensor:
        """Return the normalised maps, channels-last unless they are being traced."""
        if not eager_on_processor(maps):
            traced: Tensor = self.norm(maps)
            return traced
        exact: Tensor = self.norm(maps.contiguous())
        return exact.contiguous(memory_format=torch.channels_last)


def _exact(parts: Iterable[nn.Module]) -> nn.ModuleList:
    """Sequences of modules, the same but for their group normalisations."""
    return nn.ModuleList(
        [
            nn.Sequential(*(ExactGroupNorm(part) if isinstance(part, nn.GroupNorm) else part for part in sequence))
            for sequence in cast("Iterable[nn.Sequential]", parts)
        ]
    )


class PixelDecoder(nn.Module):
    """Backbone features to three attended levels and mask features."""

    def __init__(self, decoder: Any) -> None:
        super().__init__()
        self.projections = _exact(decoder.input_projections)
        self.level_embed = decoder.level_embed
        self.layers = nn.ModuleList([DeformableLayer(layer) for layer in decoder.encoder.layers])
        mask2former = hasattr(decoder, "lateral_convolutions")
        self.laterals = _exact(decoder.lateral_convolutions if mask2former else decoder.lateral_convs)
        self.outputs = _exact(decoder.output_convolutions if mask2former else decoder.output_convs)
        self.mask_projection = decoder.mask_projection

    def forward(self, features: list[Tensor], step: Step) -> tuple[list[Tensor], list[tuple[Any, Any]], Tensor]:
        """Return the tokens (B, h * w, C) of 1/32, 1/16, 1/8, those levels' sizes, and mask features at 1/4."""
        maps = [project(x) for project, x in zip(self.projections, features[::-1], strict=False)]
        shapes = [(x.shape[2], x.shape[3]) for x in maps]
        tokens = torch.cat([as_tokens(x) for x in maps], dim=1)
        positions = torch.cat(
            [
                sine_positions(height, width, tokens.shape[2], tokens) + self.level_embed[level]
                for level, (height, width) in enumerate(shapes)
            ]
        )
        centres = _centres(shapes, tokens.device)
        for layer in self.layers:
            tokens = layer(tokens, positions, centres, shapes)
            step("pixel")
        levels = list(tokens.split([height * width for height, width in shapes], dim=1))
        height, width = shapes[-1]
        fine = as_maps(levels[-1], height, width)
        for lateral, output, feature in zip(self.laterals, self.outputs, reversed(self._finer(features)), strict=True):
            current = lateral(feature)
            size = (current.shape[2], current.shape[3])
            fine = output(current + F.interpolate(fine, size=size, mode="bilinear", align_corners=False))
        return levels, shapes, self.mask_projection(fine)

    def _finer(self, features: list[Tensor]) -> list[Tensor]:
        return features[: len(self.laterals)]


def sine_positions(height: Any, width: Any, channels: int, like: Tensor) -> Tensor:
    """Return sine position embeddings (height * width, channels): first half for rows, second half for columns."""
    half = channels // 2
    scale, epsilon = 2 * math.pi, 1e-6
    y = torch.arange(1, height + 1, device=like.device).to(torch.float32)
    x = torch.arange(1, width + 1, device=like.device).to(torch.float32)
    y = y / (y[-1:] + epsilon) * scale
    x = x / (x[-1:] + epsilon) * scale
    exponent = torch.arange(half, device=like.device).div(2, rounding_mode="floor").to(torch.float32) * 2 / half
    frequency = 10000**exponent
    rows, columns = (
        torch.stack([angle[:, 0::2].sin(), angle[:, 1::2].cos()], dim=2).flatten(1)
        for angle in (y[:, None] / frequency, x[:, None] / frequency)
    )
    grid = torch.cat([rows[:, None].expand(-1, width, -1), columns[None].expand(height, -1, -1)], dim=2)
    return grid.reshape(-1, channels).to(like.dtype)


def _centres(shapes: list[tuple[Any, Any]], device: torch.device) -> Tensor:
    """(N, levels, 2): each token's centre as (x, y) in every level's pixels, 0 being the first pixel's centre."""
    rows = []
    for height, width in shapes:
        y = (torch.arange(height, device=device).to(torch.float32) + 0.5) / height
        x = (torch.arange(width, device=device).to(torch.float32) + 0.5) / width
        grid = torch.stack([x[None].expand(height, -1), y[:, None].expand(-1, width)], dim=-1)
        rows.append(grid.reshape(-1, 2))
    relative = torch.cat(rows)
    places = []
    for height, width in shapes:
        places.append(torch.stack([relative[:, 0] * width - 0.5, relative[:, 1] * height - 0.5], dim=-1))
    return torch.stack(places, dim=1)


def _by_rows(value: Tensor, places: Tensor, weights: Tensor, shapes: list[tuple[int, int]]) -> Tensor:
    """Sample with one weighted sum of value rows per query and head; see the module's text.

    What lies outside counts as zero: the levels have a line of zeros above and below and a zero before each line,
    which is the one after the line above. A point further out than that is moved there.
    """
    batch, count, heads, depth = value.shape
    sizes = [(height + 2) * (width + 1) for height, width in shapes]
    starts = [sum(sizes[:level]) for level in range(len(shapes))]
    table = value.new_zeros(sum(sizes) + shapes[-1][1] + 3, heads * depth)
    widths = [width for _, width in shapes]
    limit = value.new_tensor([(width, height) for height, width in shapes])[:, None]
    stride = value.new_tensor([width + 1 for width in widths])[:, None]
    origin = value.new_tensor([start + width + 2 for start, width in zip(starts, widths, strict=True)])[:, None]
    head = torch.arange(heads, dtype=torch.int32)[:, None, None]
    neighbours = heads * torch.tensor([(0, 1, width + 1, width + 2) for width in widths], dtype=torch.int32)[:, None]
    sampled = torch.empty_like(value).view(batch, count, heads * depth)
    for index in range(batch):
        levels = value[index].view(count, heads * depth).split([height * width for height, width in shapes])
        for level, start, (height, width) in zip(levels, starts, shapes, strict=True):
            lines = table[start : start + (height + 2) * (width + 1)].view(height + 2, width + 1, -1)
            lines[1:-1, 1:] = level.view(height, width, -1)
        for first in range(0, count, _QUERIES):
            at = slice(first, min(first + _QUERIES, count))
            across, down, corner = _corner(places[index, at], limit, stride, origin)
            rows = (corner.mul_(heads).add_(head)[..., None] + neighbours).flatten(2).flatten(0, 1)
            shares = _shares(across, down, weights[index, at]).flatten(2).flatten(0, 1)
            found = F.embedding_bag(rows, table.view(-1, depth), mode="sum", per_sample_weights=shares)
            sampled[index, at] = found.view(-1, heads * depth)
    return sampled


def _corner(places: Tensor, limit: Tensor, stride: Tensor, origin: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return how far right and down of its upper left neighbour each place (..., 2) is, each (...) from 0 to 1, and
    that neighbour's row in the table of padded levels (...), int32."""
    shares = torch.minimum(places.clamp_min(-1), limit)
    corner = shares.floor()
    shares -= corner
    x, y = corner.unbind(-1)
    across, down = shares.unbind(-1)
    return across, down, torch.addcmul(x + origin, y, stride).int()


def _shares(across: Tensor, down: Tensor, weights: Tensor) -> Tensor:
    """Return each weight (...) shared out bilinearly, (..., 4): upper left, upper right, lower left, lower right."""
    shares = weights.new_empty(*weights.shape, 4)
    upper_left, upper_right, lower_left, lower_right = shares.unbind(-1)
    lower = weights * down
    upper = weights - lower
    torch.mul(upper, across, out=upper_right)
    torch.sub(upper, upper_right, out=upper_left)
    torch.mul(lower, across, out=lower_right)
    torch.sub(lower, lower_right, out=lower_left)
    return shares


def _by_grid(value: Tensor, places: Tensor, weights: Tensor, shapes: list[tuple[Any, Any]]) -> Tensor:
    """Sample level by level with ``grid_sample``, at places and in sums as exact as ``places`` are."""
    batch, count, heads, depth = value.shape
    parts = value.split([height * width for height, width in shapes], dim=1)
    total: Tensor | None = None
    for level, (height, width) in enumerate(shapes):
        image = parts[level].permute(0, 2, 3, 1).reshape(-1, depth, height, width).to(places.dtype)
        # Points before places, so that what is multiplied and summed runs along thousands of neighbours, not four.
        spot = places[:, :, :, level].permute(0, 2, 3, 1, 4).reshape(-1, places.shape[4], count, 2)
        grid = torch.stack([(2 * spot[..., 0] + 1) / width - 1, (2 * spot[..., 1] + 1) / height - 1], dim=-1)
        points = F.grid_sample(image, grid, padding_mode="zeros", align_corners=False)
        weight = weights[:, :, :, level].permute(0, 2, 3, 1).reshape(-1, 1, weights.shape[4], count)
        part = (points * weight).sum(2)
        total = part if total is None else total + part
    assert total is not None
    return total.view(batch, heads * depth, count).transpose(1, 2).to(value.dtype)
