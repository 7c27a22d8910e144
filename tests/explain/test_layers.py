"""A query over the layers, the list of queries, and attention maps."""

import numpy as np
import pytest

from segdemo.explain import attention_focus, attention_map, query_history, query_mask, query_masks, query_table
from segdemo.prediction import AttentionLayer, Prediction
from segdemo.segmentation import planes


@pytest.fixture
def growing() -> Prediction:
    """One query, three layers: nothing, then the left column, then the left half of a 4 x 4 mask."""
    masks = [np.full((1, 4, 4), -5.0, np.float32) for _ in range(3)]
    masks[1][..., :1] = 5
    masks[2][..., :2] = 5
    chances = ([0.2, 0.1, 0.7], [0.3, 0.5, 0.2], [0.8, 0.1, 0.1])
    classes = tuple(np.log(np.array([row], np.float32)) for row in chances)
    attention = np.zeros((2, 1, 2, 2), np.float32)
    attention[0, 0, 0, 0] = attention[1, 0, 1, 1] = 3
    even = np.ones((2, 1, 2, 2), np.float32)
    return Prediction(
        (16, 16), (16, 16), (16, 16), {0: "sky", 1: "car"}, tuple(masks), classes,
        (AttentionLayer(attention, np.array([True]), 8), AttentionLayer(even, np.array([False]), 8)),
    )  # fmt: skip


def test_history_by_hand(growing):
    history = query_history(growing, 0)
    assert [row.layer for row in history] == [0, 1, 2]
    assert [row.category_id for row in history] == [0, 1, 0]
    assert [row.probability for row in history] == pytest.approx([0.2, 0.5, 0.8])
    assert [row.final_class_probability for row in history] == pytest.approx([0.2, 0.3, 0.8])
    assert [row.no_object for row in history] == pytest.approx([0.7, 0.2, 0.1])
    assert [row.iou for row in history] == pytest.approx([0, 0.5, 1])
    assert [row.area for row in history] == pytest.approx([0, 0.25, 0.5])


def test_two_empty_masks_are_alike(hand):
    assert query_history(hand(np.full((1, 2, 2), -3.0), [[0.5, 0.5]]), 0)[0].iou == 1


def test_history_leaves_padding_out():
    """Right of the picture the layers differ; within it the mask fills it from the first."""
    masks = [np.full((1, 4, 4), 5, np.float32) for _ in range(2)]
    masks[0][..., 2:] = -5
    classes = (np.zeros((1, 3), np.float32),) * 2
    padded = Prediction((16, 8), (16, 16), (16, 8), {0: "sky", 1: "car"}, tuple(masks), classes)
    assert [(row.iou, row.area) for row in query_history(padded, 0)] == [(1, 1), (1, 1)]


def test_table_by_hand(growing):
    (row,) = query_table(growing)
    assert (row.query, row.category_id, row.label) == (0, 0, "sky")
    assert (row.probability, row.no_object, row.area, row.won) == pytest.approx((0.8, 0.1, 0.5, 1.0))
    assert row.centroid == pytest.approx((0.5, 0.25))
    assert query_table(growing, layer=0)[0].centroid is None


def test_padding_is_left_out_of_areas(hand):
    masks = np.full((1, 4, 4), -5.0)
    masks[..., :2] = 5
    (row,) = query_table(hand(masks, [[0.9, 0.1]], content=(16, 8)))
    assert row.area == 1


def test_table_is_sorted_and_complete(make):
    prediction = make()
    table = query_table(prediction)
    assert sorted(row.query for row in table) == list(range(prediction.num_queries))
    assert [row.no_object for row in table] == sorted(row.no_object for row in table)
    assert sum(row.won for row in table) == pytest.approx(1)
    shown = planes(prediction, size=(20, 24))
    given = query_table(prediction, readout=shown)
    assert {row.query: row.won for row in given}[int(shown.query[0, 0])] > 0


def test_masks_of_queries_follow_torch(make):
    import torch
    from torch.nn.functional import interpolate

    prediction = make(padding=(5, 11), image=(90, 70))
    masks = torch.from_numpy(prediction.mask_logits(1))[None]
    masks = interpolate(masks, size=prediction.input_size, mode="bilinear", align_corners=False)
    masks = masks[:, :, : prediction.content_size[0], : prediction.content_size[1]]
    masks = interpolate(masks, size=(90, 70), mode="bilinear", align_corners=False).sigmoid()[0]
    np.testing.assert_allclose(query_mask(prediction, 4, layer=1), masks[4].numpy(), atol=1e-4)
    np.testing.assert_allclose(query_masks(prediction, 4)[1], masks[4].numpy(), atol=1e-4)
    np.testing.assert_array_equal(query_masks(prediction, 4, size=(9, 7))[-1], query_mask(prediction, 4, size=(9, 7)))


def test_attention_is_read_at_the_right_place(growing):
    heat = attention_map(growing, 1, 0, head=0)
    assert heat.shape == (16, 16)
    assert heat[0, 0] == pytest.approx(1)
    assert heat[15, 15] == pytest.approx(0)
    both = attention_map(growing, 1, 0, size=(32, 8))
    np.testing.assert_allclose(both[::31, ::7], [[0.5, 0], [0, 0.5]], atol=1e-6)


def test_attention_to_padding_is_cropped():
    attention = np.zeros((1, 1, 2, 4), np.float32)
    attention[0, 0, :, 3] = 1
    attention[0, 0, 0, 0] = 1
    padded = Prediction(
        (8, 8), (8, 16), (8, 8), {0: "sky"}, (np.zeros((1, 2, 4), np.float32),) * 2,
        (np.zeros((1, 2), np.float32),) * 2, (AttentionLayer(attention, np.array([False]), 4),),
    )  # fmt: skip
    heat = attention_map(padded, 1, 0)
    np.testing.assert_allclose(heat[::7, ::7], [[1 / 3, 0], [0, 0]], atol=1e-6)
    focus = attention_focus(padded, 1, 0)
    assert focus.peak == pytest.approx((0.25, 0.25))


def test_focus(growing):
    spread = attention_focus(growing, 2, 0)
    assert spread.entropy == pytest.approx(1)
    assert not spread.everywhere
    single = attention_focus(growing, 1, 0, head=1)
    assert single.entropy == 0
    assert single.everywhere
    assert single.peak == pytest.approx((0.75, 0.75))


@pytest.mark.parametrize("call", [query_history, query_mask, query_masks])
def test_unknown_queries_are_refused(growing, call):
    for query in (-1, 1):
        with pytest.raises(IndexError, match="query"):
            call(growing, query)


def test_attention_of_the_initial_prediction_is_refused(growing):
    with pytest.raises(IndexError, match="attends to nothing"):
        attention_map(growing, 0, 0)
