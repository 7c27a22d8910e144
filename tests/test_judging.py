"""An evaluation from files to numbers, with a predictor that is known to be right or wrong."""

import json
from typing import ClassVar

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from segdemo.data import SourceConfig
from segdemo.errors import SegdemoError
from segdemo.evaluation import Quality
from segdemo.evaluation.confusion import ABSENT
from segdemo.judging import SegmentOptions, chosen, run_evaluation, sets_of
from segdemo.prediction import Prediction

LABELS = {0: "sky", 1: "grass", 2: "car"}


class Painter:
    """Predicts the class that a picture's colour stands for: class k where the red channel is 80 k."""

    id2label = LABELS
    task = None

    class family:  # noqa: N801
        lacks: ClassVar[dict[str, str]] = {}

    def check_task(self, task):
        assert task is None

    def predict_batch(self, images, *, size, task=None, capture=False):
        assert size == "checkpoint"
        return [self.predict(image) for image in images]

    def predict(self, image):
        classes = np.rint(image[..., 0] / 80).astype(int)
        masks = np.where(classes == np.arange(3)[:, None, None], 20.0, -20.0).astype(np.float32)
        logits = np.full((3, 4), -20, np.float32)
        logits[np.arange(3), np.arange(3)] = 20
        shape = classes.shape
        return Prediction(shape, shape, shape, LABELS, (masks,), (logits,))


