"""What the Evaluate tab gets from the server: the numbers and pixels of ``evaluate``, and labels kept with a photo."""

import base64
import io
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from segdemo import examples
from segdemo.data.photo_labels import read_photo_labels
from segdemo.errors import SegdemoError
from segdemo.evaluation.errors import KINDS
from segdemo.evaluation.evaluate import evaluate
from segdemo.evaluation.pixel import error_at
from segdemo.images import encode_png_index
from segdemo.labels import VOID
from segdemo.model.predictor import Predictor, load_predictor
from segdemo.results.job import Host, Job, own_job
from segdemo.results.make import make_result
from segdemo.results.options import options_from
from segdemo.segmentation import panoptic, semantic
from segdemo.taxonomy import ade20k
from segdemo.ui.store import GoneError, LabelFiles, Record, Store
from segdemo.ui.tabs.evaluate import LAYERS_FOLLOW, error_pixel, evaluation, evaluation_file, evaluation_pixels
from segdemo.ui.tabs.labels import NO_LABELS, NOT_ITS_CLASSES, add_labels, record_labels, split_files
from tests.packed import unpack


@pytest.fixture
def truth(record: Record) -> npt.NDArray[np.uint8]:
    """The network's own map, some of it called something else, some of it without a label."""
    labels = semantic(record.prediction).labels.astype(np.uint8)
    labels[:30] = 7
    labels[30:60, :40] = np.roll(labels[30:60, :40], 9, axis=1)
    labels[100:] = 255
    return labels


@pytest.fixture
def labelled(record: Record, truth: npt.NDArray[np.uint8]) -> Record:
    return record.with_labels(LabelFiles(encode_png_index(truth)))


def test_numbers_are_those_of_evaluate(labelled: Record, truth: npt.NDArray[np.uint8]) -> None:
    answer = evaluation(labelled, {"width": 5}, own_job())
    expected = evaluate(labelled.prediction, truth, width=5)
    assert json.loads(json.dumps(answer))["figures"] == json.loads(json.dumps(expected.to_json()))
    assert answer["figures"]["ignored_pixels"] == 20 * 160
    assert answer["labels"]["form"] == "index"
    maps = {name: unpack(packed) for name, packed in answer["maps"].items()}
    assert np.array_equal(maps["kinds"], expected.kinds)
    assert expected.causes is not None
    assert np.array_equal(maps["causes"], expected.causes)
    assert expected.lost_at is not None
    assert np.array_equal(maps["lost"].astype(int) - 2, expected.lost_at)
    assert np.array_equal(maps["truth"] == 65_535, truth == 255)
    assert np.array_equal(maps["predicted"], expected.predicted)


def test_all_but_the_layers_is_shown_first(labelled: Record, truth: npt.NDArray[np.uint8]) -> None:
    shown: list[Mapping[str, Any]] = []
    job = Job(Host(waiting=1), visitor="", seconds=60, cancelled=lambda: False, show=shown.append)
    answer = evaluation(labelled, {"width": 5}, job)
    (early,) = shown
    expected = evaluate(labelled.prediction, truth, width=5, layers=False).to_json()
    assert early["figures"] == {**expected, "no_layers": LAYERS_FOLLOW}
    assert early["maps"]["lost"] is None
    assert early["maps"]["kinds"] == answer["maps"]["kinds"]
    assert answer["figures"] == evaluate(labelled.prediction, truth, width=5).to_json()
    # What is there already is the whole of it at once.
    evaluation(labelled, {"width": 9}, job)
    assert len(shown) == 1


def test_what_is_judged_is_what_the_tabs_show(labelled: Record, truth: npt.NDArray[np.uint8]) -> None:
    refine = {"smallest_region": 60}
    answer = evaluation(labelled, {"refine": refine}, own_job())
    made = make_result(own_job(), labelled.source, options_from(refine, labelled.taxonomy))
    assert answer["figures"] == evaluate(labelled.prediction, truth, refined=made.labels).to_json()
    assert answer["figures"]["judged"] == "refined"

    thresholds = {"score_threshold": 0.0, "overlap_threshold": 0.2}
    answer = evaluation(labelled, {"judged": "panoptic", "things_only": True, **thresholds}, own_job())
    segments = panoptic(labelled.prediction, score_threshold=0.0, overlap_threshold=0.2)
    assert answer["figures"] == evaluate(labelled.prediction, truth, segments=segments).to_json()


