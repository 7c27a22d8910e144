"""The command line's few options become a whole run."""

import json
from pathlib import Path

import pytest

from segdemo.cli.finetune import finetune as command
from segdemo.data import picture_names
from segdemo.errors import MissingExtraError, SegdemoError
from segdemo.settings import ASSETS
from segdemo.training.config import parse_config, read_config
from segdemo.training.simple import simple_config


def test_epochs_become_steps_and_a_part_is_kept_back(index_data: Path) -> None:
    run = simple_config([index_data], epochs=8, freeze_epochs=2, batch=1, checkpoint="some/where")
    (source,) = run.sources.values()
    (kept,) = run.validation.values()
    assert kept.only == ["p0"]
    assert source.without == ["p0"]
    assert run.stages[0].steps == 24
    assert run.stages[0].freeze_backbone == 6
    assert run.checkpoint == "some/where"


def test_without_a_checkpoint_it_starts_from_the_embedded_one(index_data: Path) -> None:
    assert simple_config([index_data]).checkpoint == "embedded"
    scratch = simple_config([index_data], architecture="nano")
    assert scratch.checkpoint is None
    assert scratch.stages[0].freeze_backbone == 0


def test_sources_of_the_same_name_are_told_apart_and_weighted(index_data: Path) -> None:
    run = simple_config([index_data, index_data], [index_data], shares=[3, 1])
    assert run.stages[0].mix == {"index": 3, "index~2": 1}
    assert run.validation["index"].only is None
    with pytest.raises(SegdemoError, match="2 data sources but 1 weights"):
        simple_config([index_data, index_data], shares=[1])


def test_the_lists_of_the_data_are_kept_to(index_data: Path) -> None:
    (index_data / "split.json").write_text(json.dumps({"train": ["p0", "p1"], "val": ["p2", "p3"]}))
    run = simple_config([index_data], architecture="nano")
    assert picture_names(run.sources["index"]) == ["p0", "p1"]
    assert picture_names(run.validation["index"]) == ["p2", "p3"]
    asked = simple_config([index_data], [index_data], split="val", architecture="nano")
    assert picture_names(asked.sources["index"]) == ["p2", "p3"]


def test_lists_that_share_pictures_are_not_measured_on(index_data: Path) -> None:
    (index_data / "split.json").write_text(json.dumps({"train": ["p0", "p1"], "val": ["p1"]}))
    run = simple_config([index_data], architecture="nano")
    assert picture_names(run.sources["index"]) == ["p1"]
    assert picture_names(run.validation["index"]) == ["p0"]


def test_names_that_look_like_patterns_are_kept_back(index_data: Path) -> None:
    for part in ("images", "labels"):
        for path in sorted((index_data / part).iterdir()):
            path.rename(path.with_name(f"tile[{path.stem[1]}].png"))
    run = simple_config([index_data], architecture="nano")
    assert picture_names(run.sources["index"]) == ["tile[1]", "tile[2]", "tile[3]"]
    assert picture_names(run.validation["index"]) == ["tile[0]"]


@pytest.mark.parametrize("both", [True, False])
def test_data_or_a_configuration_but_not_both(both: bool, tmp_path: Path) -> None:
    with pytest.raises(SegdemoError, match="either --data"):
        command(out=tmp_path, data=[tmp_path] if both else None, config=tmp_path / "c.yaml" if both else None)


def test_the_missing_extra_is_named(index_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from segdemo.training import run

    monkeypatch.setitem(__import__("sys").modules, "accelerate", None)
    config = parse_config({"sources": {"a": {"data": index_data}}, "stages": [{"steps": 1}], "architecture": "nano"})
    with pytest.raises(MissingExtraError, match=r'Fine-tuning needs .*"\.\[train\]"'):
        run.finetune(config, tmp_path / "out")


@pytest.mark.parametrize("path", sorted(ASSETS.glob("*/training.yaml")), ids=lambda path: path.parent.name)
def test_the_descriptions_of_the_embedded_checkpoints_are_valid(path: Path) -> None:
    assert read_config(path).stages
