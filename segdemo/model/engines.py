"""Where the forward pass runs: PyTorch or OpenVINO, in what numbers, on the processor or a graphics card."""

import platform
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol, TypeVar, get_args

import numpy as np
import numpy.typing as npt
import torch

from segdemo.checkpoint_files import read_config
from segdemo.errors import SegdemoError, first_line
from segdemo.model.capture import EVERYTHING, RawOutputs, Request, Start, Without
from segdemo.model.fallback import FallbackEngine
from segdemo.model.families import Family, Loaded, family_of
from segdemo.model.graph import GRAPH_PRECISIONS
from segdemo.model.networks import load_network, release_network
from segdemo.settings import Precision, settings

T = TypeVar("T")

ENGINES = ("auto", "torch", "openvino")
PRECISIONS = get_args(Precision)
_NO_MEMORY = re.compile("can't allocate memory|not enough memory", re.IGNORECASE)
"""How PyTorch's allocator says so on Linux and on Windows: no reason to give up an engine."""


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

    def __call__(self, pixel_values: npt.NDArray[np.float32], request: Request = EVERYTHING) -> RawOutputs:
        """Run normalised pixels (B, 3, H, W) forward, H and W multiples of 32; may raise ``CancelledError``."""
        ...

    def decode(self, start: Start, *, height: int, without: Without, request: Request = EVERYTHING) -> RawOutputs:
        """Run the decoder alone, ``without`` some of its parts, for an input of ``height`` pixels.

        The result has masks, classes and attention. May raise ``CancelledError``.
        """
        ...


@dataclass(frozen=True)
class TorchEngine:
    """PyTorch, eagerly, in the precision that the network was loaded in."""

    network: Loaded
    precision: str = "fp32"
    device: str = "cpu"
    name: str = "torch"

    @property
    def side_by_side(self) -> bool:
        """Whether passes can run beside each other on the processor."""
        return self.device == "cpu" and getattr(self.network, "side_by_side", False)

    def __call__(self, pixel_values: npt.NDArray[np.float32], request: Request = EVERYTHING) -> RawOutputs:
        """See ``Engine``."""
        with self._memory_told():
            return self.network.run(torch.from_numpy(pixel_values).to(self.device), request)

    def decode(self, start: Start, *, height: int, without: Without, request: Request = EVERYTHING) -> RawOutputs:
        """See ``Engine``."""
        # A copy, since what is kept is read-only; in the same order in memory, for the same result to the last bit.
        levels, masks = (
            [torch.from_numpy(maps.copy(order="K")).to(self.device) for maps in part]
            for part in (start.levels, (start.masks,))
        )
        with self._memory_told():
            return self.network.decode(levels, masks[0], height=height, without=without, request=request)

    @contextmanager
    def _memory_told(self) -> Iterator[None]:
        """Tell a lack of memory as such."""
        try:
            yield
        except RuntimeError as error:
            if self.device == "cpu" and _NO_MEMORY.search(str(error)):
                raise MemoryError(str(error)) from error
            raise


