"""EoMT: a plain vision transformer whose last blocks carry queries beside the patches; there is no decoder.

(Kerssies et al., "Your ViT is Secretly an Image Segmentation Model", CVPR 2025.) Its grid is fixed, since positions are
learned for one input size. Checkpoints for semantic maps see a photograph in overlapping squares, whose queries are
told apart here by their number: those of the second square come after those of the first; the others see it whole,
padded at the right or the bottom. Layer 0 is what the queries say as they join, layer k what they say after k blocks.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor, nn

from segdemo.crops import OUTSIDE, Crops, crops_of
from segdemo.errors import SegdemoError
from segdemo.model.capture import EVERYTHING, RawOutputs, Request, Steps, packed
from segdemo.model.families.common import library_precisions
from segdemo.model.families.family import Loaded
from segdemo.model.families.watched import Sink, UndividedNetwork, ready
from segdemo.model.preprocessing import Preprocessing, parse_size
from segdemo.model.weights import load_library_model
from segdemo.prediction import Size, Windows

_SIDE = 640
_MOST_HEADS = 2
"""Squares up to which attention is kept for each head; of more, the mean over heads, which bounds the memory."""


class Eomt:
    """The family's adapter; see ``Family``."""

    name = "EoMT"
    lacks: Mapping[str, str] = {
        "decoder_features": (
            "EoMT has no decoder beside its backbone: queries and patches go through the same blocks together, so "
            "nothing can be switched off in a decoder run of its own."
        ),
    }
    tasks: tuple[str, ...] = ()

    def recognises(self, config: Mapping[str, Any]) -> bool:
        """See ``Family``."""
        return config.get("model_type") == "eomt"

    def preprocessing(self, folder: Path) -> "Grid":
        """See ``Family``."""
        return Grid.from_folder(folder)

    def accelerates(self, config: Mapping[str, Any]) -> bool:
        """See ``Family``."""
        return False

    def borrows(self, config: Mapping[str, Any]) -> bool:
        """See ``Family``."""
        return False

    def windows(self, config: Mapping[str, Any]) -> Mapping[int, Windows]:
        """See ``Family``; every patch attends to every other."""
        return {}

    def precisions(self, config: Mapping[str, Any], device: str) -> tuple[str, ...]:
        """See ``Family``."""
        return library_precisions(device)

    def load(self, folder: Path, device: str, precision: str, *, accelerated: bool = True) -> Loaded:
        """See ``Family``."""
        network = EomtNetwork(load_library_model(folder, "EomtForUniversalSegmentation"), self.lacks)
        return ready(network, device, precision)


def _as_written(values: dict[str, Any]) -> dict[str, Any]:
    """The processor's file with the defaults of ``EomtImageProcessor``; no longest edge means none is too long."""
    size = values.get("size") or {"shortest_edge": _SIDE, "longest_edge": _SIDE}
    if isinstance(size, dict) and "shortest_edge" in size and size.get("longest_edge") is None:
        size = {**size, "longest_edge": 1 << 16}
    return {**values, "size": size, "size_divisor": 1, "pad_size": None}


@dataclass(frozen=True)
class Grid:
    """From a photograph to an input that is one square, or as high or wide as one and longer; see ``Inputs``."""

    resizing: Preprocessing
    side: int
    """Pixels of the network's square input."""
    split: bool
    """Whether longer inputs are seen in several squares; else they are padded to one."""
    fixed: str = "EoMT learned positions for one input size: it sees every photo at that, and at no other."
    """Why there is no other input size than the checkpoint's."""

    @classmethod
    def from_folder(cls, folder: Path) -> "Grid":
        """Read the settings of a checkpoint folder; raises ``SegdemoError`` for those nobody can follow."""
        from segdemo.checkpoint_files import read_config, read_json

        file = folder / "preprocessor_config.json"
        values = read_json(file) if file.exists() or file.is_symlink() else {}
        side = read_config(folder).get("image_size", _SIDE)
        if type(side) is not int or side < 1:
            raise SegdemoError(f"{folder / 'config.json'}: image_size should be a number of pixels.")
        return cls(Preprocessing.from_folder(folder, as_written=_as_written), side, bool(values.get("do_split_image")))

    def sizes(self, image_size: Size, size: str | int) -> tuple[Size, Size]:
        """See ``Inputs``."""
        if parse_size(size) != "checkpoint":
            raise SegdemoError(f'{self.fixed} Choose the input size "checkpoint".')
        content = self.resizing.exact_size(image_size)
        short, long = min(content), max(content)
        most = long if self.split else self.side
        if short > self.side or long > max(most, self.side) or long > 32 * self.side:
            # Settings that do not fit the grid: as large as it can be seen whole.
            share = self.side / (short if self.split and long <= 32 * short else long)
            content = max(1, int(content[0] * share)), max(1, int(content[1] * share))
        return (max(content[0], self.side), max(content[1], self.side)), content

    def __call__(self, image: npt.NDArray[np.uint8], size: str | int) -> tuple[npt.NDArray[np.float32], Size, Size]:
        """See ``Inputs``; padding is black, as the library pads before it normalises."""
        input_size, content = self.sizes((image.shape[0], image.shape[1]), size)
        if content != image.shape[:2]:
            resized = Image.fromarray(image).resize(content[::-1], Image.Resampling(self.resizing.resample))
            image = np.asarray(resized)
        padded = np.zeros((*input_size, 3), np.uint8)
        padded[: content[0], : content[1]] = image
        return self.resizing.normalised(padded), input_size, content


