"""Each operation that PyTorch does not promise is made to fail, in every type or in one: what is left serves."""

import copy
import itertools
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch

from segdemo.errors import SegdemoError
from segdemo.model import engines
from segdemo.model.capture import RawOutputs
from segdemo.model.engines import make_engine
from segdemo.model.fallback import FallbackEngine
from segdemo.model.families import mask2former
from segdemo.model.families.mask2former import LibraryNetwork
from segdemo.model.fast.linear import has_packed_products, has_products
from segdemo.model.fast.quantized import has_quantized_products
from segdemo.model.networks import release_network
from segdemo.model.weights import load_library_model
from segdemo.settings import Settings
from tests.picking import rest_slow

OPERATIONS = (
    "mkldnn._reorder_linear_weight",
    "mkldnn._linear_pointwise",
    "onednn.qlinear_prepack",
    "onednn.qlinear_pointwise",
)
TYPES = {"always": None, "in bfloat16": torch.bfloat16, "in 8 bits": torch.int8}
FAILURES = rest_slow(
    itertools.product(OPERATIONS, TYPES),
    lambda case: case[1] == "always" or case[0].startswith("onednn") == (case[1] == "in 8 bits"),
)
"""Quick are those in a type that the operation is used in."""
MOMENTS = ("from the start", pytest.param("once probed", marks=pytest.mark.slow), "in the first pass")

Fail = Callable[[str, torch.dtype | None], None]


@pytest.fixture(scope="module")
def model(tiny_checkpoint: Path) -> Any:
    return load_library_model(tiny_checkpoint)


