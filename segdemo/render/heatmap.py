"""Scalar maps as colours: perceptually uniform, with the table at hand for a legend."""

from functools import cache
from typing import Literal, get_args

import cv2
import numpy as np
import numpy.typing as npt

UInt8 = npt.NDArray[np.uint8]

Colormap = Literal["viridis", "magma", "inferno", "cividis"]
"""Perceptually uniform colour maps (van der Walt and Smith; cividis by Nuñez, Anderton and Renslow)."""

_TABLES = {
    "viridis": cv2.COLORMAP_VIRIDIS,
    "magma": cv2.COLORMAP_MAGMA,
    "inferno": cv2.COLORMAP_INFERNO,
    "cividis": cv2.COLORMAP_CIVIDIS,
}


@cache
def colormap(name: Colormap = "viridis") -> UInt8:
    """Return a colour map's table: read-only sRGB uint8 (256, 3), lowest value first."""
    if name not in _TABLES:
        raise ValueError(f"no colour map {name!r}: there are {', '.join(get_args(Colormap))}")
    ramp = np.arange(256, dtype=np.uint8)[:, None]
    table = np.ascontiguousarray(cv2.applyColorMap(ramp, _TABLES[name])[:, 0, ::-1], np.uint8)
    table.flags.writeable = False
    return table


def heatmap(
    values: npt.NDArray[np.floating],
    *,
    low: float | None = None,
    high: float | None = None,
    name: Colormap = "viridis",
) -> UInt8:
    """Return a scalar map in colours: sRGB uint8 (H, W, 3).

    ``low`` and ``high`` are what the table's ends stand for, by default the least and greatest finite value; values
    beyond them are clipped. A constant map is all lowest, and what is not a number is black.
    """
    finite = np.isfinite(values)
    if low is None:
        low = float(values[finite].min()) if finite.any() else 0.0
    if high is None:
        high = float(values[finite].max()) if finite.any() else 1.0
    if high < low:
        raise ValueError(f"the range {low:g}..{high:g} is upside down")
    span = high - low if high > low else 1.0
    scaled = np.nan_to_num((values.astype(np.float32) - low) / span, nan=0.0, posinf=1.0, neginf=0.0)
    pixels: UInt8 = colormap(name)[np.rint(scaled.clip(0, 1) * 255).astype(np.uint8)]
    pixels[np.isnan(values)] = 0
    return pixels
