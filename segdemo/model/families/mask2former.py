"""Mask2Former: learned queries that look at the photograph under their own masks, layer by layer.

The library's network is the reference, and what runs where the accelerated one cannot: other backbones than Swin,
operations that this machine lacks, graphics cards' leftovers. Its cross-attention is what
``decoder.layers[i].cross_attn`` computes anyway: it is asked for per head instead of as a mean over heads, and kept
instead of dropped.
"""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from segdemo.model.capture import EVERYTHING, NOTHING, RawOutputs, Request, Steps, Without, as_half, packed
from segdemo.model.families.common import blocks, described, library_precisions, swin_windows
from segdemo.model.families.family import Loaded
from segdemo.model.families.watched import Sink, WatchedNetwork, hiding, silenced
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

    def borrows(self, config: Mapping[str, Any]) -> bool:
        """See ``Family``."""
        return False

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


class LibraryNetwork(WatchedNetwork):
    """A ``Mask2FormerForUniversalSegmentation`` whose forward pass can be watched, stopped and kept."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__(model)
        self._types: tuple[torch.dtype, torch.dtype] | None = None
        """Of levels and mask features, as the last pass made them."""
        self._attach()

    def run(self, pixels: Tensor, request: Request = EVERYTHING) -> RawOutputs:
        """Run float32 (B, 3, H, W) forward, H and W multiples of 32. Raises ``CancelledError``."""
        sink = Sink(request.capture, Steps(self._counts, request))
        with self.collecting(sink, pixels.device):
            outputs = self.model(pixel_values=pixels, output_auxiliary_logits=request.capture)
            layers = [*(outputs.auxiliary_logits or ()), outputs]
            masks = [layer["masks_queries_logits"] for layer in layers]
            classes = [layer["class_queries_logits"] for layer in layers]
            start = (sink.levels, sink.mask_features) if request.capture else ((), None)
            raw = packed(masks, classes, sink.folded(), sink.unmasked, sink.features, *start, height=pixels.shape[2])
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
        sink = Sink(True, Steps({"decoder": self._num_attentions}, request), without, levels=levels)
        layers = core.model.transformer_module.decoder.layers
        projections = [layer.cross_attn.out_proj for layer in layers]
        with self.collecting(sink, masks.device), silenced(projections, layers[0].cross_attn.num_heads, without):
            found = core.model.transformer_module(multi_scale_features=levels, mask_features=masks)
            classes = [core.class_predictor(state.transpose(0, 1)) for state in found.intermediate_hidden_states]
            raw = packed(found.masks_queries_logits, classes, sink.folded(), sink.unmasked, height=height)
        sink.step.end()
        return raw

    def _attach(self) -> None:
        core: Any = self.model.model
        decoder = core.transformer_module.decoder
        parts: dict[str, list[nn.Module]] = {
            "backbone": blocks(core.pixel_level_module.encoder),
            "pixel": list(core.pixel_level_module.decoder.encoder.layers),
            "decoder": list(decoder.layers),
        }
        self.count(parts)
        for number, layer in enumerate(decoder.layers, start=1):
            self.watch(layer.cross_attn, number)
            layer.self_attn.register_forward_pre_hook(self._before_self_attention, with_kwargs=True)
        decoder.mask_predictor.register_forward_hook(self._after_mask)
        core.pixel_level_module.encoder.register_forward_hook(self._after_backbone)
        core.pixel_level_module.decoder.register_forward_hook(self._after_pixel_decoder)

    def _before_self_attention(
        self, module: nn.Module, args: Any, kwargs: dict[str, Any]
    ) -> tuple[Any, dict[str, Any]] | None:
        """Hide queries from one another; the library's attention adds its mask (B * heads, Q, Q) to the scores."""
        if self._sink is None or not self._sink.without.queries:
            return None
        part: Any = module
        queries, batch, _ = kwargs["hidden_states"].shape
        mask = hiding(kwargs["hidden_states"], queries, self._sink.without)
        return args, {**kwargs, "attention_mask": mask.expand(batch * part.num_heads, queries, queries)}

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