def write(folder, name, labels, *, seen=None, regions=None):
    """A picture whose colours are the classes ``seen``, labelled ``labels``."""
    for part in ("images", "labels", "regions"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    colours = np.zeros((*labels.shape, 3), np.uint8)
    colours[..., 2] = 80 * (labels if seen is None else seen).clip(0, 3)
    cv2.imwrite(str(folder / "images" / f"{name}.png"), colours)
    cv2.imwrite(str(folder / "labels" / f"{name}.png"), labels)
    if regions is not None:
        cv2.imwrite(str(folder / "regions" / f"{name}.png"), regions)


@pytest.fixture
def data(tmp_path):
    """Set a: one perfect picture with two cars side by side. Set b: a picture whose right half is mistaken."""
    labels = np.zeros((16, 16), np.uint8)
    labels[8:, :] = 2
    regions = np.ones((16, 16), np.uint8)
    regions[8:, :4] = 2
    regions[8:, 4:] = 3
    write(tmp_path, "a_1", labels, regions=regions)
    truth = np.ones((16, 16), np.uint8)
    truth[0] = 255
    seen = truth.copy()
    seen[:, 8:] = 0
    seen[0] = 2
    write(tmp_path, "b_1", truth, seen=seen)
    return tmp_path


def test_numbers_by_hand(data):
    report = run_evaluation(Painter(), SourceConfig(data=data), segments=SegmentOptions())
    perfect, half = report.sets["a"], report.sets["b"]
    assert (perfect.pixel_accuracy, perfect.miou, perfect.pictures) == (1, 1, 1)
    assert half.pixels == 15 * 16
    assert half.pixel_accuracy == pytest.approx(0.5)
    assert half.class_iou == pytest.approx({1: 0.5})
    assert half.panoptic is None
    # The car mask covers both cars: 128 pixels against the larger's 96.
    assert perfect.things.pq == pytest.approx(0.75 / 1.5)
    assert perfect.stuff.pq == 1
    assert report.overall.pictures == 2
    assert report.overall.pixel_accuracy == pytest.approx((256 + 120) / (256 + 240))


def test_what_is_not_wanted_is_left_out(data):
    report = run_evaluation(Painter(), SourceConfig(data=data), boundary=False)
    assert report.overall.boundary_f is None
    assert report.overall.panoptic is None
    with_boundary = run_evaluation(Painter(), SourceConfig(data=data))
    assert with_boundary.sets["a"].boundary_f == pytest.approx(1)


def test_a_limit_spreads_over_the_pictures_and_progress_is_told(data):
    told = []
    report = run_evaluation(Painter(), SourceConfig(data=data), limit=1, progress=lambda *state: told.append(state))
    assert list(report.sets) == ["a"]
    assert told == [(1, 1)]
    assert chosen(["a", "b", "c", "d", "e"], 3) == ["a", "c", "e"]


def test_names_with_pattern_characters_are_just_names(tmp_path):
    write(tmp_path, "set[1]_x", np.zeros((8, 8), np.uint8))
    assert run_evaluation(Painter(), SourceConfig(data=tmp_path)).overall.pictures == 1


def test_classes_are_matched_by_name_and_the_rest_has_no_label(tmp_path):
    labels = np.full((8, 8), 1, np.uint8)
    labels[:2] = 0
    write(tmp_path, "a_1", labels, seen=np.full((8, 8), 2, np.uint8))
    (tmp_path / "classes.txt").write_text("zebra crossing\ncar\n")
    report = run_evaluation(Painter(), SourceConfig(data=tmp_path))
    assert report.overall.class_iou == {2: 1.0}
    assert report.overall.pixels == 48


def coco(folder, boxes, categories=("sky", "grass", "car"), **extra):
    """COCO instances of one black picture of 16 x 16 with ``boxes``: (category, x, y, width, height)."""
    cv2.imwrite(str(folder / "a.png"), np.zeros((16, 16, 3), np.uint8))
    objects = [
        {
            "id": place,
            "image_id": 1,
            "category_id": category,
            **extra,
            "segmentation": [[x, y, x + w, y, x + w, y + h, x, y + h]],
        }
        for place, (category, x, y, w, h) in enumerate(boxes)
    ]
    listed = [{"id": number, "name": name} for number, name in enumerate(categories)]
    (folder / "a.json").write_text(
        json.dumps({"images": [{"id": 1, "file_name": "a.png"}], "annotations": objects, "categories": listed})
    )
    return SourceConfig(data=folder / "a.json")


class Sure(Painter):
    """Sees one car in the left half, and is sure of it or not."""

    def __init__(self, everywhere):
        self.everywhere = everywhere

    def predict(self, image):
        shape = image.shape[:2]
        masks = np.full((1, *shape), 20.0 if self.everywhere else -20.0, np.float32)
        masks[..., :8] = 20
        return Prediction(shape, shape, shape, LABELS, (masks,), (np.array([[-20, -20, 20, -20]], np.float32),))


def test_what_has_no_object_counts_against_those_who_see_one_there(tmp_path):
    source = coco(tmp_path, [(2, 0, 0, 8, 16)])
    right = run_evaluation(Sure(everywhere=False), source, segments=SegmentOptions()).overall
    assert (right.pixel_accuracy, right.class_iou, right.panoptic.pq) == (1, {2: 1.0}, 1)
    wrong = run_evaluation(Sure(everywhere=True), source, segments=SegmentOptions()).overall
    assert (wrong.pixel_accuracy, wrong.class_iou) == (0.5, {2: 0.5})
    # Half of the segment is the object: not more than half, so no match.
    assert wrong.panoptic.pq == 0


def test_where_objects_were_left_out_nothing_is_known_of_the_rest(tmp_path):
    source = coco(tmp_path, [(2, 0, 0, 8, 16)]).model_copy(update={"partial": True})
    report = run_evaluation(Sure(everywhere=True), source, segments=SegmentOptions()).overall
    assert (report.pixels, report.pixel_accuracy, report.panoptic.pq) == (128, 1, 1)


def test_classes_that_the_data_does_not_annotate_are_not_wrong_where_it_has_no_object(tmp_path):
    # The data knows cars alone: sky beside one may be right, a car may not.
    source = coco(tmp_path, [(0, 0, 0, 8, 16)], categories=("car",))
    sees_sky = run_evaluation(Painter(), source).overall
    assert (sees_sky.pixels, sees_sky.pixel_accuracy) == (128, 0)
    sees_cars = run_evaluation(Sure(everywhere=True), source, segments=SegmentOptions()).overall
    assert (sees_cars.pixels, sees_cars.class_iou) == (256, {2: 0.5})


def test_a_crowd_excuses_but_is_not_asked_for(tmp_path):
    source = coco(tmp_path, [(2, 0, 0, 8, 16), (1, 8, 0, 8, 16)])
    described = json.loads(source.data.read_text())
    described["annotations"][0]["iscrowd"] = 1
    source.data.write_text(json.dumps(described))
    report = run_evaluation(Sure(everywhere=False), source, segments=SegmentOptions()).overall
    # The car is neither found nor invented; the grass was missed.
    assert (report.pixels, report.class_quality) == (128, {1: Quality(0.0, 0.0, 0.0)})


def test_what_the_data_says_of_things_holds(tmp_path):
    # Two segments of one stuff class are one, and no instance; no table knows the names.
    from tests.layouts import ids_png

    class Parts(Painter):
        id2label = {0: "substrate", 1: "pebble"}  # noqa: RUF012

        def predict(self, image):
            shape = image.shape[:2]
            masks = np.full((3, *shape), -20.0, np.float32)
            masks[0, :, :4] = masks[1, :, 4:10] = masks[2, :, 10:] = 20
            logits = np.array([[20, -20, -20], [-20, 20, -20], [20, -20, -20]], np.float32)
            return Prediction(shape, shape, shape, self.id2label, (masks,), (logits,))

    ids = np.full((16, 16), 7)
    ids[:, 4:10] = 300
    (tmp_path / "pan").mkdir()
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((16, 16, 3), np.uint8))
    ids_png(tmp_path / "pan" / "a.png", ids)
    info = [{"id": 7, "category_id": 1}, {"id": 300, "category_id": 2}]
    categories = [{"id": 1, "name": "substrate", "isthing": 0}, {"id": 2, "name": "pebble", "isthing": 1}]
    (tmp_path / "pan.json").write_text(
        json.dumps(
            {
                "images": [{"id": 1, "file_name": "a.png"}],
                "annotations": [{"image_id": 1, "file_name": "a.png", "segments_info": info}],
                "categories": categories,
            }
        )
    )
    report = run_evaluation(Parts(), SourceConfig(data=tmp_path / "pan.json"), segments=SegmentOptions()).overall
    assert (report.panoptic.pq, report.things.pq, report.stuff.pq) == (1, 1, 1)


