"""Networks in memory: each checkpoint once for a device and a precision."""

import logging
import threading
from pathlib import Path

from segdemo.model.families import Loaded, family_of

logger = logging.getLogger(__name__)

_lock = threading.Lock()
_networks: dict[tuple[Path, str, str, bool], Loaded] = {}


def load_network(folder: Path, device: str = "cpu", precision: str = "fp32", *, accelerated: bool = True) -> Loaded:
    """Return the network of a checkpoint folder, whatever it is stored in; the same object every time.

    ``fp32`` has all weights in float32; ``bf16`` and ``int8`` have part of them in bfloat16 or in 8 bits.
    ``accelerated`` is ours where it fits, else it is the library's. No code from the folder is run. Raises as
    ``Family.load`` does.
    """
    key = (folder.resolve(), device, precision, accelerated)
    with _lock:
        if key not in _networks:
            _networks[key] = family_of(folder).load(folder, device, precision, accelerated=accelerated)
            logger.info("loaded %s on %s in %s", folder, device, precision)
        return _networks[key]


def release_network(folder: Path, device: str = "cpu") -> None:
    """Let go of a network that another engine replaced, in every precision; whoever still holds it keeps it."""
    with _lock:
        for key in [key for key in _networks if key[:2] == (folder.resolve(), device)]:
            del _networks[key]
