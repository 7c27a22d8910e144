"""The published shapes of the networks beside Mask2Former, for checkpoints with random weights."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from segdemo.class_tables import ADE20K, COCO_STUFF, COCO_THINGS

STAGES = ["stage1", "stage2", "stage3", "stage4"]

_CONVNEXT: Mapping[str, tuple[list[int], list[int]]] = {
    "tiny": ([3, 3, 9, 3], [96, 192, 384, 768]),
    "small": ([3, 3, 27, 3], [96, 192, 384, 768]),
    "base": ([3, 3, 27, 3], [128, 256, 512, 1024]),
    "large": ([3, 3, 27, 3], [192, 384, 768, 1536]),
    "xlarge": ([3, 3, 27, 3], [256, 512, 1024, 2048]),
}
"""Depths and channels of the stages (Liu et al., "A ConvNet for the 2020s", CVPR 2022, section 3)."""

SQUARE: Mapping[str, Any] = {
    "do_normalize": True,
    "do_reduce_labels": False,
    "do_rescale": True,
    "do_resize": True,
    "image_mean": [0.485, 0.456, 0.406],
    "image_processor_type": "SegformerImageProcessor",
    "image_std": [0.229, 0.224, 0.225],
    "resample": 2,
    "rescale_factor": 1 / 255,
    "size": {"height": 512, "width": 512},
}
"""Image processor settings of the published UperNet checkpoints: every photograph becomes 512 x 512."""

SHORT_SIDE: Mapping[str, Mapping[str, Any]] = {
    "oneformer": {
        **SQUARE,
        "image_processor_type": "OneFormerImageProcessor",
        "size": {"shortest_edge": 512, "longest_edge": 2048},
    },
    "maskformer": {
        **SQUARE,
        "image_processor_type": "MaskFormerImageProcessor",
        "size": {"shortest_edge": 512, "longest_edge": 2048},
        "size_divisor": 32,
    },
}
"""The same of OneFormer and MaskFormer with small backbones on ADE20K: the short side becomes 512."""

_LONG = {"shortest_edge": 640, "longest_edge": 2560}
_COCO_CLASSES = (*COCO_THINGS, *COCO_STUFF)
_COCO = {"shortest_edge": 800, "longest_edge": 1333}
_SIDES = {"tiny": {}, "small": {}, "base": {"size": _LONG}, "large": {"size": _LONG}}
"""What the larger backbones were trained at."""


_EOMT: Mapping[str, tuple[int, int, int, int]] = {
    "small": (384, 12, 6, 3),
    "base": (768, 12, 12, 3),
    "large": (1024, 24, 16, 4),
    "giant": (1536, 40, 24, 5),
}
"""Channels, blocks, heads, and the blocks that carry queries; the largest has gated feed-forward layers."""

SQUARES: Mapping[str, Any] = {
    "do_normalize": True,
    "do_pad": False,
    "do_rescale": True,
    "do_resize": True,
    "do_split_image": True,
    "image_mean": [0.485, 0.456, 0.406],
    "image_processor_type": "EomtImageProcessor",
    "image_std": [0.229, 0.224, 0.225],
    "resample": 2,
    "rescale_factor": 1 / 255,
    "size": {"shortest_edge": 512, "longest_edge": None},
}
"""Image processor settings of the published EoMT for ADE20K: overlapping squares along the longer side."""
PADDED: Mapping[str, Any] = {
    **SQUARES,
    "do_pad": True,
    "do_split_image": False,
    "size": {"shortest_edge": 640, "longest_edge": 640},
}
"""Of those for COCO: the whole photograph, padded to a square."""


def labelled(names: tuple[str, ...]) -> dict[str, Any]:
    """A configuration's fields for classes of these names, each by its first one."""
    labels = {index: name.split(",")[0] for index, name in enumerate(names)}
    return {"id2label": labels, "label2id": {label: index for index, label in labels.items()}}


def _upernet(backbone: Any, third: int) -> Any:
    """The configuration of a UperNet for ADE20K; ``third`` are the channels of the backbone's third stage."""
    from transformers import UperNetConfig

    return UperNetConfig(
        backbone_config=backbone,
        hidden_size=512,
        auxiliary_in_channels=third,
        auxiliary_channels=256,
        **labelled(ADE20K),
    )


