"""Swin backbone for inference: places are gathered into windows and back, and padded ones are never projected.

Computes what the library's ``SwinBackbone`` computes (Liu et al., "Swin Transformer", ICCV 2021), from its weights.
Projections are per place, so they run on the real places only; a padded place is zero before them, hence equal to
their bias, which one extra zero row provides. Every size is taken from the tensors by arithmetic alone, so that a
traced graph stays right at any input size whose sides are multiples of 32.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from segdemo.model.fast.linear import Linear, Step, as_maps, as_tokens, eager_on_processor
from segdemo.model.fast.quantized import QuantizedLinear

PATCH = 4
"""Pixels that a patch is high and wide."""
SCORES = 1 << 19
"""Attention scores at a time on a processor, 2 MB: softmax finds them where the product before it left them."""
MLP_ROWS = 2048
"""Tokens in an MLP at a time on a processor: fewer leave it waiting, more do not stay in its cache."""


class SwinBlock(nn.Module):
    """Windowed self-attention and an MLP, over tokens (B, H * W, C)."""

    relative_bias: Tensor

    def __init__(self, block: Any) -> None:
        super().__init__()
        attention = block.attention
        self.window = int(block.window_size)
        self.shift = int(block.shift_size)
        self.heads = int(attention.num_attention_heads)
        self.before, self.after = block.layernorm_before, block.layernorm_after
        self.qkv = Linear(attention.q_proj, attention.k_proj, attention.v_proj)
        self.out = Linear(attention.o_proj)
        self.fc1, self.fc2 = Linear(block.mlp.fc1, activation="gelu"), Linear(block.mlp.fc2)
        # (1, heads, window^2, window^2): looked up once, since the weights do not change any more.
        self.register_buffer("relative_bias", attention.relative_position_bias().detach().clone(), persistent=False)

    def forward(self, tokens: Tensor, layout: "WindowLayout") -> Tensor:
        """Return the block's output, of the shape of ``tokens``."""
        qkv = self.qkv(F.pad(self.before(tokens), (0, 0, 0, 1)))
        if eager_on_processor(tokens):
            attended = torch.empty_like(tokens)
            for rows, into in zip(qkv, attended, strict=True):
                self._attend(rows, layout, into)
        else:
            attended = _rows(self._windows(_rows(qkv, layout.into_windows), layout.mask), layout.out_of_windows)
        tokens = tokens + self.out(attended)
        return tokens + mlp(self.after(tokens), self.fc1, self.fc2)

    def _attend(self, qkv: Tensor, layout: "WindowLayout", into: Tensor) -> None:
        """Attend within the windows of one image, qkv (H * W + 1, 3 C), few at a time, and from real places only.

        The result goes ``into`` (H * W, C). In float32, and faster than PyTorch's ``scaled_dot_product_attention``,
        since the scores stay in the processor's cache.
        """
        area, channels = self.window * self.window, into.shape[1]
        step = max(1, SCORES // (self.heads * area * area))
        for group in layout.groups:
            bias = self.relative_bias[:, :, group.real]
            if group.mask is None:
                biases = bias.expand(min(step, len(group.places)), -1, -1, -1).flatten(0, 1)
            for start in range(0, len(group.places), step):
                part = slice(start, start + step)
                rows = F.embedding(group.places[part], qkv).unflatten(2, (3, self.heads, -1))
                query, key, value = rows.permute(2, 0, 3, 1, 4).float().unbind(0)
                query = query[:, :, group.real]
                if group.mask is not None:
                    biases = (bias + group.mask[part, None]).flatten(0, 1)
                query, key, value = query.flatten(0, 1), key.flatten(0, 1), value.flatten(0, 1)
                scale = query.shape[2] ** -0.5
                scores = torch.baddbmm(biases[: len(query)], query, key.transpose(1, 2), alpha=scale)
                found = torch.bmm(scores.softmax(-1), value).unflatten(0, (-1, self.heads)).transpose(1, 2)
                into.index_copy_(0, group.places[part, group.real].flatten(), found.reshape(-1, channels))

    def _windows(self, qkv: Tensor, mask: Tensor | None) -> Tensor:
        """Attend within windows, qkv (B, windows * area, 3 C), to (B, windows * area, C)."""
        batch, _, channels = qkv.shape
        area = self.window * self.window
        windows = qkv.view(-1, area, 3, self.heads, channels // 3 // self.heads)
        query, key, value = windows.permute(2, 0, 3, 1, 4).unbind(0)
        bias = self.relative_bias
        if mask is not None:
            bias = (bias + mask[:, None])[None].expand(batch, -1, -1, -1, -1).reshape(-1, self.heads, area, area)
        attended = F.scaled_dot_product_attention(query, key, value, attn_mask=bias.to(query.dtype))
        return attended.transpose(1, 2).reshape(batch, -1, channels // 3)


@dataclass(frozen=True)
class WindowGroup:
    """Windows that hold real places in the same slots."""

    places: Tensor
    """(windows, window^2): the place in each slot, the one after the last for padding."""
    real: "slice | Tensor"
    """Which slots hold real places; all of them as a slice, which takes no copy."""
    mask: Tensor | None
    """(windows, real slots, window^2): what is added to the scores."""


class WindowLayout:
    """Which place each window slot holds, for one grid, window and shift; padding is the place after the last."""

    def __init__(self, height: Any, width: Any, window: int, shift: int, device: torch.device) -> None:
        rows = (height + window - 1) // window
        columns = (width + window - 1) // window
        padded_height, padded_width = rows * window, columns * window
        y = (torch.arange(padded_height, device=device) + shift) % padded_height
        x = (torch.arange(padded_width, device=device) + shift) % padded_width
        real = (y < height)[:, None] & (x < width)[None]
        places = torch.where(real, y[:, None] * width + x[None], height * width)
        self.into_windows = _windows(places, rows, columns, window).flatten()
        self.out_of_windows = self._inverse(height, width, columns, window, shift, padded_height, padded_width, device)
        self.mask = self._mask(rows, columns, window, shift, device) if shift > 0 else None
        self._count, self._area = height * width, window * window

    @cached_property
    def groups(self) -> "list[WindowGroup]":
        """All windows, those together whose real places are the same slots."""
        places = self.into_windows.view(-1, self._area)
        slots, kinds = torch.unique(places < self._count, dim=0, return_inverse=True)
        groups = []
        for kind, real in enumerate(slots):
            members = (kinds == kind).nonzero().flatten()
            chosen = slice(None) if bool(real.all()) else real.nonzero().flatten()
            mask = None if self.mask is None else self.mask[members][:, chosen]
            groups.append(WindowGroup(places[members], chosen, mask))
        return groups

    @staticmethod
    def _inverse(
        height: Any, width: Any, columns: Any, window: int, shift: int, padded_height: Any, padded_width: Any,
        device: torch.device,
    ) -> Tensor:  # fmt: skip
        y = (torch.arange(height, device=device) + padded_height - shift) % padded_height
        x = (torch.arange(width, device=device) + padded_width - shift) % padded_width
        slot_y = (y // window) * columns * window * window + (y % window) * window
        slot_x = (x // window) * window * window + x % window
        return (slot_y[:, None] + slot_x[None]).flatten()

    @staticmethod
    def _mask(rows: Any, columns: Any, window: int, shift: int, device: torch.device) -> Tensor:
        """(windows, window^2, window^2): -100 between places that only the cyclic shift made neighbours, else 0."""
        height, width = rows * window, columns * window
        y, x = torch.arange(height, device=device), torch.arange(width, device=device)
        y_region = (y >= height - window).long() + (y >= height - shift).long()
        x_region = (x >= width - window).long() + (x >= width - shift).long()
        regions = _windows(y_region[:, None] * 3 + x_region[None], rows, columns, window)
        return (regions[:, None, :] != regions[:, :, None]).to(torch.float32) * -100.0


class SwinStage(nn.Module):
    """Blocks at one resolution, and the merging of 2 x 2 places into one before the next."""

    def __init__(self, stage: Any, norm: nn.Module | None) -> None:
        super().__init__()
        self.blocks = nn.ModuleList([SwinBlock(block) for block in stage.blocks])
        self.norm = norm
        merge = stage.downsample
        self.merge_norm: nn.Module | None = merge.norm if merge is not None else None
        self.merge: nn.Module | None = Linear(merge.reduction) if merge is not None else None


class SwinBackbone(nn.Module):
    """Patches, four stages, and a normalised feature map after each stage that the network uses."""

    def __init__(self, backbone: Any) -> None:
        super().__init__()
        swin = backbone.swin
        self.projection = swin.embeddings.patch_embeddings.projection
        self.norm = swin.embeddings.norm
        norms = dict(backbone.hidden_states_norms.items())
        self.stages = nn.ModuleList(
            [SwinStage(stage, norms.get(f"stage{index}")) for index, stage in enumerate(swin.encoder.layers, start=1)]
        )

    @staticmethod
    def supports(config: Any) -> bool:
        """Whether this module computes what a ``SwinConfig``, or MaskFormer's form of it, describes."""
        return bool(
            config.model_type in ("swin", "maskformer-swin")
            and config.patch_size in (PATCH, [PATCH, PATCH], (PATCH, PATCH))
            and config.hidden_act == "gelu"
            and not config.use_absolute_embeddings
        )

    @property
    def num_blocks(self) -> int:
        """Blocks over all stages."""
        return sum(len(stage.blocks) for stage in cast("list[SwinStage]", self.stages))

    def reduce(self, precision: str) -> None:
        """Compute the linear layers of the last two stages' blocks in ``bf16`` or ``int8`` from now on."""
        for stage in list(self.stages)[-2:]:
            for block in cast("SwinStage", stage).blocks:
                for name, part in list(block.named_children()):
                    if isinstance(part, Linear):
                        reduced = QuantizedLinear(part) if precision == "int8" else part.to(torch.bfloat16)
                        block.add_module(name, reduced)

    def forward(self, pixels: Tensor, step: Step) -> list[Tensor]:
        """Return the feature maps (B, C, h, w) of pixels (B, 3, H, W), finest first.

        H and W are multiples of 32, unless this runs eagerly on a processor: there, as in the library's, what is
        missing to a patch or to a pair of places is zero.
        """
        if eager_on_processor(pixels):
            pixels = F.pad(pixels, (0, -pixels.shape[3] % PATCH, 0, -pixels.shape[2] % PATCH))
        patches = self.projection(pixels)
        height, width = patches.shape[2], patches.shape[3]
        tokens = self.norm(as_tokens(patches))
        features = []
        for stage in cast("list[SwinStage]", self.stages):
            layouts: dict[tuple[int, int], WindowLayout] = {}
            for block in cast("list[SwinBlock]", stage.blocks):
                key = (block.window, block.shift)
                if key not in layouts:
                    layouts[key] = WindowLayout(height, width, *key, tokens.device)
                tokens = block(tokens, layouts[key])
                step("backbone")
            if stage.norm is not None:
                features.append(as_maps(stage.norm(tokens), height, width))
            if stage.merge is not None and stage.merge_norm is not None:
                tokens, height, width = _merged(tokens, height, width)
                tokens = stage.merge(stage.merge_norm(tokens))
        return features


def mlp(tokens: Tensor, fc1: Linear, fc2: Linear) -> Tensor:
    """Return two linear layers over tokens (B, N, C), some places at a time."""
    if eager_on_processor(tokens):
        step = max(1, MLP_ROWS // tokens.shape[0])
        if tokens.shape[1] > step:
            return torch.cat([fc2(fc1(part)) for part in tokens.split(step, dim=1)], dim=1)
    return torch.as_tensor(fc2(fc1(tokens)))


def _rows(tokens: Tensor, index: Tensor) -> Tensor:
    """Take rows (B, M, C) out of (B, N, C), the same of every image: an embedding look-up is the fastest way."""
    batch, count, channels = tokens.shape
    starts = torch.arange(batch, device=index.device)[:, None] * count
    return F.embedding(starts + index, tokens.reshape(-1, channels))


def _windows(grid: Tensor, rows: Any, columns: Any, window: int) -> Tensor:
    """(rows * window, columns * window) to (windows, window^2)."""
    return grid.view(rows, window, columns, window).transpose(1, 2).reshape(-1, window * window)


def _merged(tokens: Tensor, height: Any, width: Any) -> tuple[Tensor, Any, Any]:
    """(B, H * W, C) to (B, H / 2 * W / 2, 4 C), in the order (top left, bottom left, top right, bottom right).

    With them, the halves of H and W, rounded up, for which a line of zeros is added.
    """
    batch, _, channels = tokens.shape
    if eager_on_processor(tokens) and (height % 2 or width % 2):
        tokens = F.pad(tokens.view(batch, height, width, channels), (0, 0, 0, width % 2, 0, height % 2))
        height, width = height + height % 2, width + width % 2
    grid = tokens.view(batch, height // 2, 2, width // 2, 2, channels)
    return grid.permute(0, 1, 3, 4, 2, 5).reshape(batch, -1, 4 * channels), height // 2, width // 2
