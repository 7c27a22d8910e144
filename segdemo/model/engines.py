"""Where the forward pass runs: PyTorch in float32 or bfloat16, on the processor or a graphics card."""

import logging
import platform
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch

from segdemo.errors import SegdemoError
from segdemo.model.capture import Progress, RawOutputs
from segdemo.model.library import LibraryNetwork
from segdemo.model.network import Network

logger = logging.getLogger(__name__)

ENGINES = ("auto", "torch")
PRECISIONS = ("auto", "fp32", "bf16")


class Engine(Protocol):
    """A network ready to run; safe to call from several threads."""

    @property
    def name(self) -> str:
        """``torch`` or ``openvino``."""
        ...

    @property
    def precision(self) -> str:
        """``fp32`` or ``bf16``."""
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
        cancel: threading.Event | None = None,
    ) -> RawOutputs:
        """Run normalised pixels (B, 3, H, W) forward, H and W multiples of 32; may raise ``Cancelled``."""
        ...


@dataclass(frozen=True)
class TorchEngine:
    """PyTorch, eagerly, with the weights in float32; ``bf16`` computes matrix products in bfloat16."""

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
        cancel: threading.Event | None = None,
    ) -> RawOutputs:
        """See ``Engine``."""
        pixels = torch.from_numpy(pixel_values).to(self.device)
        kind = self.device.partition(":")[0]
        with torch.autocast(kind, dtype=torch.bfloat16, enabled=self.precision == "bf16"):
            return self.network(pixels, capture=capture, progress=progress, cancel=cancel)


class FallbackEngine:
    """The first of several engines that works: one that fails is dropped, with a line in the log."""

    def __init__(self, makers: list[Callable[[], Engine]]) -> None:
        self._makers = makers
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
        cancel: threading.Event | None = None,
    ) -> RawOutputs:
        """See ``Engine``."""
        while True:
            engine = self.current
            try:
                return engine(pixel_values, capture=capture, progress=progress, cancel=cancel)
            except SegdemoError:
                raise
            except Exception as error:
                if not self._makers:
                    raise
                logger.warning("%s in %s on %s failed (%s)", engine.name, engine.precision, engine.device, error)
                self._advance(engine)

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
                    logger.warning("An engine could not be made (%s)", error)
                else:
                    logger.info("running on %s in %s on %s", self.name, self.precision, self.device)
                    return


def make_engine(folder: Path, *, engine: str = "auto", precision: str = "auto", device: str = "auto") -> Engine:
    """Return the engine for a checkpoint folder.

    ``auto`` takes a graphics card where there is one, and bfloat16 where the processor has instructions for it, and
    falls back to float32 on the processor when those fail. What is asked for by name is not replaced silently.
    Raises ``SegdemoError`` for unknown names and for devices that are not there.
    """
    if engine not in ENGINES:
        raise SegdemoError(f"The engine {engine!r} is not known: choose one of {', '.join(ENGINES)}.")
    if precision not in PRECISIONS:
        raise SegdemoError(f"The precision {precision!r} is not known: choose one of {', '.join(PRECISIONS)}.")
    devices = _devices(device)

    def maker(device: str, precision: str) -> Callable[[], Engine]:
        from segdemo.model.weights import load_network

        return lambda: TorchEngine(load_network(folder, device), precision=precision, device=device)

    wanted: list[tuple[str, str]] = []
    for place in devices:
        if precision != "auto":
            wanted.append((place, precision))
            continue
        if place != "cpu" or has_native_bf16():
            wanted.append((place, "bf16"))
        wanted.append((place, "fp32"))
    return FallbackEngine([maker(place, kind) for place, kind in wanted])


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
