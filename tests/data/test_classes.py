"""Class lists in all their forms, and classes of data matched with those of a checkpoint."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from segdemo.data import SourceConfig, load_source, open_source
from segdemo.data.classes import class_table, labels_of, read_classes
from segdemo.errors import SegdemoError
from segdemo.labels import VOID

LABELS = {0: "sky", 1: "grass", 2: "box"}


@pytest.mark.parametrize("root", ["box", "boxes"])
def test_a_root_category_that_no_object_has_is_none(coco_data: Path, root: str) -> None:
    data = json.loads(coco_data.read_text())
    data["categories"] = [
        {"id": 0, "name": root, "supercategory": "none"},
        {"id": 7, "name": "box", "supercategory": root},
    ]
    coco_data.write_text(json.dumps(data))
    assert labels_of(open_source(SourceConfig(data=coco_data))) == {0: "box"}
    assert read_classes(coco_data) == {0: "box"}


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("classes.txt", "sky\ntree\n", {0: "sky", 1: "tree"}),
        ("classes.txt", "0: sky\n1: tree\n", {0: "sky", 1: "tree"}),
        ("classes.txt", "1 apple tree\n\n0 sky\n", {0: "sky", 1: "apple tree"}),
        ("classes.txt", "0,sky\n2,box\n1,tree, palm\n", {0: "sky", 1: "tree, palm", 2: "box"}),
        ("classes.txt", "0\tsky\n1\t2 euro\n", {0: "sky", 1: "2 euro"}),
        ("classes.txt", "0: sky\ntree\n", {0: "0: sky", 1: "tree"}),
        ("classes.txt", "0: sky\n0: tree\n", {0: "0: sky", 1: "0: tree"}),
        ("classes.txt", "1 euro\n2 euro\n", {0: "1 euro", 1: "2 euro"}),
        ("classes.txt", "0\n1\n2\n", {0: "0", 1: "1", 2: "2"}),
        ("classes.txt", "3d print\n4d film\n", {0: "3d print", 1: "4d film"}),
        ("table.txt", "Idx\tRatio\tName\n1\t0.5\twall\n2\t0.1\tsky, heaven\n", {0: "wall", 1: "sky"}),
        ("list.json", '["a", "b"]', {0: "a", 1: "b"}),
        ("config.json", '{"id2label": {"1": "b", "0": "a"}}', {0: "a", 1: "b"}),
        ("list.json", '[{"id": 1, "name": "b"}, {"id": 0, "name": "a"}]', {0: "a", 1: "b"}),
        ("label-files.json", '{"0": "wall", "1": "bed "}', {0: "wall", 1: "bed"}),
        ("ade20k_panoptic.json", '{"1": {"isthing": 1, "name": "bed"}, "0": {"isthing": 0, "name": "road, route"}}',
         {0: "road, route", 1: "bed"}),
        ("coco.json", '{"categories": [{"id": 9, "name": "b"}, {"id": 2, "name": "a"}]}', {0: "a", 1: "b"}),
    ],
)  # fmt: skip
def test_class_lists(tmp_path: Path, name: str, text: str, expected: dict[int, str]) -> None:
    path = tmp_path / name
    path.write_text(text)
    assert read_classes(path) == expected


def test_numbers_before_names_are_the_indices_in_the_pictures(index_data: Path) -> None:
    expected = [sample.labels.tolist() for sample in load_source(SourceConfig(data=index_data), LABELS)]
    (index_data / "classes.txt").write_text("2: box\n0: sky\n1: grass\n")
    assert [sample.labels.tolist() for sample in load_source(SourceConfig(data=index_data), LABELS)] == expected


def test_a_published_configuration_is_a_class_list() -> None:
    labels = read_classes(Path(__file__).parents[1] / "published" / "ade-semantic" / "config.json")
    assert (len(labels), labels[7], labels[89]) == (150, "bed", "television receiver")


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("classes.txt", "", "lists no classes"),
        ("classes.txt", "a\n\nb\na\n", "'a' twice: line 1 and line 4"),
        ("classes.txt", "1: sky\n2: tree\n", "should run from 0 without gaps: see line 1"),
        ("classes.txt", "0,sky\n1,tree\n3,box\n", "should run from 0 without gaps: see line 3"),
        ("classes.txt", "0: sky\n1: sky\n", "'sky' twice: line 1 and line 2"),
        ("table.txt", "Idx\tName\n1\twall\nx\tsky\n", "class number: see line 3"),
        ("table.txt", "Idx\tName\n1\twall\n1\tsky\n", "same class index twice: line 2 and line 3"),
        ("table.txt", "Idx\tName\n1\twall\n3\tsky\n", "without gaps: see line 3"),
        ("c.json", '{"0": "a", "2": "b"}', "without gaps: see '2'"),
        ("c.json", '{"0": "a", "00": "b"}', "same class index twice: '0' and '00'"),
        ("c.json", '{"0": "a", "b": "b"}', "should map class indices to names: 'b' is no index"),
        ("c.json", '{"0": {"isthing": 1}}', "should map class indices to names: '0' has no name"),
        ("c.json", '[{"id": "x", "name": "a"}]', "every `id` of a class should be its index"),
        ("c.json", '[{"id": 1, "name": "a"}]', r"without gaps: see \[0\]"),
        ("c.json", '["a", null]', r"should map class indices to names: \[1\] has no name"),
        ("c.json", '["a", "b", "a"]', r"'a' twice: \[0\] and \[2\]"),
        ("c.json", '{"id2label": {}}', "id2label lists no classes"),
        ("c.json", "{", "cannot be read as JSON"),
        ("c.json", "3", "list of class names"),
        ("c.json", '{"id2label": 3}', "map class indices"),
        ("c.json", '{"categories": 3}', "list `categories`"),
        ("c.json", '{"categories": [{"id": 1}]}', r"categories\[0\].name: field required"),
    ],
)
def test_bad_class_lists_are_named(tmp_path: Path, name: str, text: str, said: str) -> None:
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(SegdemoError, match=said):
        read_classes(path)


def test_classes_are_matched_by_name_synonym_and_spelling() -> None:
    labels = {0: "sky", 1: "grass", 2: "car", 3: "traffic light", 4: "dining table"}
    assert class_table(["car", "sky"], labels) == [2, 0]
    assert class_table(["Traffic_Light", "diningtable", "grass-merged", "sky-other-merged"], labels) == [3, 4, 1, 0]
    assert class_table(["auto", "zebra crossing"], labels) == [2, VOID]


def test_a_class_of_another_name_is_not_taken_for_the_one_in_its_place() -> None:
    assert class_table(["box", "cat"], {0: "box", 1: "dog"}) == [0, VOID]
    long = [f"c{number}" for number in range(20)]
    assert class_table([*long[:19], "renamed"], dict(enumerate(long))) == list(range(20))


def test_a_folder_without_a_class_list_says_what_to_add(index_data: Path) -> None:
    (index_data / "classes.txt").unlink()
    with pytest.raises(SegdemoError, match=r"add a file classes\.txt"):
        labels_of(open_source(SourceConfig(data=index_data)))


def test_unknown_classes_have_no_label_and_are_counted(index_data: Path) -> None:
    pictures = load_source(SourceConfig(data=index_data), {0: "grass", 1: "box"})
    assert set(np.unique(pictures[0].labels).tolist()) == {VOID, 0, 1}
    sky = sum(int((np.asarray(Image.open(path)) == 0).sum()) for path in (index_data / "labels").iterdir())
    assert (
        pictures.lines("the checkpoint")[1] == f"No label, since the checkpoint has no such class: sky ({sky} pixels)"
    )
    with pytest.raises(SegdemoError, match="None of the classes"):
        load_source(SourceConfig(data=index_data), {0: "wood"})
