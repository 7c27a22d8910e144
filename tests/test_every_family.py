"""Every kind of network through the command line, the API and evaluation: the same answers as Python's, or why not."""

import base64
import io
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
import numpy.typing as npt
import pytest
from gradio_client import Client, handle_file
from PIL import Image
from typer.testing import CliRunner, Result

import segdemo
from segdemo.class_tables import CITYSCAPES
from segdemo.cli import make_app
from segdemo.images import decode_png_ids, encode_png_index
from segdemo.model.predictor import Predictor, load_predictor
from segdemo.prediction import Prediction
from segdemo.results.job import Host
from segdemo.segmentation import instances, panoptic, semantic
from segdemo.settings import settings
from segdemo.ui.endpoint import add_endpoints
from segdemo.ui.jobs import Jobs
from tests.networks import KINDS

PLAIN = ["--engine", "torch", "--precision", "fp32"]
LOOSE = {"score_threshold": 0.05, "overlap_threshold": 0.1}
QUICK = {"upernet-convnext"}
"""What every run of the tests goes through; the others are as slow together as everything else."""


@dataclass(frozen=True)
class Network:
    """A checkpoint and what it says of the photograph."""

    kind: str
    folder: Path
    predictor: Predictor
    prediction: Prediction
    photo: Path

    @property
    def queries(self) -> bool:
        return "queries" in self.prediction.offers


@pytest.fixture(
    scope="module", params=[kind if kind in QUICK else pytest.param(kind, marks=pytest.mark.slow) for kind in KINDS]
)
def network(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, photo: npt.NDArray[np.uint8]
) -> Network:
    place = tmp_path_factory.mktemp(request.param)
    folder = KINDS[request.param](place)
    predictor = load_predictor(folder, engine="torch", precision="fp32")
    Image.fromarray(photo).save(place / "photo.png")
    return Network(request.param, folder, predictor, predictor(photo), place / "photo.png")


@pytest.fixture(scope="module")
def truth(network: Network) -> npt.NDArray[np.uint8]:
    """The network's own map, with a part that is wrong and one that has no label."""
    labels = semantic(network.prediction).labels.astype(np.uint8)
    labels[20:50] = np.roll(labels[20:50], 9, axis=1)
    labels[100:] = 255
    return labels


@pytest.fixture
def call(network: Network, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Any]]:
    """The API of a page that runs the network."""
    monkeypatch.setenv("SEGDEMO_PRECISION", "fp32")
    settings.cache_clear()
    with gr.Blocks(analytics_enabled=False, delete_cache=(600, 3600)) as blocks:
        add_endpoints(str(network.folder), Jobs(Host(waiting=3)))
    blocks.queue(max_size=5, api_open=False)
    options: dict[str, Any] = {"prevent_thread_lock": True, "quiet": True, "ssr_mode": False}
    _, url, _ = blocks.launch(server_port=None, max_file_size=1_000_000, **options)
    try:
        client = Client(url, verbose=False)
        yield lambda name, **given: client.predict(image=handle_file(str(network.photo)), **given, api_name=f"/{name}")
    finally:
        blocks.close(verbose=False)
        settings.cache_clear()


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(make_app(), [*map(str, arguments), *PLAIN])


def options(**values: float) -> list[str]:
    return [word for name, value in values.items() for word in (f"--{name.replace('_', '-')}", str(value))]


