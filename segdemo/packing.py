"""Arrays on their way to the browser: raw little-endian bytes, deflated, in base64, with their shape beside them."""

import base64
import zlib
from typing import Any

import numpy as np
import numpy.typing as npt

_TYPES = {np.dtype(np.uint8): "uint8", np.dtype(np.uint16): "uint16", np.dtype(np.float32): "float32"}


def pack(array: npt.NDArray[Any], *, level: int = 1) -> dict[str, Any]:
    """A JSON-able copy of an array of uint8, uint16 or float32, of any shape.

    The result has ``dtype``, ``shape`` and ``data``: base64 of the zlib stream (RFC 1950) of the
    elements in C order, little-endian. The browser takes ids from these bytes, never from drawn pixels.
    """
    kind = _TYPES[array.dtype.newbyteorder("=")]
    raw = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<")).tobytes()
    data = base64.b64encode(zlib.compress(raw, level)).decode("ascii")
    return {"dtype": kind, "shape": list(array.shape), "data": data}


def data_url(content: bytes, mime: str) -> str:
    """Bytes as a ``data:`` URL (RFC 2397)."""
    return f"data:{mime};base64,{base64.b64encode(content).decode('ascii')}"


def to_bytes(values: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.uint8]:
    """Values in 0..1 as 0..255, rounded."""
    return np.clip(np.rint(values * 255), 0, 255).astype(np.uint8)
