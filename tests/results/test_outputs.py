"""Result files: hand-worked maps, read back by Pillow and json."""

import io
import json
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from segdemo.errors import SegdemoError
from segdemo.images import decode_png_ids
from segdemo.prediction import Prediction
from segdemo.refine import CrfOptions, MorphologyOptions, RefineOptions
from segdemo.render.heatmap import colormap
from segdemo.results.job import own_job
from segdemo.results.make import Result, Source
from segdemo.results.options import OutputOptions, Task, View, options_from
from segdemo.results.outputs import describe, encode_id_map, segment_colors
from segdemo.segmentation.panoptic import Segment, Segments
from segdemo.segmentation.semantic import SemanticMap
from segdemo.taxonomy import taxonomy_for
from tests.results.hand_made import LABELS, hand_made, make_outputs, pixels

PHOTO = np.full((4, 6, 3), 100, np.uint8)


def test_semantic_files_hold_indices_and_the_classes_present(
    prediction: Prediction, image: npt.NDArray[np.uint8]
) -> None:
    result = make_outputs(image, prediction, OutputOptions())
    ids = pixels(result.id_map)
    assert (ids.shape, ids.dtype) == ((32, 48), np.uint8)
    assert (ids[:14] == 1).all()
    assert (ids[18:] == 2).all()
    with Image.open(io.BytesIO(result.id_map), formats=("PNG",)) as shown:
        seen = np.asarray(shown.convert("RGB"))
    assert tuple(seen[0, 0]) == prediction.taxonomy[1].color
    assert tuple(seen[-1, 0]) == prediction.taxonomy[2].color
    by_label = {entry["label"]: entry for entry in result.segments["segments_info"]}
    assert set(by_label) == {"sky", "car"}
    assert by_label["sky"]["id"] == by_label["sky"]["category_id"] == 1
    assert by_label["sky"]["area"] == (ids == 1).sum()
    assert by_label["car"]["bbox"] == [0, int(np.argmax(ids[:, 0] == 2)), 48, int((ids[:, 0] == 2).sum())]
    assert (by_label["sky"]["isthing"], by_label["car"]["isthing"]) == (0, 1)
    assert set(result.files("street")) == {"street.semantic.png", "street.overlay.jpg"}


@pytest.mark.parametrize("task", ["semantic", "panoptic"])
@pytest.mark.parametrize(
    ("classes", "bare"), [("sky", "car"), ("none", "both"), ("", "neither"), ("1, car", "neither")]
)
def test_the_overlay_shows_the_classes_asked_for(
    task: Task, classes: str, bare: str, prediction: Prediction, image: npt.NDArray[np.uint8]
) -> None:
    given = {"task": task, "show_classes": classes, "opacity": 1.0, "outlines": False, "score_threshold": 0.5}
    result = make_outputs(image, prediction, options_from(given, prediction.taxonomy))
    with Image.open(io.BytesIO(result.overlay), formats=("JPEG",)) as shown:
        difference = np.abs(np.asarray(shown).astype(int) - image).max(axis=2)
    sky, car = difference[2:8, 4:-4].mean() > 20, difference[-6:-2, 4:10].mean() > 20
    assert {"car": sky and not car, "both": not sky and not car, "neither": sky and car}[bare]
    # Only the overlay looks different.
    whole = make_outputs(image, prediction, options_from({**given, "show_classes": ""}, prediction.taxonomy))
    assert result.id_map == whole.id_map


@pytest.mark.parametrize("view", ["confidence", "entropy"])
def test_the_overlay_shows_how_sure_the_network_is(view: View, image: npt.NDArray[np.uint8]) -> None:
    """Two queries on all of the photo, of classes as likely on the left as each other: one is sure on the right."""
    masks = np.ones((2, 8, 12), bool)
    masks[1, :, 6:] = False
    prediction = hand_made([1, 2], masks, LABELS)
    made = make_outputs(image, prediction, OutputOptions(view=view, opacity=1, outlines=False))
    shown = pixels(made.overlay).astype(int)
    name, left, right = {
        "confidence": ("viridis", 128, 255),
        "entropy": ("magma", round(255 * np.log(2) / np.log(3)), 0),
    }[view]
    table = colormap(name).astype(int)
    assert np.abs(shown[:, 4:16] - table[left]).max() < 12
    assert np.abs(shown[:, -16:-4] - table[right]).max() < 12
    # The photo is half of it at half the opacity, and outlines are drawn as ever.
    half = pixels(make_outputs(image, prediction, OutputOptions(view=view, outlines=False)).overlay).astype(int)
    assert np.abs(half[:, 4:16] - (table[left] + 100) / 2).max() < 12
    assert made.id_map == make_outputs(image, prediction, OutputOptions()).id_map


