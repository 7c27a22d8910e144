"""What refinement does to a prediction's segments, beside morphology done by hand."""

import numpy as np

from segdemo.refine import MorphologyOptions, RefineOptions, morphology_segments
from segdemo.results.refined import refined_segments
from segdemo.segmentation.panoptic import panoptic
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
