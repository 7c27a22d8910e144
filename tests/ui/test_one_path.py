"""Screen, download, call and command: the same map, pixel by pixel, whatever was asked for."""

import base64
import json
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from gradio_client import Client, handle_file
from PIL import Image
from typer.testing import CliRunner

from segdemo.cli import make_app
from segdemo.images import decode_png_ids, load_image
from segdemo.model.predictor import Predictor, load_predictor
from segdemo.prediction import Prediction
from segdemo.results.job import own_job
from segdemo.results.make import reduced
from segdemo.ui.store import Record
from segdemo.ui.tabs.downloads import download
from segdemo.ui.tabs.panoptic import panoptic, panoptic_exactly
from segdemo.ui.tabs.refinement import refine, refine_exactly
from tests.picking import rest_slow

LOOSE = {"score_threshold": 0.0, "mask_threshold": 0.4, "overlap_threshold": 0.0}
REFINEMENTS: dict[str, dict[str, Any]] = {
    "none": {},
    "dilate": {"morphology": "dilate", "kernel_size": 31},
    "open": {"morphology": "open", "kernel_size": 15, "kernel_shape": "square"},
    "regions": {"smallest_region": 300, "largest_hole": 300},
    "crf": {"crf": True, "iterations": 2, "bilateral_sxy": 30},
}
CASES = [
    (task, name)
    for task in ("semantic", "panoptic", "instance")
    for name in REFINEMENTS
    if task == "semantic" or name != "crf"
]

QUICK = [("semantic", "none"), ("semantic", "crf"), ("panoptic", "dilate"), ("instance", "regions")]


def in_the_pages_words(task: str, refinement: dict[str, Any]) -> dict[str, Any]:
    """The arguments that the page sends for the same options."""
    words: dict[str, Any] = {**LOOSE, "refine": refinement}
    return words if task == "semantic" else {**words, "things_only": task == "instance", "split": True}


def shown(packed: dict[str, Any]) -> npt.NDArray[Any]:
    raw = zlib.decompress(base64.b64decode(packed["data"]))
    return np.frombuffer(raw, packed["dtype"]).reshape(packed["shape"])


def downloaded(record: Record, words: dict[str, Any], task: str, kind: str) -> bytes:
    tab = "semantic" if task == "semantic" else "panoptic"
    answer = download(record, {**words, "task": tab, "kind": kind, "opacity": 0.5, "outlines": True}, own_job())
    return base64.b64decode(answer["data"])


def pixels(task: str, content: bytes, folder: Path) -> npt.NDArray[Any]:
    if task != "semantic":
        return decode_png_ids(content)
    (folder / "map.png").write_bytes(content)
    with Image.open(folder / "map.png") as picture:
        return np.asarray(picture)


@pytest.fixture
def same_record(record: Record, make: Callable[..., Prediction], monkeypatch: pytest.MonkeyPatch) -> Record:
    """A record, a call and a command of one photo with a prediction of many small regions: nothing runs a network."""
    size = (record.image.shape[0], record.image.shape[1])
    drawn = make(image=size, queries=40, classes=len(record.taxonomy), seed=3, sure=9.0)
    prediction = replace(drawn, id2label=load_predictor(record.checkpoint.id).id2label)
    monkeypatch.setattr(Predictor, "__call__", lambda *_, **__: prediction)
    record.prediction = prediction
    return record


@pytest.mark.parametrize(("task", "name"), rest_slow(CASES, QUICK.__contains__))
def test_screen_download_and_call_hold_the_same(
    same_record: Record, client: Client, photo_file: str, tmp_path: Path, task: str, name: str
) -> None:
    assert np.array_equal(load_image(photo_file), same_record.image)
    refinement = REFINEMENTS[name]
    words = in_the_pages_words(task, refinement)
    file = downloaded(same_record, words, task, "idmap")
    on_screen = (refine_exactly if task == "semantic" else panoptic)(same_record, words, own_job())
    assert not on_screen["quick"]
    assert np.array_equal(shown(on_screen["map"]), pixels(task, file, tmp_path))
    if name != "none":
        before = downloaded(same_record, in_the_pages_words(task, {}), task, "idmap")
        changed = on_screen["changed"] if task == "semantic" else on_screen["refined"]["changed"]
        # Growing changes nothing where every pixel has its most probable class already.
        assert (changed > 0) == ((task, name) != ("semantic", "dilate"))
        assert changed == pytest.approx((pixels(task, before, tmp_path) != pixels(task, file, tmp_path)).mean())

    id_map, segments, overlay = client.predict(
        image=handle_file(photo_file),
        task=task,
        size="64",
        split_components=task != "semantic",
        **LOOSE,
        **refinement,
        api_name="/segment",
    )
    assert Path(id_map).read_bytes() == file
    assert Path(overlay).read_bytes() == downloaded(same_record, words, task, "overlay")
    whole = segments.pop("instances", None)
    assert segments == json.loads(downloaded(same_record, words, task, "segments"))
    rows = on_screen["entries"] if task == "semantic" else on_screen["segments"]
    seen = {entry["id"] for entry in segments["segments_info"]}
    if task != "instance":
        assert whole is None
        assert {row["id"] for row in rows} == seen
        return
    listed = json.loads(downloaded(same_record, words, task, "instances"))
    assert [{"image_id": "photo", **entry} for entry in whole] == listed
    assert [row["id"] for row in rows] == [entry["segment_id"] for entry in listed]
    assert seen <= {row["id"] for row in rows}


@pytest.mark.parametrize(("task", "name"), [("semantic", "open"), ("panoptic", "dilate"), ("instance", "regions")])
def test_the_command_writes_the_same(
    same_record: Record, photo_file: str, tmp_path: Path, task: str, name: str
) -> None:
    options = {**LOOSE, **REFINEMENTS[name]}
    arguments = [f"--{option.replace('_', '-')}={value}" for option, value in options.items()]
    arguments += ["--task", task, "--size", "64", "--checkpoint", same_record.checkpoint.id, "--out", str(tmp_path)]
    if task != "semantic":
        arguments.append("--split-components")
    if task != "instance":
        arguments.append("--masks")
    done = CliRunner().invoke(make_app(), ["segment", photo_file, *arguments])
    assert done.exit_code == 0, done.output
    kind = "semantic" if task == "semantic" else "panoptic"
    written = (tmp_path / f"photo.{kind}.png").read_bytes()
    words = in_the_pages_words(task, REFINEMENTS[name])
    assert written == downloaded(same_record, words, task, "idmap")
    if task != "instance":
        assert (tmp_path / "photo.masks.json").read_bytes() == downloaded(same_record, words, task, "masks")


@pytest.mark.parametrize(("task", "name"), rest_slow([case for case in CASES if case[1] != "none"], QUICK.__contains__))
def test_of_a_large_photo_the_screen_shows_the_download_made_smaller(
    same_record: Record, tmp_path: Path, task: str, name: str
) -> None:
    same_record.display_size = (60, 80)
    words = in_the_pages_words(task, REFINEMENTS[name])
    quick, exactly = (refine, refine_exactly) if task == "semantic" else (panoptic, panoptic_exactly)
    assert quick(same_record, words, own_job())["quick"]
    on_screen = exactly(same_record, words, own_job())
    assert not on_screen["quick"]
    whole = pixels(task, downloaded(same_record, words, task, "idmap"), tmp_path)
    assert np.array_equal(shown(on_screen["map"]), reduced(whole, (60, 80)))
