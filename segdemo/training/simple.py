"""From the few options of the command line to a whole run: one stage, kept-back pictures, epochs instead of steps."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from segdemo.data import SourceConfig, open_source
from segdemo.data.listing import Listing
from segdemo.data.recognise import matching, splits_of
from segdemo.errors import SegdemoError
from segdemo.training.config import RunConfig, parse_config
from segdemo.training.data import TRAIN

KEPT_BACK = 10
"""Every how many-th picture is kept back for evaluation where no validation data is given."""


def simple_config(
    data: Sequence[Path],
    validation: Sequence[Path] = (),
    *,
    format: str = "auto",
    split: str | None = None,
    images: Path | None = None,
    labels: Path | None = None,
    classes: Path | None = None,
    reduce_labels: bool = False,
    partial: bool = False,
    checkpoint: str | None = None,
    architecture: str | None = None,
    shares: Sequence[float] | None = None,
    epochs: float = 20,
    freeze_epochs: float = 5,
    batch: int = 8,
    accumulate: int = 1,
    learning_rate: float = 3e-4,
    backbone_rate: float = 0.1,
    schedule: str = "cosine",
    crop: int = 224,
    size: int = 288,
    precision: str = "fp32",
    seed: int = 0,
) -> RunConfig:
    """Return the description of a one-stage fine-tuning run.

    ``data`` and ``validation`` are folders of data sets or annotation files; ``split`` is what to train on, by default
    what is called so. Where no validation data is given, it is the data's own split for it, and where there is none,
    every tenth picture is kept back. ``format``, ``images``, ``labels``, ``reduce_labels`` and ``partial`` are as in
    ``SourceConfig``, of all data alike; ``classes`` is the run's class list. ``shares`` are the sources' weights in the
    mixture. Without a checkpoint or an architecture it starts from the embedded checkpoint; from scratch nothing is
    frozen.
    """
    if shares and len(shares) != len(data):
        raise SegdemoError(f"There are {len(data)} data sources but {len(shares)} weights: give one weight for each.")
    base = {"format": format, "images": images, "labels": labels, "reduce_labels": reduce_labels, "partial": partial}
    sources: dict[str, Any] = {}
    kept: dict[str, Any] = {}
    total = 0
    for name, path in zip(_names(data), data, strict=True):
        source = SourceConfig.model_validate({**base, "data": path, "split": split})
        pictures = open_source(source, prefer=TRAIN)
        source = source.model_copy(update={"split": pictures.split or split})
        held = None if validation else _validation_split(source, pictures)
        names = [picture.name for picture in pictures.pictures]
        if held is None and not validation:
            back = names[::KEPT_BACK] if len(names) > 1 else []
            held = source.model_copy(update={"only": back})
            source = source.model_copy(update={"without": back})
            names = names[len(back) :]
        if held is not None and held.only != []:
            kept[name] = held
        sources[name] = source
        total += len(names)
    for name, path in zip(_names(validation), validation, strict=True):
        kept[name] = SourceConfig.model_validate({**base, "data": path})
    per_epoch = max(1.0, total / (batch * accumulate))
    steps = max(1, math.ceil(epochs * per_epoch))
    scratch = architecture is not None
    stage = {
        "steps": steps,
        "mix": dict(zip(sources, shares, strict=True)) if shares else None,
        "batch": batch,
        "accumulate": accumulate,
        "learning_rate": learning_rate,
        "backbone_rate": 1.0 if scratch else backbone_rate,
        "freeze_backbone": 0 if scratch else min(steps, round(freeze_epochs * per_epoch)),
        "schedule": schedule,
        "warmup": min(50, steps // 10),
        "average": 0.99,
        "weights": {"semantic": 2.0, "pixels": 10.0 if scratch else 0.0},
        "augmentation": {"crop": crop, "short_side": [round(0.8 * size), round(1.6 * size)]},
        "evaluate_every": max(1, steps // 5),
        "save_every": max(1, steps // 10),
    }
    return parse_config(
        {
            "sources": sources,
            "validation": kept,
            "stages": [stage],
            "classes": classes,
            "architecture": architecture,
            "checkpoint": checkpoint if checkpoint or scratch else "embedded",
            "seed": seed,
            "precision": precision,
            "evaluation_size": size,
        },
        origin="The options",
    )


def _validation_split(source: SourceConfig, training: Listing) -> SourceConfig | None:
    """The data's own split for validation beside the one trained on; none where there is none, or they share some."""
    name = matching(splits_of(source), "val")
    if name is None or name == training.split:
        return None
    held = source.model_copy(update={"split": name})
    trained = {picture.image for picture in training.pictures}
    return None if any(picture.image in trained for picture in open_source(held).pictures) else held


def _names(paths: Sequence[Path]) -> list[str]:
    """A short name for each path, told apart by a number where two are the same."""
    names: list[str] = []
    for path in paths:
        stem = path.stem or "data"
        same = sum(name.split("~")[0] == stem for name in names)
        names.append(f"{stem}~{same + 1}" if same else stem)
    return names
