"""The accelerated parts within the library's networks: what they answer and tell, and what takes their place."""

import copy
import gc
import itertools
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from segdemo.model import engines
from segdemo.model.capture import RawOutputs, Request
from segdemo.model.engines import make_engine
from segdemo.model.fast import parts
from segdemo.model.fast.linear import has_packed_products, has_products, pack
from segdemo.model.fast.parts import Backbone, Decoder
from segdemo.model.fast.swin import SwinBlock
from segdemo.model.networks import load_network, release_network
from segdemo.model.weights import load_library_model
from segdemo.progress import CancelledError
from segdemo.settings import Settings
from tests.model.families.base import pixels
from tests.networks import write_tiny_maskformer, write_tiny_oneformer, write_tiny_upernet
from tests.picking import rest_slow

MAPS = Path("/proc/self/maps")

FAILURES = rest_slow(
    itertools.product(("in its making", "in packing", "in the first pass"), ("auto", "fp32")),
    lambda case: case == ("in the first pass", "auto"),
)
SIZES = ((96, 128), (64, 64), (97, 130))
"""The last one does not divide into patches, nor into pairs of places."""


@dataclass(frozen=True)
class Case:
    """A family's checkpoint, with the library's own network of it."""

    name: str
    folder: Path
    model: Any

    @property
    def encoder(self) -> Any:
        return self.model.backbone if self.name == "UperNet" else self.model.model.pixel_level_module.encoder

    def expected(self, values: torch.Tensor) -> np.ndarray[Any, np.dtype[np.float32]]:
        """The logits or mask logits that the library's network answers."""
        with torch.inference_mode():
            if self.name == "UperNet":
                return np.asarray(self.model.decode_head(self.encoder(values).feature_maps))
            told = {"task_inputs": semantic_tokens(self.folder).repeat(len(values), 1)}
            found = self.model(pixel_values=values, **(told if self.name == "OneFormer" else {}))
            return np.asarray(found.masks_queries_logits)


def semantic_tokens(folder: Path) -> torch.Tensor:
    from segdemo.model.families.oneformer import task_tokens

    return task_tokens(folder)["semantic"]


WRITERS: dict[str, tuple[Callable[[Path], Path], str]] = {
    "UperNet": (lambda folder: write_tiny_upernet(folder, "swin"), "UperNetForSemanticSegmentation"),
    "OneFormer": (write_tiny_oneformer, "OneFormerForUniversalSegmentation"),
    "MaskFormer": (write_tiny_maskformer, "MaskFormerForInstanceSegmentation"),
}


@pytest.fixture(scope="module", params=rest_slow(WRITERS, "OneFormer".__eq__))
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Case:
    writer, architecture = WRITERS[request.param]
    folder = writer(tmp_path_factory.mktemp("parts"))
    return Case(request.param, folder, load_library_model(folder, architecture))


@pytest.fixture(autouse=True)
def afresh(case: Case, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing is known of the machine or loaded before a test, nor after it; the host has no wish."""

    def forget() -> None:
        release_network(case.folder)
        has_packed_products.cache_clear()

    monkeypatch.setattr(engines, "settings", lambda: Settings(precision="auto"))
    forget()
    yield
    forget()


def answer(raw: RawOutputs) -> np.ndarray[Any, np.dtype[np.floating[Any]]]:
    return raw.masks[-1] if raw.logits is None else raw.logits


def borrowed(engine: Any) -> list[torch.nn.Module]:
    """What an engine's network has of ours."""
    network = engine.current.network
    return [part for part in network.model.modules() if isinstance(part, Backbone | Decoder)]


def failing(*arguments: Any) -> Any:
    raise RuntimeError("the cpu support is missing\nand more that nobody reads")


@pytest.mark.parametrize("batch", [1, 2])
@torch.inference_mode()
def test_stages_and_levels_are_the_librarys(case: Case, batch: int) -> None:
    backbone = Backbone(copy.deepcopy(case.encoder))
    decoder = Decoder(case.model.model.pixel_level_module.decoder) if case.name == "OneFormer" else None
    pack(backbone)
    for size in SIZES:
        values = pixels(size, batch)
        wanted = case.encoder(values).feature_maps
        found = backbone(values).feature_maps
        assert len(found) == len(wanted) == 4
        for ours, theirs in zip(found, wanted, strict=True):
            assert ours.is_contiguous()
            torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)
        if decoder is not None:
            levels, expected = decoder(wanted), case.model.model.pixel_level_module.decoder(wanted)
            pairs = zip(levels.multi_scale_features, expected.multi_scale_features, strict=True)
            for ours, theirs in (*pairs, (levels.mask_features, expected.mask_features)):
                assert ours.is_contiguous()
                torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)


