"""Mask2Former: learned queries that look at the photograph under their own masks, layer by layer.

The library's network is the reference, and what runs where the accelerated one cannot: other backbones than Swin,
operations that this machine lacks, graphics cards' leftovers. Its cross-attention is what
``decoder.layers[i].cross_attn`` computes anyway: it is asked for per head instead of as a mean over heads, and kept
instead of dropped.
"""

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from segdemo.errors import SegdemoError
from segdemo.model.capture import EVERYTHING, NOTHING, RawOutputs, Request, Steps, Without, as_half, packed
from segdemo.model.families.common import blocks, described, library_precisions, swin_windows
from segdemo.model.families.family import Loaded
from segdemo.model.fast.network import Network
from segdemo.model.preprocessing import Preprocessing
from segdemo.model.weights import load_library_model
from segdemo.prediction import Windows

logger = logging.getLogger(__name__)


class Mask2Former:
    """The family's adapter; see ``Family``."""

    name = "Mask2Former"
    lacks: Mapping[str, str] = {}
    tasks: tuple[str, ...] = ()

    def recognises(self, config: Mapping[str, Any]) -> bool:
        """See ``Family``."""
        return config.get("model_type") == "mask2former"

    def preprocessing(self, folder: Path) -> Preprocessing:
        """See ``Family``."""
        return Preprocessing.from_folder(folder)

    def accelerates(self, config: Mapping[str, Any]) -> bool:
        """See ``Family``."""
        found = described("Mask2FormerConfig", config)
        return found is not None and Network.supports(found)

    def windows(self, config: Mapping[str, Any]) -> Mapping[int, Windows]:
        """See ``Family``."""
        found = described("Mask2FormerConfig", config)
        return swin_windows(None if found is None else found.backbone_config)

    def precisions(self, config: Mapping[str, Any], device: str) -> tuple[str, ...]:
        """See ``Family``."""
        found = described("Mask2FormerConfig", config)
        if device != "cpu" or found is None or not Network.supports(found):
            return library_precisions(device)
        return Network.precisions(found)

    def load(self, folder: Path, device: str, precision: str, *, accelerated: bool = True) -> Loaded:
        """See ``Family``."""
        network = make_network(folder, precision, accelerated=accelerated)
        if device == "cpu" and isinstance(network, Network):
            network.pack()
        network.to(device)
        return network


def make_network(folder: Path, precision: str = "fp32", *, accelerated: bool = True) -> "Network | LibraryNetwork":
    """Return the network of a checkpoint folder on the processor, a new object: ours where it fits, else the library's.

    Ours can be traced, but for ``int8``. Raises ``SegdemoError`` as ``load_library_model`` does.
    """
    model = load_library_model(folder)
    ours = accelerated and Network.supports(model.config)
    network = Network(model) if ours else LibraryNetwork(model)
    if precision != "fp32":
        network.reduce(precision)
    return network


@dataclass
class _Sink:
    """What the hooks collect during one forward pass."""

    capture: bool
    step: Steps
    without: Without = NOTHING
    attentions: list[Tensor] = field(default_factory=list)
    unmasked: list[Tensor] = field(default_factory=list)
    features: list[Tensor] = field(default_factory=list)
    levels: list[Tensor] = field(default_factory=list)
    """The feature levels that the decoder's layers look at in turn."""
    mask_features: Tensor | None = None


