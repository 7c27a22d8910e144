"""The same pictures through every data format give the same segments."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from segdemo.data import SourceConfig, load_source, open_source, picture_names
from segdemo.data.classes import labels_of
from segdemo.data.samples import Sample
from segdemo.labels import NOTHING, OTHER, VOID

LABELS = {0: "sky", 1: "grass", 2: "box"}
OBJECTS = {0: "ball", 1: "box"}


def outlines(sample: Sample) -> set[tuple[int, bytes]]:
    """Every segment as its class and its mask, whatever its number."""
    return {
        (int(index), np.packbits(sample.segments == number).tobytes())
        for number, index in enumerate(sample.classes, start=1)
    }


def test_index_and_panoptic_agree(index_data: Path, panoptic_data: Path) -> None:
    # Names that no data set knows are things, so stuff comes in connected parts there and must be whole here.
    panoptic = load_source(SourceConfig(data=panoptic_data), LABELS)
    index = load_source(SourceConfig(data=index_data), LABELS)
    assert index.names == panoptic.names == ["p0", "p1", "p2", "p3"]
    for one, other in zip(index, panoptic, strict=True):
        np.testing.assert_array_equal(one.image, other.image)
        np.testing.assert_array_equal(one.labels, other.labels)
        boxes = {outline for outline in outlines(one) if outline[0] == 2}
        assert len(boxes) == 2
        assert boxes == {outline for outline in outlines(other) if outline[0] == 2}


def test_coco_polygons_and_run_lengths_decode_to_the_boxes(coco_data: Path, index_data: Path) -> None:
    coco = load_source(SourceConfig(data=coco_data), OBJECTS)
    index = load_source(SourceConfig(data=index_data), LABELS)
    for one, other in zip(coco, index, strict=True):
        assert [code for code in one.classes.tolist() if code >= 0] == [1, 1]
        np.testing.assert_array_equal(one.labels == 1, other.labels == 2)


@pytest.mark.parametrize(
    ("labels", "partial", "rest"),
    [(OBJECTS, False, NOTHING), ({**OBJECTS, 2: "sky"}, False, OTHER), (OBJECTS, True, VOID)],
)
def test_what_has_no_object_is_of_no_class_unless_objects_were_left_out(
    coco_data: Path, labels: dict[int, str], partial: bool, rest: int
) -> None:
    sample = load_source(SourceConfig(data=coco_data, partial=partial), labels)[0]
    assert set(np.unique(sample.labels).tolist()) == {1, rest}


def test_a_coco_crowd_has_no_label(coco_data: Path, index_data: Path) -> None:
    data = json.loads(coco_data.read_text())
    data["annotations"][0]["iscrowd"] = 1
    coco_data.write_text(json.dumps(data))
    sample = load_source(SourceConfig(data=coco_data), OBJECTS)[0]
    boxes = load_source(SourceConfig(data=index_data), LABELS)[0].labels == 2
    assert sample.crowd is not None
    assert sample.classes[sample.crowd].tolist() == [1]
    assert {int(code) for code in np.unique(sample.labels[boxes])} == {VOID, 1}
    assert (sample.labels[~boxes] == NOTHING).all()


def test_masks_of_groups_among_polygons_are_counted_in_the_line(coco_data: Path) -> None:
    """CVAT writes polygons with iscrowd 0 and masks with iscrowd 1: COCO's meaning stays, and it is said."""
    source = SourceConfig(data=coco_data)
    data = json.loads(coco_data.read_text())
    assert load_source(source, OBJECTS).lines("the run") == [open_source(source).summary]
    assert "iscrowd" not in open_source(source).summary
    mask = np.zeros((48, 64), np.uint8)
    mask[40:, :8] = 1
    counts = [40, *[8, 40] * 7, 8, 48 * 56]
    assert np.repeat(np.arange(len(counts)) % 2, counts).reshape(64, 48).T.tolist() == mask.tolist()
    for number, key in ((90, 0), (91, 0), (92, 77)):  # the last is of no picture
        item = {"id": number, "image_id": key, "category_id": 7, "iscrowd": 1}
        data["annotations"].append({**item, "segmentation": {"size": [48, 64], "counts": counts}})
    coco_data.write_text(json.dumps(data))
    pictures = load_source(source, OBJECTS)
    assert pictures.lines("the run")[0].endswith("; 2 of 10 objects are groups (iscrowd 1), without a label")
    assert (pictures[0].labels[mask == 1] == VOID).all()
    data["annotations"] = data["annotations"][:9]
    coco_data.write_text(json.dumps(data))
    assert open_source(source).summary.endswith("; 1 of 9 objects is a group (iscrowd 1), without a label")


def test_a_polygon_without_the_list_around_it_is_that_polygon(coco_data: Path) -> None:
    """As VIA and MyVision write it."""
    before = load_source(SourceConfig(data=coco_data), OBJECTS)[0]
    data = json.loads(coco_data.read_text())
    polygon = data["annotations"][0]["segmentation"]
    assert len(polygon) == 1
    data["annotations"][0]["segmentation"] = polygon[0]
    coco_data.write_text(json.dumps(data))
    np.testing.assert_array_equal(load_source(SourceConfig(data=coco_data), OBJECTS)[0].segments, before.segments)


