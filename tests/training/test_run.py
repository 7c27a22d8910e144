"""Whole tiny runs: every data format trains, a killed run goes on as if nothing had happened, the result loads."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from segdemo.errors import SegdemoError
from segdemo.model.predictor import load_predictor
from segdemo.training.config import RunConfig, parse_config
from segdemo.training.run import finetune
from segdemo.training.trainer import StageTrainer

STAGE: dict[str, Any] = {
    "steps": 2,
    "batch": 2,
    "warmup": 1,
    "learning_rate": 1e-3,
    "weights": {"pixels": 1.0, "semantic": 1.0},
    "augmentation": {"crop": 32, "short_side": [32, 48]},
    "save_every": 1,
}


def silent(_: str) -> None:
    """Say nothing."""


def tiny_run(source: dict[str, Any], **changes: Any) -> RunConfig:
    values = {
        "sources": {"data": source},
        "stages": [STAGE],
        "architecture": "nano",
        "evaluation_size": 32,
        "seed": 3,
        **changes,
    }
    return parse_config(values)


@pytest.mark.parametrize(
    "kind", ["index", *(pytest.param(kind, marks=pytest.mark.slow) for kind in ("coco", "panoptic"))]
)
def test_every_format_trains_and_its_result_loads(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    from transformers import AutoImageProcessor, Mask2FormerForUniversalSegmentation

    data = request.getfixturevalue(f"{kind}_data")
    source = {"data": data}
    config = tiny_run(source, validation={"kept": {**source, "include": ["p0"]}}, note="Boxes.", terms="free")
    said: list[str] = []
    result = finetune(config, tmp_path / "out", say=said.append)

    network = Mask2FormerForUniversalSegmentation.from_pretrained(result.checkpoint, dtype=torch.float32)
    processor = AutoImageProcessor.from_pretrained(result.checkpoint)
    inputs = processor(np.zeros((40, 56, 3), np.uint8), return_tensors="pt")
    # Training normalises by the same numbers: those of ImageNet, as torchvision documents them.
    assert processor.image_mean == pytest.approx([0.485, 0.456, 0.406])
    assert processor.image_std == pytest.approx([0.229, 0.224, 0.225])
    outputs = network(pixel_values=inputs["pixel_values"])
    classes = 2 if kind == "coco" else 3
    assert outputs.class_queries_logits.shape == (1, 16, classes + 1)
    assert network.config.segdemo_note == "Boxes."
    assert set(result.scores) == {"kept"}
    assert 0 <= result.scores["kept"]["pixel_accuracy"] <= 1
    history = json.loads((tmp_path / "out" / "history.json").read_text())
    assert [entry["step"] for entry in history["evaluations"]] == [2]
    for name in ("losses.csv", "metrics.csv", "class_iou.csv", "metrics.png"):
        assert (tmp_path / "out" / name).stat().st_size > 0
    assert list((tmp_path / "out" / "contact").glob("*.jpg"))
    assert network.config.segdemo_least_score == (0.5 if kind == "coco" else 0)
    assert network.config.segdemo_stuff == ([0, 1] if kind == "panoptic" else None)
    assert network.config.segdemo_kind == ("instance" if kind == "coco" else "panoptic")
    card = (result.checkpoint / "README.md").read_text()
    assert "Boxes." in card
    assert "Terms: free" in card
    assert "| kept |" in card


@pytest.mark.slow
def test_a_killed_run_ends_like_an_uninterrupted_one(
    tmp_path: Path, index_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stages = [{**STAGE, "steps": 2}, {**STAGE, "name": "more", "steps": 4, "average": 0.9, "evaluate_every": 1}]
    kept = {"kept": {"data": index_data, "include": ["p3"]}}
    config = tiny_run({"data": index_data, "exclude": ["p3"]}, stages=stages, validation=kept)
    finetune(config, tmp_path / "whole", say=silent)

    class PowerCutError(Exception):
        pass

    train_step = StageTrainer.training_step

    def cut(self: StageTrainer, *args: Any, **kwargs: Any) -> torch.Tensor:
        if self.stage.name == "more" and self.state.global_step == 2:
            raise PowerCutError
        return train_step(self, *args, **kwargs)

    cut_folder = tmp_path / "cut"
    with monkeypatch.context() as patch:
        patch.setattr(StageTrainer, "training_step", cut)
        with pytest.raises(PowerCutError):
            finetune(config, cut_folder, say=silent)
    half_written = cut_folder / "stages" / "2-more" / "checkpoint-3"
    half_written.mkdir()
    (half_written / "model.safetensors").write_bytes(b"\0" * 100)
    finetune(config, cut_folder, say=silent)

    expected = torch.load(tmp_path / "whole" / "stages" / "2-more" / "final.pt", weights_only=True)
    found = torch.load(cut_folder / "stages" / "2-more" / "final.pt", weights_only=True)
    for name, value in expected.items():
        torch.testing.assert_close(found[name], value, rtol=1e-4, atol=1e-5)
    assert json.loads((cut_folder / "history.json").read_text()) == json.loads(
        (tmp_path / "whole" / "history.json").read_text()
    )


def test_faults_stop_the_run_before_it_starts(tmp_path: Path, index_data: Path) -> None:
    (index_data / "images" / "p1.png").write_bytes(b"not a picture")
    with pytest.raises(SegdemoError, match=r"p1\.png: This file is not a picture"):
        finetune(tiny_run({"data": index_data}), tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
@pytest.mark.usefixtures("own_cache")
@pytest.mark.parametrize("name", ["ade-semantic", "coco-instance"])
def test_a_run_starts_from_a_published_checkpoint_and_says_nothing_of_the_librarys(
    name: str, index_data: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    source = {"format": "index", "data": index_data}
    published = Path(__file__).parents[1] / "published" / name
    config = tiny_run(source, architecture=None, checkpoint=str(published))
    capfd.readouterr()
    result = finetune(config, tmp_path / "out", say=silent)
    said = capfd.readouterr()
    assert "LOAD REPORT" not in said.err + said.out
    assert "Loading weights" not in said.err + said.out
    predictor = load_predictor(result.checkpoint, precision="fp32")
    assert len(predictor.id2label) == 3
    assert predictor(np.zeros((40, 56, 3), np.uint8)).num_queries == 6
