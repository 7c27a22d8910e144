"""Where the forward pass runs: PyTorch or OpenVINO, in what numbers, on the processor or a graphics card."""

import logging
import platform
import threading
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol, get_args

import numpy as np
import numpy.typing as npt
import torch

from segdemo.errors import SegdemoError
from segdemo.model.capture import RawOutputs
from segdemo.model.families.mask2former import LibraryNetwork
from segdemo.model.fast.network import Network
from segdemo.model.graph import GRAPH_PRECISIONS
from segdemo.progress import Cancel, Progress
from segdemo.settings import Precision, settings

logger = logging.getLogger(__name__)

ENGINES = ("auto", "torch", "openvino")
PRECISIONS = get_args(Precision)


class Engine(Protocol):
    """A network ready to run; safe to call from several threads."""

    @property
    def name(self) -> str:
        """``torch`` or ``openvino``."""
        ...

    @property
    def precision(self) -> str:
        """``fp32``, ``bf16`` or ``int8``."""
        ...

    @property
    def device(self) -> str:
        """``cpu``, ``cuda`` or ``mps``."""
        ...

    def __call__(
        self,
        pixel_values: npt.NDArray[np.float32],
        *,
        capture: bool = True,
        progress: Progress | None = None,
        cancel: Cancel | None = None,
    ) -> RawOutputs:
        """Run normalised pixels (B, 3, H, W) forward, H and W multiples of 32; may raise ``CancelledError``."""
        ...


@dataclass(frozen=True)
class TorchEngine:
    """PyTorch, eagerly, in the precision that the network was loaded in."""

    network: Network | LibraryNetwork
    precision: str = "fp32"
    device: str = "cpu"
    name: str = "torch"

    def __call__(
        self,
        pixel_values: npt.NDArray[np.float32],
        *,
        capture: bool = True,
        progress: Progress | None = None,
        cancel: Cancel | None = None,
    ) -> RawOutputs:
        """See ``Engine``."""
        pixels = torch.from_numpy(pixel_values).to(self.device)
        return self.network(pixels, capture=capture, progress=progress, cancel=cancel)


class FallbackEngine:
    """The first of several engines that works: one that fails is dropped, with a line in the log.

    ``better`` is asked after each run for the means to make a faster engine, such as a graph that has been converted
    meanwhile; it is made in a thread of its own and takes over once it is ready.
    """

    def __init__(
        self,
        makers: list[Callable[[], Engine]],
        *,
        better: Callable[[], Callable[[], Engine] | None] | None = None,
        replaced: Callable[[], None] | None = None,
    ) -> None:
        self._makers = list(makers)
        self._spare = tuple(makers)
        self._better, self._replaced = better, replaced
        self._lock = threading.Lock()
        self._engine: Engine | None = None
        self._advance(None)

    @property
    def current(self) -> Engine:
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

    def __call__(
        self,
        pixel_values: npt.NDArray[np.float32],
        *,
        capture: bool = True,
        progress: Progress | None = None,
        cancel: Cancel | None = None,
    ) -> RawOutputs:
        """See ``Engine``."""
        while True:
            engine = self.current
            try:
                raw = engine(pixel_values, capture=capture, progress=progress, cancel=cancel)
            except SegdemoError:
                raise
            except Exception as error:
                if not self._makers:
                    raise
                logger.warning("%s in %s on %s failed (%s)", engine.name, engine.precision, engine.device, error)
                self._advance(engine)
            else:
                self._look_for_better()
                return raw

    def _advance(self, failed: Engine | None) -> None:
        with self._lock:
            if self._engine is not failed:
                return
            while self._makers:
                maker = self._makers.pop(0)
                try:
                    self._engine = maker()
                except SegdemoError:
                    raise
                except Exception as error:
                    if not self._makers:
                        raise
                    logger.warning("an engine could not be made (%s)", error)
                else:
                    logger.info("running on %s in %s on %s", self.name, self.precision, self.device)
                    return

    def _look_for_better(self) -> None:
        with self._lock:
            maker = self._better() if self._better is not None else None
            if maker is None:
                return
            self._better = None
        threading.Thread(target=self._upgrade, args=(maker,), name="segdemo-engine", daemon=True).start()

    def _upgrade(self, maker: Callable[[], Engine]) -> None:
        try:
            engine = maker()
        except Exception as error:
            logger.warning("a faster engine could not be made (%s)", error)
            return
        with self._lock:
            # The way back, should the new engine fail, loads the weights again rather than keeping them in memory.
            self._engine = engine
            self._makers = [*self._spare]
        if self._replaced is not None:
            self._replaced()
        logger.info("changed to %s in %s on %s", engine.name, engine.precision, engine.device)