def test_segment_writes_what_python_has(network: Network, photo: npt.NDArray[np.uint8], tmp_path: Path) -> None:
    predictor = network.predictor

    def asked(task: str) -> tuple[Result, Prediction]:
        result = run(
            "segment",
            network.photo,
            "--checkpoint",
            network.folder,
            "--out",
            tmp_path,
            "--task",
            task,
            *options(**LOOSE),
        )
        return result, predictor(photo, task=predictor.told(task), capture=False)

    done, prediction = asked("semantic")
    assert done.exit_code == 0, done.output
    with Image.open(tmp_path / "photo.semantic.png") as picture:
        np.testing.assert_array_equal(np.asarray(picture), semantic(prediction).labels)
    for task in ("panoptic", "instance"):
        done, prediction = asked(task)
        if not network.queries:
            assert done.exit_code == 1
            assert predictor.family.lacks["queries"] in " ".join(done.stderr.split())
            continue
        assert done.exit_code == 0, done.output
        if task == "panoptic":
            ids = panoptic(prediction, **LOOSE, stuff=predictor.taxonomy.stuff).ids
        else:
            found = instances(prediction, score_threshold=LOOSE["score_threshold"], stuff=predictor.taxonomy.stuff)
            ids = found.ids
            listed = json.loads((tmp_path / "photo.instances.json").read_text())
            assert [entry["score"] for entry in listed] == pytest.approx(
                [one.score for one in found.instances], abs=1e-6
            )
            assert listed
        np.testing.assert_array_equal(decode_png_ids((tmp_path / "photo.panoptic.png").read_bytes()), ids)
        written = json.loads((tmp_path / "photo.segments.json").read_text())
        assert written["model"].get("task", "") == prediction.task
        assert {entry["id"] for entry in written["segments_info"]} == set(np.unique(ids).tolist()) - {0}


def test_the_api_answers_as_python(
    network: Network, call: Callable[..., Any], truth: npt.NDArray[np.uint8], tmp_path: Path
) -> None:
    prediction, lacks = network.prediction, network.predictor.family.lacks
    labels = semantic(prediction).labels
    id_map, segments, _ = call("segment", task="semantic")
    with Image.open(id_map) as picture:
        np.testing.assert_array_equal(np.asarray(picture), labels)
    assert {entry["category_id"] for entry in segments["segments_info"]} == set(np.unique(labels).tolist())
    answer = call("explain", x=100, y=60)
    assert answer["classes"][0]["category_id"] == labels[60, 100]
    assert answer["lacks"] == {part: lacks[part] for part in ("queries", "layers", "attention") if part in lacks}
    assert bool(answer["queries"]) == network.queries
    assert len(answer["layers"]) == (prediction.num_layers if "layers" in prediction.offers else 0)
    (tmp_path / "labels.png").write_bytes(encode_png_index(truth))
    figures, error_map = call("evaluate", labels=handle_file(str(tmp_path / "labels.png")), form="index")
    expected = segdemo.evaluate(prediction, truth)
    plain = json.loads(json.dumps(expected.to_json()))
    assert {name: figures[name] for name in plain} == plain
    with Image.open(error_map) as picture:
        np.testing.assert_array_equal(np.asarray(picture), expected.kinds)
    assert (figures["no_layers"] or figures["no_causes"]) == ("" if network.queries else lacks["layers"])


def test_a_folder_is_evaluated_and_reported(
    network: Network, photo: npt.NDArray[np.uint8], truth: npt.NDArray[np.uint8], tmp_path: Path
) -> None:
    data, out = tmp_path / "data", tmp_path / "out"
    pictures = {"one": photo, "two": photo[::-1].copy()}
    for name, picture in pictures.items():
        for part, content in (("images", picture), ("labels", truth), ("regions", np.minimum(truth, 1) + 1)):
            (data / part).mkdir(parents=True, exist_ok=True)
            Image.fromarray(content).save(data / part / f"{name}.png")
    labels = network.predictor.id2label
    (data / "classes.txt").write_text("".join(f"{labels[index]}\n" for index in sorted(labels)))
    done = run("evaluate", "--data", data, "--checkpoint", network.folder, "--out", out)
    assert done.exit_code == 0, done.output
    report = json.loads((out / "evaluation.json").read_text())
    for entry in report["images"]:
        mine = segdemo.evaluate(network.predictor(pictures[entry["name"]]), truth).to_json()
        assert entry["pixel_accuracy"] == pytest.approx(mine["pixel_accuracy"])
        assert entry["miou"] == pytest.approx(mine["miou"])
    page = (out / "report.html").read_text()
    none = network.predictor.family.lacks.get("queries", "")
    assert report["overall"]["no_panoptic"] == none
    assert (report["overall"]["panoptic"] is None) == bool(none)
    assert (f"There is no panoptic quality. {escape(none)}" in page) == bool(none)
    assert ("There is no panoptic quality." in done.output) == bool(none)
    assert ("This checkpoint learned things alone." in done.output) == (network.kind == "coco-instance")


