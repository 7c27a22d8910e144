"""An evaluation from files to numbers, with a predictor that is known to be right or wrong."""

import json

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from segdemo.errors import SegdemoError
from segdemo.evaluation.report import as_json
from segdemo.evaluation.run import SegmentOptions, chosen, class_table, run_evaluation
from segdemo.prediction import Prediction
from segdemo.training.config import SourceConfig

LABELS = {0: "sky", 1: "grass", 2: "car"}


class Painter:
    """Predicts the class that a picture's colour stands for: class k where the red channel is 80 k."""

    id2label = LABELS

    def predict_batch(self, images, *, size):
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


def test_classes_are_matched_by_name(tmp_path):
    write(tmp_path, "a_1", np.full((8, 8), 1, np.uint8), seen=np.full((8, 8), 2, np.uint8))
    report = run_evaluation(Painter(), SourceConfig(data=tmp_path), classes={0: "grass", 1: "car"})
    assert report.overall.class_iou == {2: 1.0}
    with pytest.raises(SegdemoError, match="class index 1, which this checkpoint does not know"):
        run_evaluation(Painter(), SourceConfig(data=tmp_path), classes={0: "grass", 1: "zebra crossing"})


def test_tables_of_classes():
    assert class_table({0: "car", 1: "sky"}, LABELS) == {0: 2, 1: 0}
    assert class_table({0: "sky", 1: "grass", 2: "automobile"}, LABELS) == {0: 0, 1: 1, 2: 2}


def test_no_pictures_is_explained(tmp_path):
    (tmp_path / "images").mkdir()
    (tmp_path / "labels").mkdir()
    with pytest.raises(SegdemoError, match="no pictures"):
        run_evaluation(Painter(), SourceConfig(data=tmp_path))


def test_generated_scenes_are_a_set(tmp_path, monkeypatch):
    from segdemo.taxonomy import ade20k
    from segdemo.training import drawn

    class Sky(Painter):
        id2label = {entry.index: entry.name for entry in ade20k().classes}  # noqa: RUF012

        def predict(self, image):
            shape = image.shape[:2]
            logits = np.full((1, 151), -20, np.float32)
            logits[0, 2] = 20
            return Prediction(shape, shape, shape, self.id2label, (np.full((1, *shape), 9, np.float32),), (logits,))

    class Cache:
        cache_dir = tmp_path

    monkeypatch.setattr(drawn, "settings", Cache)
    source = SourceConfig(format="scenes", count=2, first_seed=5, size=(48, 64))
    report = run_evaluation(Sky(), source, segments=SegmentOptions())
    assert report.sets["scene"].pictures == 2
    assert 0 <= report.overall.pixel_accuracy <= 1
    assert report.overall.panoptic is not None


def test_json_is_plain(data):
    report = run_evaluation(Painter(), SourceConfig(data=data), segments=SegmentOptions())
    written = json.loads(json.dumps(as_json(report, {"checkpoint": "x"})))
    assert written["checkpoint"] == "x"
    assert written["sets"]["a"]["pixel_accuracy"] == 1
    car = next(entry for entry in written["overall"]["classes"] if entry["label"] == "car")
    assert car["iou"] == 1
    assert car["panoptic"]["pq"] == pytest.approx(0.5)


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
            id, title = "painter", "Painter"

        class engine:  # noqa: N801
            name, precision = "torch", "fp32"

    monkeypatch.setattr(predictor, "load_predictor", lambda *_, **__: Named())
    (data / "split.json").write_text(json.dumps({"train": ["b_1"], "val": ["a_1"]}))
    result = CliRunner().invoke(app(), ["--data", str(data), "--out", str(tmp_path / "new")])
    assert result.exit_code == 0, result.output
    assert "car" in result.output
    written = json.loads((tmp_path / "new" / "evaluation.json").read_text())
    assert list(written["sets"]) == ["a"]
    assert written["data"]["split"] == "val"
    assert written["overall"]["pixel_accuracy"] == 1


@pytest.mark.parametrize("arguments", [[], ["--data", "nowhere"]])
def test_missing_data_is_explained(arguments):
    result = CliRunner().invoke(app(), arguments)
    assert isinstance(result.exception, SegdemoError)
    assert "--data" in str(result.exception)
