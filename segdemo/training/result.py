"""The product of a run: a ``from_pretrained`` folder in half precision, with processor and class knowledge."""

import copy
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from segdemo.data import Dataset
from segdemo.model.weights import quiet_library

KNOWN_PIXELS = 50_000
"""A class counts as known once the training pictures show this many labelled pixels of it."""


def known_classes(sources: Iterable[Dataset], *, pixels: int = KNOWN_PIXELS) -> list[int]:
    """Return the indices of the classes with at least ``pixels`` labelled pixels in the training pictures."""
    counts: dict[int, int] = {}
    for data in sources:
        for areas in data.areas():
            for index, area in areas.items():
                counts[index] = counts.get(index, 0) + area
    return sorted(index for index, area in counts.items() if area >= pixels)


@quiet_library()
def save_result(
    network: Any,
    folder: Path,
    *,
    size: int,
    mean: Sequence[float],
    std: Sequence[float],
    weights: Mapping[str, Tensor] | None = None,
    about: Mapping[str, Any] | None = None,
    files: Mapping[str, str] | None = None,
    shard: str = "9MB",
) -> None:
    """Write a ``from_pretrained`` folder, replacing an older one in one move.

    ``network`` is a ``Mask2FormerForUniversalSegmentation``; ``weights`` (its state) replace its own. Weights are
    stored as float16 in shards of at most ``shard``. The processor scales the short side to ``size`` pixels.
    ``about`` goes into ``config.json`` with every key prefixed ``segdemo_`` (the demo reads ``known_classes``,
    ``note``, ``terms``, ``title`` and ``kind``); ``files`` are texts to lie beside the weights, by name.
    """
    from transformers import Mask2FormerImageProcessor

    product = copy.deepcopy(network)
    if weights is not None:
        product.load_state_dict(weights)
    product = product.to("cpu", torch.float16)
    for key, value in (about or {}).items():
        setattr(product.config, f"segdemo_{key}", value)
    aside = folder.with_name(f".{folder.name}.new")
    shutil.rmtree(aside, ignore_errors=True)
    product.save_pretrained(aside, max_shard_size=shard)
    Mask2FormerImageProcessor(
        size={"shortest_edge": size, "longest_edge": 4 * size},
        size_divisor=32,
        ignore_index=255,
        do_reduce_labels=False,
        image_mean=list(mean),
        image_std=list(std),
    ).save_pretrained(aside)
    for name, text in (files or {}).items():
        (aside / name).write_text(text, encoding="utf-8")
    for path in aside.iterdir():
        path.chmod(0o644)
    old = folder.with_name(f".{folder.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        folder.rename(old)
    aside.rename(folder)
    shutil.rmtree(old, ignore_errors=True)
