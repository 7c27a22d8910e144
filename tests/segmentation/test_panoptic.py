"""Panoptic segments: the paper's procedure, and what the library gets wrong."""

import numpy as np
import pytest

from segdemo.errors import SegdemoError
from segdemo.explain import query_mask
from segdemo.segmentation import Segments, panoptic

SKY_CAR = {0: "sky", 1: "car"}
SKY, CAR, NOTHING = [0.96, 0.0, 0.04], [0.0, 0.9, 0.1], [0.05, 0.05, 0.9]


def stripes(*columns, width=8, height=4, inside=12.0):
    """One mask for each (start, stop) range of columns."""
    masks = np.full((len(columns), height, width), -12.0)
    for mask, (start, stop) in zip(masks, columns, strict=True):
        mask[:, start:stop] = inside
    return masks


def check(result: Segments):
    """What every result keeps: ids listed once and consecutive, areas and boxes those of the map."""
    assert [segment.id for segment in result.segments_info] == list(range(1, len(result.segments_info) + 1))
    assert set(np.unique(result.ids)) - {0} == {segment.id for segment in result.segments_info}
    assert sum(segment.area for segment in result.segments_info) == (result.ids > 0).sum()
    for segment in result.segments_info:
        ys, xs = np.nonzero(result.ids == segment.id)
        assert segment.area == len(ys)
        x, y, width, height = segment.bbox
        assert (x, y, x + width - 1, y + height - 1) == (xs.min(), ys.min(), xs.max(), ys.max())
        assert 0 < segment.score <= 1
        assert segment.queries


def reference(prediction, stuff, score=0.8, mask=0.5, overlap=0.8):
    """The paper's procedure written down plainly, in torch at full size."""
    import torch
    from torch.nn.functional import interpolate

    masks = torch.from_numpy(prediction.mask_logits())[None]
    masks = interpolate(masks, size=prediction.input_size, mode="bilinear", align_corners=False)
    masks = masks[:, :, : prediction.content_size[0], : prediction.content_size[1]]
    masks = interpolate(masks, size=prediction.image_size, mode="bilinear", align_corners=False)[0].sigmoid()
    scores, labels = torch.from_numpy(prediction.class_logits()).softmax(-1).max(-1)
    keep = (labels < prediction.class_logits().shape[1] - 1) & (scores > score)
    masks, scores, labels = masks[keep], scores[keep], labels[keep]
    ids = np.zeros(prediction.image_size, np.int32)
    categories: list[int] = []
    fused: dict[int, int] = {}
    if not len(labels):
        return ids, categories
    winner = (masks * scores[:, None, None]).argmax(0)
    for k, category in enumerate(labels.tolist()):
        won, whole = winner == k, masks[k] >= mask
        if not (won & whole).any() or won.sum() / whole.sum() < overlap:
            continue
        if category in stuff and category in fused:
            ids[(won & whole).numpy()] = fused[category]
            continue
        categories.append(category)
        fused[category] = len(categories)
        ids[(won & whole).numpy()] = len(categories)
    return ids, categories


def test_sky_car_sky_car(hand):
    prediction = hand(stripes((0, 2), (2, 4), (4, 6), (6, 8)), [SKY, CAR, SKY, CAR], labels=SKY_CAR)
    result = panoptic(prediction)
    check(result)
    assert [(s.label, s.isthing, s.queries) for s in result.segments_info] == [
        ("sky", False, (0, 2)),
        ("car", True, (1,)),
        ("car", True, (3,)),
    ]
    assert [result.ids[0, x] for x in (2, 12, 20, 29)] == [1, 2, 1, 3]
    assert result.segments_info[0].score == pytest.approx(0.96, abs=1e-4)


def test_stuff_stays_apart_when_not_fused(hand):
    prediction = hand(stripes((0, 2), (2, 4), (4, 6), (6, 8)), [SKY, CAR, SKY, CAR], labels=SKY_CAR)
    result = panoptic(prediction, fuse_stuff=False)
    check(result)
    assert [s.label for s in result.segments_info] == ["sky", "car", "sky", "car"]


def test_stuff_may_be_named(hand):
    prediction = hand(stripes((0, 4), (4, 8)), [CAR, CAR], labels=SKY_CAR)
    assert [s.isthing for s in panoptic(prediction, stuff=[1]).segments_info] == [False]
    assert [s.isthing for s in panoptic(prediction, stuff=[]).segments_info] == [True, True]


