"""Parts of a library's decoder switched off, by other means than the project's own."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import torch

CASES: dict[str, dict[str, Any]] = {
    "queries": {"without_queries": [0, 5]},
    "a head": {"without_heads": [(2, 1)]},
    "a layer": {"without_layers": [1]},
    "some of each": {"without_queries": [1], "without_heads": [(1, 0), (3, 3)], "without_layers": [2]},
}


@contextmanager
def without(
    parts: Sequence[tuple[Any, Any]],
    *,
    without_queries: Iterable[int] = (),
    without_heads: Iterable[tuple[int, int]] = (),
    without_layers: Iterable[int] = (),
) -> Iterator[None]:
    """Switch off parts of layers, given as (self-attention, cross-attention), while it lasts.

    A head's values are made zero before they are weighed; of hidden queries the keys are sent far away from all.
    """
    handles, hidden = [], list(without_queries)
    with ExitStack() as changed:
        for number, (own, cross) in enumerate(parts, start=1):
            if number in without_layers:
                handles.append(cross.register_forward_hook(lambda module, args, result: (result[0] * 0, result[1])))
            if heads := [head for layer, head in without_heads if layer == number]:
                changed.enter_context(_worthless(cross, heads))
            if hidden:
                handles.append(own.register_forward_pre_hook(_mask(hidden), with_kwargs=True))
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()


def _mask(hidden: list[int]) -> Callable[..., Any]:
    def hide(module: Any, args: Any, kwargs: dict[str, Any]) -> Any:
        states = kwargs["hidden_states"]
        by_query = hasattr(module, "num_heads")  # OneFormer's, whose states are (Q, B, C)
        count = states.shape[0] if by_query else states.shape[1]
        mask = torch.zeros(module.num_heads if by_query else 1, count, count)
        for query in hidden:
            mask[..., query] = -torch.inf
        return args, {**kwargs, "attention_mask": mask if by_query else mask[None]}

    return hide


@contextmanager
def _worthless(cross: Any, heads: list[int]) -> Iterator[None]:
    """Have some heads say nothing: their values are zero."""
    if hasattr(cross, "v_proj"):
        weight, bias, start, size = cross.v_proj.weight, cross.v_proj.bias, 0, cross.head_dim
    else:
        weight, bias, start, size = cross.in_proj_weight, cross.in_proj_bias, 2 * cross.embed_dim, cross.head_dim
    kept = weight.clone(), bias.clone()
    for head in heads:
        rows = slice(start + head * size, start + (head + 1) * size)
        weight.data[rows] = 0
        bias.data[rows] = 0
    try:
        yield
    finally:
        weight.data[:], bias.data[:] = kept
