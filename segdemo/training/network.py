"""The network as it is trained: a Mask2Former, an auxiliary pixel head, and the losses of one batch."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from segdemo.labels import NOTHING, VOID
from segdemo.training.criterion import LossWeights, MaskCriterion, Targets


class TrainingNetwork(nn.Module):
    """A Mask2Former together with what only training needs.

    ``depth`` is ``"all"`` for every decoder layer, or ``"initial"`` for the backbone, the pixel decoder and the
    initial prediction alone, which is much cheaper while the features are still being learned. ``merge`` joins the
    objects of each class in the targets.
    """

    def __init__(self, network: Any, weights: LossWeights, *, depth: str = "all", merge: bool = False) -> None:
        super().__init__()
        self.network = network
        self.pixel_head = nn.Conv2d(network.config.mask_feature_size, network.config.num_labels + 1, 1)
        self.criterion = MaskCriterion(weights)
        self.merge = merge
        self.train_to(depth)

    def train_to(self, depth: str) -> None:
        """Choose how deep to train; what then gets no gradient is frozen, as data-parallel training requires."""
        self.depth = depth
        transformer = self.network.model.transformer_module
        idle = [transformer.decoder.layers, transformer.queries_embedder, transformer.level_embed]
        for module in (*idle, transformer.input_projections):
            module.requires_grad_(depth == "all")

    def forward(self, pixel_values: Tensor, segments: Tensor, classes: list[Tensor]) -> dict[str, Tensor]:
        """Return ``loss`` and, detached, its parts; shapes as in ``Targets``, ``pixel_values`` (B, 3, H, W)."""
        targets = Targets(segments, classes)
        if self.merge:
            targets = targets.merged()
        features, masks, names = self.predictions(pixel_values)
        parts = self.criterion(masks, names, targets)
        if self.criterion.weights.pixels:
            parts["pixels"] = self.criterion.weights.pixels * self._pixel_loss(features, targets.labels)
        loss = torch.stack(list(parts.values())).sum()
        return {"loss": loss, **{name: part.detach() for name, part in parts.items()}}

    def _pixel_loss(self, features: Tensor, labels: Tensor) -> Tensor:
        """Mean cross-entropy of the 1x1 classifier, whose last class is none of the others."""
        wanted = torch.where(labels == NOTHING, self.pixel_head.out_channels - 1, labels).clamp(min=VOID)
        entropy = F.cross_entropy(self.pixel_head(features).float(), wanted, ignore_index=VOID, reduction="sum")
        return entropy / (wanted != VOID).sum().clamp(min=1)

    def predictions(self, pixel_values: Tensor) -> tuple[Tensor, list[Tensor], list[Tensor]]:
        """Return the mask features (B, D, h, w) and every trained layer's mask and class logits."""
        model = self.network.model
        pixels = model.pixel_level_module(pixel_values=pixel_values)
        features = pixels.decoder_last_hidden_state
        transformer = model.transformer_module
        if self.depth == "initial":
            decoder = transformer.decoder
            queries = decoder.layernorm(transformer.queries_features.weight)[None].expand(len(features), -1, -1)
            embedded = decoder.mask_predictor.mask_embedder(queries)
            masks = [torch.einsum("bqc,bchw->bqhw", embedded, features)]
            return features, masks, [self.network.class_predictor(queries)]
        output = transformer(
            multi_scale_features=pixels.decoder_hidden_states, mask_features=features, output_hidden_states=True
        )
        names = [self.network.class_predictor(state.transpose(0, 1)) for state in output.intermediate_hidden_states]
        return features, list(output.masks_queries_logits), names


def to_inputs(image: Any, mean: Any, std: Any) -> Tensor:
    """Normalise uint8 (..., H, W, 3) RGB to float32 (..., 3, H, W) with the processor's mean and deviation."""
    values = torch.as_tensor(image).movedim(-1, -3).float() / 255
    shape = (3, 1, 1)
    return (values - torch.tensor(mean).view(shape)) / torch.tensor(std).view(shape)


def parts_of(outputs: Mapping[str, Tensor]) -> dict[str, float]:
    """Return the loss parts as plain numbers."""
    return {name: float(value) for name, value in outputs.items() if name != "loss"}
