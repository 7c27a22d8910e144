"""Every layout in which people have labelled pictures is recognised, and its pictures are read alike."""

from pathlib import Path

import numpy as np
import pytest

from segdemo.data import Dataset, SourceConfig, load_source, open_source
from segdemo.data.checks import check_source
from segdemo.data.recognise import splits_of
from segdemo.errors import SegdemoError
from segdemo.labels import NOTHING, OTHER, VOID
from segdemo.taxonomy import ade20k
from tests.layouts import COUNT, LAYOUTS, coco, exported, photo, truth

ADE = {entry.index: entry.name for entry in ade20k().classes}
BOX = {0: "box"}

# What the line says, which splits there are, where the annotation file is, in which classes it is read, and what
# ground, rectangle and its border are in them: in ADE20K's, car is 20, grass 9, tree 4.
EXPECTED: dict[str, tuple[str, list[str], str | None, dict[int, str], int, int, int]] = {
    "ade20k": ("ADE20K: 4 pictures of the split validation", ["training", "validation"], None, ADE, 9, 20, VOID),
    "cityscapes": ("Cityscapes: 4 pictures of the split val", ["train", "val"], None, ADE, VOID, 20, VOID),
    "voc": ("Pascal VOC: 2 pictures of the split val", ["train", "trainval", "val"], None, ADE, OTHER, 20, VOID),
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


def test_cityscapes_is_recognised_at_the_labels_themselves(tmp_path: Path) -> None:
    LAYOUTS["cityscapes"](tmp_path)
    listing = open_source(SourceConfig(data=tmp_path / "gtFine", split="train"))
    assert listing.summary.startswith("Cityscapes: 4 pictures of the split train")
    assert listing.pictures[0].name == "ulm/ulm_000000_000019"


def test_cityscapes_groups_are_crowds(tmp_path: Path) -> None:
    from PIL import Image

    LAYOUTS["cityscapes"](tmp_path)
    path = tmp_path / "gtFine/val/lindau/lindau_000000_000019_gtFine_instanceIds.png"
    ids = np.asarray(Image.open(path))
    Image.fromarray(np.where(ids == 26000, 26, ids).astype(np.uint16)).save(path)
    names = [entry.name for entry in open_source(SourceConfig(data=tmp_path, split="val")).classes]
    group, single = load_source(SourceConfig(data=tmp_path, split="val"), dict(enumerate(names)))[:2]
    assert group.crowd is not None
    assert group.classes[group.crowd].tolist() == [13]
    assert 13 not in group.labels
    assert single.crowd is None
    assert 13 in single.labels


def test_cityscapes_train_ids(tmp_path: Path) -> None:
    from tests.layouts import index_png, labels

    LAYOUTS["cityscapes"](tmp_path)
    fine = tmp_path / "gtFine" / "val" / "lindau"
    for path in fine.glob("*_labelIds.png"):
        path.unlink()
    for number in range(COUNT):
        index_png(fine / f"lindau_{number:06d}_000019_gtFine_labelTrainIds.png", labels(number, 8, 13, border=255))
    source = SourceConfig(data=tmp_path, split="val")
    names = dict(enumerate(entry.name for entry in open_source(source).classes))
    assert set(np.unique(load_source(source, names)[0].labels).tolist()) == {VOID, 8, 13}


def test_voc_background_is_a_class_for_those_who_have_it(tmp_path: Path) -> None:
    LAYOUTS["voc"](tmp_path)
    source = SourceConfig(data=tmp_path, split="train")
    names = dict(enumerate(entry.name for entry in open_source(source).classes))
    pictures = load_source(source, names)
    assert set(np.unique(pictures[0].labels).tolist()) == {VOID, 0, 7}
    assert 0 not in pictures.things
    assert pictures.lines("the run")[1:] == []


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


def test_text_labels_without_names_are_told_from_nothing(tmp_path: Path) -> None:
    LAYOUTS["yolo"](tmp_path)
    (tmp_path / "data.yaml").unlink()
    with pytest.raises(SegdemoError, match=r"there is no data\.yaml"):
        open_source(SourceConfig(data=tmp_path))


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


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("labelmap.txt", "# label:color_rgb:parts:actions\nbackground:0,0,0::\nbox:128,0,0::\n"),
        ("classes.txt", "background\nbox\n"),
    ],
)
def test_voc_classes_may_be_others(tmp_path: Path, name: str, text: str) -> None:
    """As CVAT exports them: taken for VOC's, a box would be an aeroplane."""
    from tests.layouts import index_png, labels

    LAYOUTS["voc"](tmp_path)
    (tmp_path / name).write_text(text)
    for number in range(COUNT):
        index_png(tmp_path / "SegmentationClass" / f"2007_{number:06d}.png", labels(number, 0, 1), palette=True)
    source = SourceConfig(data=tmp_path, split="val")
    assert check_source(source, {0: "box", 1: "aeroplane"}) == []
    assert (load_source(source, {0: "box", 1: "aeroplane"})[0].labels == 0).tolist() == truth(2).tolist()
    if name == "labelmap.txt":
        (tmp_path / name).write_text("background:0,0,0::\n:1,2,3::\n")
        with pytest.raises(SegdemoError, match=r"labelmap\.txt should begin every line with the name of a class"):
            open_source(source)


def test_ultralytics_splits_are_named_with_their_file(tmp_path: Path) -> None:
    LAYOUTS["yolo"](tmp_path)
    with pytest.raises(SegdemoError, match=r"data\.yaml \(Ultralytics.*has no split 'test': its splits are train, val"):
        open_source(SourceConfig(data=tmp_path, split="test"))


def test_voc_lists_name_their_line(tmp_path: Path) -> None:
    LAYOUTS["voc"](tmp_path)
    listed = tmp_path / "ImageSets" / "Segmentation" / "val.txt"
    listed.write_text("\n2007_000009\n2007_000008 -1\n")
    with pytest.raises(SegdemoError, match=r"that .*val\.txt lists were not found in .*: line 2 is 2007_000009\. Name"):
        open_source(SourceConfig(data=tmp_path, split="val"))
    listed.write_text("2007_000002\n/etc/passwd\n")
    with pytest.raises(SegdemoError, match=r"val\.txt: line 2 should begin with the name of a picture"):
        open_source(SourceConfig(data=tmp_path, split="val"))


def test_voc_pictures_may_be_of_several_formats(tmp_path: Path) -> None:
    LAYOUTS["voc"](tmp_path)
    images = tmp_path / "JPEGImages"
    (images / "2007_000002.jpg").rename(images / "2007_000002.JPG")
    photo(images / "2007_000003.png", 3)
    (images / "2007_000003.jpg").unlink()
    source = SourceConfig(data=tmp_path, split="val")
    assert check_source(source, ADE) == []
    assert [picture.image.name for picture in open_source(source).pictures] == ["2007_000002.JPG", "2007_000003.png"]


@pytest.mark.parametrize("far", ["/", "../.."])
def test_ultralytics_folders_far_above_are_not_listed(tmp_path: Path, far: str) -> None:
    root = tmp_path / "sets" / "mine"
    root.mkdir(parents=True)
    LAYOUTS["yolo"](root)
    document = root / "data.yaml"
    document.write_text("path: " + far + "\ntrain: .\nval: .\nnames: {0: box}\n")
    with pytest.raises(SegdemoError, match=r"data\.yaml: train names .*, far above the data set"):
        open_source(SourceConfig(data=document, split="train"))
