"""Panoptic quality, worked by hand and against torchmetrics."""

import numpy as np
import pytest

from segdemo.evaluation import PanopticQuality


def row(text: str) -> np.ndarray:
    """Segment ids of one row of pixels, a digit each."""
    return np.array([[int(digit) for digit in text]])


def measure(truth, truth_classes, found, found_classes, classes=3):
    quality = PanopticQuality(classes)
    quality.add(row(truth), truth_classes, row(found), found_classes)
    return quality


def test_a_match_and_a_miss_by_hand():
    # Class 1: IoU 3/4 matches. Class 2: two pixels were missed, and one segment is an invention.
    quality = measure("1111220000", {1: 1, 2: 2}, "1110003333", {1: 1, 3: 2}).by_class
    assert quality[1].pq == pytest.approx(0.75)
    assert (quality[1].sq, quality[1].rq) == pytest.approx((0.75, 1))
    assert quality[2].pq == 0


def test_half_is_not_a_match():
    quality = measure("11110000", {1: 0}, "11000000", {1: 0}).by_class[0]
    assert (quality.pq, quality.sq, quality.rq) == (0, 0, 0)


def test_two_cars_taken_for_one():
    # One of three pixels and one of two: the segment over both has IoU 3/5 with the larger.
    quality = measure("11122", {1: 0, 2: 0}, "11111", {1: 0}).by_class[0]
    assert quality.sq == pytest.approx(0.6)
    assert quality.rq == pytest.approx(1 / 1.5)
    assert quality.pq == pytest.approx(0.6 / 1.5)


def test_the_class_must_be_right():
    quality = measure("1111", {1: 0}, "1111", {1: 1}).by_class
    assert (quality[0].pq, quality[1].pq) == (0, 0)


def test_unlabelled_pixels_leave_the_union():
    assert measure("1100", {1: 0}, "1111", {1: 0}).by_class[0].pq == 1


def test_a_segment_mostly_in_unlabelled_pixels_is_no_invention():
    quality = PanopticQuality(2)
    quality.add(row("1110000"), {1: 0}, row("1112222"), {1: 0, 2: 1})
    assert set(quality.by_class) == {0}
    quality.add(row("111000"), {1: 0}, row("112222"), {1: 0, 2: 1})
    assert set(quality.by_class) == {0}


def test_means_over_things_and_stuff():
    quality = measure("1111220000", {1: 1, 2: 2}, "1110003333", {1: 1, 3: 2})
    assert quality.mean().pq == pytest.approx(0.375)
    assert quality.mean({1}).pq == pytest.approx(0.75)
    assert quality.mean({0}) is None
    assert PanopticQuality(2).mean() is None


def test_pictures_add_up_in_any_grouping():
    first = measure("11122", {1: 0, 2: 0}, "11111", {1: 0})
    second = measure("1111", {1: 0}, "1111", {1: 1})
    merged = first.merge([second])
    np.testing.assert_array_equal(merged.counts, first.counts + second.counts)
    assert merged.iou[0] == pytest.approx(0.6)
    assert first.counts[2, 0] == 1


def test_is_torchmetrics():
    import torch
    from torchmetrics.detection import PanopticQuality as Reference

    rng = np.random.default_rng(2)
    ours, reference = PanopticQuality(5), Reference(things={0, 1, 2}, stuffs={3, 4}, return_sq_and_rq=True)
    for _ in range(4):
        truth = np.repeat(np.repeat(rng.integers(8, size=(5, 5)), 8, axis=0), 8, axis=1)
        found = np.roll(truth, rng.integers(3, size=2), axis=(0, 1))
        # It takes pixels without a predicted segment out of true ones too, which the paper does not: leave none.
        found[(found == 0) | (rng.random(found.shape) < 0.1)] = 8
        found[10:18, 10:30] = 9
        truth_classes = {number: int(rng.integers(3)) for number in range(1, 8)}
        found_classes = {**truth_classes, 8: 3, 9: 4, 3: int(rng.integers(3))}
        ours.add(truth, truth_classes, found, found_classes)
        # Ids of one class are told apart there by the second channel; unknown categories are unlabelled.
        stacked = [
            torch.from_numpy(np.stack([np.vectorize(lambda n, c=classes: c.get(n, 99))(ids), ids], axis=-1))[None]
            for ids, classes in ((found, found_classes), (truth, truth_classes))
        ]
        reference.allow_unknown_preds_category = True
        reference.update(*stacked)
    found_quality = [getattr(ours.mean(), name) for name in ("pq", "sq", "rq")]
    np.testing.assert_allclose(found_quality, reference.compute().numpy(), atol=1e-6)


def test_different_shapes_are_refused():
    with pytest.raises(ValueError, match="alike"):
        PanopticQuality(1).add(np.zeros((2, 2), int), {}, np.zeros((2, 3), int), {})