@dataclass
class _Sink(Sink):
    """What the hooks collect, with what the queries say before each block that carries them."""

    masks: list[Tensor] = field(default_factory=list)
    classes: list[Tensor] = field(default_factory=list)
    masked: bool = False
    """Whether any block holds its queries to their masks; once training ended none does."""
    done: int = 0
    """How many blocks ended."""


class EomtNetwork(UndividedNetwork):
    """An ``EomtForUniversalSegmentation`` whose forward pass can be watched, stopped and kept."""

    model: Any
    _sink: _Sink | None

    def __init__(self, model: Any, lacks: Mapping[str, str]) -> None:
        super().__init__(model, lacks)
        config = self.model.config
        self._side, self._queries = config.image_size, config.num_queries
        self._grid = config.image_size // config.patch_size
        self._patches = self._queries + self.model.embeddings.num_prefix_tokens
        """Where the patches begin among the tokens, once the queries are there."""
        layers = list(self.model.layers)
        first = len(layers) - config.num_blocks
        for number, layer in enumerate(layers):
            layer.register_forward_hook(self._after_block)
            if number >= first:
                layer.register_forward_pre_hook(self._before_block(number == first), with_kwargs=True)
                layer.attention.register_forward_pre_hook(self._keep_attention, with_kwargs=True)
        self._counts = {"backbone": first, "pixel": 1, "decoder": config.num_blocks}
        self._first = first

    def run(self, pixels: Tensor, request: Request = EVERYTHING) -> RawOutputs:
        """Run float32 (B, 3, H, W) forward, whose shorter side is the grid's. Raises ``CancelledError``."""
        batch, _, height, width = pixels.shape
        if min(height, width) != self._side:
            raise SegdemoError(f"The input is {height} x {width}: its shorter side must be {self._side} pixels.")
        sink = _Sink(request.capture, Steps(self._counts, request))
        with self.collecting(sink, pixels.device):
            crops = crops_of(height, width, self._side, 1)
            found = self.model(pixel_values=pixels if crops is None else _squares(pixels, crops))
            masks = [*sink.masks, found.masks_queries_logits]
            classes = [*sink.classes, found.class_queries_logits]
            attentions, features = sink.attentions, sink.features
            if crops is not None:
                crops = crops_of(height, width, self._side, masks[-1].shape[-1])
                assert crops is not None
                masks = [_joined(maps.float(), crops, batch) for maps in masks]
                classes = [one.unflatten(0, (batch, -1)).flatten(1, 2) for one in classes]
                attentions = [_looked(maps, crops, batch) for maps in attentions]
                features = [_seen(maps, crops, batch) for maps in features]
                sink.unmasked = [one.unflatten(0, (batch, -1)).flatten(1, 2) for one in sink.unmasked]
            unmasked = sink.unmasked if sink.masked else ()
            raw = packed(masks, classes, attentions, unmasked, features, height=height, crops=crops)
        sink.step.end()
        return raw

    def _after_block(self, module: nn.Module, args: Any, output: Any) -> None:
        if self._sink is not None:
            self._sink.step("backbone" if self._sink.done < self._first else "decoder")
            self._sink.done += 1

    def _before_block(self, first: bool) -> Any:
        """Keep what the queries say before a block that carries them, and once what the backbone handed on."""

        def keep(module: nn.Module, args: Any, kwargs: Any) -> None:
            if self._sink is None or not self._sink.capture:
                return
            tokens = args[0] if args else kwargs["hidden_states"]
            masks, classes = self.model.predict(self.model.layernorm(tokens))
            self._sink.masks.append(masks)
            self._sink.classes.append(classes)
            if first:
                patches = tokens[:, self._patches :].transpose(1, 2)
                self._sink.features = [patches.unflatten(2, (self._grid, self._grid)).float()]

        return keep

    def _keep_attention(self, module: nn.Module, args: Any, kwargs: Any) -> None:
        """Keep how much each query reads of each patch: the rows of the self-attention that the network computes."""
        if self._sink is None or not self._sink.capture:
            return
        part: Any = module
        tokens = args[0] if args else kwargs["hidden_states"]
        mask = kwargs.get("attention_mask", args[1] if len(args) > 1 else None)
        heads = (-1, part.head_dim)
        queries = part.q_proj(tokens[:, : self._queries]).unflatten(-1, heads).transpose(1, 2)
        keys = part.k_proj(tokens).unflatten(-1, heads).transpose(1, 2)
        scores = (queries @ keys.transpose(-1, -2)).float() * part.scale
        if mask is not None:
            self._sink.masked = True
            scores = scores + mask[:, :, : self._queries]
        maps = scores.softmax(-1)[..., self._patches :].unflatten(-1, (self._grid, self._grid))
        self._sink.attentions.append(maps)
        self._sink.unmasked.append(torch.zeros(maps.shape[0], self._queries, dtype=torch.bool))


