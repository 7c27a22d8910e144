"""What the README says about settings, commands, files and hosting is so."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from segdemo.cli import make_app
from segdemo.settings import Settings

PROJECT_ROOT = Path(__file__).parent.parent
README = (PROJECT_ROOT / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def front_matter() -> dict[str, Any]:
    matter: dict[str, Any] = yaml.safe_load(README.split("---\n")[1])
    return matter


def test_the_front_matter_is_what_spaces_takes(front_matter: dict[str, Any]) -> None:
    assert len(front_matter["short_description"]) <= 60
    assert front_matter["sdk"] == "gradio"
    assert front_matter["python_version"] == "3.11"
    assert (PROJECT_ROOT / front_matter["app_file"]).is_file()
    colours = {"red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray"}
    assert {front_matter["colorFrom"], front_matter["colorTo"]} <= colours


def test_the_front_matter_names_a_gradio_that_the_requirements_take(front_matter: dict[str, Any]) -> None:
    pinned = re.search(r"^gradio>=([\d.]+),<(\d+)$", (PROJECT_ROOT / "requirements.txt").read_text(), re.MULTILINE)
    assert pinned is not None
    version = [int(part) for part in front_matter["sdk_version"].split(".")]
    assert [int(part) for part in pinned[1].split(".")] <= version < [int(pinned[2])]


def test_every_setting_is_in_the_table_with_its_default(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"SEGDEMO_{name.upper()}", raising=False)
    rows = dict(re.findall(r"^\| `SEGDEMO_(\w+)` \| (.+?) \|", README, re.MULTILINE))
    assert set(rows) == {name.upper() for name in Settings.model_fields}
    defaults = Settings().model_dump()
    for name, told in rows.items():
        value = defaults[name.lower()]
        if value is None:
            assert told == "none", name
        elif isinstance(value, Path):
            assert Path(told.strip("`")).expanduser() == value, name
        else:
            plain = f"{value:g}" if isinstance(value, float) else str(value).lower()
            plain = json.dumps(value) if isinstance(value, list) else plain
            assert told.strip("`").lower() == plain, name


def test_every_command_that_it_shows_exists_with_its_options() -> None:
    shown = re.findall(r"^    (?:\$ )?python -m segdemo (\w+)(.*)$", README, re.MULTILINE)
    assert shown
    for command, rest in shown:
        text = CliRunner().invoke(make_app(), [command, "--help"], env={"COLUMNS": "200", "TERM": "dumb"}).output
        for option in re.findall(r"--[a-z-]+", rest):
            assert option in text, f"{command} {option}"


def test_every_file_that_it_links_to_exists() -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", README):
        assert (PROJECT_ROOT / target).exists(), target
