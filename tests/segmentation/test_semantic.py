"""Semantic maps, class probabilities and confidence, against the paper's procedure in full."""

import numpy as np
import pytest

from segdemo.explain import explain_pixel
from segdemo.prediction import Prediction
from segdemo.segmentation import class_probabilities, confidence, layer_labels, planes, present_classes, semantic
from segdemo.segmentation.sampling import grid
from segdemo.segmentation.scores import SLACK, class_weights, possible_classes, tiles
from segdemo.segmentation.semantic import NO_CLASS


def agreement(labels, scores):
    """Share of pixels labelled like the full procedure; ties within the promised error count as agreement."""
    chosen = np.take_along_axis(scores, labels[None].astype(np.intp), axis=0)[0]
    return ((labels == scores.argmax(axis=0)) | (scores.max(axis=0) - chosen <= 2 * SLACK)).mean()


def test_two_halves_by_hand(hand):
    masks = np.full((2, 4, 4), -20.0)
    masks[0, :, :2] = masks[1, :, 2:] = 20
    result = semantic(hand(masks, [[0.6, 0.2, 0.2], [0.0, 0.9, 0.1]]))
    assert result.labels.shape == (16, 16)
    assert (result.labels[:, :6] == 0).all()
    assert (result.labels[:, 10:] == 1).all()
    assert result.scores[0, 0] == pytest.approx(0.6 / 0.8, abs=1e-4)
    assert result.scores[0, 15] == pytest.approx(1.0, abs=1e-4)


def test_labels_and_scores_are_the_full_procedures(varied, full):
    for layer in (0, -1):
        scores = full(varied, layer=layer)
        result = semantic(varied, layer=layer)
        assert result.labels.shape == result.scores.shape == varied.image_size
        assert agreement(result.labels, scores) == 1
        assert (result.labels == scores.argmax(axis=0)).mean() >= 0.999
        np.testing.assert_allclose(result.scores, (scores / scores.sum(axis=0)).max(axis=0), atol=3e-4)
        labels = layer_labels(varied, layer)
        assert agreement(labels, scores) == 1
        assert (labels == scores.argmax(axis=0)).mean() >= 0.999


def test_padding_never_reaches_the_map(hand):
    masks = np.full((2, 4, 4), -20.0)
    masks[0, :, :2] = masks[1, :, 2:] = 20
    cropped = hand(masks, [[0.9, 0.0, 0.1], [0.0, 0.9, 0.1]], content=(16, 6), image=(30, 40))
    assert set(np.unique(semantic(cropped).labels)) == {0}


def test_order_is_upsample_then_sigmoid_then_resize(hand):
    # One cell of +40 beside one of -40: interpolated first, the sigmoid's step is steep; the other way it is a ramp.
    prediction = hand([[[40.0, -40.0]]], [[1.0, 0.0]], image=(4, 8))
    logits = np.interp((np.arange(8) + 0.5) / 4 - 0.5, [0, 1], [40, -40])
    total = class_probabilities(prediction)[0]
    assert np.allclose(total, 1)
    votes = explain_pixel(prediction, 0, 3).classes[0].votes[0]
    assert votes.mask_probability == pytest.approx(1 / (1 + np.exp(-logits[3])), abs=1e-5)


def test_agrees_with_the_library_where_it_is_right(make):
    import torch
    from transformers import Mask2FormerImageProcessorPil
    from transformers.models.mask2former.modeling_mask2former import Mask2FormerForUniversalSegmentationOutput

    # The library works at 384 x 384 whatever the input was: right where the input is that and has no padding.
    prediction = make(cells=(96, 96), image=(300, 410), queries=12, classes=8)
    output = Mask2FormerForUniversalSegmentationOutput(
        class_queries_logits=torch.from_numpy(prediction.class_logits())[None],
        masks_queries_logits=torch.from_numpy(prediction.mask_logits())[None],
    )
    theirs = Mask2FormerImageProcessorPil().post_process_semantic_segmentation(output, target_sizes=[(300, 410)])[0]
    assert (semantic(prediction).labels == theirs.numpy()).mean() >= 0.9999


def test_no_class_that_wins_is_pruned(make, full):
    prediction = make(image=(160, 192))
    weights, masks = class_weights(prediction), prediction.mask_logits()
    winners = full(prediction).argmax(axis=0)
    for tile in tiles(grid(prediction), masks, cells=11):
        assert set(np.unique(winners[tile.output])) <= set(possible_classes(weights, tile).tolist())


def test_a_large_map_stays_within_bounded_memory(make):
    import tracemalloc

    prediction = make(cells=(40, 72), image=(1080, 1920), queries=10, classes=150)
    tracemalloc.start()
    semantic(prediction)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # Labels and scores take 12 MB; all classes' scores at once would take 1.2 GB.
    assert peak < 80_000_000


