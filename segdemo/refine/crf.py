"""A dense CRF for label maps: fully connected, with a smoothness and an appearance kernel.

Krähenbühl and Koltun, "Efficient inference in fully connected CRFs with Gaussian edge potentials" (NIPS 2011). The
parameters are named and scaled as in its public implementations; the kernels are normalised symmetrically, like theirs.
"""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass
from typing import Literal, get_args

import cv2
import numpy as np
import numpy.typing as npt

from segdemo.errors import SegdemoError
from segdemo.progress import Progress
from segdemo.refine.kernels import Float, Kernel, PairsKernel, PositionKernel, reach
from segdemo.refine.lattice import build_lattice
from segdemo.refine.meanfield import Term, labels_that_matter, messages, report
from segdemo.refine.upsampling import Upsampling
from segdemo.threads import in_threads, spans

Quality = Literal["exact", "interactive"]

RANGES: dict[str, tuple[float, float]] = {
    "gaussian_sxy": (0.5, 1000),
    "gaussian_compat": (0, 1000),
    "bilateral_sxy": (1, 1000),
    "bilateral_srgb": (1, 1000),
    "bilateral_compat": (0, 1000),
    "iterations": (0, 50),
}
"""Least and largest value of each parameter."""

_GRID_PIXELS = {"exact": 1_310_720, "interactive": 278_784}
_MATRIX_PIXELS = 4_096
_SMALLEST_PROBABILITY = 1e-10
_NEGLIGIBLE = 0.01
_COLUMNS = 16_384


@dataclass(frozen=True)
class CrfGrid:
    """The grid on which messages pass: ``height`` x ``width`` points, ``factor`` pixels of the photo apart."""

    height: int
    width: int
    factor: float

    @property
    def reduced(self) -> bool:
        """Whether the grid is coarser than the photograph."""
        return self.factor > 1


@dataclass(frozen=True)
class PreparedCrf:
    """The appearance kernel of one photo, ``bilateral_sxy`` and ``bilateral_srgb``; made by `prepare_crf`."""

    image_size: tuple[int, int]
    checksum: int
    bilateral_sxy: float
    bilateral_srgb: float
    quality: Quality
    grid: CrfGrid
    term: Term
    upsampling: Upsampling | None
    """From the grid to the photo's pixels; none where they are the same."""

    @property
    def nbytes(self) -> int:
        """Memory held, in bytes."""
        return self.term.kernel.nbytes + (self.upsampling.nbytes if self.upsampling is not None else 0)


def crf_grid(image_shape: tuple[int, ...], quality: Quality = "exact") -> CrfGrid:
    """The grid for a photograph of ``image_shape`` (H, W, ...): its pixels, or evenly fewer when there are too many.

    ``"exact"`` keeps up to 1,310,720 points (1280 x 1024), ``"interactive"`` up to 278,784 (610 x 457).
    """
    _require(
        quality in get_args(Quality), f"The CRF's quality is one of {', '.join(get_args(Quality))}, not {quality}."
    )
    height, width = image_shape[:2]
    factor = math.sqrt(height * width / _GRID_PIXELS[quality])
    if factor <= 1:
        return CrfGrid(height, width, 1.0)
    return CrfGrid(max(1, round(height / factor)), max(1, round(width / factor)), factor)


def prepare_crf(
    image: npt.NDArray[np.uint8], *, bilateral_sxy: float = 60, bilateral_srgb: float = 10, quality: Quality = "exact"
) -> PreparedCrf:
    """Do once what depends only on the photo, ``bilateral_sxy`` and ``bilateral_srgb``: about a third of the work.

    ``image``: RGB uint8 (H, W, 3). The parameters are those of `dense_crf`, which takes the result as ``prepared``.
    """
    _require(
        image.ndim == 3 and image.shape[2] == 3 and image.dtype == np.uint8 and image.size > 0,
        "The CRF needs an RGB photograph of 8 bits a channel: an array uint8 (H, W, 3).",
    )
    check_ranges(bilateral_sxy=bilateral_sxy, bilateral_srgb=bilateral_srgb)
    grid = crf_grid(image.shape, quality)
    small, upsampling = image, None
    if grid.reduced:
        small = np.asarray(cv2.resize(image, (grid.width, grid.height), interpolation=cv2.INTER_AREA), np.uint8)
        upsampling = Upsampling.along(image, small)
    features = [*_positions(grid, image.shape[:2], bilateral_sxy)]
    features += [small[..., channel].ravel().astype(np.float32) / np.float32(bilateral_srgb) for channel in range(3)]
    term = _appearance(features)
    return PreparedCrf(
        image.shape[:2], _checksum(image), float(bilateral_sxy), float(bilateral_srgb), quality, grid, term, upsampling
    )