def test_either_network_keeps_the_same(case: Case) -> None:
    """With ours, as loaded, and without, as a fallback: answers and stages, one by one and together."""
    networks: list[Any] = [load_network(case.folder, accelerated=accelerated) for accelerated in (True, False)]
    kinds = [{type(part) for part in network.model.modules()} for network in networks]
    assert [SwinBlock in kind for kind in kinds] == [True, False]
    for size in SIZES:
        for batch in (1, 2):
            values = pixels(size, batch)
            ours, theirs = (network.run(values, Request()) for network in networks)
            for raw in (ours, theirs):
                np.testing.assert_allclose(answer(raw), case.expected(values), rtol=1e-4, atol=1e-4)
            assert list(ours.stages) == list(theirs.stages)
            for scale in ours.stages:
                np.testing.assert_allclose(ours.stages[scale], theirs.stages[scale], rtol=2e-3, atol=2e-3)


def test_a_run_is_told_of_and_stopped_within_the_backbone(case: Case) -> None:
    network: Any = load_network(case.folder)
    done: list[torch.nn.Module] = []
    for part in network.model.modules():
        if isinstance(part, SwinBlock):
            part.register_forward_hook(lambda module, args, output: done.append(module))
    seen: list[float] = []
    values = pixels(SIZES[1], 1)
    network.run(values, Request(progress=seen.append))
    assert (len(done), seen) == (5, sorted(seen))
    assert seen[4] == pytest.approx(0.65)
    done.clear()
    with pytest.raises(CancelledError):
        network.run(values, Request(cancel=lambda: len(done) == 2))
    assert len(done) == 2


@pytest.mark.parametrize(("moment", "precision"), FAILURES)
def test_what_fails_leads_to_the_librarys_network(
    case: Case, moment: str, precision: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    if not has_packed_products(torch.float32) and moment != "in its making":
        pytest.skip("this build of PyTorch has no packed products that could fail")
    caplog.clear()
    if moment == "in its making":
        monkeypatch.setattr(parts, "SwinBackbone", failing)
    elif moment == "in packing":
        monkeypatch.setattr(torch.ops.mkldnn, "_reorder_linear_weight", failing)
    engine: Any = make_engine(case.folder, engine="torch", precision=precision, device="cpu")
    if moment == "in the first pass":
        assert borrowed(engine)
        monkeypatch.setattr(torch.ops.mkldnn, "_linear_pointwise", failing)
    values = pixels(SIZES[0], 1)
    found = answer(engine(values.numpy()))
    assert not borrowed(engine)
    assert (engine.precision, engine.device) == ("fp32", "cpu")
    np.testing.assert_allclose(found, case.expected(values), rtol=1e-5, atol=1e-5)
    assert len(caplog.records) == 1
    assert "the cpu support is missing" in caplog.text
    assert "nobody reads" not in caplog.text


@pytest.mark.slow
def test_without_packed_products_plain_ones_serve(
    case: Case, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(torch.ops.mkldnn, "_reorder_linear_weight", failing)
    engine: Any = make_engine(case.folder, engine="torch", precision="fp32", device="cpu")
    values = pixels(SIZES[0], 2)
    np.testing.assert_allclose(answer(engine(values.numpy())), case.expected(values), rtol=1e-4, atol=1e-4)
    assert borrowed(engine)
    assert caplog.messages == [
        "left out on this machine: products by packed weights in float32 (the cpu support is missing)"
    ]


@pytest.mark.slow
def test_in_bfloat16_the_last_stages_are_reduced_and_the_library_takes_over(
    case: Case, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    if not has_products(torch.bfloat16):
        pytest.skip("this processor does not multiply in bfloat16")
    engine: Any = make_engine(case.folder, engine="torch", precision="bf16", device="cpu")
    values = pixels(SIZES[0], 1)
    expected = case.expected(values)
    # Attention under masks is decided by thresholds, so that in a random network a few cells more change much.
    near = 0.2 * float(np.abs(expected).max())
    assert np.abs(answer(engine(values.numpy())) - expected).mean() < near
    backbone: Any = borrowed(engine)[0]
    types = [stage.blocks[0].qkv.weight.dtype for stage in backbone.backbone.stages]
    assert types == [torch.float32, torch.float32, torch.bfloat16, torch.bfloat16]
    with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16):
        stages = backbone(values).feature_maps
    assert {maps.dtype for maps in stages} == {torch.float32}
    torch.testing.assert_close(stages[1], case.encoder(values).feature_maps[1], rtol=1e-4, atol=1e-4)
    caplog.clear()
    monkeypatch.setattr(SwinBlock, "forward", failing)
    assert np.abs(answer(engine(values.numpy())) - expected).mean() < near
    assert not borrowed(engine)
    assert engine.precision == "bf16"
    assert len(caplog.records) == 1


@pytest.mark.skipif(not MAPS.exists(), reason="Linux tells what a process has mapped")
def test_nothing_holds_on_to_the_file_of_the_weights(case: Case, tmp_path: Path) -> None:
    """It would count as memory: a network of 900 MB would take as much again."""
    folder = tmp_path / "checkpoint"
    shutil.copytree(case.folder, folder)
    load_network(folder)
    gc.collect()
    assert str(folder.resolve()) not in MAPS.read_text()
