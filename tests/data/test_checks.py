"""Faults in labelled data are found before it is used, each named with its file."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from segdemo.data import SourceConfig
from segdemo.data.checks import check_source
from segdemo.errors import SegdemoError
from segdemo.training.config import parse_config
from segdemo.training.data import RunData

LABELS = {0: "sky", 1: "grass", 2: "box"}
OBJECTS = {0: "ball", 1: "box"}


def test_good_data_has_no_faults(index_data: Path, coco_data: Path, panoptic_data: Path) -> None:
    assert check_source(SourceConfig(data=index_data), LABELS) == []
    assert check_source(SourceConfig(data=coco_data), OBJECTS) == []
    assert check_source(SourceConfig(data=panoptic_data), LABELS) == []


def save_mask(folder: Path, values: np.ndarray, part: str = "labels") -> None:
    Image.fromarray(values.astype(np.uint8)).save(folder / part / "p2.png")


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:60])


def turn(path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.open(path).save(path, exif=exif)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda d: (d / "images" / "p2.png").write_bytes(b"junk"), "images/p2.png: This file is not a picture"),
        (lambda d: cut(d / "images" / "p2.png"), "images/p2.png is damaged or cut off"),
        (lambda d: (d / "labels" / "p2.png").write_bytes(b"junk"), "labels/p2.png cannot be read as a PNG"),
        (lambda d: (d / "labels" / "p2.png").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0"), "p2.png cannot be read as a PNG"),
        (lambda d: (d / "labels" / "p2.png").unlink(), "p2.png is missing"),
        (lambda d: save_mask(d, np.zeros((48, 60))), "is 60x48, but its picture is 64x48"),
        (lambda d: save_mask(d, np.full((48, 64), 9)), "has the values 9, which are none of the 3 classes"),
        (lambda d: save_mask(d, np.zeros((48, 64, 3))), "is not an index PNG"),
        (lambda d: save_mask(d, np.zeros((24, 32)), "regions"), "regions/p2.png is 32x24, but its picture is 64x48"),
        (lambda d: cut(d / "regions" / "p2.png"), "regions/p2.png is damaged or cut off"),
        (lambda d: turn(d / "images" / "p2.png"), "Labels are for photographs as viewers show them"),
    ],
)
def test_index_faults_name_the_file(index_data: Path, spoil: Callable[[Path], object], said: str) -> None:
    spoil(index_data)
    faults = check_source(SourceConfig(data=index_data), LABELS)
    assert len(faults) == 1
    assert said in faults[0]
    assert "p2" in faults[0]


def test_binary_masks_are_told_from_unlabelled_ones(index_data: Path) -> None:
    for path in (index_data / "labels").iterdir():
        values = np.zeros((48, 64), np.uint8)
        values[10:20, 10:20] = 255
        Image.fromarray(values).save(path)
    faults = check_source(SourceConfig(data=index_data), LABELS)
    assert len(faults) == 4
    assert all("binary mask of 0 and 255" in fault for fault in faults)


def test_one_picture_of_class_0_is_no_binary_mask(index_data: Path) -> None:
    values = np.zeros((48, 64))
    values[:4] = 255
    save_mask(index_data, values)
    assert check_source(SourceConfig(data=index_data), LABELS) == []


def test_an_empty_split_is_named(index_data: Path) -> None:
    (index_data / "split.json").write_text(json.dumps({"train": [], "val": ["p0"]}))
    assert "no pictures in the split 'train'" in check_source(SourceConfig(data=index_data, split="train"), LABELS)[0]
    assert check_source(SourceConfig(data=index_data, split="val"), LABELS) == []
    assert "its splits are train, val" in check_source(SourceConfig(data=index_data, split="test"), LABELS)[0]


@pytest.mark.parametrize(
    ("lists", "said"),
    [
        ("3", "a JSON object of lists of names"),
        ('["p0"]', "a JSON object of lists of names"),
        ('{"train": "p0"}', r"split.json: train: input should be a valid list"),
        ('{"": "p0"}', r"split.json: '': input should be a valid list"),
        ('{"train": ["p0", 7]}', r"split.json: train\[1\]: input should be a valid string"),
        ('{"train": ["p\\u0000"]}', r"split.json: train\[0\]: value error, it should not be empty or hold NUL"),
        ('{"train": ["p0", "p9"]}', "split.json lists p9 in 'train', but"),
        ("{", "cannot be read as JSON"),
    ],
)
def test_lists_that_cannot_be_kept_to_are_named(index_data: Path, lists: str, said: str) -> None:
    import re

    (index_data / "split.json").write_text(lists)
    faults = check_source(SourceConfig(data=index_data, split="train"), LABELS)
    assert len(faults) == 1
    assert re.search(said, faults[0])


def test_reduced_labels_shift_what_is_allowed(index_data: Path) -> None:
    source = SourceConfig(data=index_data, reduce_labels=True)
    assert check_source(source, LABELS) == []
    save_mask(index_data, np.full((48, 64), 3))
    assert check_source(source, LABELS) == []
    save_mask(index_data, np.full((48, 64), 4))
    assert "has the values 4" in check_source(source, LABELS)[0]


def test_classes_that_are_labelled_instead_are_named_with_their_list(index_data: Path) -> None:
    (index_data / "classes.txt").write_text("air\nlawn\ncrate\nbox\n")
    (fault,) = check_source(SourceConfig(data=index_data), LABELS)
    assert f"but with air, lawn, crate of {index_data / 'classes.txt'}: there is nothing to compare with" in fault


def test_all_faults_of_all_sources_come_in_one_error(index_data: Path, coco_data: Path) -> None:
    save_mask(index_data, np.full((48, 64), 9))
    data = json.loads(coco_data.read_text())
    data["images"][0]["width"] = 3
    coco_data.write_text(json.dumps(data))
    config = parse_config(
        {
            "sources": {"masks": {"data": index_data}},
            "validation": {"objects": {"data": coco_data}},
            "stages": [{"steps": 1}],
            "architecture": "nano",
        }
    )
    with pytest.raises(SegdemoError, match=r"(?s)masks: .*p2\.png.*validation objects: .*p0 is 3x48"):
        RunData.open(config).check()


def test_a_fault_of_data_that_serves_twice_is_listed_once(index_data: Path) -> None:
    save_mask(index_data, np.full((48, 64), 9))
    config = parse_config(
        {
            "sources": {"masks": {"data": index_data}},
            "validation": {"masks": {"data": index_data}},
            "stages": [{"steps": 1}],
            "architecture": "nano",
        }
    )
    with pytest.raises(SegdemoError) as error:
        RunData.open(config).check()
    assert str(error.value).count("p2.png") == 1


def test_labels_that_say_nothing_are_named(index_data: Path, coco_data: Path) -> None:
    for path in (index_data / "labels").iterdir():
        Image.fromarray(np.full((48, 64), 255, np.uint8)).save(path)
    (fault,) = check_source(SourceConfig(data=index_data), LABELS)
    assert str(index_data) in fault
    assert "no pixel that is labelled" in fault
    # Where an outline is all there is, what has none is of no class: that can be compared with.
    assert check_source(SourceConfig(data=coco_data), {0: "ball"}) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"checkpoint": "x"}, "either an architecture"),
        ({"stages": []}, "stages"),
        ({"stages": [{"steps": 1, "mix": {"other": 1}}]}, "'other', which is not among the sources"),
        ({"colour": 1}, "colour"),
        ({"stages": [{"steps": 1}, {"steps": 2}]}, "the same name"),
    ],
)
def test_a_configuration_that_contradicts_itself_is_refused(change: dict[str, object], said: str) -> None:
    values = {"sources": {"a": {"data": "x"}}, "stages": [{"steps": 1}], "architecture": "nano", **change}
    with pytest.raises(SegdemoError, match=said):
        parse_config(values)
