"""Why this pixel: consistent with the map, and votes that add up."""

import numpy as np
import pytest

from segdemo.explain import explain_pixel, query_mask
from segdemo.segmentation import confidence, planes, semantic


def test_votes_by_hand(hand):
    # Mask probabilities 0.75 and 0.5 everywhere; class 0 gets 0.75 x 0.8 + 0.5 x 0.2, class 1 0.5 x 0.6.
    prediction = hand([np.full((2, 2), np.log(3)), np.zeros((2, 2))], [[0.8, 0.0, 0.2], [0.2, 0.6, 0.2]])
    found = explain_pixel(prediction, 1, 6)
    first, second = found.classes
    assert (first.category_id, second.category_id) == (0, 1)
    assert first.score == pytest.approx(0.7, abs=1e-5)
    assert first.probability == pytest.approx(0.7, abs=1e-5)
    assert second.score == pytest.approx(0.3, abs=1e-5)
    assert [vote.query for vote in first.votes] == [0, 1]
    assert [vote.share for vote in first.votes] == pytest.approx([6 / 7, 1 / 7], abs=1e-5)
    assert (first.votes[0].class_probability, first.votes[0].mask_probability) == pytest.approx((0.8, 0.75), abs=1e-5)
    assert found.margin == pytest.approx(0.4, abs=1e-5)
    assert found.query == 0
    assert found.mask_logits == pytest.approx([np.log(3)], abs=1e-5)


def test_agrees_with_the_map_at_every_corner_and_inside(varied):
    labels, sure = semantic(varied), confidence(varied)
    height, width = varied.image_size
    for y in {0, height // 3, height - 1}:
        for x in {0, width // 2, width - 1}:
            found = explain_pixel(varied, y, x)
            best = found.classes[0]
            assert best.probability == pytest.approx(labels.scores[y, x], abs=3e-4)
            assert best.category_id == labels.labels[y, x] or found.margin < 3e-4
            assert found.margin == pytest.approx(sure.margin[y, x], abs=5e-4)
            assert found.entropy == pytest.approx(sure.entropy[y, x], abs=2e-3)


def test_shares_add_up_and_classes_descend(make):
    prediction = make(image=(70, 80))
    found = explain_pixel(prediction, 12, 34)
    assert len(found.classes) == 5
    chances = [entry.probability for entry in found.classes]
    assert chances == sorted(chances, reverse=True)
    for entry in found.classes:
        assert len(entry.votes) == prediction.num_queries
        assert sum(vote.share for vote in entry.votes) == pytest.approx(1, abs=1e-5)
        total = sum(vote.class_probability * vote.mask_probability for vote in entry.votes)
        assert total == pytest.approx(entry.score, rel=1e-4)
    assert len(found.mask_logits) == prediction.num_layers


def test_strongest_query_is_the_planes(make):
    prediction = make(image=(70, 80))
    shown = planes(prediction, size=prediction.image_size)
    for y, x in ((0, 0), (35, 40), (69, 79)):
        assert explain_pixel(prediction, y, x).query == shown.query[y, x]


def test_last_mask_logit_belongs_to_the_strongest_querys_mask(make):
    prediction = make(image=(70, 80))
    found = explain_pixel(prediction, 20, 30)
    chance = 1 / (1 + np.exp(-found.mask_logits[-1]))
    assert chance == pytest.approx(query_mask(prediction, found.query)[20, 30], abs=1e-4)


@pytest.mark.parametrize(("y", "x"), [(-1, 0), (0, -1), (70, 0), (0, 80)])
def test_pixels_outside_are_refused(make, y, x):
    with pytest.raises(IndexError, match="70 x 80"):
        explain_pixel(make(image=(70, 80)), y, x)