def test_numbers_open_the_pixels_that_python_has(labelled: Record, truth: npt.NDArray[np.uint8]) -> None:
    expected = evaluate(labelled.prediction, truth)
    is_, found, _ = max(expected.to_json()["confusion"]["cells"], key=lambda cell: (cell[0] != cell[1], cell[2]))
    several: list[list[Any]] = [
        *([kind] for kind in ("wrong", "right", "ignored")),
        *(["kind", kind] for kind in KINDS),
        ["cause", "classification"],
        ["lost", -1],
        ["cell", is_, found],
        ["class", 7],
        ["bin", 1],
        ["slice", "distance", 2],
        ["layer", 1],
    ]
    for which in several:
        answer = evaluation_pixels(labelled, {"pixels": which}, own_job())
        mask = expected.where(*which)
        assert np.array_equal(unpack(answer["mask"]), mask), which
        assert answer["pixels"] == mask.sum()


def test_large_photos_have_smaller_masks(labelled: Record) -> None:
    labelled.display_size = (60, 80)
    answer = evaluation(labelled, {}, own_job())
    assert answer["maps"]["kinds"]["shape"] == [60, 80]
    found = evaluation_pixels(labelled, {"pixels": ["wrong"]}, own_job())
    assert np.array_equal(unpack(found["mask"]) == 1, unpack(answer["maps"]["kinds"]) > 1)


@pytest.mark.parametrize(
    "pixels", [None, [], "wrong", ["kind", "x"], ["bin", 99], ["cell", 1], [["wrong"]], ["lost", True], [1.5]]
)
def test_other_pixels_get_a_sentence(labelled: Record, pixels: Any) -> None:
    with pytest.raises(SegdemoError):
        evaluation_pixels(labelled, {"pixels": pixels}, own_job())


def test_a_pixel_in_words(labelled: Record, truth: npt.NDArray[np.uint8]) -> None:
    expected = evaluate(labelled.prediction, truth)
    for row, column in [(2, 3), (45, 20), (110, 5)]:
        answer = error_pixel(labelled, {"x": (column + 0.5) / 160, "y": (row + 0.5) / 120}, own_job())
        assert answer["sentence"] == error_at(expected, labelled.prediction, row, column).sentence


def test_the_files_hold_the_kinds_and_the_numbers(labelled: Record, truth: npt.NDArray[np.uint8]) -> None:
    expected = evaluate(labelled.prediction, truth)
    file = evaluation_file(labelled, {"kind": "map"}, own_job())
    with Image.open(io.BytesIO(base64.b64decode(file["data"]))) as picture:
        assert picture.mode == "P"
        assert np.array_equal(np.asarray(picture), expected.kinds)
    file = evaluation_file(labelled, {"kind": "json"}, own_job())
    assert json.loads(base64.b64decode(file["data"])) == json.loads(json.dumps(expected.to_json()))


def test_without_labels_it_says_what_to_do(record: Record) -> None:
    assert evaluation(record, {}, own_job()) == {"none": NO_LABELS, "labels": None}
    with pytest.raises(SegdemoError, match="open its label file"):
        evaluation_pixels(record, {"pixels": ["wrong"]}, own_job())


def test_labels_are_read_kept_and_counted(record: Record, truth: npt.NDArray[np.uint8]) -> None:
    content = encode_png_index(truth)
    store = Store(max_bytes=10**9, max_seconds=100)
    token, other = store.put(record), store.put(record)
    answer = add_labels(record, [content], {}, own_job(), lambda new: store.exchange(token, record, new))
    assert answer["said"] == read_photo_labels(content, (120, 160), record.prediction.id2label).said
    kept = store.get(token)
    found = record_labels(kept, own_job())
    assert found is not None
    assert np.array_equal(found.labels == -1, truth == 255)
    assert kept.nbytes == record.nbytes + len(content) + found.labels.nbytes
    assert record_labels(store.get(other), own_job()) is None, "another visitor's page sees these labels"
    with pytest.raises(GoneError):
        store.exchange(token, record, record)
    store.delete(token)
    with pytest.raises(GoneError):
        store.exchange(token, kept, record)


