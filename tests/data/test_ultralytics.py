"""Ultralytics' text labels: a fault names its file and line, and what is unusual is read as it is meant."""

from pathlib import Path

import pytest

from segdemo.data import SourceConfig, load_source, open_source
from segdemo.data.checks import check_source
from segdemo.errors import SegdemoError
from tests.layouts import BOX, COUNT, LAYOUTS, truth


def test_text_labels_without_names_are_told_from_nothing(tmp_path: Path) -> None:
    LAYOUTS["yolo"](tmp_path)
    (tmp_path / "data.yaml").unlink()
    with pytest.raises(SegdemoError, match=r"there is no data\.yaml"):
        open_source(SourceConfig(data=tmp_path))


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("0 0.5 0.5 0.2 0.2", "line 1 is a box, not an outline"),
        ("3 0 0 1 0 1 1", "line 1 has the class 3"),
        ("0 0 0 1 0 1", "line 1 has 5 numbers: a polygon takes x and y of at least three points"),
        ("0 0 0 1 0 1 1 1", "line 1 has 7 numbers: a polygon takes x and y"),
        ("0 0 0 1 0 1 60", "numbers outside 0 to 1"),
        ("box 0 0 1 0 1 1", "line 1 should be a class index and a polygon x y x y ..., not 'box'"),
        ("0.5 0 0 1 0 1 1", "a class index and a polygon x y x y ..., not '0.5'"),
        ("0 0 0 1 0,5 1 1", "not '0,5'"),
        ("0 0 0 1 0 1 nan", "not 'nan'"),
        ("0 0 0 1 0 1 inf", "numbers outside 0 to 1"),
    ],
)
def test_ultralytics_faults_name_file_and_line(tmp_path: Path, line: str, said: str) -> None:
    LAYOUTS["yolo"](tmp_path)
    (tmp_path / "labels" / "val" / "val2.txt").write_text(line)
    faults = check_source(SourceConfig(data=tmp_path, split="val"), BOX)
    assert len(faults) == 1
    assert "val2.txt" in faults[0]
    assert said in faults[0]


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ("", "names should list the class names, or number them from 0: it is None"),
        ("box", "names should list the class names, or number them from 0: it is 'box'"),
        ("[]", "names should list the class names, or number them from 0: it is {}"),
        ("{0: box, 2: car}", "names should number the classes from 0 without gaps: see 2"),
        ("[box, car, box]", "names has the class 'box' twice: 0 and 2"),
        ("{0: box, true: car}", "names should number the classes from 0: true and false are no numbers"),
        ("[box, yes]", r"names\[1\]: input should be a valid string"),
    ],
)
def test_ultralytics_names_that_are_none_are_named(tmp_path: Path, names: str, said: str) -> None:
    LAYOUTS["yolo"](tmp_path)
    (tmp_path / "data.yaml").write_text(f"train: images/train\nval: images/val\nnames: {names}\n")
    with pytest.raises(SegdemoError, match=rf"data\.yaml: {said}"):
        open_source(SourceConfig(data=tmp_path, split="val"))


def test_ultralytics_classes_may_be_numbers(tmp_path: Path) -> None:
    """As names of digits are, and as programs that save arrays of numbers write the index."""
    LAYOUTS["yolo"](tmp_path)
    (tmp_path / "data.yaml").write_text("train: images/train\nval: images/val\nnames: [7, 9]\n")
    path = tmp_path / "labels" / "val" / "val0.txt"
    path.write_text("1.0" + path.read_text()[1:])
    first, second = load_source(SourceConfig(data=tmp_path, split="val"), {0: "7", 1: "9"})[:2]
    assert (first.labels == 1).tolist() == truth(0).tolist()
    assert (second.labels == 0).tolist() == truth(1).tolist()


def test_ultralytics_labels_that_are_nowhere_are_named(tmp_path: Path) -> None:
    """Without, every picture would count as one without objects."""
    LAYOUTS["yolo"](tmp_path)
    (tmp_path / "labels" / "val").rename(tmp_path / "texts")
    (fault,) = check_source(SourceConfig(data=tmp_path, split="val"), BOX)
    assert f"data.yaml: no picture of val has labels: those of {tmp_path / 'images' / 'val' / 'val0.jpg'}" in fault
    assert f"would be in {tmp_path / 'labels' / 'val' / 'val0.txt'}" in fault
    assert check_source(SourceConfig(data=tmp_path, split="val", labels=tmp_path / "texts"), BOX) == []


def test_ultralytics_pictures_that_are_named_twice_count_once(tmp_path: Path) -> None:
    LAYOUTS["yolo"](tmp_path)
    (tmp_path / "data.yaml").write_text("train: images/train\nvalidation: [images/val, images]\nnames: [box]\n")
    pictures = open_source(SourceConfig(data=tmp_path, split="val")).pictures
    assert [picture.name for picture in pictures] == [
        *(f"val{number}" for number in range(COUNT)),
        *(f"train/train{number}" for number in range(COUNT)),
    ]


def test_a_data_yaml_without_names_is_named(tmp_path: Path) -> None:
    LAYOUTS["yolo"](tmp_path)
    (tmp_path / "data.yaml").write_text("train: images/train\nval: images/val\nnc: 1\n")
    with pytest.raises(SegdemoError, match=r"data\.yaml should have `names`, the classes, and `train` or `val`"):
        open_source(SourceConfig(data=tmp_path, split="val"))


def test_ultralytics_splits_are_named_with_their_file(tmp_path: Path) -> None:
    LAYOUTS["yolo"](tmp_path)
    with pytest.raises(SegdemoError, match=r"data\.yaml \(Ultralytics.*has no split 'test': its splits are train, val"):
        open_source(SourceConfig(data=tmp_path, split="test"))


@pytest.mark.parametrize("far", ["/", "../.."])
def test_ultralytics_folders_far_above_are_not_listed(tmp_path: Path, far: str) -> None:
    root = tmp_path / "sets" / "mine"
    root.mkdir(parents=True)
    LAYOUTS["yolo"](root)
    document = root / "data.yaml"
    document.write_text("path: " + far + "\ntrain: .\nval: .\nnames: {0: box}\n")
    with pytest.raises(SegdemoError, match=r"data\.yaml: train names .*, far above the data set"):
        open_source(SourceConfig(data=document, split="train"))
