"""What the Compare tab gets from the server: the figures that Python has of two results of one photo."""

import base64
import csv
import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from segdemo.checkpoints import public_id
from segdemo.errors import SegdemoError
from segdemo.evaluation.agreement import JointClasses, agreement
from segdemo.evaluation.evaluate import class_map, evaluate
from segdemo.images import encode_png_index
from segdemo.model.predictor import load_predictor
from segdemo.results.job import own_job
from segdemo.results.make import make_result
from segdemo.results.options import options_from
from segdemo.segmentation import layer_labels, panoptic, semantic
from segdemo.ui.beside import Beside
from segdemo.ui.runs import Runner
from segdemo.ui.store import GoneError, LabelFiles, Record, Store
from segdemo.ui.tabs.compare import comparison, comparison_file
from segdemo.ui.tabs.labels import NO_LABELS
from tests.packed import unpack


class Page:
    """A visitor's page: a store with the photo, and the questions it asks."""

    def __init__(self, record: Record, *others: Path) -> None:
        self.store = Store(max_bytes=10**9, max_seconds=100)
        self.runner = Runner(
            self.store, lambda: [record.checkpoint, *(load_predictor(path).checkpoint for path in others)]
        )
        self.token = self.store.put(record)

    def ask(self, **arguments: Any) -> dict[str, Any]:
        return comparison(self.store.get(self.token), arguments, own_job(), Beside(self.runner, self.token))

    def file(self, **arguments: Any) -> dict[str, Any]:
        return comparison_file(self.store.get(self.token), arguments, own_job(), Beside(self.runner, self.token))


def check(answer: dict[str, Any], first: Any, second: Any, joint: JointClasses) -> None:
    """The answer's figures and maps are those of ``agreement``."""
    expected = agreement(first, second, joint)
    assert answer["share"] == expected.share
    assert list(answer["pixels"].values()) == list(expected.counts)
    rows = [(row["label"], row["first"], row["second"], row["iou"]) for row in answer["classes"]]
    assert rows == [(row.name, row.first, row.second, row.iou) for row in expected.classes]
    maps = [np.where(unpack(packed) == 65_535, -1, unpack(packed).astype(int)) for packed in answer["maps"]]
    assert np.array_equal(maps[0], expected.first)
    assert np.array_equal(maps[1], expected.second)
    assert np.array_equal(unpack(answer["difference"]), expected.difference)


def test_results_of_one_run_are_compared_as_python_has_them(record: Record) -> None:
    page, prediction = Page(record), record.prediction
    joint = JointClasses(prediction.id2label, prediction.id2label)
    now = semantic(prediction).labels
    check(page.ask(by="layer", first=4, second=1), now, semantic(prediction, layer=1).labels, joint)
    options = {"score_threshold": 0.0, "overlap_threshold": 0.2}
    segments = panoptic(prediction, **options)
    check(page.ask(by="task", first="semantic", second="panoptic", **options), now, class_map(segments), joint)
    refine = {"smallest_region": 60}
    refined = make_result(own_job(), record.source, options_from(refine, record.taxonomy)).labels
    check(page.ask(by="refinement", first=True, second=False, refine=refine), refined, now, joint)
    without = load_predictor(record.checkpoint.id).what_if(prediction, without_layers=[2], without_queries=[1])
    off = {"queries": [1], "layers": [2], "heads": []}
    check(page.ask(by="parts", first=False, second=True, off=off), now, layer_labels(without, -1), joint)
    assert page.store.get_beside(page.token) is None


def test_a_second_run_is_made_once_and_kept_under_the_same_token(record: Record) -> None:
    page = Page(record)
    joint = JointClasses(record.prediction.id2label, record.prediction.id2label)
    predictor = load_predictor(record.checkpoint.id)
    answer = page.ask(by="size", first=None, second="320")
    check(answer, semantic(record.prediction).labels, semantic(predictor(record.image, size=320)).labels, joint)
    assert answer["ran"]
    assert [side["size"] for side in answer["sides"]] == ["checkpoint", "320"]
    beside = page.store.get_beside(page.token)
    assert beside is not None
    assert page.store.nbytes >= record.nbytes + beside.prediction.nbytes
    swapped = page.ask(by="size", first="320", second=None)
    assert not swapped["ran"]
    assert (swapped["share"], swapped["classes"][0]["iou"]) == (answer["share"], answer["classes"][0]["iou"])
    exact = page.ask(by="precision", first=None, second="fp32")
    exactly = load_predictor(record.checkpoint.id, precision="fp32")(record.image)
    check(exact, semantic(record.prediction).labels, semantic(exactly).labels, joint)
    assert (exact["ran"], exact["sides"][1]["precision"]) == (True, "fp32")
    assert page.ask(by="size", first=None, second="320")["ran"], "only one second run is kept"
    page.store.delete(page.token)
    with pytest.raises(GoneError):
        page.ask(by="size", first=None, second="320")


