"""Winning classes settled window by window, against the paper's procedure in full."""

import numpy as np
import pytest

from segdemo.segmentation.sampling import grid
from segdemo.segmentation.scores import SLACK, class_weights, tiles
from segdemo.segmentation.windows import winning_class


def winners(prediction, *, layer=-1, size=None, cells=48):
    layout = grid(prediction, size)
    labels = np.full(layout.size, -1)
    masks, weights = prediction.mask_logits(layer), class_weights(prediction, layer)
    for tile in tiles(layout, masks, cells=cells):
        labels[tile.output] = winning_class(masks, weights, tile)
    return labels


def behind(labels, scores):
    """By how much the score of each pixel's label is below the highest."""
    return scores.max(axis=0) - np.take_along_axis(scores, labels[None], axis=0)[0]


@pytest.mark.parametrize("cells", [3, 11, 48])
def test_tiles_of_any_size_have_the_full_procedures_winners(varied, full, cells):
    for layer in (0, -1):
        scores = full(varied, layer=layer)
        labels = winners(varied, layer=layer, cells=cells)
        assert behind(labels, scores).max() <= 2 * SLACK
        assert (labels == scores.argmax(axis=0)).mean() >= 0.999


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (7, 9), (13, 96), (40, 2)])
def test_pixels_whose_samples_are_many_cells_apart(make, full, size):
    prediction = make(seed=5, padding=(9, 0))
    assert behind(winners(prediction, size=size), full(prediction, size=size)).max() <= 2 * SLACK


def test_a_border_between_two_sure_regions_is_where_interpolation_has_it(hand, full):
    masks = np.full((2, 8, 8), -20.0)
    masks[0, :, :4] = masks[1, :, 4:] = 20
    prediction = hand(masks, [[0.9, 0.0, 0.1], [0.0, 0.6, 0.4]], image=(50, 70))
    labels = winners(prediction)
    assert set(np.unique(labels)) == {0, 1}
    np.testing.assert_array_equal(labels, full(prediction).argmax(axis=0))


def test_more_classes_than_a_byte_counts(make, full):
    prediction = make(classes=300, queries=320, cells=(16, 16), sure=0.0, image=(60, 50))
    assert behind(winners(prediction), full(prediction)).max() <= 2 * SLACK
