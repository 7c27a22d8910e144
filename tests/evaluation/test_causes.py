"""Where mistakes come in: predictions in which one cause is the only one, and the definition done pixel by pixel."""

import numpy as np
import pytest

from segdemo.errors import NotOfferedError
from segdemo.evaluation.causes import CAUSES, counts, error_causes, naming
from segdemo.evaluation.evaluate import class_map
from segdemo.labels import NOTHING, VOID
from segdemo.prediction import Prediction
from segdemo.segmentation.panoptic import panoptic
from segdemo.segmentation.semantic import semantic

SKY, CAR = 0, 1
CELLS = (6, 8)
SIZE = (24, 32)


def everywhere(logit):
    return np.full(CELLS, logit, np.float32)


def only(causes):
    """The one cause that all pixels have."""
    (found,) = np.flatnonzero(counts(causes))
    return CAUSES[found]


def truth(value=SKY):
    return np.full(SIZE, value, np.int16)


def test_outvoted_although_a_query_was_right(hand):
    # 0.55 of a sure mask for the sky, 0.9 for a car.
    prediction = hand([everywhere(5), everywhere(5)], [[0.55, 0.05, 0.4], [0.05, 0.9, 0.05]])
    judged = semantic(prediction).labels
    assert (judged == CAR).all()
    assert only(error_causes(prediction, truth(), judged)) == "vote"


def test_outvoted_by_many_faint_ones(hand):
    # The sky has one sure mask of 0.6; nine others give a car 0.2 each through masks of 0.4, which cover nothing.
    faint = float(np.log(0.4 / 0.6))
    prediction = hand([everywhere(5), *[everywhere(faint)] * 9], [[0.6, 0.1, 0.3], *[[0.05, 0.9, 0.05]] * 9])
    judged = semantic(prediction).labels
    assert (judged == CAR).all()
    assert only(error_causes(prediction, truth(), judged)) == "vote"


def test_a_query_with_another_class(hand):
    prediction = hand([everywhere(5), everywhere(-1)], [[0.05, 0.9, 0.05], [0.9, 0.05, 0.05]])
    assert only(error_causes(prediction, truth(), semantic(prediction).labels)) == "classification"


def test_no_query_covers_it(hand):
    # The one that covers it says "no object", whatever class comes next; the one that names a class is elsewhere.
    prediction = hand([everywhere(5), everywhere(-1)], [[0.35, 0.05, 0.6], [0.05, 0.9, 0.05]])
    judged = np.full(SIZE, CAR, np.int16)
    assert only(error_causes(prediction, truth(), judged)) == "no query"
    assert naming(prediction).queries.tolist() == [1]


def test_refinement_changed_a_right_pixel(hand):
    prediction = hand([everywhere(5), everywhere(5)], [[0.9, 0.05, 0.05], [0.05, 0.55, 0.4]])
    before = semantic(prediction).labels
    assert (before == SKY).all()
    refined = np.full(SIZE, CAR, np.int16)
    assert only(error_causes(prediction, truth(), refined, before=before)) == "refinement"


def test_what_was_wrong_before_refinement_has_its_own_cause(hand):
    prediction = hand([everywhere(5)], [[0.05, 0.9, 0.05]])
    before = semantic(prediction).labels
    assert only(error_causes(prediction, truth(), before, before=before)) == "classification"


@pytest.mark.parametrize(
    ("masks", "classes", "options"),
    [
        ([everywhere(5)], [[0.7, 0.1, 0.2]], {}),  # below the score threshold
        # It wins a quarter of its mask: too little.
        (
            [everywhere(2), np.where(np.arange(8) < 6, 9, -9) * np.ones((6, 1))],
            [[0.9, 0.05, 0.05], [0.02, 0.97, 0.01]],
            {},
        ),
        ([everywhere(1)], [[0.9, 0.05, 0.05]], {"mask_threshold": 0.9}),
        ([everywhere(5)], [[0.9, 0.05, 0.05]], {"min_area": 10_000}),
    ],
    ids=["score", "overlap", "mask", "area"],
)
def test_the_thresholds_dropped_what_was_right(hand, masks, classes, options):
    prediction = hand(masks, classes)
    segments = panoptic(prediction, **options)
    kept = {query for segment in segments.segments_info for query in segment.queries}
    causes = error_causes(prediction, truth(), class_map(segments), kept=kept)
    assert only(causes) == "filter"


