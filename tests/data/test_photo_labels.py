"""Labels of one photograph, from every form that people have them in."""

import io
import json

import numpy as np
import pytest
from PIL import Image

from segdemo.class_tables import ADE20K
from segdemo.data.layouts.cityscapes import CLASSES as CITYSCAPES
from segdemo.data.photo_labels import read_photo_labels
from segdemo.errors import SegdemoError
from segdemo.labels import NOTHING, OTHER, VOID
from tests.labelled import CLASSES, SIZE

LABELS = dict(enumerate(CLASSES))
ADE = {index: names.split(",")[0] for index, names in enumerate(ADE20K)}
STREET = dict(enumerate(CITYSCAPES))


def png(values, mode=None, palette=None):
    image = Image.fromarray(np.asarray(values, np.uint8), mode)
    if palette is not None:
        image.putpalette(palette)
    stream = io.BytesIO()
    image.save(stream, "PNG")
    return stream.getvalue()


def expected(picture):
    return np.where(picture.labels == 255, VOID, picture.labels.astype(int))


def test_indices_with_255_are_certain(pictures):
    found = read_photo_labels(png(pictures[0].labels), SIZE, LABELS)
    np.testing.assert_array_equal(found.labels, expected(pictures[0]))
    assert (found.form, found.unmapped, found.objects) == ("index", (), None)
    assert found.said == "Read as class indices of the checkpoint: 3 classes in the photo."
    assert found.covered == {0, 1, 2}


def test_a_palette_png_is_its_places(pictures):
    data = png(pictures[0].labels, palette=list(range(255, -1, -1)) * 3)
    np.testing.assert_array_equal(read_photo_labels(data, SIZE, LABELS).labels, expected(pictures[0]))


def test_ade20ks_own_are_certain_by_a_value_that_only_they_have():
    values = np.array([[0, 1, 150], [3, 5, 150]])
    found = read_photo_labels(png(values), (2, 3), ADE)
    assert found.form == "ade20k"
    np.testing.assert_array_equal(found.labels, values - 1)


def test_ade20ks_own_are_matched_by_name():
    found = read_photo_labels(png([[0, 3, 5]]), (1, 3), {0: "tree", 1: "sky"}, form="ade20k")
    assert found.labels.tolist() == [[VOID, 1, 0]]


def test_what_fits_several_forms_is_asked_for():
    values = png([[0, 1, 2], [3, 5, 6]])
    with pytest.raises(SegdemoError, match=r"fit class indices .* \(index\), or ADE20K's .* \(ade20k\).*say which"):
        read_photo_labels(values, (2, 3), ADE)
    assert read_photo_labels(values, (2, 3), ADE, form="index").labels[1].tolist() == [3, 5, 6]
    assert read_photo_labels(values, (2, 3), ADE, form="ade20k").labels[1].tolist() == [2, 4, 5]


def test_cityscapes_label_ids():
    found = read_photo_labels(png([[7, 11, 23], [26, 33, 4]]), (2, 3), STREET, form="cityscapes")
    assert [CITYSCAPES[index] if index >= 0 else "" for index in found.labels.ravel()] == [
        "road",
        "building",
        "sky",
        "car",
        "bicycle",
        "",
    ]
    # Its train ids end at 18, and ADE20K has "rider" and some others not.
    other = read_photo_labels(png([[7, 25, 25]]), (1, 3), ADE, form="cityscapes")
    assert other.labels.tolist() == [[6, VOID, VOID]]
    assert other.unmapped == ("rider",)
    assert "no such class: rider" in other.said


def test_coco_panoptic_in_either_order(panoptic_data, pictures):
    mask = panoptic_data.parent / "all" / "p1.png"
    for source, table in ((mask, panoptic_data), (panoptic_data, mask)):
        found = read_photo_labels(source, SIZE, LABELS, table=table, name="p1.png")
        np.testing.assert_array_equal(found.labels, expected(pictures[1]))
        assert found.form == "panoptic"
        boxes = [number for number, index in enumerate(found.objects.classes, 1) if index == 2]
        assert len(boxes) == 2
        for number in boxes:
            regions = np.unique(pictures[1].regions[found.objects.segments == number])
            assert len(regions) == 1
            assert regions[0] > 0


def test_coco_panoptic_needs_both_files(panoptic_data):
    with pytest.raises(SegdemoError, match="give the PNG that belongs to it"):
        read_photo_labels(panoptic_data, SIZE, LABELS)
    with pytest.raises(SegdemoError, match=r"in colours: give a palette file .* or, for COCO panoptic, its JSON"):
        read_photo_labels(panoptic_data.parent / "all" / "p1.png", SIZE, LABELS)