def test_fused_score_is_weighted_by_pixels(hand):
    prediction = hand(stripes((0, 6), (6, 8)), [[1.0, 0, 0], [0.9, 0, 0.1]], labels=SKY_CAR)
    (sky,) = panoptic(prediction).segments_info
    assert sky.score == pytest.approx(0.75 * 1.0 + 0.25 * 0.9, abs=0.01)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(
    ("score", "mask", "overlap"), [(0.8, 0.5, 0.8), (0.3, 0.3, 0.5), (0.0, 0.9, 0.0), (0.5, 0.5, 1.0)]
)
def test_is_the_papers_procedure(make, seed, score, mask, overlap):
    prediction = make(seed, padding=(5, 11), image=(151, 161))
    stuff = set(range(0, 20, 3))
    ids, categories = reference(prediction, stuff, score, mask, overlap)
    ours = panoptic(prediction, score_threshold=score, mask_threshold=mask, overlap_threshold=overlap, stuff=stuff)
    check(ours)
    assert [s.category_id for s in ours.segments_info] == categories
    assert (ours.ids == ids).mean() >= 0.9999


@pytest.mark.parametrize("logit", [88.65, 96])
def test_masks_beyond_any_doubt_are_compared_without_complaint(hand, logit):
    """The exponential of such a logit is more than float32 holds, or is once it is divided by a score."""
    masks = stripes((0, 4), (3, 7), (4, 6)) * logit / 12
    prediction = hand(masks, [SKY, CAR, CAR], labels=SKY_CAR)
    ids, categories = reference(prediction, {0}, overlap=0.3)
    result = panoptic(prediction, overlap_threshold=0.3)
    check(result)
    assert [segment.category_id for segment in result.segments_info] == categories
    np.testing.assert_array_equal(result.ids, ids)


def test_more_queries_than_a_byte_counts_compete(hand):
    rng = np.random.default_rng(1)
    sure = rng.uniform(0.9, 0.95, 300)
    prediction = hand(rng.normal(0, 2, (300, 6, 6)), np.stack([sure, 1 - sure], axis=1), image=(50, 60))
    ids, categories = reference(prediction, set(), overlap=0.01)
    ours = panoptic(prediction, overlap_threshold=0.01, stuff=set())
    check(ours)
    assert len({query for segment in ours.segments_info for query in segment.queries if query > 255}) > 1
    assert [s.category_id for s in ours.segments_info] == categories
    assert (ours.ids == ids).mean() >= 0.9999


def test_agrees_with_the_library_where_it_is_right(make):
    import torch
    from transformers import Mask2FormerImageProcessorPil
    from transformers.models.mask2former.modeling_mask2former import Mask2FormerForUniversalSegmentationOutput

    # Right at 384 x 384 and without fusing; it resizes probabilities where the paper resizes logits.
    prediction = make(cells=(96, 96), queries=16, classes=8)
    output = Mask2FormerForUniversalSegmentationOutput(
        class_queries_logits=torch.from_numpy(prediction.class_logits())[None],
        masks_queries_logits=torch.from_numpy(prediction.mask_logits())[None],
    )
    (theirs,) = Mask2FormerImageProcessorPil().post_process_panoptic_segmentation(
        output, threshold=0.6, overlap_mask_area_threshold=0.3, label_ids_to_fuse=set(), target_sizes=[(384, 384)]
    )
    ours = panoptic(prediction, score_threshold=0.6, overlap_threshold=0.3, fuse_stuff=False)
    assert len(ours.segments_info) > 2
    assert [s.category_id for s in ours.segments_info] == [s["label_id"] for s in theirs["segments_info"]]
    assert (ours.ids == theirs["segmentation"].numpy()).mean() >= 0.9999


def test_nothing_found_is_a_result(hand):
    prediction = hand(stripes((0, 8)), [NOTHING], labels=SKY_CAR, image=(9, 7))
    result = panoptic(prediction)
    assert result.segments_info == ()
    assert result.ids.shape == (9, 7)
    assert not result.ids.any()


def test_a_query_without_a_mask_is_dropped(hand):
    masks = stripes((0, 4), (4, 8))
    masks[1] = -12
    result = panoptic(hand(masks, [CAR, CAR], labels=SKY_CAR))
    check(result)
    assert [s.queries for s in result.segments_info] == [(0,)]


