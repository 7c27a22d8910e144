"""The way from mask cells to output pixels, against torch."""

import numpy as np
import pytest

from segdemo.segmentation.sampling import Axis, cell_bounds, grid, linear_taps, sigmoid, softmax


@pytest.mark.parametrize(("source", "target"), [(5, 20), (20, 5), (7, 7), (1, 4), (9, 13), (13, 1)])
def test_taps_are_torchs(source, target):
    import torch
    from torch.nn.functional import interpolate

    values = np.random.default_rng(0).normal(size=source)
    lower, upper, weight = linear_taps(source, target)
    ours = values[lower] * (1 - weight) + values[upper] * weight
    theirs = interpolate(torch.from_numpy(values)[None, None], size=target, mode="linear", align_corners=False)
    np.testing.assert_allclose(ours, theirs[0, 0].numpy(), atol=1e-12)


def test_spans_cover_the_axis_once_and_agree_with_the_whole():
    axis = Axis(cells=40, input_size=160, content=151, output=233)
    values = np.random.default_rng(1).normal(size=40).astype(np.float32)
    whole = axis.span(0, 233)
    spans = axis.spans(7)
    assert np.concatenate([np.arange(233)[span.output] for span in spans]).tolist() == list(range(233))
    parts = np.concatenate([span.direct @ values[span.cells] for span in spans])
    np.testing.assert_allclose(parts, whole.direct @ values[whole.cells], atol=1e-5)
    for span in spans:
        np.testing.assert_allclose(span.resize @ (span.up @ values[span.cells]), parts[span.output], atol=1e-5)


def test_every_matrix_row_is_a_convex_combination():
    span = Axis(cells=10, input_size=40, content=33, output=57).span(11, 31)
    for matrix in (span.up, span.resize, span.direct):
        assert matrix.min() >= 0
        np.testing.assert_allclose(matrix.sum(axis=1), 1, atol=1e-6)


def test_bounds_hold_at_every_pixel(make):
    prediction = make(padding=(6, 3), image=(111, 131))
    masks = prediction.mask_logits()
    layout = grid(prediction)
    rows, columns = layout.rows.spans(9), layout.columns.spans(9)
    low, high = cell_bounds(masks, rows, columns)
    for i, row in enumerate(rows):
        for j, column in enumerate(columns):
            values = row.direct @ masks[:, row.cells, column.cells] @ column.direct.T
            assert (values.min(axis=(1, 2)) >= low[i, j] - 1e-4).all()
            assert (values.max(axis=(1, 2)) <= high[i, j] + 1e-4).all()


def test_an_empty_size_is_refused(make):
    with pytest.raises(ValueError, match="at least 1 x 1"):
        grid(make(), (0, 10))


def test_sigmoid_and_softmax_at_the_extremes():
    np.testing.assert_allclose(sigmoid(np.array([-1000.0, 0.0, 1000.0, np.log(3)])), [0, 0.5, 1, 0.75], atol=1e-6)
    assert sigmoid(np.empty((0, 3, 2), np.float32)).shape == (0, 3, 2)
    np.testing.assert_allclose(softmax(np.array([[1000.0, 1000.0, -1000.0]], np.float32)), [[0.5, 0.5, 0]])