class LibraryNetwork:
    """A ``Mask2FormerForUniversalSegmentation`` whose forward pass can be watched, stopped and kept.

    One forward pass at a time: concurrent callers wait.
    """

    def __init__(self, model: nn.Module) -> None:
        self.model = model.eval()
        self._lock = threading.Lock()
        self._sink: _Sink | None = None
        self._reduced = False
        self._types: tuple[torch.dtype, torch.dtype] | None = None
        """Of levels and mask features, as the last pass made them."""
        self._attach()

    def to(self, device: str) -> None:
        """Move the weights to a device."""
        self.model.to(device)

    def reduce(self, precision: str) -> None:
        """Compute matrix products in ``bf16`` from now on; raises ``SegdemoError`` for ``int8``."""
        if precision != "bf16":
            raise SegdemoError(f"This checkpoint's architecture does not run in {precision}: choose fp32 or bf16.")
        self._reduced = True

    def run(self, pixels: Tensor, request: Request = EVERYTHING) -> RawOutputs:
        """Run float32 (B, 3, H, W) forward, H and W multiples of 32. Raises ``CancelledError``."""
        sink = _Sink(request.capture, Steps(self._counts, request))
        autocast = torch.autocast(pixels.device.type, dtype=torch.bfloat16, enabled=self._reduced)
        with self._lock, self._collecting(sink), torch.inference_mode(), autocast:
            outputs = self.model(pixel_values=pixels, output_auxiliary_logits=request.capture)
            layers = [*(outputs.auxiliary_logits or ()), outputs]
            masks = [layer["masks_queries_logits"] for layer in layers]
            classes = [layer["class_queries_logits"] for layer in layers]
            start = (sink.levels, sink.mask_features) if request.capture else ((), None)
            raw = packed(masks, classes, _folded(sink), sink.unmasked, sink.features, *start, height=pixels.shape[2])
        sink.step.end()
        return raw

    def decode(
        self,
        levels: list[Tensor],
        masks: Tensor,
        *,
        height: int,
        without: Without = NOTHING,
        request: Request = EVERYTHING,
    ) -> RawOutputs:
        """Run the decoder alone: see ``Loaded``. Raises ``CancelledError``."""
        core: Any = self.model
        if self._types is not None:
            levels, masks = [level.to(self._types[0]) for level in levels], masks.to(self._types[1])
        sink = _Sink(True, Steps({"decoder": self._num_attentions}, request), without, levels=levels)
        autocast = torch.autocast(masks.device.type, dtype=torch.bfloat16, enabled=self._reduced)
        with self._lock, self._collecting(sink), self._silenced(without), torch.inference_mode(), autocast:
            found = core.model.transformer_module(multi_scale_features=levels, mask_features=masks)
            classes = [core.class_predictor(state.transpose(0, 1)) for state in found.intermediate_hidden_states]
            raw = packed(found.masks_queries_logits, classes, _folded(sink), sink.unmasked, height=height)
        sink.step.end()
        return raw

    @contextmanager
    def _silenced(self, without: Without) -> Iterator[None]:
        """Have heads add nothing: the output projection's columns that read them are zero meanwhile."""
        model: Any = self.model
        kept = {}
        for number, layer in enumerate(model.model.transformer_module.decoder.layers, start=1):
            projection, heads = layer.cross_attn.out_proj, without.heads_of(number)
            if heads:
                kept[number] = (projection, projection.weight)
                weight = projection.weight.detach().clone()
                weight.unflatten(1, (layer.cross_attn.num_heads, -1))[:, heads] = 0
                projection.weight = nn.Parameter(weight, requires_grad=False)
        try:
            yield
        finally:
            for projection, weight in kept.values():
                projection.weight = weight

    @contextmanager
    def _collecting(self, sink: _Sink) -> Iterator[None]:
        self._sink = sink
        try:
            yield
        finally:
            self._sink = None

    def _attach(self) -> None:
        core: Any = self.model.model
        decoder = core.transformer_module.decoder
        parts: dict[str, list[nn.Module]] = {
            "backbone": blocks(core.pixel_level_module.encoder),
            "pixel": list(core.pixel_level_module.decoder.encoder.layers),
            "decoder": list(decoder.layers),
        }
        self._counts = {part: len(modules) for part, modules in parts.items()}
        for part, modules in parts.items():
            for module in modules:
                module.register_forward_hook(self._after_module(part))
        for number, layer in enumerate(decoder.layers, start=1):
            layer.cross_attn.register_forward_pre_hook(self._before_attention, with_kwargs=True)
            layer.cross_attn.register_forward_hook(self._after_attention(number))
            layer.self_attn.register_forward_pre_hook(self._before_self_attention, with_kwargs=True)
        decoder.mask_predictor.register_forward_hook(self._after_mask)
        core.pixel_level_module.encoder.register_forward_hook(self._after_backbone)
        core.pixel_level_module.decoder.register_forward_hook(self._after_pixel_decoder)

    def _after_module(self, part: str) -> Callable[[nn.Module, Any, Any], None]:
        def advance(module: nn.Module, args: Any, output: Any) -> None:
            if self._sink is not None:
                self._sink.step(part)

        return advance

    def _before_attention(self, module: nn.Module, args: Any, kwargs: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        if self._sink is None:
            return args, kwargs
        return args, {**kwargs, "need_weights": self._sink.capture, "average_attn_weights": False}

    def _after_attention(self, number: int) -> Callable[[nn.Module, Any, Any], Any]:
        def keep(module: nn.Module, args: Any, output: Any) -> Any:
            if self._sink is None:
                return None
            if self._sink.capture:
                self._sink.attentions.append(output[1])
            return (torch.zeros_like(output[0]), output[1]) if number in self._sink.without.layers else None

        return keep

    def _before_self_attention(
        self, module: nn.Module, args: Any, kwargs: dict[str, Any]
    ) -> tuple[Any, dict[str, Any]] | None:
        """Hide queries from one another; the library's attention adds its mask (B * heads, Q, Q) to the scores."""
        if self._sink is None or not self._sink.without.queries:
            return None
        part: Any = module
        queries, batch, _ = kwargs["hidden_states"].shape
        mask = kwargs["hidden_states"].new_zeros(batch * part.num_heads, queries, queries)
        mask[:, :, sorted(self._sink.without.queries)] = float("-inf")
        return args, {**kwargs, "attention_mask": mask}

    def _after_mask(self, module: nn.Module, args: Any, output: Any) -> None:
        """Note which masks came out empty; the network lifts the restriction for those before it attends."""
        if self._sink is None or not self._sink.capture or len(self._sink.unmasked) == self._num_attentions:
            return
        batch, queries = output[0].shape[:2]
        self._sink.unmasked.append(output[1].view(batch, -1, queries, output[1].shape[-1])[:, 0].all(dim=-1))

    def _after_backbone(self, module: nn.Module, args: Any, output: Any) -> None:
        if self._sink is not None and self._sink.capture:
            self._sink.features = [as_half(maps) for maps in output.feature_maps]

    def _after_pixel_decoder(self, module: nn.Module, args: Any, output: Any) -> None:
        if self._sink is not None:
            self._sink.levels, self._sink.mask_features = list(output.multi_scale_features), output.mask_features
            self._types = output.multi_scale_features[0].dtype, output.mask_features.dtype

    @property
    def _num_attentions(self) -> int:
        model: Any = self.model
        return len(model.model.transformer_module.decoder.layers)


def _folded(sink: _Sink) -> list[Tensor]:
    """The cross-attention as maps (B, heads, Q, h, w)."""
    sizes = [(level.shape[2], level.shape[3]) for level in sink.levels]
    return [maps.unflatten(-1, sizes[index % len(sizes)]) for index, maps in enumerate(sink.attentions)]