def test_a_report_has_no_empty_panel(network: Network, call: Callable[..., Any], tmp_path: Path) -> None:
    """By command and by HTTP: what a network lacks is a sentence, and all that is there to choose shows something."""
    prediction, lacks, out = network.prediction, network.predictor.family.lacks, tmp_path / "report.html"
    done = run("report", network.photo, "--checkpoint", network.folder, "--pixel", "100,60", "--out", out)
    assert done.exit_code == 0, done.output
    page = re.sub("<time>[^<]*</time>", "", out.read_text())
    called = Path(call("report", x=100, y=60)).read_text()
    assert re.sub("<time>[^<]*</time>", "", called) == page
    sections = dict(re.findall(r'<section id="(\w+)"[^>]*>(.*?)</section>', page, re.DOTALL))
    needs = {"segments": "queries", "layers": "layers", "attention": "attention", "features": "features"}
    there = {name for name, part in needs.items() if part in prediction.offers}
    said = [why for part, why in lacks.items() if part in needs.values()]
    assert set(sections) == {"classes", "pixel", "settings", *there, *(["lacking"] if said else [])}
    assert re.findall(r'href="#(\w+)"', page) == list(sections)
    assert re.findall("<p>(.*?)</p>", sections.get("lacking", "")) == [escape(why) for why in said]
    told = json.loads(re.search('id="told">(.*?)</script>', page)[1])  # type: ignore[index]
    assert set(told["maps"]) == {"semantic", *(["segments"] if network.queries else [])}
    count = {"layer": prediction.num_layers, "attention": len(told["attention"])}
    count["vote"] = told["votes"]["shape"][0] if told["votes"] else 0
    assert (bool(count["vote"]), bool(count["attention"])) == (network.queries, "attention" in prediction.offers)
    for name, content in sections.items():
        words = re.sub("<[^>]*>", " ", content).split()
        assert len(words) > 8, name
        assert network.queries or name == "lacking" or "query" not in words, name
        for kind, number in re.findall(r'data-show="(\w+):(\d+)"', content):
            assert int(number) < count[kind]
        colours = [
            len(Image.open(io.BytesIO(base64.b64decode(source))).getcolors(1 << 20) or "many")
            for source in re.findall(r'<img src="data:image/webp;base64,([^"]*)"', content)
        ]
        assert not colours or max(colours) > 1, name
    assert all("<tbody><tr>" in sections[name] or "None is left" in sections[name] for name in there & {"segments"})


def test_instances_may_overlap_and_streets_have_their_colours(network: Network) -> None:
    if network.kind == "coco-instance":
        found = instances(network.prediction, score_threshold=LOOSE["score_threshold"])
        masks = [one.mask.array() for one in found.instances]
        assert any((one & other).any() for place, one in enumerate(masks) for other in masks[:place])
        assert network.predictor.checkpoint.kind == "instance"
        assert network.predictor.taxonomy.things == frozenset(range(80))
    if network.kind == "cityscapes":
        expected = {index: color for index, (_, color) in enumerate(CITYSCAPES.values())}
        assert network.predictor.taxonomy.colors == expected
        assert len(network.predictor.taxonomy.things) == 8
    told = network.predictor.checkpoint
    assert network.predictor.family.name in told.description
    parts = ("queries", "layers", "attention", "features")
    said = {part for part in parts if re.search(rf"(?<!no ){part}", told.offers.lower())}
    assert said == network.prediction.offers - {"decoder_features"}
