"""Pascal VOC and CVAT's masks in its form: classes of one's own, colours, lists."""

import re
from pathlib import Path

import numpy as np
import pytest

from segdemo.data import SourceConfig, load_source, open_source
from segdemo.data.checks import check_source
from segdemo.errors import SegdemoError
from segdemo.labels import NOTHING, VOID
from tests.layouts import ADE, BOX, COUNT, LAYOUTS, SIZE, photo, truth


def test_voc_background_is_a_class_for_those_who_have_it(tmp_path: Path) -> None:
    LAYOUTS["voc"](tmp_path)
    source = SourceConfig(data=tmp_path, split="train")
    names = dict(enumerate(entry.name for entry in open_source(source).classes))
    pictures = load_source(source, names)
    assert set(np.unique(pictures[0].labels).tolist()) == {VOID, 0, 7}
    assert 0 not in pictures.things
    assert pictures.lines("the run")[1:] == []


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


def test_cvat_colours_are_classes(tmp_path: Path) -> None:
    """Hand-worked: two boxes of one class that only their colours in SegmentationObject tell apart, and a tree."""
    from PIL import Image

    LAYOUTS["cvat_masks"](tmp_path)
    none, tree, box = (0, 0, 0), (250, 50, 83), (51, 221, 255)
    classes = np.full((*SIZE, 3), none, np.uint8)
    objects = np.zeros((*SIZE, 3), np.uint8)
    classes[0, :4] = [tree, box, box, none]
    objects[0, :3] = [(128, 0, 0), (0, 128, 0), (128, 128, 0)]
    Image.fromarray(classes).save(tmp_path / "SegmentationClass" / "p0.png")
    Image.fromarray(objects).save(tmp_path / "SegmentationObject" / "p0.png")
    source = SourceConfig(data=tmp_path)
    pictures = load_source(source, {0: "box", 1: "tree"})
    assert pictures[0].labels[0, :4].tolist() == [1, 0, 0, NOTHING]
    assert pictures[0].classes[pictures[0].segments[0, :4].astype(int) - 1].tolist() == [1, 0, 0, NOTHING]
    assert len(set(pictures[0].segments[0, :4].tolist())) == 4
    assert pictures[0].areas == {0: 2, 1: 1}
    # Whoever asks for the background gets it, and whoever has none of a class is told.
    assert load_source(source, {0: "background", 1: "box"})[0].labels[0, :4].tolist() == [VOID, 1, 1, 0]
    # A class list beside it numbers the classes as it likes.
    (tmp_path / "classes.txt").write_text("background\nbox\ntree\n")
    assert load_source(source, {0: "box", 1: "tree"})[0].labels[0, :4].tolist() == [1, 0, 0, NOTHING]


def test_cvat_masks_may_be_of_indices_too(tmp_path: Path) -> None:
    from tests.layouts import index_png, labels

    LAYOUTS["cvat_masks"](tmp_path)
    index_png(tmp_path / "SegmentationClass" / "p0.png", labels(0, 1, 2))
    first, second = load_source(SourceConfig(data=tmp_path), BOX)[:2]
    assert (first.labels == np.where(truth(0), 0, NOTHING)).all()
    assert (second.labels == np.where(truth(1), 0, NOTHING)).all()


@pytest.mark.parametrize(
    ("listed", "said"),
    [
        (
            "background:0,0,0::\nbox:51,221,254::\n",
            r"p0\.png has the colour 51,221,255, which .*labelmap\.txt gives to",
        ),
        ("box:51,221,255::\n", r"p0\.png has the colour 0,0,0, which .*labelmap\.txt gives to no class\."),
        ("background:0,0,0::\n\nbox\n", r"colour 51,221,255, .* gives to no class \(line 3 has no colour\)"),
        ("background\nbox:::\n", r"the colours 0,0,0; 51,221,255, .* gives to no class \(line 1 has no colour\)"),
        ("background:0,0,0::\nbox:1,2::\n", r"labelmap\.txt: line 2 should be name:red,green,blue:parts:actions"),
        ("background:0,0,0::\nbox:1,2,256::\n", r"line 2 should be .* with colours from 0 to 255"),
        ("background:0,0,0::\nbox:1,2,x::\n", r"line 2 should be .* with colours from 0 to 255"),
        ("# a\nbackground:0,0,0::\nbox:0,0,0::\n", r"labelmap\.txt: line 2 and line 3 have the same colour"),
        ("background:0,0,0::\nbox:1,2,3::\nbox:3,2,1::\n", r"the name of a class, each once: see line 3"),
        ("# nothing\n", r"labelmap\.txt lists no classes"),
    ],
)
def test_cvat_colours_that_cannot_be_read_are_named(tmp_path: Path, listed: str, said: str) -> None:
    LAYOUTS["cvat_masks"](tmp_path)
    (tmp_path / "labelmap.txt").write_text(listed)
    fault = check_source(SourceConfig(data=tmp_path), BOX)[0]
    assert re.search(said, fault)


def test_cvat_masks_are_refused_from_their_head(tmp_path: Path) -> None:
    """A mask that says it is of another size is not decoded, and one that shines through has no sure colours."""
    import struct
    import zlib

    from PIL import Image

    LAYOUTS["cvat_masks"](tmp_path)
    first, second = (tmp_path / "SegmentationClass" / f"p{number}.png" for number in (0, 1))
    head = bytearray(first.read_bytes())
    struct.pack_into(">II", head, 16, 9000, 9000)
    struct.pack_into(">I", head, 29, zlib.crc32(bytes(head[12:29])))
    first.write_bytes(head)
    with Image.open(second) as picture:
        clear = picture.convert("RGBA")
    clear.putpixel((3, 3), (0, 0, 0, 254))
    clear.save(second)
    large, transparent = check_source(SourceConfig(data=tmp_path), BOX)
    assert f"{first} is 9000x9000, but its picture is 64x48" in large
    assert f"{second} is transparent in places" in transparent


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
