"""Arrays as the page unpacks them."""

import base64
import zlib
from typing import Any

import numpy as np
import numpy.typing as npt


def unpack(packed: dict[str, Any]) -> npt.NDArray[Any]:
    """The array of what ``segdemo.packing.pack`` wrote."""
    raw = zlib.decompress(base64.b64decode(packed["data"]))
    return np.frombuffer(raw, packed["dtype"]).reshape(packed["shape"])
