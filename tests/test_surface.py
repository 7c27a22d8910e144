"""The public surface: its names, that it is complete, and that importing it is light."""

import subprocess
import sys

import pytest

import segdemo

# What takes long to import, and what the command line can do without until it has work.
HEAVY = ["torch", "transformers", "gradio", "matplotlib", "scipy", "cv2", "openvino", "pandas"]


def _loaded_after(code: str) -> set[str]:
    probe = f"import sys; {code}; print(*[name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_public_names() -> None:
    assert segdemo.__all__ == [
        "Evaluation",
        "Prediction",
        "Predictor",
        "SegdemoError",
        "class_probabilities",
        "evaluate",
        "instances",
        "load_image",
        "load_predictor",
        "panoptic",
        "semantic",
    ]
    assert set(segdemo.__all__) <= set(dir(segdemo))


def test_every_public_name_is_there_and_documented() -> None:
    for name in segdemo.__all__:
        value = getattr(segdemo, name)
        assert value.__module__.startswith("segdemo."), name
        assert (value.__doc__ or "").strip(), name


def test_an_unknown_name_is_an_attribute_error() -> None:
    assert not hasattr(segdemo, "segment_anything")


def test_importing_the_package_loads_nothing_heavy() -> None:
    assert _loaded_after("import segdemo") == set()


def test_the_command_lines_help_loads_nothing_heavy() -> None:
    assert _loaded_after("import segdemo.cli; segdemo.cli.make_app()") == set()


@pytest.mark.slow
def test_the_page_is_built_before_pytorch_is_needed() -> None:
    loaded = _loaded_after("from segdemo.ui.app import create_app; create_app(warm_up=False)")
    assert "gradio" in loaded
    assert not loaded & {"torch", "transformers", "openvino"}
