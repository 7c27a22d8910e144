"""What is published of the networks that this demo runs: data, kind, size, quality and where that is stated.

Figures are those of the authors' own tables, at one scale, on the validation set; what they do not state is left out.
"""

from typing import Literal, NamedTuple

Kind = Literal["semantic", "panoptic", "instance"]


class Published(NamedTuple):
    """A checkpoint on the hub."""

    id: str
    title: str
    kind: Kind
    """What it is used for unless somebody says otherwise."""
    data: str
    family: str
    millions: int
    """Parameters, counted by building the network as it runs."""
    quality: str = ""


CLASSES: dict[str, str] = {
    "ADE20K": "150 classes of indoor and outdoor scenes",
    "COCO": "133 classes of everyday scenes, 80 of them things",
    "COCO instances": "80 things of everyday scenes",
    "Cityscapes": "19 classes of streets, 8 of them things",
    "Cityscapes instances": "8 things of streets",
}
FAMILIES: dict[str, str] = {
    "mask2former": "Mask2Former",
    "oneformer": "OneFormer",
    "maskformer": "MaskFormer",
    "upernet": "UperNet",
    "eomt": "EoMT",
}
"""By ``model_type``: what people call it."""
SOURCES: dict[str, str] = {
    "Mask2Former": "MODEL_ZOO.md of facebookresearch/Mask2Former",
    "OneFormer": "README.md of SHI-Labs/OneFormer",
    "MaskFormer": "MODEL_ZOO.md of facebookresearch/MaskFormer",
    "UperNet": "configs/convnext and configs/swin of open-mmlab/mmsegmentation",
    "EoMT": "model_zoo/dinov2.md of tue-mps/eomt",
}
"""Where the figures of a family are stated."""
OFFERS: dict[str, str] = {
    "Mask2Former": "Queries, layers, attention and features can be looked at.",
    "OneFormer": "Told before it looks to separate classes, things or both: queries, layers, attention and features.",
    "MaskFormer": "The ancestor of Mask2Former: queries, layers, plain attention and features.",
    "UperNet": "It decides every pixel on its own: class scores and features, no queries.",
    "EoMT": "A plain vision transformer on a fixed grid: queries, the layers that carry them, attention and features.",
}
TERMS: dict[str, str] = {
    "Mask2Former": "CC BY-NC 4.0 by the authors' model zoo; see the model card.",
    "MaskFormer": "CC BY-NC 4.0 by the authors' model zoo; see the model card.",
}
"""The terms of the weights, where the table of figures states them; else the model card's."""
MODEL_CARD = "See the model card."

_SIZES = {"tiny": 47, "small": 69, "base": 107, "large": 215}
_MASKFORMER = {"tiny": 42, "small": 63, "base": 102, "large": 212}
_UPERNET = {
    "convnext": {"tiny": 60, "small": 82, "base": 122, "large": 235, "xlarge": 391},
    "swin": {"tiny": 60, "small": 81, "base": 121, "large": 234},
}
_MASK2FORMER: dict[tuple[str, Kind], tuple[str, dict[str, float]]] = {
    ("ade", "semantic"): ("mIoU", {"tiny": 47.7, "small": 51.3, "large": 56.1}),
    ("ade", "panoptic"): ("PQ", {"large": 48.1}),
    ("coco", "panoptic"): ("PQ", {"tiny": 53.2, "small": 54.6, "large": 57.8}),
    ("coco", "instance"): ("AP", {"tiny": 45.0, "small": 46.3, "large": 50.1}),
    ("cityscapes", "semantic"): ("mIoU", {"tiny": 82.1, "small": 82.6, "base": 83.3, "large": 83.3}),
    ("cityscapes", "instance"): ("AP", {"tiny": 39.7, "small": 41.8, "base": 42.0, "large": 43.7}),
    ("cityscapes", "panoptic"): ("PQ", {"tiny": 63.9, "small": 64.8, "base": 66.1, "large": 66.6}),
}
"""Of the base size on ADE20K and COCO the table has two, and the hub's name does not say which it is."""
_DATA = {"ade": "ADE20K", "coco": "COCO", "cityscapes": "Cityscapes"}


def _mask2former(data: str, kind: Kind, *sizes: str) -> tuple[Published, ...]:
    measure, figures = _MASK2FORMER[data, kind]
    table = _DATA[data] + (" instances" if kind == "instance" else "")
    return tuple(
        Published(
            f"facebook/mask2former-swin-{size}-{data}-{kind}",
            f"Mask2Former Swin-{size[0].upper()}, {_DATA[data]} {kind}",
            kind,
            table,
            "Mask2Former",
            _SIZES[size],
            f"{figures[size]} {measure}" if size in figures else "",
        )
        for size in sizes
    )


