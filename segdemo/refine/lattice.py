"""The permutohedral lattice: Gaussian filtering of many values over points in a few dimensions.

Adams, Baek and Davis, "Fast high-dimensional filtering using the permutohedral lattice" (Eurographics 2010),
written as array operations and sparse matrices: slicing is one matrix, splatting its transpose, each blur another.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

import numpy as np
import numpy.typing as npt
from scipy import sparse

from segdemo.refine.kernels import Float, filtered
from segdemo.threads import in_threads, shares, spans

Int = npt.NDArray[np.int32]
Long = npt.NDArray[np.int64]

_CHUNK = 32_768
_AXIS_MASK = 7
_WORD = 63
# Comparisons that sort three and six numbers.
_SORTING_NETWORKS = {
    3: ((0, 1), (1, 2), (0, 1)),
    6: ((0, 5), (1, 3), (2, 4), (1, 2), (3, 4), (0, 3), (2, 5), (0, 1), (2, 3), (4, 5), (1, 2), (3, 4)),
}


@dataclass(frozen=True)
class Lattice:
    """A set of points with its lattice, ready to filter.

    ``slices`` are CSR matrices (points of the part, vertices), one for each of `threads.shares`: the row of a point
    holds the d + 1 barycentric weights of its simplex. ``blurs`` are d + 1 CSR matrices (vertices, vertices), used in
    order. The last vertex stands for every neighbour that does not exist and always holds zero. ``gain`` evens out what
    the blurs add. It is a `kernels.Kernel`.
    """

    slices: tuple[sparse.csr_matrix, ...]
    blurs: tuple[sparse.csr_matrix, ...]
    gain: float

    @property
    def points(self) -> int:
        """How many points there are."""
        return sum(m.shape[0] for m in self.slices)

    @property
    def vertices(self) -> int:
        """How many vertices there are, with the empty one."""
        return int(self.blurs[0].shape[0])

    @property
    def nbytes(self) -> int:
        """Memory held, in bytes; the blurs share all but their columns."""
        whole = (*self.slices, self.blurs[0])
        return sum(m.data.nbytes + m.indices.nbytes + m.indptr.nbytes for m in whole) + sum(
            m.indices.nbytes for m in self.blurs[1:]
        )

    def spread(self, part: int, values: Float) -> Float:
        """Splat the values (points of the part, L) on the vertices: float32 (vertices, L)."""
        vertices: Float = self.slices[part].T @ values
        return vertices

    def gather(self, pieces: Sequence[Float]) -> Float:
        """Blur what all parts splatted, along every axis: float32 (vertices, L)."""
        vertices = sum(pieces[1:], pieces[0])
        for matrix in self.blurs:
            vertices = matrix @ vertices
        vertices *= np.float32(self.gain)
        return vertices

    def receive(self, part: int, vertices: Float) -> Float:
        """Slice the blurred values at the points of a part: float32 (points of the part, L)."""
        values: Float = self.slices[part] @ vertices
        return values

    def normalised(self) -> Lattice:
        """The same lattice with the kernel k(i, j) / sqrt(k(i, .) k(j, .)), k(i, .) being the sum of a row.

        That is the symmetric normalisation of Krähenbühl and Koltun, "Parameter learning and convergent inference
        for dense random fields" (ICML 2013).
        """
        sums = filtered(self, np.ones((self.points, 1), np.float32))[:, 0]
        factor = 1 / np.sqrt(np.maximum(sums, 1e-20))
        slices = []
        for matrix, part in zip(self.slices, shares(self.points), strict=True):
            data = matrix.data.reshape(matrix.shape[0], -1) * factor[part, None]
            slices.append(sparse.csr_matrix((data.ravel(), matrix.indices, matrix.indptr), shape=matrix.shape))
        return Lattice(tuple(slices), self.blurs, self.gain)


def build_lattice(features: Sequence[Float]) -> Lattice:
    """The lattice of points with unit standard deviation.

    ``features``: d = 2 or 5 float32 arrays (points,), each divided by the kernel's standard deviation along it.
    """
    width = len(features) + 1
    points = len(features[0])
    packing = _Packing.fit(features)
    weights = np.empty((points, width), np.float32)
    vertex = np.empty((points, width), np.int32)
    keys = _number_vertices(features, packing, vertex, weights)
    slices = []
    parts = shares(points)
    for part in parts:
        rows = part.stop - part.start
        pointers = np.arange(0, rows * width + 1, width, dtype=np.int32)
        parts_of_matrix = (weights[part].ravel(), vertex[part].ravel(), pointers)
        slices.append(sparse.csr_matrix(parts_of_matrix, shape=(rows, len(keys) + 1)))
    return Lattice(tuple(slices), _blurs(keys, packing.steps), 1 / (1 + 2.0 ** -len(features)))


@dataclass(frozen=True)
class _Packing:
    """How a vertex becomes one integer from 0 to 2 ** bits, such that a step along an axis adds a constant.

    The coordinates of a vertex are congruent modulo d + 1 and sum to zero, so the first coordinate and the differences
    of the others to it, divided by d + 1, say everything, and the last coordinate is not needed.
    """

    scale: Float
    radices: Long
    origin: int
    steps: Long
    bits: int

    @classmethod
    def fit(cls, features: Sequence[Float]) -> _Packing:
        d = len(features)
        axis = np.arange(d)
        scale = np.sqrt(2 / 3) * (d + 1) / np.sqrt((axis + 1.0) * (axis + 2.0))
        ends = scale * np.array([[f.min() for f in features], [f.max() for f in features]], np.float64)
        terms = ends[:, None, :] * np.array(_elevate(list(np.eye(d))))
        low, high = terms.min(0).sum(1), terms.max(0).sum(1)
        # Vertices lie within d + 1 of their points, and the search for neighbours goes one step further.
        first = int(low[0]) - 3 * (d + 1)
        least = np.floor((low[1:d] - high[0]) / (d + 1)).astype(np.int64) - 4
        sizes = np.ceil((high[1:d] - low[0]) / (d + 1)).astype(np.int64) + 5 - least
        radices = np.cumprod([1, *sizes[::-1]], dtype=np.int64)[::-1]
        origin = int(first * radices[0] + (least * radices[1:]).sum())
        # A step adds 1 to every coordinate but that of its axis, which loses d.
        steps = np.full(d + 1, radices[0])
        steps[0] += radices[1:].sum() - (d + 1) * radices[0]
        steps[1:d] -= radices[1:]
        extent = (high[0] - first + 3 * (d + 1)) * float(radices[0])
        return cls(scale.astype(np.float32), radices, origin, steps, int(np.ceil(np.log2(extent))))


def _elevate(scaled: Sequence[npt.NDArray[np.floating]]) -> list[npt.NDArray[np.floating]]:
    """The coordinates of points in the hyperplane of d + 1 dimensions in which they sum to zero."""
    total = np.zeros_like(scaled[0])
    coordinates = []
    for i in range(len(scaled), 0, -1):
        coordinates.append(total - i * scaled[i - 1])
        total = total + scaled[i - 1]
    return [total, *coordinates[::-1]]


def _simplices(features: Sequence[Float], packing: _Packing) -> tuple[Long, Float]:
    """Packed vertices and barycentric weights of the simplex around each point, both (points, d + 1).

    Rounding every coordinate down to a multiple of d + 1 and adding one number to all gives a vertex of the simplex.
    From there, walking along the axes in the order of their remainders, largest first, visits the other vertices, and
    consecutive remainders differ by d + 1 times a weight.
    """
    width = len(features) + 1
    coordinates = _elevate([f * s for f, s in zip(features, packing.scale, strict=True)])
    floors = [np.floor(c * np.float32(1 / width)) for c in coordinates]
    ranked = []
    for axis, (coordinate, floor) in enumerate(zip(coordinates, floors, strict=True)):
        remainder = np.maximum(coordinate - width * floor, 0)
        # Floats that are not negative sort like their bit patterns; the lowest bits can carry the axis. Of equal ones
        # the first axis leads, as in the usual implementations: in a photo's first column two are equal, and which
        # vertices of weight zero exist there steers the blur.
        ranked.append((remainder.view(np.int32) & ~_AXIS_MASK) | (width - 1 - axis))
    for i, j in _SORTING_NETWORKS[width]:
        ranked[i], ranked[j] = np.maximum(ranked[i], ranked[j]), np.minimum(ranked[i], ranked[j])

    keys = np.empty((len(features[0]), width), np.int64)
    weights = np.empty((len(features[0]), width), np.float32)
    key = (width * floors[0] - sum(floors[1:], floors[0])).astype(np.int64) * packing.radices[0] - packing.origin
    for floor, radix in zip(floors[1:-1], packing.radices[1:], strict=True):
        key += (floor - floors[0]).astype(np.int64) * radix
    keys[:, 0] = key
    remainders = [r.view(np.float32) for r in ranked]
    weights[:, 0] = 1 - (remainders[0] - remainders[-1]) * np.float32(1 / width)
    for i in range(width - 1):
        key -= packing.steps[::-1].take(ranked[i] & _AXIS_MASK)
        keys[:, i + 1] = key
        weights[:, i + 1] = (remainders[i] - remainders[i + 1]) * np.float32(1 / width)
    return keys, weights


def _number_vertices(features: Sequence[Float], packing: _Packing, vertex: Int, weights: Float) -> Long:
    """Fill in ``vertex`` and ``weights``, both (points, d + 1); return the packed vertices in order of their numbers.

    Chunks of points are sorted on their own, in the processor's cache, and then what is left of them.
    """
    chunks = spans(len(vertex), _CHUNK)

    def embed(chunk: slice) -> Long:
        keys, weights[chunk] = _simplices([f[chunk] for f in features], packing)
        found, vertex[chunk] = _unique(keys, packing.bits)
        return found

    found = in_threads(embed, chunks)
    keys, number = _unique(np.concatenate(found), packing.bits)
    bounds = accumulate([0, *(len(k) for k in found)])
    numbers = [number[a:b] for a, b in pairwise(bounds)]

    def look_up(item: tuple[slice, Int]) -> None:
        chunk, chunk_number = item
        vertex[chunk] = chunk_number.take(vertex[chunk])

    in_threads(look_up, zip(chunks, numbers, strict=True))
    return keys


def _unique(keys: Long, bits: int) -> tuple[Long, Int]:
    """The sorted unique ones of ``keys``, all under 2 ** bits, and for each key its place among them."""
    flat = keys.ravel()
    place_bits = flat.size.bit_length()
    if bits + place_bits > _WORD:
        unique, places = np.unique(flat, return_inverse=True)
        return unique, np.asarray(places, np.int32).reshape(keys.shape)
    # Sorting key and place as one integer is several times faster than an indirect sort.
    packed = np.sort((flat << place_bits) | np.arange(flat.size))
    place = packed & ((1 << place_bits) - 1)
    packed >>= place_bits
    fresh = np.ones(flat.size, bool)
    np.not_equal(packed[1:], packed[:-1], out=fresh[1:])
    inverse = np.empty(flat.size, np.int32)
    inverse[place] = np.cumsum(fresh, dtype=np.int32) - 1
    return packed[fresh], inverse.reshape(keys.shape)


def _blurs(keys: Long, steps: Long) -> tuple[sparse.csr_matrix, ...]:
    """For each axis the matrix that adds half of both neighbours to a vertex; ``keys`` are sorted."""
    count = len(keys)
    own = np.arange(count, dtype=np.int32)
    pointers = np.minimum(np.arange(count + 2, dtype=np.int32), count) * 3
    data = np.tile(np.array([1, 0.5, 0.5], np.float32), count)

    def blur(step: int) -> sparse.csr_matrix:
        wanted = keys + step
        after = np.searchsorted(keys, wanted).astype(np.int32)
        after[keys.take(after, mode="clip") != wanted] = count
        before = np.full(count + 1, count, np.int32)
        before[after] = own
        columns = np.stack([own, after, before[:count]], axis=1).ravel()
        return sparse.csr_matrix((data, columns, pointers), shape=(count + 1, count + 1))

    return tuple(in_threads(blur, steps.tolist()))
