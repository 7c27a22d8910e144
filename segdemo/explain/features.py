"""What the network makes of the photograph before any query looks: feature maps as pictures.

A feature map has hundreds of numbers for each cell. Three ways to look at them: the first three principal components as
colours (cells of like colour have like features), the length of each cell's vector, and single channels; and a fourth
that needs a pixel: how much every other cell resembles the one there, by the cosine of the angle between their vectors.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from segdemo.prediction import Prediction, Size, Windows
from segdemo.segmentation.sampling import Float32
from segdemo.threads import one_blas_thread

Part = Literal["backbone", "pixel decoder", "mask features"]
"""Which part of the network made a map."""

COMPONENTS = 3
SAMPLED = 8_192
"""Cells that the directions of principal components are made from, at most."""
CLIPPED = 1.0
"""Per cent of the cells at either end of a component that all get its darkest or brightest colour."""
_FEW = 64
"""Up to this many rows a symmetric matrix's eigenvectors are all computed, which is quicker then than three of them."""
_NOTHING = 1e-7
"""Share of the variance under which a component is rounding."""


@dataclass(frozen=True, eq=False)
class FeatureMap:
    """One of the maps that a prediction kept."""

    part: Part
    stage: int
    """Number of the backbone's stage, from 1; 0 for the others."""
    stride: int
    """Pixels of the network's input that a cell is wide and high."""
    values: npt.NDArray[np.floating[Any]] = field(repr=False)
    """(C, h, w) in half or single precision, less the input's padding but for a cell that it only touches."""

    @property
    def size(self) -> Size:
        """Height and width in cells."""
        return int(self.values.shape[1]), int(self.values.shape[2])

    @property
    def channels(self) -> int:
        """Numbers that each cell has."""
        return int(self.values.shape[0])


@dataclass(frozen=True, eq=False)
class Components:
    """The first three principal components of a feature map."""

    scores: Float32
    """(3, h, w): how far each cell lies along them; those beyond the map's rank are zero."""
    explained: tuple[float, ...]
    """The share of the variance over cells that each accounts for, the largest first."""


def feature_maps(prediction: Prediction) -> tuple[FeatureMap, ...]:
    """The maps of a prediction in the order in which the network makes them.

    The backbone's stages, finest first, then the pixel decoder's levels, coarsest first, and the mask features, where
    they were kept. Raises ``NotOfferedError`` where the backbone's were not.
    """
    prediction.require("features")
    found = [
        FeatureMap("backbone", stage, stride, _content(prediction, values, stride))
        for stage, (stride, values) in enumerate(sorted(prediction.stages.items()), start=1)
    ]
    start = prediction.decoder_features
    if start is not None:
        found += [
            FeatureMap("pixel decoder", 0, stride, _content(prediction, values, stride))
            for stride, values in start.levels.items()
        ]
        found.append(
            FeatureMap("mask features", 0, start.mask_stride, _content(prediction, start.masks, start.mask_stride))
        )
    return tuple(found)


