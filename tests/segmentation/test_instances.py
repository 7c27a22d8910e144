"""Instances: things that may overlap, by the paper's procedure, and COCO's run lengths as its own tools read them."""

from itertools import pairwise

import numpy as np
import pytest
from pycocotools import mask as codec

from segdemo.errors import SegdemoError
from segdemo.segmentation import Instances, Mask, instances
from segdemo.segmentation.runs import packed
from tests.segmentation.test_panoptic import CAR, NOTHING, SKY, SKY_CAR, stripes


def check(result: Instances):
    """What every result keeps: numbered by falling score, the surest on top, the list of what is seen as the map is."""
    assert [one.id for one in result.instances] == list(range(1, len(result.instances) + 1))
    assert all(first.score >= second.score for first, second in pairwise(result.instances))
    ids = np.zeros(result.ids.shape, np.int32)
    for one in reversed(result.instances):
        mask = one.mask.array()
        assert mask.any()
        assert one.area == mask.sum()
        ys, xs = np.nonzero(mask)
        assert one.bbox == (xs.min(), ys.min(), np.ptp(xs) + 1, np.ptp(ys) + 1)
        ids[mask] = one.id
    np.testing.assert_array_equal(result.ids, ids)
    assert [segment.id for segment in result.segments_info] == sorted(set(np.unique(ids).tolist()) - {0})
    for segment in result.segments_info:
        ys, xs = np.nonzero(ids == segment.id)
        assert segment.area == len(ys)
        assert segment.bbox == (xs.min(), ys.min(), np.ptp(xs) + 1, np.ptp(ys) + 1)