@pytest.mark.parametrize("refine", [RefineOptions(), RefineOptions(crf=CrfOptions(enabled=True, iterations=1))])
def test_pixels_of_no_class_are_none_in_the_files(
    prediction: Prediction, image: npt.NDArray[np.uint8], refine: RefineOptions
) -> None:
    masks = prediction.masks[-1].copy()
    masks[0] = -20
    alone = replace(prediction, masks=(masks,), least_score=0.5)
    result = make_outputs(image, alone, OutputOptions(refine=refine, opacity=1))
    ids = pixels(result.id_map)
    assert (ids[:14] == 255).all()
    assert (ids[18:] == 2).all()
    assert [entry["label"] for entry in result.segments["segments_info"]] == ["car"]


def test_what_a_checkpoint_says_of_stuff_holds(prediction: Prediction, image: npt.NDArray[np.uint8]) -> None:
    told = replace(prediction, stuff=frozenset({2}))
    result = make_outputs(image, told, OutputOptions(task="panoptic", score_threshold=0.5))
    assert {entry["label"]: entry["isthing"] for entry in result.segments["segments_info"]} == {"sky": 1, "car": 0}
    assert {entry["name"]: entry["isthing"] for entry in result.segments["categories"]} == {"sky": 1, "car": 0}
    assert len(result.segments["segments_info"]) == 2
    instances = make_outputs(image, told, OutputOptions(task="instance", score_threshold=0.5))
    assert [entry["label"] for entry in instances.segments["segments_info"]] == ["sky"]


def test_panoptic_files_are_coco(prediction: Prediction, image: npt.NDArray[np.uint8]) -> None:
    result = make_outputs(image, prediction, OutputOptions(task="panoptic", score_threshold=0.5))
    files = result.files("street")
    assert list(files) == ["street.panoptic.png", "street.segments.json", "street.overlay.jpg"]
    ids = decode_png_ids(files["street.panoptic.png"])
    document = json.loads(files["street.segments.json"])
    assert document["file_name"] == "street.panoptic.png"
    info = document["segments_info"]
    assert sorted(entry["label"] for entry in info) == ["car", "car", "sky"]
    assert sorted(entry["id"] for entry in info) == sorted(set(np.unique(ids).tolist()) - {0})
    for entry in info:
        mask = ids == entry["id"]
        rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        assert entry["area"] == mask.sum()
        assert entry["bbox"] == [columns[0], rows[0], np.ptp(columns) + 1, np.ptp(rows) + 1]
        assert 0 <= entry["score"] <= 1
    assert {entry["id"]: entry["name"] for entry in document["categories"]} == {1: "sky", 2: "car"}
    assert {entry["name"]: entry["isthing"] for entry in document["categories"]} == {"sky": 0, "car": 1}
    assert document["parameters"]["score_threshold"] == 0.5
    assert document["model"]["checkpoint"] == "hand-made"
    assert pixels(files["street.overlay.jpg"]).shape == (32, 48, 3)


CITY = {0: "road", 1: "sky", 2: "car", 3: "rider", 4: "vegetation"}


@pytest.mark.parametrize("task", ["semantic", "panoptic", "instance"])
def test_label_ids_are_the_benchmarks(image: npt.NDArray[np.uint8], task: Task) -> None:
    masks = np.zeros((3, 8, 12), bool)
    masks[0, 4:, 8:] = masks[1, :3] = masks[2, 5:7, 2:8] = True
    prediction = replace(hand_made([0, 1, 2], masks, CITY), least_score=0.5)
    given = {"task": task, "score_threshold": 0.5, "overlap_threshold": 0.1}
    plain = make_outputs(image, prediction, options_from(given, prediction.taxonomy))
    told = make_outputs(image, prediction, options_from({**given, "label_ids": True}, prediction.taxonomy))
    own = {0: 7, 1: 23, 2: 26}
    for name in ("segments_info", "categories"):
        key = "category_id" if name == "segments_info" else "id"
        assert [own[entry[key]] for entry in plain.segments[name]] == [entry[key] for entry in told.segments[name]]
    before, after = pixels(plain.id_map), pixels(told.id_map)
    if task != "semantic":
        assert (before == after).all()
        assert [entry["category_id"] for entry in told.instances or ()] == ([26] if task == "instance" else [])
        return
    assert set(np.unique(before)) == {0, 1, 2, 255}
    assert (after == np.select([before == index for index in own], list(own.values()), 0)).all()
    with Image.open(io.BytesIO(told.id_map), formats=("PNG",)) as shown:
        assert shown.convert("RGB").getpixel((0, 0)) == (70, 130, 180)


