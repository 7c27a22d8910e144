"""Random-weight checkpoints of the published shapes."""

import gc
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from segdemo.errors import SegdemoError
from segdemo.model import networks
from segdemo.model.architecture import architecture_config, write_random_checkpoint
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
