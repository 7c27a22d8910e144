"""The losses of mask classification for all decoder layers at once, and the per-pixel ones that help them."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor
from torch.nn import functional as F

from segdemo.data.samples import NO_SEGMENT
from segdemo.labels import NOTHING, VOID
from segdemo.segmentation.semantic import LEAST


@dataclass(frozen=True)
class LossWeights:
    """How much each part counts; 0 switches a part off."""

    classes: float = 2.0
    mask: float = 5.0
    dice: float = 5.0
    no_object: float = 0.1
    """Weight of the "no object" class within ``classes``."""
    pixels: float = 0.0
    """Cross-entropy of a 1x1 classifier on the mask features, an auxiliary head that is not kept."""
    semantic: float = 0.0
    """Negative log of the probability that the semantic map gives the right class, each layer's own."""


@dataclass(frozen=True)
class Targets:
    """What a batch should look like."""

    segments: Tensor
    """int64 (B, h, w); 0 where there is no label, otherwise the 1-based position in the picture's ``classes``."""
    classes: list[Tensor]
    """int64 (S_b,) for each picture; ``NOTHING`` and ``OTHER`` are no targets, but no mask should reach there."""

    @property
    def labels(self) -> Tensor:
        """int64 (B, h, w) class of each pixel, ``NOTHING``, or another negative number where it is not known."""
        rows = [
            torch.cat([classes.new_full((1,), VOID), classes])[segments]
            for segments, classes in zip(self.segments, self.classes, strict=True)
        ]
        return torch.stack(rows)

    def merged(self) -> "Targets":
        """Return the same with the objects of each class joined: semantic targets."""
        segments, classes = [], []
        for ids, names in zip(self.segments, self.classes, strict=True):
            unique, inverse = torch.unique(names, return_inverse=True)
            segments.append(torch.cat([inverse.new_zeros(1), inverse + 1])[ids])
            classes.append(unique)
        return Targets(torch.stack(segments), classes)