def make_engine(folder: Path, *, engine: str = "auto", precision: str = "auto", device: str = "auto") -> Engine:
    """Return the engine for a checkpoint folder.

    ``auto`` takes a graphics card where there is one; on the processor the converted OpenVINO graph where there is one
    that was faster when it was made, else PyTorch; bfloat16 where the device has instructions for it. What fails is
    replaced, with a line in the log, by PyTorch in float32. What is asked for by name is not replaced. ``int8`` is only
    ever asked for, here or by ``SEGDEMO_PRECISION``, and runs in PyTorch on the processor; where only the latter asks
    and it cannot be had, ``auto`` is as above. Raises ``SegdemoError`` for unknown names, for devices that are not
    there, and for ``int8`` where there is no way to compute in it.
    """
    if engine not in ENGINES:
        raise SegdemoError(f"The engine {engine!r} is not known: choose one of {', '.join(ENGINES)}.")
    if precision not in PRECISIONS:
        raise SegdemoError(f"The precision {precision!r} is not known: choose one of {', '.join(PRECISIONS)}.")
    places = _devices(device)
    quantizable = engine != "openvino" and places[-1] == "cpu"
    if precision == "int8":
        if not quantizable:
            raise SegdemoError("int8 runs with the torch engine on the processor: choose those, or fp32 or bf16.")
        return FallbackEngine([_torch(folder, "cpu", precision)])
    makers: list[Callable[[], Engine]] = []
    if precision == "auto":
        precision = settings().precision
        if precision == "int8":
            precision = "auto"
            if quantizable:
                makers.append(_or_another(_torch(folder, "cpu", "int8")))
    if engine == "openvino":
        if places[-1] != "cpu":
            raise SegdemoError(f"The OpenVINO engine runs on the processor, not on {device!r}: leave the device out.")
        return _openvino(folder, precision)()
    preferred = bool(makers)
    for place in places:
        if precision == "auto" and (place != "cpu" or has_native_bf16()):
            makers.append(_torch(folder, place, "bf16"))
        makers.append(_torch(folder, place, "fp32" if precision == "auto" else precision))
    if engine == "auto" and places == ["cpu"] and not preferred and find_spec("openvino") is not None:
        better = _converted(folder, precision)
        if (maker := better()) is not None:
            return FallbackEngine([maker, *makers])
        return FallbackEngine(makers, better=better, replaced=lambda: _release(folder))
    return FallbackEngine(makers)


def _torch(folder: Path, device: str, precision: str) -> Callable[[], Engine]:
    def make() -> Engine:
        from segdemo.model.weights import load_network

        return TorchEngine(load_network(folder, device, precision), precision=precision, device=device)

    return make


def _openvino(folder: Path, precision: str) -> Callable[[], Engine]:
    def make() -> Engine:
        from segdemo.model.openvino import load_openvino

        return load_openvino(folder, precision=processor_precision(precision))

    return make


def _converted(folder: Path, precision: str) -> Callable[[], Callable[[], Engine] | None]:
    """Return a function that gives the maker of the OpenVINO engine once a faster graph is on disk, else none."""

    make = _or_another(_openvino(folder, precision))

    def look() -> Callable[[], Engine] | None:
        from segdemo.model.graph import find_graph

        graph = find_graph(folder, processor_precision(precision))
        return make if graph is not None and graph.faster else None

    return look


def _or_another(make: Callable[[], Engine]) -> Callable[[], Engine]:
    """Return a maker whose complaints are not for a person, since there is another engine to fall back to."""

    def maker() -> Engine:
        try:
            return make()
        except SegdemoError as error:
            raise RuntimeError(str(error)) from error

    return maker


def _release(folder: Path) -> None:
    from segdemo.model.weights import release_network

    release_network(folder)


def processor_precision(precision: str = "auto") -> str:
    """Return what ``auto`` stands for in a converted graph on this processor, anything else as it is."""
    if precision != "auto":
        return precision
    wanted = settings().precision
    return wanted if wanted in GRAPH_PRECISIONS else "bf16" if has_native_bf16() else "fp32"


def has_native_bf16() -> bool:
    """Whether this processor multiplies bfloat16 matrices itself (AMX or AVX-512 BF16, or Arm's BF16)."""
    capabilities: dict[str, object] = getattr(torch.cpu, "get_capabilities", dict)()
    if capabilities:
        return any(capabilities.get(flag) for flag in ("amx_bf16", "avx512_bf16", "bf16", "arm_bf16"))
    flags = Path("/proc/cpuinfo")
    if platform.system() != "Linux" or not flags.exists():
        return False
    words = set(flags.read_text().split())
    return bool(words & {"amx_bf16", "avx512_bf16", "bf16"})


def _devices(device: str) -> list[str]:
    """Devices to try, best first."""
    if device == "auto":
        found = []
        if torch.cuda.is_available():
            found.append("cuda")
        if torch.backends.mps.is_available():
            found.append("mps")
        return [*found, "cpu"]
    kind = device.partition(":")[0]
    available = {
        "cpu": True,
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
    }
    if not available.get(kind, False):
        names = ", ".join(name for name, there in available.items() if there)
        raise SegdemoError(f"The device {device!r} is not available here: choose one of auto, {names}.")
    return [device]
