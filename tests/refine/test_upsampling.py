"""Joint bilateral upsampling against its definition, written out pixel by pixel."""

import cv2
import numpy as np
import pytest

from segdemo.refine.upsampling import COLOUR_SIGMA, Upsampling


def brute_force(image: np.ndarray, small: np.ndarray, values: np.ndarray) -> np.ndarray:
    height, width = image.shape[:2]
    rows, columns = small.shape[:2]
    result = np.zeros((height, width, values.shape[1]))
    for y in range(height):
        for x in range(width):
            v = min(max((y + 0.5) * rows / height - 0.5, 0), rows - 1)
            u = min(max((x + 0.5) * columns / width - 0.5, 0), columns - 1)
            total = 0.0
            for row in range(rows):
                for column in range(columns):
                    near = max(0, 1 - abs(v - row)) * max(0, 1 - abs(u - column))
                    apart = ((image[y, x].astype(float) - small[row, column]) ** 2).sum()
                    share = near * (np.exp(-apart / (2 * COLOUR_SIGMA**2)) + 1e-6)
                    total += share
                    result[y, x] += share * values[row * columns + column]
            result[y, x] /= total
    return result.reshape(-1, values.shape[1])


@pytest.mark.parametrize(
    ("size", "grid"), [((17, 23), (9, 12)), ((12, 40), (1, 13)), ((9, 5), (9, 1)), ((7, 8), (6, 8))]
)
def test_it_is_the_weighted_mean_of_the_four_points_around(size: tuple[int, int], grid: tuple[int, int]) -> None:
    rng = np.random.default_rng(3)
    image = cv2.GaussianBlur(rng.integers(0, 256, (*size, 3), np.uint8), (0, 0), 2)
    small = cv2.resize(image, grid[::-1], interpolation=cv2.INTER_AREA).reshape(*grid, 3)
    values = rng.random((grid[0] * grid[1], 3), np.float32)
    found = Upsampling.along(image, small).at(slice(0, size[0] * size[1]), values)
    # The weights are kept in 255ths of the largest.
    np.testing.assert_allclose(found, brute_force(image, small, values), atol=0.01)


def test_a_run_of_pixels_is_a_part_of_the_whole() -> None:
    rng = np.random.default_rng(4)
    image, small = rng.integers(0, 256, (20, 30, 3), np.uint8), rng.integers(0, 256, (8, 12, 3), np.uint8)
    values = rng.random((96, 2), np.float32)
    upsampling = Upsampling.along(image, small)
    whole = upsampling.at(slice(0, 600), values)
    assert np.array_equal(upsampling.at(slice(123, 456), values), whole[123:456])
    assert upsampling.nbytes == 4 * 600


def test_values_do_not_cross_an_edge_between_colours() -> None:
    image = np.zeros((12, 12, 3), np.uint8)
    image[:, 6:] = 255
    small = np.zeros((4, 4, 3), np.uint8)
    small[:, 2:] = 255
    values = np.tile(np.array([0, 0, 1, 1], np.float32), 4)[:, None]
    found = Upsampling.along(image, small).at(slice(0, 144), values).reshape(12, 12)
    np.testing.assert_allclose(found, image[..., 0] / 255, atol=1e-3)
