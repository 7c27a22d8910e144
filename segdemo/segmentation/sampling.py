"""How the network's mask cells relate to a photograph's pixels: bilinear weights per axis, and tiles of them.

The network predicts masks on a grid of cells (a quarter of its input). The paper's procedure brings them to the input
size, crops the padding and resizes what is left to the photograph (``mask2former/maskformer_model.py`` and
``detectron2.modeling.postprocessing.sem_seg_postprocess``, both steps bilinear with half-pixel centres). Bilinear
interpolation is separable and linear, so either step is one small matrix per axis, and a tile of the photograph needs
only a few rows and columns of it.
"""

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import cv2
import numpy as np
import numpy.typing as npt

from segdemo.crops import OUTSIDE, Crops
from segdemo.prediction import Prediction, Size

Float32 = npt.NDArray[np.float32]
Taps = tuple[npt.NDArray[np.intp], npt.NDArray[np.intp], npt.NDArray[np.float64]]


def linear_taps(source: int, target: int) -> Taps:
    """Lower neighbour, upper neighbour and the weight of the upper for ``target`` samples among ``source`` ones.

    Half-pixel centres, clamped at the borders: ``align_corners=False`` of ``torch.nn.functional.interpolate``.
    """
    position = np.maximum((np.arange(target) + 0.5) * (source / target) - 0.5, 0.0)
    lower = np.minimum(position.astype(np.intp), source - 1)
    weight = position - lower
    return lower, np.where(weight > 0, np.minimum(lower + 1, source - 1), lower), weight


def taps_between(positions: npt.NDArray[np.float64], target: int) -> Taps:
    """As ``linear_taps``, for the samples 0, 1, ... among sources at ascending ``positions`` in the same pixels."""
    place = np.clip(np.arange(target), positions[0], positions[-1])
    lower = np.minimum(np.searchsorted(positions, place, side="right") - 1, len(positions) - 2)
    weight = (place - positions[lower]) / (positions[lower + 1] - positions[lower])
    # A sample on a source is that source alone: the next one may be outside of what a mask covers.
    lower, weight = np.where(weight >= 1, lower + 1, lower), np.where(weight >= 1, 0.0, weight)
    return lower, np.where(weight > 0, lower + 1, lower), weight


def _matrix(taps: Taps, columns: npt.NDArray[np.intp]) -> Float32:
    """Taps as a dense matrix whose columns are the (sorted) source samples ``columns``."""
    lower, upper, weight = taps
    matrix = np.zeros((len(lower), len(columns)), np.float32)
    rows = np.arange(len(lower))
    matrix[rows, np.searchsorted(columns, lower)] = 1 - weight
    matrix[rows, np.searchsorted(columns, upper)] += weight
    return matrix


@dataclass(frozen=True, eq=False)
class Windows:
    """The samples of a span by the two cells they lie between; a window for every cell of the span and the next one."""

    of: npt.NDArray[np.intp]
    """(samples,): the window of each sample, which is the cell before it."""
    weight: Float32
    """(samples,): what the cell behind it counts, 0 to 1."""
    sampled: npt.NDArray[np.bool_]
    """(windows,): whether there are samples in it."""
    samples: npt.NDArray[np.intp]
    """(most, windows): the samples of each window, the last one repeated; of no meaning where there are none."""
    weights: Float32
    """(most, windows): ``weight`` of these."""


