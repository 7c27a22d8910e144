"""What files, folders and patterns stand for, and that results are never taken for photographs."""

from pathlib import Path

import pytest

from segdemo.results.inputs import find_inputs, shared_folder


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    for name in ("a.jpg", "b.PNG", "notes.txt", "more/c.webp", ".hidden/d.jpg", "more/deep/e.jpg"):
        path = tmp_path / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"?")
    return tmp_path / "photos"


def _names(words: list[str | Path], out: Path, root: Path) -> list[str]:
    return [entry.path.relative_to(root).as_posix() for entry in find_inputs(words, out=out) if not entry.problem]


def test_a_folder_is_the_pictures_below_it(photos: Path, tmp_path: Path) -> None:
    assert _names([photos], tmp_path / "out", photos) == ["a.jpg", "b.PNG", "more/c.webp", "more/deep/e.jpg"]


def test_a_pattern_is_what_it_matches(photos: Path, tmp_path: Path) -> None:
    assert _names([f"{photos}/*.jpg"], tmp_path, photos) == ["a.jpg"]
    assert _names([f"{photos}/**/*.*p*g"], tmp_path, photos) == ["a.jpg", "more/deep/e.jpg"]


def test_a_file_is_taken_once_and_whatever_its_name(photos: Path, tmp_path: Path) -> None:
    odd = photos / "x[1].jpg"
    odd.write_bytes(b"?")
    words: list[str | Path] = [odd, photos / "notes.txt", photos / "more" / ".." / "a.jpg", f"{photos}/*.jpg"]
    found = [entry.path.name for entry in find_inputs(words, out=tmp_path)]
    assert found == ["x[1].jpg", "notes.txt", "a.jpg"]


def test_a_link_is_a_photograph_of_its_own(photos: Path, tmp_path: Path) -> None:
    (photos / "link.jpg").symlink_to(photos / "a.jpg")
    assert _names([f"{photos}/*.jpg"], tmp_path, photos) == ["a.jpg", "link.jpg"]


@pytest.mark.parametrize(("word", "sentence"), [("none*.jpg", "No file matches"), ("empty", "holds no pictures")])
def test_what_stands_for_nothing_is_said(tmp_path: Path, word: str, sentence: str) -> None:
    (tmp_path / "empty").mkdir()
    (entry,) = find_inputs([tmp_path / word], out=tmp_path / "out")
    assert sentence in entry.problem
    assert word in entry.problem


@pytest.mark.parametrize("place", ["photos", "photos/results"])
def test_results_are_no_photographs(photos: Path, place: str) -> None:
    out = photos.parent / place
    out.mkdir(exist_ok=True)
    for ending in ("semantic.png", "panoptic.png", "overlay.jpg"):
        (out / f"a.{ending}").write_bytes(b"?")
    expected = ["a.jpg", "b.PNG", "more/c.webp", "more/deep/e.jpg"]
    assert _names([photos], out, photos) == expected
    named = out / "a.overlay.jpg"
    assert [entry.path for entry in find_inputs([named], out=out)] == [named]


def test_the_folder_that_all_share(tmp_path: Path) -> None:
    assert shared_folder([tmp_path / "x" / "a.jpg", tmp_path / "y" / "a.jpg"]) == tmp_path
    assert shared_folder([tmp_path / "x" / "a.jpg"]) == tmp_path / "x"
