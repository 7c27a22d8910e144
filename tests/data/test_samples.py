"""Segments from labels, and random crops of them."""

import numpy as np
import pytest

from segdemo.data.samples import Augmentation, Sample, split_segments
from segdemo.labels import NOTHING, VOID
from segdemo.training.mixing import DrawnCrops


def test_things_fall_into_components_and_stuff_does_not() -> None:
    labels = np.full((12, 30), VOID)
    labels[:, :4] = labels[:, 26:] = 0
    labels[:, 8:12] = labels[:, 16:20] = 1
    segments, classes = split_segments(labels, frozenset({1}))
    assert classes.tolist() == [0, 1, 1]
    assert np.unique(segments[labels == 0]).tolist() == [1]
    assert np.unique(segments[:, 8:12]).tolist() == [2]
    assert np.unique(segments[:, 16:20]).tolist() == [3]
    assert np.unique(segments[labels == VOID]).tolist() == [0]


def test_regions_tell_touching_objects_apart_and_small_ones_are_kept() -> None:
    labels = np.ones((10, 10), np.uint8)
    regions = np.zeros((10, 10), np.uint8)
    regions[:, 5:] = 7
    regions[0, 0] = 3
    segments, classes = split_segments(labels, frozenset({1}), regions=regions)
    assert classes.tolist() == [1, 1, 1]
    assert len({segments[5, 2], segments[5, 7], segments[0, 0]}) == 3


def test_what_the_regions_cover_beyond_the_class_is_not_its() -> None:
    labels = np.array([[0, 0, 1, 1]])
    regions = np.array([[4, 4, 4, 9]])
    segments, classes = split_segments(labels, frozenset({1}), regions=regions)
    assert segments.tolist() == [[1, 1, 2, 3]]
    assert classes.tolist() == [0, 1, 1]


def halves() -> Sample:
    """Left half red and class 5, right half blue and class 2, lower right corner without label."""
    image = np.zeros((64, 96, 3), np.uint8)
    image[:, :48, 0], image[:, 48:, 2] = 255, 255
    segments = np.ones((64, 96), np.uint16)
    segments[:, 48:] = 2
    segments[48:, 72:] = 0
    return Sample("halves", image, segments, np.array([5, 2]))


def test_labels_of_a_sample() -> None:
    labels = halves().labels
    assert (labels[0, 0], labels[0, 95], labels[63, 95]) == (5, 2, VOID)


def test_labels_have_no_largest_class_and_crowds_have_none() -> None:
    segments = np.array([[1, 2, 3, 0]], np.uint16)
    sample = Sample(
        "many", np.zeros((1, 4, 3), np.uint8), segments, np.array([300, 7, NOTHING]), np.array([0, 1, 0], bool)
    )
    assert sample.labels.tolist() == [[300, VOID, NOTHING, VOID]]
    assert sample.areas == {300: 1}


def test_crowds_and_specks_have_no_label_in_a_crop_and_what_is_known_to_be_nothing_has_one() -> None:
    segments = np.full((40, 40), 1, np.uint16)
    segments[:, 20:] = 2
    segments[:3, :3] = 3
    classes, crowd = np.array([NOTHING, 4, 9]), np.array([False, True, False])
    sample = Sample("x", np.zeros((40, 40, 3), np.uint8), segments, classes, crowd)
    crop = Augmentation(crop=48, short_side=(40, 40), rotate=0, stretch=0, flip=False)(sample, np.random.default_rng(0))
    assert crop.classes.tolist() == [NOTHING]
    assert set(np.unique(crop.segments)) == {0, 1}
    assert (crop.segments == 1).mean() == pytest.approx(20 * 40 / 48**2, abs=0.05)


@pytest.mark.parametrize("seed", range(8))
def test_picture_and_segments_stay_together(seed: int) -> None:
    augmentation = Augmentation(crop=64, short_side=(48, 128), colour=0.0)
    crop = augmentation(halves(), np.random.default_rng(seed))
    assert crop.image.shape == (64, 64, 3)
    assert crop.segments.shape == (16, 16)
    names = np.concatenate([[-1], crop.classes])[crop.segments]
    # The colour at the centre of each mask pixel says which half it is from; borders are mixed, so leave them out.
    centres = (crop.image[1::4, 1::4].astype(int) + crop.image[2::4, 2::4]) // 2
    red, blue = centres[..., 0] > 250, centres[..., 2] > 250
    assert (names[red & (names >= 0)] == 5).all()
    assert (names[blue & (names >= 0)] == 2).all()
    assert (red | blue).any()


def test_masks_that_become_empty_are_dropped() -> None:
    sample = halves()
    found = set()
    for seed in range(20):
        crop = Augmentation(crop=32, short_side=(256, 256))(sample, np.random.default_rng(seed))
        found.add(tuple(crop.classes.tolist()))
        assert set(np.unique(crop.segments)) - {0} == set(range(1, len(crop.classes) + 1))
    assert (5,) in found
    assert (2,) in found


def test_a_focus_brings_the_class_into_the_crop() -> None:
    image = np.zeros((100, 300, 3), np.uint8)
    segments = np.ones((100, 300), np.uint16)
    segments[40:60, 280:298] = 2
    sample = Sample("rare", image, segments, np.array([0, 9]))
    augmentation = Augmentation(crop=64, short_side=(96, 100))
    hits = sum(9 in augmentation(sample, np.random.default_rng(seed), focus=9).classes for seed in range(20))
    assert hits >= 16


class Listed(list[Sample]):
    """Samples as a data set has them."""

    def areas(self) -> list[dict[int, int]]:
        return [sample.areas for sample in self]


def test_examples_depend_on_seed_and_index_only() -> None:
    augmentation = Augmentation(crop=32, short_side=(64, 96))
    one = DrawnCrops({"a": Listed([halves()])}, augmentation, length=10, seed=1)
    two = DrawnCrops({"a": Listed([halves()])}, augmentation, length=50, seed=1)
    other = DrawnCrops({"a": Listed([halves()])}, augmentation, length=10, seed=2)
    assert len(one) == 10
    np.testing.assert_array_equal(one[7].image, two[7].image)
    np.testing.assert_array_equal(one[7].segments, two[7].segments)
    assert not np.array_equal(one[7].image, other[7].image)


def test_sources_are_mixed_by_their_shares_and_rare_classes_drawn_more_often() -> None:
    def plain(index: int) -> Sample:
        return Sample(str(index), np.zeros((32, 32, 3), np.uint8), np.ones((32, 32), np.uint16), np.array([index]))

    common = [plain(0) for _ in range(80)]
    sources = {"many": Listed([*common, plain(1)]), "few": Listed([plain(2)])}
    augmentation = Augmentation(crop=16, short_side=(32, 32))

    def shares(balance: float) -> np.ndarray:
        examples = DrawnCrops(sources, augmentation, length=400, mix={"many": 3, "few": 1}, balance=balance)
        drawn = [int(examples[number].classes[0]) for number in range(400)]
        return np.bincount(drawn, minlength=3) / 400

    even, balanced = shares(0.0), shares(1.0)
    assert even[2] == pytest.approx(0.25, abs=0.07)
    assert balanced[2] == pytest.approx(0.25, abs=0.07)
    assert even[1] < 0.05
    # 80 times fewer pixels: drawn 80 ** 0.25 = 3 times as often, so three quarters of this source's share.
    assert balanced[1] == pytest.approx(0.75 * 0.75, abs=0.08)
