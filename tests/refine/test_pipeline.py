"""The one call behind page, command line and endpoint, and what it says it changed."""

import json
from collections.abc import Callable

import numpy as np
import pytest

from segdemo.errors import SegdemoError
from segdemo.refine import (
    ClassChange,
    CrfOptions,
    MorphologyOptions,
    RefineOptions,
    dense_crf,
    difference,
    morphology,
    most_probable,
    refine_panoptic,
    refine_semantic,
)


def test_difference_by_hand() -> None:
    found = difference(np.array([[1, 1, 2, 2]]), np.array([[1, 2, 2, 9]]))
    np.testing.assert_array_equal(found.mask, [[False, True, False, True]])
    assert found.changed_percent == 50
    assert found.by_class == {
        1: ClassChange(before=2, after=1, lost=1, gained=0),
        2: ClassChange(before=2, after=2, lost=1, gained=1),
        9: ClassChange(before=0, after=1, lost=0, gained=1),
    }
    assert found.by_class[1].lost_percent == 50
    assert found.by_class[9].gained_percent == 100
    assert found.by_class[9].lost_percent == 0


def test_difference_of_huge_ids_and_of_nothing() -> None:
    one = np.array([[0, 16_777_215]], np.int32)
    assert difference(one, one).by_class[16_777_215] == ClassChange(1, 1, 0, 0)
    assert difference(one, one).changed_pixels == 0
    with pytest.raises(SegdemoError, match="differ in size"):
        difference(one, one.T)


def test_off_by_default(scene: Callable) -> None:
    image, probabilities = scene("coffee", (120, 80), 3)
    labels = np.array([4, 0, 17])[probabilities.argmax(0)].astype(np.uint8)
    found = refine_semantic(image, probabilities, [4, 0, 17], labels, RefineOptions())
    np.testing.assert_array_equal(found.labels, labels)
    assert found.changed_percent == 0
    assert found.parameters == {"crf": None, "morphology": None, "quality": None, "grid_factor": 1.0}


def test_crf_then_morphology_with_its_marginals(scene: Callable) -> None:
    image, probabilities = scene("coffee", (120, 80), 3)
    classes = np.array([4, 0, 17])
    labels = classes[probabilities.argmax(0)].astype(np.uint8)
    options = RefineOptions(CrfOptions(enabled=True, bilateral_sxy=40), MorphologyOptions("open", 5, classes=(0, 4)))
    found = refine_semantic(image, probabilities.astype(np.float16), classes, labels, options)
    marginals = dense_crf(image, probabilities.astype(np.float16), bilateral_sxy=40)
    expected = morphology(classes[marginals.argmax(0)], options.morphology, probabilities=marginals, classes=classes)
    np.testing.assert_array_equal(found.labels, expected)
    assert found.labels.dtype == np.uint8
    assert found.changed_percent == 100 * (labels != expected).mean() > 0
    assert found.seconds > 0
    assert json.loads(json.dumps(found.parameters))["crf"]["bilateral_sxy"] == 40


def test_the_grid_is_told(scene: Callable) -> None:
    image, probabilities = scene("rocket", (640, 480), 2)
    labels = probabilities.argmax(0)
    found = refine_semantic(
        image, probabilities, [0, 1], labels, RefineOptions(CrfOptions(enabled=True)), quality="interactive"
    )
    assert found.grid_factor == pytest.approx((640 * 480 / 278_784) ** 0.5)
    assert found.parameters["grid_factor"] == 1.05


def test_most_probable_is_argmax() -> None:
    marginals = np.random.default_rng(0).integers(0, 4, (5, 30, 20)).astype(np.float32)
    np.testing.assert_array_equal(most_probable(marginals), marginals.argmax(0))


def test_segments_are_refined_by_morphology_alone() -> None:
    ids = np.array([[1, 1, 2, 1, 1]], np.int32)
    infos = [{"id": 1, "category_id": 0, "area": 4}, {"id": 2, "category_id": 1, "area": 1}]
    found = refine_panoptic(ids, infos, RefineOptions(morphology=MorphologyOptions(smallest_region=2, size=1)))
    np.testing.assert_array_equal(found.ids, [[1, 1, 1, 1, 1]])
    assert found.segments_info == [{"id": 1, "category_id": 0, "area": 5}]
    assert found.changed_percent == 20
    with pytest.raises(SegdemoError, match="semantic maps only"):
        refine_panoptic(ids, infos, RefineOptions(CrfOptions(enabled=True)))


def test_what_does_not_fit_is_refused(scene: Callable) -> None:
    image, probabilities = scene("coffee", (120, 80), 3)
    with pytest.raises(SegdemoError, match="one map for each class"):
        refine_semantic(image, probabilities, [1, 2], probabilities.argmax(0), RefineOptions())
