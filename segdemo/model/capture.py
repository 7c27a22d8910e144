"""Layer masks, layer classes and cross-attention out of a Mask2Former network, while it runs forward once."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from segdemo.errors import SegdemoError

Progress = Callable[[float], None]
"""Called with the done share of the forward pass, 0..1."""

_SHARES = {"backbone": 0.58, "pixel": 0.32, "decoder": 0.10}
"""What the three parts cost of a forward pass, for the progress only."""


class Cancelled(SegdemoError):  # noqa: N818 - it is a wish granted, not an error
    """The run was stopped on request."""

    def __init__(self) -> None:
        super().__init__("The run was stopped; what was there before is kept.")


@dataclass(frozen=True, eq=False)
class RawOutputs:
    """All that one forward pass over a batch of B images produced; arrays as in ``Prediction``, with a batch axis."""

    masks: tuple[npt.NDArray[np.floating], ...]
    """Per layer (B, Q, h, w): float16, the last float32."""
    classes: tuple[npt.NDArray[np.floating], ...]
    """Per layer (B, Q, C + 1): float16, the last float32."""
    attentions: tuple[npt.NDArray[np.floating], ...] = ()
    """Per layer 1.. (B, heads, Q, h_l, w_l): float16, each map scaled to a maximum of 1."""
    unmasked: npt.NDArray[np.bool_] | None = None
    """(layers - 1, B, Q): the query's attention mask was empty, so that it attended everywhere."""


@dataclass
class _Sink:
    """What the hooks collect during one forward pass."""

    capture: bool
    progress: Progress | None
    cancel: threading.Event | None
    done: float = 0.0
    attentions: list[Tensor] = field(default_factory=list)
    unmasked: list[Tensor] = field(default_factory=list)


class CapturingNetwork:
    """A ``Mask2FormerForUniversalSegmentation`` whose forward pass can be watched, stopped and kept.

    The cross-attention is what ``decoder.layers[i].cross_attn`` computes anyway: it is asked for per head instead of
    as a mean over heads, and kept instead of dropped. One forward pass at a time: concurrent callers wait.
    """

    def __init__(self, model: nn.Module) -> None:
        self.model = model.eval()
        self._lock = threading.Lock()
        self._sink: _Sink | None = None
        self._attach()

    def __call__(
        self,
        pixel_values: Tensor,
        *,
        capture: bool = True,
        progress: Progress | None = None,
        cancel: threading.Event | None = None,
    ) -> RawOutputs:
        """Run float32 (B, 3, H, W) forward, H and W multiples of 32; raises ``Cancelled`` once ``cancel`` is set."""
        sink = _Sink(capture, progress, cancel)
        with self._lock, self._collecting(sink), torch.inference_mode():
            outputs = self.model(pixel_values=pixel_values, output_auxiliary_logits=capture)
            layers = [*(outputs.auxiliary_logits or ()), outputs]
            masks = [layer["masks_queries_logits"] for layer in layers]
            classes = [layer["class_queries_logits"] for layer in layers]
            raw = RawOutputs(
                masks=_stored(masks),
                classes=_stored(classes),
                attentions=tuple(map(_scaled_half, self._shaped(sink.attentions, pixel_values))),
                unmasked=torch.stack(sink.unmasked).cpu().numpy() if capture else None,
            )
        if progress is not None:
            progress(1.0)
        return raw

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
        stages = core.pixel_level_module.encoder.swin.encoder.layers
        parts: dict[str, list[nn.Module]] = {
            "backbone": [block for stage in stages for block in stage.blocks],
            "pixel": list(core.pixel_level_module.decoder.encoder.layers),
            "decoder": list(decoder.layers),
        }
        for part, modules in parts.items():
            for module in modules:
                module.register_forward_pre_hook(self._before_module)
                module.register_forward_hook(self._after_module(_SHARES[part] / len(modules)))
        for layer in decoder.layers:
            layer.cross_attn.register_forward_pre_hook(self._before_attention, with_kwargs=True)
            layer.cross_attn.register_forward_hook(self._after_attention)
        decoder.mask_predictor.register_forward_hook(self._after_mask)

    def _before_module(self, module: nn.Module, args: Any) -> None:
        if self._sink is not None and self._sink.cancel is not None and self._sink.cancel.is_set():
            raise Cancelled

    def _after_module(self, share: float) -> Callable[[nn.Module, Any, Any], None]:
        def advance(module: nn.Module, args: Any, output: Any) -> None:
            if self._sink is not None and self._sink.progress is not None:
                self._sink.done += share
                self._sink.progress(min(self._sink.done, 1.0))

        return advance

    def _before_attention(self, module: nn.Module, args: Any, kwargs: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        if self._sink is None:
            return args, kwargs
        return args, {**kwargs, "need_weights": self._sink.capture, "average_attn_weights": False}

    def _after_attention(self, module: nn.Module, args: Any, output: Any) -> None:
        if self._sink is not None and self._sink.capture:
            self._sink.attentions.append(output[1])

    def _after_mask(self, module: nn.Module, args: Any, output: Any) -> None:
        """Note which masks came out empty; the network lifts the restriction for those before it attends."""
        if self._sink is None or not self._sink.capture or len(self._sink.unmasked) == self._num_attentions:
            return
        batch, queries = output[0].shape[:2]
        self._sink.unmasked.append(output[1].view(batch, -1, queries, output[1].shape[-1])[:, 0].all(dim=-1))

    @property
    def _num_attentions(self) -> int:
        model: Any = self.model
        return len(model.model.transformer_module.decoder.layers)

    @staticmethod
    def _shaped(attentions: list[Tensor], pixel_values: Tensor) -> Iterator[Tensor]:
        height, width = pixel_values.shape[-2:]
        for index, maps in enumerate(attentions):
            stride = 32 >> (index % 3)
            yield maps.unflatten(-1, (-(-height // stride), -(-width // stride)))


def _stored(layers: list[Tensor]) -> tuple[npt.NDArray[np.floating], ...]:
    halves = [layer.half().cpu().numpy() for layer in layers[:-1]]
    return (*halves, layers[-1].float().cpu().numpy())


def _scaled_half(maps: Tensor) -> npt.NDArray[np.float16]:
    """Scale each map to a maximum of 1: probabilities over thousands of places would underflow in half precision."""
    peak = maps.amax(dim=(-2, -1), keepdim=True).clamp_min(torch.finfo(torch.float32).tiny)
    return np.asarray((maps / peak).half().cpu().numpy())
