"""Pixel accuracy and IoU, worked by hand and against torchmetrics."""

import numpy as np
import pytest

from segdemo.evaluation import Confusion


def test_by_hand():
    confusion = Confusion(3)
    confusion.add(np.array([[0, 0, 1, 255]]), np.array([[0, 1, 1, 2]]))
    assert confusion.pixels == 3
    assert confusion.pixel_accuracy == pytest.approx(2 / 3)
    assert confusion.class_iou == pytest.approx({0: 1 / 2, 1: 1 / 2})
    assert confusion.class_accuracy == pytest.approx({0: 1 / 2, 1: 1.0})
    assert confusion.miou == pytest.approx(1 / 2)


def test_no_class_at_all_is_wrong_and_counts_for_nobody_else():
    confusion = Confusion(2)
    confusion.add(np.array([[0, 0, 1]]), np.array([[0, 255, 1]]))
    assert confusion.class_iou == pytest.approx({0: 1 / 2, 1: 1.0})
    assert confusion.pixel_accuracy == pytest.approx(2 / 3)


def test_classes_that_only_the_prediction_has_do_not_enter_the_mean():
    confusion = Confusion(3)
    confusion.add(np.array([[0, 0]]), np.array([[0, 2]]))
    assert confusion.class_iou == {0: 0.5}


def test_nothing_labelled():
    confusion = Confusion(2)
    confusion.add(np.full((2, 2), 255), np.zeros((2, 2), int))
    assert (confusion.pixels, confusion.pixel_accuracy, confusion.miou, confusion.class_iou) == (0, 0, 0, {})


def test_pictures_add_up_in_any_grouping():
    rng = np.random.default_rng(0)
    pictures = [(rng.integers(4, size=(5, 6)), rng.integers(4, size=(5, 6))) for _ in range(4)]
    whole, parts = Confusion(4), [Confusion(4) for _ in pictures]
    for part, (truth, predicted) in zip(parts, pictures, strict=True):
        whole.add(truth, predicted)
        part.add(truth, predicted)
    merged = parts[0].merge(parts[1:])
    np.testing.assert_array_equal(merged.matrix, whole.matrix)
    assert parts[0].pixels == 30


def test_is_torchmetrics():
    import torch
    from torchmetrics.classification import MulticlassAccuracy, MulticlassJaccardIndex

    rng = np.random.default_rng(1)
    truth = rng.choice([0, 1, 2, 3, 4, 255], size=(40, 50), p=[0.3, 0.2, 0.2, 0.1, 0.1, 0.1])
    predicted = np.where(rng.random(truth.shape) < 0.6, truth % 5, rng.integers(5, size=truth.shape))
    confusion = Confusion(5)
    confusion.add(truth, predicted)
    ours = [confusion.class_iou[index] for index in range(5)]
    pair = torch.from_numpy(predicted), torch.from_numpy(truth)
    theirs = MulticlassJaccardIndex(5, average="none", ignore_index=255)(*pair)
    np.testing.assert_allclose(ours, theirs.numpy(), atol=1e-6)
    accuracy = MulticlassAccuracy(5, average="micro", ignore_index=255)(*pair)
    assert confusion.pixel_accuracy == pytest.approx(float(accuracy), abs=1e-6)


def test_mistakes_of_callers_are_named():
    confusion = Confusion(2)
    with pytest.raises(ValueError, match="alike"):
        confusion.add(np.zeros((2, 2), int), np.zeros((2, 3), int))
    with pytest.raises(ValueError, match="outside"):
        confusion.add(np.full((2, 2), 7), np.zeros((2, 2), int))
