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
from segdemo.results.make import Result, Source, make_result
from segdemo.results.options import OutputOptions, Task, View, flat_defaults, options_from
from segdemo.results.outputs import Outputs, describe, encode_id_map, segment_colors
from segdemo.results.outputs import make_outputs as make_outputs_for
from segdemo.segmentation.instances import Instances
from segdemo.segmentation.panoptic import Segment, Segments
from segdemo.segmentation.semantic import SemanticMap
from segdemo.taxonomy import taxonomy_for

LABELS = {0: "wall", 1: "sky", 2: "car"}
PHOTO = np.full((4, 6, 3), 100, np.uint8)


def _prediction(mask_classes: list[int], masks: npt.NDArray[np.bool_], id2label: dict[int, str]) -> Prediction:
    """One query for each class given, sure of it and of its mask, at a quarter of a 4 x 4 times larger input."""
    classes = np.full((len(mask_classes), len(id2label) + 1), -20, np.float32)
    classes[np.arange(len(mask_classes)), mask_classes] = 20
    logits = np.where(masks, 20, -20).astype(np.float32)
    size = (4 * masks.shape[1], 4 * masks.shape[2])
    return Prediction(size, size, size, id2label, (logits,), (classes,), checkpoint="hand-made")


@pytest.fixture
def prediction() -> Prediction:
    """Sky in the upper half, a car in the lower left and another in the lower right: 32 x 48."""
    masks = np.zeros((3, 8, 12), bool)
    masks[0, :4] = masks[1, 4:, :6] = masks[2, 4:, 6:] = True
    return _prediction([1, 2, 2], masks, LABELS)


@pytest.fixture
def image() -> npt.NDArray[np.uint8]:
    return np.full((32, 48, 3), 100, np.uint8)


def make_outputs(image: npt.NDArray[np.uint8], prediction: Prediction, options: OutputOptions) -> Outputs:
    return make_outputs_for(own_job(), Source(image, prediction), options)


def _pixels(content: bytes) -> npt.NDArray[np.uint8]:
    with Image.open(io.BytesIO(content)) as image:
        return np.asarray(image)


def test_semantic_files_hold_indices_and_the_classes_present(
    prediction: Prediction, image: npt.NDArray[np.uint8]
) -> None:
    result = make_outputs(image, prediction, OutputOptions())
    ids = _pixels(result.id_map)
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
    prediction = _prediction([1, 2], masks, LABELS)
    made = make_outputs(image, prediction, OutputOptions(view=view, opacity=1, outlines=False))
    shown = _pixels(made.overlay).astype(int)
    name, left, right = {
        "confidence": ("viridis", 128, 255),
        "entropy": ("magma", round(255 * np.log(2) / np.log(3)), 0),
    }[view]
    table = colormap(name).astype(int)
    assert np.abs(shown[:, 4:16] - table[left]).max() < 12
    assert np.abs(shown[:, -16:-4] - table[right]).max() < 12
    # The photo is half of it at half the opacity, and outlines are drawn as ever.
    half = _pixels(make_outputs(image, prediction, OutputOptions(view=view, outlines=False)).overlay).astype(int)
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
    ids = _pixels(result.id_map)
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
    assert _pixels(files["street.overlay.jpg"]).shape == (32, 48, 3)


def test_instances_are_things_alone(prediction: Prediction, image: npt.NDArray[np.uint8]) -> None:
    result = make_outputs(image, prediction, OutputOptions(task="instance"))
    assert [entry["label"] for entry in result.segments["segments_info"]] == ["car", "car"]


@pytest.mark.parametrize(("name", "image_id"), [("000000000139", 139), ("street", "street")])
def test_instances_are_cocos_results(image: npt.NDArray[np.uint8], name: str, image_id: int | str) -> None:
    """A car, and a second one that the first covers in part: read by COCO's own tools."""
    from pycocotools import mask as codec
    from pycocotools.coco import COCO

    masks = np.zeros((2, 8, 12), bool)
    masks[0, :, :8] = masks[1, 2:, 4:] = True
    sure = _prediction([2, 2], masks, LABELS)
    chances = sure.classes[-1].copy()
    chances[1] = [-20, -20, 2, 0]
    prediction = replace(sure, classes=(chances,))
    files = make_outputs(image, prediction, OutputOptions(task="instance", score_threshold=0.3)).files(name)
    assert list(files)[1:] == [f"{name}.segments.json", f"{name}.instances.json", f"{name}.overlay.jpg"]
    listed = json.loads(files[f"{name}.instances.json"])
    ids = decode_png_ids(files[f"{name}.panoptic.png"])
    assert [entry["segment_id"] for entry in listed] == [1, 2]
    truth = COCO()
    truth.dataset = {
        "images": [{"id": image_id, "height": 32, "width": 48}],
        "categories": [{"id": index, "name": label} for index, label in LABELS.items()],
        "annotations": [],
    }
    truth.createIndex()
    found = truth.loadRes(listed)
    first, second = (found.annToMask(entry) > 0 for entry in found.loadAnns(found.getAnnIds()))
    assert (first == (ids == 1)).all()
    assert (ids[second] == 1).any()
    assert ((ids == 2) == (second & ~first)).all()
    assert second[12:, 20:].all()
    assert not second[:4].any()
    for entry, mask in zip(listed, (first, second), strict=True):
        assert (entry["category_id"], entry["label"]) == (2, "car")
        # What the tools have added.
        assert entry["area"] == codec.area(entry["segmentation"]) == mask.sum()
    assert listed[0]["score"] > listed[1]["score"] > 0.3


