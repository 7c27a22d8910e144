"""Networks that are told what to separate: what they are told, by whom, and that the answer says so."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from segdemo import checkpoints
from segdemo.errors import SegdemoError
from segdemo.model.capture import RawOutputs, Request
from segdemo.model.predictor import Predictor, load_predictor

TASKS = ("semantic", "instance", "panoptic")


@pytest.fixture
def told(told_checkpoint: Path) -> Predictor:
    return load_predictor(told_checkpoint, engine="torch", precision="fp32", device="cpu")


def test_it_is_told_the_checkpoints_kind_unless_another_is_asked_for(
    told: Predictor, photo: npt.NDArray[np.uint8], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str | None] = []
    engine = told.engine

    class Listening:
        name, precision, device = engine.name, engine.precision, engine.device

        def __call__(self, pixels: npt.NDArray[np.float32], request: Request) -> RawOutputs:
            seen.append(request.task)
            return engine(pixels, request)

    monkeypatch.setattr(told, "engine", Listening())
    assert told.checkpoint.kind == told.task == "semantic"
    assert [told(photo, task=task, capture=False).task for task in (None, *TASKS)] == ["semantic", *TASKS]
    assert [found.task for found in told.predict_batch([photo, photo], task="panoptic")] == ["panoptic"] * 2
    assert seen == ["semantic", *TASKS, *["panoptic"] * (len(seen) - 4)]


def test_each_task_has_its_own_answer(told: Predictor, photo: npt.NDArray[np.uint8]) -> None:
    answers = [told(photo, task=task, capture=False).mask_logits() for task in TASKS]
    for one in range(3):
        for other in range(one):
            assert np.abs(answers[one] - answers[other]).max() > 1e-3


def test_the_decoder_runs_again_as_it_was_told(told: Predictor, photo: npt.NDArray[np.uint8]) -> None:
    prediction = told(photo, task="panoptic")
    again = told.what_if(prediction)
    assert again.task == "panoptic"
    np.testing.assert_allclose(again.mask_logits(), prediction.mask_logits(), rtol=1e-5, atol=1e-5)


def test_what_is_asked_for_is_told_where_a_network_listens(told: Predictor, tiny_checkpoint: Path) -> None:
    other = load_predictor(tiny_checkpoint, engine="torch", precision="fp32", device="cpu")
    assert [told.told(task) for task in TASKS] == list(TASKS)
    assert (other.told("panoptic"), other.task) == (None, None)
    with pytest.raises(SegdemoError, match="A Mask2Former checkpoint is not told a task: leave 'panoptic' out"):
        other.check_task("panoptic")
    with pytest.raises(SegdemoError, match="choose one of semantic, instance, panoptic"):
        told.check_task("everything")


def test_the_catalogue_knows_it_without_loading(told: Predictor, tiny_checkpoint: Path) -> None:
    assert told.checkpoint.tasks == told.family.tasks
    assert told.checkpoint.default_task == told.task
    other = checkpoints.find(tiny_checkpoint)
    assert (other.tasks, other.default_task) == ((), None)
