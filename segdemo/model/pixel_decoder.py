"""Mask2Former's pixel decoder for inference: deformable attention over three levels, then a feature pyramid to 1/4.

Computes what the library's ``Mask2FormerPixelDecoder`` computes (Zhu et al., "Deformable DETR", ICLR 2021), from its
weights. Sampling is bilinear, hence a weighted sum of four rows of the value matrix per point; with the attention
weights multiplied in, each query and head is one weighted sum of rows, which ``embedding_bag`` does in one pass
instead of a dozen copies. A traced graph uses ``grid_sample`` instead, which graph compilers know.
"""

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from segdemo.model.capture import Steps
from segdemo.model.linear import Linear
from segdemo.model.swin import mlp


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
        if value.device.type == "cpu" and torch._C._get_tracing_state() is None:
            sampled = _by_rows(value, places, weights, shapes)
        else:
            sampled = _by_grid(value, places, weights, shapes)
        tokens = self.norm1(tokens + self.out(sampled))
        return self.norm2(tokens + mlp(tokens, self.fc1, self.fc2))


class PixelDecoder(nn.Module):
    """Backbone features to three attended levels and mask features."""

    def __init__(self, decoder: Any) -> None:
        super().__init__()
        self.projections = decoder.input_projections
        self.level_embed = decoder.level_embed
        self.layers = nn.ModuleList([DeformableLayer(layer) for layer in decoder.encoder.layers])
        self.laterals = nn.ModuleList(decoder.lateral_convolutions)
        self.outputs = nn.ModuleList(decoder.output_convolutions)
        self.mask_projection = decoder.mask_projection

    def forward(self, features: list[Tensor], step: Steps) -> tuple[list[Tensor], list[tuple[Any, Any]], Tensor]:
        """Return the tokens (B, h * w, C) of 1/32, 1/16, 1/8, those levels' sizes, and mask features at 1/4."""
        maps = [project(x) for project, x in zip(self.projections, features[::-1], strict=False)]
        shapes = [(x.shape[2], x.shape[3]) for x in maps]
        tokens = torch.cat([x.flatten(2).transpose(1, 2) for x in maps], dim=1)
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
        fine = levels[-1].transpose(1, 2).unflatten(2, (height, width))
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
    """Sample with one weighted sum of value rows per query and head; see the module's text."""
    batch, count, heads, depth = value.shape
    levels, points = weights.shape[3:]
    device = value.device
    width = torch.tensor([shape[1] for shape in shapes], dtype=torch.float32, device=device)[:, None]
    height = torch.tensor([shape[0] for shape in shapes], dtype=torch.float32, device=device)[:, None]
    starts = [0]
    for lines, length in shapes[:-1]:
        starts.append(starts[-1] + lines * length)
    start = torch.tensor(starts, dtype=torch.int32, device=device)[:, None]
    stride = torch.tensor([shape[1] for shape in shapes], dtype=torch.int32, device=device)[:, None]
    row_of_head = torch.arange(heads, dtype=torch.int32, device=device)[:, None, None]
    sampled = torch.empty(batch, count, heads * depth, dtype=value.dtype, device=device)
    for index in range(batch):
        x, y = places[index].unbind(-1)
        left, top = x.floor(), y.floor()
        right_share, bottom_share = x - left, y - top
        columns = torch.empty((2, *x.shape), dtype=torch.int32, device=device)
        rows = torch.empty_like(columns)
        across = torch.empty((2, *x.shape), device=device)
        down = torch.empty_like(across)
        for side, share_x, share_y in ((0, 1 - right_share, 1 - bottom_share), (1, right_share, bottom_share)):
            column, row = left + side, top + side
            # What lies outside counts as zero: no weight, and any row that exists.
            across[side] = share_x * ((column >= 0) & (column < width))
            down[side] = share_y * ((row >= 0) & (row < height))
            columns[side] = column.clamp_min(0).minimum(width - 1)
            rows[side] = row.clamp_min(0).minimum(height - 1)
        down *= weights[index]
        rows = rows * stride + start
        corner = (rows[:, None] + columns[None]) * heads + row_of_head
        share = down[:, None] * across[None]
        corner = corner.permute(2, 3, 4, 5, 0, 1).reshape(count * heads, levels * points * 4)
        share = share.permute(2, 3, 4, 5, 0, 1).reshape(count * heads, levels * points * 4)
        table = value[index].reshape(count * heads, depth)
        rows_summed = F.embedding_bag(corner, table, mode="sum", per_sample_weights=share)
        sampled[index] = rows_summed.view(count, heads * depth)
    return sampled


def _by_grid(value: Tensor, places: Tensor, weights: Tensor, shapes: list[tuple[Any, Any]]) -> Tensor:
    """Sample level by level with ``grid_sample``."""
    batch, count, heads, depth = value.shape
    parts = value.split([height * width for height, width in shapes], dim=1)
    total: Tensor | None = None
    for level, (height, width) in enumerate(shapes):
        image = parts[level].permute(0, 2, 3, 1).reshape(-1, depth, height, width)
        # Points before places, so that what is multiplied and summed runs along thousands of neighbours, not four.
        spot = places[:, :, :, level].permute(0, 2, 3, 1, 4).reshape(-1, places.shape[4], count, 2)
        grid = torch.stack([(2 * spot[..., 0] + 1) / width - 1, (2 * spot[..., 1] + 1) / height - 1], dim=-1)
        points = F.grid_sample(image, grid, padding_mode="zeros", align_corners=False)
        weight = weights[:, :, :, level].permute(0, 2, 3, 1).reshape(-1, 1, weights.shape[4], count)
        part = (points * weight).sum(2)
        total = part if total is None else total + part
    assert total is not None
    return total.view(batch, heads * depth, count).transpose(1, 2)
