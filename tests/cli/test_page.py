"""``segdemo page`` and ``app.py`` start the same page with the same options."""

import os
import runpy
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from segdemo.cli import main

APP = Path(__file__).parents[2] / "app.py"


class FakePage:
    """Stands for the page and keeps what it is made and launched with."""

    def __init__(self) -> None:
        self.checkpoint: str | None = None
        self.mcp = False
        self.launched: dict[str, Any] = {}

    def __call__(self, checkpoint: str | None, *, mcp: bool = False) -> "FakePage":
        self.checkpoint, self.mcp = checkpoint, mcp
        return self

    def launch(self, **options: Any) -> None:
        self.launched = options


@pytest.mark.parametrize("start", ["command", "app.py"])
def test_options_reach_the_page(start: str, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakePage()
    monkeypatch.setattr("segdemo.ui.app.create_app", fake)
    monkeypatch.setattr("segdemo.ui.server.serving.serve", lambda make, options, _: make().launch(**options()))
    monkeypatch.setattr("segdemo.ui.server.ending.Ending.listen", lambda _: None)
    monkeypatch.setattr("segdemo.ui.server.stubs.import_without_stubs", lambda: None)
    monkeypatch.setenv("SEGDEMO_ALLOW_DOWNLOAD", "0")
    options = ["--checkpoint", "some/where", "--download", "--port", "7001"]
    # It asks for an extra, and says so where that is not there.
    mcp = find_spec("mcp") is not None
    options += ["--mcp"] * mcp
    monkeypatch.setattr(sys, "argv", ["segdemo", *(["page"] if start == "command" else []), *options])
    with pytest.raises(SystemExit) as stopped:
        main() if start == "command" else runpy.run_path(str(APP), run_name="__main__")
    assert stopped.value.code == 0
    assert fake.checkpoint == "some/where"
    assert fake.mcp is mcp
    assert fake.launched["server_port"] == 7001
    assert fake.launched["strict_cors"] is True
    assert os.environ["SEGDEMO_ALLOW_DOWNLOAD"] == "1"
