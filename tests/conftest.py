"""Fixtures that every room shares: a tiny checkpoint with random weights, and a photograph."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

pytest_plugins = ["tests.fetching", "tests.labelled", "tests.predictions", "tests.told"]

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
if "PYTEST_XDIST_WORKER_COUNT" in os.environ:
    # Tests side by side share the cores: threads of one would only keep the other from them.
    share = (os.cpu_count() or 1) // int(os.environ["PYTEST_XDIST_WORKER_COUNT"])
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, share)))
    # Each looks for a free port in a range of its own: two that start a server at once would take the same.
    os.environ["GRADIO_SERVER_PORT"] = str(7960 + 100 * int(os.environ["PYTEST_XDIST_WORKER"].removeprefix("gw")))


def tiny_config(**changes: Any) -> Any:
    """Configuration of a Mask2Former small enough to run in milliseconds: 12 queries, 3 decoder layers."""
    from transformers import Mask2FormerConfig, SwinConfig

    backbone = SwinConfig(
        embed_dim=8,
        depths=[1, 2, 1, 1],
        num_heads=[1, 2, 2, 4],
        window_size=4,
        out_features=["stage1", "stage2", "stage3", "stage4"],
    )
    fields: dict[str, Any] = {
        "backbone_config": backbone,
        "feature_size": 32,
        "mask_feature_size": 32,
        "hidden_dim": 32,
        "encoder_feedforward_dim": 48,
        "dim_feedforward": 48,
        "encoder_layers": 1,
        "decoder_layers": 5,
        "num_attention_heads": 4,
        "num_queries": 12,
        "id2label": {0: "wall", 1: "sky", 2: "tree", 3: "car", 4: "person"},
    }
    fields.update(changes)
    fields["label2id"] = {label: index for index, label in fields["id2label"].items()}
    return Mask2FormerConfig(**fields)


def write_tiny_checkpoint(folder: Path, *, seed: int = 0, **changes: Any) -> Path:
    """Write a tiny random checkpoint whose queries and classes differ enough to give varied maps."""
    import torch
    from transformers import Mask2FormerForUniversalSegmentation

    from segdemo.model.architecture import PREPROCESSOR, write_checkpoint

    size = {"shortest_edge": 96, "longest_edge": 384}
    write_checkpoint(folder, tiny_config(**changes), seed=seed, preprocessor={**PREPROCESSOR, "size": size})
    model = Mask2FormerForUniversalSegmentation.from_pretrained(folder, dtype=torch.float32)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, tensor in model.named_parameters():
            if name.startswith("class_predictor") or "queries_" in name:
                tensor.copy_(torch.randn(tensor.shape, generator=generator))
    model.save_pretrained(folder, safe_serialization=True)
    return folder


@pytest.fixture(scope="session")
def tiny_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a tiny random checkpoint with 5 labels; short side 96 in its image processor."""
    return write_tiny_checkpoint(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="session")
def tiny_ade_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Like ``tiny_checkpoint``, with the 150 labels of ADE20K."""
    from segdemo.class_tables import ADE20K

    labels = {index: names.split(",")[0] for index, names in enumerate(ADE20K)}
    return write_tiny_checkpoint(tmp_path_factory.mktemp("tiny-ade"), id2label=labels)


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder that converted weights and graphs are kept in for this test."""
    from segdemo.settings import settings

    monkeypatch.setenv("SEGDEMO_CACHE_DIR", str(tmp_path / "cache"))
    settings.cache_clear()
    yield tmp_path / "cache"
    settings.cache_clear()


@pytest.fixture(scope="session")
def photo() -> npt.NDArray[np.uint8]:
    """A smooth, colourful RGB picture of 120 x 160 pixels."""
    y, x = np.mgrid[0:120, 0:160].astype(np.float64)
    waves = [np.sin(x / 17 + y / 29), np.cos(x / 23 - y / 11), np.sin((x + y) / 31)]
    return np.stack([(127.5 + 127.5 * wave).astype(np.uint8) for wave in waves], axis=-1)
