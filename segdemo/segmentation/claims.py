"""Which query owns which pixel: queries compete tile by tile with score times mask probability."""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from segdemo.segmentation.sampling import Float32, Grid, sigmoid
from segdemo.segmentation.scores import ROUNDING, TILE_CELLS, Tile, fine_cells, first_maximum, tiles
from segdemo.segmentation.threads import for_each

Int64 = npt.NDArray[np.int64]

_FEW = 8


@dataclass(frozen=True, eq=False)
class Claims:
    """Who won which pixel, and how much of each mask was left to it."""

    owner: npt.NDArray[np.int16]
    """(H, W): 1 + number of the candidate whose mask the pixel is in and which won it, 0 = none."""
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
    owner = np.zeros(layout.size, np.int16)
    counts: list[Int64] = []
    boxes: list[Int64] = []

    def settle(tile: Tile) -> None:
        here = owner[tile.output]
        owned, won, mask = count = np.zeros((3, len(masks)), np.int64)
        counts.append(count)
        box = np.tile(np.array([*layout.size, 0, 0]), (len(masks), 1))
        boxes.append(box)
        top, left = tile.rows.output.start, tile.columns.output.start

        def own(candidate: int, plane: npt.NDArray[np.bool_] | None = None) -> None:
            """Give the candidate the tile, or where ``plane`` is true in it."""
            x, y, width, height = (0, 0, *here.shape[::-1]) if plane is None else cv2.boundingRect(plane.view(np.uint8))
            if not width:
                return
            box[candidate] = top + y, left + x, top + y + height, left + x + width
            owned[candidate] = here.size if plane is None else np.count_nonzero(plane)
            np.copyto(here, candidate + 1, where=True if plane is None else plane)

        rivals = np.flatnonzero(tile.high * scores >= (tile.low * scores).max() - ROUNDING)
        inside, partly = tile.low >= mask_threshold, (tile.low < mask_threshold) & (tile.high >= mask_threshold)
        mask[inside] = here.size
        if len(rivals) == 1 and not partly.any():
            won[rivals] = here.size
            if inside[rivals[0]]:
                own(rivals[0])
            return
        if len(rivals) > 1:
            partly[rivals] = True
        wanted = np.flatnonzero(partly)
        logits = tile.rows.direct @ masks[wanted, tile.rows.cells, tile.columns.cells] @ tile.columns.direct.T
        in_mask = logits >= border
        mask[wanted] = [np.count_nonzero(plane) for plane in in_mask]
        if len(rivals) == 1:
            won[rivals] = here.size
            if inside[rivals[0]]:
                own(rivals[0])
            elif partly[rivals[0]]:
                own(rivals[0], in_mask[np.searchsorted(wanted, rivals[0])])
            return
        places = np.searchsorted(wanted, rivals)
        winner, _ = first_maximum(sigmoid(logits[places]) * scores[rivals, None, None])
        won[rivals] = np.bincount(winner.ravel(), minlength=len(rivals))
        for i, place in enumerate(places):
            own(rivals[i], (winner == i) & in_mask[place])

    # With few candidates a tile costs more to look at than its pixels do.
    cells = TILE_CELLS if len(masks) <= _FEW else fine_cells(layout)
    for_each(settle, tiles(layout, masks, cells=cells))
    owned, won, mask = np.sum(counts, axis=0)
    extent = np.stack(boxes)
    around = np.concatenate([extent[..., :2].min(axis=0), extent[..., 2:].max(axis=0)], axis=1)
    return Claims(owner, owned, won, mask, around)
