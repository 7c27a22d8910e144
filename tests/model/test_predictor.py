"""The cached singleton: identity, sizes, batches, weights in any precision, and sentences for what is wrong."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch

import segdemo
from segdemo.errors import SegdemoError
from segdemo.model import engines
from segdemo.model.capture import Request
from segdemo.model.engines import TorchEngine, make_engine, processor_precision
from segdemo.model.fallback import FallbackEngine
from segdemo.model.fast.linear import Linear
from segdemo.model.fast.network import Network
from segdemo.model.fast.quantized import QuantizedLinear, has_quantized_products
from segdemo.model.networks import load_network, release_network
from segdemo.model.predictor import Predictor, load_predictor
from segdemo.settings import Settings

Photo = npt.NDArray[np.uint8]

in_8_bits = pytest.mark.skipif(not has_quantized_products(), reason="this processor does not multiply in 8 bits")


@pytest.fixture(scope="module")
def predictor(tiny_checkpoint: Path) -> Predictor:
    return load_predictor(tiny_checkpoint, precision="fp32")


def test_the_same_arguments_give_the_same_predictor_and_weights(tiny_checkpoint: Path, predictor: Predictor) -> None:
    assert load_predictor(str(tiny_checkpoint), precision="fp32") is predictor
    other = load_predictor(tiny_checkpoint, precision="bf16")
    assert other is not predictor
    assert load_network(tiny_checkpoint) is load_network(tiny_checkpoint)


def test_a_prediction_describes_itself(predictor: Predictor, photo: Photo, tiny_checkpoint: Path) -> None:
    prediction = predictor(photo)
    assert prediction.image_size == (120, 160)
    assert prediction.input_size == prediction.content_size == (96, 128)
    assert (prediction.num_layers, prediction.num_queries, prediction.num_heads) == (5, 12, 4)
    assert prediction.mask_logits().shape == (12, 24, 32)
    assert prediction.class_logits(0).shape == (12, 6)
    assert prediction.mask_logits(0).dtype == np.float32
    assert [prediction.attention(layer, 0).shape for layer in (1, 2, 3, 4)] == [(3, 4), (6, 8), (12, 16), (3, 4)]
    assert prediction.attention(2, 5, head=1).sum() == pytest.approx(1)
    assert isinstance(prediction.attends_everywhere(1, 0), bool)
    assert prediction.id2label[3] == "car"
    assert prediction.checkpoint == str(tiny_checkpoint)
    assert (prediction.engine, prediction.precision, prediction.device) == ("torch", "fp32", "cpu")
    assert set(prediction.seconds) == {"preprocess", "forward"}
    assert not prediction.masks[0].flags.writeable


def test_head_mean_is_the_mean_of_heads(predictor: Predictor, photo: Photo) -> None:
    prediction = predictor(photo)
    heads = [prediction.attention(3, 4, head=head) for head in range(4)]
    np.testing.assert_allclose(prediction.attention(3, 4), np.mean(heads, axis=0), rtol=1e-5)


def test_paper_size_pads_right_and_bottom(predictor: Predictor, photo: Photo) -> None:
    prediction = predictor(photo, size=70, capture=False)
    assert (prediction.input_size, prediction.content_size) == ((96, 96), (70, 93))
    assert prediction.num_layers == 1
    with pytest.raises(LookupError, match="did not keep attention"):
        prediction.attention(1, 0)


def test_a_batch_equals_single_runs_in_order(predictor: Predictor, photo: Photo) -> None:
    images = [photo, photo[:, ::-1].copy(), photo[:80], np.ascontiguousarray(photo.transpose(1, 0, 2)), photo[::-1]]
    shares: list[float] = []
    batch = predictor.predict_batch(images, capture=True, progress=shares.append)
    assert shares == sorted(shares)
    assert shares[-1] == 1
    for image, prediction in zip(images, batch, strict=True):
        single = predictor(image)
        assert prediction.image_size == single.image_size
        assert prediction.input_size == single.input_size
        np.testing.assert_allclose(prediction.mask_logits(), single.mask_logits(), atol=5e-3)
        np.testing.assert_allclose(prediction.attention(2, 3), single.attention(2, 3), atol=5e-3)
        assert (prediction.mask_logits().argmax(0) == single.mask_logits().argmax(0)).mean() > 0.999


def test_batches_share_a_pass_only_at_equal_input_size(
    predictor: Predictor, photo: Photo, monkeypatch: pytest.MonkeyPatch
) -> None:
    shapes: list[tuple[int, ...]] = []
    run = Network.run

    def recorded(self: Network, values: torch.Tensor, request: Request) -> object:
        shapes.append(tuple(values.shape))
        return run(self, values, request)

    monkeypatch.setattr(Network, "run", recorded)
    monkeypatch.setattr("segdemo.model.predictor.BATCH_PIXELS", 3 * 96 * 128)
    predictor.predict_batch([photo, photo[:64], photo, photo, photo])
    assert sorted(shapes) == [(1, 3, 96, 128), (1, 3, 96, 256), (3, 3, 96, 128)]
    assert predictor.predict_batch([]) == []


def test_weights_stored_in_half_precision_load_as_float32(tiny_checkpoint: Path, tmp_path: Path, photo: Photo) -> None:
    from safetensors.torch import load_file, save_file

    folder = tmp_path / "half"
    shutil.copytree(tiny_checkpoint, folder)
    tensors = {name: tensor.half() for name, tensor in load_file(folder / "model.safetensors").items()}
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "dtype": "float16"}))
    network = load_network(folder)
    assert isinstance(network, Network)
    assert {tensor.dtype for tensor in network.parameters()} == {torch.float32}
    assert np.isfinite(load_predictor(folder)(photo).mask_logits()).all()


@pytest.mark.parametrize("precision", ["bf16", pytest.param("int8", marks=in_8_bits)])
def test_reduced_is_close_to_fp32_and_says_so(
    tiny_checkpoint: Path, predictor: Predictor, photo: Photo, precision: str
) -> None:
    reduced = load_predictor(tiny_checkpoint, engine="torch", precision=precision, device="cpu")(photo)
    assert (reduced.engine, reduced.precision, reduced.device) == ("torch", precision, "cpu")
    assert reduced.mask_logits().dtype == np.float32
    scale = np.abs(predictor(photo).mask_logits()).max()
    assert np.abs(reduced.mask_logits(0) - predictor(photo).mask_logits(0)).max() < 0.1 * scale


@in_8_bits
def test_int8_is_in_the_blocks_of_the_last_two_stages(tiny_checkpoint: Path) -> None:
    full, reduced = load_network(tiny_checkpoint), load_network(tiny_checkpoint, precision="int8")
    assert isinstance(full, Network)
    assert isinstance(reduced, Network)
    in_blocks = {
        name
        for name, part in full.named_modules()
        if isinstance(part, Linear) and re.match(r"backbone\.stages\.[23]\.blocks\.", name)
    }
    assert in_blocks
    assert {name for name, part in reduced.named_modules() if isinstance(part, QuantizedLinear)} == in_blocks


@in_8_bits
def test_int8_in_batches_is_int8_one_by_one(tiny_checkpoint: Path, photo: Photo) -> None:
    predictor = load_predictor(tiny_checkpoint, precision="int8")
    photos = [photo, photo[:, ::-1].copy(), photo[::-1].copy()]
    for together, alone in zip(predictor.predict_batch(photos, capture=True), map(predictor, photos), strict=True):
        # Float32 layers add up in another order, and a last digit can move an 8-bit number by one.
        scale = np.abs(alone.mask_logits(0)).max()
        np.testing.assert_allclose(together.mask_logits(0), alone.mask_logits(0), atol=0.02 * scale)
        labels = segdemo.semantic(together).labels, segdemo.semantic(alone).labels
        assert np.mean(labels[0] == labels[1]) >= 0.99


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Return a function that changes the settings that engines are chosen by."""

    def change(**fields: Any) -> None:
        monkeypatch.setattr(engines, "settings", lambda: Settings(**fields))

    return change


