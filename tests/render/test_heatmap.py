"""Heatmaps: known ends of the tables, a given range, and values no scale has."""

from typing import get_args

import numpy as np
import pytest

from segdemo.colors import oklab
from segdemo.render.heatmap import Colormap, colormap, heatmap


def test_viridis_runs_from_violet_to_yellow() -> None:
    # The published table's ends: #440154 and #fde725.
    table = colormap("viridis").astype(int)
    assert np.abs(table[0] - (68, 1, 84)).max() <= 1
    assert np.abs(table[255] - (253, 231, 37)).max() <= 1


@pytest.mark.parametrize("name", get_args(Colormap))
def test_lightness_never_falls(name: Colormap) -> None:
    lightness = oklab(colormap(name))[:, 0]
    assert (np.diff(lightness) > -0.005).all()
    assert lightness[-1] - lightness[0] > 0.4


def test_range_and_clipping() -> None:
    table = colormap("magma")
    out = heatmap(np.array([[-1.0, 0.0, 0.5, 1.0, 9.0]]), low=0, high=1, name="magma")
    np.testing.assert_array_equal(out[0], table[[0, 0, 128, 255, 255]])


def test_own_range_is_the_default_and_a_constant_map_is_all_lowest() -> None:
    table = colormap()
    np.testing.assert_array_equal(heatmap(np.array([[2.0, 3.0, 4.0]]))[0], table[[0, 128, 255]])
    np.testing.assert_array_equal(heatmap(np.full((1, 2), 3.0))[0], table[[0, 0]])


def test_values_that_are_no_numbers() -> None:
    out = heatmap(np.array([[np.nan, 1.0, np.inf, -np.inf, 2.0]]))
    assert out[0, 0].tolist() == [0, 0, 0]
    np.testing.assert_array_equal(out[0, 1:], colormap()[[0, 255, 0, 255]])


def test_mistakes_are_named() -> None:
    with pytest.raises(ValueError, match="upside down"):
        heatmap(np.zeros((1, 1)), low=1, high=0)
    with pytest.raises(ValueError, match="there are viridis, magma"):
        colormap("jet")  # type: ignore[arg-type]
