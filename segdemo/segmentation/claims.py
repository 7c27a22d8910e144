"""Which query owns which pixel: queries compete tile by tile with score times mask probability."""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from segdemo.model.prediction import Size
from segdemo.segmentation.sampling import Float32, Grid
from segdemo.segmentation.scores import ROUNDING, Tile, first_maximum, tiles
from segdemo.segmentation.threads import for_each

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
    places: npt.NDArray[np.uint8] | npt.NDArray[np.uint16] | None
    """(rows, columns): 1 + place of the owner among the candidates, 0 = none; ``None`` where the first owns all."""


@dataclass(frozen=True, eq=False)
class Claims:
    """Who won which pixel, and how much of each mask was left to it."""

    size: Size
    """Height and width."""
    owners: list[Owners]
    """Those of every tile. Pixels are owned by the one that won them, if it has them in its mask."""
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
    owners: list[Owners] = []
    counts: list[Int64] = []
    boxes: list[Int64] = []

    def settle(tile: Tile) -> None:
        height, width = shape = len(tile.rows.direct), len(tile.columns.direct)
        owned, won, mask = count = np.zeros((3, len(masks)), np.int64)
        counts.append(count)
        box = np.tile(np.array([*layout.size, 0, 0]), (len(masks), 1))
        boxes.append(box)
        top, left = tile.rows.output.start, tile.columns.output.start

        def own(candidate: np.intp, plane: npt.NDArray[np.bool_]) -> bool:
            """Give the candidate the pixels of the tile where ``plane`` is true; whether there are any."""
            x, y, across, down = cv2.boundingRect(plane.view(np.uint8))
            if across:
                owned[candidate] = np.count_nonzero(plane)
                box[candidate] = top + y, left + x, top + y + down, left + x + across
            return across > 0

        rivals = np.flatnonzero(tile.high * scores >= (tile.low * scores).max() - ROUNDING)
        inside, partly = tile.low >= mask_threshold, (tile.low < mask_threshold) & (tile.high >= mask_threshold)
        mask[inside] = height * width
        if len(rivals) > 1:
            partly[rivals] = True
        wanted = np.flatnonzero(partly)
        if len(wanted):
            cells = masks[wanted, tile.rows.cells, tile.columns.cells]
            negated = np.asarray(-tile.rows.direct @ cells @ tile.columns.direct.T, np.float32)
            in_mask = negated <= -border
            mask[wanted] = [np.count_nonzero(plane) for plane in in_mask]
        if len(rivals) == 1:
            won[rivals] = height * width
            plane = None
            if inside[rivals[0]]:
                owned[rivals] = height * width
                box[rivals] = top, left, top + height, left + width
            elif partly[rivals[0]]:
                plane = in_mask[np.searchsorted(wanted, rivals[0])]
                own(rivals[0], plane)
            else:
                rivals = rivals[:0]
            owners.append(Owners(tile.output, rivals, None if plane is None else plane.view(np.uint8)))
            return
        among = np.searchsorted(wanted, rivals) if len(rivals) < len(wanted) else slice(None)
        winner, _ = first_maximum(_lag(negated[among], scores[rivals]))
        places = np.zeros(shape, np.uint8 if len(rivals) < 1 << 8 else np.uint16)
        for place, plane in enumerate(in_mask[among]):
            best = winner == place
            won[rivals[place]] = np.count_nonzero(best)
            plane &= best
            if own(rivals[place], plane):
                np.copyto(places, place + 1, where=plane)
        owners.append(Owners(tile.output, rivals, places))

    for_each(settle, tiles(layout, masks, cells=_tile_cells(layout, len(masks))))
    owned, won, mask = np.sum(counts, axis=0)
    extent = np.stack(boxes)
    around = np.concatenate([extent[..., :2].min(axis=0), extent[..., 2:].max(axis=0)], axis=1)
    return Claims(layout.size, owners, owned, won, mask, around)


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
    flat *= -1 / scores[:, None]
    return flat.reshape(negated.shape)


def painted(claims: Claims, ids: Int32) -> Int32:
    """The map (H, W) that has at every pixel the value for its owner, of ``ids`` (n,), and 0 where there is none."""
    result = np.empty(claims.size, np.int32)

    def paint(owners: Owners) -> None:
        here, values = result[owners.output], ids[owners.candidates]
        if owners.places is None or not values.any():
            here.fill(values[0] if len(values) else 0)
        elif len(values) == 1:
            np.multiply(owners.places, values[0], out=here)
        else:
            table = np.zeros(max(1 << 8, 1 + len(values)), np.int32)
            table[1 : 1 + len(values)] = values
            # OpenCV's is twice as fast as NumPy's, but is sure to take 8-bit places only.
            small = owners.places.itemsize == 1
            here[...] = cv2.LUT(owners.places, table) if small else table.take(owners.places)

    for_each(paint, claims.owners)
    return result