def test_a_crowd_is_no_area_of_its_class(coco_data: Path) -> None:
    data = json.loads(coco_data.read_text())
    whole = load_source(SourceConfig(data=coco_data), OBJECTS)
    data["annotations"][0]["iscrowd"] = 1
    coco_data.write_text(json.dumps(data))
    first, *others = load_source(SourceConfig(data=coco_data), OBJECTS).areas()
    object_alone = int((whole[0].segments == whole[0].segments.max()).sum())
    assert first[1] < whole.areas()[0][1]
    assert first[1] in (object_alone, whole.areas()[0][1] - object_alone)
    assert others == whole.areas()[1:]


@pytest.mark.parametrize("first", ["small", "large"])
def test_a_small_object_is_in_front_of_a_large_one(coco_data: Path, first: str) -> None:
    """Whichever comes first in the file."""
    small, large = [10, 10, 20, 10, 20, 20, 10, 20], [0, 0, 40, 0, 40, 40, 0, 40]
    data = json.loads(coco_data.read_text())
    image = data["images"][0]["id"]
    both = [
        {"id": number, "image_id": image, "category_id": category, "iscrowd": 0, "segmentation": [outline]}
        for number, (category, outline) in enumerate([(3, small), (7, large)], 1)
    ]
    data["annotations"] = both if first == "small" else both[::-1]
    coco_data.write_text(json.dumps(data))
    labels = load_source(SourceConfig(data=coco_data), OBJECTS)[0].labels
    assert {int(code) for code in np.unique(labels[11:19, 11:19])} == {0}
    assert int((labels == 1).sum()) == 40 * 40 - 10 * 10


def test_compressed_run_lengths(coco_data: Path) -> None:
    from pycocotools import mask as codec

    data = json.loads(coco_data.read_text())
    entry = data["annotations"][1]
    packed = codec.frPyObjects(entry["segmentation"], *entry["segmentation"]["size"])
    before = load_source(SourceConfig(data=coco_data), OBJECTS)[0]
    entry["segmentation"] = {"size": packed["size"], "counts": packed["counts"].decode()}
    coco_data.write_text(json.dumps(data))
    after = load_source(SourceConfig(data=coco_data), OBJECTS)[0]
    np.testing.assert_array_equal(before.segments, after.segments)


def test_crowds_have_no_label(panoptic_data: Path) -> None:
    data = json.loads(panoptic_data.read_text())
    data["annotations"][0]["segments_info"][0]["iscrowd"] = 1
    panoptic_data.write_text(json.dumps(data))
    sample = load_source(SourceConfig(data=panoptic_data), LABELS)[0]
    assert sample.crowd is not None
    assert sample.classes[sample.crowd].tolist() == [0]
    assert sample.labels[10, 60] in (2, VOID)


def test_what_a_panoptic_file_says_of_things_holds(panoptic_data: Path) -> None:
    # No table knows these names, so they would count as things.
    data = json.loads(panoptic_data.read_text())
    for category, name in zip(data["categories"], ("substrate", "biofilm", "pebble"), strict=True):
        category["name"] = name
    panoptic_data.write_text(json.dumps(data))
    pictures = load_source(SourceConfig(data=panoptic_data), {0: "substrate", 1: "biofilm", 2: "pebble"})
    assert pictures.things == {2}


def test_include_exclude_and_split(index_data: Path) -> None:
    (index_data / "split.json").write_text(json.dumps({"train": ["p3", "p0", "p1"]}))
    assert picture_names(SourceConfig(data=index_data)) == ["p0", "p1", "p2", "p3"]
    assert picture_names(SourceConfig(data=index_data, split="train")) == ["p0", "p1", "p3"]
    assert picture_names(SourceConfig(data=index_data, include=["p[12]"])) == ["p1", "p2"]
    assert picture_names(SourceConfig(data=index_data, split="train", exclude=["p1"])) == ["p0", "p3"]
    assert picture_names(SourceConfig(data=index_data, only=["p2"])) == ["p2"]
    assert picture_names(SourceConfig(data=index_data, without=["p0", "p3"])) == ["p1", "p2"]


def test_names_with_brackets_are_names_and_not_patterns(index_data: Path) -> None:
    for part in ("images", "labels"):
        (index_data / part / "p0.png").rename(index_data / part / "tile[0].png")
        (index_data / part / "p1.png").rename(index_data / part / "tile0.png")
    assert picture_names(SourceConfig(data=index_data, only=["tile[0]"])) == ["tile[0]"]
    assert picture_names(SourceConfig(data=index_data, without=["tile[0]"])) == ["p2", "p3", "tile0"]