@dataclass(frozen=True, eq=False)
class Span:
    """A run of output pixels along one axis, with the cells it needs and the two interpolation steps."""

    output: slice
    """Output pixels of the run."""
    cells: slice
    """Mask cells that the run depends on; every sample in between is a convex combination of these."""
    up: Float32
    """(samples, cells): mask cells to the input samples that the run needs."""
    windows: Windows
    """The samples by where they lie."""
    resize: Float32 | None
    """(pixels, samples): those input samples to output pixels; ``None`` where they are the same."""
    direct: Float32
    """(pixels, cells): both steps in one."""
    lower: npt.NDArray[np.intp]
    """(pixels,): which sample lies before each output pixel; the next one, if any, lies behind it."""
    weight: Float32
    """(pixels,): what the sample behind counts, 0 to 1; the one before counts the rest."""
    reach: int
    """Every output pixel of the run is a convex combination of at most this many neighbouring cells."""
    share: Float32 | None = None
    """(samples,): what scores count at each of those input samples, where more than one square saw some of them."""

    @property
    def counted(self) -> Float32 | None:
        """``share`` at the output pixels: (pixels,)."""
        if self.share is None or self.resize is None:
            return self.share
        return np.asarray(self.resize @ self.share, np.float32)


def _windows(of: npt.NDArray[np.intp], weight: Float32, cells: int) -> Windows:
    """Windows of (sorted) samples that lie behind the cells ``of``."""
    counts = np.bincount(of, minlength=cells)
    ends = np.cumsum(counts)
    samples = np.minimum(ends - counts + np.arange(counts.max())[:, None], ends - 1)
    samples = np.maximum(samples, 0)
    return Windows(of, weight, counts > 0, samples, weight[samples])


class Axis:
    """One axis of the way from mask cells over the network's input to output pixels."""

    def __init__(self, cells: int, input_size: int, content: int, output: int, crops: Crops | None = None) -> None:
        """``content`` is what is left of ``input_size`` without padding, resized to ``output`` pixels.

        Cells are evenly spread, or where the ``crops`` along this axis have them.
        """
        self.cells, self.output = cells, output
        self._up = linear_taps(cells, input_size) if crops is None else taps_between(crops.positions, input_size)
        self._resize = linear_taps(content, output)
        self._share = None if crops is None else crops.share
        self._same = content == output
        self._spans: dict[int, list[Span]] = {}

    def span(self, start: int, stop: int) -> Span:
        """The span of the output pixels ``start`` to ``stop - 1``."""
        resize: Taps = tuple(part[start:stop] for part in self._resize)  # type: ignore[assignment]
        samples = np.unique(np.concatenate(resize[:2]))
        up: Taps = tuple(part[samples] for part in self._up)  # type: ignore[assignment]
        first, last = int(up[0].min()), int(up[1].max())
        reach = self._up[1][resize[1]] - self._up[0][resize[0]] + 1
        to_samples = _matrix(up, np.arange(first, last + 1))
        to_output = _matrix(resize, samples)
        share = None if self._share is None or (self._share[samples] == 1).all() else self._share[samples]
        return Span(
            slice(start, stop),
            slice(first, last + 1),
            to_samples,
            _windows(up[0] - first, up[2].astype(np.float32), last - first + 1),
            None if self._same else to_output,
            np.asarray(to_output @ to_samples, np.float32),
            np.searchsorted(samples, resize[0]),
            resize[2].astype(np.float32),
            int(reach.max()),
            share,
        )

    def spans(self, cells: int) -> list[Span]:
        """The whole axis as spans of about ``cells`` mask cells each; made once, not to be changed."""
        if cells not in self._spans:
            number = max(1, round(self.cells / cells))
            edges = np.linspace(0, self.output, min(number, self.output) + 1).round().astype(int)
            self._spans[cells] = [self.span(int(a), int(b)) for a, b in pairwise(edges)]
        return self._spans[cells]


@lru_cache(maxsize=32)
def axis(cells: int, input_size: int, content: int, output: int, crops: Crops | None = None) -> Axis:
    """An axis as ``Axis`` makes it, kept: every layer and every question about a photograph has the same ones."""
    return Axis(cells, input_size, content, output, crops)


@dataclass(frozen=True, eq=False)
class Grid:
    """Both axes of the way from a prediction's mask cells to an output of ``size`` (height, width)."""

    size: Size
    rows: Axis
    columns: Axis