def test_labels_that_cannot_be_read_change_nothing(record: Record) -> None:
    kept: list[Record] = []
    small = encode_png_index(np.zeros((5, 5), np.uint8))
    for files, fields in [
        ([b"nothing"], {}),
        ([small], {}),
        ([small], {"form": "x"}),
        ([], {}),
        ([small, b""], {}),
        ([encode_png_index(np.ones((120, 160), np.uint8))], {}),
    ]:
        with pytest.raises(SegdemoError):
            add_labels(record, files, fields, own_job(), kept.append)
    assert kept == []


def test_the_visitor_may_say_what_the_labels_are(record: Record) -> None:
    kept: list[Record] = []
    content = encode_png_index(np.full((120, 160), 3, np.uint8))
    with pytest.raises(SegdemoError, match="say which they are"):
        add_labels(record, [content], {}, own_job(), kept.append)
    for form, index in (("index", 3), ("ade20k", 2)):
        assert add_labels(record, [content], {"form": form}, own_job(), kept.append)["form"] == form
        found = record_labels(kept[-1], own_job())
        assert found is not None
        assert set(np.unique(found.labels)) == {index}


def test_two_files_come_as_one() -> None:
    assert split_files(b"abcde", [5]) == [b"abcde"]
    assert split_files(b"abcde", [2, 3]) == [b"ab", b"cde"]
    for sizes in (None, [], [4], [6], [-1, 6], [1, 2, 2], [True, 4], ["5"]):
        with pytest.raises(SegdemoError):
            split_files(b"abcde", sizes)


def test_a_scenes_own_labels_have_objects(labelled: Record) -> None:
    scene = next(scene for scene in examples.SCENES if scene.id == "books")
    with Image.open(scene.labels) as picture:
        classes = np.asarray(picture)
    with Image.open(scene.instances) as picture:
        colours = np.asarray(picture.convert("RGB")).astype(int)
    ids = colours @ [1, 256, 65536]
    shown = Record(
        image=np.zeros((768, 1024, 3), np.uint8),
        display=b"",
        display_size=(768, 1024),
        prediction=replace(labelled.prediction, image_size=(768, 1024)),
        taxonomy=labelled.taxonomy,
        checkpoint=labelled.checkpoint,
        example="books",
    )
    found = record_labels(shown, own_job())
    assert found is not None
    assert np.array_equal(found.labels, classes)
    assert found.objects is not None
    assert np.array_equal(found.objects.ids, np.where(classes == 255, 0, ids))
    for number, index in found.objects.classes.items():
        assert set(np.unique(classes[ids == number])) == {index}


def shown_by(predictor: Predictor, photo: npt.NDArray[np.uint8]) -> Record:
    """A drawn example as another checkpoint has it; the photo that was run does not matter here."""
    return Record(
        image=np.zeros((768, 1024, 3), np.uint8),
        display=b"",
        display_size=(768, 1024),
        prediction=replace(predictor(photo), image_size=(768, 1024)),
        taxonomy=predictor.taxonomy,
        checkpoint=predictor.checkpoint,
        example="crossing",
    )


def test_a_scenes_labels_are_in_the_classes_of_any_checkpoint(
    tiny_checkpoint: Path, photo: npt.NDArray[np.uint8]
) -> None:
    shown = shown_by(load_predictor(tiny_checkpoint), photo)
    scene = next(scene for scene in examples.SCENES if scene.id == "crossing")
    with Image.open(scene.labels) as picture:
        drawn = np.asarray(picture)
    names = {0: "wall", 2: "sky", 4: "tree", 20: "car", 12: "person"}
    mine = {name: index for index, name in shown.prediction.id2label.items()}
    expected = np.full(drawn.shape, VOID)
    for index, name in names.items():
        expected[drawn == index] = mine[name]
    found = record_labels(shown, own_job())
    assert found is not None
    assert np.array_equal(found.labels, expected)
    assert found.covered == set(mine.values())
    assert "sky" not in found.unmapped
    lost = [index for index in np.unique(drawn) if index not in names and index != 255]
    assert set(found.unmapped) == {ade20k()[index].name for index in lost}
    assert "the checkpoint has no such class: " + found.unmapped[0] in found.said
    assert found.objects is not None
    assert np.array_equal(found.objects.ids == 0, expected == VOID)


def test_a_scene_of_which_the_checkpoint_has_no_class_is_a_sentence(labelled: Record) -> None:
    strange = replace(labelled.prediction, id2label={index: f"thing {index}" for index in range(150)})
    shown = replace(labelled, prediction=strange, label_files=None, example="crossing")
    assert evaluation(shown, {}, own_job())["none"] == NOT_ITS_CLASSES