def test_another_checkpoints_classes_are_matched_by_name(record: Record, tiny_checkpoint: Path) -> None:
    page, other = Page(record, tiny_checkpoint), load_predictor(tiny_checkpoint)
    answer = page.ask(by="checkpoint", first=None, second=public_id(other.checkpoint.id))
    joint = JointClasses(record.prediction.id2label, other.id2label)
    check(answer, semantic(record.prediction).labels, semantic(other(record.image)).labels, joint)
    seen = {record.taxonomy[index].name for index in np.unique(semantic(record.prediction).labels)}
    assert set(answer["unmatched"][0]) == seen - {"wall", "sky", "tree", "car", "person"}
    assert answer["unmatched"][1] == []
    assert answer["none"] == NO_LABELS
    # The labels are indices of the first checkpoint's classes, and mean the same for the second.
    truth = np.full((120, 160), 2, np.uint8)
    truth[:, 80:] = 20
    truth[:9] = 255
    page.token = page.store.put(record.with_labels(LabelFiles(encode_png_index(truth), form="index")))
    scored = page.ask(by="checkpoint", first=None, second=public_id(other.checkpoint.id))
    names = {record.taxonomy[index].name: index for index in (2, 20)}
    assert list(names) == ["sky", "car"]
    theirs = np.select([truth == 2, truth == 20], [1, 3], 255)
    for scores, prediction, labels in zip(
        scored["scores"], (record.prediction, other(record.image)), (truth, theirs), strict=True
    ):
        figures = evaluate(prediction, labels).to_json()
        assert scores["pixel_accuracy"] == figures["pixel_accuracy"]
        assert scores["ece"] == figures["calibration"]["ece"]


def test_scores_and_causes_are_those_of_evaluate(record: Record) -> None:
    prediction = record.prediction
    truth = semantic(prediction).labels.astype(np.uint8)
    truth[30:70] = np.roll(truth[30:70], 9, axis=1)
    truth[100:] = 255
    page = Page(record.with_labels(LabelFiles(encode_png_index(truth), form="index")))
    answer = page.ask(by="layer", first=4, second=2)
    cut = replace(prediction, masks=prediction.masks[:3], classes=prediction.classes[:3], attentions=())
    for place, which in enumerate((prediction, cut)):
        expected = evaluate(which, truth)
        figures = expected.to_json()
        scores = answer["scores"][place]
        assert scores["miou"] == figures["miou"]
        assert scores["boundary_f"] == figures["boundary_f"]
        totals = answer["outcomes"]["totals"][place]
        assert totals["right"] == figures["right_pixels"]
        assert {entry["cause"]: entry["pixels"] for entry in figures["causes"]} == {
            name: totals[name] for name in answer["outcomes"]["names"][2:-1]
        }
    assert sum(pixels for _, _, pixels in answer["outcomes"]["changes"]) == 100 * 160
    assert unpack(answer["outcomes"]["maps"][0])[110].max() == 0