def test_nothing_sure_enough_is_a_result(image: npt.NDArray[np.uint8]) -> None:
    unsure = replace(
        hand_made([1], np.ones((1, 8, 12), bool), LABELS), classes=(np.zeros((1, len(LABELS) + 1), np.float32),)
    )
    result = make_outputs(image, unsure, OutputOptions(task="panoptic"))
    assert result.segments["segments_info"] == result.segments["categories"] == []
    assert decode_png_ids(result.id_map).max() == 0
    assert np.abs(pixels(result.overlay).astype(int) - 100).max() <= 2


def test_results_are_encoded_as_they_are(prediction: Prediction) -> None:
    labels = np.array([[1, 1, 2, 2, 2, 2]] * 4, np.int16)
    given = SemanticMap(labels, np.full(labels.shape, 0.75, np.float32))
    options, source = OutputOptions(), Source(PHOTO, prediction)
    result = Result(options, given, given, None)
    np.testing.assert_array_equal(pixels(encode_id_map(own_job(), source, result)), labels)
    assert [
        (entry["label"], entry["area"], entry["score"], entry["bbox"])
        for entry in describe(own_job(), source, result, options)["segments_info"]
    ] == [
        ("car", 16, 0.75, [2, 0, 4, 4]),
        ("sky", 8, 0.75, [0, 0, 2, 4]),
    ]

    ids = np.array([[0, 300, 300, 300, 7, 7]] * 4, np.int32)
    info = (
        Segment(7, 2, "car", True, 8, (4, 0, 2, 4), 0.9, (0,)),
        Segment(300, 2, "car", True, 12, (1, 0, 3, 4), 0.8, (1,)),
    )
    found = Segments(ids, info)
    encoded = encode_id_map(own_job(), source, Result(OutputOptions(task="panoptic"), found, found, None))
    np.testing.assert_array_equal(decode_png_ids(encoded), ids)


def test_segments_of_a_class_are_distinct_shades_and_stuff_has_its_class_colour() -> None:
    taxonomy = taxonomy_for(LABELS)
    info = [
        Segment(number, category, LABELS[category], category == 2, 1, (0, 0, 1, 1), 1.0, ())
        for number, category in [(1, 1), (2, 2), (3, 2), (4, 2)]
    ]
    colors = segment_colors(info, taxonomy)
    assert colors[1] == taxonomy[1].color
    assert len(set(colors.values())) == 4


def test_more_classes_than_an_index_map_holds_is_a_sentence(image: npt.NDArray[np.uint8]) -> None:
    many = hand_made([0], np.ones((1, 8, 12), bool), {index: f"kind {index}" for index in range(300)})
    with pytest.raises(SegdemoError, match="300 classes"):
        make_outputs(image, many, OutputOptions())
    assert make_outputs(image, many, OutputOptions(task="panoptic")).segments["segments_info"]


def test_a_refined_map_is_what_one_gets_with_the_parameters(
    prediction: Prediction, image: npt.NDArray[np.uint8]
) -> None:
    plain = make_outputs(image, prediction, OutputOptions())
    growing = MorphologyOptions(operation="dilate", size=5, shape="square", classes=(2,))
    grown = make_outputs(image, prediction, OutputOptions(refine=RefineOptions(morphology=growing)))
    before, after = pixels(plain.id_map), pixels(grown.id_map)
    border = int(np.argmax(before[:, 0] == 2))
    assert np.argmax(after[:, 0] == 2) == border - 2
    done = grown.segments["parameters"]["refine"]
    assert done["morphology"]["operation"] == "dilate"
    assert done["changed_percent"] == pytest.approx(100 * 2 / 32, abs=1e-3)
    assert plain.segments["parameters"]["refine"] == {"crf": None, "morphology": None}


def test_segments_are_refined_too(prediction: Prediction, image: npt.NDArray[np.uint8]) -> None:
    without_small = RefineOptions(morphology=MorphologyOptions(operation="erode", size=3))
    result = make_outputs(image, prediction, OutputOptions(task="panoptic", refine=without_small))
    ids = decode_png_ids(result.id_map)
    for entry in result.segments["segments_info"]:
        assert entry["area"] == (ids == entry["id"]).sum()
