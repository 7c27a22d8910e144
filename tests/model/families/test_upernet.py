"""UperNet, with the backbones it was published with: no queries, and every pixel scored by itself."""

import functools
import json
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pytest
import torch

from segdemo.errors import NotOfferedError, SegdemoError
from segdemo.model.capture import NOTHING, RawOutputs
from segdemo.model.engines import make_engine
from segdemo.model.families import FAMILIES, Family
from segdemo.model.networks import load_network
from segdemo.model.predictor import Predictor, load_predictor
from segdemo.prediction import Part
from segdemo.segmentation import semantic
from tests.model.families.base import FamilyTests
from tests.networks import write_tiny_upernet


@functools.lru_cache(maxsize=2)
def library(folder: Path) -> Any:
    from transformers import UperNetForSemanticSegmentation

    return UperNetForSemanticSegmentation.from_pretrained(folder, dtype=torch.float32).eval()


class UperNetTests(FamilyTests):
    family: ClassVar[Family] = FAMILIES[1]
    offers: ClassVar[frozenset[Part]] = frozenset({"features"})
    backbone: ClassVar[str] = "convnext"

    @classmethod
    def write(cls, folder: Path) -> Path:
        return write_tiny_upernet(folder, cls.backbone)

    def expected(self, folder: Path, values: torch.Tensor) -> dict[str, npt.NDArray[np.float32]]:
        with torch.inference_mode():
            return {"logits": library(folder)(pixel_values=values).logits.numpy()}

    def found(self, raw: RawOutputs, name: str, values: torch.Tensor) -> npt.NDArray[np.float32]:
        """The library's logits are brought to the input; ours are brought to the photograph at once."""
        assert (raw.masks, raw.classes) == ((), ())
        assert raw.logits is not None
        size = (values.shape[2], values.shape[3])
        return torch.nn.functional.interpolate(torch.from_numpy(raw.logits), size=size, mode="bilinear").numpy()

    def test_a_photo_becomes_the_map_of_the_librarys_pipeline(self, predictor: Predictor, checkpoint: Path) -> None:
        from transformers import AutoImageProcessor

        photo = np.random.default_rng(0).integers(0, 256, (70, 90, 3), np.uint8)
        processor = AutoImageProcessor.from_pretrained(checkpoint, backend="pil")
        with torch.inference_mode():
            outputs = library(checkpoint)(**processor(photo, return_tensors="pt"))
        wanted = processor.post_process_semantic_segmentation(outputs, target_sizes=[photo.shape[:2]])[0].numpy()
        found = semantic(predictor(photo)).labels
        assert (found == wanted).mean() > 0.999
        assert len(np.unique(wanted)) > 3

    def test_there_is_no_decoder_to_run_again(self, checkpoint: Path) -> None:
        with pytest.raises(NotOfferedError, match="nothing that could be switched off"):
            load_network(checkpoint).decode([], torch.zeros(1), height=64, without=NOTHING)

    def test_8_bits_are_a_sentence(self, checkpoint: Path) -> None:
        with pytest.raises(SegdemoError, match="int8 cannot be had for this checkpoint"):
            make_engine(checkpoint, engine="torch", precision="int8")


class TestConvNext(UperNetTests):
    def test_four_stages_without_windows(self, predictor: Predictor, photo: npt.NDArray[np.uint8]) -> None:
        prediction = predictor(photo)
        assert {scale: maps.shape[0] for scale, maps in prediction.stages.items()} == {4: 8, 8: 16, 16: 24, 32: 32}
        assert prediction.windows == {}


class TestSwin(UperNetTests):
    backbone = "swin"

    def test_four_stages_with_windows(self, predictor: Predictor, photo: npt.NDArray[np.uint8]) -> None:
        prediction = predictor(photo)
        assert list(prediction.windows) == list(prediction.stages) == [4, 8, 16, 32]
        assert (prediction.windows[4].side, prediction.windows[8].shift) == (4, 2)


@pytest.mark.parametrize(
    ("size", "wanted"),
    [(None, (512, 512)), (96, (96, 96)), ({"height": 64, "width": 128}, (64, 128))],
    ids=["default", "one number", "both sides"],
)
def test_the_processor_makes_inputs_as_the_librarys(
    size: Any, wanted: tuple[int, int], tmp_path: Path, photo: npt.NDArray[np.uint8]
) -> None:
    from transformers import AutoImageProcessor

    file = tmp_path / "preprocessor_config.json"
    file.write_text(json.dumps({"image_processor_type": "SegformerImageProcessor", **({"size": size} if size else {})}))
    found, input_size, content = FAMILIES[1].preprocessing(tmp_path)(photo, "checkpoint")
    theirs = AutoImageProcessor.from_pretrained(tmp_path, backend="pil")(photo, return_tensors="np")["pixel_values"][0]
    assert input_size == content == wanted
    np.testing.assert_allclose(found, theirs, atol=1e-5)


def test_reduced_precision_agrees(tmp_path: Path, photo: npt.NDArray[np.uint8]) -> None:
    folder = write_tiny_upernet(tmp_path)
    if "bf16" not in FAMILIES[1].precisions({"model_type": "upernet"}, "cpu"):
        pytest.skip("this processor does not multiply in bfloat16")
    exact, reduced = (
        semantic(load_predictor(folder, engine="torch", precision=precision)(photo)).labels
        for precision in ("fp32", "bf16")
    )
    assert (exact == reduced).mean() > 0.9
