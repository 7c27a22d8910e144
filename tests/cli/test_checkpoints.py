"""The list of checkpoints: what is here first, and of each what is published."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from segdemo import checkpoints
from segdemo.cli import make_app
from segdemo.settings import Settings


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch, tiny_checkpoint: Path) -> str:
    monkeypatch.setattr(checkpoints, "settings", lambda: Settings(checkpoint=str(tiny_checkpoint)))
    return tiny_checkpoint.name


def test_every_published_checkpoint_is_listed_with_its_figures(here: str) -> None:
    result = CliRunner().invoke(make_app(), ["checkpoints"])
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[0] == f"{here} (on this machine)"
    for entry in checkpoints.CATALOGUE:
        at = next(i for i, line in enumerate(lines) if line.startswith(f"{entry.id} ("))
        assert entry.description in lines[at + 1]
        assert not entry.note or entry.note in lines[at + 2]
    assert "50.1 AP" in result.stdout
    assert "MODEL_ZOO.md of facebookresearch/Mask2Former" in result.stdout


def test_those_on_this_machine_alone(here: str) -> None:
    result = CliRunner().invoke(make_app(), ["checkpoints", "--here"])
    assert result.exit_code == 0, result.output
    assert here in result.stdout
    assert "(not on this machine)" not in result.stdout
