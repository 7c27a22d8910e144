"""Trying an operation before it is relied on: what is missing or wrong here is left out, with a line in the log.

What PyTorch can do differs between processors, builds and versions, and most of what makes the fast network fast is no
part of its promises. So nothing is concluded from names or flags: the operation itself is run, in the very type that it
is used in and at the order of magnitude of its sizes, and its result compared with the plain way.
"""

import logging
from collections.abc import Callable

import torch
from torch import Tensor

from segdemo.errors import first_line

logger = logging.getLogger(__name__)

PROBE_ROWS, PROBE_INPUTS, PROBE_OUTPUTS = 320, 384, 512
"""Sizes of the products that are tried."""


def works(what: str, attempt: Callable[[], bool]) -> bool:
    """Whether ``attempt`` comes to its end and returns true; if not, one line says that ``what`` is left out, and why.

    Callers keep the answer: an operation is tried once in a process.
    """
    try:
        if attempt():
            return True
        reason = "its results are wrong"
    except Exception as error:
        reason = first_line(error)
    logger.warning("left out on this machine: %s (%s)", what, reason)
    return False


def waves(rows: int, columns: int) -> Tensor:
    """Numbers from -1 to 1 (rows, columns) that are the same in every process and alike in no two rows."""
    steps = torch.arange(rows * columns, dtype=torch.float32)
    return (steps * 0.7369 + 0.001 * (steps % columns) ** 2).sin().view(rows, columns)
