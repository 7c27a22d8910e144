"""A folder of pictures judged: the files, their figures, and what happens when it is interrupted."""

import csv
import html
import json
import re
import weakref

import cv2
import numpy as np
import pytest

import segdemo
from segdemo.data import Dataset, SourceConfig, open_source
from segdemo.evaluation.report_pictures import WORST
from segdemo.judging import SegmentOptions, run_evaluation
from segdemo.judging_folder import AT_ONCE, COLUMNS, PARTS_FILE, FolderOptions, evaluate_folder
from segdemo.labels import VOID
from tests.predictions import at_random

LABELS = {0: "sky", 1: "grass <b>", 2: "car"}
ABOUT = {"checkpoint": "<script>alert(1)</script>", "engine": "torch", "about_data": ["a & b"], "size": "checkpoint"}


class Guessing:
    """Predicts at random, the same for the same picture; ``ends`` after so many pictures."""

    id2label = LABELS

    def __init__(self, ends=None):
        self.seen = []
        self.ends = ends

    def predict_batch(self, images, *, size, task=None, capture=False):
        found = []
        for image in images:
            if self.ends is not None and len(self.seen) >= self.ends:
                raise KeyboardInterrupt
            self.seen.append(int(image[0, 0, 0]))
            found.append(self.predict(image))
        return found

    def predict(self, image):
        made = at_random(int(image[0, 0, 0]), queries=8, classes=3, cells=(10, 12), layers=3)
        return type(made)(**{**vars(made), "id2label": LABELS})