def test_pictures_in_folders_are_called_after_their_folders(index_data: Path) -> None:
    for place, number in (("a", 0), ("b", 1)):
        for part in ("images", "labels"):
            (index_data / part / place).mkdir()
            (index_data / part / f"p{number}.png").rename(index_data / part / place / "frame.png")
    pictures = load_source(SourceConfig(data=index_data), LABELS)
    assert pictures.names == ["a/frame", "b/frame", "p2", "p3"]
    assert not np.array_equal(pictures[0].image, pictures[1].image)
    assert picture_names(SourceConfig(data=index_data, include=["frame"])) == ["a/frame", "b/frame"]
    assert picture_names(SourceConfig(data=index_data, include=["a/*"])) == ["a/frame"]


def test_names_that_only_the_suffix_tells_apart_keep_it(coco_data: Path) -> None:
    data = json.loads(coco_data.read_text())
    Image.open(coco_data.parent / "images" / "p1.png").save(coco_data.parent / "images" / "p0.jpg")
    data["images"][1]["file_name"] = "p0.jpg"
    coco_data.write_text(json.dumps(data))
    assert picture_names(SourceConfig(data=coco_data)) == ["p0.png", "p0.jpg", "p2", "p3"]


def index_values(folder: Path, values: np.ndarray, labels: dict[int, str], **options: object) -> list[list[int]]:
    """The labels that an index PNG with those values is read as."""
    for part in ("images", "labels"):
        (folder / part).mkdir(parents=True)
    Image.new("RGB", values.shape[::-1]).save(folder / "images" / "a.png")
    Image.fromarray(values).save(folder / "labels" / "a.png")
    return load_source(SourceConfig.model_validate({"data": folder, **options}), labels)[0].labels.tolist()


def test_reduced_labels(tmp_path: Path) -> None:
    labels = {index: f"c{index}" for index in range(150)}
    values = np.array([[0, 1], [150, 255]], np.uint8)
    assert index_values(tmp_path, values, labels, reduce_labels=True) == [[VOID, 0], [149, VOID]]


def test_palette_masks_hold_indices(tmp_path: Path) -> None:
    for part in ("images", "labels"):
        (tmp_path / part).mkdir()
    Image.new("RGB", (3, 1)).save(tmp_path / "images" / "a.png")
    picture = Image.new("P", (3, 1))
    picture.putdata([0, 2, 255])
    picture.putpalette([9, 9, 9] * 256)
    picture.save(tmp_path / "labels" / "a.png")
    assert load_source(SourceConfig(data=tmp_path), LABELS)[0].labels.tolist() == [[0, 2, VOID]]


def test_more_classes_than_8_bits_can_name(tmp_path: Path) -> None:
    labels = {index: f"c{index}" for index in range(300)}
    values = np.array([[0, 255, 280, 65535]], np.uint16)
    assert index_values(tmp_path, values, labels) == [[0, 255, 280, VOID]]


def test_more_coco_categories_than_8_bits_can_name(coco_data: Path) -> None:
    data = json.loads(coco_data.read_text())
    data["categories"] = [{"id": number + 1, "name": f"c{number}"} for number in range(300)]
    for item in data["annotations"]:
        item["category_id"] = 281
    coco_data.write_text(json.dumps(data))
    labels = labels_of(open_source(SourceConfig(data=coco_data)))
    assert set(np.unique(load_source(SourceConfig(data=coco_data), labels)[0].labels).tolist()) == {280, NOTHING}


def test_regions_may_have_a_palette(index_data: Path) -> None:
    expected = [outlines(sample) for sample in load_source(SourceConfig(data=index_data), LABELS)]
    for path in (index_data / "regions").iterdir():
        values = np.asarray(Image.open(path))
        picture = Image.new("P", values.shape[::-1])
        picture.putdata(values.ravel().tolist())
        picture.putpalette([0, 0, 0, 128, 0, 0, 0, 128, 0] + [0] * 759)
        picture.save(path)
    assert [outlines(sample) for sample in load_source(SourceConfig(data=index_data), LABELS)] == expected


def test_training_sees_a_photograph_as_the_page_does(index_data: Path) -> None:
    from segdemo.images import load_image

    path = index_data / "images" / "p0.png"
    picture = Image.open(path).convert("RGBA")
    picture.putalpha(Image.new("L", picture.size, 100))
    picture.save(path)
    sample = load_source(SourceConfig(data=index_data), LABELS)[0]
    np.testing.assert_array_equal(sample.image, load_image(path))
    assert sample.image.min() > 150  # mostly the white behind it


def test_labels_are_for_photographs_as_viewers_show_them(index_data: Path) -> None:
    path = index_data / "images" / "p0.png"
    upright = Image.open(path).convert("RGB")
    exif = Image.Exif()
    exif[0x0112] = 6
    path.unlink()
    upright.transpose(Image.Transpose.ROTATE_90).save(path.with_suffix(".webp"), lossless=True, exif=exif)
    sample = load_source(SourceConfig(data=index_data, only=["p0"]), LABELS)[0]
    np.testing.assert_array_equal(sample.image, np.asarray(upright))