def test_probabilities_are_renormalised_over_the_classes_asked_for(make, full):
    prediction = make(image=(70, 80))
    scores = full(prediction)[[7, 2, 11]]
    ours = class_probabilities(prediction, classes=[7, 2, 11])
    assert ours.shape == (3, 70, 80)
    np.testing.assert_allclose(ours.sum(axis=0), 1, atol=1e-5)
    np.testing.assert_allclose(ours, scores / scores.sum(axis=0), atol=5e-4)


def test_probabilities_of_all_classes_have_the_maps_scores(make):
    prediction = make(image=(70, 80))
    result = semantic(prediction)
    everything = class_probabilities(prediction)
    assert everything.shape == (20, 70, 80)
    np.testing.assert_allclose(everything.max(axis=0), result.scores, atol=3e-4)
    assert class_probabilities(prediction, size=(9, 8), layer=0).shape == (20, 9, 8)


@pytest.mark.parametrize(
    ("classes", "error"), [([], ValueError), ([1, 1], ValueError), ([99], IndexError), ([-1], IndexError)]
)
def test_impossible_classes_are_refused(make, classes, error):
    with pytest.raises(error):
        class_probabilities(make(), classes=classes)


def test_margin_and_entropy(varied, full):
    scores = full(varied)
    chances = scores / scores.sum(axis=0)
    result = confidence(varied)
    top = np.sort(chances, axis=0)
    margin = top[-1] - top[-2] if len(top) > 1 else top[-1]
    np.testing.assert_allclose(result.margin, margin, atol=5e-4)
    assert 0 <= result.entropy.min() <= result.entropy.max() <= 1
    if len(top) > 1:
        expected = -(chances * np.log(chances)).sum(axis=0) / np.log(len(chances))
        np.testing.assert_allclose(result.entropy, expected, atol=2e-3)


def test_entropy_of_even_odds_is_one(hand):
    prediction = hand(np.zeros((1, 2, 2)), [[0.2, 0.2, 0.2, 0.2, 0.2]])
    result = confidence(prediction)
    np.testing.assert_allclose(result.entropy, 1, atol=1e-5)
    np.testing.assert_allclose(result.margin, 0, atol=1e-6)


def test_present_classes_add_up(make):
    prediction = make(image=(70, 80))
    result = semantic(prediction)
    found = present_classes(prediction, result)
    assert sum(entry.area for entry in found) == 70 * 80
    assert sum(entry.share for entry in found) == pytest.approx(1)
    assert [entry.area for entry in found] == sorted((entry.area for entry in found), reverse=True)
    first = found[0]
    assert first.label == f"class {first.category_id}"
    assert first.score == pytest.approx(result.scores[result.labels == first.category_id].mean(), abs=1e-5)


def test_planes_are_the_two_best_classes_and_the_strongest_query(varied, full):
    size = (33, 41)
    scores = full(varied, size=size)
    chances = scores / scores.sum(axis=0)
    result = planes(varied, size=size)
    assert agreement(result.top, scores) == 1
    np.testing.assert_allclose(result.top_probability, chances.max(axis=0), atol=5e-4)
    if len(scores) > 1:
        np.testing.assert_allclose(result.runner_up_probability, np.sort(chances, axis=0)[-2], atol=5e-4)
        assert (result.runner_up != result.top).all()
    np.testing.assert_allclose(result.entropy, confidence(varied, size=size).entropy, atol=2e-3)
    assert 0 <= result.query.min() <= result.query.max() < varied.num_queries


def test_layers_have_maps_of_their_own(make, full):
    prediction = make()
    for layer in range(prediction.num_layers):
        scores = full(prediction, layer=layer, size=(40, 48))
        assert agreement(layer_labels(prediction, layer, size=(40, 48)), scores) == 1
    with pytest.raises(IndexError):
        layer_labels(prediction, prediction.num_layers)


def test_a_pixel_whose_best_class_scores_too_little_is_of_no_class() -> None:
    # One query sure of class 1 in the left half, and of nothing elsewhere.
    masks = np.full((1, 4, 8), -20.0, np.float32)
    masks[..., :4] = 20
    logits = np.array([[0.0, 20.0, 0.0]], np.float32)
    size = (4, 8)
    prediction = Prediction(size, size, size, {0: "a", 1: "b"}, (masks,), (logits,), least_score=0.5)
    found = semantic(prediction)
    assert (found.labels == [1, 1, 1, 1, NO_CLASS, NO_CLASS, NO_CLASS, NO_CLASS]).all()
    assert (semantic(prediction, least=0.0).labels == 1).all()
    (present,) = present_classes(prediction, found)
    assert (present.category_id, present.share) == (1, 0.5)
    assert (layer_labels(prediction, 0) == found.labels).all()
