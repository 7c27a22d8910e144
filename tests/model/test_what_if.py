"""The decoder without some of its parts, against the library's network with hooks of the test's own."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch

from segdemo.errors import NotOfferedError, SegdemoError
from segdemo.model.engines import TorchEngine
from segdemo.model.networks import load_network
from segdemo.model.predictor import Predictor, load_predictor
from segdemo.prediction import Prediction
from segdemo.segmentation import layer_labels, semantic

Photo = npt.NDArray[np.uint8]
LAYERS = 4
CASES: dict[str, dict[str, Any]] = {
    "a query": {"without_queries": [3]},
    "several queries": {"without_queries": [0, 5, 11]},
    "a head": {"without_heads": [(2, 1)]},
    "all heads of a layer": {"without_heads": [(3, head) for head in range(4)]},
    "the first layer": {"without_layers": [1]},
    "every layer": {"without_layers": range(1, LAYERS + 1)},
    "some of each": {"without_queries": [1], "without_heads": [(1, 0), (4, 3)], "without_layers": [2]},
}


@pytest.fixture(scope="module")
def library(tiny_ade_checkpoint: Path) -> Any:
    from transformers import Mask2FormerForUniversalSegmentation

    return Mask2FormerForUniversalSegmentation.from_pretrained(tiny_ade_checkpoint, dtype=torch.float32).eval()


@pytest.fixture(scope="module", params=["accelerated", "the library's"])
def predictor(tiny_ade_checkpoint: Path, request: pytest.FixtureRequest) -> Predictor:
    found = load_predictor(tiny_ade_checkpoint, engine="torch", precision="fp32", device="cpu")
    network = load_network(tiny_ade_checkpoint, accelerated=request.param == "accelerated")
    return Predictor(found.checkpoint, tiny_ade_checkpoint, TorchEngine(network))


@pytest.fixture(scope="module")
def prediction(predictor: Predictor, photo: Photo) -> Prediction:
    return predictor(photo)


@contextmanager
def hooked(model: Any, queries: Any = (), heads: Any = (), layers: Any = ()) -> Iterator[None]:
    """Switch parts off in the library's network: by other means than the project's own network does."""
    handles = []

    def hook(module: Any, function: Callable[..., Any], *, before: bool = False) -> None:
        add = module.register_forward_pre_hook if before else module.register_forward_hook
        handles.append(add(function, with_kwargs=True))

    def silence(layer: Any, off: list[int]) -> Callable[..., Any]:
        def output(module: Any, args: Any, kwargs: dict[str, Any], result: Any) -> Any:
            # What the heads say is weights times values; the output projection is applied to what is left of it.
            attention = layer.cross_attn
            size = attention.head_dim
            _, _, weight = attention.in_proj_weight.chunk(3)
            _, _, bias = attention.in_proj_bias.chunk(3)
            value = torch.nn.functional.linear(kwargs["value"], weight, bias)[:, 0]
            value = value.view(-1, attention.num_heads, size).transpose(0, 1)
            _, shares = attention.__class__.forward(
                attention, **{**kwargs, "need_weights": True}, average_attn_weights=False
            )
            said = shares[0] @ value
            said[off] = 0
            joined = said.transpose(0, 1).reshape(-1, 1, attention.num_heads * size)
            return attention.out_proj(joined), result[1]

        return output

    def hide(module: Any, args: Any, kwargs: dict[str, Any]) -> Any:
        count = kwargs["hidden_states"].shape[0]
        mask = torch.zeros(module.num_heads, count, count)
        mask[:, :, list(queries)] = -torch.inf
        return args, {**kwargs, "attention_mask": mask}

    for number, layer in enumerate(model.model.transformer_module.decoder.layers, start=1):
        off = [head for where, head in heads if where == number]
        if off:
            hook(layer.cross_attn, silence(layer, off))
        if number in layers:
            hook(layer.cross_attn, lambda module, args, kwargs, result: (0 * result[0], result[1]))
        if queries:
            hook(layer.self_attn, hide, before=True)
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def full_pass(library: Any, predictor: Predictor, photo: Photo, prediction: Prediction, **off: Any) -> Prediction:
    """A pass of the whole network, kept as a prediction of its last layer alone; silenced queries have no vote."""
    pixels = torch.from_numpy(predictor.preprocessing(photo, "checkpoint")[0])[None]
    parts = {name.removeprefix("without_"): list(values) for name, values in off.items()}
    with torch.inference_mode(), hooked(library, **parts):
        outputs = library(pixel_values=pixels)
    keep = np.setdiff1d(np.arange(prediction.num_queries), parts.get("queries", []))
    masks, classes = outputs.masks_queries_logits[0].numpy()[keep], outputs.class_queries_logits[0].numpy()[keep]
    return replace(prediction, masks=(masks,), classes=(classes,), attentions=(), decoder_features=None)


@pytest.mark.parametrize("off", CASES.values(), ids=CASES)
def test_the_map_is_that_of_a_full_pass_with_the_same_parts_off(
    predictor: Predictor, prediction: Prediction, library: Any, photo: Photo, off: dict[str, Any]
) -> None:
    found = predictor.what_if(prediction, **off)
    expected = full_pass(library, predictor, photo, prediction, **off)
    assert (semantic(found).labels == semantic(expected).labels).mean() > 0.999
    keep = np.setdiff1d(np.arange(prediction.num_queries), off.get("without_queries", []))
    for name in ("masks", "classes"):
        ours, theirs = getattr(found, name)[-1][keep], getattr(expected, name)[-1]
        np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-3)
        # By far less than what switching off changes.
        assert np.abs(ours - theirs).max() < 0.01 * np.abs(ours - getattr(prediction, name)[-1][keep]).max()


def test_the_network_is_as_before_afterwards(predictor: Predictor, prediction: Prediction, photo: Photo) -> None:
    for off in CASES.values():
        predictor.what_if(prediction, **off)
    again = predictor(photo)
    np.testing.assert_array_equal(again.mask_logits(), prediction.mask_logits())
    np.testing.assert_array_equal(again.class_logits(), prediction.class_logits())


def test_the_initial_prediction_stays_and_a_query_that_is_off_has_no_vote(
    predictor: Predictor, prediction: Prediction
) -> None:
    found = predictor.what_if(prediction, without_queries=[2, 7], without_layers=[1, 2, 3, 4])
    np.testing.assert_array_equal(found.masks[0], prediction.masks[0])
    np.testing.assert_array_equal(found.classes[0], prediction.classes[0])
    for layer in range(1, prediction.num_layers):
        chances = torch.from_numpy(found.class_logits(layer)).softmax(-1).numpy()
        np.testing.assert_array_equal(chances[[2, 7], -1], [1, 1])
        assert layer_labels(found, layer).shape == prediction.image_size


def test_what_a_layer_that_is_off_would_have_read_is_kept(predictor: Predictor, prediction: Prediction) -> None:
    found = predictor.what_if(prediction, without_layers=[1])
    np.testing.assert_allclose(found.attention(1, 0), prediction.attention(1, 0), atol=1e-6)
    assert found.attentions[0].stride == prediction.attentions[0].stride
    assert not np.allclose(found.mask_logits(1), prediction.mask_logits(1))


@pytest.mark.parametrize(
    ("off", "words"),
    [
        ({"without_queries": [12]}, r"of 0\.\.11"),
        ({"without_queries": range(12)}, "leave one on"),
        ({"without_layers": [0]}, r"of 1\.\.4: the initial prediction attends to nothing"),
        ({"without_layers": [5]}, r"of 1\.\.4"),
        ({"without_heads": [(0, 0)]}, r"of 1\.\.4"),
        ({"without_heads": [(1, 4)]}, r"of 0\.\.3"),
    ],
)
def test_what_does_not_exist_is_a_sentence(
    predictor: Predictor, prediction: Prediction, off: dict[str, Any], words: str
) -> None:
    with pytest.raises(SegdemoError, match=words):
        predictor.what_if(prediction, **off)


def test_other_predictions_are_a_sentence(predictor: Predictor, prediction: Prediction, photo: Photo) -> None:
    with pytest.raises(SegdemoError, match="ask the predictor that made it"):
        predictor.what_if(replace(prediction, checkpoint="another"))
    with pytest.raises(NotOfferedError, match="did not keep decoder features"):
        predictor.what_if(predictor(photo, capture=False))


def test_the_windows_are_those_of_the_checkpoint(predictor: Predictor, prediction: Prediction) -> None:
    # Four stages of 1, 2, 1 and 1 blocks: only the second has a block whose windows are shifted.
    found = {scale: (windows.side, windows.shift) for scale, windows in prediction.windows.items()}
    assert found == {4: (4, 0), 8: (4, 2), 16: (4, 0), 32: (4, 0)}
