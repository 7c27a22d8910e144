"""How a caller follows long work, and stops it: the same two functions in every room."""

from collections.abc import Callable

from segdemo.errors import SegdemoError

Progress = Callable[[float], None]
"""Told the share of the work that is done, 0 to 1, never less than before."""

Cancel = Callable[[], bool]
"""Asked now and then by the work itself, in its thread, whether to stop: on true it raises ``CancelledError``.

An event's ``is_set`` is one; so is ``lambda: time.monotonic() > deadline``. It is asked often: it must answer at once.
"""


class CancelledError(SegdemoError):
    """Work ended early because its ``Cancel`` said so; nothing that was there before is lost."""

    def __init__(self, sentence: str = "The run was stopped; what was there before is kept.") -> None:
        super().__init__(sentence)
