"""Mask2Former, with every backbone that the library builds: ours runs Swin, the library's network all others."""

import functools
import json
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pytest
import torch

from segdemo.errors import SegdemoError
from segdemo.model.engines import make_engine
from segdemo.model.families import FAMILIES, Family
from segdemo.model.families.mask2former import LibraryNetwork
from segdemo.model.fast.network import Network
from segdemo.model.networks import load_network
from segdemo.model.predictor import load_predictor
from segdemo.prediction import PARTS
from segdemo.segmentation import semantic
from tests.conftest import write_tiny_checkpoint
from tests.model.families.base import FamilyTests, pixels

STAGES = ["stage1", "stage2", "stage3", "stage4"]
SMALL = {"hidden_sizes": [8, 16, 24, 32], "depths": [1, 1, 1, 1], "out_features": STAGES}
SWIN = {"embed_dim": 8, "depths": [1, 2, 1, 1], "num_heads": [1, 2, 2, 4], "window_size": 4, "out_features": STAGES}


@functools.lru_cache(maxsize=1)
def library(folder: Path) -> Any:
    from transformers import Mask2FormerForUniversalSegmentation

    return Mask2FormerForUniversalSegmentation.from_pretrained(folder, dtype=torch.float32).eval()


def answers(folder: Path, values: torch.Tensor) -> dict[str, npt.NDArray[np.float32]]:
    """The last masks and classes of the library's own network."""
    with torch.inference_mode():
        outputs = library(folder)(pixel_values=values)
    return {"masks": outputs.masks_queries_logits.numpy(), "classes": outputs.class_queries_logits.numpy()}


class Mask2FormerTests(FamilyTests):
    family: ClassVar[Family] = FAMILIES[0]
    backbone: ClassVar[tuple[str, dict[str, Any]] | None] = None
    """Name of the library's configuration class and its fields; none for the tiny Swin that all tests use."""
    network: ClassVar[type] = LibraryNetwork

    @classmethod
    def write(cls, folder: Path) -> Path:
        import transformers

        changes = {}
        if cls.backbone is not None:
            name, fields = cls.backbone
            changes["backbone_config"] = getattr(transformers, name)(**fields)
        return write_tiny_checkpoint(folder, **changes)

    def expected(self, folder: Path, values: torch.Tensor) -> dict[str, npt.NDArray[np.float32]]:
        return answers(folder, values)

    def test_it_runs_in_the_network_that_fits(self, checkpoint: Path) -> None:
        assert isinstance(load_network(checkpoint), self.network)
        assert isinstance(load_network(checkpoint, accelerated=False), LibraryNetwork)

    def test_int8_is_a_sentence_where_only_the_librarys_network_fits(self, checkpoint: Path) -> None:
        if self.network is LibraryNetwork:
            with pytest.raises(SegdemoError, match=r"int8 cannot be had for this checkpoint .*: choose fp32"):
                make_engine(checkpoint, engine="torch", precision="int8")


class TestSwin(Mask2FormerTests):
    network: ClassVar[type] = Network


class TestResNet(Mask2FormerTests):
    backbone = ("ResNetConfig", {**SMALL, "embedding_size": 8, "layer_type": "basic"})


@pytest.mark.parametrize(
    ("name", "fields", "scales"),
    [
        ("SwinConfig", {**SWIN, "patch_size": 2}, [2, 4, 8, 16]),
        ("SwinConfig", {**SWIN, "patch_size": 8}, [8, 16, 32, 64]),
        ("Swinv2Config", SWIN, [4, 8, 16, 32]),
        ("ConvNextConfig", SMALL, [4, 8, 16, 32]),
    ],
    ids=["patches of 2", "patches of 8", "SwinV2", "ConvNeXt"],
)
def test_other_backbones_run_with_everything_captured(
    name: str, fields: dict[str, Any], scales: list[int], tmp_path: Path, photo: npt.NDArray[np.uint8]
) -> None:
    import transformers

    folder = write_tiny_checkpoint(tmp_path, backbone_config=getattr(transformers, name)(**fields))
    predictor = load_predictor(folder, engine="torch", precision="fp32", device="cpu")
    values = pixels((96, 128), 2)
    raw = predictor.engine(values.numpy())
    for part, reference in answers(folder, values).items():
        np.testing.assert_allclose(getattr(raw, part)[-1], reference, rtol=1e-4, atol=1e-4)
    prediction = predictor(photo)
    assert prediction.offers == set(PARTS)
    assert list(prediction.stages) == scales
    assert [layer.stride for layer in prediction.attentions] == [*scales[:0:-1], scales[-1]]
    assert prediction.attention(1, 0).sum() == pytest.approx(1, abs=1e-3)
    assert semantic(prediction).labels.shape == photo.shape[:2]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            {"backbone_config": {"model_type": "dinat", "out_features": STAGES}},
            "dinat backbone needs .* natten",
        ),
        ({"backbone_config": {"model_type": "timm_backbone", "backbone": "resnet18"}}, "needs the package timm"),
        ({"backbone_config": None, "backbone": "resnet18", "use_timm_backbone": True}, "only names its backbone"),
        ({"backbone_config": {"model_type": "warp"}}, "warp"),
    ],
    ids=["dinat", "timm", "timm as older files name it", "unknown"],
)
def test_backbones_that_the_library_cannot_build_here_are_a_sentence(
    tiny_checkpoint: Path, tmp_path: Path, change: dict[str, Any], words: str
) -> None:
    for file in tiny_checkpoint.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**config, **change}))
    with pytest.raises(SegdemoError, match=words):
        make_engine(tmp_path, engine="torch", precision="fp32")
