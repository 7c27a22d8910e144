"""From a coarse grid of points to a photograph's pixels, along its colours.

Joint bilateral upsampling (Kopf, Cohen, Lischinski and Uyttendaele, SIGGRAPH 2007) with the bilinear footprint: each of
the four points around a pixel counts with its bilinear weight times a Gaussian of their difference in colour, so that
what is brought to the pixels does not cross the photograph's edges.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse

from segdemo.threads import in_threads, spans

Float = npt.NDArray[np.float32]

COLOUR_SIGMA = 5.0
"""Standard deviation of the Gaussian over colours, in grey levels of 255."""
_FLOOR = 1e-6
_FULL = 255
_STRIPE = 32


@dataclass(frozen=True, eq=False)
class Upsampling:
    """The weights of the four points around every pixel of a photograph."""

    rows: npt.NDArray[np.int32]
    """(H,): the grid's row before each of the photo's; the next row of the grid, if any, is the one behind it."""
    columns: npt.NDArray[np.int32]
    """(W,): the same of columns."""
    grid_size: tuple[int, int]
    """Height and width of the grid."""
    weights: npt.NDArray[np.uint8]
    """(H * W, 4): upper left, upper right, lower left, lower right, in 255ths and not yet summing to 1."""

    @classmethod
    def along(cls, image: npt.NDArray[np.uint8], small: npt.NDArray[np.uint8]) -> Upsampling:
        """Return the weights for a photograph (H, W, 3) whose grid's colours are ``small`` (h, w, 3)."""
        height, width = image.shape[:2]
        (above, down), (left, right) = _neighbours(small.shape[0], height), _neighbours(small.shape[1], width)
        weights = np.empty((height * width, 4), np.uint8)
        points = small.astype(np.float32)
        step_y, step_x = int(small.shape[0] > 1), int(small.shape[1] > 1)

        def part(rows: slice) -> None:
            colours = image[rows].astype(np.float32)
            found = []
            for behind_y, share_y in ((0, 1 - down[rows]), (step_y, down[rows])):
                line = points.take(above[rows] + behind_y, axis=0)
                for behind_x, share_x in ((0, 1 - right), (step_x, right)):
                    apart = line.take(left + behind_x, axis=1)
                    apart -= colours
                    distance = np.einsum("yxc,yxc->yx", apart, apart)
                    distance *= np.float32(-0.5 / COLOUR_SIGMA**2)
                    alike = np.exp(distance, out=distance)
                    alike += np.float32(_FLOOR)
                    found.append(alike * share_y[:, None] * share_x)
            stacked = np.stack(found, axis=-1)
            stacked *= _FULL / stacked.max(axis=-1, keepdims=True)
            stacked += 0.5
            weights[rows.start * width : rows.stop * width] = stacked.reshape(-1, 4)

        in_threads(part, spans(height, _STRIPE))
        return cls(above, left, (small.shape[0], small.shape[1]), weights)

    @property
    def nbytes(self) -> int:
        """Memory held, in bytes."""
        return self.weights.nbytes

    def at(self, pixels: slice, values: Float) -> Float:
        """Values (points, n) of the grid at consecutive pixels of the photograph: float32 (pixels, n)."""
        width = len(self.columns)
        row, column = np.divmod(np.arange(pixels.start, pixels.stop, dtype=np.int32), np.int32(width))
        first = self.rows.take(row) * np.int32(self.grid_size[1]) + self.columns.take(column)
        step_y = self.grid_size[1] if self.grid_size[0] > 1 else 0
        step_x = 1 if self.grid_size[1] > 1 else 0
        around = first[:, None] + np.array([0, step_x, step_y, step_y + step_x], np.int32)
        shares_of = self.weights[pixels].astype(np.float32)
        shares_of /= shares_of.sum(axis=1, keepdims=True)
        starts = np.arange(0, 4 * len(first) + 1, 4, dtype=np.int32)
        matrix = sparse.csr_matrix((shares_of.ravel(), around.ravel(), starts), shape=(len(first), len(values)))
        result: Float = matrix @ values
        return result


def _neighbours(points: int, pixels: int) -> tuple[npt.NDArray[np.int32], Float]:
    """For each pixel along an axis the point before it, and the weight of the one behind, 0 to 1."""
    places = np.clip((np.arange(pixels) + 0.5) * (points / pixels) - 0.5, 0, points - 1)
    before = np.minimum(places.astype(np.int32), max(0, points - 2)).astype(np.int32)
    return before, (places - before).astype(np.float32)
