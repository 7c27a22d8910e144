"""The report from the page, from the command line, by HTTP and from Python: the same file, but for times."""

import base64
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image
from typer.testing import CliRunner

from segdemo.cli import make_app
from segdemo.errors import SegdemoError
from segdemo.model.predictor import Predictor, load_predictor
from segdemo.prediction import Prediction
from segdemo.results.job import own_job
from segdemo.segmentation import semantic
from segdemo.ui.store import LabelFiles, Record
from segdemo.ui.tabs.report import report_file

SHARED: dict[str, Any] = {"title": "A <corner>", "note": "One.\n\nTwo.", "query": 5, "layer": 2}
LOOSE: dict[str, Any] = {"score_threshold": 0.2, "overlap_threshold": 0.1, "opacity": 0.7, "smallest_region": 20}


def timeless(page: bytes) -> bytes:
    return re.sub(rb"<time>[^<]*</time>", b"", page)


@pytest.fixture
def drawn(record: Record, make: Callable[..., Prediction], monkeypatch: pytest.MonkeyPatch) -> Record:
    """A record, a call and a command of one photo with the same prediction: nothing runs a network."""
    size = (record.image.shape[0], record.image.shape[1])
    made = make(image=size, queries=12, classes=len(record.taxonomy), layers=4, seed=3, sure=9.0)
    prediction = replace(made, id2label=load_predictor(record.checkpoint.id).id2label)
    monkeypatch.setattr(Predictor, "__call__", lambda *_, **__: prediction)
    record.prediction = prediction
    return record


@pytest.fixture
def labels_file(drawn: Record, tmp_path: Path) -> Path:
    labels = np.roll(semantic(drawn.prediction).labels, 3, axis=1).astype(np.uint8)
    Image.fromarray(labels).save(tmp_path / "photo.labels.png")
    return tmp_path / "photo.labels.png"


def from_the_page(record: Record, **arguments: Any) -> bytes:
    answer = report_file(record, {"task": "semantic", **arguments}, own_job())
    assert answer["mime"] == "text/html"
    return base64.b64decode(answer["data"])


def from_the_command(photo: str, checkpoint: str, out: Path, *options: str) -> bytes:
    done = CliRunner().invoke(make_app(), ["report", photo, "--out", str(out), "--checkpoint", checkpoint, *options])
    assert done.exit_code == 0, done.output
    return out.read_bytes()


@pytest.mark.parametrize("task", ["semantic", pytest.param("panoptic", marks=pytest.mark.slow)])
def test_all_ways_make_the_same_file(
    task: str, drawn: Record, client: Client, photo_file: str, labels_file: Path, tmp_path: Path
) -> None:
    checkpoint = drawn.checkpoint.id
    path = client.predict(
        image=handle_file(photo_file), labels=handle_file(str(labels_file)), form="index", task=task, x=40, y=30,
        **SHARED, **LOOSE, api_name="/report",
    )  # fmt: skip
    called = Path(path).read_bytes()
    words = [f"--{name.replace('_', '-')}={value}" for name, value in {**SHARED, **LOOSE}.items()]
    ran = from_the_command(
        photo_file, checkpoint, tmp_path / "out.html", *words, "--pixel", "40,30", "--task", task, "--form", "index",
        "--labels", str(labels_file),
    )  # fmt: skip
    record = drawn.with_labels(LabelFiles(labels_file.read_bytes(), form="index"))
    refine = {"smallest_region": LOOSE["smallest_region"]}
    clicked = from_the_page(
        record, task=task, pixel_x=40.5 / 160, pixel_y=30.5 / 120, **SHARED, **{**LOOSE, "refine": refine}
    )
    assert timeless(called) == timeless(ran) == timeless(clicked)
    assert b"Is it right?" in called
    assert b"A &lt;corner&gt;" in called


def test_left_out_there_are_defaults(drawn: Record, client: Client, photo_file: str, tmp_path: Path) -> None:
    called = Path(client.predict(image=handle_file(photo_file), api_name="/report")).read_bytes()
    ran = from_the_command(photo_file, drawn.checkpoint.id, tmp_path / "sub" / "out.html")
    clicked = from_the_page(drawn)
    assert timeless(called) == timeless(ran) == timeless(clicked)
    assert b"<h1>Segmentation of photo</h1>" in called
    assert b"Why this pixel?" not in called


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"x": 999, "y": 0}, "x is 999: choose 0 to 159, since the photo is 160 pixels wide."),
        ({"x": 3}, "y is missing"),
        ({"query": "three"}, "query is three: give a whole number."),
        ({"title": ["a"]}, "title is ['a']: give a text."),
        ({"attention": "9:1"}, "attention names layer 9"),
        ({"opacity": "high"}, "opacity is 'high': give a number."),
    ],
)
def test_wrong_options_of_a_call_are_sentences(
    drawn: Record, client: Client, photo_file: str, options: dict[str, Any], said: str
) -> None:
    with pytest.raises(AppError, match=re.escape(said)):
        client.predict(image=handle_file(photo_file), **options, api_name="/report")


def test_wrong_arguments_of_a_page_are_sentences(drawn: Record) -> None:
    with pytest.raises(SegdemoError, match="pixel_x must be between 0 and 1"):
        from_the_page(drawn, pixel_x=3, pixel_y=0.5)
    with pytest.raises(SegdemoError, match="query is 99"):
        from_the_page(drawn, query=99)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--pixel", "3"], "The pixel is '3': give its column and row"),
        (["--attention", "1-2"], "give LAYER:QUERY"),
        (["--table", "x.json"], "give the first one with --labels"),
    ],
)
def test_wrong_options_of_the_command_are_sentences(
    drawn: Record, photo_file: str, tmp_path: Path, options: list[str], said: str
) -> None:
    shared = ["report", photo_file, "--checkpoint", drawn.checkpoint.id, "--out", str(tmp_path / "out.html")]
    done = CliRunner().invoke(make_app(), [*shared, *options])
    assert isinstance(done.exception, SegdemoError)
    assert said in str(done.exception)
    assert not list(tmp_path.glob("*out.html*"))


def test_the_photo_is_not_written_over(drawn: Record, photo_file: str) -> None:
    before = Path(photo_file).read_bytes()
    done = CliRunner().invoke(
        make_app(), ["report", photo_file, "--checkpoint", drawn.checkpoint.id, "--out", photo_file]
    )
    assert "is one of the files to read" in str(done.exception)
    assert Path(photo_file).read_bytes() == before


def test_the_command_has_the_options_of_segment(photo: npt.NDArray[np.uint8]) -> None:
    from inspect import signature

    from segdemo.cli.report import report
    from segdemo.cli.segment import segment
    from segdemo.results.options import flat_defaults

    own, others = signature(report).parameters, signature(segment).parameters
    assert set(flat_defaults()) <= set(own)
    for name in set(flat_defaults()) | {"checkpoint", "engine", "model", "precision", "size", "deadline"}:
        assert own[name].default == others[name].default