def write_pictures(folder):
    """Seven pictures of two sets, with objects told apart."""
    rng = np.random.default_rng(0)
    names = [*(f"one/p{number}" for number in range(4)), *(f"two/<i>{number}" for number in range(3))]
    for number, name in enumerate(names):
        for part in ("images", "labels", "regions"):
            (folder / part / name).parent.mkdir(parents=True, exist_ok=True)
        small = rng.integers(0, 3, (4, 5)).astype(np.uint8)
        labels = cv2.resize(small, (48, 40), interpolation=cv2.INTER_NEAREST)
        labels[:2] = 255
        image = np.full((40, 48, 3), 100 + number, np.uint8)
        for part, content in (("images", image), ("labels", labels), ("regions", labels // 2 + 1)):
            cv2.imwrite(str(folder / part / f"{name}.png"), content)
    (folder / "classes.txt").write_text("\n".join(LABELS.values()))
    source = SourceConfig(data=folder)
    return Dataset(open_source(source), source, LABELS)


@pytest.fixture
def data(tmp_path):
    return write_pictures(tmp_path)


def run(data, out, predictor=None, **options):
    out.mkdir(exist_ok=True)
    predictor = predictor or Guessing()
    return evaluate_folder(predictor, data, out, ABOUT, FolderOptions(segments=SegmentOptions(), **options))


def written(out):
    return json.loads((out / "evaluation.json").read_text(encoding="utf-8"))


def test_figures_are_those_of_python(data, tmp_path):
    out = tmp_path / "out"
    report = run(data, out)
    found = written(out)
    assert [image["name"] for image in found["images"]] == data.names
    for image, sample in zip(found["images"], data, strict=True):
        own = segdemo.evaluate(
            Guessing().predict(sample.image), np.where(sample.labels == VOID, 255, sample.labels), things=data.things
        ).to_json()
        for name in ("pixel_accuracy", "miou", "boundary_f", "errors", "causes", "lost_at", "calibration", "slices"):
            assert image[name] == json.loads(json.dumps(own[name])), name
    # And the totals are those of the table that is printed without a folder.
    light = run_evaluation(Guessing(), data, segments=SegmentOptions())
    for name in ("pixel_accuracy", "miou", "boundary_f"):
        assert found["overall"][name] == pytest.approx(getattr(light.overall, name))
        assert getattr(report.overall, name) == pytest.approx(getattr(light.overall, name))
    assert found["overall"]["panoptic"]["pq"] == pytest.approx(light.overall.panoptic.pq)
    assert list(found["sets"]) == list(light.sets) == ["one", "two"]
    assert found["sets"]["two"]["miou"] == pytest.approx(light.sets["two"].miou)
    assert found["overall"]["wrong_pixels"] == sum(image["wrong_pixels"] for image in found["images"])


def test_a_row_for_every_picture(data, tmp_path):
    out = tmp_path / "out"
    run(data, out)
    with (out / "images.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert tuple(rows[0]) == COLUMNS
    assert [row["name"] for row in rows] == data.names
    for row, image in zip(rows, written(out)["images"], strict=True):
        assert float(row["pixel_accuracy"]) == image["pixel_accuracy"]
        assert sum(int(value) for name, value in row.items() if name.startswith("cause: ")) == image["wrong_pixels"]


def largest(classes):
    return sorted((entry for entry in classes if entry["iou"] is not None), key=lambda entry: -entry["true_pixels"])


def test_the_report_fetches_nothing_and_escapes_names(data, tmp_path):
    out = tmp_path / "out"
    run(data, out)
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "<script" not in page
    assert "grass <b>" not in page
    assert "two/<i>" not in page
    assert "two/&lt;i&gt;" in page
    assert not re.findall(r"(?:src|href|url)\s*[=(]\s*[\"']?(?!data:)[a-z/.]+", page)
    assert "http" not in re.sub(r"base64,[^\"]*", "", page).replace("http-equiv", "")
    # The IoU of every class after every layer.
    rows = re.search(r'id="classes-layer-by-layer".*?<tbody>(.*?)</tbody>', page, re.DOTALL)
    assert rows
    for row, entry in zip(rows[1].split("</tr>"), largest(written(out)["overall"]["classes"]), strict=False):
        assert html.escape(entry["label"]) in row
        own = [
            next(one["iou"] for one in layer["classes"] if one["id"] == entry["id"])
            for layer in written(out)["overall"]["layers"]
        ]
        assert re.findall(r">(\d+)</td>", row) == [f"{100 * iou:.0f}" for iou in own]
    # The worst come first.
    order = sorted(written(out)["images"], key=lambda image: image["pixel_accuracy"])
    shown = re.findall(r'<div class="worst"><h3>(\S+):', page)
    assert shown == [image["name"].replace("<", "&lt;").replace(">", "&gt;") for image in order][:WORST]
    assert page.count("data:image/png;base64,") == 2 * len(shown)


def test_only_the_worst_are_shown(data, tmp_path, monkeypatch):
    monkeypatch.setattr("segdemo.judging_folder.WORST", 2)
    out = tmp_path / "out"
    run(data, out)
    order = sorted(written(out)["images"], key=lambda image: image["pixel_accuracy"])
    shown = re.findall(r'<div class="worst"><h3>(\S+):', (out / "report.html").read_text(encoding="utf-8"))
    assert shown == [image["name"].replace("<", "&lt;").replace(">", "&gt;") for image in order][:2]


def test_what_was_interrupted_goes_on(data, tmp_path):
    out, whole = tmp_path / "out", tmp_path / "whole"
    with pytest.raises(KeyboardInterrupt):
        run(data, out, Guessing(ends=4))
    assert not (out / "evaluation.json").exists()
    # The last line was being written.
    parts = out / PARTS_FILE
    text = parts.read_text(encoding="utf-8")
    assert text.count("\n") == 5
    parts.write_text(text[:-40], encoding="utf-8")
    rest = Guessing()
    run(data, out, rest)
    assert rest.seen == [103, 104, 105, 106]
    run(data, whole)
    for name in ("evaluation.json", "images.csv", "report.html"):
        assert (out / name).read_bytes() == (whole / name).read_bytes(), name
    assert sorted(path.name for path in out.iterdir()) == ["evaluation.json", "images.csv", "report.html"]


def test_other_options_begin_anew(data, tmp_path):
    out = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        run(data, out, Guessing(ends=4))
    again = Guessing()
    run(data, out, again, width=5.0)
    assert len(again.seen) == 7
    assert written(out)["overall"]["errors"]["width"] == 5


class Weighing(Guessing):
    """Notes how many photographs and predictions are in memory at once."""

    def __init__(self):
        super().__init__()
        self.made = []
        self.most = 0

    def predict_batch(self, images, *, size, task=None, capture=False):
        found = super().predict_batch(images, size=size, task=task, capture=capture)
        self.made += [weakref.ref(one) for one in (*images, *found)]
        self.most = max(self.most, sum(one() is not None for one in self.made))
        return found


def test_memory_does_not_grow_with_the_pictures(data, tmp_path):
    weighing = Weighing()
    run(data, tmp_path / "out", weighing)
    assert len(weighing.made) == 14
    # Those at work, and at most as many that were before them.
    assert weighing.most <= 4 * AT_ONCE
    assert not any(one() is not None for one in weighing.made)
