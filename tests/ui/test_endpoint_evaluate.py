"""``/evaluate``: the figures and the map of errors that the tab, the command and Python have, too."""

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image
from typer.testing import CliRunner

import segdemo
from segdemo.cli import make_app
from segdemo.images import encode_png_index
from segdemo.model.predictor import load_predictor
from segdemo.prediction import Prediction
from segdemo.results.errormap import encode_error_map
from segdemo.results.job import own_job
from segdemo.ui.store import LabelFiles, Record
from segdemo.ui.tabs.evaluate import evaluation, evaluation_file
from tests.ui.test_forms import call

SET = {"set": "pictures", "name": "photo", "size": [120, 160]}


@pytest.fixture(scope="module")
def prediction(tiny_ade_checkpoint: Path, photo: npt.NDArray[np.uint8]) -> Prediction:
    return load_predictor(str(tiny_ade_checkpoint))(photo)


@pytest.fixture(scope="module")
def truth(prediction: Prediction) -> npt.NDArray[np.uint8]:
    """The network's own map, some of it something else, some of it without a label."""
    labels = segdemo.semantic(prediction).labels.astype(np.uint8)
    labels[:30] = 7
    labels[30:60, :40] = np.roll(labels[30:60, :40], 9, axis=1)
    labels[100:] = 255
    return labels


@pytest.fixture
def labels_file(tmp_path: Path, truth: npt.NDArray[np.uint8]) -> str:
    (tmp_path / "labels.png").write_bytes(encode_png_index(truth))
    return str(tmp_path / "labels.png")


@pytest.fixture
def ask(client: Client, photo_file: str, labels_file: str) -> Callable[..., Any]:
    def asked(**options: Any) -> Any:
        given = {"image": handle_file(photo_file), "labels": handle_file(labels_file), **options}
        return client.predict(**given, api_name="/evaluate")

    return asked


def plain(document: Any) -> Any:
    return json.loads(json.dumps(document))


def test_tab_command_call_and_python_have_the_same_figures(
    ask: Callable[..., Any],
    record: Record,
    prediction: Prediction,
    truth: npt.NDArray[np.uint8],
    tmp_path: Path,
    photo_file: str,
) -> None:
    in_python = segdemo.evaluate(prediction, truth)
    figures = plain(in_python.to_json())
    assert figures["wrong_pixels"] > 0

    called, error_map = ask()
    about = {name: called.pop(name) for name in ("checkpoint", "size", "labels")}
    assert called == figures
    assert about["size"] == [120, 160]
    assert about["labels"]["form"] == "index"

    labelled = record.with_labels(LabelFiles(encode_png_index(truth)))
    assert plain(evaluation(labelled, {}, own_job()))["figures"] == figures
    file = base64.b64decode(evaluation_file(labelled, {"kind": "map"}, own_job())["data"])
    assert Path(error_map).read_bytes() == file == encode_error_map(in_python.kinds)

    for folder in ("images", "labels"):
        (tmp_path / "data" / folder).mkdir(parents=True)
    (tmp_path / "data/images/photo.png").write_bytes(Path(photo_file).read_bytes())
    (tmp_path / "data/labels/photo.png").write_bytes(encode_png_index(truth))
    options = ["--checkpoint", record.checkpoint.id, "--no-segments", "--out", str(tmp_path / "out")]
    done = CliRunner().invoke(make_app(), ["evaluate", "--data", str(tmp_path / "data"), *options])
    assert done.exit_code == 0, done.output
    written = json.loads((tmp_path / "out/evaluation.json").read_text())["images"]
    assert written == [{**SET, **figures}]


def test_what_is_judged_is_what_the_options_make(
    ask: Callable[..., Any], prediction: Prediction, truth: npt.NDArray[np.uint8]
) -> None:
    loose = {"score_threshold": 0.0, "overlap_threshold": 0.2}
    called, error_map = ask(task="panoptic", width=5, layers=False, **loose)
    segments = segdemo.panoptic(prediction, **loose)
    expected = segdemo.evaluate(prediction, truth, segments=segments, width=5, layers=False)
    assert called["judged"] == "panoptic"
    assert called["layers"] == []
    assert called["errors"] == plain(expected.to_json())["errors"]
    assert called["causes"] == plain(expected.to_json())["causes"]
    with Image.open(error_map) as picture:
        assert np.array_equal(np.asarray(picture), expected.kinds)
    assert ask(smallest_region=60)[0]["judged"] == "refined"


def test_over_plain_http_what_is_left_out_takes_its_default(
    client: Client, ask: Callable[..., Any], photo_file: str, labels_file: str
) -> None:
    expected, _ = ask()
    urls = [
        "data:image/png;base64," + base64.b64encode(Path(path).read_bytes()).decode()
        for path in (photo_file, labels_file)
    ]
    event, answer = call(client, {"image": urls[0], "labels": urls[1]}, name="evaluate")
    assert (event, answer[0]) == ("complete", expected)
    event, answer = call(client, {"data": urls}, version="call", name="evaluate")
    assert (event, answer[0]) == ("complete", expected)
    event, answer = call(client, {"data": urls[:1]}, version="call", name="evaluate")
    assert event == "error"
    assert answer["error"].startswith("There is no label file: send one as `labels`")
    for name in ("segment", "explain"):
        event, answer = call(client, {"data": urls[:1]}, version="call", name=name)
        assert event == "complete", answer


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"labels": None}, "There is no label file"),
        ({"image": None}, "There is no photo"),
        ({"form": "voc"}, "form must be one of auto, index"),
        ({"task": "instance"}, "task must be one of semantic, panoptic"),
        ({"width": 50}, "width must be between 0.5 and 20"),
        ({"layers": "all"}, "layers must be true or false"),
        ({"file_name": 3}, "file_name is not a text"),
        ({"score_threshold": 3}, "score threshold is 3"),
        ({"form": "coco"}, "COCO's objects come in a JSON file"),
        ({"labels": {"path": "/etc/hostname"}}, "label file is not a file that was uploaded here"),
    ],
)
def test_bad_input_gets_a_sentence(ask: Callable[..., Any], options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(AppError, match=sentence):
        ask(**options)


def test_labels_of_another_size_get_a_sentence(ask: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "small.png").write_bytes(encode_png_index(np.zeros((5, 5), np.uint8)))
    with pytest.raises(AppError, match="The PNG of the labels is 5x5, but its picture is 160x120"):
        ask(labels=handle_file(str(tmp_path / "small.png")))