def reference(prediction, stuff, most=100):
    """``instance_inference`` of the paper's code, in torch at full size: (score, class, mask), the surest first."""
    import torch
    from torch.nn.functional import interpolate

    masks = torch.from_numpy(prediction.mask_logits())[None]
    masks = interpolate(masks, size=prediction.input_size, mode="bilinear", align_corners=False)
    masks = masks[:, :, : prediction.content_size[0], : prediction.content_size[1]]
    masks = interpolate(masks, size=prediction.image_size, mode="bilinear", align_corners=False)[0]
    scores = torch.from_numpy(prediction.class_logits()).softmax(-1)[:, :-1]
    classes = scores.shape[1]
    labels = torch.arange(classes)[None].repeat(len(scores), 1).flatten()
    chances, places = scores.flatten().topk(min(most, scores.numel()))
    labels, masks = labels[places], masks[places // classes]
    inside = (masks > 0).float()
    found = chances * (masks.sigmoid().flatten(1) * inside.flatten(1)).sum(1) / (inside.flatten(1).sum(1) + 1e-6)
    listed = [
        (float(score), int(label), mask.numpy() > 0)
        for score, label, mask in zip(found, labels, inside, strict=True)
        if int(label) not in stuff
    ]
    return sorted(listed, key=lambda one: -one[0])


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("threshold", [0.0, 0.3])
def test_is_the_papers_procedure(make, seed, threshold):
    prediction = make(seed, padding=(5, 11), image=(151, 161))
    stuff = set(range(0, 20, 3))
    expected = [one for one in reference(prediction, stuff) if one[0] > threshold]
    found = instances(prediction, score_threshold=threshold, stuff=stuff)
    check(found)
    assert len(found.instances) == len(expected) > 3
    for one, (score, category, mask) in zip(found.instances, expected, strict=True):
        assert one.score == pytest.approx(score, abs=2e-5)
        assert one.category_id == category
        assert (one.mask.array() == mask).mean() > 0.9999


def test_agrees_with_the_library_where_it_is_right(make):
    """It asks at 384 x 384 whatever the photo, and puts the instances into one map unless told not to."""
    import torch
    from transformers import Mask2FormerImageProcessorPil
    from transformers.models.mask2former.modeling_mask2former import Mask2FormerForUniversalSegmentationOutput

    prediction = make(cells=(96, 96), queries=16, classes=8)
    output = Mask2FormerForUniversalSegmentationOutput(
        class_queries_logits=torch.from_numpy(prediction.class_logits())[None],
        masks_queries_logits=torch.from_numpy(prediction.mask_logits())[None],
    )
    (theirs,) = Mask2FormerImageProcessorPil().post_process_instance_segmentation(
        output, threshold=0.5, target_sizes=[(384, 384)], return_binary_maps=True
    )
    ours = instances(prediction, score_threshold=0.5, stuff=())
    check(ours)
    order = sorted(range(len(theirs["segments_info"])), key=lambda i: -theirs["segments_info"][i]["score"])
    assert len(order) == len(ours.instances) > 2
    for one, place in zip(ours.instances, order, strict=True):
        about = theirs["segments_info"][place]
        assert (one.category_id, one.score) == (about["label_id"], pytest.approx(about["score"], abs=1e-5))
        assert (one.mask.array() == (theirs["segmentation"][place].numpy() > 0)).mean() > 0.9999


def test_masks_overlap_and_the_surest_lies_on_top(hand):
    prediction = hand(stripes((0, 5), (3, 8)), [[0, 0.9, 0.1], [0, 0.95, 0.05]], labels=SKY_CAR)
    result = instances(prediction)
    check(result)
    first, second = result.instances
    assert (first.query, second.query) == (1, 0)
    assert (first.mask.array() & second.mask.array()).any()
    assert result.ids[0, 14] == 1
    assert {segment.id: segment.area for segment in result.segments_info}[2] < second.area


def test_what_is_wholly_covered_is_an_instance_and_not_seen(hand):
    prediction = hand(stripes((0, 6), (2, 4)), [[0, 0.99, 0.01], [0, 0.9, 0.1]], labels=SKY_CAR)
    result = instances(prediction)
    check(result)
    assert [one.query for one in result.instances] == [0, 1]
    assert [segment.id for segment in result.segments_info] == [1]


def test_a_query_may_be_two_instances_of_two_classes(hand):
    prediction = hand(stripes((0, 4)), [[0.5, 0.4, 0.1]], labels={0: "cat", 1: "dog"})
    result = instances(prediction, score_threshold=0.3)
    check(result)
    assert [(one.label, one.query) for one in result.instances] == [("cat", 0), ("dog", 0)]


def test_stuff_is_left_out_and_may_be_named(hand):
    prediction = hand(stripes((0, 8), (2, 4)), [SKY, CAR], labels=SKY_CAR)
    assert [one.label for one in instances(prediction).instances] == ["car"]
    assert [one.label for one in instances(prediction, stuff=[1]).instances] == ["sky"]


def test_the_score_weighs_the_mask(hand):
    prediction = hand(stripes((4, 8), inside=np.log(19)), [[0, 1, 0]], labels=SKY_CAR, scale=1)
    assert instances(prediction).instances[0].score == pytest.approx(0.95, abs=1e-5)
    assert instances(prediction, score_threshold=0.951).instances == ()


def test_nothing_found_is_a_result(hand):
    result = instances(hand(stripes((0, 8)), [NOTHING], labels=SKY_CAR, image=(9, 7)))
    assert result.instances == result.segments_info == ()
    assert result.ids.shape == (9, 7)
    assert not result.ids.any()


def test_parts_and_small_ones(hand):
    masks = stripes((0, 1), (2, 5))
    masks[0, :, 6:8] = 12
    prediction = hand(masks, [CAR, CAR], labels=SKY_CAR)
    assert len(instances(prediction).instances) == 2
    split = instances(prediction, split_components=True)
    check(split)
    assert sorted(one.query for one in split.instances) == [0, 0, 1]
    smallest = min(one.area for one in split.instances)
    assert len(instances(prediction, split_components=True, min_area=smallest + 1).instances) == 2


@pytest.mark.parametrize("name", ["score_threshold", "mask_threshold"])
@pytest.mark.parametrize("value", [-0.1, 1.5, float("nan")])
def test_impossible_thresholds_are_explained(hand, name, value):
    with pytest.raises(SegdemoError, match="from 0 to 1"):
        instances(hand(stripes((0, 4)), [CAR], labels=SKY_CAR), **{name: value})


@pytest.mark.parametrize(("mask", "share"), [(0.0, 1), (1.0, 0)])
def test_thresholds_at_the_ends(hand, mask, share):
    result = instances(hand(stripes((0, 4)), [CAR], labels=SKY_CAR), mask_threshold=mask, score_threshold=0.1)
    assert (result.ids > 0).mean() == share


def test_layer_and_size_are_free(make):
    result = instances(make(), layer=0, size=(31, 17), score_threshold=0.1)
    check(result)
    assert result.ids.shape == (31, 17)


@pytest.mark.parametrize("share", [0.0, 0.02, 0.5, 0.97, 1.0])
@pytest.mark.parametrize("size", [(1, 1), (7, 5), (1, 300), (300, 1), (64, 90)])
def test_run_lengths_are_cocos(share, size):
    inside = np.random.default_rng(int(100 * share)).random(size) < share
    mask = Mask.of(inside, size)
    theirs = codec.encode(np.asfortranarray(inside.astype(np.uint8)))
    assert mask.coco() == {"size": list(size), "counts": theirs["counts"].decode()}
    np.testing.assert_array_equal(mask.array(), inside)
    assert mask.area == inside.sum()
    assert list(mask.box) == codec.toBbox(theirs).tolist()
    painted = np.zeros(size, np.int32)
    mask.paint(painted, 7)
    np.testing.assert_array_equal(painted, np.where(inside, 7, 0))


def test_a_part_of_a_picture_is_a_mask_of_it():
    whole = np.zeros((20, 30), bool)
    whole[13:20, 25:30] = inside = np.random.default_rng(1).random((7, 5)) < 0.5
    np.testing.assert_array_equal(Mask.of(inside, (20, 30), top=13, left=25).array(), whole)


def test_numbers_of_any_length_are_packed_as_coco_does():
    counts = np.array([0, 15, 16, 1023, 1024, 3, 40_000_000, 1, 0x7FFFF], np.int64)
    size = [1, int(counts.sum())]
    assert packed(counts) == codec.frPyObjects({"size": size, "counts": counts.tolist()}, *size)["counts"].decode()