def grid(prediction: Prediction, size: Size | None = None) -> Grid:
    """The way from mask cells to ``size`` (height, width), by default the photograph's own."""
    height, width = size or prediction.image_size
    if height < 1 or width < 1:
        raise ValueError(f"size must be at least 1 x 1, not {height} x {width}")
    crops = prediction.crops
    axes = (
        axis(n, of, content, out, crops if crops is not None and crops.axis == number else None)
        for number, (n, of, content, out) in enumerate(
            zip(prediction.cells, prediction.input_size, prediction.content_size, (height, width), strict=True)
        )
    )
    return Grid((height, width), *axes)


def evenly(prediction: Prediction, masks: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
    """Masks (..., h, w) at cells that are evenly spread, for what is counted in cells."""
    crops = prediction.crops
    return masks if crops is None else masks.take(crops.even(), axis=masks.ndim - 2 + crops.axis)


def own_parts(
    prediction: Prediction, masks: npt.NDArray[np.floating], queries: npt.NDArray[np.integer]
) -> npt.NDArray[np.floating]:
    """The masks (q, h, w) of ``queries``, where squares overlap cut in the middle: what is there is claimed once."""
    crops = prediction.crops
    if crops is None:
        return masks
    masks = masks.copy()
    each = prediction.num_queries // len(crops.starts)
    for number in range(len(crops.starts)):
        ours = np.flatnonzero(np.asarray(queries) // each == number)
        others = np.flatnonzero(~crops.own(number))
        place = np.ix_(ours, others) if crops.axis == 0 else (ours[:, None], slice(None), others)
        masks[place] = OUTSIDE
    return masks


def shared(planes: Float32, rows: Float32 | None, columns: Float32 | None) -> Float32:
    """Planes (..., h, w) times what they count along either axis, in place.

    Where squares of a photograph overlap, scores are the mean over those that saw a pixel
    (``EomtImageProcessor.merge_image_patches``; ``revert_window_logits_semantic`` in the original code).
    """
    if rows is not None:
        planes *= rows[:, None]
    if columns is not None:
        planes *= columns
    return planes


def cell_bounds(masks: Float32, rows: list[Span], columns: list[Span]) -> tuple[Float32, Float32]:
    """Smallest and largest value of every mask in every tile: two arrays (rows, columns, Q).

    Interpolated values are convex combinations of cells, so these bound them at every pixel of the tile.
    """
    shape = (len(rows), len(columns), masks.shape[0])
    low, high = np.empty(shape, np.float32), np.empty(shape, np.float32)
    for i, row in enumerate(rows):
        band = masks[:, row.cells]
        for bound, reduce in ((low, np.min), (high, np.max)):
            line = reduce(band, axis=1)
            for j, column in enumerate(columns):
                bound[i, j] = reduce(line[:, column.cells], axis=1)
    return low, high


def inside(masks: npt.NDArray[np.floating]) -> npt.NDArray[np.bool_]:
    """Where mask logits are above zero, which is a probability over one half: bool of the same shape.

    Half precision is read as integers, whose sign is the same: NumPy compares it one number at a time.
    """
    return masks.view(np.int16) > 0 if masks.dtype == np.float16 else masks > 0


def sigmoid(values: npt.NDArray[np.floating]) -> Float32:
    """The logistic function: float32 of the same shape, 0 to 1."""
    return sigmoid_of_negated(np.negative(values, dtype=np.float32))


def sigmoid_of_negated(negated: Float32) -> Float32:
    """The logistic function of ``-negated``, which is overwritten where it is contiguous: float32 of its shape."""
    if not negated.size:
        return negated
    flat = negated.reshape(-1, negated.shape[-1] if negated.ndim else 1)
    # OpenCV's exponential is several times faster than NumPy's, and silent about infinity, which is right here.
    flat = np.asarray(cv2.exp(flat, dst=flat), np.float32)
    flat += 1
    np.reciprocal(flat, out=flat)
    return flat.reshape(negated.shape)


def softmax(logits: Float32) -> Float32:
    """Probabilities over the last axis: float32, summing to 1."""
    shifted = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=-1, keepdims=True), np.float32)
