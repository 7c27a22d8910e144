"""Tiny random checkpoints of the families beside Mask2Former, lively enough that nothing is near a tie."""

from pathlib import Path
from typing import Any

STAGES = ["stage1", "stage2", "stage3", "stage4"]
LABELS = {0: "wall", 1: "building", 2: "sky", 3: "person", 4: "tree", 5: "car", 6: "grass"}
BACKBONES: dict[str, tuple[str, dict[str, Any]]] = {
    "convnext": ("ConvNextConfig", {"hidden_sizes": [8, 16, 24, 32], "depths": [1, 1, 2, 1]}),
    "swin": (
        "SwinConfig",
        {"embed_dim": 8, "depths": [1, 2, 1, 1], "num_heads": [1, 2, 2, 4], "window_size": 4, "drop_path_rate": 0.1},
    ),
}


def write_tiny_upernet(folder: Path, backbone: str = "convnext", *, seed: int = 0, **changes: Any) -> Path:
    """Write a UperNet of a backbone of ``BACKBONES`` with 7 labels, whose photographs become 96 x 96; return it."""
    import transformers

    from segdemo.model.architecture import write_checkpoint
    from segdemo.model.relatives import SQUARE

    name, fields = BACKBONES[backbone]
    given = {"id2label": LABELS, "label2id": {label: index for index, label in LABELS.items()}, **changes}
    config = transformers.UperNetConfig(
        backbone_config=getattr(transformers, name)(**fields, out_features=STAGES),
        hidden_size=16,
        auxiliary_in_channels=fields.get("hidden_sizes", [8, 16, 32])[2],
        auxiliary_channels=8,
        **given,
    )
    write_checkpoint(folder, config, seed=seed, preprocessor={**SQUARE, "size": {"height": 96, "width": 96}})
    return livelier(folder, transformers.UperNetForSemanticSegmentation, seed)


def livelier(folder: Path, network: Any, seed: int) -> Path:
    """Give a checkpoint weights of a size at which its answers vary."""
    import torch

    model = network.from_pretrained(folder, dtype=torch.float32)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, values in model.named_parameters():
            if values.ndim > 1:
                values.normal_(0, 1.2 / values[0].numel() ** 0.5, generator=generator)
            elif "norm" in name and name.endswith("weight"):
                values.uniform_(0.6, 1.4, generator=generator)
            elif "lambda" not in name and "layer_scale" not in name:
                values.normal_(0, 0.1, generator=generator)
    model.save_pretrained(folder, safe_serialization=True)
    return folder


def write_tiny_eomt(folder: Path, *, split: bool = True, masked: bool = False, seed: int = 0) -> Path:
    """Write an EoMT whose grid is 64 x 64 pixels; its photographs are ``split`` into squares, or else padded.

    ``masked``: whether its queries attend under their masks, as before training ends.
    """
    import torch
    import transformers

    from segdemo.model.architecture import write_checkpoint
    from segdemo.model.relatives import PADDED, SQUARES

    config = transformers.EomtConfig(
        hidden_size=32,
        num_hidden_layers=5,
        num_attention_heads=4,
        mlp_ratio=2,
        image_size=64,
        patch_size=16,
        num_blocks=2,
        num_queries=9,
        id2label=LABELS,
        label2id={label: index for index, label in LABELS.items()},
    )
    longest = None if split else 64
    size = {"shortest_edge": 64, "longest_edge": longest}
    write_checkpoint(folder, config, seed=seed, preprocessor={**(SQUARES if split else PADDED), "size": size})
    livelier(folder, transformers.EomtForUniversalSegmentation, seed)
    model = transformers.EomtForUniversalSegmentation.from_pretrained(folder, dtype=torch.float32)
    with torch.no_grad():
        # Queries that differ, and say so.
        model.query.weight *= 5
        model.class_predictor.weight *= 5
        model.attn_mask_probs.fill_(float(masked))
    model.save_pretrained(folder, safe_serialization=True)
    return folder
