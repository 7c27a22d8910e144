"""The losses against hand-worked cases and against the library's own criterion."""

import math

import pytest
import torch
from torch import Tensor

from segdemo.labels import NOTHING
from segdemo.training.criterion import LossWeights, MaskCriterion, Targets, semantic_loss


def perfect(targets: Targets, queries: int, classes: int) -> tuple[Tensor, Tensor]:
    """Confident masks and classes that are right, in reverse query order."""
    batch, height, width = targets.segments.shape
    masks = torch.full((batch, queries, height, width), -30.0)
    names = torch.zeros(batch, queries, classes + 1)
    names[..., -1] = 30.0
    for picture, wanted in enumerate(targets.classes):
        for number, index in enumerate(wanted.tolist()):
            query = queries - 1 - number
            masks[picture, query][targets.segments[picture] == number + 1] = 30.0
            names[picture, query] = 0.0
            names[picture, query, index] = 30.0
    return masks, names


@pytest.fixture
def targets() -> Targets:
    segments = torch.tensor([[[1, 1, 2, 2], [1, 1, 2, 0]], [[1, 1, 1, 1], [2, 2, 3, 3]]])
    return Targets(segments, [torch.tensor([4, 0]), torch.tensor([1, 2, 2])])


def test_a_perfect_prediction_costs_nothing_in_any_order(targets: Targets) -> None:
    masks, names = perfect(targets, queries=5, classes=6)
    parts = MaskCriterion(LossWeights(semantic=1.0))([masks, masks], [names, names], targets)
    assert set(parts) == {"classes", "mask", "dice", "semantic"}
    for part in parts.values():
        assert float(part) == pytest.approx(0.0, abs=1e-5)


def test_unlabelled_pixels_do_not_count(targets: Targets) -> None:
    masks, names = perfect(targets, queries=5, classes=6)
    masks[0, :, 1, 3] = 30.0
    parts = MaskCriterion(LossWeights(semantic=1.0))([masks], [names], targets)
    for part in parts.values():
        assert float(part) == pytest.approx(0.0, abs=1e-5)


def test_parts_of_one_query_by_hand() -> None:
    targets = Targets(torch.tensor([[[1, 1], [0, 0]]]), [torch.tensor([0])])
    masks = torch.tensor([[[[math.log(3.0), 0.0], [9.0, 9.0]]]])
    names = torch.tensor([[[math.log(3.0), 0.0]]])
    parts = MaskCriterion(LossWeights(classes=1.0, mask=1.0, dice=1.0))([masks], [names], targets)
    # Mask probabilities 3/4 and 1/2 where both should be 1; class probability 3/4.
    assert float(parts["classes"]) == pytest.approx(-math.log(0.75))
    assert float(parts["mask"]) == pytest.approx(-(math.log(0.75) + math.log(0.5)) / 2)
    assert float(parts["dice"]) == pytest.approx(1 - (2 * 1.25 + 1) / (1.25 + 2 + 1))


def test_parts_agree_with_the_library_where_it_looks_at_the_same_pixels() -> None:
    from transformers.models.mask2former.modeling_mask2former import dice_loss, sigmoid_cross_entropy_loss

    torch.manual_seed(0)
    segments = torch.randint(1, 4, (2, 8, 8))
    targets = Targets(segments, [torch.tensor([0, 1, 2]), torch.tensor([3, 3, 1])])
    masks, names = torch.randn(2, 3, 8, 8), torch.randn(2, 3, 5)
    # As many queries as segments, and a class cost that fixes the matching: query k is segment k.
    names[torch.arange(2)[:, None], torch.arange(3), torch.stack(targets.classes)] += 50.0
    weights = LossWeights(classes=100.0, mask=1.0, dice=1.0)
    masks += 8.0 * (segments[:, None] == torch.arange(1, 4)[None, :, None, None])
    parts = MaskCriterion(weights)([masks], [names], targets)
    wanted = torch.stack([segments == number for number in (1, 2, 3)], 1).float().flatten(0, 1).flatten(1)
    logits = masks.flatten(0, 1).flatten(1)
    assert float(parts["mask"]) == pytest.approx(float(sigmoid_cross_entropy_loss(logits, wanted, 6)), rel=1e-5)
    assert float(parts["dice"]) == pytest.approx(float(dice_loss(logits, wanted, 6)), rel=1e-5)


