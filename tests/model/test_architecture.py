"""Random-weight checkpoints of the published shapes."""

import gc
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from segdemo.checkpoints import CATALOGUE
from segdemo.errors import SegdemoError
from segdemo.model import networks
from segdemo.model.architecture import _NETWORKS, ARCHITECTURES, architecture_config, write_random_checkpoint
from segdemo.model.predictor import Predictor, load_predictor


def test_configuration_of_the_seed_architecture() -> None:
    config = architecture_config()
    assert (config.num_labels, config.num_queries, config.decoder_layers, config.hidden_dim) == (150, 100, 10, 256)
    assert config.backbone_config.depths == [2, 2, 18, 2]
    assert config.id2label[6] == "road"
    with pytest.raises(SegdemoError, match="swin-large-ade"):
        architecture_config("resnet")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("architecture", "network", "millions"),
    [
        # Liu et al., "A ConvNet for the 2020s", CVPR 2022, table 7, with the auxiliary head.
        ("upernet-convnext-tiny", "UperNetForSemanticSegmentation", 60),
        ("upernet-convnext-large", "UperNetForSemanticSegmentation", 235),
        # Cheng et al., NeurIPS 2021, table 1; Jain et al., CVPR 2023, table 1; Kerssies et al., CVPR 2025, table 1.
        ("maskformer-swin-tiny-ade", "MaskFormerForInstanceSegmentation", 42),
        ("maskformer-swin-large-ade", "MaskFormerForInstanceSegmentation", 212),
        ("oneformer-swin-large-ade", "OneFormerForUniversalSegmentation", 219),
        ("eomt-large-coco-panoptic", "EomtForUniversalSegmentation", 316),
    ],
)
def test_relatives_are_as_large_as_published(architecture: str, network: str, millions: int) -> None:
    import torch
    import transformers

    with torch.device("meta"):
        built = getattr(transformers, network)(architecture_config(architecture))
    assert sum(tensor.numel() for tensor in built.parameters()) == pytest.approx(millions * 1e6, rel=0.03)


EOMT = {
    "ade20k_semantic_eomt_large_512": "eomt-large-ade-semantic",
    "coco_panoptic_eomt_small_640_2x": "eomt-small-coco-panoptic",
    "coco_panoptic_eomt_base_640_2x": "eomt-base-coco-panoptic",
    "coco_panoptic_eomt_large_640": "eomt-large-coco-panoptic",
    "coco_panoptic_eomt_giant_640": "eomt-giant-coco-panoptic",
    "coco_panoptic_eomt_large_1280": "eomt-large-coco-panoptic-1280",
    "coco_panoptic_eomt_giant_1280": "eomt-giant-coco-panoptic-1280",
}


def architecture_of(published: str) -> str:
    """The architecture of a checkpoint on the hub."""
    name = published.partition("/")[2]
    if name.startswith("oneformer"):
        _, data, _, size = name.split("_")
        return f"oneformer-swin-{size}-{data.removesuffix('20k')}"
    return EOMT.get(name, name.removeprefix("mask2former-").replace("ade-semantic", "ade"))


def test_every_published_checkpoint_can_be_had_with_random_weights() -> None:
    assert {architecture_of(entry.id) for entry in CATALOGUE} == set(ARCHITECTURES) - {
        f"swin-{size}-ade-panoptic" for size in ("tiny", "small", "base")
    }


@pytest.mark.slow
@pytest.mark.parametrize(
    "published",
    [
        "facebook/mask2former-swin-large-coco-instance",
        "facebook/mask2former-swin-tiny-cityscapes-panoptic",
        "facebook/maskformer-swin-base-coco",
        "shi-labs/oneformer_ade20k_swin_tiny",
        "openmmlab/upernet-swin-small",
        "openmmlab/upernet-convnext-xlarge",
        "tue-mps/coco_panoptic_eomt_base_640_2x",
        "tue-mps/coco_panoptic_eomt_giant_1280",
    ],
)
def test_the_catalogue_counts_what_a_network_has(published: str) -> None:
    import torch
    import transformers

    config = architecture_config(architecture_of(published))
    entry = next(entry for entry in CATALOGUE if entry.id == published)
    with torch.device("meta"):
        built = getattr(transformers, _NETWORKS[config.model_type][0])(config)
    assert entry.parameters == pytest.approx(sum(tensor.numel() for tensor in built.parameters()), abs=0.8e6)
    assert str(config.num_labels) in entry.description


@pytest.fixture
def seed_architecture(tmp_path: Path) -> Iterator[Predictor]:
    """A predictor of the seed checkpoint's architecture with random weights; its memory is given back."""
    from segdemo.model import predictor

    folder = write_random_checkpoint(tmp_path / "swin-large-ade-semantic")
    yield load_predictor(folder, precision="fp32")
    predictor._predictors.clear()
    networks._networks.clear()
    gc.collect()


@pytest.mark.slow
def test_seed_architecture_runs_and_its_prediction_fits_the_promise(seed_architecture: Predictor) -> None:
    assert seed_architecture.checkpoint.parameters == pytest.approx(215e6, rel=0.02)
    prediction = seed_architecture(np.zeros((64, 96, 3), np.uint8), size=64)
    assert (prediction.num_layers, prediction.num_queries, prediction.num_heads) == (10, 100, 8)
    assert prediction.class_logits().shape == (100, 151)
    assert prediction.mask_logits().shape == (100, 16, 24)
    classes = sum(array.nbytes for array in prediction.classes)
    features = sum(array.nbytes for array in prediction.stages.values())
    assert prediction.decoder_features is not None
    start = prediction.decoder_features.nbytes
    larger = (640 * 864) / (64 * 96)
    assert classes + (prediction.nbytes - classes - features - start) * larger < 150e6
    # Swin-L's four stages in half precision: 25 MB.
    assert features * larger == 2 * 640 * 864 * (192 / 4**2 + 384 / 8**2 + 768 / 16**2 + 1536 / 32**2)
    # What the decoder starts from, with 256 channels in float32: 47 MB, so that all of it takes less than 80 MB.
    assert start * larger == 4 * 640 * 864 * 256 * (1 / 4**2 + 1 / 8**2 + 1 / 16**2 + 1 / 32**2)
    assert (features + start) * larger < 80e6