@pytest.mark.parametrize(
    ("names", "sets"),
    [
        (["a_1", "a_2", "b_1"], ["a", "a", "b"]),
        (["frame1", "frame2"], ["pictures", "pictures"]),
        (["v0/frame_1", "v0/frame_2", "v1/frame_1"], ["v0", "v0", "v1"]),
        (["s0/image", "s1/image", "s2/image"], ["pictures"] * 3),
        (["1_rgb", "2_rgb", "3_rgb"], ["pictures"] * 3),
        (["1_left", "1_right", *(f"{number}_left" for number in range(2, 14))], ["pictures"] * 14),
        (["img_1", "img_2", "other"], ["img", "img", "pictures"]),
    ],
)
def test_sets_are_folders_or_begin_alike(names, sets):
    assert list(sets_of(names).values()) == sets


def test_no_pictures_is_explained(tmp_path):
    (tmp_path / "images").mkdir()
    (tmp_path / "labels").mkdir()
    with pytest.raises(SegdemoError, match="no pictures"):
        run_evaluation(Painter(), SourceConfig(data=tmp_path))


def app():
    import typer

    from segdemo.cli.evaluate import evaluate

    made = typer.Typer(pretty_exceptions_enable=False)
    made.command()(evaluate)
    return made


def test_the_command_writes_a_table_and_json(data, tmp_path, monkeypatch):
    from segdemo.model import predictor

    class Named(Painter):
        class checkpoint:  # noqa: N801
            id, title, kind = "painter", "Painter", "semantic"

        class engine:  # noqa: N801
            name, precision = "torch", "fp32"

    monkeypatch.setattr(predictor, "load_predictor", lambda *_, **__: Named())
    (data / "split.json").write_text(json.dumps({"train": ["b_1"], "val": ["a_1"]}))
    result = CliRunner().invoke(app(), ["--data", str(data), "--out", str(tmp_path / "new")])
    assert result.exit_code == 0, result.output
    assert "car" in result.output
    assert ABSENT in result.output.replace("\n", " ")
    written = json.loads((tmp_path / "new" / "evaluation.json").read_text())
    assert list(written["sets"]) == ["a"]
    assert written["data"]["split"] == "val"
    assert written["overall"]["pixel_accuracy"] == 1


def test_a_folder_that_cannot_be_written_is_explained(data, tmp_path, monkeypatch):
    from segdemo.model import predictor

    class Named(Painter):
        class checkpoint:  # noqa: N801
            id, title, kind = "painter", "Painter", "semantic"

        class engine:  # noqa: N801
            name, precision = "torch", "fp32"

    monkeypatch.setattr(predictor, "load_predictor", lambda *_, **__: Named())
    (tmp_path / "new" / "images.csv").mkdir(parents=True)
    result = CliRunner().invoke(app(), ["--data", str(data), "--out", str(tmp_path / "new")])
    assert isinstance(result.exception, SegdemoError)
    assert "cannot be used" in str(result.exception)


def test_missing_data_is_explained():
    result = CliRunner().invoke(app(), ["--data", "nowhere"])
    assert isinstance(result.exception, SegdemoError)
    assert "nowhere does not exist: --data is" in str(result.exception)


def test_labels_of_another_size_are_named_each_and_nothing_runs(data, monkeypatch):
    from segdemo.model import predictor

    monkeypatch.setattr(predictor, "load_predictor", lambda *_, **__: Painter())
    for path in (data / "labels").iterdir():
        cv2.imwrite(str(path), np.zeros((8, 8), np.uint8))
    result = CliRunner().invoke(app(), ["--data", str(data)])
    assert isinstance(result.exception, SegdemoError)
    for name in ("a_1", "b_1"):
        assert f"labels/{name}.png is 8x8, but its picture is 16x16." in str(result.exception)
