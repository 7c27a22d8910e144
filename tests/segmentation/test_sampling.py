"""The way from mask cells to output pixels, against torch."""

from typing import Any

import numpy as np
import pytest

from segdemo.segmentation.sampling import Axis, cell_bounds, grid, inside, linear_taps, sigmoid, softmax


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
    whole: Any = axis.span(0, 233)
    spans: list[Any] = list(axis.spans(7))
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


@pytest.mark.parametrize(("output", "part"), [(233, (0, 233)), (233, (50, 90)), (9, (0, 9)), (9, (3, 4))])
def test_windows_hold_every_sample_once_and_where_it_lies(output, part):
    span = Axis(cells=40, input_size=160, content=151, output=output).span(*part)
    values = np.random.default_rng(2).normal(size=40).astype(np.float32)[span.cells]
    windows = span.windows
    after = np.append(values[1:], values[-1])
    samples = span.up @ values
    np.testing.assert_allclose(values[windows.of] * (1 - windows.weight) + after[windows.of] * windows.weight, samples)
    held = [np.unique(windows.samples[:, window]).tolist() for window in np.flatnonzero(windows.sampled)]
    assert np.concatenate(held).tolist() == list(range(len(samples)))
    assert all((windows.of[inside] == window).all() for window, inside in zip(np.unique(windows.of), held, strict=True))
    np.testing.assert_array_equal(windows.weights, windows.weight[windows.samples])


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


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_inside_is_a_logit_above_zero(dtype: type[np.floating]) -> None:
    edges = np.asarray([[0.0, -0.0, 6e-8, -6e-8], [np.inf, -np.inf, 65504.0, -65504.0]], dtype)
    assert np.array_equal(inside(edges[:, ::2]), [[False, True], [True, True]])
    assert np.array_equal(inside(edges), [[False, False, True, False], [True, False, True, False]])