CITY = {0: "road", 1: "sky", 2: "car", 3: "rider", 4: "vegetation"}


@pytest.mark.parametrize("task", ["semantic", "panoptic", "instance"])
def test_label_ids_are_the_benchmarks(image: npt.NDArray[np.uint8], task: Task) -> None:
    masks = np.zeros((3, 8, 12), bool)
    masks[0, 4:, 8:] = masks[1, :3] = masks[2, 5:7, 2:8] = True
    prediction = replace(_prediction([0, 1, 2], masks, CITY), least_score=0.5)
    given = {"task": task, "score_threshold": 0.5, "overlap_threshold": 0.1}
    plain = make_outputs(image, prediction, options_from(given, prediction.taxonomy))
    told = make_outputs(image, prediction, options_from({**given, "label_ids": True}, prediction.taxonomy))
    own = {0: 7, 1: 23, 2: 26}
    for name in ("segments_info", "categories"):
        key = "category_id" if name == "segments_info" else "id"
        assert [own[entry[key]] for entry in plain.segments[name]] == [entry[key] for entry in told.segments[name]]
    before, after = _pixels(plain.id_map), _pixels(told.id_map)
    if task != "semantic":
        assert (before == after).all()
        assert [entry["category_id"] for entry in told.instances or ()] == ([26] if task == "instance" else [])
        return
    assert set(np.unique(before)) == {0, 1, 2, 255}
    assert (after == np.select([before == index for index in own], list(own.values()), 0)).all()
    with Image.open(io.BytesIO(told.id_map), formats=("PNG",)) as shown:
        assert shown.convert("RGB").getpixel((0, 0)) == (70, 130, 180)


def test_label_ids_are_for_cityscapes_alone(prediction: Prediction) -> None:
    with pytest.raises(SegdemoError, match="Cityscapes' own numbers"):
        options_from({"label_ids": True}, prediction.taxonomy)


def test_other_tasks_have_no_list_of_instances(prediction: Prediction, image: npt.NDArray[np.uint8]) -> None:
    assert make_outputs(image, prediction, OutputOptions(task="panoptic")).instances is None


def test_the_masks_of_instances_follow_what_is_refined(image: npt.NDArray[np.uint8]) -> None:
    masks = np.zeros((2, 8, 12), bool)
    masks[0, :, :8] = masks[1, 2:, 4:] = True
    sure = _prediction([2, 2], masks, LABELS)
    chances = sure.classes[-1].copy()
    chances[1] = [-20, -20, 2, 0]
    prediction = replace(sure, classes=(chances,))
    erode = RefineOptions(morphology=MorphologyOptions(operation="erode", size=3))
    options = OutputOptions(task="instance", score_threshold=0.3)
    result = make_result(own_job(), Source(image, prediction), replace(options, refine=erode))
    before, after = result.before, result.after
    assert isinstance(before, Instances)
    assert isinstance(after, Instances)
    assert len(after.instances) == 2
    for old, new in zip(before.instances, after.instances, strict=True):
        kept, covered = new.mask.array(), old.mask.array() & (before.ids != old.id)
        assert (kept == (covered | (after.ids == new.id))).all()
        assert 0 < new.area < old.area


def test_nothing_sure_enough_is_a_result(image: npt.NDArray[np.uint8]) -> None:
    unsure = replace(
        _prediction([1], np.ones((1, 8, 12), bool), LABELS), classes=(np.zeros((1, len(LABELS) + 1), np.float32),)
    )
    result = make_outputs(image, unsure, OutputOptions(task="panoptic"))
    assert result.segments["segments_info"] == result.segments["categories"] == []
    assert decode_png_ids(result.id_map).max() == 0
    assert np.abs(_pixels(result.overlay).astype(int) - 100).max() <= 2