def _squares(pixels: Tensor, crops: Crops) -> Tensor:
    """The squares of a batch: (B * squares, 3, side, side), those of an input one after the other."""
    dim = 2 + crops.axis
    parts = [pixels.narrow(dim, start, crops.side) for start in crops.starts]
    return torch.stack(parts, dim=1).flatten(0, 1)


def _joined(masks: Tensor, crops: Crops, batch: int) -> Tensor:
    """Masks (B * squares, Q, h, w) on the one grid: (B, squares * Q, ...), ``OUTSIDE`` outside of their square."""
    parts = masks.unflatten(0, (batch, -1))
    if crops.axis == 0:
        parts = parts.transpose(-1, -2)
    joined = parts.new_full((*parts.shape[:4], len(crops.positions)), OUTSIDE)
    for number in range(len(crops.starts)):
        weights = torch.from_numpy(crops.weights(number)).to(parts)
        joined[:, number][..., torch.from_numpy(crops.inside(number))] = parts[:, number] @ weights.T
    joined = joined.flatten(1, 2)
    return joined.transpose(-1, -2) if crops.axis == 0 else joined


def _looked(maps: Tensor, crops: Crops, batch: int) -> Tensor:
    """Attention (B * squares, heads, Q, g, g) over the whole input: (B, heads, squares * Q, ...), 0 outside."""
    parts = maps.unflatten(0, (batch, -1))
    if len(crops.starts) > _MOST_HEADS:
        parts = parts.mean(dim=2, keepdim=True)
    if crops.axis == 0:
        parts = parts.transpose(-1, -2)
    cells, there, _ = crops.coarse(crops.side // maps.shape[-1])
    placed = [
        parts[:, number][..., torch.from_numpy(cells[number])] * torch.from_numpy(there[number]).to(parts)
        for number in range(len(crops.starts))
    ]
    whole = torch.cat(placed, dim=2)
    return whole.transpose(-1, -2) if crops.axis == 0 else whole


def _seen(maps: Tensor, crops: Crops, batch: int) -> Tensor:
    """Features (B * squares, C, g, g) over the whole input: (B, C, ...), where squares overlap of the nearer one."""
    parts = maps.unflatten(0, (batch, -1))
    if crops.axis == 0:
        parts = parts.transpose(-1, -2)
    cells, _, nearest = crops.coarse(crops.side // maps.shape[-1])
    columns = torch.from_numpy(cells[nearest, np.arange(len(nearest))])
    whole = torch.stack(
        [parts[:, int(square), :, :, int(column)] for square, column in zip(nearest, columns, strict=True)], dim=-1
    )
    return whole.transpose(-1, -2) if crops.axis == 0 else whole
