"""What refinement does to a prediction's segments, beside morphology done by hand."""

import numpy as np

from segdemo.refine import MorphologyOptions, RefineOptions, morphology_segments
from segdemo.results.refined import refined_segments, refined_semantic
from segdemo.segmentation.panoptic import panoptic
from segdemo.segmentation.semantic import SemanticMap
from tests.predictions import by_hand


def test_segments_are_what_morphology_makes_of_them():
    """A car of 2 x 2 mask cells on a road: without probabilities in its way, dilation widens it by two pixels."""
    car = np.full((8, 8), -9.0)
    car[3:5, 3:5] = 9
    prediction = by_hand([-car, car], [[0.9, 0.05, 0.05], [0.05, 0.9, 0.05]], labels={0: "road", 1: "car"})
    found = panoptic(prediction)
    assert len(found.segments_info) == 2
    options = MorphologyOptions("erode", 5, "square", classes=(1,))
    refined, change = refined_segments(found, [], None, RefineOptions(morphology=options))
    expected, left = morphology_segments(found.ids, found.segments_info, options)
    inside = {segment.category_id: segment.id for segment in found.segments_info}[1]
    assert 0 < (refined.ids == inside).sum() < (found.ids == inside).sum()
    assert ((refined.ids == inside) == (expected == inside)).all()
    assert [segment.area for segment in refined.segments_info] == [(refined.ids == s.id).sum() for s in left]
    assert change.difference.changed_pixels == (refined.ids != found.ids).sum()


def test_a_pixels_new_score_is_that_of_its_new_class():
    """One pixel of sky, of score 0.6, among road: removed as too small, it has the 0.2 that road had there."""
    labels = np.zeros((5, 5), np.uint8)
    labels[2, 2] = 1
    probabilities = np.stack([np.full((5, 5), 0.9, np.float32), np.full((5, 5), 0.1, np.float32)])
    probabilities[:, 2, 2] = 0.25, 0.75
    before = SemanticMap(labels, np.where(labels == 1, np.float32(0.6), np.float32(0.8)))
    options = RefineOptions(morphology=MorphologyOptions(smallest_region=4))
    after, change = refined_semantic(np.zeros((5, 5, 3), np.uint8), before, [0, 1], probabilities, options)
    assert (after.labels == 0).all()
    expected = np.full((5, 5), 0.8)
    expected[2, 2] = 0.2
    np.testing.assert_allclose(after.scores, expected, atol=1e-6)
    assert change.difference.changed_pixels == 1