def test_coco_objects(coco_data, pictures):
    found = read_photo_labels(coco_data, SIZE, LABELS, name="photos/p2.png")
    assert found.form == "coco"
    boxes = pictures[2].regions > 0
    assert (found.labels[boxes] == 2).all()
    # Sky and grass are not annotated: what is beside the boxes may be either.
    assert (found.labels[~boxes] == OTHER).all()
    assert found.covered == {2}
    assert sorted(found.objects.classes.tolist()) == [OTHER, 2, 2]
    only = read_photo_labels(coco_data, SIZE, {0: "box"}, name="p2.png")
    assert (only.labels[~boxes] == NOTHING).all()


def test_which_picture_of_many_is_said(coco_data):
    with pytest.raises(SegdemoError, match=r"4 pictures, none of which is called street\.jpg"):
        read_photo_labels(coco_data, SIZE, LABELS, name="street.jpg")


@pytest.mark.parametrize(
    "table",
    [
        "0 0 255 sky\n0,128,0,grass\n\nbox\t255 0 0\n",
        "name,r,g,b\nsky,0,0,255\ngrass,0,128,0\nbox,255,0,0\n",
        "#0000ff sky\ngrass #008000\nbox: #FF0000\n",
        json.dumps({"sky": [0, 0, 255], "grass": "#008000", "box": [255, 0, 0]}),
        json.dumps(
            [
                {"name": "sky", "color": [0, 0, 255]},
                {"name": "grass", "color": [0, 128, 0]},
                {"name": "box", "color": [255, 0, 0]},
            ]
        ),
    ],
)
def test_colours(table):
    colours = np.array([[[0, 0, 255], [0, 128, 0]], [[255, 0, 0], [0, 128, 0]]])
    # The same colours as places in a palette, and both files the other way round, as a file dialog may hand them over.
    places = png([[1, 2], [3, 2]], palette=[0, 0, 0, 0, 0, 255, 0, 128, 0, 255, 0, 0])
    for picture in (png(colours), places):
        for source, other in ((picture, table.encode()), (table.encode(), picture)):
            found = read_photo_labels(source, (2, 2), LABELS, table=other)
            assert found.form == "colours"
            assert found.labels.tolist() == [[0, 1], [2, 1]]
    with pytest.raises(SegdemoError, match="This is a palette file: give the PNG"):
        read_photo_labels(table.encode(), (2, 2), LABELS)


@pytest.mark.parametrize(
    ("file", "options", "sentence"),
    [
        (png(np.zeros((3, 4))), {}, "^The PNG of the labels is 4x3, but its picture is 2x2"),
        (png([[0, 1], [177, 178]]), {}, "values 177, 178, which are neither"),
        (png([[9, 9], [1, 0]]), {"form": "index"}, "values 9, which are no class indices"),
        (png([[0, 0], [1, 0]]), {"form": "voc"}, "form 'voc' of labels is not known"),
        (png([[0, 0], [1, 0]]), {"form": "panoptic"}, "without its JSON"),
        (png([[0, 0], [1, 0]]), {"form": "coco"}, "come in a JSON file"),
        (png([[0, 0], [1, 0]]), {"form": "colours"}, "without a palette file"),
        (b"{", {}, "cannot be read as JSON"),
        (b"{}", {}, "there is no list 'images'"),
        (b'{"images": [3], "annotations": []}', {}, r"images\[0\]"),
        (b"GIF89a", {}, "^The PNG of the labels cannot be read as a PNG"),
        (b"", {}, "empty"),
        (png(np.zeros((2, 2, 3))), {"table": b"1 2 3 sky\n1 2 3 box"}, "to 'sky' and to 'box'"),
        (png(np.zeros((2, 2, 3))), {"table": b"1 2 3 sky"}, r"does not name: \(0, 0, 0\)"),
        (png(np.zeros((2, 2, 3))), {"table": b"nothing"}, "names no colours"),
        (png(np.zeros((2, 2, 3))), {"table": b"0 0 0 zebra"}, r"None of the classes of the labels \(zebra\)"),
    ],
)
def test_what_is_wrong_is_a_sentence(file, options, sentence):
    with pytest.raises(SegdemoError, match=sentence):
        read_photo_labels(file, (2, 2), {**LABELS, 3: "car", 4: "road"}, **options)