def _maskformer(data: str, kind: Kind, measure: str, figures: dict[str, float]) -> tuple[Published, ...]:
    return tuple(
        Published(
            f"facebook/maskformer-swin-{size}-{data}",
            f"MaskFormer Swin-{size[0].upper()}, {_DATA[data]} {kind}",
            kind,
            _DATA[data],
            "MaskFormer",
            _MASKFORMER[size],
            f"{figure} {measure}",
        )
        for size, figure in figures.items()
    )


def _upernet(backbone: str, name: str, figures: dict[str, float | None]) -> tuple[Published, ...]:
    return tuple(
        Published(
            f"openmmlab/upernet-{backbone}-{size}",
            f"UperNet {name}-{size[0].upper() if size != 'xlarge' else 'XL'}, ADE20K semantic",
            "semantic",
            "ADE20K",
            "UperNet",
            _UPERNET[backbone][size],
            f"{figure} mIoU" if figure is not None else "",
        )
        for size, figure in figures.items()
    )


def _eomt(name: str, title: str, kind: Kind, data: str, millions: int, quality: str) -> Published:
    return Published(f"tue-mps/{name}", f"EoMT {title}", kind, data, "EoMT", millions, quality)


PUBLISHED: tuple[Published, ...] = (
    *_mask2former("ade", "semantic", "large", "base", "small", "tiny"),
    *_mask2former("ade", "panoptic", "large"),
    *_mask2former("coco", "panoptic", "large", "base", "small", "tiny"),
    *_mask2former("coco", "instance", "large", "base", "small", "tiny"),
    *_mask2former("cityscapes", "semantic", "large", "base", "small", "tiny"),
    *_mask2former("cityscapes", "instance", "large", "base", "small", "tiny"),
    *_mask2former("cityscapes", "panoptic", "large", "base", "small", "tiny"),
    Published(
        "shi-labs/oneformer_ade20k_swin_large",
        "OneFormer Swin-L, ADE20K",
        "semantic",
        "ADE20K",
        "OneFormer",
        219,
        "57.0 mIoU, 49.8 PQ, 35.9 AP",
    ),
    Published("shi-labs/oneformer_ade20k_swin_tiny", "OneFormer Swin-T, ADE20K", "semantic", "ADE20K", "OneFormer", 51),
    Published(
        "shi-labs/oneformer_coco_swin_large",
        "OneFormer Swin-L, COCO",
        "panoptic",
        "COCO",
        "OneFormer",
        219,
        "57.9 PQ, 49.0 AP, 67.4 mIoU",
    ),
    *_upernet("convnext", "ConvNeXt", {"tiny": 46.11, "small": 48.56, "base": None, "large": 53.16, "xlarge": 53.58}),
    *_upernet("swin", "Swin", {"tiny": 44.41, "small": 47.72, "base": None, "large": None}),
    _eomt("ade20k_semantic_eomt_large_512", "ViT-L 512, ADE20K semantic", "semantic", "ADE20K", 316, "58.4 mIoU"),
    _eomt("coco_panoptic_eomt_small_640_2x", "ViT-S 640, COCO panoptic", "panoptic", "COCO", 24, "46.7 PQ"),
    _eomt("coco_panoptic_eomt_base_640_2x", "ViT-B 640, COCO panoptic", "panoptic", "COCO", 94, "51.6 PQ"),
    _eomt("coco_panoptic_eomt_large_640", "ViT-L 640, COCO panoptic", "panoptic", "COCO", 317, "56.0 PQ"),
    _eomt("coco_panoptic_eomt_giant_640", "ViT-g 640, COCO panoptic", "panoptic", "COCO", 1164, "57.0 PQ"),
    _eomt("coco_panoptic_eomt_large_1280", "ViT-L 1280, COCO panoptic", "panoptic", "COCO", 322, "58.3 PQ"),
    _eomt("coco_panoptic_eomt_giant_1280", "ViT-g 1280, COCO panoptic", "panoptic", "COCO", 1171, "59.2 PQ"),
    *_maskformer("ade", "semantic", "mIoU", {"tiny": 46.7, "small": 49.8, "base": 52.7, "large": 54.1}),
    *_maskformer("coco", "panoptic", "PQ", {"tiny": 47.7, "small": 49.7, "base": 51.8, "large": 52.7}),
)


def quality_sentence(entry: Published) -> str:
    """The published quality with its source; empty where there is none."""
    if not entry.quality:
        return ""
    data = entry.data.partition(" ")[0]
    return f"Published: {entry.quality} (in percent) on {data}'s validation set ({SOURCES[entry.family]})."
