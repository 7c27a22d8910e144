"""Kinds of errors: by hand, and the definition done pixel by pixel."""

import math

import cv2
import numpy as np
import pytest

from segdemo.evaluation.errors import FOUND, KINDS, border_distance, counts, error_kinds
from segdemo.evaluation.regions import regions
from segdemo.labels import NOTHING, VOID

GRASS, SKY, CAR, BUS = range(4)
THINGS = {CAR, BUS}


def drawn(*boxes, size=(20, 30), ground=GRASS):
    labels = np.full(size, ground, np.int16)
    for index, top, left, height, width in boxes:
        labels[top : top + height, left : left + width] = index
    return labels


def kinds_of(truth, predicted, **options):
    found = counts(error_kinds(truth, predicted, THINGS, **options))
    return {kind: int(pixels) for kind, pixels in zip(KINDS, found, strict=True) if pixels}


def test_a_missed_and_an_invented_object():
    truth, predicted = drawn((CAR, 2, 2, 6, 6)), drawn((CAR, 12, 20, 5, 5))
    assert kinds_of(truth, predicted) == {"right": 600 - 36 - 25, "missed": 36, "invented": 25}


def test_an_object_called_by_another_name_is_neither():
    truth, predicted = drawn((CAR, 2, 2, 10, 10)), drawn((BUS, 2, 2, 10, 10))
    assert kinds_of(truth, predicted) == {"right": 500, "inside": 16, "boundary": 84}


def test_a_tenth_found_is_still_missed_and_more_is_not():
    truth = drawn((CAR, 5, 5, 10, 10))
    assert kinds_of(truth, drawn((CAR, 5, 5, 1, 10)), width=0) == {"right": 510, "missed": 90}
    assert kinds_of(truth, drawn((CAR, 5, 5, 2, 10)), width=0) == {"right": 520, "inside": 80}


def test_stuff_is_no_object():
    assert kinds_of(drawn((SKY, 5, 5, 9, 9)), drawn(), width=0) == {"right": 519, "inside": 81}


def test_the_band_is_as_many_pixels_wide_on_either_side_as_it_says():
    truth, predicted = drawn((SKY, 0, 0, 20, 15)), drawn(ground=BUS)
    predicted[:] = np.where(truth == GRASS, SKY, GRASS)
    for width in (0, 1, 2, 5):
        assert kinds_of(truth, predicted, width=width).get("boundary", 0) == 2 * width * 20


def test_without_a_label_there_is_no_border_and_no_error():
    truth = drawn((VOID, 0, 10, 20, 3), (SKY, 0, 13, 20, 17))
    assert math.isinf(border_distance(truth)[0, 0])
    assert kinds_of(truth, drawn(ground=SKY)) == {"ignored": 60, "right": 340, "inside": 200}


def test_where_nothing_is_seeing_nothing_is_right():
    truth, predicted = drawn((NOTHING, 0, 0, 20, 15)), drawn((-1, 0, 0, 20, 15))
    assert kinds_of(truth, predicted) == {"right": 600}
    assert kinds_of(truth, drawn((CAR, 5, 5, 4, 4))) == {"right": 300, "invented": 16, "inside": 224, "boundary": 60}


def test_different_shapes_are_refused():
    with pytest.raises(ValueError, match="alike"):
        error_kinds(drawn(), drawn(size=(20, 31)), THINGS)


def noise(seed, size=(26, 34), classes=4, void=0.03):
    """Blobs of classes with some pixels without a label."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(classes, size=(size[0] // 4, size[1] // 4)).astype(np.uint8)
    labels = cv2.resize(coarse, size[::-1], interpolation=cv2.INTER_NEAREST).astype(np.int16)
    labels[rng.random(size) < 0.05] = rng.integers(classes)
    labels[rng.random(size) < void] = VOID
    return labels


def region_of(labels, y, x):
    """The 8-connected pixels of one class around a pixel."""
    found, todo = {(y, x)}, [(y, x)]
    while todo:
        at = todo.pop()
        for near in ((at[0] + down, at[1] + right) for down in (-1, 0, 1) for right in (-1, 0, 1)):
            inside = 0 <= near[0] < labels.shape[0] and 0 <= near[1] < labels.shape[1]
            if inside and near not in found and labels[near] == labels[y, x]:
                found.add(near)
                todo.append(near)
    return found


def beside_border(truth):
    found = set()
    for y, x in np.ndindex(truth.shape):
        for near in ((y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)):
            inside = 0 <= near[0] < truth.shape[0] and 0 <= near[1] < truth.shape[1]
            if inside and VOID not in (truth[y, x], truth[near]) and truth[near] != truth[y, x]:
                found.add((y, x))
    return found


def absent(region, own, other, index, truth):
    labelled = [at for at in region if truth[at] != VOID]
    same = sum(other[at] == index for at in labelled)
    seen = sum(other[at] in THINGS for at in labelled)
    return same <= FOUND * len(labelled) and seen <= len(labelled) / 2


def kind_of_pixel(truth, predicted, y, x, border, width):
    if truth[y, x] == VOID:
        return "ignored"
    if truth[y, x] == predicted[y, x]:
        return "right"
    if truth[y, x] in THINGS and absent(region_of(truth, y, x), truth, predicted, truth[y, x], truth):
        return "missed"
    if predicted[y, x] in THINGS and absent(region_of(predicted, y, x), predicted, truth, predicted[y, x], truth):
        return "invented"
    if min(math.dist((y, x), at) for at in border) + 0.5 <= width:
        return "boundary"
    return "inside"


@pytest.mark.parametrize("seed", range(4))
def test_is_the_definition_pixel_by_pixel(seed):
    truth, predicted = noise(seed), noise(seed + 100, void=0)
    half = truth.shape[1] // 2
    predicted[:, :half] = np.where(truth[:, :half] == VOID, predicted[:, :half], np.roll(truth, 1, axis=0)[:, :half])
    border, width = beside_border(truth), 1.5 + seed
    expected = [
        [KINDS.index(kind_of_pixel(truth, predicted, y, x, border, width)) for x in range(truth.shape[1])]
        for y in range(truth.shape[0])
    ]
    kinds = error_kinds(truth, predicted, THINGS, width=width)
    np.testing.assert_array_equal(kinds, expected)
    # With the truth's regions and distances at hand it is the same.
    again = error_kinds(
        truth, predicted, THINGS, width=width, distance=border_distance(truth), true_regions=regions(truth)
    )
    np.testing.assert_array_equal(again, kinds)
    assert {"missed", "boundary"} <= {KINDS[kind] for kind in np.unique(kinds)}


def test_regions_are_those_of_scipy():
    from scipy import ndimage

    labels = noise(9)
    found = regions(labels)
    number = 0
    for index in np.unique(labels[labels != VOID]):
        parts, count = ndimage.label(labels == index, structure=np.ones((3, 3)))
        for part in range(1, count + 1):
            numbers = np.unique(found.ids[parts == part])
            assert len(numbers) == 1
            assert found.classes[numbers[0]] == index
            assert found.areas[numbers[0]] == (parts == part).sum() == (found.ids == numbers[0]).sum()
            number += 1
    assert len(found) == number
    assert found.areas[0] == (labels == VOID).sum() == (found.ids == 0).sum()