def make_engine(folder: Path, *, engine: str = "auto", precision: str = "auto", device: str = "auto") -> Engine:
    """Return the engine for a checkpoint folder.

    ``auto`` takes a graphics card where there is one; on the processor the converted OpenVINO graph where there is one
    that was faster when it was made, else PyTorch; bfloat16 where the device has instructions for it. What fails is
    replaced, with a line in the log, in the end by the library's network in float32. What is asked for by name is not
    replaced by another precision. ``int8`` is only ever asked for, here or by ``SEGDEMO_PRECISION``, and runs in
    PyTorch on the processor; where only the latter asks for something that cannot be had, ``auto`` is as above. Raises
    ``SegdemoError`` for unknown names, for devices that are not there, and for precisions that cannot be had.
    """
    if engine not in ENGINES:
        raise SegdemoError(f"The engine {engine!r} is not known: choose one of {', '.join(ENGINES)}.")
    if precision not in PRECISIONS:
        raise SegdemoError(f"The precision {precision!r} is not known: choose one of {', '.join(PRECISIONS)}.")
    places = _devices(device)
    if engine == "openvino":
        if places[-1] != "cpu":
            raise SegdemoError(f"The OpenVINO engine runs on the processor, not on {device!r}: leave the device out.")
        return _openvino(folder, precision)()
    choice = _Choice(folder, family_of(folder), read_config(folder))
    if precision not in ("auto", "fp32"):
        fitting = [place for place in places if precision != "int8" or place == "cpu"] or places
        for place in fitting:
            choice.check(place, precision)
        makers = [choice.maker(place, precision) for place in fitting]
        if choice.borrowed and fitting[-1] == "cpu":
            makers.append(choice.maker("cpu", precision, accelerated=False))
        return FallbackEngine(makers, excuse=lambda error: choice.refusal(fitting[-1], precision, first_line(error)))
    makers, wish = [], settings().precision if precision == "auto" else precision
    if wish in ("bf16", "int8"):
        makers += [choice.maker(place, wish) for place in places if wish != "int8" or place == "cpu"]
    for place in places:
        if wish in ("auto", "int8") and (place != "cpu" or (choice.accelerated and has_native_bf16())):
            makers.append(choice.maker(place, "bf16"))
        makers.append(choice.maker(place, "fp32"))
    if (choice.accelerated or choice.borrowed) and places[-1] == "cpu":
        makers.append(choice.maker("cpu", "fp32", accelerated=False))
    if engine == "auto" and places == ["cpu"] and choice.accelerated and wish != "int8" and find_spec("openvino"):
        better = _converted(folder, precision)
        if (maker := better()) is not None:
            return FallbackEngine([maker, *makers], excuse=_unrunnable)
        return FallbackEngine(makers, better=better, replaced=lambda: release_network(folder), excuse=_unrunnable)
    return FallbackEngine(makers, excuse=_unrunnable)


def possible_precisions(folder: Path) -> tuple[str, ...]:
    """The precisions in which a checkpoint's network runs on this machine in PyTorch, ``fp32`` among them."""
    family, config = family_of(folder), read_config(folder)
    found = {precision for device in _devices("auto") for precision in family.precisions(config, device)}
    return tuple(precision for precision in PRECISIONS if precision in found)


def _unrunnable(error: Exception) -> SegdemoError:
    """A sentence on a network that runs in no way; it names no folder, since visitors may read it."""
    return SegdemoError(
        f"The network that this checkpoint's config.json describes cannot be run ({first_line(error)[:200]}): "
        "fetch the checkpoint again, or use another."
    )


@dataclass(frozen=True)
class _Choice:
    """A checkpoint, and the ways to run it in PyTorch."""

    folder: Path
    family: Family
    config: Mapping[str, object]

    @cached_property
    def accelerated(self) -> bool:
        return self.family.accelerates(self.config)

    @cached_property
    def borrowed(self) -> bool:
        return self.family.borrows(self.config)

    def maker(self, device: str, precision: str, *, accelerated: bool = True) -> Callable[[], Engine]:
        """What makes an engine; where the precision cannot be had it raises what is not for a person."""

        def make() -> Engine:
            _or_another(lambda: self.check(device, precision))()
            if not accelerated:  # what failed is not kept beside it
                release_network(self.folder, device)
            network = load_network(self.folder, device, precision, accelerated=accelerated)
            return TorchEngine(network, precision=precision, device=device)

        return make

    def check(self, device: str, precision: str) -> None:
        """Raise ``SegdemoError`` unless the precision can be had on the device."""
        if precision != "fp32" and precision not in self.family.precisions(self.config, device):
            raise self.refusal(device, precision, "")

    def refusal(self, device: str, precision: str, reason: str) -> SegdemoError:
        """A sentence on a precision that cannot be had, with those that can."""
        others = [name for name in self.family.precisions(self.config, device) if name != precision]
        place = "on this processor" if device == "cpu" else f"on {device}"
        return SegdemoError(
            f"{precision} cannot be had for this checkpoint {place}{f' ({reason})' if reason else ''}: "
            f"choose {' or '.join(others)}."
        )


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


def _or_another(attempt: Callable[[], T]) -> Callable[[], T]:
    """Return a function whose complaints are not for a person, since there is another engine to fall back to."""

    def make() -> T:
        try:
            return attempt()
        except SegdemoError as error:
            raise RuntimeError(str(error)) from error

    return make


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
