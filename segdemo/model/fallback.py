"""Engines that stand in for one another."""

import logging
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, NoReturn

import numpy as np
import numpy.typing as npt

from segdemo.errors import SegdemoError, first_line
from segdemo.model.capture import EVERYTHING, RawOutputs, Request, Start, Without

if TYPE_CHECKING:
    from segdemo.model.engines import Engine

logger = logging.getLogger(__name__)


class FallbackEngine:
    """The first of several engines that works: one that fails is dropped, with a line in the log.

    What the last one fails with is ``excuse``d, where that is given: turned into a sentence for people. ``better`` is
    asked after each run for the means to make a faster engine, such as a graph that has been converted meanwhile; it is
    made in a thread of its own and takes over once it is ready.
    """

    def __init__(
        self,
        makers: list[Callable[[], "Engine"]],
        *,
        better: Callable[[], Callable[[], "Engine"] | None] | None = None,
        replaced: Callable[[], None] | None = None,
        excuse: Callable[[Exception], SegdemoError] | None = None,
    ) -> None:
        self._makers = list(makers)
        self._spare = tuple(makers)
        self._better, self._replaced, self._excuse = better, replaced, excuse
        self._lock = threading.Lock()
        self._engine: Engine | None = None
        self._advance(None)

    @property
    def current(self) -> "Engine":
        """The engine in use."""
        assert self._engine is not None
        return self._engine

    @property
    def name(self) -> str:
        """Name of the engine in use."""
        return self.current.name

    @property
    def precision(self) -> str:
        """Precision of the engine in use."""
        return self.current.precision

    @property
    def device(self) -> str:
        """Device of the engine in use."""
        return self.current.device

    @property
    def side_by_side(self) -> bool:
        """Whether passes can run beside each other in the engine in use."""
        return getattr(self.current, "side_by_side", False)

    def __call__(self, pixel_values: npt.NDArray[np.float32], request: Request = EVERYTHING) -> RawOutputs:
        """See ``Engine``."""
        return self._first_working(lambda engine: engine(pixel_values, request))

    def decode(self, start: Start, *, height: int, without: Without, request: Request = EVERYTHING) -> RawOutputs:
        """See ``Engine``."""
        return self._first_working(lambda engine: engine.decode(start, height=height, without=without, request=request))

    def _first_working(self, run: Callable[["Engine"], RawOutputs]) -> RawOutputs:
        while True:
            engine = self.current
            try:
                raw = run(engine)
            except (SegdemoError, MemoryError):
                raise
            except Exception as error:
                if not self._makers:
                    self._give_up(error)
                used = f"{engine.name} in {engine.precision} on {engine.device}"
                logger.warning("%s failed and is left (%s)", used, first_line(error))
                self._advance(engine)
            else:
                self._look_for_better()
                return raw

    def _advance(self, failed: "Engine | None") -> None:
        with self._lock:
            if self._engine is not failed:
                return
            while self._makers:
                maker = self._makers.pop(0)
                try:
                    self._engine = maker()
                except (SegdemoError, MemoryError):
                    raise
                except Exception as error:
                    if not self._makers:
                        self._give_up(error)
                    logger.warning("an engine could not be made (%s)", first_line(error))
                else:
                    logger.info("running on %s in %s on %s", self.name, self.precision, self.device)
                    return

    def _give_up(self, error: Exception) -> NoReturn:
        raise error if self._excuse is None else self._excuse(error) from error

    def _look_for_better(self) -> None:
        with self._lock:
            maker = self._better() if self._better is not None else None
            if maker is None:
                return
            self._better = None
        threading.Thread(target=self._upgrade, args=(maker,), name="segdemo-engine", daemon=True).start()

    def _upgrade(self, maker: Callable[[], "Engine"]) -> None:
        try:
            engine = maker()
        except Exception as error:
            logger.warning("a faster engine could not be made (%s)", first_line(error))
            return
        with self._lock:
            # The way back, should the new engine fail, loads the weights again rather than keeping them in memory.
            self._engine = engine
            self._makers = [*self._spare]
        if self._replaced is not None:
            self._replaced()
        logger.info("changed to %s in %s on %s", engine.name, engine.precision, engine.device)