def test_in_a_panoptic_result_others_can_win_the_pixel_as_well(hand):
    # Both have a segment; the car takes the right half with more score times mask.
    sky = everywhere(3)
    sky[:, 6:] = 0.5
    car = np.where(np.arange(8) >= 6, 5, -9) * np.ones((6, 1))
    prediction = hand([sky, car], [[0.95, 0.02, 0.03], [0.02, 0.96, 0.02]])
    segments = panoptic(prediction, overlap_threshold=0.5)
    assert len(segments.segments_info) == 2
    kept = {query for segment in segments.segments_info for query in segment.queries}
    causes = error_causes(prediction, truth(), class_map(segments), kept=kept)
    assert set(np.unique(causes)) == {CAUSES.index("none"), CAUSES.index("vote")}


def test_right_pixels_and_those_without_a_label_have_none(hand):
    prediction = hand([everywhere(5)], [[0.05, 0.9, 0.05]])
    labels = truth(CAR)
    labels[:4] = VOID
    labels[4:6] = NOTHING
    causes = error_causes(prediction, labels, semantic(prediction).labels)
    assert (causes[:4] == 0).all()
    assert (causes[4:6] == CAUSES.index("classification")).all()
    assert (causes[6:] == 0).all()


def test_networks_without_queries_say_why():
    sentence = "UperNet decides every pixel on its own: there are no queries to look at."
    prediction = Prediction(SIZE, SIZE, SIZE, {0: "sky"}, (), (), lacks={"queries": sentence})
    with pytest.raises(NotOfferedError, match="decides every pixel on its own"):
        error_causes(prediction, truth(), truth())


def test_maps_of_another_size_are_refused(hand):
    prediction = hand([everywhere(5)], [[0.05, 0.9, 0.05]])
    with pytest.raises(ValueError, match="the photograph is"):
        error_causes(prediction, truth()[:-1], truth()[:-1])


def probabilities(prediction, *, by_logits):
    """Every query's mask probability at every pixel of the photograph, in full and in double precision, by torch."""
    import torch
    from torch.nn.functional import interpolate

    height, width = prediction.content_size
    masks = torch.from_numpy(prediction.mask_logits()).double()[None]
    masks = interpolate(masks, size=prediction.input_size, mode="bilinear", align_corners=False)
    if not by_logits:
        masks = masks.sigmoid()
    masks = interpolate(masks[:, :, :height, :width], size=prediction.image_size, mode="bilinear", align_corners=False)
    return (masks.sigmoid() if by_logits else masks)[0].numpy()


def cause_of_pixel(prediction, masks, y, x, truth, judged, before, kept):
    """The definition, word by word."""
    if truth[y, x] == VOID or truth[y, x] == judged[y, x]:
        return "none"
    if before is not None and before[y, x] == truth[y, x]:
        return "refinement"
    logits = prediction.class_logits()
    covering = [q for q in range(len(logits)) if masks[q, y, x] >= 0.5 and logits[q].argmax() < logits.shape[1] - 1]
    right = [q for q in covering if logits[q, :-1].argmax() == truth[y, x]]
    if kept is not None and right and (judged[y, x] < 0 or any(q not in kept for q in right)):
        return "filter"
    if right:
        return "vote"
    return "classification" if covering else "no query"


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"padding": (5, 11), "image": (67, 81)},
        {"image": (30, 33), "sure": 1.0},
        {"queries": 3, "classes": 2},
    ],
    ids=["same size", "enlarged, padded", "reduced, unsure", "few"],
)
@pytest.mark.parametrize("judging", ["semantic", "refined", "panoptic"])
def test_is_the_definition_pixel_by_pixel(make, options, judging):
    prediction = make(seed=5, **{"queries": 14, "classes": 5, "cells": (10, 12), "sure": 2.0, **options})
    rng = np.random.default_rng(1)
    result = semantic(prediction).labels
    labels = np.where(rng.random(result.shape) < 0.4, result, rng.integers(-1, len(prediction.id2label), result.shape))
    judged, before, kept = result, None, None
    if judging == "refined":
        judged, before = np.roll(result, 3, axis=1), result
    if judging == "panoptic":
        segments = panoptic(prediction, score_threshold=0.3, overlap_threshold=0.5)
        judged = class_map(segments)
        kept = {query for segment in segments.segments_info for query in segment.queries}
    masks = probabilities(prediction, by_logits=kept is not None)
    # What lies on the very threshold may fall on either side of it.
    clear = (abs(masks - 0.5) > 1e-5).all(axis=0)
    expected = [
        [
            CAUSES.index(cause_of_pixel(prediction, masks, y, x, labels, judged, before, kept))
            for x in range(labels.shape[1])
        ]
        for y in range(labels.shape[0])
    ]
    causes = error_causes(prediction, labels, judged, before=before, kept=kept)
    np.testing.assert_array_equal(causes[clear], np.array(expected)[clear])
    assert clear.mean() > 0.99
    wrong = (labels != VOID) & (labels != judged)
    assert counts(causes)[1:].sum() == wrong.sum() > 0