def _convnext(size: str) -> Any:
    from transformers import ConvNextConfig

    depths, channels = _CONVNEXT[size]
    return _upernet(ConvNextConfig(depths=depths, hidden_sizes=channels, out_features=STAGES), channels[2])


def _swin(fields: Mapping[str, Any]) -> Any:
    from transformers import SwinConfig

    return _upernet(SwinConfig(**fields, out_features=STAGES, drop_path_rate=0.3), 4 * fields["embed_dim"])


def _oneformer(fields: Mapping[str, Any], classes: tuple[str, ...], queries: int) -> Any:
    """Its defaults are the published ones (Jain et al., CVPR 2023, appendix), but for the number of queries."""
    from transformers import OneFormerConfig, SwinConfig

    backbone = SwinConfig(**fields, out_features=STAGES, drop_path_rate=0.3)
    return OneFormerConfig(backbone_config=backbone, num_queries=queries, **labelled(classes))


def _maskformer(fields: Mapping[str, Any], classes: tuple[str, ...]) -> Any:
    """(Cheng et al., NeurIPS 2021, section 4.1): 100 queries and six layers, which are the library's defaults."""
    from transformers import MaskFormerConfig, SwinConfig

    backbone = SwinConfig(**fields, out_features=STAGES, drop_path_rate=0.3)
    return MaskFormerConfig(backbone_config=backbone, **labelled(classes))


def _told(swins: Mapping[str, Mapping[str, Any]]) -> dict[str, tuple[Callable[[], Any], Mapping[str, Any]]]:
    """OneFormer and MaskFormer, in the sizes that were published."""
    one, mask = SHORT_SIDE["oneformer"], SHORT_SIDE["maskformer"]
    return {
        "oneformer-swin-tiny-ade": (partial(_oneformer, swins["tiny"], ADE20K, 150), one),
        "oneformer-swin-large-ade": (partial(_oneformer, swins["large"], ADE20K, 250), {**one, "size": _LONG}),
        "oneformer-swin-large-coco": (
            partial(_oneformer, swins["large"], _COCO_CLASSES, 150),
            {**one, "size": _COCO},
        ),
        **{
            f"maskformer-swin-{size}-ade": (partial(_maskformer, fields, ADE20K), {**mask, **_SIDES[size]})
            for size, fields in swins.items()
        },
        **{
            f"maskformer-swin-{size}-coco": (
                partial(_maskformer, fields, _COCO_CLASSES),
                {**mask, "size": _COCO},
            )
            for size, fields in swins.items()
        },
    }


def _eomt(size: str, names: tuple[str, ...], side: int, queries: int) -> Any:
    from transformers import EomtConfig

    channels, blocks, heads, carrying = _EOMT[size]
    return EomtConfig(
        hidden_size=channels,
        num_hidden_layers=blocks,
        num_attention_heads=heads,
        num_blocks=carrying,
        image_size=side,
        patch_size=16,
        num_queries=queries,
        use_swiglu_ffn=size == "giant",
        **labelled(names),
    )


def relatives(swins: Mapping[str, Mapping[str, Any]]) -> dict[str, tuple[Callable[[], Any], Mapping[str, Any]]]:
    """By architecture's name: what makes its configuration, and its image processor's settings."""
    return {
        **{f"upernet-convnext-{size}": (partial(_convnext, size), SQUARE) for size in _CONVNEXT},
        **{f"upernet-swin-{size}": (partial(_swin, fields), SQUARE) for size, fields in swins.items()},
        **_told(swins),
        "eomt-large-ade-semantic": (partial(_eomt, "large", ADE20K, 512, 100), SQUARES),
        **{f"eomt-{size}-coco-panoptic": (partial(_eomt, size, _COCO_CLASSES, 640, 200), PADDED) for size in _EOMT},
        **{
            f"eomt-{size}-coco-panoptic-1280": (
                partial(_eomt, size, _COCO_CLASSES, 1280, 200),
                {**PADDED, "size": {"shortest_edge": 1280, "longest_edge": 1280}},
            )
            for size in ("large", "giant")
        },
    }
