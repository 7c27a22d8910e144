"""Names of results: short where they can be, never shared."""

from pathlib import Path

import pytest

from segdemo.results.naming import result_names


@pytest.mark.parametrize(
    ("inputs", "names"),
    [
        ([], []),
        (["x/street.jpg", "beach.png"], ["street", "beach"]),
        (["a.jpg", "a.png", "b.png"], ["a.jpg", "a.png", "b"]),
        (["x/a.jpg", "y/a.jpg", "y/a.png"], ["x_a.jpg", "y_a.jpg", "a.png"]),
        (["p/x/a.jpg", "q/x/a.jpg"], ["p_x_a.jpg", "q_x_a.jpg"]),
        (["A.jpg", "x/a.jpg", "a.jpg.png"], ["A.jpg", "x_a.jpg", "a.jpg.png"]),
        (["archive.tar.jpg"], ["archive.tar"]),
    ],
)
def test_names(inputs: list[str], names: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = result_names([Path(name) for name in inputs])
    assert len({name.casefold() for name in found}) == len(found)
    folder = tmp_path.name
    assert [name.removeprefix(f"{folder}_") for name in found] == names


@pytest.mark.parametrize(
    "inputs",
    [["/x_y/a.jpg", "/x/y_a.jpg", "/x/y/a.jpg"], ["/x/a.jpg", "/x/A.jpg", "/X/a.jpg"], ["/x/a.jpg", "/x/a.jpg"]],
)
def test_what_folders_cannot_tell_apart_is_numbered(inputs: list[str]) -> None:
    found = result_names([Path(name) for name in inputs])
    assert len({name.casefold() for name in found}) == len(inputs)