def test_results_are_encoded_as_they_are(prediction: Prediction) -> None:
    labels = np.array([[1, 1, 2, 2, 2, 2]] * 4, np.int16)
    given = SemanticMap(labels, np.full(labels.shape, 0.75, np.float32))
    options, source = OutputOptions(), Source(PHOTO, prediction)
    result = Result(options, given, given, None)
    np.testing.assert_array_equal(_pixels(encode_id_map(own_job(), source, result)), labels)
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


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"task": "depth"}, "task 'depth' is not known"),
        ({"score_threshold": 1.2}, "score threshold is 1.2"),
        ({"mask_threshold": float("nan")}, "mask threshold is nan"),
        ({"opacity": -1}, "opacity is -1"),
        ({"view": "depth"}, "view 'depth' is not known"),
        ({"task": "panoptic", "view": "entropy"}, "view entropy is of semantic results"),
        ({"min_area": -3}, "least area is -3"),
        ({"task": "panoptic", "refine": RefineOptions(crf=CrfOptions(enabled=True))}, "CRF refines semantic maps only"),
    ],
)
def test_options_out_of_range_are_named(changes: dict[str, object], sentence: str) -> None:
    with pytest.raises(SegdemoError, match=sentence):
        OutputOptions(**changes)  # type: ignore[arg-type]


def test_more_classes_than_an_index_map_holds_is_a_sentence(image: npt.NDArray[np.uint8]) -> None:
    many = _prediction([0], np.ones((1, 8, 12), bool), {index: f"kind {index}" for index in range(300)})
    with pytest.raises(SegdemoError, match="300 classes"):
        make_outputs(image, many, OutputOptions())
    assert make_outputs(image, many, OutputOptions(task="panoptic")).segments["segments_info"]


def test_a_refined_map_is_what_one_gets_with_the_parameters(
    prediction: Prediction, image: npt.NDArray[np.uint8]
) -> None:
    plain = make_outputs(image, prediction, OutputOptions())
    growing = MorphologyOptions(operation="dilate", size=5, shape="square", classes=(2,))
    grown = make_outputs(image, prediction, OutputOptions(refine=RefineOptions(morphology=growing)))
    before, after = _pixels(plain.id_map), _pixels(grown.id_map)
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


def test_flat_options_are_the_options() -> None:
    taxonomy = taxonomy_for(LABELS)
    assert options_from(flat_defaults(), taxonomy) == OutputOptions()
    given = {
        **flat_defaults(),
        "opacity": 0.25,
        "morphology": "open",
        "kernel_size": 7,
        "refine_classes": "car, 0",
        "crf": True,
        "bilateral_srgb": 5,
        "not_an_option": 1,
    }
    assert options_from(given, taxonomy) == OutputOptions(
        opacity=0.25,
        refine=RefineOptions(
            crf=CrfOptions(enabled=True, bilateral_srgb=5),
            morphology=MorphologyOptions(operation="open", size=7, classes=(2, 0)),
        ),
    )
    with pytest.raises(SegdemoError, match="no class 'boat'"):
        options_from({**given, "refine_classes": "boat"}, taxonomy)
    with pytest.raises(SegdemoError, match="no class '9'"):
        options_from({**given, "refine_classes": "9"}, taxonomy)


WRONG = ["text", "0.5", True, [1], {"a": 1}, 1.5, float("nan"), float("inf"), 10**400, -1]


@pytest.mark.parametrize("name", flat_defaults())
@pytest.mark.parametrize("value", WRONG, ids=[repr(value)[:9] for value in WRONG])
def test_every_option_says_when_a_value_is_not_its_own(name: str, value: object) -> None:
    """Each value is either taken as it is, or refused by a sentence that names the option."""
    words = name.replace("_", " ")
    try:
        options = options_from({name: value}, taxonomy_for(LABELS))
    except SegdemoError as error:
        sentence = str(error).lower()
        known = {
            "min_area": "least area",
            "kernel_size": "kernel's size",
            "smallest_region": "smallest region",
            "largest_hole": "largest hole",
            "refine_classes": "no class",
        }
        assert name in sentence or words in sentence or known.get(name, name) in sentence
        return
    assert isinstance(options, OutputOptions)
    kind = type(flat_defaults()[name])
    assert isinstance(value, kind) if kind in (bool, str) else isinstance(value, int | float)
    assert not isinstance(value, bool) or kind is bool


def test_options_left_out_or_none_take_their_defaults() -> None:
    assert options_from({}, taxonomy_for(LABELS)) == OutputOptions()
    assert options_from(dict.fromkeys(flat_defaults()), taxonomy_for(LABELS)) == OutputOptions()