class MaskCriterion:
    """Set prediction losses as in Mask2Former (Cheng et al., CVPR 2022), for all layers in one go.

    Differences from the paper, for speed on small crops: masks are compared at every labelled pixel of the mask
    resolution instead of at sampled points, and matching looks at ``match_points`` random pixels. Pixels without a
    label count in no part; those of none of the classes count against every mask.
    """

    def __init__(self, weights: LossWeights, *, match_points: int = 1024) -> None:
        self.weights = weights
        self.match_points = match_points

    def __call__(self, masks: Sequence[Tensor], classes: Sequence[Tensor], targets: Targets) -> dict[str, Tensor]:
        """Return the weighted loss parts, each the mean over layers.

        ``masks`` holds (B, Q, h, w) logits and ``classes`` (B, Q, C + 1) logits for every layer, "no object" last.
        The parts are scalars called ``classes``, ``mask``, ``dice`` and, where weighted, ``semantic``.
        """
        mask_logits = torch.stack(list(masks)).flatten(3)
        class_logits = torch.stack(list(classes))
        flat = targets.segments.flatten(1)
        matches = self._match(mask_logits.detach(), class_logits.detach(), flat, targets.classes)
        parts = self._matched(mask_logits, class_logits, flat, targets.classes, matches)
        if self.weights.semantic:
            labels = targets.labels.flatten(1)
            parts["semantic"] = self.weights.semantic * semantic_loss(mask_logits, class_logits, labels)
        return parts

    @torch.no_grad()
    def _match(
        self, mask_logits: Tensor, class_logits: Tensor, segments: Tensor, classes: list[Tensor]
    ) -> list[tuple[Tensor, Tensor, Tensor, Tensor]]:
        """Return, for each picture, the matched (layer, picture, query, segment) index vectors."""
        layers, _, queries, _ = mask_logits.shape
        weights = self.weights
        found = []
        for picture, names in enumerate(classes):
            targets = torch.nonzero(names >= 0)[:, 0]
            count = len(targets)
            points = torch.nonzero(segments[picture] != NO_SEGMENT)[:, 0]
            if not count or not len(points):
                empty = torch.zeros(0, dtype=torch.int64, device=segments.device)
                found.append((empty, empty, empty, empty))
                continue
            if len(points) > self.match_points:
                points = points[torch.randperm(len(points), device=points.device)[: self.match_points]]
            wanted = F.one_hot(segments[picture, points] - 1, len(names)).float()[:, targets]
            logits = mask_logits[:, picture].index_select(2, points).flatten(0, 1).float()
            scores = logits.sigmoid()
            # sum_p softplus(x) - x t is the binary cross-entropy against every target at once.
            entropy = (F.softplus(logits).sum(1, keepdim=True) - logits @ wanted) / len(points)
            overlap = 2 * scores @ wanted
            dice = 1 - (overlap + 1) / (scores.sum(1, keepdim=True) + wanted.sum(0)[None] + 1)
            named = class_logits[:, picture].float().softmax(-1)[..., names[targets]].flatten(0, 1)
            cost = weights.mask * entropy + weights.dice * dice - weights.classes * named
            table = cost.nan_to_num(1e6, 1e6, 1e6).view(layers, queries, count).cpu().numpy()
            rows, columns = zip(*(linear_sum_assignment(layer) for layer in table), strict=True)
            query = torch.cat([torch.as_tensor(row) for row in rows])
            segment = targets.cpu()[torch.cat([torch.as_tensor(column) for column in columns])]
            layer = torch.arange(layers).repeat_interleave(len(rows[0]))
            found.append((layer, torch.full_like(layer, picture), query, segment))
        return found

    def _matched(
        self,
        mask_logits: Tensor,
        class_logits: Tensor,
        segments: Tensor,
        classes: list[Tensor],
        matches: list[tuple[Tensor, Tensor, Tensor, Tensor]],
    ) -> dict[str, Tensor]:
        layers = len(mask_logits)
        nothing = class_logits.shape[-1] - 1
        layer, picture, query, segment = (torch.cat(column) for column in zip(*matches, strict=True))
        names = torch.cat([names[match[3]] for names, match in zip(classes, matches, strict=True)])
        wanted = torch.full(class_logits.shape[:3], nothing, dtype=torch.int64, device=class_logits.device)
        wanted[layer, picture, query] = names
        balance = torch.ones(nothing + 1, device=class_logits.device)
        balance[-1] = self.weights.no_object
        parts = {
            "classes": self.weights.classes
            * F.cross_entropy(class_logits.flatten(0, 2).float(), wanted.flatten(), balance)
        }
        chosen = mask_logits[layer, picture, query].float()
        labelled = (segments != NO_SEGMENT)[picture].float()
        target = (segments[picture] == segment[:, None] + 1).float()
        total = max(1.0, sum(int((names >= 0).sum()) for names in classes)) * layers
        entropy = F.binary_cross_entropy_with_logits(chosen, target, weight=labelled, reduction="none").sum(1)
        parts["mask"] = self.weights.mask * (entropy / labelled.sum(1).clamp(min=1)).sum() / total
        scores = chosen.sigmoid() * labelled
        dice = 1 - (2 * (scores * target).sum(1) + 1) / (scores.sum(1) + target.sum(1) + 1)
        parts["dice"] = self.weights.dice * dice.sum() / total
        return parts


def semantic_loss(mask_logits: Tensor, class_logits: Tensor, labels: Tensor) -> Tensor:
    """Return the mean negative log probability that the semantic map gives the right class.

    The semantic map scores class c at a pixel with sum_q p_q(c) sigmoid(mask_q); its probability is that score over
    the sum of all classes' scores. Where pixels of a picture are of no class (``NOTHING``), no class is one more, whose
    score is ``LEAST`` everywhere, as in the semantic map. ``mask_logits`` (L, B, Q, P), ``class_logits`` (L, B, Q,
    C + 1), ``labels`` (B, P) class indices, negative for no label. Gathering the right class's column avoids the
    (C, P) score map.
    """
    logits = class_logits.float().softmax(-1)
    masks = mask_logits.float().sigmoid()
    empty = labels == NOTHING
    none = LEAST * empty.any(1)[:, None].float()
    known = (labels >= 0) | empty
    index = labels.clamp(min=0)[None, :, None].expand(len(logits), -1, logits.shape[2], -1)
    right = (logits.gather(3, index) * masks).sum(2)
    every = ((1 - logits[..., -1:]) * masks).sum(2)
    right = torch.where(empty, none, right)
    loss = torch.log(every + none + 1e-6) - torch.log(right + 1e-6)
    return (loss * known).sum() / (known.sum().clamp(min=1) * len(logits))
