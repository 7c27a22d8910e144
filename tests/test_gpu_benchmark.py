"""The benchmark of graphics cards, as far as a machine without one can tell."""

import ast
import inspect
from pathlib import Path

import pytest

from benchmarks.gpu import __main__ as gpu


def test_without_a_card_there_is_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert gpu.main([]) == 2
    assert "There is no CUDA card" in capsys.readouterr().err


def test_page_is_not_needed() -> None:
    files = sorted(Path(inspect.getfile(gpu)).parent.glob("*.py"))
    nodes = [node for file in files for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))]
    names = {node.module for node in nodes if isinstance(node, ast.ImportFrom)}
    names |= {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    assert {"benchmarks.gpu.plan", "segdemo.model.engines"} <= names
    assert not [name for name in names if name and (name.startswith("segdemo.ui") or name.startswith("gradio"))]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_same_command_runs_on_a_processor(tmp_path: Path, tiny_checkpoint: Path) -> None:
    out = tmp_path / "table.md"
    arguments = [
        "--device",
        "cpu",
        "--tiny",
        "--seconds",
        "60",
        "--checkpoint",
        str(tiny_checkpoint),
        "--out",
        str(out),
    ]
    assert gpu.main(arguments) == 0
    lines = out.read_text().splitlines()
    parity = next(line for line in lines if line.startswith("| fp32 |"))
    assert parity.endswith("100.000% / 100.000% |")
    assert sum(line.startswith("| segdemo, fp32") for line in lines) == 2
