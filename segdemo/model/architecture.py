"""Random-weight checkpoints of known shapes: what the real ones cost, without having them."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from segdemo.class_tables import ADE20K, CITYSCAPES, CITYSCAPES_THINGS, COCO_STUFF, COCO_THINGS
from segdemo.errors import SegdemoError
from segdemo.model.relatives import SHORT_SIDE, SQUARE, SQUARES, labelled, relatives

_SWIN = {
    "tiny": {"embed_dim": 96, "depths": [2, 2, 6, 2], "num_heads": [3, 6, 12, 24], "window_size": 7},
    "small": {"embed_dim": 96, "depths": [2, 2, 18, 2], "num_heads": [3, 6, 12, 24], "window_size": 7},
    "base": {"embed_dim": 128, "depths": [2, 2, 18, 2], "num_heads": [4, 8, 16, 32], "window_size": 12},
    "large": {"embed_dim": 192, "depths": [2, 2, 18, 2], "num_heads": [6, 12, 24, 48], "window_size": 12},
}


class _Trained(NamedTuple):
    """What a Mask2Former was trained on."""

    names: tuple[str, ...]
    size: Mapping[str, int]
    """Of photographs, in the image processor's words."""
    queries: int
    """Of the largest backbone; the others have 100."""


_ADE = {"longest_edge": 2560, "shortest_edge": 640}
_COCO = {"longest_edge": 1333, "shortest_edge": 800}
_STREET = {"longest_edge": 2048, "shortest_edge": 1024}
_TRAINED: Mapping[str, _Trained] = {
    "ade": _Trained(ADE20K, _ADE, 100),
    "ade-panoptic": _Trained(ADE20K, _ADE, 200),
    "coco-panoptic": _Trained((*COCO_THINGS, *COCO_STUFF), _COCO, 200),
    "coco-instance": _Trained(COCO_THINGS, _COCO, 200),
    "cityscapes-semantic": _Trained(tuple(CITYSCAPES), _STREET, 100),
    "cityscapes-panoptic": _Trained(tuple(CITYSCAPES), _STREET, 200),
    "cityscapes-instance": _Trained(CITYSCAPES_THINGS, _STREET, 200),
}
"""By data set and task, as the configurations of facebookresearch/Mask2Former have it."""

PREPROCESSOR: dict[str, Any] = {
    "do_normalize": True,
    "do_rescale": True,
    "do_resize": True,
    "ignore_index": 255,
    "image_mean": [0.485, 0.456, 0.406],
    "image_processor_type": "Mask2FormerImageProcessor",
    "image_std": [0.229, 0.224, 0.225],
    "num_labels": 150,
    "reduce_labels": True,
    "resample": 2,
    "rescale_factor": 1 / 255,
    "size": _ADE,
    "size_divisor": 32,
}
"""Image processor settings of the ADE20K checkpoints: short side 640, long side at most 2560."""

_RELATIVES = relatives(_SWIN)
ARCHITECTURES = (*(f"swin-{size}-{data}" for data in _TRAINED for size in _SWIN), *_RELATIVES)
"""Mask2Former's by their backbone and data set, the others by their family and size."""

_NETWORKS = {
    "mask2former": ("Mask2FormerForUniversalSegmentation", PREPROCESSOR),
    "upernet": ("UperNetForSemanticSegmentation", SQUARE),
    "oneformer": ("OneFormerForUniversalSegmentation", SHORT_SIDE["oneformer"]),
    "maskformer": ("MaskFormerForInstanceSegmentation", SHORT_SIDE["maskformer"]),
    "eomt": ("EomtForUniversalSegmentation", SQUARES),
}
"""By ``model_type``: the library's class, and the image processor's settings."""


def architecture_config(architecture: str = "swin-large-ade", **changes: Any) -> Any:
    """Return the library's configuration of a published architecture, with ``changes`` to a Mask2Former's fields.

    Raises ``SegdemoError`` for names that are not in ``ARCHITECTURES``.
    """
    if architecture not in ARCHITECTURES:
        raise SegdemoError(f"The architecture {architecture!r} is not known: choose one of {', '.join(ARCHITECTURES)}.")
    if architecture in _RELATIVES:
        return _RELATIVES[architecture][0]()
    from transformers import Mask2FormerConfig, SwinConfig

    _, size, data = architecture.split("-", 2)
    backbone = SwinConfig(**_SWIN[size], out_features=["stage1", "stage2", "stage3", "stage4"], drop_path_rate=0.3)
    trained = _TRAINED[data]
    fields = {"num_queries": trained.queries if size == "large" else 100, **labelled(trained.names), **changes}
    fields["label2id"] = {label: index for index, label in fields["id2label"].items()}
    return Mask2FormerConfig(backbone_config=backbone, **fields)


def write_random_checkpoint(folder: Path | str, architecture: str = "swin-large-ade", *, seed: int = 0) -> Path:
    """Write a checkpoint of a published architecture with random weights in from_pretrained form; return the folder.

    It runs wherever the real one runs, at the same cost, and predicts nonsense.
    """
    config = architecture_config(architecture)
    if architecture in _RELATIVES:
        preprocessor = dict(_RELATIVES[architecture][1])
    else:
        trained = _TRAINED[architecture.split("-", 2)[2]]
        # Label files of ADE20K alone have a zero for no class.
        preprocessor = {**PREPROCESSOR, "size": dict(trained.size), "reduce_labels": trained.names is ADE20K}
    return write_checkpoint(Path(folder), config, seed=seed, preprocessor=preprocessor)


def write_checkpoint(folder: Path, config: Any, *, seed: int = 0, preprocessor: dict[str, Any] | None = None) -> Path:
    """Write a randomly initialised checkpoint of a family's configuration; the same seed gives the same weights.

    ``preprocessor`` are the settings of its image processor, those of the published checkpoints unless given.
    """
    import torch
    import transformers

    name, published = _NETWORKS[config.model_type]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = getattr(transformers, name)(config)
    if config.model_type == "eomt":
        # Training ends without attention masks, and so was the published ones' memory of how often they were used.
        torch.nn.init.zeros_(model.attn_mask_probs)
    folder.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(folder, safe_serialization=True)
    settings = preprocessor or dict(published)
    if config.model_type == "mask2former":
        settings = {**settings, "num_labels": config.num_labels}
    (folder / "preprocessor_config.json").write_text(json.dumps(settings, indent=2) + "\n")
    return folder
