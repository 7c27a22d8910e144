"""Why something was not segmented: each threshold as the only cause, and remedies that help."""

import numpy as np
import pytest

from segdemo.segmentation import dropped, instances, panoptic

SKY, CAR = 0, 1


def scene(hand):
    """Sky left; a car right, covered wholly by a surer one; a doubtful car; a car without a mask; a "no object"."""
    left = np.full((4, 8), -6.0)
    left[:, :4] = 6
    right = -left
    faint = np.full((4, 8), -1.0)
    masks = [left, right, right, right * 0.5, faint, right]
    chances = [
        [0.95, 0.0, 0.05],
        [0.0, 0.97, 0.03],
        [0.0, 0.9, 0.1],
        [0.0, 0.655, 0.345],
        [0.0, 0.9, 0.1],
        [0.0, 0.2, 0.8],
    ]
    return hand(masks, chances, labels={SKY: "sky", CAR: "car"})


def test_each_cause_by_hand(hand):
    found = {entry.query: entry for entry in dropped(scene(hand))}
    assert set(found) == {2, 3, 4}
    assert (found[2].reason, found[2].value, found[2].remedy) == ("overlap", 0.0, None)
    assert found[3].reason == "score"
    assert found[3].value == pytest.approx(0.655, abs=1e-4)
    # It would compete from 0.65 on, and lose every pixel to the surer car.
    assert found[3].remedy is None
    assert found[4].reason == "mask"
    assert found[4].value == pytest.approx(1 / (1 + np.e), abs=1e-4)


@pytest.mark.slow
def queries_of(prediction, things_only, options):
    """The queries that have a segment, or an instance, which may overlap."""
    if things_only:
        shared = {name: value for name, value in options.items() if name != "overlap_threshold"}
        return {one.query for one in instances(prediction, **shared).instances}
    return {query for segment in panoptic(prediction, **options).segments_info for query in segment.queries}


@pytest.mark.parametrize("things_only", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_a_remedy_brings_back_and_a_step_more_does_not(make, things_only):
    helped = 0
    for seed in range(6):
        prediction = make(seed=seed)
        options = {"score_threshold": 0.8, "mask_threshold": 0.5, "overlap_threshold": 0.8}
        for entry in dropped(prediction, **options, things_only=things_only):
            if entry.remedy is None:
                continue
            name = f"{entry.reason}_threshold"
            assert entry.query in queries_of(prediction, things_only, options | {name: entry.remedy})
            above = min(1.0, entry.remedy + 0.01)
            kept = entry.query in queries_of(prediction, things_only, options | {name: above})
            assert not kept or entry.reason == "mask"
            helped += 1
    assert helped > 3


def test_what_has_a_segment_is_not_listed(make):
    prediction = make()
    kept = {query for segment in panoptic(prediction).segments_info for query in segment.queries}
    assert kept.isdisjoint(entry.query for entry in dropped(prediction))
