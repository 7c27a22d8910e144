"""Every layout in which people have labelled pictures is recognised, and its pictures are read alike."""

from pathlib import Path

import numpy as np
import pytest

from segdemo.data import Dataset, SourceConfig, open_source
from segdemo.data.checks import check_source
from segdemo.data.recognise import splits_of
from segdemo.errors import SegdemoError
from segdemo.labels import NOTHING, OTHER, VOID
from tests.layouts import ADE, BOX, COUNT, LAYOUTS, coco, exported, truth

# What the line says, which splits there are, where the annotation file is, in which classes it is read, and what
# ground, rectangle and its border are in them: in ADE20K's, car is 20, grass 9, tree 4.
EXPECTED: dict[str, tuple[str, list[str], str | None, dict[int, str], int, int, int]] = {
    "ade20k": ("ADE20K: 4 pictures of the split validation", ["training", "validation"], None, ADE, 9, 20, VOID),
    "cityscapes": ("Cityscapes: 4 pictures of the split val", ["train", "val"], None, ADE, VOID, 20, VOID),
    "voc": ("Pascal VOC: 2 pictures of the split val", ["train", "trainval", "val"], None, ADE, OTHER, 20, VOID),
    "cvat_masks": (
        "Pascal VOC: 4 pictures of the split default",
        ["default"],
        "ImageSets/Segmentation/default.txt",
        BOX,
        NOTHING,
        0,
        0,
    ),
    "coco": (
        "COCO instances: 4 pictures of the split val2017",
        ["train2017", "val2017"],
        "annotations/instances_val2017.json",
        BOX,
        NOTHING,
        0,
        0,
    ),
    "coco_panoptic": (
        "COCO panoptic: 4 pictures of the split val2017",
        ["val2017"],
        "annotations/panoptic_val2017.json",
        ADE,
        4,
        20,
        20,
    ),
    "yolo": (
        "Ultralytics segmentation: 4 pictures of the split val",
        ["train", "val"],
        "data.yaml",
        BOX,
        NOTHING,
        0,
        0,
    ),
    **{
        name: (f"COCO instances: 4 pictures{said}", splits, file, BOX, NOTHING, 0, 0)
        for name, said, splits, file in [
            ("cvat", " of the split default", ["default"], "annotations/instances_default.json"),
            ("cvat_subset", " of the split train", ["train"], "annotations/instances_train.json"),
            ("fiftyone", "", [], "labels.json"),
            ("roboflow", " of the split train", ["train"], "train/_annotations.coco.json"),
            ("supervisely", " of the split ds0", ["ds0"], "ds0/annotations/instances.json"),
            ("label_studio", "", [], "result.json"),
            ("label_studio_windows", "", [], "result.json"),
        ]
    },
}


@pytest.fixture(params=LAYOUTS)
def layout(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, Path]:
    """The name of a layout and a folder that has it."""
    root = tmp_path / "data"
    root.mkdir()
    LAYOUTS[request.param](root)
    return request.param, root


def test_the_folder_is_recognised_and_read(layout: tuple[str, Path]) -> None:
    name, root = layout
    said, splits, _, labels, ground, inside, border = EXPECTED[name]
    source = SourceConfig(data=root)
    assert splits_of(source) == splits
    listing = open_source(source, prefer=("val",))
    assert listing.summary.startswith(said)
    pictures = Dataset(listing, source, labels)
    assert pictures.survey().faults == []
    assert len({sample.name for sample in pictures}) == len(pictures)
    for number, sample in enumerate(pictures, start=COUNT - len(pictures)):
        mask = truth(number)
        inner = mask & np.roll(mask, 1, 0) & np.roll(mask, -1, 0) & np.roll(mask, 1, 1) & np.roll(mask, -1, 1)
        assert (sample.labels[~mask] == ground).all()
        assert (sample.labels[inner] == inside).all()
        assert (sample.labels[mask & ~inner] == border).all()
        assert sample.apart == (name != "ade20k")


