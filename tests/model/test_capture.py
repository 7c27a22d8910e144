"""What is captured, against the library's own outputs and a recomputation from the module's weights."""

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from segdemo.errors import SegdemoError
from segdemo.model.capture import RawOutputs, Request
from segdemo.model.families.mask2former import LibraryNetwork
from segdemo.model.fast.network import Network
from segdemo.model.fast.quantized import has_quantized_products
from segdemo.model.weights import load_library_model
from segdemo.progress import CancelledError

SIZES = [(96, 128), (64, 64), (160, 96)]


AnyNetwork = Network | LibraryNetwork


@pytest.fixture(scope="module", params=["as traced", "packed", "library"])
def network(tiny_checkpoint: Path, request: pytest.FixtureRequest) -> AnyNetwork:
    model = load_library_model(tiny_checkpoint)
    if request.param == "library":
        return LibraryNetwork(model)
    made = Network(model)
    if request.param == "packed":
        made.pack()
    return made


@pytest.fixture(scope="module")
def library(tiny_checkpoint: Path) -> Any:
    from transformers import Mask2FormerForUniversalSegmentation

    model = Mask2FormerForUniversalSegmentation.from_pretrained(tiny_checkpoint, dtype=torch.float32)
    return model.eval().requires_grad_(False)


def pixels(size: tuple[int, int], batch: int = 1, seed: int = 0) -> torch.Tensor:
    """Smooth random pictures, normalised as a photograph would be."""
    coarse = torch.randn(batch, 3, size[0] // 16, size[1] // 16, generator=torch.Generator().manual_seed(seed))
    return torch.nn.functional.interpolate(coarse, size=size, mode="bilinear")


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("batch", [1, 2])
def test_every_layer_equals_the_library(network: AnyNetwork, library: Any, size: Any, batch: int) -> None:
    values = pixels(size, batch)
    with torch.inference_mode():
        expected = library(pixel_values=values, output_auxiliary_logits=True)
    raw = network.run(values)
    layers = [*expected.auxiliary_logits, expected]
    assert len(raw.masks) == len(raw.classes) == len(layers) == 5
    for index, layer in enumerate(layers):
        exact = index == len(layers) - 1
        tolerance = 1e-4 if exact else 2e-3
        assert raw.masks[index].dtype == (np.float32 if exact else np.float16)
        np.testing.assert_allclose(
            raw.masks[index], layer["masks_queries_logits"].numpy(), rtol=tolerance, atol=tolerance
        )
        np.testing.assert_allclose(
            raw.classes[index], layer["class_queries_logits"].numpy(), rtol=tolerance, atol=tolerance
        )


@pytest.mark.parametrize(
    ("kind", "precision"),
    [
        (Network, "bf16"),
        pytest.param(
            Network, "int8", marks=pytest.mark.skipif(not has_quantized_products(), reason="no products in 8 bits")
        ),
        (LibraryNetwork, "bf16"),
    ],
)
def test_reduced_it_is_close_and_no_longer_equal(
    kind: type[AnyNetwork], precision: str, tiny_checkpoint: Path, library: Any
) -> None:
    reduced = kind(load_library_model(tiny_checkpoint))
    reduced.reduce(precision)
    values = pixels((96, 128))
    with torch.inference_mode():
        expected = library(pixel_values=values, output_auxiliary_logits=True).auxiliary_logits[0]
    # The first masks: no threshold lies before them.
    expected = expected["masks_queries_logits"].numpy()
    difference = np.abs(reduced.run(values).masks[0] - expected).mean() / np.abs(expected).mean()
    assert 1e-4 < difference < 0.05


def test_the_librarys_network_has_no_8_bits(tiny_checkpoint: Path) -> None:
    with pytest.raises(SegdemoError, match="choose fp32 or bf16"):
        LibraryNetwork(load_library_model(tiny_checkpoint)).reduce("int8")


def test_working_in_parts_changes_nothing(tiny_checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    network = Network(load_library_model(tiny_checkpoint))
    whole = network.run(pixels((96, 160), 2))
    monkeypatch.setattr("segdemo.model.fast.swin.SCORES", 2000)
    monkeypatch.setattr("segdemo.model.fast.swin.MLP_ROWS", 100)
    parts = network.run(pixels((96, 160), 2))
    for left, right in zip((*whole.masks, *whole.attentions), (*parts.masks, *parts.attentions), strict=True):
        np.testing.assert_allclose(left, right, rtol=2e-3, atol=2e-4)


def test_without_capture_only_the_last_layer_is_kept(network: AnyNetwork) -> None:
    plain, full = network.run(pixels((96, 128)), Request(capture=False)), network.run(pixels((96, 128)))
    assert len(plain.masks) == len(plain.classes) == 1
    assert plain.attentions == ()
    assert plain.unmasked is None
    assert not plain.stages
    assert plain.start is None
    np.testing.assert_allclose(plain.masks[-1], full.masks[-1], rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("batch", [1, 2])
def test_features_are_what_the_backbone_hands_on(network: AnyNetwork, library: Any, size: Any, batch: int) -> None:
    values = pixels(size, batch)
    with torch.inference_mode():
        expected = library.model.pixel_level_module.encoder(values).feature_maps
    stages = network.run(values).stages
    assert list(stages) == [4, 8, 16, 32]
    for scale, reference in zip(stages, expected, strict=True):
        assert stages[scale].dtype == np.float16
        assert stages[scale].shape[2:] == (size[0] // scale, size[1] // scale)
        np.testing.assert_allclose(stages[scale], reference.numpy(), rtol=2e-3, atol=2e-3)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("batch", [1, 2])
def test_the_decoder_starts_from_what_the_pixel_decoder_hands_on(
    network: AnyNetwork, library: Any, size: Any, batch: int
) -> None:
    values = pixels(size, batch)
    with torch.inference_mode():
        expected = library.model.pixel_level_module(values)
    start = network.run(values).start
    assert start is not None
    assert (start.strides, start.mask_stride) == ((32, 16, 8), 4)
    pairs = zip(
        (*start.levels, start.masks), (*expected.decoder_hidden_states, expected.decoder_last_hidden_state), strict=True
    )
    for ours, theirs in pairs:
        assert ours.dtype == np.float32
        np.testing.assert_allclose(ours, theirs.numpy(), rtol=1e-4, atol=1e-4)


class Recomputed:
    """Cross-attention from projections, mask and softmax written out, at the inputs the library's modules get."""

    def __init__(self, library: Any, values: torch.Tensor) -> None:
        self.attentions: list[torch.Tensor] = []
        self.unmasked: list[torch.Tensor] = []
        decoder = library.model.transformer_module.decoder
        queries: list[torch.Tensor] = []
        keys: list[torch.Tensor] = []

        def note(module: Any, args: Any, kwargs: dict[str, torch.Tensor]) -> None:
            queries.append(kwargs["query"])
            keys.append(kwargs["key"])

        handles = [layer.cross_attn.register_forward_pre_hook(note, with_kwargs=True) for layer in decoder.layers]
        with torch.inference_mode():
            outputs = library(pixel_values=values, output_auxiliary_logits=True)
        for handle in handles:
            handle.remove()
        masks = [layer["masks_queries_logits"] for layer in outputs.auxiliary_logits]
        for index, layer in enumerate(decoder.layers):
            stride = 32 >> (index % 3)
            size = values.shape[2] // stride, values.shape[3] // stride
            logits = torch.nn.functional.interpolate(masks[index], size=size, mode="bilinear", align_corners=False)
            blocked = (logits.sigmoid() < 0.5).flatten(2)
            self.unmasked.append(blocked.all(-1))
            blocked &= ~blocked.all(-1, keepdim=True)
            self.attentions.append(
                self._attention(layer.cross_attn, queries[index], keys[index], blocked).unflatten(-1, size)
            )

    @staticmethod
    def _attention(module: Any, query: torch.Tensor, key: torch.Tensor, blocked: torch.Tensor) -> torch.Tensor:
        dim, heads = module.embed_dim, module.num_heads
        q = query @ module.in_proj_weight[:dim].T + module.in_proj_bias[:dim]
        k = key @ module.in_proj_weight[dim : 2 * dim].T + module.in_proj_bias[dim : 2 * dim]
        q, k = (side.unflatten(-1, (heads, dim // heads)) for side in (q, k))
        scores = torch.einsum("qbhd,kbhd->bhqk", q, k) / (dim // heads) ** 0.5
        return scores.masked_fill(blocked[:, None], float("-inf")).softmax(-1)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("batch", [1, 2])
def test_cross_attention_equals_a_recomputation(network: AnyNetwork, library: Any, size: Any, batch: int) -> None:
    values = pixels(size, batch)
    expected = Recomputed(library, values)
    raw = network.run(values)
    assert len(raw.attentions) == len(expected.attentions)
    for maps, reference in zip(raw.attentions, expected.attentions, strict=True):
        assert maps.shape == reference.shape
        normalised = maps.astype(np.float32) / maps.astype(np.float32).sum((-2, -1), keepdims=True)
        np.testing.assert_allclose(normalised, reference.numpy(), rtol=3e-3, atol=1e-6)
    assert raw.strides == (32, 16, 8, 32)
    assert raw.unmasked is not None
    assert np.array_equal(raw.unmasked, torch.stack(expected.unmasked).numpy())


def test_empty_masks_are_flagged_and_others_are_not(network: AnyNetwork, library: Any) -> None:
    """Mask features of one sign make some queries' masks empty and others full."""
    own: Any = network.pixel_decoder if isinstance(network, Network) else network.model.model.pixel_level_module.decoder
    decoders = (own, library.model.pixel_level_module.decoder)
    for decoder in decoders:
        decoder.mask_projection.bias.data.add_(3)
    try:
        expected = Recomputed(library, pixels((96, 128)))
        raw = network.run(pixels((96, 128)))
    finally:
        for decoder in decoders:
            decoder.mask_projection.bias.data.sub_(3)
    assert raw.unmasked is not None
    flags = torch.stack(expected.unmasked).numpy()
    assert flags.any()
    assert not flags.all()
    assert np.array_equal(raw.unmasked, flags)


def test_attention_survives_half_precision(network: AnyNetwork) -> None:
    for maps in network.run(pixels((96, 128))).attentions:
        assert maps.dtype == np.float16
        np.testing.assert_allclose(maps.max((-2, -1)), 1)


def test_progress_rises_to_one(network: AnyNetwork) -> None:
    seen: list[float] = []
    network.run(pixels((64, 64)), Request(progress=seen.append))
    assert seen == sorted(seen)
    assert seen[-1] == 1
    assert len(seen) > 8


def test_a_run_can_be_stopped_and_the_next_one_works(network: AnyNetwork) -> None:
    cancel = threading.Event()
    seen: list[float] = []

    def stop_at_half(share: float) -> None:
        seen.append(share)
        if share > 0.5:
            cancel.set()

    with pytest.raises(CancelledError, match="stopped"):
        network.run(pixels((64, 64)), Request(progress=stop_at_half, cancel=cancel.is_set))
    assert seen[-1] < 1
    assert isinstance(network.run(pixels((64, 64))), RawOutputs)


def test_two_threads_get_their_own_outputs(network: AnyNetwork) -> None:
    inputs = [pixels((64, 64), seed=seed) for seed in (1, 2)]
    expected = [network.run(values) for values in inputs]
    results: dict[int, RawOutputs] = {}

    def run(index: int) -> None:
        for _ in range(3):
            results[index] = network.run(inputs[index])

    threads = [threading.Thread(target=run, args=(index,)) for index in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for index in (0, 1):
        np.testing.assert_allclose(results[index].masks[-1], expected[index].masks[-1], rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(results[index].attentions[0], expected[index].attentions[0], atol=2e-3)
