"""A run's folder when things go wrong: sentences, and what was learned is kept."""

import csv
import errno
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from segdemo.errors import SegdemoError
from segdemo.training import monitor
from segdemo.training.config import RunConfig, parse_config
from segdemo.training.files import explained
from segdemo.training.folder import Best, describe, only_run, restore_result
from segdemo.training.history import History
from segdemo.training.network import TrainingNetwork
from segdemo.training.run import finetune
from segdemo.training.saved import COMPLETE, last_checkpoint
from segdemo.training.trainer import StageTrainer
from tests.labelled import CLASSES, draw


class PowerCutError(Exception):
    """What ends a run in these tests."""


def silent(_: str) -> None:
    """Say nothing."""


@pytest.fixture(scope="module", autouse=True)
def _without_pictures() -> Iterator[None]:
    """Leave out the plots and contact sheets, which take longer than all the rest."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(History, "plot", lambda _: None)
        patch.setattr(monitor, "contact_sheet", lambda *_, **__: None)
        yield


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> RunConfig:
    folder = tmp_path_factory.mktemp("data")
    for name in ("images", "labels"):
        (folder / name).mkdir()
    (folder / "classes.txt").write_text("\n".join(CLASSES) + "\n")
    for number in range(3):
        picture = draw(number)
        Image.fromarray(picture.image).save(folder / "images" / f"p{number}.png")
        Image.fromarray(picture.labels).save(folder / "labels" / f"p{number}.png")
    stage = {
        "steps": 12,
        "batch": 2,
        "average": 0.9,
        "augmentation": {"crop": 32, "short_side": [32, 48]},
        "save_every": 4,
        "evaluate_every": 4,
    }
    data = {"data": str(folder)}
    return parse_config(
        {
            "sources": {"data": {**data, "without": ["p2"]}},
            "validation": {"kept": {**data, "only": ["p2"]}},
            "stages": [stage],
            "architecture": "nano",
            "evaluation_size": 32,
        }
    )


def cut_at(patch: pytest.MonkeyPatch, step: int) -> None:
    """End every run before this step, counted from 0."""
    train_step = StageTrainer.training_step

    def cut(self: StageTrainer, *args: Any, **kwargs: Any) -> torch.Tensor:
        if self.state.global_step == step:
            raise PowerCutError
        return train_step(self, *args, **kwargs)

    patch.setattr(StageTrainer, "training_step", cut)


@pytest.fixture(scope="module")
def stopped(config: RunConfig, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run that was cut off after nine steps: states of steps 4 and 8, evaluations at both."""
    out = tmp_path_factory.mktemp("stopped") / "run"
    with pytest.MonkeyPatch.context() as patch:
        cut_at(patch, 9)
        with pytest.raises(PowerCutError):
            finetune(config, out, say=silent)
    return out


@pytest.fixture
def run(stopped: Path, tmp_path: Path) -> Path:
    """A copy of it, to damage."""
    return Path(shutil.copytree(stopped, tmp_path / "run"))


def losses(out: Path) -> list[dict[str, str]]:
    with (out / "losses.csv").open() as stream:
        return list(csv.DictReader(stream))


@pytest.mark.slow
def test_a_damaged_state_is_named_and_the_one_before_it_serves(config: RunConfig, run: Path, tmp_path: Path) -> None:
    """The log's row of step 10 covers the steps before the cut, too, as in a run that was never cut."""
    damaged = run / "stages" / "1-masks" / "checkpoint-8" / "optimizer.pt"
    content = bytearray(damaged.read_bytes())
    content[len(content) // 2] ^= 1
    damaged.write_bytes(content)
    said: list[str] = []
    finetune(config, run, say=said.append)
    assert f"{damaged} is damaged: going on from the state before it" in said
    assert "masks: resumed from checkpoint-4" in said
    finetune(config, tmp_path / "whole", say=silent)
    expected, found = losses(tmp_path / "whole"), losses(run)
    assert [row["step"] for row in found] == [row["step"] for row in expected] == ["10"]
    for name, value in expected[0].items():
        if name != "stage":
            assert float(found[0][name]) == pytest.approx(float(value), rel=1e-3), name


@pytest.mark.slow
@pytest.mark.parametrize("name", ["optimizer.pt", "model.safetensors", "trainer_state.json", "rng_state.pth", COMPLETE])
def test_where_every_state_is_damaged_nothing_is_deleted(run: Path, name: str) -> None:
    folder = run / "stages" / "1-masks"
    for path in folder.glob("checkpoint-*"):
        (path / name).write_bytes((path / name).read_bytes()[:-40])
    before = sorted(run.rglob("*"))
    with pytest.raises(SegdemoError, match=rf"{name} is damaged.*no other state.*delete the folder"):
        last_checkpoint(folder)
    assert sorted(run.rglob("*")) == before


def test_a_file_that_is_gone_is_damage(run: Path) -> None:
    folder = run / "stages" / "1-masks"
    (folder / "checkpoint-8" / "scheduler.pt").unlink()
    assert last_checkpoint(folder, silent) == folder / "checkpoint-4"


def test_only_complete_states_are_resumed_from(tmp_path: Path) -> None:
    for number in (5, 10, 15):
        (tmp_path / f"checkpoint-{number}").mkdir()
    for number in (5, 10):
        (tmp_path / f"checkpoint-{number}" / COMPLETE).touch()
    assert last_checkpoint(tmp_path) == tmp_path / "checkpoint-10"
    assert not (tmp_path / "checkpoint-15").exists()


@pytest.mark.parametrize("content", ["", "{", "[]", "3", "null", "{}", '{"stage": "x", "choice": 1, "scores": {}}'])
def test_a_damaged_record_of_the_best_is_named_before_anything_is_done(
    config: RunConfig, tmp_path: Path, content: str
) -> None:
    (tmp_path / "best.json").write_text(content)
    with pytest.raises(SegdemoError, match=r"best\.json is damaged"):
        finetune(config, tmp_path, say=silent)
    assert [path.name for path in tmp_path.iterdir()] == ["best.json"]


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[",
        "[]",
        "null",
        "{}",
        '{"losses": 3, "evaluations": []}',
        '{"losses": [{"stage": "masks"}], "evaluations": []}',
        '{"losses": [3], "evaluations": []}',
        '{"losses": [], "evaluations": [{"stage": "masks", "step": 2}]}',
        '{"losses": [], "evaluations": [{"stage": "masks", "step": 2, "sources": {"a": {"miou": 1}}}]}',
    ],
)
def test_a_damaged_history_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "history.json").write_text(content)
    with pytest.raises(SegdemoError, match=r"history\.json is damaged"):
        History.open(tmp_path)


