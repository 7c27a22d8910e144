"""A preview is made where the pass takes long, and only there."""

import numpy as np
import pytest

from segdemo.model.predictor import Predictor, load_predictor
from segdemo.results.job import Host, Job
from segdemo.settings import Settings
from segdemo.ui import preview
from segdemo.ui.preview import Previews

PHOTO = (768, 1024)


@pytest.fixture
def predictor(tiny_checkpoint) -> Predictor:
    return load_predictor(tiny_checkpoint, engine="torch", precision="fp32", device="cpu")


@pytest.fixture
def job() -> Job:
    return Job(Host(waiting=4), visitor="me", seconds=60, cancelled=lambda: False)


def took(predictor: Predictor, seconds: float) -> Previews:
    """Previews that know a pass over an input of 640 by 864 pixels."""
    found = Previews()
    prediction = predictor(np.zeros((640, 864, 3), np.uint8), size=640, capture=False)
    assert prediction.input_size == (640, 864)
    object.__setattr__(prediction, "seconds", {"forward": seconds})
    found.note(predictor, prediction)
    return found


def test_slow_networks_get_one_and_quick_ones_none(predictor: Predictor, job: Job) -> None:
    assert took(predictor, 4.6).wanted(predictor, PHOTO, "paper", job)
    assert not took(predictor, 0.3).wanted(predictor, PHOTO, "paper", job)


def test_of_a_network_that_has_not_run_one_tells_how_slow_it_is(predictor: Predictor, job: Job) -> None:
    assert Previews().wanted(predictor, PHOTO, "paper", job)


def test_inputs_hardly_larger_than_a_preview_get_none(predictor: Predictor, job: Job) -> None:
    assert not took(predictor, 100).wanted(predictor, PHOTO, 320, job)
    assert took(predictor, 100).wanted(predictor, PHOTO, 480, job)


def test_none_while_others_wait(predictor: Predictor, job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job.host.cores, "others_wait", lambda visitor, client: visitor == "me")
    assert not took(predictor, 100).wanted(predictor, PHOTO, "paper", job)


@pytest.mark.parametrize(("seconds", "shown"), [(0, True), (5, False), (float("inf"), False)])
def test_the_host_says_from_when_on(
    seconds: float, shown: bool, predictor: Predictor, job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preview, "settings", lambda: Settings(preview_seconds=seconds))
    assert took(predictor, 4.6).wanted(predictor, PHOTO, "paper", job) == shown
