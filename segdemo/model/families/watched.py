"""A library's network whose forward pass can be watched, stopped and kept: what its families share."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from segdemo.errors import NotOfferedError, SegdemoError
from segdemo.model.capture import EVERYTHING, NOTHING, RawOutputs, Request, Steps, Without
from segdemo.model.fast.linear import pack
from segdemo.model.fast.parts import Backbone


@dataclass
class Sink:
    """What the hooks collect during one forward pass."""

    capture: bool
    step: Steps
    without: Without = NOTHING
    attentions: list[Tensor] = field(default_factory=list)
    """The cross-attention of each layer, (B, heads, Q, h * w)."""
    unmasked: list[Tensor] = field(default_factory=list)
    """By layer, which queries attend everywhere, (B, Q)."""
    features: list[Tensor] = field(default_factory=list)
    levels: list[Tensor] = field(default_factory=list)
    """The feature levels that the decoder's layers look at in turn."""
    mask_features: Tensor | None = None

    def folded(self) -> list[Tensor]:
        """The cross-attention as maps (B, heads, Q, h, w)."""
        sizes = [(level.shape[2], level.shape[3]) for level in self.levels]
        return [maps.unflatten(-1, sizes[index % len(sizes)]) for index, maps in enumerate(self.attentions)]


class WatchedNetwork:
    """One of the library's networks, with hooks on its parts. One forward pass at a time: concurrent callers wait."""

    def __init__(self, model: nn.Module) -> None:
        self.model = model.eval()
        self._lock = threading.Lock()
        self._sink: Sink | None = None
        self._reduced = False
        self._counts: dict[str, int] = {}

    def to(self, device: str) -> None:
        """Move the weights to a device."""
        self.model.to(device)

    def reduce(self, precision: str) -> None:
        """Compute matrix products in ``bf16`` from now on; raises ``SegdemoError`` for ``int8``."""
        if precision != "bf16":
            raise SegdemoError(f"This checkpoint's architecture does not run in {precision}: choose fp32 or bf16.")
        self._reduced = True
        for part in self.model.modules():
            if isinstance(part, Backbone):
                part.reduce()

    @contextmanager
    def collecting(self, sink: Sink, device: torch.device) -> Iterator[None]:
        """Have the hooks collect into ``sink``, in a pass of one's own and in the precision asked for."""
        autocast = torch.autocast(device.type, dtype=torch.bfloat16, enabled=self._reduced)
        with self._lock:
            self._sink = sink
            try:
                with torch.inference_mode(), autocast:
                    yield
            finally:
                self._sink = None

    def count(self, parts: Mapping[str, list[nn.Module]]) -> None:
        """Tell the progress after each of these modules, by the part that they are of (``capture.SHARES``)."""
        self._counts = {part: len(modules) for part, modules in parts.items()}
        for part, modules in parts.items():
            for module in modules:
                module.register_forward_hook(self._after_module(part))

    def watch(self, attention: nn.Module, number: int) -> None:
        """Keep the heads' weights of a layer's cross-attention, an ``nn.MultiheadAttention``, and switch it off."""
        attention.register_forward_pre_hook(self._before_attention, with_kwargs=True)
        attention.register_forward_hook(self.after_attention(number))

    def _before_attention(self, module: nn.Module, args: Any, kwargs: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        if self._sink is None:
            return args, kwargs
        return args, {**kwargs, "need_weights": self._sink.capture, "average_attn_weights": False}

    def after_attention(self, number: int) -> Callable[[nn.Module, Any, Any], Any]:
        """A hook after a layer's cross-attention, (output, weights): keeps the weights, and switches it off."""

        def keep(module: nn.Module, args: Any, output: Any) -> Any:
            if self._sink is None:
                return None
            if self._sink.capture:
                self._sink.attentions.append(output[1])
            return (torch.zeros_like(output[0]), output[1]) if number in self._sink.without.layers else None

        return keep

    def _after_module(self, part: str) -> Callable[[nn.Module, Any, Any], None]:
        def advance(module: nn.Module, args: Any, output: Any) -> None:
            if self._sink is not None:
                self._sink.step(part)

        return advance


class UndividedNetwork(WatchedNetwork):
    """A watched network without a decoder that could be run alone."""

    def __init__(self, model: nn.Module, lacks: Mapping[str, str]) -> None:
        super().__init__(model)
        self._lacks = lacks

    def decode(
        self,
        levels: list[Tensor],
        masks: Tensor,
        *,
        height: int,
        without: Without = NOTHING,
        request: Request = EVERYTHING,
    ) -> RawOutputs:
        """Raise ``NotOfferedError`` with the family's sentence."""
        raise NotOfferedError(self._lacks["decoder_features"])


Watched = TypeVar("Watched", bound=WatchedNetwork)


def ready(network: Watched, device: str, precision: str, *, ours: bool = False) -> Watched:
    """Bring a network into a precision and onto a device; ``ours``: it has parts of ``model/fast``."""
    if precision != "fp32":
        network.reduce(precision)
    if ours:
        pack(network.model)
    network.to(device)
    return network


@contextmanager
def silenced(projections: Sequence[Any], num_heads: int, without: Without) -> Iterator[None]:
    """Have heads add nothing: the columns that read them are zero meanwhile.

    ``projections`` are the output projections of the layers' cross-attention, in their order.
    """
    kept = {}
    for number, projection in enumerate(projections, start=1):
        if heads := without.heads_of(number):
            kept[number] = (projection, projection.weight)
            weight = projection.weight.detach().clone()
            weight.unflatten(1, (num_heads, -1))[:, heads] = 0
            projection.weight = nn.Parameter(weight, requires_grad=False)
    try:
        yield
    finally:
        for projection, weight in kept.values():
            projection.weight = weight


def hiding(like: Tensor, queries: int, without: Without) -> Tensor:
    """The mask (Q, Q) that, added to the scores of self-attention, hides queries from all of them."""
    mask = like.new_zeros(queries, queries)
    mask[:, sorted(without.queries)] = float("-inf")
    return mask
