"""MaskFormer: queries that look at the backbone's last stage with plain attention, wherever they like.

(Cheng et al., "Per-Pixel Classification is Not All You Need for Semantic Segmentation", NeurIPS 2021.) The ancestor of
Mask2Former: no mask restricts where a query looks, and every decoder layer looks at the same coarse level. Its queries
start from nothing, so that the initial prediction is the same for all of them. What the library hands out of its
decoder is the last layer's answer; that of the others is made the same way, from what each layer hands on. A Swin
backbone is the accelerated one, where that can be had.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from segdemo.checkpoint_files import read_config
from segdemo.model.capture import EVERYTHING, NOTHING, RawOutputs, Request, Steps, Without, as_half, packed
from segdemo.model.families.common import blocks, described, fast_swin, library_precisions, swin_windows
from segdemo.model.families.family import Loaded
from segdemo.model.families.watched import Sink, WatchedNetwork, hiding, ready, silenced
from segdemo.model.fast.parts import Backbone
from segdemo.model.preprocessing import Preprocessing
from segdemo.model.weights import load_library_model
from segdemo.prediction import Windows


class MaskFormer:
    """The family's adapter; see ``Family``."""

    name = "MaskFormer"
    lacks: Mapping[str, str] = {}
    tasks: tuple[str, ...] = ()

    def recognises(self, config: Mapping[str, Any]) -> bool:
        """See ``Family``."""
        return config.get("model_type") == "maskformer"

    def preprocessing(self, folder: Path) -> Preprocessing:
        """See ``Family``."""
        return Preprocessing.from_folder(folder)

    def accelerates(self, config: Mapping[str, Any]) -> bool:
        """See ``Family``."""
        return False

    def borrows(self, config: Mapping[str, Any]) -> bool:
        """See ``Family``."""
        return fast_swin("MaskFormerConfig", config)

    def windows(self, config: Mapping[str, Any]) -> Mapping[int, Windows]:
        """See ``Family``."""
        found = described("MaskFormerConfig", config)
        return swin_windows(None if found is None else found.backbone_config)

    def precisions(self, config: Mapping[str, Any], device: str) -> tuple[str, ...]:
        """See ``Family``."""
        return library_precisions(device)

    def load(self, folder: Path, device: str, precision: str, *, accelerated: bool = True) -> Loaded:
        """See ``Family``."""
        model = load_library_model(folder, "MaskFormerForInstanceSegmentation")
        ours = accelerated and device == "cpu" and self.borrows(read_config(folder))
        if ours:
            pixel_level = model.model.pixel_level_module
            pixel_level.encoder = Backbone(pixel_level.encoder)
        return ready(MaskFormerNetwork(model), device, precision, ours=ours)


class MaskFormerNetwork(WatchedNetwork):
    """A ``MaskFormerForInstanceSegmentation`` whose forward pass can be watched, stopped and kept."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__(model)
        core: Any = self.model
        decoder = core.model.transformer_module.decoder
        # What the library computes otherwise by default keeps no weights.
        decoder.config._attn_implementation = "eager"
        self.count(
            {
                "backbone": blocks(core.model.pixel_level_module.encoder),
                "pixel": list(core.model.pixel_level_module.decoder.fpn.layers),
                "decoder": list(decoder.layers),
            }
        )
        self._states: list[Tensor] = []
        """What the layers of the running pass handed on so far."""
        for number, layer in enumerate(decoder.layers, start=1):
            layer.register_forward_hook(self._after_layer)
            layer.encoder_attn.register_forward_hook(self.after_attention(number))
            layer.self_attn.register_forward_pre_hook(self._before_self_attention, with_kwargs=True)

    def run(self, pixels: Tensor, request: Request = EVERYTHING) -> RawOutputs:
        """Run float32 (B, 3, H, W) forward. Raises ``CancelledError``."""
        core: Any = self.model
        sink = Sink(request.capture, Steps(self._counts, request))
        with self.collecting(sink, pixels.device):
            features = core.model.pixel_level_module.encoder(pixels).feature_maps
            sink.levels = [features[-1]]
            sink.mask_features = core.model.pixel_level_module.decoder(features).last_hidden_state
            if request.capture:
                sink.features = [as_half(maps) for maps in features]
            raw = self._decoded(sink, height=pixels.shape[2], whole=True)
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
        layers = core.model.transformer_module.decoder.layers
        sink = Sink(True, Steps({"decoder": len(layers)}, request), without, levels=levels, mask_features=masks)
        projections = [layer.encoder_attn.o_proj for layer in layers]
        heads = projections[0].in_features // layers[0].encoder_attn.head_dim
        with self.collecting(sink, masks.device), silenced(projections, heads, without):
            raw = self._decoded(sink, height=height, whole=False)
        sink.step.end()
        return raw

    def _decoded(self, sink: Sink, *, height: int, whole: bool) -> RawOutputs:
        """Run the decoder from what the sink holds; keep what it started from where the pass was ``whole``."""
        core: Any = self.model
        module = core.model.transformer_module
        self._states = []
        last = module(sink.levels[0]).last_hidden_state
        states = [last]
        if sink.capture:
            norm = module.decoder.layernorm
            states = [norm(torch.zeros_like(last)), *map(norm, self._states[:-1]), last]
        self._states = []
        masks = [torch.einsum("bqc,bchw->bqhw", core.mask_embedder(state), sink.mask_features) for state in states]
        classes = [core.class_predictor(state) for state in states]
        start = (sink.levels, sink.mask_features) if whole and sink.capture else ((), None)
        return packed(masks, classes, sink.folded(), sink.unmasked, sink.features, *start, height=height)

    def _after_layer(self, module: nn.Module, args: Any, output: Any) -> None:
        if self._sink is not None and self._sink.capture:
            self._states.append(output)

    def _before_self_attention(
        self, module: nn.Module, args: Any, kwargs: dict[str, Any]
    ) -> tuple[Any, dict[str, Any]] | None:
        """Hide queries from one another."""
        if self._sink is None or not self._sink.without.queries:
            return None
        states = kwargs["hidden_states"]
        return args, {**kwargs, "attention_mask": hiding(states, states.shape[1], self._sink.without)[None, None]}
