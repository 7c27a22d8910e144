"""Tiny random checkpoints of the families beside Mask2Former, lively enough that nothing is near a tie."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

STAGES = ["stage1", "stage2", "stage3", "stage4"]
LABELS = {0: "wall", 1: "building", 2: "sky", 3: "person", 4: "tree", 5: "car", 6: "grass"}
_LABELLED = {"id2label": LABELS, "label2id": {label: index for index, label in LABELS.items()}}
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


def write_tiny_oneformer(folder: Path, *, seed: int = 0, **changes: Any) -> Path:
    """Write a OneFormer on a tiny Swin with 7 labels, 12 queries and a decoder of 4 layers; return the folder."""
    import transformers

    from segdemo.model.architecture import write_checkpoint
    from segdemo.model.relatives import SHORT_SIDE

    name, fields = BACKBONES["swin"]
    config = transformers.OneFormerConfig(
        backbone_config=getattr(transformers, name)(**fields, out_features=STAGES),
        num_queries=12,
        hidden_dim=32,
        mask_dim=32,
        conv_dim=32,
        encoder_feedforward_dim=48,
        dim_feedforward=48,
        num_attention_heads=4,
        encoder_layers=2,
        decoder_layers=5,
        text_encoder_width=32,
        text_encoder_num_layers=1,
        text_encoder_vocab_size=600,
        **{**_LABELLED, **changes},
    )
    size = {"shortest_edge": 96, "longest_edge": 384}
    write_checkpoint(folder, config, seed=seed, preprocessor={**SHORT_SIDE["oneformer"], "size": size})
    return _apart(livelier(folder, transformers.OneFormerForUniversalSegmentation, seed))


def _apart(folder: Path) -> Path:
    """Have the queries of a OneFormer differ in what they say, and say other things when told another task.

    They start further apart, and the heads leave out what all of them have in common.
    """
    import torch
    import transformers

    from segdemo.model.families.oneformer import task_tokens

    model = transformers.OneFormerForUniversalSegmentation.from_pretrained(folder, dtype=torch.float32).eval()
    decoder = model.model.transformer_module.decoder
    with torch.no_grad():
        model.model.transformer_module.queries_embedder.weight *= 30
        for name, values in decoder.query_transformer.named_parameters():
            if name.endswith("in_proj_weight"):
                values *= 4
    heads = {decoder.class_embed: 5.0, next(decoder.mask_embed.layers[-1].children()): 4.0}
    seen: dict[Any, Any] = {}
    for head in heads:
        head.register_forward_hook(lambda module, given, _: seen.update({module: given[0]}))
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        model(torch.randn(1, 3, 96, 128, generator=generator), task_inputs=task_tokens(folder)["semantic"][None])
        for head, size in heads.items():
            common = seen[head].flatten(0, -2).mean(0)
            head.weight.normal_(generator=generator)
            head.weight *= size / (seen[head] - common).norm(dim=-1).mean()
            head.bias.copy_(-head.weight @ common)
    model.save_pretrained(folder, safe_serialization=True)
    return folder


def write_tiny_maskformer(folder: Path, backbone: str = "swin", *, seed: int = 0, **changes: Any) -> Path:
    """Write a MaskFormer with 7 labels, 12 queries and a decoder of 3 layers; return the folder."""
    import transformers

    from segdemo.model.architecture import write_checkpoint
    from segdemo.model.relatives import SHORT_SIDE

    if backbone == "swin":
        name, fields = BACKBONES["swin"]
    else:
        name = "ResNetConfig"
        fields = {
            "hidden_sizes": [8, 16, 24, 32],
            "depths": [1, 1, 1, 1],
            "embedding_size": 8,
            "layer_type": "basic",
        }
    decoder = transformers.DetrConfig(
        d_model=32, decoder_layers=3, decoder_ffn_dim=48, decoder_attention_heads=4, num_queries=12
    )
    config = transformers.MaskFormerConfig(
        backbone_config=getattr(transformers, name)(**fields, out_features=STAGES),
        decoder_config=decoder,
        fpn_feature_size=32,
        mask_feature_size=32,
        **{**_LABELLED, **changes},
    )
    size = {"shortest_edge": 96, "longest_edge": 384}
    write_checkpoint(folder, config, seed=seed, preprocessor={**SHORT_SIDE["maskformer"], "size": size})
    return livelier(folder, transformers.MaskFormerForInstanceSegmentation, seed)


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


def write_tiny_mask2former(folder: Path, names: tuple[str, ...]) -> Path:
    """Write a Mask2Former with the classes of those names; return the folder, by whose name its kind is known."""
    from tests.conftest import write_tiny_checkpoint

    return write_tiny_checkpoint(folder, id2label=dict(enumerate(names)))


def _coco_instance(folder: Path) -> Path:
    from segdemo.class_tables import COCO_THINGS

    return write_tiny_mask2former(folder / "tiny-coco-instance", COCO_THINGS)


def _cityscapes(folder: Path) -> Path:
    from segdemo.class_tables import CITYSCAPES

    return write_tiny_mask2former(folder / "tiny-cityscapes-semantic", tuple(CITYSCAPES))


KINDS: dict[str, Callable[[Path], Path]] = {
    "upernet-convnext": lambda folder: write_tiny_upernet(folder / "tiny-upernet-convnext"),
    "upernet-swin": lambda folder: write_tiny_upernet(folder / "tiny-upernet-swin", "swin"),
    "eomt-semantic": lambda folder: write_tiny_eomt(folder / "tiny-eomt-semantic"),
    "eomt-panoptic": lambda folder: write_tiny_eomt(folder / "tiny-eomt-panoptic", split=False),
    "oneformer": lambda folder: write_tiny_oneformer(folder / "tiny-oneformer"),
    "maskformer": lambda folder: write_tiny_maskformer(folder / "tiny-maskformer"),
    "coco-instance": _coco_instance,
    "cityscapes": _cityscapes,
}
"""By name, what writes a tiny checkpoint of every kind of network that this demo runs into a folder of one's own."""