def dense_crf(
    image: npt.NDArray[np.uint8],
    probabilities: npt.NDArray[np.floating],
    *,
    gaussian_sxy: float = 3,
    gaussian_compat: float = 3,
    bilateral_sxy: float = 60,
    bilateral_srgb: float = 10,
    bilateral_compat: float = 10,
    iterations: int = 5,
    quality: Quality = "exact",
    prepared: PreparedCrf | None = None,
    progress: Progress | None = None,
) -> Float:
    """Marginals of a fully connected CRF with Potts compatibility: float32 (L, H, W), summing to 1 over L.

    ``image``: RGB uint8 (H, W, 3). ``probabilities``: (L, H, W), summing to 1 over L; the unary potentials are their
    negative logarithms, those under 1e-10 counting as 1e-10.
    ``gaussian_sxy`` (pixels) and ``gaussian_compat``: width and weight of the smoothness kernel over positions.
    ``bilateral_sxy`` (pixels), ``bilateral_srgb`` (grey levels, 0 to 255) and ``bilateral_compat``: widths and weight
    of the appearance kernel over positions and colours. Widths are standard deviations; a weight of 0 leaves its kernel
    out. ``iterations``: of mean field, 0 to 50.
    ``quality``: ``"exact"`` filters on the photo's own pixels (up to 1.3 megapixels, else on an even grid of as many),
    ``"interactive"`` on a grid of at most 278,784 points; `crf_grid` says which grid a photo gets. From a grid the
    messages are interpolated along the photo's colours, and meet the probabilities at full resolution. Up to 4096
    points the kernels are evaluated between all pairs; above that, the appearance kernel on the permutohedral lattice.
    ``prepared``: from `prepare_crf` for the same photo, widths and quality, to save that part.
    ``progress`` is told the share done, 0 to 1. The run can be stopped throughout (``segdemo.progress``).

    Labels that provably stay under a marginal of 0.01 at every pixel take no part; they come back as zero.
    Raises SegdemoError for arrays or parameters that do not fit.
    """
    _require(
        probabilities.ndim == 3 and probabilities.shape[1:] == image.shape[:2] and len(probabilities) > 0,
        f"Probabilities are {probabilities.shape}, the photograph is {image.shape}: give (L, H, W) of the same size.",
    )
    check_ranges(
        gaussian_sxy=gaussian_sxy,
        gaussian_compat=gaussian_compat,
        bilateral_compat=bilateral_compat,
        iterations=iterations,
    )
    report(progress, 0)
    grid = crf_grid(image.shape, quality)
    terms = []
    if bilateral_compat > 0 and iterations > 0:
        if prepared is None:
            prepared = prepare_crf(image, bilateral_sxy=bilateral_sxy, bilateral_srgb=bilateral_srgb, quality=quality)
        wanted = (image.shape[:2], _checksum(image), bilateral_sxy, bilateral_srgb, quality)
        held = (
            prepared.image_size,
            prepared.checksum,
            prepared.bilateral_sxy,
            prepared.bilateral_srgb,
            prepared.quality,
        )
        _require(
            wanted == held, "The CRF was prepared for another photo, other widths or another quality: prepare it again."
        )
        terms.append(Term(prepared.term.kernel, float(bilateral_compat), prepared.term.reach))
    if gaussian_compat > 0 and iterations > 0:
        terms.append(_smoothness(grid, image.shape[:2], float(gaussian_sxy), float(gaussian_compat)))
    bound = sum(term.compat * term.reach for term in terms)

    marginals = np.zeros(probabilities.shape, np.float32)
    chosen = np.arange(len(probabilities))
    if len(probabilities) > 1 and grid.height * grid.width > _MATRIX_PIXELS:
        chosen = np.flatnonzero(labels_that_matter(_ratios(probabilities), bound, iterations, _NEGLIGIBLE))
    added = None
    if terms and len(chosen) > 1:
        added = messages(_on_grid(probabilities, chosen, grid), terms, iterations, _share(progress, 0.3, 0.95))
    report(progress, 0.95)
    upsampling = prepared.upsampling if prepared is not None else None
    _combine(probabilities, chosen, added, grid, upsampling, bound, marginals)
    report(progress, 1)
    return marginals


def _positions(grid: CrfGrid, image_size: tuple[int, ...], sxy: float) -> tuple[Float, Float]:
    """The points' x and y in units of ``sxy`` photo pixels, both float32 (height * width,)."""
    y = np.arange(grid.height, dtype=np.float32) * np.float32(image_size[0] / grid.height / sxy)
    x = np.arange(grid.width, dtype=np.float32) * np.float32(image_size[1] / grid.width / sxy)
    return np.tile(x, grid.height), np.repeat(y, grid.width)


