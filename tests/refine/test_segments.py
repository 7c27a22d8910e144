"""Morphology on segments: ids, list and areas stay one story."""

from dataclasses import dataclass

import numpy as np

from segdemo.refine import MorphologyOptions, morphology_segments


@dataclass(frozen=True)
class Info:
    id: int
    category_id: int
    isthing: bool
    area: int
    bbox: tuple[int, int, int, int]
    score: float


def street() -> tuple[np.ndarray, list[Info]]:
    """Road (id 1) with two cars (2, 3) of one category; car 3 is a single pixel; above the road nothing (0)."""
    ids = np.zeros((8, 12), np.int32)
    ids[3:] = 1
    ids[4:7, 2:6] = 2
    ids[5, 9] = 3
    infos = [Info(i, c, c == 20, int((ids == i).sum()), (0, 0, 0, 0), 0.9) for i, c in ((1, 6), (2, 20), (3, 20))]
    return ids, infos


def test_a_segment_that_vanishes_leaves_the_list() -> None:
    ids, infos = street()
    found, left = morphology_segments(ids, infos, MorphologyOptions(smallest_region=2))
    assert [info.id for info in left] == [1, 2]
    assert found[5, 9] == 1
    assert left[0].area == (found == 1).sum() == infos[0].area + 1
    assert left[0].bbox == (0, 3, 12, 5)
    assert left[1].bbox == (2, 4, 4, 3)
    assert left[1].score == 0.9


def test_classes_are_categories() -> None:
    ids, infos = street()
    found, left = morphology_segments(ids, infos, MorphologyOptions("erode", 3, "square", classes=(20,)))
    np.testing.assert_array_equal(np.argwhere(found == 2), [[5, 3], [5, 4]])
    assert [info.id for info in left] == [1, 2]


def test_nothing_can_be_claimed_but_does_not_claim() -> None:
    ids, infos = street()
    grown, _ = morphology_segments(ids, infos, MorphologyOptions("dilate", 3, "square", classes=(6,)))
    np.testing.assert_array_equal(np.unique(grown[2]), [1])
    assert (grown[:2] == 0).all()
    shrunk, _ = morphology_segments(ids, infos, MorphologyOptions("erode", 3, "square", classes=(6,)))
    assert (shrunk[3, [0, 1, 11]] == 0).all()


def test_mappings_do_as_well() -> None:
    ids, infos = street()
    plain = [{"id": info.id, "category_id": info.category_id, "area": info.area} for info in infos]
    _, left = morphology_segments(ids, plain, MorphologyOptions(smallest_region=2))
    assert left == [{"id": 1, "category_id": 6, "area": 48}, {"id": 2, "category_id": 20, "area": 12}]
    assert plain[0]["area"] == 47


def test_the_more_probable_category_wins() -> None:
    ids = np.array([[1, 0, 2]], np.int32)
    infos = [{"id": 1, "category_id": 5, "area": 1}, {"id": 2, "category_id": 8, "area": 1}]
    probabilities = np.array([[[0.1, 0.1, 0.1]], [[0.1, 0.7, 0.7]]], np.float32)
    options = MorphologyOptions("dilate", 3, "square")
    found, left = morphology_segments(ids, infos, options, probabilities=probabilities, classes=[5, 8])
    np.testing.assert_array_equal(found, [[1, 2, 2]])
    assert [info["area"] for info in left] == [1, 2]