def test_segments_are_judged_by_all_their_options(record: Record) -> None:
    """As in the Evaluate tab: what is smaller than the least area is not there."""
    queries, height, width = record.prediction.masks[-1].shape
    masks = np.full((queries, height, width), -8, record.prediction.masks[-1].dtype)
    masks[0, :, : width // 4], masks[1, :, width // 4 :] = 8, 8
    classes = np.full(record.prediction.classes[-1].shape, -8, np.float32)
    classes[:, -1], classes[0, 2], classes[1, 5] = 8, 20, 20
    parts = {
        name: (*getattr(record.prediction, name)[:-1], last) for name, last in (("masks", masks), ("classes", classes))
    }
    record = replace(record, prediction=replace(record.prediction, **parts))
    options = {"score_threshold": 0.0, "overlap_threshold": 0.0}
    whole = panoptic(record.prediction, **options)
    options["min_area"] = max(segment.area for segment in whole.segments_info)
    segments = panoptic(record.prediction, **options)
    truth = class_map(whole).astype(np.uint8)
    expected = evaluate(record.prediction, truth, segments=segments, panoptic_options=options).to_json()
    page = Page(record.with_labels(LabelFiles(encode_png_index(truth), form="index")))
    answer = page.ask(by="task", first="panoptic", second="semantic", **options)
    assert 0 < expected["pixel_accuracy"] < 1
    assert answer["scores"][0]["pixel_accuracy"] == expected["pixel_accuracy"]
    totals = answer["outcomes"]["totals"][0]
    assert {entry["cause"]: entry["pixels"] for entry in expected["causes"]} == {
        name: totals[name] for name in answer["outcomes"]["names"][2:-1]
    }


def test_labels_in_which_the_second_checkpoint_finds_none_of_its_classes(record: Record, tiny_checkpoint: Path) -> None:
    truth = encode_png_index(np.full((120, 160), 100, np.uint8))
    page = Page(record.with_labels(LabelFiles(truth, form="ade20k")), tiny_checkpoint)
    other = load_predictor(tiny_checkpoint).checkpoint.id
    answer = page.ask(by="checkpoint", first=None, second=public_id(other))
    assert answer["scores"][0]["pixel_accuracy"] is not None
    assert answer["scores"][1]["pixel_accuracy"] is None
    assert answer["outcomes"]["changes"] == []


def test_the_files_hold_the_difference_and_the_table(record: Record) -> None:
    page = Page(record)
    answer = page.ask(by="layer", first=4, second=0)
    file = page.file(by="layer", first=4, second=0, kind="map")
    with Image.open(io.BytesIO(base64.b64decode(file["data"]))) as picture:
        assert picture.mode == "P"
        assert np.array_equal(np.asarray(picture), unpack(answer["difference"]))
    file = page.file(by="layer", first=4, second=0, kind="csv")
    rows = list(csv.DictReader(io.StringIO(base64.b64decode(file["data"]).decode("utf-8"))))
    assert [row["class"] for row in rows] == [row["label"] for row in answer["classes"]]
    assert [float(row["share_b"]) for row in rows] == [row["second"] for row in answer["classes"]]
    assert [float(row["iou"]) for row in rows] == [row["iou"] for row in answer["classes"]]


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"by": "size", "first": "320", "second": "480"},
        {"by": "size", "first": None, "second": None},
        {"by": "size", "first": None, "second": "1"},
        {"by": "precision", "first": None, "second": "fp7"},
        {"by": "checkpoint", "first": None, "second": "/etc"},
        {"by": "task", "first": "semantic", "second": "instance"},
        {"by": "layer", "first": 0, "second": 99},
        {"by": "layer", "first": 0, "second": True},
        {"by": "refinement", "first": False, "second": True},
        {"by": "refinement", "first": False, "second": "yes"},
        {"by": "parts", "first": False, "second": True},
        {"by": "parts", "first": False, "second": True, "off": {"queries": [], "layers": [], "heads": []}},
        {"by": "parts", "first": False, "second": True, "off": {"layers": [77]}},
    ],
)
def test_what_cannot_be_compared_gets_a_sentence(record: Record, arguments: dict[str, Any]) -> None:
    with pytest.raises(SegdemoError, match=r"\.$"):
        Page(record).ask(**arguments)


def test_both_runs_are_dropped_together(record: Record) -> None:
    other = replace(record, size="320", _derived=type(record._derived)())
    store = Store(max_bytes=10**9, max_seconds=100)
    token = store.put(record)
    store.put_beside(token, other)
    assert store.nbytes == record.nbytes + other.nbytes
    assert store.find(lambda found: found.size == "320") is other
    labelled = record.with_labels(LabelFiles(b"x"))
    store.exchange(token, record, labelled)
    assert store.get_beside(token) is other, "labels for the photo drop its second run"
    store.max_bytes = record.nbytes
    store.trim()
    assert store.get_beside(token) is other, "the newest photo lost its second run"
    newer = store.put(record)
    with pytest.raises(GoneError):
        store.get_beside(token)
    assert store.get_beside(newer) is None
    with pytest.raises(GoneError):
        store.put_beside(token, other)