@pytest.fixture(autouse=True)
def afresh(tiny_checkpoint: Path, model: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing is known of the machine or loaded before a test, nor after it; the host has no wish. Loading is quick."""

    def forget() -> None:
        release_network(tiny_checkpoint)
        for probe in (has_products, has_packed_products, has_quantized_products):
            probe.cache_clear()

    monkeypatch.setattr(engines, "settings", lambda: Settings(precision="auto"))
    monkeypatch.setattr(mask2former, "load_library_model", lambda folder: copy.deepcopy(model))
    forget()
    if not has_quantized_products():
        # Where the processor does not multiply in 8 bits, whole numbers in float32 stand for one that does.
        monkeypatch.setattr(torch.ops.onednn, "qlinear_prepack", lambda weight, shape: weight)
        monkeypatch.setattr(torch.ops.onednn, "qlinear_pointwise", product_in_8_bits)
        forget()
    yield
    forget()


def product_in_8_bits(
    x: torch.Tensor, x_scale: float, x_zero: int, weight: torch.Tensor, scales: torch.Tensor, *options: Any
) -> torch.Tensor:
    return ((x.float() - x_zero) * x_scale) @ weight.float().T * scales


@pytest.fixture
def fail(monkeypatch: pytest.MonkeyPatch) -> Fail:
    """Return a function that makes one of ``OPERATIONS`` raise, where a tensor is of the type if one is given."""

    def arrange(operation: str, dtype: torch.dtype | None) -> None:
        room, _, name = operation.partition(".")
        namespace = getattr(torch.ops, room)
        real = getattr(namespace, name)

        def refusing(*arguments: Any) -> Any:
            types = {part.dtype for part in arguments if isinstance(part, torch.Tensor)}
            if dtype is None or dtype in types:
                raise RuntimeError(f"{operation}: the cpu support is missing\nand more that nobody reads")
            return real(*arguments)

        monkeypatch.setattr(namespace, name, refusing)

    return arrange


@pytest.fixture(scope="module")
def values() -> npt.NDArray[np.float32]:
    coarse = torch.randn(1, 3, 6, 8, generator=torch.Generator().manual_seed(1))
    return torch.nn.functional.interpolate(coarse, scale_factor=16, mode="bilinear").numpy()


@pytest.fixture(scope="module")
def expected(model: Any, values: npt.NDArray[np.float32]) -> RawOutputs:
    """What the library's network answers in float32."""
    return LibraryNetwork(copy.deepcopy(model)).run(torch.from_numpy(values))


def probe() -> None:
    """Try everything while it works."""
    has_products(torch.bfloat16)
    has_quantized_products()
    for dtype in (torch.float32, torch.bfloat16):
        has_packed_products(dtype)


@pytest.mark.parametrize(("operation", "kind"), FAILURES)
@pytest.mark.parametrize("moment", MOMENTS)
def test_auto_serves_and_is_right(
    operation: str,
    kind: str,
    moment: str,
    tiny_checkpoint: Path,
    values: npt.NDArray[np.float32],
    expected: RawOutputs,
    fail: Fail,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(engines, "has_native_bf16", lambda: True)
    if moment != "from the start":
        probe()
        caplog.clear()
    if moment == "in the first pass":
        engine = make_engine(tiny_checkpoint, engine="torch")
        fail(operation, TYPES[kind])
    else:
        fail(operation, TYPES[kind])
        engine = make_engine(tiny_checkpoint, engine="torch")
    raw = engine(values)
    # The first masks: no threshold lies before them.
    slack = 1e-3 if engine.precision == "fp32" else 0.05 * float(np.abs(expected.masks[0]).max())
    np.testing.assert_allclose(raw.masks[0], expected.masks[0], rtol=0, atol=slack)
    assert len(caplog.records) <= 3


@pytest.mark.parametrize("operation", OPERATIONS[:2])
@pytest.mark.parametrize("precision", ["auto", "fp32"])
def test_what_fails_after_its_probe_leads_to_the_librarys_network(
    operation: str,
    precision: str,
    tiny_checkpoint: Path,
    values: npt.NDArray[np.float32],
    expected: RawOutputs,
    fail: Fail,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    if not has_packed_products(torch.float32):
        pytest.skip("this build of PyTorch has no packed products that could fail")
    monkeypatch.setattr(engines, "has_native_bf16", lambda: False)
    probe()
    caplog.clear()
    fail(operation, None)
    engine = make_engine(tiny_checkpoint, engine="torch", precision=precision)
    raw = engine(values)
    assert isinstance(engine, FallbackEngine)
    assert isinstance(getattr(engine.current, "network", None), LibraryNetwork)
    assert (engine.precision, engine.device) == ("fp32", "cpu")
    np.testing.assert_allclose(raw.masks[-1], expected.masks[-1], rtol=1e-5, atol=1e-5)
    assert len(caplog.records) == 1
    assert "the cpu support is missing" in caplog.text


@pytest.mark.parametrize(("operation", "kind"), FAILURES)
@pytest.mark.parametrize("moment", [MOMENTS[0], pytest.param(MOMENTS[2], marks=pytest.mark.slow)])
@pytest.mark.parametrize("precision", ["fp32", "bf16", "int8"])
def test_what_is_asked_for_by_name_serves_in_it_or_is_a_sentence(
    operation: str,
    kind: str,
    moment: str,
    precision: str,
    tiny_checkpoint: Path,
    values: npt.NDArray[np.float32],
    expected: RawOutputs,
    fail: Fail,
) -> None:
    if moment != "from the start":
        probe()
    if moment != "in the first pass":
        fail(operation, TYPES[kind])
    sentence, raw = "", None
    try:
        engine = make_engine(tiny_checkpoint, engine="torch", precision=precision)
        if moment == "in the first pass":
            fail(operation, TYPES[kind])
        raw = engine(values)
    except SegdemoError as error:
        sentence = str(error)
    if raw is None:
        assert precision != "fp32"
        assert re.fullmatch(rf"{precision} cannot be had for this checkpoint on this processor( \(.*\))?: .*", sentence)
        assert "choose fp32" in sentence
        assert "nobody reads" not in sentence
    else:
        assert engine.precision == precision
        slack = 1e-3 if precision == "fp32" else 0.05 * float(np.abs(expected.masks[0]).max())
        np.testing.assert_allclose(raw.masks[0], expected.masks[0], rtol=0, atol=slack)


def test_without_packed_bfloat16_its_plain_products_serve(
    tiny_checkpoint: Path, fail: Fail, caplog: pytest.LogCaptureFixture
) -> None:
    """As on processors with AVX2 alone, where float32 can be packed and bfloat16 cannot."""
    fail("mkldnn._reorder_linear_weight", torch.bfloat16)
    engine = make_engine(tiny_checkpoint, engine="torch", precision="bf16")
    assert engine.precision == "bf16"
    packed = [line for line in caplog.messages if "packed weights in bfloat16" in line]
    assert packed == [
        "left out on this machine: products by packed weights in bfloat16 "
        "(mkldnn._reorder_linear_weight: the cpu support is missing)"
    ]


def test_no_memory_is_no_reason_to_give_an_engine_up(tiny_checkpoint: Path, values: npt.NDArray[np.float32]) -> None:
    engine = make_engine(tiny_checkpoint, engine="torch", precision="fp32")
    assert isinstance(engine, FallbackEngine)
    before = engine.current
    network: Any = getattr(before, "network", None)
    run = network.run

    def full(*arguments: Any) -> Any:
        raise RuntimeError("[enforce fail at alloc_cpu.cpp:117] DefaultCPUAllocator: can't allocate memory: you tried")

    network.run = full
    with pytest.raises(MemoryError):
        engine(values)
    network.run = run
    assert engine.current is before
    assert len(engine(values).masks) == 5