@in_8_bits
def test_the_host_chooses_what_auto_is(tiny_checkpoint: Path, host: Callable[..., None]) -> None:
    host(precision="int8")
    made = make_engine(tiny_checkpoint)
    assert (made.name, made.precision, made.device) == ("torch", "int8", "cpu")
    assert make_engine(tiny_checkpoint, precision="fp32").precision == "fp32"
    host(precision="fp32")
    assert make_engine(tiny_checkpoint, engine="torch").precision == "fp32"


def test_what_the_host_wants_and_cannot_have_is_left_with_a_line_in_the_log(
    tiny_checkpoint: Path, host: Callable[..., None], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    host(precision="int8")
    monkeypatch.setattr("segdemo.model.fast.network.has_quantized_products", lambda: False)
    release_network(tiny_checkpoint)
    assert make_engine(tiny_checkpoint, device="cpu").precision in ("fp32", "bf16")
    assert "int8 cannot be had" in caplog.text


def test_auto_is_never_int8_unasked(
    tiny_checkpoint: Path, host: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    host(precision="auto")
    monkeypatch.setattr("segdemo.model.fast.network.has_quantized_products", lambda: True)
    assert make_engine(tiny_checkpoint, engine="torch").precision in ("fp32", "bf16")


def test_a_graph_is_in_what_suits_the_processor_where_the_host_wants_8_bits(
    host: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    for wanted, native, expected in [("int8", True, "bf16"), ("int8", False, "fp32"), ("fp32", True, "fp32")]:
        host(precision=wanted)
        monkeypatch.setattr(engines, "has_native_bf16", lambda native=native: native)
        assert processor_precision() == expected
        assert processor_precision("bf16") == "bf16"


def test_int8_where_it_cannot_be_is_a_sentence(tiny_checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SegdemoError, match="choose fp32 or bf16, or the torch engine"):
        make_engine(tiny_checkpoint, engine="openvino", precision="int8")
    monkeypatch.setattr("segdemo.model.fast.network.has_quantized_products", lambda: False)
    release_network(tiny_checkpoint)
    with pytest.raises(SegdemoError, match="choose fp32 or bf16"):
        make_engine(tiny_checkpoint, precision="int8")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"engine": "warp"}, "engine 'warp'"),
        ({"precision": "int3"}, "precision 'int3'"),
        ({"device": "abacus"}, "device 'abacus'"),
        ({"checkpoint": "someone/nothing"}, "not on this machine"),
    ],
)
def test_unknown_arguments_are_sentences(tiny_checkpoint: Path, options: dict[str, str], words: str) -> None:
    with pytest.raises(SegdemoError, match=words):
        load_predictor(**{"checkpoint": tiny_checkpoint, **options})  # type: ignore[arg-type]


