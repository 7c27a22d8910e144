"""The same pictures through every data format give the same segments."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from segdemo.data import load_source, picture_names
from segdemo.data.classes import read_classes, run_classes
from segdemo.data.index import read_mask
from segdemo.data.samples import Sample
from segdemo.errors import SegdemoError
from segdemo.training.config import SourceConfig, parse_config

LABELS = {0: "sky", 1: "grass", 2: "box"}


def outlines(sample: Sample) -> set[tuple[int, bytes]]:
    """Every segment as its class and its mask, whatever its number."""
    return {
        (int(index), np.packbits(sample.segments == number).tobytes())
        for number, index in enumerate(sample.classes, start=1)
    }


def test_index_and_panoptic_agree(index_data: Path, panoptic_data: Path) -> None:
    # Names that no data set knows are things, so stuff comes in connected parts there and must be whole here.
    panoptic = load_source(SourceConfig(format="panoptic", data=panoptic_data), LABELS)
    index = load_source(SourceConfig(data=index_data), LABELS)
    assert [sample.name for sample in index] == [sample.name for sample in panoptic] == ["p0", "p1", "p2", "p3"]
    for one, other in zip(index, panoptic, strict=True):
        np.testing.assert_array_equal(one.image, other.image)
        np.testing.assert_array_equal(one.labels, other.labels)
        boxes = {outline for outline in outlines(one) if outline[0] == 2}
        assert len(boxes) == 2
        assert boxes == {outline for outline in outlines(other) if outline[0] == 2}


def test_coco_polygons_and_run_lengths_decode_to_the_boxes(coco_data: Path, index_data: Path) -> None:
    coco = load_source(SourceConfig(format="coco", data=coco_data), {0: "ball", 1: "box"})
    index = load_source(SourceConfig(data=index_data), LABELS)
    for one, other in zip(coco, index, strict=True):
        assert one.classes.tolist() == [1, 1]
        np.testing.assert_array_equal(one.labels == 1, other.labels == 2)
        assert (one.labels[other.labels != 2] == 255).all()


def test_compressed_run_lengths(coco_data: Path) -> None:
    from pycocotools import mask as codec

    data = json.loads(coco_data.read_text())
    entry = data["annotations"][1]
    packed = codec.frPyObjects(entry["segmentation"], *entry["segmentation"]["size"])
    before = load_source(SourceConfig(format="coco", data=coco_data), {0: "ball", 1: "box"})
    entry["segmentation"] = {"size": packed["size"], "counts": packed["counts"].decode()}
    coco_data.write_text(json.dumps(data))
    after = load_source(SourceConfig(format="coco", data=coco_data), {0: "ball", 1: "box"})
    np.testing.assert_array_equal(before[0].segments, after[0].segments)


def test_crowds_have_no_label(panoptic_data: Path) -> None:
    data = json.loads(panoptic_data.read_text())
    data["annotations"][0]["segments_info"][0]["iscrowd"] = 1
    panoptic_data.write_text(json.dumps(data))
    sample = load_source(SourceConfig(format="panoptic", data=panoptic_data), LABELS)[0]
    assert sorted(sample.classes.tolist()) == [1, 2, 2]
    assert sample.labels[10, 60] in (2, 255)


def test_include_exclude_and_split(index_data: Path) -> None:
    (index_data / "split.json").write_text(json.dumps({"train": ["p3", "p0", "p1"]}))
    assert picture_names(SourceConfig(data=index_data)) == ["p0", "p1", "p2", "p3"]
    assert picture_names(SourceConfig(data=index_data, split="train")) == ["p0", "p1", "p3"]
    assert picture_names(SourceConfig(data=index_data, include=["p[12]"])) == ["p1", "p2"]
    assert picture_names(SourceConfig(data=index_data, split="train", exclude=["p1"])) == ["p0", "p3"]


def test_reduced_labels_and_palette_masks(tmp_path: Path) -> None:
    values = np.array([[0, 1], [150, 255]], np.uint8)
    image = Image.fromarray(values, mode="L").convert("P")
    image.putdata(values.ravel().tolist())
    image.save(tmp_path / "m.png")
    assert read_mask(tmp_path / "m.png").tolist() == [[0, 1], [150, 255]]
    assert read_mask(tmp_path / "m.png", reduce_labels=True).tolist() == [[255, 0], [149, 255]]


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("classes.txt", "sky\ntree\n", {0: "sky", 1: "tree"}),
        ("table.txt", "Idx\tRatio\tName\n1\t0.5\twall\n2\t0.1\tsky, heaven\n", {0: "wall", 1: "sky"}),
        ("list.json", '["a", "b"]', {0: "a", 1: "b"}),
        ("config.json", '{"id2label": {"1": "b", "0": "a"}}', {0: "a", 1: "b"}),
        ("coco.json", '{"categories": [{"id": 9, "name": "b"}, {"id": 2, "name": "a"}]}', {0: "a", 1: "b"}),
    ],
)
def test_class_lists(tmp_path: Path, name: str, text: str, expected: dict[int, str]) -> None:
    path = tmp_path / name
    path.write_text(text)
    assert read_classes(path) == expected


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("classes.txt", "", "lists no classes"),
        ("classes.txt", "a\na\n", "'a' twice"),
        ("c.json", '{"0": "a", "2": "b"}', "without gaps"),
        ("c.json", "{", "cannot be read as JSON"),
    ],
)
def test_bad_class_lists_are_named(tmp_path: Path, name: str, text: str, said: str) -> None:
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(SegdemoError, match=said):
        read_classes(path)


def test_a_folder_without_a_class_list_says_what_to_add(index_data: Path) -> None:
    (index_data / "classes.txt").unlink()
    values = {"sources": {"a": {"data": index_data}}, "stages": [{"steps": 1}], "architecture": "nano"}
    with pytest.raises(SegdemoError, match=r"add a file classes\.txt"):
        run_classes(parse_config(values))