def test_semantic_loss_is_the_log_of_the_semantic_maps_probability() -> None:
    torch.manual_seed(1)
    masks, names = torch.randn(1, 2, 4, 6), torch.randn(1, 2, 4, 4)
    labels = torch.tensor([[0, 1, 2, -1, 1, 0], [2, 2, -1, -1, 0, 1]])
    scores = torch.einsum("bqc,bqp->bcp", names[0].softmax(-1)[..., :-1], masks[0].sigmoid())
    probabilities = scores / scores.sum(1, keepdim=True)
    expected = [-probabilities[b, c, p].log() for b, row in enumerate(labels) for p, c in enumerate(row) if c >= 0]
    assert float(semantic_loss(masks, names, labels)) == pytest.approx(float(torch.stack(expected).mean()), rel=1e-4)


@pytest.mark.parametrize("part", ["classes", "mask", "dice", "semantic"])
def test_a_weight_multiplies_its_part(part: str) -> None:
    """One query and one segment a picture, so that no weight changes what is matched."""
    generator = torch.Generator().manual_seed(0)
    masks, names = torch.randn(2, 1, 2, 4, generator=generator), torch.randn(2, 1, 7, generator=generator)
    one = Targets(torch.ones(2, 2, 4, dtype=torch.int64), [torch.tensor([4]), torch.tensor([1])])
    weights = {"classes": 2.0, "mask": 5.0, "dice": 5.0, "semantic": 1.0}
    plain = MaskCriterion(LossWeights(**weights))([masks], [names], one)
    double = MaskCriterion(LossWeights(**{**weights, part: 2 * weights[part]}))([masks], [names], one)
    for name, value in plain.items():
        assert float(double[name]) == pytest.approx(float(value) * (2 if name == part else 1), rel=1e-5)


def test_a_batch_without_any_label_still_has_a_loss() -> None:
    targets = Targets(torch.zeros(1, 2, 2, dtype=torch.int64), [torch.zeros(0, dtype=torch.int64)])
    masks = torch.zeros(1, 3, 2, 2, requires_grad=True)
    names = torch.zeros(1, 3, 4, requires_grad=True)
    parts = MaskCriterion(LossWeights(semantic=1.0))([masks], [names], targets)
    assert [parts[name].item() for name in ("mask", "dice", "semantic")] == [0.0, 0.0, 0.0]
    torch.stack(list(parts.values())).sum().backward()
    assert names.grad is not None


def test_merging_joins_the_objects_of_a_class(targets: Targets) -> None:
    merged = targets.merged()
    assert [classes.tolist() for classes in merged.classes] == [[0, 4], [1, 2]]
    assert merged.segments[1].tolist() == [[1, 1, 1, 1], [2, 2, 2, 2]]
    assert torch.equal(merged.labels, targets.labels)
    assert targets.labels[0].tolist() == [[4, 4, 0, 0], [4, 4, 0, -1]]


def test_a_mask_that_reaches_where_nothing_is_costs() -> None:
    segments = torch.tensor([[[1, 1, 2, 2], [1, 1, 2, 2]]])
    objects = Targets(segments, [torch.tensor([3, NOTHING])])
    unknown = Targets(torch.where(segments == 2, 0, segments), [torch.tensor([3])])
    masks, names = torch.full((1, 1, 2, 4), 30.0), torch.zeros(1, 1, 5)
    names[..., 3] = 30.0
    criterion = MaskCriterion(LossWeights(semantic=1.0))
    free, costly = (criterion([masks], [names], wanted) for wanted in (unknown, objects))
    assert all(float(part) == pytest.approx(0.0, abs=1e-4) for part in free.values())
    assert float(costly["mask"]) == pytest.approx(5 * 30 / 2)
    assert float(costly["dice"]) == pytest.approx(5 * (1 - 9 / 13))
    # Right where the object is: 1 / (1 + 0.5); where nothing is: 0.5 / (1 + 0.5).
    assert float(costly["semantic"]) == pytest.approx((math.log(1.5) + math.log(3.0)) / 2, abs=1e-4)


def test_what_is_of_no_class_is_no_target_to_match() -> None:
    targets = Targets(torch.tensor([[[2, 2, 1, 1]]]), [torch.tensor([NOTHING, 1])])
    masks = torch.tensor([[[[30.0, 30.0, -30.0, -30.0]], [[-30.0, -30.0, 30.0, 30.0]]]])
    names = torch.tensor([[[0.0, 30.0, 0.0], [0.0, 0.0, 30.0]]])
    parts = MaskCriterion(LossWeights())([masks], [names], targets)
    assert all(float(part) == pytest.approx(0.0, abs=1e-5) for part in parts.values())


def test_merged_targets_keep_what_is_of_no_class() -> None:
    targets = Targets(torch.tensor([[[1, 2, 3, 0]]]), [torch.tensor([4, NOTHING, 4])]).merged()
    assert targets.labels.tolist() == [[[4, NOTHING, 4, -1]]]