def test_the_annotation_file_is_the_same(layout: tuple[str, Path]) -> None:
    name, root = layout
    file = EXPECTED[name][2]
    if file is None:
        file = "ImageSets/Segmentation/val.txt" if name == "voc" else "."
    folder, alone = SourceConfig(data=root), SourceConfig(data=root / file)
    expected = open_source(folder, prefer=("val",))
    found = open_source(alone, prefer=("val",))
    assert [picture.image for picture in found.pictures] == [picture.image for picture in expected.pictures]
    assert found.classes == expected.classes


def test_the_folder_above_will_do(layout: tuple[str, Path]) -> None:
    _, root = layout
    expected = open_source(SourceConfig(data=root), prefer=("val",))
    assert open_source(SourceConfig(data=root.parent), prefer=("val",)).pictures == expected.pictures


def test_pictures_that_are_elsewhere_are_not_found_and_can_be_named(layout: tuple[str, Path]) -> None:
    name, root = layout
    moved = root.parent / "elsewhere"
    folder = {
        "ade20k": "images",
        "cityscapes": "leftImg8bit",
        "voc": "JPEGImages",
        "cvat_masks": "JPEGImages",
        "coco": "val2017",
        "coco_panoptic": "val2017",
        "fiftyone": "data",
        "roboflow": "train",
        "supervisely": "ds0/img",
        "yolo": "images/val",
    }.get(name, "images")
    if name == "roboflow":
        (root / "train").rename(root / "kept")
        moved.mkdir()
        for path in (root / "kept").glob("*.png"):
            path.rename(moved / path.name)
    else:
        (root / folder).rename(moved)
    source = SourceConfig(data=root, labels=root / "labels" / "val" if name == "yolo" else None)
    with pytest.raises(SegdemoError, match=r"(?s)not found.*--images"):
        open_source(source, prefer=("val",))
    named = source.model_copy(update={"images": moved})
    assert check_source(named.model_copy(update={"split": _val(named)}), EXPECTED[name][3]) == []


def _val(source: SourceConfig) -> str | None:
    return next((split for split in splits_of(source) if split.startswith("val")), None)


def test_splits_are_called_by_what_they_stand_for(tmp_path: Path) -> None:
    coco(tmp_path)
    assert open_source(SourceConfig(data=tmp_path, split="train")).split == "train2017"
    assert open_source(SourceConfig(data=tmp_path, split="validation")).split == "val2017"
    with pytest.raises(SegdemoError, match="choose one with --split"):
        open_source(SourceConfig(data=tmp_path))
    with pytest.raises(SegdemoError, match="no split 'test': its splits are train2017, val2017"):
        open_source(SourceConfig(data=tmp_path, split="test"))


def test_what_was_looked_for_is_said_where_nothing_fits(tmp_path: Path) -> None:
    with pytest.raises(SegdemoError, match=r"no data set in a known form. Looked for: .*ADE20K.*Cityscapes.*VOC.*COCO"):
        open_source(SourceConfig(data=tmp_path))
    file = tmp_path / "notes.json"
    file.write_text('{"a": 1}')
    with pytest.raises(SegdemoError, match=r"The file .*notes\.json is no data set"):
        open_source(SourceConfig(data=file))


def test_several_data_sets_in_a_folder_are_named(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        LAYOUTS["voc"](tmp_path / name)
    with pytest.raises(SegdemoError, match=r"several data sets \(.*one, .*two\)"):
        open_source(SourceConfig(data=tmp_path))


def test_supervisely_data_sets_are_splits(tmp_path: Path) -> None:
    exported("ds0/img", "ds0/annotations/instances.json")(tmp_path)
    exported("ds1/img", "ds1/annotations/instances.json")(tmp_path)
    assert splits_of(SourceConfig(data=tmp_path)) == ["ds0", "ds1"]
    assert len(open_source(SourceConfig(data=tmp_path, split="ds1")).pictures) == COUNT