def _content(
    prediction: Prediction, values: npt.NDArray[np.floating[Any]], stride: int
) -> npt.NDArray[np.floating[Any]]:
    height, width = (-(-side // stride) for side in prediction.content_size)
    return values[:, :height, :width]


def cell_at(prediction: Prediction, features: FeatureMap, y: float, x: float) -> tuple[int, int]:
    """Row and column of the cell under a point of the photograph; ``y`` and ``x`` are 0..1 from the top left."""
    row, column = (
        min(cells - 1, int(place * side / features.stride))
        for place, side, cells in zip((y, x), prediction.content_size, features.size, strict=True)
    )
    return row, column


def over_photo(prediction: Prediction, features: FeatureMap, size: Size) -> npt.NDArray[np.intp] | None:
    """Which cell of a map, counted in reading order, lies under each pixel of a picture of ``size``: (H, W).

    ``None`` where the cells fill the photograph, so that the map itself is that picture: they do unless padding cuts
    through a cell.
    """
    if all(side % features.stride == 0 for side in prediction.content_size):
        return None
    rows, columns = (
        np.minimum(((np.arange(pixels) + 0.5) / pixels * side / features.stride).astype(np.intp), cells - 1)
        for pixels, side, cells in zip(size, prediction.content_size, features.size, strict=True)
    )
    return np.asarray(rows[:, None] * features.size[1] + columns)


def principal_components(values: npt.NDArray[np.floating[Any]]) -> Components:
    """The first three principal components of a map (C, h, w) over its cells (Pearson 1901).

    The cells' vectors less their mean are projected on the directions in which they vary most: the eigenvectors of
    their covariance, from the smaller of its two forms, channels by channels or cells by cells. Of a map of more than
    ``SAMPLED`` cells mean and directions are those of a part of them, evenly spread. An eigenvector's sign is
    arbitrary: here the channel that weighs most in a component weighs positively.
    """
    # On one thread whoever else computes: the order in which a product is summed decides its last bit.
    with one_blas_thread():
        rows = _rows(values)
        sample = rows[:, :: -(-rows.shape[1] // SAMPLED)]
        mean = sample.mean(axis=1, keepdims=True)
        centred = sample - mean
        square = centred @ centred.T if centred.shape[1] > len(centred) else centred.T @ centred
        total = float(np.trace(square, dtype=np.float64))
        directions = np.zeros((COMPONENTS, len(rows)), np.float32)
        explained = [0.0] * COMPONENTS
        for index, (power, vector) in enumerate(_largest(square) if total > 0 else ()):
            if power <= _NOTHING * total:
                break
            direction = vector if centred.shape[1] > len(centred) else centred @ vector / np.sqrt(power)
            directions[index] = direction * np.copysign(1, direction[np.abs(direction).argmax()])
            explained[index] = power / total
        scores = directions @ rows - directions @ mean
    return Components(scores.reshape(COMPONENTS, *values.shape[1:]), tuple(explained))


def _largest(square: Float32) -> list[tuple[float, Float32]]:
    """The largest eigenvalues of a symmetric matrix with their eigenvectors of length 1, at most three."""
    from scipy.linalg import eigh
    from scipy.sparse.linalg import eigsh

    size = len(square)
    if size <= max(_FEW, COMPONENTS):
        powers, vectors = eigh(square)
    else:
        start = np.random.default_rng(0).normal(size=size)  # the same every time, since the last bits depend on it
        powers, vectors = eigsh(square, COMPONENTS, which="LA", v0=start.astype(np.float32), tol=1e-5)
    order = np.argsort(-powers, kind="stable")[:COMPONENTS]
    return [(float(powers[index]), np.asarray(vectors[:, index], np.float32)) for index in order]


def as_colours(components: Components) -> npt.NDArray[np.uint8]:
    """Principal components as red, green and blue: uint8 (h, w, 3).

    Each is stretched by itself, so that all but the outermost per cent of the cells at either end fit; one that is
    zero all over is mid-grey.
    """
    low, high = np.percentile(components.scores, (CLIPPED, 100 - CLIPPED), axis=(1, 2))[..., None, None]
    span = np.where(high > low, high - low, 1)
    shares = np.where(high > low, (components.scores - low) / span, 0.5)
    return np.moveaxis(np.clip(np.rint(shares * 255), 0, 255).astype(np.uint8), 0, -1)


def norms(values: npt.NDArray[np.floating[Any]]) -> Float32:
    """The Euclidean length of each cell's vector in a map (C, h, w): float32 (h, w)."""
    rows = _rows(values)
    return np.sqrt(np.einsum("cn,cn->n", rows, rows)).reshape(values.shape[1:])


def similarity(values: npt.NDArray[np.floating[Any]], row: int, column: int) -> Float32:
    """How much each cell of a map (C, h, w) resembles the one at ``row``, ``column``: float32 (h, w), -1 to 1.

    The cosine of the angle between their vectors; 0 where one of them is zero.
    """
    with one_blas_thread():
        rows = _rows(values)
        one = np.ascontiguousarray(values[:, row, column], np.float32)
        lengths = np.sqrt(np.einsum("cn,cn->n", rows, rows)) * float(np.sqrt(one @ one))
        cosines = np.divide(one @ rows, lengths, out=np.zeros_like(lengths), where=lengths > 0)
    return np.clip(cosines, -1, 1).reshape(values.shape[1:])


def channel_strengths(values: npt.NDArray[np.floating[Any]]) -> Float32:
    """How strongly each channel of a map (C, h, w) tells cells apart: its standard deviation over them, (C,)."""
    rows = _rows(values)
    rows = rows - rows.mean(axis=1, keepdims=True)
    return np.sqrt(np.einsum("cn,cn->c", rows, rows) / rows.shape[1])


def strongest(strengths: Float32) -> list[int]:
    """Channels by their strength, the strongest first; alike ones by number."""
    return np.argsort(-strengths, kind="stable").tolist()


def window_ids(size: Size, windows: Windows, *, shifted: bool) -> npt.NDArray[np.uint16]:
    """Which window each cell of a stage attends within: (h, w), numbered from 1 in reading order.

    With ``shifted`` those of every second block, moved down and to the right by ``windows.shift``. Windows are rolled
    round the edges and masked there (Liu et al., "Swin Transformer", ICCV 2021, section 3.2), so that in effect those
    at the edges are cut off.
    """
    move = windows.shift if shifted else 0
    rows, columns = ((np.arange(cells) - move) // windows.side for cells in size)
    rows, columns = rows - rows[0], columns - columns[0]
    return np.asarray(1 + rows[:, None] * (columns[-1] + 1) + columns, np.uint16)


def _rows(values: npt.NDArray[np.floating[Any]]) -> Float32:
    """A map as float32 (C, cells), in whatever order it lies in memory."""
    if values.dtype != np.float16:
        return np.asarray(values, np.float32).reshape(values.shape[0], -1)
    # A table of all 65,536 halves is several times as fast as numpy's conversion, if it is read in memory's order.
    if values.transpose(1, 2, 0).flags.c_contiguous:
        return _halves()[values.transpose(1, 2, 0).view(np.uint16)].reshape(-1, values.shape[0]).T
    return _halves()[values.view(np.uint16)].reshape(values.shape[0], -1)


@cache
def _halves() -> Float32:
    return np.arange(1 << 16, dtype=np.uint16).view(np.float16).astype(np.float32)


def words(features: FeatureMap) -> str:
    """What a map is, in one sentence."""
    height, width = features.size
    made: dict[Part, str] = {
        "backbone": f"Stage {features.stage} of the backbone",
        "pixel decoder": "The pixel decoder's level, which the queries look at,",
        "mask features": "The mask features, which every query's mask is made from,",
    }
    return (
        f"{made[features.part]} at 1/{features.stride} of the input: {width} × {height} cells of {features.stride} × "
        f"{features.stride} pixels, {features.channels} channels."
    )


def window_words(windows: Windows, size: Size, scale: int) -> str:
    """What the windows of a stage are, in words."""
    height, width = (-(-cells // windows.side) for cells in size)
    shift = (
        f"The next block moves the grid by {windows.shift} cells to the right and down, so that what lay in two "
        "windows meets in one."
        if windows.shift
        else "This stage has one block, so the grid stays."
    )
    across = windows.side * scale
    return (
        f"{width} × {height} windows of {windows.side} × {windows.side} cells, {across} × {across} pixels of the input "
        f"each: a cell attends to those in its own window only. {shift}"
    )


def explained_words(explained: Sequence[float]) -> str:
    """How much of the variance the components account for, in words."""
    return f"The three colours carry {100 * sum(explained):.0f} % of the variance over cells."
