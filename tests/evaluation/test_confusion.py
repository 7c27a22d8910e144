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


def test_is_what_cityscapesscripts_say():
    """``getIouScoreForLabel`` of cityscapesscripts 2.3.0 for the 19 classes of this picture, written down."""
    y, x = np.mgrid[:60, :80]
    truth = (y // 7 * 5 + x // 9 * x // 9) % 21  # 19 and 20 are labels that are not evaluated
    predicted = np.where((3 * y + 5 * x + y * x) % 7 < 5, truth % 19, (y + 2 * x) % 19)
    confusion = Confusion(19)
    confusion.add(np.where(truth > 18, 255, truth), predicted)
    theirs = [
        *(0.516129032258, 0.422680412371, 0.36, 0.418118466899, 0.5, 0.522388059701, 0.459731543624, 0.380733944954),
        *(0.382239382239, 0.501326259947, 0.512077294686, 0.487179487179, 0.376811594203, 0.373493975904),
        *(0.476878612717, 0.523227383863, 0.493865030675, 0.384615384615, 0.409638554217),
    ]
    assert list(confusion.class_iou.values()) == pytest.approx(theirs, abs=1e-11)
    assert confusion.miou == pytest.approx(np.mean(theirs), abs=1e-11)
