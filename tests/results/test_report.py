"""The report's file: what it says against the arrays themselves, that it fetches nothing, and that nothing gets out."""

import base64
import hashlib
import io
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from segdemo.checkpoints import Checkpoint
from segdemo.errors import SegdemoError
from segdemo.evaluation.truth import TrueSegments
from segdemo.prediction import Prediction
from segdemo.results.job import own_job
from segdemo.results.known import KnownLabels
from segdemo.results.make import Source
from segdemo.results.options import OutputOptions
from segdemo.results.report import ReportOptions, make, report, report_options
from segdemo.segmentation import class_probabilities, panoptic, semantic
from segdemo.ui.alone import shell
from tests.results.reading import Read, unpacked

HOSTILE = "</script><img src=x onerror=alert(1)>\"'&<!--<script>"
SIZE = (120, 160)
MADE = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
CHECKPOINT = Checkpoint("some/model", "Some model", "panoptic", "A model.", terms="Only on Tuesdays.")


@pytest.fixture
def prediction(make: Callable[..., Prediction]) -> Prediction:
    drawn = make(image=SIZE, queries=12, classes=5, cells=(30, 40), layers=4, sure=9.0, seed=5)
    rng = np.random.default_rng(1)
    stages = {stride: rng.normal(size=(8, 120 // stride + 1, 160 // stride + 1)) for stride in (4, 8, 16, 32)}
    return replace(drawn, stages={stride: values.astype(np.float16) for stride, values in stages.items()})


@pytest.fixture
def image() -> npt.NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 255, (*SIZE, 3)).astype(np.uint8)


def made(
    image: npt.NDArray[np.uint8], prediction: Prediction, asked: ReportOptions | None = None, **rest: Any
) -> bytes:
    options = rest.pop("options", OutputOptions(score_threshold=0.3, overlap_threshold=0.3))
    checkpoint = rest.pop("checkpoint", CHECKPOINT)
    given = {"shell": shell(), "made": MADE, **rest}
    return report(own_job(), Source(image, prediction), checkpoint, options, asked, **given)


def test_maps_and_areas_are_those_of_the_photo(image: npt.NDArray[np.uint8], prediction: Prediction) -> None:
    read = Read(made(image, prediction))
    labels = semantic(prediction).labels
    assert np.array_equal(unpacked(read.told["maps"]["semantic"]["ids"]), labels)
    expected = panoptic(prediction, score_threshold=0.3, overlap_threshold=0.3)
    assert np.array_equal(unpacked(read.told["maps"]["segments"]["ids"]), expected.ids)
    areas = {entry["label"]: entry["area"] for entry in read.told["maps"]["semantic"]["entries"]}
    assert areas == {f"class {index}": pytest.approx((labels == index).mean()) for index in np.unique(labels)}
    rows = (row for row in reversed(read.rows) if row[0].strip() in areas)  # the classes stand before the segments
    legend = {row[0].strip(): row[1] for row in rows}
    for name, area in areas.items():
        assert float(legend[name].removesuffix("\u00a0%")) == pytest.approx(100 * area, abs=0.5)
    assert len(read.told["maps"]["segments"]["entries"]) == len(expected.segments_info)
    maps = unpacked(read.told["layers"]["maps"])
    assert np.array_equal(maps[0], semantic(prediction, layer=0, size=maps.shape[1:]).labels)
    assert len(maps) == prediction.num_layers


def test_the_pixel_is_explained_and_its_query_followed(image: npt.NDArray[np.uint8], prediction: Prediction) -> None:
    read = Read(made(image, prediction, ReportOptions(pixel=(40, 70))))
    probabilities = class_probabilities(prediction)[:, 70, 40]
    best = int(probabilities.argmax())
    assert read.told["pixel"]["x"] == pytest.approx(40.5 / 160)
    assert read.told["pixel"]["exact"]["label"] == f"class {best}"
    assert read.told["pixel"]["exact"]["probability"] == pytest.approx(float(probabilities[best]), abs=1e-5)
    votes = np.exp(prediction.class_logits()[:, best].astype(np.float64))
    query = read.told["pixel"]["exact"]["query"]
    assert 0 <= query < len(votes)
    assert [entry["title"] for entry in read.told["attention"]] == [
        f"Attention of query {query}, layer {layer}, mean of heads" for layer in (1, 2, 3)
    ]
    peaks = [entry["max"] for entry in read.told["attention"]]
    assert all(0 < peak <= prediction.attention(layer, query).max() for layer, peak in enumerate(peaks, start=1))
    assert "Why this pixel?" in read.texts["h2"]


def test_the_pixel_is_ringed_on_paper(prediction: Prediction) -> None:
    def still(asked: ReportOptions | None) -> npt.NDArray[np.int64]:
        plain = made(np.full((*SIZE, 3), 90, np.uint8), prediction, asked, options=OutputOptions(show_classes=()))
        source = next(str(given["src"]) for tag, given in Read(plain).elements if tag == "img")
        with Image.open(io.BytesIO(base64.b64decode(source.partition(",")[2]))) as picture:
            return np.asarray(picture.convert("L"), np.int64)

    without, ringed = still(None), still(ReportOptions(pixel=(40, 70)))
    rows, columns = np.nonzero(ringed - without > 60)
    assert np.abs(without - 90).max() <= 3
    assert (columns.mean(), rows.mean()) == (pytest.approx(40, abs=1), pytest.approx(70, abs=1))
    assert columns.max() - columns.min() == pytest.approx(12, abs=4)


def test_chosen_query_layer_and_maps(image: npt.NDArray[np.uint8], prediction: Prediction) -> None:
    one = Read(made(image, prediction, ReportOptions(query=7, layer=2)))
    assert [entry["title"] for entry in one.told["attention"]] == ["Attention of query 7, layer 2, mean of heads"]
    two = Read(made(image, prediction, ReportOptions(attention=((1, 3), (3, 5)))))
    assert [entry["title"][:28] for entry in two.told["attention"]] == [
        "Attention of query 3, layer ",
        "Attention of query 5, layer ",
    ]
    assert "Why this pixel?" not in one.texts["h2"]


def test_nothing_that_people_write_becomes_html_or_code(image: npt.NDArray[np.uint8], prediction: Prediction) -> None:
    hostile = replace(prediction, id2label=dict.fromkeys(prediction.id2label, HOSTILE))
    checkpoint = Checkpoint(HOSTILE, HOSTILE, "panoptic", HOSTILE, terms=HOSTILE, note=HOSTILE)
    labels = KnownLabels(np.zeros(SIZE, np.int16), HOSTILE, "index", (HOSTILE,), None, None)
    asked = ReportOptions(title=HOSTILE, note=f"{HOSTILE}\n\n{HOSTILE}", name=f"{HOSTILE}.jpg", pixel=(3, 4))
    read = Read(made(image, hostile, asked, checkpoint=checkpoint, labels=labels))
    plain = Read(
        made(
            image, prediction, replace(asked, title="t", note="n\n\nn", name="x.jpg"), labels=replace(labels, said="s")
        )
    )
    assert [tag for tag, _ in read.elements].count("script") == 2
    assert {tag for tag, _ in read.elements} == {tag for tag, _ in plain.elements}
    for tag, attributes in read.elements:
        assert not any(name.startswith("on") for name in attributes), tag
        assert tag != "img" or str(attributes["src"]).startswith("data:image/webp;base64,")
    assert read.texts["h1"] == read.texts["title"][:1] == [HOSTILE]
    assert read.texts["p"].count(HOSTILE) == 2
    assert read.told["maps"]["semantic"]["entries"][0]["label"] == HOSTILE
    assert "<" not in read.texts["script"][0]


def test_half_a_character_does_not_keep_the_file_from_being_written(
    image: npt.NDArray[np.uint8], prediction: Prediction
) -> None:
    read = Read(made(image, prediction, ReportOptions(title="a\ud800b", note="c\udcffd")))
    assert read.texts["h1"] == ["a?b"]
    assert "c?d" in read.texts["p"]


def test_the_file_may_fetch_nothing_and_runs_its_own_script_only(
    image: npt.NDArray[np.uint8], prediction: Prediction
) -> None:
    page = made(image, prediction)
    read = Read(page)
    policy = next(given["content"] for tag, given in read.elements if given.get("http-equiv"))
    digest = base64.b64encode(hashlib.sha256(read.texts["script"][1].encode()).digest()).decode()
    assert policy == (
        f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
        "form-action 'none'"
    )
    addresses = {word.strip("\"'`(),;") for word in page.decode().replace("=", " ").split() if "://" in word}
    assert addresses == {"http://www.w3.org/2000/svg"}
    assert b"url(" not in page
    assert b"@import" not in page
    links = [given["href"] for tag, given in read.elements if tag in ("a", "link")]
    assert all(str(link).startswith(("#", "data:,")) for link in links)
    assert not {"iframe", "object", "embed", "form", "base"} & {tag for tag, _ in read.elements}


def test_two_reports_of_the_same_differ_in_times_only(image: npt.NDArray[np.uint8], prediction: Prediction) -> None:
    slow = replace(prediction, seconds={"preprocess": 1.0, "forward": 9.0})
    fast = replace(prediction, seconds={"preprocess": 0.1, "forward": 0.2})
    pages = [made(image, slow), made(image, fast, made=datetime(2027, 5, 6, tzinfo=UTC))]
    assert pages[0] != pages[1]
    assert re.sub(rb"<time>[^<]*</time>", b"", pages[0]) == re.sub(rb"<time>[^<]*</time>", b"", pages[1])


def test_measures_are_those_of_the_labels(image: npt.NDArray[np.uint8], prediction: Prediction) -> None:
    labels = semantic(prediction).labels.copy()
    labels[:30] = (labels[:30] + 1) % 5
    regions = TrueSegments(np.ones(SIZE, np.int32), {1: 0})
    known = KnownLabels(labels, "made by hand", "index", ("tractor",), None, regions)
    read = Read(made(image, prediction, labels=known))
    text = " ".join(read.texts["p"])
    assert "Labels: made by hand. Judged: semantic." in text
    assert "tractor" in text
    page = made(image, prediction, labels=known).decode()
    assert "<b>75\u00a0%</b><span>of the labelled pixels are right</span>" in page
    assert "<b>75.0 %</b><span>pixel accuracy</span>" in page
    assert "Errors by kind" in page
    assert "Is it right?" in read.texts["h2"]
    assert "Is it right?" not in Read(made(image, prediction)).texts["h2"]


def test_what_a_network_lacks_is_said_and_leaves_no_empty_section(image: npt.NDArray[np.uint8]) -> None:
    why = "It decides every pixel on its own: there are no queries & no layers."
    lacks = dict.fromkeys(("queries", "layers", "attention"), why) | {"features": "None were kept."}
    logits = np.random.default_rng(2).normal(size=(5, 30, 40)).astype(np.float32)
    names = {index: f"class {index}" for index in range(5)}
    plain = Prediction(SIZE, SIZE, SIZE, names, (), (), logits=logits, lacks=lacks)
    read = Read(made(image, plain, ReportOptions(pixel=(0, 0))))
    assert read.texts["p"].count(why) == 1
    assert "None were kept." in read.texts["p"]
    assert read.texts["h2"] == [
        "What is in the photo",
        "Why this pixel?",
        "What there is not to see",
        "Settings and checkpoint",
    ]
    assert read.told["layers"] is None
    assert list(read.told["maps"]) == ["semantic"]
    with pytest.raises(SegdemoError, match="no queries & no layers"):
        made(image, plain, options=OutputOptions(task="panoptic"))
    with pytest.raises(SegdemoError, match="no queries & no layers"):
        made(image, plain, ReportOptions(query=1))


def test_a_large_file_is_made_smaller_and_says_so(prediction: Prediction, monkeypatch: pytest.MonkeyPatch) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (240, 320, 3)).astype(np.uint8)
    large = replace(prediction, image_size=(240, 320))
    monkeypatch.setattr(make, "SIDES", ((640, 96), (320, 80), (200, 64), (100, 48)))
    whole = made(noise, large)
    assert (Read(whole).told["photo"]["height"], Read(whole).told["photo"]["width"]) == (240, 320)
    assert b"smaller than usual" not in whole
    monkeypatch.setattr(make, "MOST_BYTES", len(whole) - 50_000)
    page = made(noise, large)
    assert len(page) <= len(whole) - 50_000
    read = Read(page)
    height, width = read.told["photo"]["height"], read.told["photo"]["width"]
    assert (height, width) in ((150, 200), (75, 100))
    assert any("smaller than usual" in said and f"{width} × {height} pixels" in said for said in read.texts["p"])
    monkeypatch.setattr(make, "MOST_BYTES", 1000)
    with pytest.raises(SegdemoError, match="larger than"):
        made(noise, large)


def test_settings_and_terms_are_told(image: npt.NDArray[np.uint8], prediction: Prediction) -> None:
    told = replace(prediction, task="panoptic", engine="openvino", precision="int8", device="the processor")
    page = made(image, told, options=OutputOptions(task="panoptic", score_threshold=0.25, opacity=0.3)).decode()
    for said in (
        "Only on Tuesdays.",
        "score_threshold: 0.25",
        "opacity: 0.3",
        "told the task panoptic",
        "openvino, int8",
    ):
        assert said in page
    assert Read(page.encode()).told["shown"] == "segments"


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"pixel": (160, 3)}, "x is 160: choose 0 to 159, since the photo is 160 pixels wide."),
        ({"pixel": (3, -1)}, "y is -1: choose 0 to 119, since the photo is 120 pixels high."),
        ({"query": 12}, "query is 12: choose 0 to 11."),
        ({"layer": 4}, "layer is 4: choose 0 to 3."),
        ({"attention": ((0, 1),)}, "attention names layer 0: choose 1 to 3"),
        ({"attention": ((1, 99),)}, "query is 99"),
    ],
)
def test_what_is_not_there_is_a_sentence(
    image: npt.NDArray[np.uint8], prediction: Prediction, asked: dict[str, Any], said: str
) -> None:
    with pytest.raises(SegdemoError, match=re.escape(said)):
        made(image, prediction, ReportOptions(**asked))


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"title": 3}, "title is 3: give a text"),
        ({"x": 3}, "y is missing"),
        ({"y": 3}, "x is missing"),
        ({"x": 1.5, "y": 2}, "x is 1.5: give a whole number"),
        ({"query": True}, "query is True: give a whole number"),
        ({"query": float("nan")}, "query is nan"),
        ({"layer": "2"}, "layer is 2: give a whole number"),
        ({"attention": "3"}, "attention has '3': give LAYER:QUERY"),
        ({"attention": ", ".join(["1:1"] * 13)}, "13 attention maps are asked for"),
        ({"title": "x" * 201}, "The title has 201 characters"),
        ({"note": "x" * 5001}, "The note has 5001 characters"),
    ],
)
def test_values_of_a_wrong_kind_are_sentences(values: dict[str, Any], said: str) -> None:
    with pytest.raises(SegdemoError, match=re.escape(said)):
        report_options(values)


def test_values_left_out_take_their_defaults() -> None:
    assert report_options({}) == report_options({"title": None, "x": None, "attention": ""}) == ReportOptions()
    found = report_options({"x": 3, "y": 4.0, "attention": "1:2, 3:4,", "file_name": "a b.jpg", "note": " n "})
    assert found == ReportOptions(pixel=(3, 4), attention=((1, 2), (3, 4)), name="a b.jpg", note="n")
    assert found.photo == "a-b"
