"""What the package imports is what it declares, so that nothing is there only because something else brought it."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
# `spaces` comes with a Space on ZeroGPU, `scenes` with a checkout, `tensorrt` with a card: the package does without.
BROUGHT_BY_THE_HOST = {"spaces", "scenes", "tensorrt"}


def _plain(requirement: str) -> str:
    name = re.match(r"[\w.-]+", requirement)
    assert name is not None, requirement
    return re.sub(r"[-_.]+", "-", name[0]).lower()


@cache
def _owners() -> Mapping[str, list[str]]:
    return packages_distributions()


def _declared(*extras: str) -> set[str]:
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    lines += [line for extra in extras for line in PROJECT["optional-dependencies"][extra]]
    return {_plain(line) for line in lines}


def _imported(nodes: Iterable[ast.AST]) -> set[str]:
    """The top-level names of other people's packages among these statements."""
    modules: list[str] = []
    for node in nodes:
        if isinstance(node, ast.Import):
            modules += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            modules.append(node.module or "")
    return (
        {module.partition(".")[0] for module in modules} - sys.stdlib_module_names - {"segdemo"} - BROUGHT_BY_THE_HOST
    )


def _undeclared(names: set[str], declared: set[str]) -> set[str]:
    # What is not installed is taken to be distributed under the name that it is imported by.
    return {name for name in names if not {_plain(owner) for owner in _owners().get(name, [name])} & declared}


MODULES = {path: ast.parse(path.read_text(encoding="utf-8")) for path in sorted((ROOT / "segdemo").rglob("*.py"))}


def test_every_import_is_declared() -> None:
    declared = _declared("train", "openvino", "export", "ray", "mcp")
    found = {str(path): _undeclared(_imported(ast.walk(tree)), declared) for path, tree in MODULES.items()}
    assert {path: names for path, names in found.items() if names} == {}


def test_what_an_extra_brings_is_imported_where_it_is_needed() -> None:
    """Outside ``training``, which is nothing without its extra, no module needs one just to be imported."""
    rooms = {path: tree for path, tree in MODULES.items() if "training" not in path.relative_to(ROOT).parts}
    found = {str(path): _undeclared(_imported(tree.body), _declared()) for path, tree in rooms.items()}
    assert {path: names for path, names in found.items() if names} == {}
