"""The boundary F-score, worked by hand."""

import numpy as np
import pytest

from segdemo.evaluation import boundary_score, boundary_scores
from segdemo.evaluation.boundary import unlabelled_share


def halves(split: int, size: int = 40) -> np.ndarray:
    """Class 0 to the left of column ``split``, class 1 from there on."""
    return np.repeat((np.arange(size) >= split).astype(int)[None], size, axis=0)


def test_a_perfect_outline_is_one():
    assert boundary_scores(halves(20), halves(20)) == {0: 1.0, 1: 1.0}


@pytest.mark.parametrize(("shift", "expected"), [(1, 1.0), (2, 1.0), (3, 0.0)])
def test_a_shift_counts_until_the_tolerance(shift, expected):
    # The diagonal is 56.6 pixels: a tolerance of 4 % is 2.3.
    assert boundary_score(halves(20), halves(20 + shift), tolerance=0.04) == expected


def test_precision_and_recall_by_hand():
    truth, predicted = halves(20), halves(20)
    predicted[20:] = 0
    # True boundary of class 1: 40 pixels of column 20. Found: rows 0..19 of column 20, and row 19 of columns 21..39.
    # Without tolerance, 20 of 39 found pixels are right and 20 of 40 true ones are found.
    scores = boundary_scores(truth, predicted, tolerance=0)
    precision, recall = 20 / 39, 20 / 40
    assert scores[1] == pytest.approx(2 * precision * recall / (precision + recall))


def test_a_missed_class_is_zero_and_an_invented_one_does_not_count():
    assert boundary_scores(halves(20), np.zeros((40, 40), int)) == {0: 0.0, 1: 0.0}
    assert boundary_scores(np.zeros((40, 40), int), halves(20)) == {0: 0.0}


def test_a_picture_of_one_class_has_no_boundary():
    flat = np.zeros((8, 8), int)
    assert boundary_scores(flat, flat) == {}
    assert boundary_score(flat, flat) is None


def test_unlabelled_pixels_make_no_boundary():
    truth = halves(20)
    truth[:, 18:22] = 255
    assert boundary_score(truth, halves(20)) is None


def test_how_much_of_the_outlines_has_no_label_is_counted():
    truth = np.array([[0, 0, 255, 1], [0, 0, 0, 1], [2, 2, 2, 2]])
    # Of the pairs that differ, 3 have one pixel without a label: its neighbours at the left, the right and below. One
    # more lies between 0 and 1 in the second row, and 4 above the third row.
    assert unlabelled_share(truth) == pytest.approx(3 / 8)
    assert unlabelled_share(np.zeros((3, 3), int)) is None
    assert unlabelled_share(np.where(truth == 255, -1, truth), ignore_index=-1) == pytest.approx(3 / 8)


def test_different_shapes_are_refused():
    with pytest.raises(ValueError, match="alike"):
        boundary_score(np.zeros((2, 2), int), np.zeros((2, 3), int))
