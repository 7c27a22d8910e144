"""``--download`` on the command line: a checkpoint that is named is fetched where that was asked for, and runs."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from segdemo.cli import make_app
from segdemo.errors import SegdemoError
from segdemo.model.predictor import load_predictor
from segdemo.segmentation import semantic
from segdemo.settings import settings
from tests.hub import LocalHub

NAME = "someone/published"
PLAIN = ["--engine", "torch", "--precision", "fp32"]


@pytest.fixture
def street(tmp_path: Path, photo: npt.NDArray[np.uint8], monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A photograph, on a machine that fetches nothing of its own accord."""
    monkeypatch.setenv("SEGDEMO_ALLOW_DOWNLOAD", "0")
    settings.cache_clear()
    Image.fromarray(photo).save(tmp_path / "street.png")
    yield tmp_path / "street.png"
    monkeypatch.undo()
    settings.cache_clear()


class Bar:
    """In place of the terminal's bar, which is drawn on terminals alone: where it was, in per cent."""

    seen: ClassVar[list[int]] = []

    def __init__(self, **told: Any) -> None:
        assert (told["length"], told["label"], told["file"]) == (100, f"Fetching {NAME}", sys.stderr)
        self.pos = 0
        self.seen.clear()

    def __enter__(self) -> "Bar":
        return self

    def __exit__(self, *error: object) -> None:
        """End."""

    def update(self, steps: int) -> None:
        self.pos += steps
        self.seen.append(self.pos)


def segment(street: Path, *words: str) -> Result:
    return CliRunner().invoke(
        make_app(), ["segment", str(street), "--checkpoint", NAME, "--out", str(street.parent / "out"), *PLAIN, *words]
    )


def test_a_named_checkpoint_is_fetched_with_its_progress_and_runs(
    hub: LocalHub,
    street: Path,
    tiny_checkpoint: Path,
    photo: npt.NDArray[np.uint8],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("typer.progressbar", Bar)
    refused = segment(street)
    assert isinstance(refused.exception, SegdemoError)
    assert f"The weights of {NAME} are not on this machine" in str(refused.exception)
    assert hub.ranges == []
    hub.fault = "cut once"
    done = segment(street, "--download")
    assert done.exit_code == 0, done.output
    assert Bar.seen == sorted(Bar.seen)
    assert Bar.seen[-1] == 100
    assert len(set(Bar.seen)) > 5
    expected = load_predictor(tiny_checkpoint, engine="torch", precision="fp32")(photo, capture=False)
    with Image.open(street.parent / "out" / "street.semantic.png") as picture:
        np.testing.assert_array_equal(np.asarray(picture), semantic(expected).labels)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("401", "not shown without a login"),
        ("404", "check the spelling"),
        ("429", "too many requests.*in 60 seconds"),
        ("500", "a fault of its own"),
        ("silent", "check the network"),
    ],
)
def test_why_it_did_not_come_is_a_sentence(hub: LocalHub, street: Path, fault: str, words: str) -> None:
    hub.fault, hub.where = fault, "/api/"
    done = segment(street, "--download")
    assert isinstance(done.exception, SegdemoError)
    with pytest.raises(SegdemoError, match=words):
        raise done.exception
    assert not (street.parent / "out").exists()
