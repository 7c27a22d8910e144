"""Which query owns which pixel: queries compete tile by tile with score times mask probability."""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from segdemo.prediction import Size
from segdemo.segmentation.sampling import Float32, Grid
from segdemo.segmentation.scores import ROUNDING, Places, first_maximum, tiles
from segdemo.threads import in_threads

Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]

_FEW = 8
"""Candidates whose tiles may be large: there a tile costs more to look at than its pixels do."""


@dataclass(frozen=True, eq=False)
class Owners:
    """The owners of a tile's pixels."""

    output: tuple[slice, slice]
    candidates: npt.NDArray[np.intp]
    """Those that may own some."""
    places: Places | None
    """(rows, columns): 1 + place of the owner among the candidates, 0 = none; ``None`` where the first owns all."""


@dataclass(frozen=True, eq=False)
class Claims:
    """Who won which pixel, and how much of each mask was left to it."""

    size: Size
    """Height and width."""
    owners: list[Owners]
    """Those of the tiles where some may be owned: by the candidate that won them, if it has them in its mask."""
    owned: Int64
    """Pixels that each candidate owns."""
    won: Int64
    """Pixels that each candidate won, inside its mask or not."""
    mask: Int64
    """Pixels of each candidate's own mask."""
    boxes: Int64
    """(n, 4): first row and column, and the ones after the last, of what each candidate owns."""


def claim(masks: Float32, scores: Float32, layout: Grid, mask_threshold: float) -> Claims:
    """Let the candidates compete for every pixel, where bounds over a tile do not decide already."""
    with np.errstate(divide="ignore"):
        border = float(np.log(np.float64(mask_threshold)) - np.log1p(-np.float64(mask_threshold)))
    parts = list(tiles(layout, masks, cells=_tile_cells(layout, len(masks))))
    low, high = np.stack([part.low for part in parts]), np.stack([part.high for part in parts])
    areas = np.array([len(part.rows.direct) * len(part.columns.direct) for part in parts])[:, None]
    rival = high * scores >= (low * scores).max(axis=1, keepdims=True) - ROUNDING
    alone = rival & (rival.sum(axis=1, keepdims=True) == 1)
    inside, partly = low >= mask_threshold, (low < mask_threshold) & (high >= mask_threshold)
    # (tiles, candidates): what is known of whole tiles.
    owned, won, mask = (areas * known for known in (alone & inside, alone, inside))
    boxes = np.tile(np.array([*layout.size, 0, 0]), (*owned.shape, 1))
    owners: list[Owners] = []
    for index, candidate in np.argwhere(alone & inside):
        here = parts[index].output
        boxes[index, candidate] = [part.start for part in here] + [part.stop for part in here]
        owners.append(Owners(here, np.array([candidate]), None))

    def settle(index: int) -> None:
        tile = parts[index]
        rivals = np.flatnonzero(rival[index])
        wanted = np.flatnonzero(partly[index] | (rival[index] if len(rivals) > 1 else False))
        cells = masks[wanted, tile.rows.cells, tile.columns.cells]
        negated = np.asarray(-tile.rows.direct @ cells @ tile.columns.direct.T, np.float32)
        in_mask = negated <= -border
        mask[index, wanted] = [np.count_nonzero(plane) for plane in in_mask]
        if len(rivals) == 1 and not partly[index, rivals[0]]:
            return
        among = np.searchsorted(wanted, rivals)
        planes = in_mask[among] if len(rivals) < len(wanted) else in_mask
        if len(rivals) > 1:
            winner, _ = first_maximum(_lag(negated[among], scores[rivals]))
            for place, plane in enumerate(planes):
                best = winner == place
                won[index, rivals[place]] = np.count_nonzero(best)
                plane &= best
        places = np.zeros(planes.shape[1:], np.uint8 if len(rivals) < 1 << 8 else np.uint16)
        for place, plane in enumerate(planes):
            left, top, width, height = cv2.boundingRect(plane.view(np.uint8))
            if width:
                owned[index, rivals[place]] = np.count_nonzero(plane)
                first, before = tile.rows.output.start + top, tile.columns.output.start + left
                boxes[index, rivals[place]] = first, before, first + height, before + width
                np.copyto(places, place + 1, where=plane)
        owners.append(Owners(tile.output, rivals, places))

    in_threads(settle, np.flatnonzero(partly.any(axis=1) | ~alone.any(axis=1)).tolist())
    around = np.concatenate([boxes[..., :2].min(axis=0), boxes[..., 2:].max(axis=0)], axis=1)
    return Claims(layout.size, owners, owned.sum(axis=0), won.sum(axis=0), mask.sum(axis=0), around)


def _tile_cells(layout: Grid, candidates: int) -> int:
    """Mask cells along a tile's side: fewer, the larger a cell is shown, as most of the work is at output pixels."""
    shown = max(layout.size[0] / layout.rows.cells, layout.size[1] / layout.columns.cells)
    pixels, least, most = (200, 20, 64) if candidates <= _FEW else (100, 8, 28)
    return int(np.clip(pixels / shown, least, most))


def _lag(negated: Float32, scores: Float32) -> Float32:
    """A value that is largest where score times mask probability is: less its inverse, for the price of an exponential.

    ``negated``: the mask logits (n, rows, columns) with their sign changed, which are overwritten.
    """
    flat = negated.reshape(len(negated), -1)
    flat = np.asarray(cv2.exp(flat, dst=flat), np.float32)
    flat += 1
    # What is beyond float32 loses to all that is not, as the probability that it stands for, which is 0.
    with np.errstate(over="ignore"):
        flat *= -1 / scores[:, None]
    return flat.reshape(negated.shape)


def painted(claims: Claims, ids: Int32) -> Int32:
    """The map (H, W) that has at every pixel the value for its owner, of ``ids`` (n,), and 0 where there is none."""
    # Memory fresh from the system is zero already, and what is not painted is never fetched.
    result = np.zeros(claims.size, np.int32)

    def paint(owners: Owners) -> None:
        here, values = result[owners.output], ids[owners.candidates]
        if owners.places is None:
            here.fill(values[0])
        elif len(values) == 1:
            np.multiply(owners.places, values[0], out=here)
        else:
            table = np.zeros(max(1 << 8, 1 + len(values)), np.int32)
            table[1 : 1 + len(values)] = values
            # OpenCV's is twice as fast as NumPy's, but is sure to take 8-bit places only.
            small = owners.places.itemsize == 1
            here[...] = cv2.LUT(owners.places, table) if small else table.take(owners.places)

    in_threads(paint, [owners for owners in claims.owners if ids[owners.candidates].any()])
    return result
