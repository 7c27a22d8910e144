"""The benchmark of graphics cards, as far as a machine without one can tell."""

import ast
import inspect
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.gpu import __main__ as gpu


def test_without_a_card_there_is_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert gpu.main([]) == 2
    said = capsys.readouterr().err
    assert said.startswith("There is no CUDA card that PyTorch ")
    assert said.count("\n") == 1


def test_page_is_not_needed() -> None:
    files = sorted(Path(inspect.getfile(gpu)).parent.glob("*.py"))
    nodes = [node for file in files for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))]
    names = {node.module for node in nodes if isinstance(node, ast.ImportFrom)}
    names |= {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    assert {"benchmarks.gpu.plan", "segdemo.model.engines"} <= names
    assert not [name for name in names if name and (name.startswith("segdemo.ui") or name.startswith("gradio"))]


BARE = """
import sys

for name in ("gradio", "gradio_client", "starlette", "uvicorn", "matplotlib", "typer", "rich", "torchvision",
             "accelerate", "onnx", "onnxruntime", "onnxscript", "openvino", "tensorrt"):
    sys.modules[name] = None
from benchmarks.gpu.__main__ import main

assert main([]) == 2
sys.exit(main(sys.argv[1:]))
"""
"""Runs the command where there is PyTorch and what ``NEEDED`` names, and no card that can be seen."""


@pytest.mark.slow
def test_same_command_runs_on_a_processor_where_the_page_cannot(tmp_path: Path, tiny_checkpoint: Path) -> None:
    out = tmp_path / "table.md"
    words = ["--device", "cpu", "--tiny", "--seconds", "40", "--checkpoint", str(tiny_checkpoint), "--out", str(out)]
    done = subprocess.run(
        [sys.executable, "-c", BARE, *words],
        cwd=Path(__file__).parents[1],
        env={**os.environ, "CUDA_VISIBLE_DEVICES": "", "HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "There is no CUDA card that PyTorch" in done.stderr
    lines = out.read_text().splitlines()
    parity = next(line for line in lines if line.startswith("| fp32 |"))
    assert parity.endswith("100.000% / 100.000% |")
    rows = [line.split(" | ") for line in lines if line.startswith(("| segdemo, ", "| library, "))]
    assert len(rows) == 6
    # Nothing else is said in a cell: no part failed.
    assert all(cell == "no time left" or float(cell) > 0 for row in rows for cell in row[1:4])


def test_packages_that_are_missing_are_named_with_the_way_to_bring_them(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(gpu, "find_spec", lambda name: None if name in ("cv2", "scipy") else name)
    assert gpu.main(["--device", "cpu", "--tiny"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("scipy, opencv-python-headless are not installed: ")
    assert "`pip install --no-index --find-links wheels scipy opencv-python-headless`" in said
    assert said.count("\n") == 1
