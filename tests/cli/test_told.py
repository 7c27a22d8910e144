"""``--task``: it chooses what is read out, and what a network that is told its task is told."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from segdemo.cli import make_app
from segdemo.images import decode_png_ids
from segdemo.model.predictor import Predictor, load_predictor
from segdemo.prediction import Prediction
from segdemo.segmentation import panoptic, semantic

PLAIN = ["--engine", "torch", "--precision", "fp32"]


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(make_app(), [*map(str, arguments), *PLAIN])


def test_segment_tells_the_network(told_checkpoint: Path, photo: npt.NDArray[np.uint8], tmp_path: Path) -> None:
    Image.fromarray(photo).save(tmp_path / "photo.png")
    common = [tmp_path / "photo.png", "--checkpoint", told_checkpoint, "--out", tmp_path]
    loose = {"score_threshold": 0.1, "overlap_threshold": 0.1}
    predictor = load_predictor(told_checkpoint, engine="torch", precision="fp32")
    options = [word for name, value in loose.items() for word in (f"--{name.replace('_', '-')}", str(value))]
    done = run("segment", *common, "--task", "panoptic", *options)
    assert done.exit_code == 0, done.output
    assert "told the task panoptic" in done.output
    written = json.loads((tmp_path / "photo.segments.json").read_text())
    assert written["model"]["task"] == "panoptic"
    expected = panoptic(predictor(photo, task="panoptic", capture=False), **loose).ids
    np.testing.assert_array_equal(decode_png_ids((tmp_path / "photo.panoptic.png").read_bytes()), expected)
    done = run("segment", *common, "--task", "semantic")
    assert "told the task semantic" in done.output
    with Image.open(tmp_path / "photo.semantic.png") as picture:
        found = np.asarray(picture)
    np.testing.assert_array_equal(found, semantic(predictor(photo, task="semantic", capture=False)).labels)


def test_others_are_told_nothing_and_say_nothing(
    tiny_checkpoint: Path, photo: npt.NDArray[np.uint8], tmp_path: Path
) -> None:
    Image.fromarray(photo).save(tmp_path / "photo.png")
    done = run(
        "segment", tmp_path / "photo.png", "--checkpoint", tiny_checkpoint, "--out", tmp_path, "--task", "panoptic"
    )
    assert done.exit_code == 0, done.output
    assert "told the task" not in done.output
    assert "task" not in json.loads((tmp_path / "photo.segments.json").read_text())["model"]


def test_an_evaluation_says_what_the_network_was_told(
    told_checkpoint: Path,
    tiny_checkpoint: Path,
    photo: npt.NDArray[np.uint8],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    predictor = load_predictor(told_checkpoint, engine="torch", precision="fp32")
    for part in ("images", "labels"):
        (tmp_path / part).mkdir()
    Image.fromarray(photo).save(tmp_path / "images" / "one.png")
    seen: list[str | None] = []
    predict_batch = Predictor.predict_batch

    def listening(self: Predictor, images: Any, **options: Any) -> list[Prediction]:
        seen.append(options["task"])
        return predict_batch(self, images, **options)

    monkeypatch.setattr(Predictor, "predict_batch", listening)
    # The truth is what it answers when told panoptic.
    truth = semantic(predictor(photo, task="panoptic", capture=False)).labels.astype(np.uint8)
    Image.fromarray(truth).save(tmp_path / "labels" / "one.png")
    names = [name for _, name in sorted(predictor.id2label.items())]
    (tmp_path / "classes.txt").write_text("\n".join(names) + "\n")
    accuracies = {}
    for task in ("panoptic", None):
        told = [] if task is None else ["--task", task]
        out = tmp_path / f"out-{task}"
        done = run("evaluate", "--data", tmp_path, "--checkpoint", told_checkpoint, "--out", out, *told)
        assert done.exit_code == 0, done.output
        found = json.loads((out / "evaluation.json").read_text())
        accuracies[found["task"]] = found["overall"]["pixel_accuracy"]
        assert f"told the task {found['task']}." in (out / "report.html").read_text()
    assert accuracies["panoptic"] == 1
    assert accuracies.keys() == {"panoptic", "semantic"}
    assert seen == ["panoptic", "semantic"]
    done = run("evaluate", "--data", tmp_path, "--checkpoint", tiny_checkpoint, "--task", "panoptic")
    assert done.exit_code == 1
    assert "is not told a task" in f"{done.output}{done.exception}"
