"""MaskFormer: queries with plain attention to the backbone's last stage."""

import functools
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pytest
import torch

from segdemo.model.families import Family
from segdemo.model.predictor import Predictor
from tests.model.families.base import FAMILY, FamilyTests, pixels
from tests.model.families.hooks import CASES, without
from tests.networks import write_tiny_maskformer


@functools.lru_cache(maxsize=2)
def library(folder: Path) -> Any:
    from transformers import MaskFormerForInstanceSegmentation

    return MaskFormerForInstanceSegmentation.from_pretrained(folder, dtype=torch.float32).eval()


class MaskFormerTests(FamilyTests):
    family: ClassVar[Family] = FAMILY["MaskFormer"]
    backbone: ClassVar[str] = "swin"

    @classmethod
    def write(cls, folder: Path) -> Path:
        return write_tiny_maskformer(folder, cls.backbone)

    def expected(self, folder: Path, values: torch.Tensor) -> dict[str, npt.NDArray[np.float32]]:
        with torch.inference_mode():
            outputs = library(folder)(pixel_values=values)
        return {"masks": outputs.masks_queries_logits.numpy(), "classes": outputs.class_queries_logits.numpy()}


class TestSwin(MaskFormerTests):
    def test_every_layer_is_what_the_library_makes_of_its_states(self, predictor: Predictor, checkpoint: Path) -> None:
        values, model = pixels((96, 128), 2), library(checkpoint)
        raw = predictor.engine(values.numpy())
        with torch.inference_mode():
            outputs = model(pixel_values=values, output_hidden_states=True)
            norm = model.model.transformer_module.decoder.layernorm
            *states, last = outputs.transformer_decoder_hidden_states
            states = [*map(norm, states), last]
            masks = [
                torch.einsum("bqc,bchw->bqhw", model.mask_embedder(state), outputs.pixel_decoder_last_hidden_state)
                for state in states
            ]
            classes = [model.class_predictor(state) for state in states]
        assert len(raw.masks) == len(masks) == 4
        for ours, theirs in zip((*raw.masks, *raw.classes), (*masks, *classes), strict=True):
            np.testing.assert_allclose(ours, theirs.numpy(), rtol=2e-3, atol=1e-2)

    def test_the_initial_queries_are_all_alike(self, predictor: Predictor, photo: npt.NDArray[np.uint8]) -> None:
        initial = predictor(photo).mask_logits(0)
        np.testing.assert_array_equal(initial, np.broadcast_to(initial[:1], initial.shape))

    def test_attention_is_plain_and_of_the_last_stage(
        self, predictor: Predictor, checkpoint: Path, photo: npt.NDArray[np.uint8]
    ) -> None:
        prediction, model = predictor(photo), library(checkpoint)
        values = torch.from_numpy(predictor.preprocessing(photo, "checkpoint")[0])[None]
        kept: list[torch.Tensor] = []
        model.model.transformer_module.decoder.config._attn_implementation = "eager"
        for layer in model.model.transformer_module.decoder.layers:
            layer.encoder_attn.register_forward_hook(lambda module, args, output: kept.append(output[1]))
        with torch.inference_mode():
            model(pixel_values=values)
        assert [layer.stride for layer in prediction.attentions] == [32] * 3
        for number, weights in enumerate(kept, start=1):
            layer = prediction.attention_layer(number)
            assert not layer.masked
            assert prediction.attends_everywhere(number, 4)
            for head in range(4):
                expected = weights[0, head, 4].reshape(layer.size).numpy()
                np.testing.assert_allclose(prediction.attention(number, 4, head=head), expected, atol=1e-3)

    @pytest.mark.parametrize("off", CASES.values(), ids=CASES)
    def test_without_parts_it_is_a_full_pass_with_them_off(
        self, predictor: Predictor, checkpoint: Path, photo: npt.NDArray[np.uint8], off: dict[str, Any]
    ) -> None:
        prediction, model = predictor(photo), library(checkpoint)
        found = predictor.what_if(prediction, **off)
        decoder = model.model.transformer_module.decoder
        decoder.config._attn_implementation = "eager"
        values = torch.from_numpy(predictor.preprocessing(photo, "checkpoint")[0])[None]
        with (
            torch.inference_mode(),
            without([(layer.self_attn, layer.encoder_attn) for layer in decoder.layers], **off),
        ):
            outputs = model(pixel_values=values)
        keep = np.setdiff1d(np.arange(prediction.num_queries), off.get("without_queries", []))
        theirs = outputs.masks_queries_logits[0].numpy()
        np.testing.assert_allclose(found.mask_logits()[keep], theirs[keep], rtol=1e-4, atol=1e-4)
        assert np.abs(found.mask_logits()[keep] - prediction.mask_logits()[keep]).max() > 1e-3


class TestResNet(MaskFormerTests):
    backbone = "resnet"