def test_a_query_that_lost_most_of_its_mask_is_dropped(hand):
    masks = stripes((0, 8), (0, 8))
    prediction = hand(masks, [[0, 0.95, 0.05], [0, 0.85, 0.15]], labels=SKY_CAR)
    assert [s.queries for s in panoptic(prediction).segments_info] == [(0,)]
    prediction = hand(stripes((0, 6), (4, 8)), [[0, 0.95, 0.05], [0, 0.85, 0.15]], labels=SKY_CAR)
    assert [s.queries for s in panoptic(prediction).segments_info] == [(0,)]
    assert [s.queries for s in panoptic(prediction, overlap_threshold=0.4).segments_info] == [(0,), (1,)]


def test_pixels_outside_every_mask_belong_to_nobody(hand):
    result = panoptic(hand(stripes((0, 4)), [CAR], labels=SKY_CAR))
    check(result)
    assert not result.ids[:, 20:].any()
    assert result.segments_info[0].bbox[:2] == (0, 0)


def test_parts_of_things_are_split_and_of_stuff_are_not(hand):
    masks = stripes((0, 1), (4, 5))
    masks[0, :, 2:4] = masks[1, :, 6:8] = 12
    prediction = hand(masks, [CAR, SKY], labels=SKY_CAR)
    result = panoptic(prediction, split_components=True)
    check(result)
    assert [(s.label, s.queries) for s in result.segments_info] == [("car", (0,)), ("car", (0,)), ("sky", (1,))]
    assert result.segments_info[0].area > result.segments_info[1].area


def test_touching_corners_are_connected(hand):
    masks = np.full((1, 2, 2), -12.0)
    masks[0, 0, 0] = masks[0, 1, 1] = 12
    prediction = hand(masks, [CAR], labels=SKY_CAR, scale=1)
    assert len(panoptic(prediction, split_components=True).segments_info) == 1


def test_small_segments_are_left_out_and_the_rest_numbered(hand):
    prediction = hand(stripes((0, 1), (1, 5), (5, 8)), [CAR, CAR, CAR], labels=SKY_CAR)
    result = panoptic(prediction, min_area=100)
    check(result)
    assert [s.queries for s in result.segments_info] == [(1,), (2,)]
    smallest = min(s.area for s in result.segments_info)
    assert len(panoptic(prediction, min_area=smallest).segments_info) == 2
    assert len(panoptic(prediction, min_area=smallest + 1).segments_info) == 1


def test_a_segment_that_wins_all_of_its_mask_passes_any_overlap_threshold(hand):
    prediction = hand(stripes((0, 4), (4, 8)), [CAR, CAR], labels=SKY_CAR)
    assert len(panoptic(prediction, overlap_threshold=1).segments_info) == 2


@pytest.mark.parametrize("name", ["score_threshold", "mask_threshold", "overlap_threshold"])
@pytest.mark.parametrize("value", [-0.1, 1.5, float("nan")])
def test_impossible_thresholds_are_explained(hand, name, value):
    prediction = hand(stripes((0, 4)), [CAR], labels=SKY_CAR)
    with pytest.raises(SegdemoError, match="from 0 to 1"):
        panoptic(prediction, **{name: value})


@pytest.mark.parametrize("mask", [0.0, 1.0])
def test_thresholds_at_the_ends(hand, mask):
    prediction = hand(stripes((0, 4)), [CAR], labels=SKY_CAR)
    result = panoptic(prediction, mask_threshold=mask)
    check(result)
    assert (result.ids > 0).all() == (mask == 0)


def test_every_pixel_of_a_segment_is_in_one_of_its_masks(make):
    prediction = make(2, image=(120, 130))
    result = panoptic(prediction, score_threshold=0.4, overlap_threshold=0.3, split_components=True, min_area=20)
    check(result)
    assert result.segments_info
    for segment in result.segments_info:
        inside = np.max([query_mask(prediction, query) for query in segment.queries], axis=0) >= 0.5 - 1e-4
        assert inside[result.ids == segment.id].all()
        assert segment.area >= 20


def test_layer_and_size_are_free(make):
    result = panoptic(make(), layer=0, size=(31, 17), score_threshold=0.1)
    check(result)
    assert result.ids.shape == (31, 17)
