"""Panoptic quality, worked by hand and against torchmetrics."""

import numpy as np
import pytest

from segdemo.evaluation import PanopticQuality
from tests.evaluation.pictures import CLASSES, panoptic_pictures


def row(text: str) -> np.ndarray:
    """Segment ids of one row of pixels, a digit each."""
    return np.array([[int(digit) for digit in text]])


def measure(truth, truth_classes, found, found_classes, classes=3, crowds=()):
    quality = PanopticQuality(classes)
    quality.add(row(truth), truth_classes, row(found), found_classes, crowds=crowds)
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


def test_a_crowd_excuses_its_own_class_alone():
    # Segments 2 and 3 lie in crowd 2 of class 0: only that of class 0 is no invention.
    quality = measure("1112222222", {1: 0, 2: 0}, "1112220333", {1: 0, 2: 0, 3: 1}, crowds={2})
    assert quality.by_class[0].pq == 1
    assert quality.counts[:, 1].tolist() == [0, 1, 0]


def test_a_crowd_is_neither_matched_nor_missed_nor_taken_out_of_a_union():
    assert measure("2222", {2: 0}, "1111", {1: 0}, crowds={2}).by_class == {}
    assert measure("2222", {2: 0}, "0000", {}, crowds={2}).by_class == {}
    # Ten pixels of the object, found with eight more that lie in the crowd: 10 of 18.
    spilt = measure("1" * 10 + "2" * 10, {1: 0, 2: 0}, "1" * 18 + "00", {1: 0}, crowds={2})
    assert spilt.by_class[0].pq == pytest.approx(10 / 18)


def test_what_lies_in_a_crowd_and_in_no_label_together_is_excused():
    # Two pixels in the crowd and one without a label are three of five; in two crowds of one class, four of five.
    excused = measure("22110", {1: 1, 2: 0}, "33333", {3: 0}, crowds={2})
    assert 0 not in excused.by_class
    assert 0 not in measure("22331", {1: 1, 2: 0, 3: 0}, "44444", {4: 0}, crowds={2, 3}).by_class


def test_what_is_none_of_the_classes_is_not_missed_and_excuses_nothing():
    quality = measure("1122", {1: 0}, "1133", {1: 0, 3: 1})
    assert quality.by_class[0].pq == 1
    assert quality.counts[:, 1].tolist() == [0, 1, 0]


def test_is_panopticapi_with_crowds():
    """Figures of panopticapi's ``pq_compute_single_core``, commit 7bb4655548f98f3fedc07bf37e9040a992b054b0."""
    ours = PanopticQuality(CLASSES)
    for picture in panoptic_pictures():
        ours.add(picture.truth, picture.truth_classes, picture.found, picture.found_classes, crowds=picture.crowds)
    assert ours.counts.tolist() == [[7, 9, 3, 8, 7], [24, 21, 21, 12, 13], [23, 17, 12, 4, 5]]
    by_class = [(value.pq, value.sq) for value in ours.by_class.values()]
    assert by_class == [
        pytest.approx(pair, abs=1e-6)
        for pair in (
            (0.162324, 0.707270),
            (0.222429, 0.692000),
            (0.116676, 0.758391),
            (0.328450, 0.656900),
            (0.265578, 0.607036),
        )
    ]
    for chosen, expected in (
        (None, (0.219091, 0.684320, 0.328457)),
        ({0, 1, 2}, (0.167143, 0.719221, 0.234928)),
        ({3, 4}, (0.297014, 0.631968, 0.468750)),
    ):
        mean = ours.mean(chosen)
        assert (mean.pq, mean.sq, mean.rq) == pytest.approx(expected, abs=1e-6)


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


def test_is_what_panopticapi_and_cityscapesscripts_say():
    """Their own figures for these pictures, written down: panopticapi at 7bb4655548f9, cityscapesscripts 2.3.0."""
    quality = PanopticQuality(CLASSES)
    for picture in panoptic_pictures():
        quality.add(picture.truth, picture.truth_classes, picture.found, picture.found_classes, crowds=picture.crowds)
    assert quality.counts.T.tolist() == [[7, 24, 23], [9, 21, 17], [3, 21, 12], [8, 12, 4], [7, 13, 5]]
    for classes, pq, sq, rq in (
        (None, 0.21909136297703977, 0.6843195585268068, 0.32845658439920733),
        ({0, 1, 2}, 0.16714283416294987, 0.7192205595752444, 0.23492764066534558),
        ({3, 4}, 0.2970141561981746, 0.6319680569541504, 0.46875),
    ):
        mean = quality.mean(classes)
        assert (mean.pq, mean.sq, mean.rq) == pytest.approx((pq, sq, rq), abs=1e-12)


def by_sets(pictures):
    """The procedure of section 4 with sets of pixels, as panopticapi goes about it: counts (3, C), sums of IoU (C,)."""
    counts, sums = np.zeros((3, CLASSES), int), np.zeros(CLASSES)
    for picture in pictures:
        true, found = (
            {number: set(np.flatnonzero(ids == number).tolist()) for number in np.unique(ids).tolist()}
            for ids in (picture.truth, picture.found)
        )
        unlabelled = true.get(0, set())
        matched = set()
        for number, pixels in true.items():
            if number == 0 or number in picture.crowds:
                continue
            category = picture.truth_classes[number]
            for other, guessed in found.items():
                if other == 0 or picture.found_classes[other] != category:
                    continue
                iou = len(pixels & guessed) / len(pixels | guessed - unlabelled)
                if iou > 0.5:
                    matched.add(other)
                    counts[0, category] += 1
                    sums[category] += iou
                    break
            else:
                counts[2, category] += 1
        for other, guessed in found.items():
            if other and other not in matched:
                category = picture.found_classes[other]
                crowds = [true[crowd] for crowd in picture.crowds if picture.truth_classes[crowd] == category]
                excused = guessed & unlabelled.union(*crowds)
                counts[1, category] += len(excused) <= len(guessed) / 2
    return counts, sums


def test_is_the_procedure_with_sets_of_pixels():
    pictures = panoptic_pictures(40)
    ours = PanopticQuality(CLASSES)
    for picture in pictures:
        ours.add(picture.truth, picture.truth_classes, picture.found, picture.found_classes, crowds=picture.crowds)
    counts, sums = by_sets(pictures)
    np.testing.assert_array_equal(ours.counts, counts)
    np.testing.assert_allclose(ours.iou, sums, rtol=1e-12)
    assert counts.min() > 0
    assert any(picture.crowds for picture in pictures)
