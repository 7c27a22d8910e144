"""Faults in training data are found before training, each named with its file."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from segdemo.data.checks import check_run, check_source
from segdemo.errors import SegdemoError
from segdemo.training.config import SourceConfig, parse_config

LABELS = {0: "sky", 1: "grass", 2: "box"}


def test_good_data_has_no_faults(index_data: Path, coco_data: Path, panoptic_data: Path) -> None:
    assert check_source(SourceConfig(data=index_data), LABELS) == []
    assert check_source(SourceConfig(format="coco", data=coco_data), {0: "ball", 1: "box"}) == []
    assert check_source(SourceConfig(format="panoptic", data=panoptic_data), LABELS) == []


def save_mask(folder: Path, values: np.ndarray) -> None:
    Image.fromarray(values.astype(np.uint8)).save(folder / "labels" / "p2.png")


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda d: (d / "images" / "p2.png").write_bytes(b"junk"), "p2.png cannot be read as a picture"),
        (lambda d: (d / "labels" / "p2.png").write_bytes(b"junk"), "p2.png cannot be read as a mask"),
        (lambda d: (d / "labels" / "p2.png").unlink(), "p2.png is missing"),
        (lambda d: save_mask(d, np.zeros((48, 60))), "is 60x48, but its picture is 64x48"),
        (lambda d: save_mask(d, np.full((48, 64), 9)), "has the values 9, which are not in the list of 3 classes"),
        (lambda d: save_mask(d, np.zeros((48, 64, 3))), "is not an index PNG"),
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
    assert "a list 'test'" in check_source(SourceConfig(data=index_data, split="test"), LABELS)[0]


def test_reduced_labels_shift_what_is_allowed(index_data: Path) -> None:
    source = SourceConfig(data=index_data, reduce_labels=True)
    assert check_source(source, LABELS) == []
    save_mask(index_data, np.full((48, 64), 3))
    assert check_source(source, LABELS) == []
    save_mask(index_data, np.full((48, 64), 4))
    assert "has the values 4" in check_source(source, LABELS)[0]


def test_coco_faults(coco_data: Path) -> None:
    data = json.loads(coco_data.read_text())
    data["annotations"][0]["category_id"] = 99
    data["annotations"][1]["segmentation"] = {"size": [10, 10], "counts": [50, 50]}
    data["images"][2]["width"] = 65
    data["images"].append({"id": 77, "file_name": "gone.png", "height": 48, "width": 64})
    coco_data.write_text(json.dumps(data))
    faults = "\n".join(check_source(SourceConfig(format="coco", data=coco_data), {0: "ball", 1: "box"}))
    assert "object 1 of p0.png has the unknown category 99" in faults
    assert "the mask of object 2 is 10x10" in faults
    assert "p2.png is 65x48, but it is 64x48" in faults
    assert "gone.png is missing" in faults


def test_panoptic_faults(panoptic_data: Path) -> None:
    data = json.loads(panoptic_data.read_text())
    data["annotations"][1]["segments_info"].pop()
    data["annotations"].pop()
    panoptic_data.write_text(json.dumps(data))
    faults = check_source(SourceConfig(format="panoptic", data=panoptic_data), LABELS)
    assert len(faults) == 2
    assert "p1.png has the segment ids 2000" in faults[0]
    assert "p3.png has no annotation" in faults[1]


def test_a_category_outside_the_class_list_is_named(coco_data: Path) -> None:
    faults = check_source(SourceConfig(format="coco", data=coco_data), {0: "box"})
    assert faults == [f"{coco_data}: the category 'ball' is not in the class list of the run."]


def test_all_faults_of_all_sources_come_in_one_error(index_data: Path, coco_data: Path) -> None:
    save_mask(index_data, np.full((48, 64), 9))
    config = parse_config(
        {
            "sources": {"masks": {"data": index_data}},
            "validation": {"objects": {"format": "coco", "data": coco_data}},
            "stages": [{"steps": 1}],
            "architecture": "nano",
        }
    )
    with pytest.raises(SegdemoError, match=r"(?s)masks: .*p2\.png.*validation objects: .*'ball'"):
        check_run(config, LABELS)


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
