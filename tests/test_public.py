"""The public surface, and that importing it stays light."""

import subprocess
import sys

import pytest

import segdemo


def test_public_names_are_listed() -> None:
    assert set(segdemo.__all__) <= set(dir(segdemo))
    with pytest.raises(AttributeError, match="no attribute"):
        _ = segdemo.nothing


@pytest.mark.parametrize("name", segdemo.__all__)
def test_public_names_load(name: str) -> None:
    assert getattr(segdemo, name).__module__.startswith("segdemo.")


def test_importing_segdemo_loads_nothing_heavy() -> None:
    code = "import segdemo, sys; print({'torch', 'transformers', 'gradio', 'numpy', 'PIL'} & set(sys.modules))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "set()"
