"""Random-weight checkpoints of known shapes: what the real ones cost, without having them."""

import json
from pathlib import Path
from typing import Any

from segdemo.class_tables import ADE20K
from segdemo.errors import SegdemoError
from segdemo.model.relatives import SHORT_SIDE, SQUARE, SQUARES, relatives

_SWIN = {
    "tiny": {"embed_dim": 96, "depths": [2, 2, 6, 2], "num_heads": [3, 6, 12, 24], "window_size": 7},
    "small": {"embed_dim": 96, "depths": [2, 2, 18, 2], "num_heads": [3, 6, 12, 24], "window_size": 7},
    "base": {"embed_dim": 128, "depths": [2, 2, 18, 2], "num_heads": [4, 8, 16, 32], "window_size": 12},
    "large": {"embed_dim": 192, "depths": [2, 2, 18, 2], "num_heads": [6, 12, 24, 48], "window_size": 12},
}
_QUERIES = {"tiny": 100, "small": 100, "base": 100, "large": 100}

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
    "size": {"longest_edge": 2560, "shortest_edge": 640},
    "size_divisor": 32,
}
"""Image processor settings of the ADE20K checkpoints: short side 640, long side at most 2560."""

_RELATIVES = relatives(_SWIN)
ARCHITECTURES = (*(f"swin-{size}-ade" for size in _SWIN), *_RELATIVES)
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

    size = architecture.split("-")[1]
    backbone = SwinConfig(**_SWIN[size], out_features=["stage1", "stage2", "stage3", "stage4"], drop_path_rate=0.3)
    labels = {index: names.split(",")[0] for index, names in enumerate(ADE20K)}
    fields: dict[str, Any] = {"num_queries": _QUERIES[size], "id2label": labels}
    fields.update(changes)
    fields["label2id"] = {label: index for index, label in fields["id2label"].items()}
    return Mask2FormerConfig(backbone_config=backbone, **fields)


def write_random_checkpoint(folder: Path | str, architecture: str = "swin-large-ade", *, seed: int = 0) -> Path:
    """Write a checkpoint of a published architecture with random weights in from_pretrained form; return the folder.

    It runs wherever the real one runs, at the same cost, and predicts nonsense.
    """
    preprocessor = dict(_RELATIVES[architecture][1]) if architecture in _RELATIVES else None
    return write_checkpoint(Path(folder), architecture_config(architecture), seed=seed, preprocessor=preprocessor)


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