def test_damaged_weights_of_a_finished_stage_are_named(config: RunConfig, run: Path) -> None:
    (run / "stages" / "1-masks" / "final.pt").write_bytes(b"PK\3\4 no weights")
    with pytest.raises(SegdemoError, match=r"final\.pt is damaged: delete it"):
        finetune(config, run, say=silent)


def test_one_run_at_a_time(config: RunConfig, run: Path) -> None:
    with only_run(run), pytest.raises(SegdemoError, match="Another run is at work"):
        finetune(config, run, say=silent)
    with only_run(run):
        pass


def test_other_settings_are_named_and_texts_may_change(config: RunConfig, run: Path) -> None:
    before = (run / "training.yaml").read_text()
    describe(config.model_copy(update={"title": "Another", "note": "New."}), run)
    (run / "training.yaml").write_text(before)
    faster = config.stages[0].model_copy(update={"learning_rate": 0.5})
    with pytest.raises(SegdemoError, match=r"other settings \(stages\.0\.learning_rate: 0\.0001, now 0\.5\)"):
        describe(config.model_copy(update={"stages": [faster]}), run)
    with pytest.raises(SegdemoError, match=r"seed: 0, now 1"):
        describe(config.model_copy(update={"seed": 1}), run)
    assert (run / "training.yaml").read_text() == before


def test_a_folder_without_progress_takes_any_settings(config: RunConfig, tmp_path: Path) -> None:
    describe(config, tmp_path)
    describe(config.model_copy(update={"seed": 1}), tmp_path)
    assert "seed: 1" in (tmp_path / "training.yaml").read_text()


def test_a_loss_that_is_no_number_keeps_the_best_until_then(
    config: RunConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    forward, calls = TrainingNetwork.forward, 0

    def diverging(self: TrainingNetwork, *args: Any, **kwargs: Any) -> dict[str, torch.Tensor]:
        nonlocal calls
        calls += 1
        outputs = forward(self, *args, **kwargs)
        return {**outputs, "loss": outputs["loss"] * (float("nan") if calls > 6 else 1)}

    monkeypatch.setattr(TrainingNetwork, "forward", diverging)
    with pytest.raises(SegdemoError, match=r"the loss at step 7 is not a number: lower the learning rate .*0\.0001"):
        finetune(config, tmp_path, say=silent)
    assert Best.read(tmp_path).stage == 0
    assert last_checkpoint(tmp_path / "stages" / "1-masks") == tmp_path / "stages" / "1-masks" / "checkpoint-4"
    assert (tmp_path / "checkpoint" / "model.safetensors").exists()


@pytest.mark.slow
@pytest.mark.parametrize("where", ["gradient", "weight"])
def test_states_hold_numbers_only(
    config: RunConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    train_step = StageTrainer.training_step

    def spoiled(self: StageTrainer, *args: Any, **kwargs: Any) -> torch.Tensor:
        loss = train_step(self, *args, **kwargs)
        if self.state.global_step == 7:
            weight = self.model.network.class_predictor.bias
            (weight.grad if where == "gradient" else weight.data)[0] = float("inf")
        return loss

    monkeypatch.setattr(StageTrainer, "training_step", spoiled)
    with pytest.raises(SegdemoError, match=rf"the {where} .*class_predictor\.bias .*step [78] is not a number"):
        finetune(config, tmp_path, say=silent)
    assert last_checkpoint(tmp_path / "stages" / "1-masks") == tmp_path / "stages" / "1-masks" / "checkpoint-4"


def test_a_full_disk_is_called_that(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SegdemoError, match=r"disk that holds .* is full"), explained(tmp_path):
        raise OSError(errno.ENOSPC, "No space left on device")
    with pytest.raises(RuntimeError, match="a fault of ours"), explained(tmp_path):
        raise RuntimeError("a fault of ours")
    with pytest.raises(SegdemoError, match=r"x\.json cannot be used: Permission denied"), explained(tmp_path):
        raise PermissionError(errno.EACCES, "Permission denied", "x.json")
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=100))
    with pytest.raises(SegdemoError, match="is full"), explained(tmp_path):
        raise RuntimeError("unexpected pos 640 vs 534")


def test_a_result_that_was_being_replaced_comes_back(tmp_path: Path) -> None:
    (tmp_path / ".checkpoint.old").mkdir()
    (tmp_path / ".checkpoint.old" / "config.json").write_text("{}")
    restore_result(tmp_path)
    assert json.loads((tmp_path / "checkpoint" / "config.json").read_text()) == {}
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint"]
