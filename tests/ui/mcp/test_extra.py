"""Without the extra there is a sentence with the command that installs it, before anything is started."""

import sys

import pytest

from segdemo.cli.page import page
from segdemo.errors import MissingExtraError


def test_what_is_missing_is_said_before_the_page_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mcp", None)
    with pytest.raises(MissingExtraError, match=r'MCP needs an extra .*: run `pip install -e "\.\[mcp\]"`\.'):
        page(mcp=True)