def test_other_architectures_and_incomplete_weights_are_sentences(tiny_checkpoint: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    folder = tmp_path / "part"
    shutil.copytree(tiny_checkpoint, folder)
    tensors = load_file(folder / "model.safetensors")
    del tensors["class_predictor.weight"]
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(SegdemoError, match="class_predictor"):
        load_predictor(folder)
    other = tmp_path / "other"
    shutil.copytree(tiny_checkpoint, other)
    (other / "config.json").write_text('{"model_type": "segformer"}')
    with pytest.raises(SegdemoError, match="segformer"):
        load_predictor(other)


@pytest.mark.parametrize("image", [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3)), np.zeros((0, 4, 3), np.uint8)])
def test_what_is_no_image_is_a_sentence(predictor: Predictor, image: Photo) -> None:
    with pytest.raises(SegdemoError, match="load_image"):
        predictor(image)


def test_an_engine_that_fails_is_replaced_with_a_line_in_the_log(
    tiny_checkpoint: Path, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken(TorchEngine):
        def __call__(self, *args: Any, **options: Any) -> Any:
            raise RuntimeError("no such instruction")

    def refuse() -> TorchEngine:
        raise OSError("no driver")

    network = load_network(tiny_checkpoint)
    engine = FallbackEngine([refuse, lambda: Broken(network, precision="bf16"), lambda: TorchEngine(network)])
    assert engine.precision == "bf16"
    raw = engine(np.zeros((1, 3, 64, 64), np.float32))
    assert len(raw.masks) == 5
    assert engine.precision == "fp32"
    assert "no driver" in caplog.text
    assert "no such instruction" in caplog.text


def test_the_public_function_is_the_same_one() -> None:
    assert segdemo.load_predictor is load_predictor


def test_bf16_weights_are_the_networks_own_rounded(tiny_checkpoint: Path) -> None:
    full, half = load_network(tiny_checkpoint), load_network(tiny_checkpoint, precision="bf16")
    assert half is load_network(tiny_checkpoint, precision="bf16")
    assert half is not full
    assert isinstance(full, Network)
    assert isinstance(half, Network)
    kept, rounded = dict(full.named_parameters()), dict(half.named_parameters())
    reduced = {name for name, value in rounded.items() if value.dtype == torch.bfloat16}
    assert "backbone.stages.3.blocks.0.fc1.weight" in reduced
    assert all(re.match(r"backbone\.stages\.[23]\.blocks\.\d\.(qkv|out|fc1|fc2)\.", name) for name in reduced)
    for name, value in rounded.items():
        assert torch.equal(dense(value).float(), dense(kept[name]).to(value.dtype).float()), name


def dense(value: torch.Tensor) -> torch.Tensor:
    return value if value.layout == torch.strided else value.to_dense()
