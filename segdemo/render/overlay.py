"""An id map's colours blended over the photo it describes, with outlines."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from segdemo.colors import Color
from segdemo.errors import SegdemoError
from segdemo.progress import stop_point

UInt8 = npt.NDArray[np.uint8]

_STRIP_PIXELS = 1_000_000
_LARGEST_TABLE = 1 << 22
_THING_LINE: Color = (255, 255, 255)
_STUFF_SHADE = 0.55
_LIGHT = 150
"""Luma above which a colour's stripes are darker than it."""


@dataclass(frozen=True)
class OverlayStyle:
    """How an overlay looks."""

    opacity: float = 0.5
    """Weight of the colour against the photo: 0 is the photo alone, 1 the colours alone."""
    outlines: bool = True
    """Whether regions get an outline: a white one around things, a darker shade of their own colour around stuff."""
    hatching: bool = False
    """Whether stuff is hatched: diagonal stripes in a lighter shade, or a darker one of light colours."""
    outline_width: int | None = None
    """Width in pixels; none means one that suits the size of the photo."""

    def __post_init__(self) -> None:
        if not 0 <= self.opacity <= 1:
            raise SegdemoError(f"The opacity must be between 0 and 1, not {self.opacity:g}.")
        if self.outline_width is not None and self.outline_width < 1:
            raise SegdemoError(f"The outline's width must be at least 1 pixel, not {self.outline_width}.")


def overlay(
    image: UInt8,
    ids: npt.NDArray[np.integer],
    *,
    colors: Mapping[int, Color],
    things: Collection[int] = (),
    heat: UInt8 | None = None,
    style: OverlayStyle | None = None,
) -> UInt8:
    """Return the photo with each region in its colour: uint8 (H, W, 3).

    ``image`` is RGB uint8 (H, W, 3) and ``ids`` any integer map (H, W). ``colors`` gives the sRGB colour of an id,
    from 0; where an id has none the photo shows unchanged. ``things`` are the ids that get a thing's outline. An
    outline lies inside its region, so that two neighbours' lines touch and neither covers the other. ``heat``, RGB of
    the photo's shape, takes the place of the regions' colours and covers all of the photo; the outlines stay.
    """
    style = style or OverlayStyle()
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
        raise ValueError(f"the photo must be uint8 (H, W, 3), not {image.dtype} {image.shape}")
    if ids.shape != image.shape[:2]:
        raise ValueError(f"the id map is {ids.shape}, the photo {image.shape[:2]}")
    if heat is not None and (heat.shape != image.shape or heat.dtype != np.uint8):
        raise ValueError(f"the heatmap must be uint8 {image.shape}, not {heat.dtype} {heat.shape}")
    if any(not 0 <= key < _LARGEST_TABLE for key in colors):
        raise ValueError(f"ids with a colour must be in 0..{_LARGEST_TABLE - 1}")

    nothing = max(colors, default=-1) + 1
    fill = np.zeros((nothing + 1, 3), np.uint8)
    line = np.zeros((nothing + 1, 3), np.uint8)
    stripe = np.zeros((nothing + 1, 3), np.uint8)
    known = np.zeros(nothing + 1, bool)
    for key, color in colors.items():
        fill[key] = color
        line[key] = _THING_LINE if key in things else [round(channel * _STUFF_SHADE) for channel in color]
        stripe[key] = _stripe(color) if key not in things else color
        known[key] = True

    out = image.copy()
    width = style.outline_width or max(1, round(min(ids.shape) / 400))
    halo = width if style.outlines else 0
    height = ids.shape[0]
    # About ten pixels in a picture of a thousand, as on the page.
    period = 2 ** int(np.clip(round(np.log2(max(ids.shape) / 100)), 2, 7))
    column = np.arange(ids.shape[1])
    rows = max(1, _STRIP_PIXELS // max(1, ids.shape[1]))
    for top in range(0, height, rows):
        stop_point()
        bottom = min(height, top + rows)
        above, below = max(0, top - halo), min(height, bottom + halo)
        near = ids[above:below]
        table_index = np.where((near >= 0) & (near < nothing), near, nothing).astype(np.intp)
        own = table_index[top - above : bottom - above]
        drawn = known[own][..., None]
        strip = image[top:bottom]
        filled: UInt8 = fill[own] if heat is None else heat[top:bottom]
        if style.hatching and heat is None:
            striped = (np.arange(top, bottom)[:, None] + column) % period < period // 4
            filled = np.where(striped[..., None], stripe[own], filled)
        blended = cv2.addWeighted(filled, style.opacity, strip, 1 - style.opacity, 0)
        out[top:bottom] = np.where(drawn, blended, strip) if heat is None else blended
        if style.outlines and style.opacity > 0:
            edge = _inner_edge(table_index, width)[top - above : bottom - above]
            out[top:bottom] = np.where(edge[..., None] & drawn, line[own], out[top:bottom])
    return out


def _stripe(color: Color) -> list[int]:
    """The colour of a stripe in hatching."""
    light = 0.299 * color[0] + 0.587 * color[1] + 0.114 * color[2] > _LIGHT
    return [round(value * 0.74 if light else value + (255 - value) * 0.3) for value in color]


def _inner_edge(ids: npt.NDArray[np.intp], width: int) -> npt.NDArray[np.bool_]:
    """Pixels that have another id within ``width`` steps along a row or column; the picture's border is no edge."""
    edge = np.zeros(ids.shape, bool)
    for step in range(1, width + 1):
        vertical = ids[step:] != ids[:-step]
        edge[step:] |= vertical
        edge[:-step] |= vertical
        horizontal = ids[:, step:] != ids[:, :-step]
        edge[:, step:] |= horizontal
        edge[:, :-step] |= horizontal
    return edge
