"""Checkpoints have names that tell nothing about the machine, wherever strangers read them."""

import json
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from segdemo import settings as settings_module
from segdemo.checkpoints import find
from segdemo.errors import HostError, SegdemoError
from segdemo.settings import Settings
from segdemo.ui import choices
from segdemo.ui.choices import by_public_id, check_extra_checkpoints, load


def test_folders_go_by_their_last_part(tiny_checkpoint: Path) -> None:
    first = find(tiny_checkpoint)
    second = replace(first, id=f"/elsewhere/{tiny_checkpoint.name}")
    third = replace(first, id="owner/name")
    names = by_public_id([first, second, third, first])
    assert names == {tiny_checkpoint.name: first, f"{tiny_checkpoint.name}-2": second, "owner/name": third}


def test_errors_do_not_name_the_folder(tiny_checkpoint: Path, tmp_path: Path) -> None:
    entry = replace(find(tiny_checkpoint), id=str(tmp_path / "gone"), path=tmp_path / "gone")
    with pytest.raises(SegdemoError) as raised:
        load(entry)
    assert "gone" in str(raised.value)
    assert str(tmp_path) not in str(raised.value)


@pytest.mark.parametrize("entry", ["/no/such/folder", "nobody/nothing", "", "."])
def test_one_bad_extra_checkpoint_is_named(entry: str, tiny_checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    extra = Settings(extra_checkpoints=[str(tiny_checkpoint), entry])
    monkeypatch.setattr(choices, "settings", lambda: extra)
    with pytest.raises(HostError, match="SEGDEMO_EXTRA_CHECKPOINTS, entry 2"):
        check_extra_checkpoints()


def test_a_damaged_one_is_a_sentence_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"id2label": {"x": "y"}, "segdemo_known_classes": 7}))
    (tmp_path / "model.safetensors").write_bytes(b"\x02" + bytes(7) + b"{}")
    extra = Settings(extra_checkpoints=[str(tmp_path)])
    monkeypatch.setattr(choices, "settings", lambda: extra)
    with pytest.raises(HostError, match="entry 1"):
        check_extra_checkpoints()


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("MAX_PIXELS", "abc", "SEGDEMO_MAX_PIXELS cannot be 'abc'"),
        ("MAX_PIXELS", "-1", "SEGDEMO_MAX_PIXELS cannot be '-1'"),
        ("PRECISION", "fp8", "SEGDEMO_PRECISION cannot be 'fp8'"),
        ("EXTRA_CHECKPOINTS", "a,b", "SEGDEMO_EXTRA_CHECKPOINTS cannot be read"),
        ("EXTRA_CHECKPOINTS", '["a", 3]', r"SEGDEMO_EXTRA_CHECKPOINTS \(entry 2\) cannot be '3'"),
    ],
)
def test_settings_that_cannot_be_used_are_named(
    name: str, value: str, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"SEGDEMO_{name}", value)
    settings_module.settings.cache_clear()
    try:
        with pytest.raises(HostError, match=sentence):
            settings_module.settings()
    finally:
        monkeypatch.undo()
        settings_module.settings.cache_clear()


def test_no_folder_shows(tiny_ade_checkpoint: Path) -> None:
    from segdemo.ui.app import create_app, launch_options

    page = create_app(str(tiny_ade_checkpoint), warm_up=False)
    _, url, _ = page.launch(prevent_thread_lock=True, quiet=True, **launch_options())
    try:
        texts = [httpx.get(url + path, timeout=60).text for path in ("", "config", "gradio_api/info")]
        texts.append(httpx.get(url + "gradio_api/openapi.json", timeout=60).text)
        component = next(
            entry["id"] for entry in httpx.get(url + "config").json()["components"] if entry["type"] == "html"
        )
        body = {"data": {}, "component_id": component, "session_hash": "a", "fn_name": "config"}
        answer = httpx.post(url + "gradio_api/component_server", json=body, timeout=60)
        assert answer.json()["checkpoint"] == tiny_ade_checkpoint.name
        texts.append(answer.text)
        body |= {"fn_name": "start", "data": {"checkpoint": "/no/such", "example": "x"}}
        texts.append(httpx.post(url + "gradio_api/component_server", json=body, timeout=60).text)
    finally:
        page.close(verbose=False)
    for text in texts:
        assert str(tiny_ade_checkpoint.parent) not in text
        assert str(Path.home()) not in text
