"""The kernels against direct sums, and the properties that a lattice must have."""

import numpy as np
import pytest
from scipy import ndimage

from segdemo.refine.kernels import PairsKernel, PositionKernel, filtered, reach
from segdemo.refine.lattice import build_lattice


def points(count: int, spread: float, seed: int = 0) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [(rng.random(count) * spread).astype(np.float32) for _ in range(5)]


@pytest.mark.parametrize("spread", [0.1, 2.0, 30.0, 3000.0])
def test_barycentric_weights_are_shares(spread: float) -> None:
    lattice = build_lattice(points(5000, spread))
    for matrix in lattice.slices:
        weights = matrix.data.reshape(-1, 6)
        np.testing.assert_allclose(weights.sum(1), 1, atol=1e-5)
        assert weights.min() > -1e-5
        assert len(np.unique(matrix.indices.reshape(-1, 6)[0])) == 6


def test_points_far_apart_share_no_vertex_and_close_ones_share_all() -> None:
    far = [np.array([0, 50], np.float32) for _ in range(5)]
    assert build_lattice(far).vertices == 2 * 6 + 1
    close = [np.array([0.301, 0.302], np.float32) * (axis + 1) for axis in range(5)]
    assert build_lattice(close).vertices == 6 + 1


def test_the_lattice_is_symmetric() -> None:
    lattice = build_lattice(points(3000, 4.0)).normalised()
    rng = np.random.default_rng(1)
    one, other = rng.random((2, 3000, 1), np.float32)
    assert float((one * filtered(lattice, other)).sum()) == pytest.approx(
        float((other * filtered(lattice, one)).sum()), rel=2e-2
    )


def test_the_lattice_approximates_the_gaussian() -> None:
    features = points(4000, 3.0)
    values = np.random.default_rng(2).random((4000, 2), np.float32)
    found = filtered(build_lattice(features).normalised(), values)
    expected = filtered(PairsKernel.over(features), values)
    assert np.abs(found - expected).mean() < 0.05 * expected.mean()


def test_a_table_too_fine_to_sort_in_one_integer_is_still_right(monkeypatch: pytest.MonkeyPatch) -> None:
    features = points(2000, 5.0)
    values = np.random.default_rng(3).random((2000, 3), np.float32)
    expected = filtered(build_lattice(features), values)
    monkeypatch.setattr("segdemo.refine.lattice._WORD", 0)
    np.testing.assert_allclose(filtered(build_lattice(features), values), expected, rtol=1e-5)


@pytest.mark.parametrize("sigma", [(1.0, 1.0), (3.0, 3.0), (1.4, 1.5), (8.0, 8.0)])
def test_position_kernel_against_scipy(sigma: tuple[float, float]) -> None:
    size = (61, 83)
    values = ndimage.gaussian_filter(np.random.default_rng(0).random((*size, 3)), (2, 2, 0)).astype(np.float32)
    root = 1 / np.sqrt(ndimage.gaussian_filter(np.ones(size), sigma, mode="constant", truncate=6))[..., None]
    expected = root * ndimage.gaussian_filter(values * root, (*sigma, 0), mode="constant", truncate=6)
    kernel = PositionKernel.over(size, sigma)
    found = filtered(kernel, values.reshape(-1, 3)).reshape(*size, 3)
    np.testing.assert_allclose(found, expected, atol=0.015)
    assert reach(kernel, size[0] * size[1]) < 1.3


def test_position_kernel_takes_any_number_of_labels() -> None:
    values = np.random.default_rng(0).random((30 * 20, 150), np.float32)
    kernel = PositionKernel.over((30, 20), (2.0, 2.0))
    np.testing.assert_allclose(filtered(kernel, values)[:, 140:], filtered(kernel, values[:, 140:]), rtol=1e-5)
