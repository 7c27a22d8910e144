"""Faults in COCO's and in panoptic files are found before they are used, each named with its file and entry."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from segdemo.data import SourceConfig
from segdemo.data.checks import check_source

LABELS = {0: "sky", 1: "grass", 2: "box"}
OBJECTS = {0: "ball", 1: "box"}


def test_coco_faults_all_come_at_once(coco_data: Path) -> None:
    data = json.loads(coco_data.read_text())
    data["annotations"][0]["category_id"] = 99
    data["annotations"][3]["segmentation"] = {"size": [10, 10], "counts": [50, 50]}
    data["images"][2]["width"] = 65
    data["images"].append({"id": 77, "file_name": "gone.png", "height": 48, "width": 64})
    coco_data.write_text(json.dumps(data))
    faults = "\n".join(check_source(SourceConfig(data=coco_data), OBJECTS))
    assert "object 1 of p0.png has the unknown category 99" in faults
    assert "object 4 of p1 is 10x10, but its picture is 64x48" in faults
    assert "says that p2 is 65x48, but upright it is 64x48" in faults
    assert "gone.png is missing" in faults


def spoilt_object(**change: Any) -> Callable[[dict[str, Any]], None]:
    def spoil(data: dict[str, Any]) -> None:
        for key, value in change.items():
            if value is ...:
                del data["annotations"][0][key]
            else:
                data["annotations"][0][key] = value

    return spoil


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (spoilt_object(segmentation=[]), "object 1 has no outline"),
        (spoilt_object(segmentation=...), "object 1 has no outline"),
        (spoilt_object(segmentation=7), "object 1 has a segmentation that is neither"),
        (
            spoilt_object(segmentation=[[[1, 1], [9, 1], [9, 9]]]),
            "object 1 has a polygon that is not a list of",
        ),
        (spoilt_object(segmentation=[[1, 1, 9, 9]]), "object 1 has a polygon of 4 numbers"),
        (spoilt_object(segmentation=[[1, 1, 9, 1, 9, float("nan")]]), "numbers that are not finite"),
        (spoilt_object(segmentation={"size": [48, 64], "counts": [10, 20]}), "run lengths for 30 pixels"),
        (spoilt_object(segmentation={"size": [48, 64], "counts": [-10, 20]}), "run lengths that do not fit"),
        (spoilt_object(segmentation={"size": [48, 64], "counts": "~~"}), "characters that do not belong"),
        (spoilt_object(segmentation={"counts": [1]}), "run lengths without a size"),
        (spoilt_object(id=..., category_id=9), "object 0 of p0.png has the unknown category 9"),
        (spoilt_object(category_id=...), r"annotations[0].category_id: field required"),
        (spoilt_object(image_id=...), r"annotations[0].image_id: field required"),
        (spoilt_object(iscrowd="yes"), "annotations[0].iscrowd: input should be"),
        (lambda data: data["images"][0].update(id=True), "images[0].id: value error, it should be a number, not true"),
        (lambda data: data["images"][0].update(width=True), "images[0].width: value error, it should be a number"),
        (lambda data: data["categories"][0].update(id=False), "categories[0].id: value error, it should be a number"),
        (spoilt_object(image_id=False), "annotations[0].image_id: value error, it should be a number"),
        (spoilt_object(category_id=True), "annotations[0].category_id: value error, it should be a number"),
        (spoilt_object(id=True), "annotations[0].id: value error, it should be a number"),
        (lambda data: data["images"][0].pop("file_name"), "images[0].file_name: field required"),
        (lambda data: data["images"][0].update(file_name=7), "images[0].file_name: input should be a valid string"),
        (lambda data: data["images"][0].update(file_name="a\0b"), "images[0].file_name: value error"),
        (lambda data: data["images"].append(dict(data["images"][0])), "images[4] has the id 0 of images[0]"),
        (
            lambda data: data["images"][1].update(file_name="p0.png"),
            "lists the picture p0.png more than once: images[0] and images[1]",
        ),
        (
            lambda data: data["images"][0].update(file_name="gone.png") or data.update(images=data["images"][:1]),
            "gone.png of images[0] is not in",
        ),
        (lambda data: data.update(images=[]), "images lists no pictures"),
        (lambda data: data.update(categories=[]), "categories lists no classes"),
        (
            lambda data: data["categories"].append({"id": 3, "name": "pen"}),
            "lists the category id 3 twice: categories[1] and categories[2]",
        ),
        (
            lambda data: data["categories"].append({"id": 1, "name": "box"}),
            "lists the class 'box' twice: categories[2] and categories[0]",
        ),
        (
            lambda data: [item.update(iscrowd=1) for item in data["annotations"]],
            "all 8 objects are groups (iscrowd 1), which have no label",
        ),
        (lambda data: data.update(images={}), "images should be a list"),
        (lambda data: data.pop("categories"), "it has no list 'categories'"),
        (lambda data: data["categories"][0].pop("id"), "categories[0].id: field required"),
        (lambda data: data.update(annotations=[]), "has no objects on its pictures"),
    ],
)
def test_a_coco_fault_names_file_and_entry(
    coco_data: Path, spoil: Callable[[dict[str, Any]], object], said: str
) -> None:
    data = json.loads(coco_data.read_text())
    spoil(data)
    coco_data.write_text(json.dumps(data))
    fault = check_source(SourceConfig(data=coco_data, format="coco"), OBJECTS)[0]
    assert str(coco_data) in fault
    assert said in fault


def test_null_is_no_crowd(coco_data: Path) -> None:
    data = json.loads(coco_data.read_text())
    spoilt_object(iscrowd=None)(data)
    coco_data.write_text(json.dumps(data))
    assert check_source(SourceConfig(data=coco_data), OBJECTS) == []


def test_a_polygon_far_outside_costs_nothing_and_is_cut_at_the_edge(coco_data: Path) -> None:
    from segdemo.data import load_source

    data = json.loads(coco_data.read_text())
    spoilt_object(segmentation=[[-1e8, 24.0, 2e8, 24.0, 2e8, 3e8, -1e8, 3e8]])(data)
    coco_data.write_text(json.dumps(data))
    assert check_source(SourceConfig(data=coco_data), OBJECTS) == []
    labels = load_source(SourceConfig(data=coco_data), OBJECTS)[0].labels
    assert (labels[24:] == 1).all()


def test_panoptic_faults(panoptic_data: Path) -> None:
    data = json.loads(panoptic_data.read_text())
    data["annotations"][1]["segments_info"].pop()
    data["annotations"].pop()
    panoptic_data.write_text(json.dumps(data))
    faults = check_source(SourceConfig(data=panoptic_data), LABELS)
    assert len(faults) == 2
    assert "p1.png has the segment ids 2000" in faults[0]
    assert "p3 has no annotation" in faults[1]


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda item: item.update(image_id=True), "annotations[1].image_id: value error, it should be a number"),
        (
            lambda item: item["segments_info"][0].update(id=True),
            "annotations[1].segments_info[0].id: value error, it should be a number",
        ),
        (
            lambda item: item["segments_info"][0].update(category_id=False),
            "annotations[1].segments_info[0].category_id: value error, it should be a number",
        ),
    ],
)
def test_true_and_false_are_no_ids_of_segments(
    panoptic_data: Path, spoil: Callable[[dict[str, Any]], object], said: str
) -> None:
    data = json.loads(panoptic_data.read_text())
    spoil(data["annotations"][1])
    panoptic_data.write_text(json.dumps(data))
    assert said in check_source(SourceConfig(data=panoptic_data), LABELS)[0]


def test_panoptic_entries_that_clash_are_both_named(panoptic_data: Path) -> None:
    data = json.loads(panoptic_data.read_text())
    first = data["annotations"][0]
    first["segments_info"].append(dict(first["segments_info"][1]))
    data["annotations"].append({**data["annotations"][2], "segments_info": []})
    panoptic_data.write_text(json.dumps(data))
    twice, second = check_source(SourceConfig(data=panoptic_data), LABELS)[:2]
    last = len(first["segments_info"]) - 1
    number = first["segments_info"][1]["id"]
    assert f"annotations[0].segments_info[{last}] has the id {number} of segments_info[1]" in twice
    assert "annotations[4] is for the picture 2, as annotations[2] is" in second