def _appearance(features: list[Float]) -> Term:
    """The kernel over positions and colours, with a weight of 1."""
    points = len(features[0])
    few = points <= _MATRIX_PIXELS
    kernel: Kernel = PairsKernel.over(features) if few else build_lattice(features).normalised()
    return Term(kernel, 1.0, reach(kernel, points))


def _smoothness(grid: CrfGrid, image_size: tuple[int, ...], sxy: float, compat: float) -> Term:
    """The kernel over positions alone."""
    points = grid.height * grid.width
    if points <= _MATRIX_PIXELS:
        kernel: Kernel = PairsKernel.over(_positions(grid, image_size, sxy))
    else:
        sigma = (sxy * grid.height / image_size[0], sxy * grid.width / image_size[1])
        kernel = PositionKernel.over((grid.height, grid.width), sigma)
    return Term(kernel, compat, reach(kernel, points))


def _ratios(probabilities: npt.NDArray[np.floating]) -> Float:
    """For each label the most that it reaches at any pixel, relative to the pixel's best label: (L,)."""
    flat = probabilities.reshape(len(probabilities), -1)

    def part(columns: slice) -> Float:
        block = np.maximum(flat[:, columns], np.float32(_SMALLEST_PROBABILITY))
        ratios: Float = (block / block.max(0)).max(1)
        return ratios

    return np.max(in_threads(part, spans(flat.shape[1], _COLUMNS)), axis=0)


def _on_grid(probabilities: npt.NDArray[np.floating], chosen: npt.NDArray[np.intp], grid: CrfGrid) -> Float:
    """The chosen labels' probabilities at the grid's points, rows summing to 1: float32 (points, labels)."""
    if grid.reduced:
        size = (grid.width, grid.height)

        def shrink(label: int) -> Float:
            plane = np.asarray(probabilities[label], np.float32)
            return np.asarray(cv2.resize(plane, size, interpolation=cv2.INTER_AREA), np.float32).ravel()

        flat = np.stack(in_threads(shrink, chosen))
    else:
        flat = probabilities.reshape(len(probabilities), -1)
    whole = grid.reduced or len(chosen) == len(flat)
    result = np.empty((grid.height * grid.width, len(chosen)), np.float32)

    def part(columns: slice) -> None:
        block = np.maximum(flat[:, columns] if whole else flat[chosen, columns], np.float32(_SMALLEST_PROBABILITY))
        block /= block.sum(0)
        result[columns] = block.T

    in_threads(part, spans(len(result), _COLUMNS))
    return result


def _combine(
    probabilities: npt.NDArray[np.floating],
    chosen: npt.NDArray[np.intp],
    added: Float | None,
    grid: CrfGrid,
    upsampling: Upsampling | None,
    bound: float,
    marginals: Float,
) -> None:
    """Fill in ``marginals`` (L, H, W): the chosen labels' probabilities times their messages' exponentials, scaled."""
    height, width = probabilities.shape[1:]
    flat, out = probabilities.reshape(len(probabilities), -1), marginals.reshape(len(probabilities), -1)
    smoothly = grid.reduced and upsampling is None
    if smoothly and added is not None:
        maps = np.ascontiguousarray(added.T).reshape(len(chosen), grid.height, grid.width)

        def enlarge(place: int) -> None:
            marginals[chosen[place]] = cv2.resize(maps[place], (width, height), interpolation=cv2.INTER_LINEAR)

        in_threads(enlarge, range(len(chosen)))

    whole = len(chosen) == len(flat)

    def part(columns: slice) -> None:
        block = np.maximum(flat[:, columns] if whole else flat[chosen, columns], np.float32(_SMALLEST_PROBABILITY))
        if added is not None:
            if smoothly:
                message = out[:, columns].copy() if whole else out[chosen, columns]
            else:
                here = added[columns] if upsampling is None else upsampling.at(columns, added)
                message = np.ascontiguousarray(here.T)
            if bound > 75:
                message -= message.max(0)
            block *= np.exp(message, out=message)
        block /= block.sum(0)
        out[chosen, columns] = block

    in_threads(part, spans(out.shape[1], _COLUMNS))


def _checksum(image: npt.NDArray[np.uint8]) -> int:
    return zlib.crc32(np.ascontiguousarray(image).data)


def _share(progress: Progress | None, start: float, end: float) -> Progress | None:
    """A progress callback for a part of the run that lies between ``start`` and ``end``."""
    if progress is None:
        return None
    return lambda share: progress(start + (end - start) * share)


def check_ranges(**parameters: float) -> None:
    """Raise SegdemoError for parameters out of their ``RANGES``."""
    for name, value in parameters.items():
        low, high = RANGES[name]
        _require(low <= value <= high, f"{name} is {value:g}: choose a value from {low:g} to {high:g}.")


def _require(condition: bool, sentence: str) -> None:
    if not condition:
        raise SegdemoError(sentence)
