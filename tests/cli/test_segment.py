"""``segdemo segment``: the files it writes, what it says about bad ones, and that nothing is overwritten."""

import inspect
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from segdemo.class_tables import COCO_THINGS
from segdemo.cli import make_app
from segdemo.cli.segment import segment
from segdemo.images import decode_png_ids
from segdemo.results.options import flat_defaults

Run = Callable[..., Result]


@pytest.fixture
def run(tiny_ade_checkpoint: Path, tmp_path: Path) -> Run:
    def call(*arguments: str | Path) -> Result:
        shared = ["--checkpoint", str(tiny_ade_checkpoint), "--out", str(tmp_path / "out"), "--precision", "fp32"]
        return CliRunner().invoke(make_app(), ["segment", *map(str, arguments), *shared])

    return call


@pytest.fixture
def street(tmp_path: Path, photo: npt.NDArray[np.uint8]) -> Path:
    Image.fromarray(photo).save(tmp_path / "street.png")
    return tmp_path / "street.png"


def _names(folder: Path) -> list[str]:
    """The results of photographs: what is about all of them, or hidden, is left out."""
    tables = {"results.csv", "failures.csv", "manifest.json", ".segdemo"}
    return sorted(path.name for path in folder.iterdir() if path.name not in tables)


def test_semantic_is_the_default(run: Run, street: Path, tmp_path: Path, photo: npt.NDArray[np.uint8]) -> None:
    result = run(street)
    assert result.exit_code == 0, result.output
    assert _names(tmp_path / "out") == ["street.overlay.jpg", "street.semantic.png"]
    with Image.open(tmp_path / "out" / "street.semantic.png") as ids:
        assert (ids.mode, ids.size) == ("P", photo.shape[1::-1])
        assert np.asarray(ids).max() < 150
    with Image.open(tmp_path / "out" / "street.overlay.jpg") as picture:
        assert (picture.format, picture.size) == ("JPEG", photo.shape[1::-1])
    assert "[1/1]" in result.stdout


@pytest.mark.parametrize("task", ["panoptic", "instance"])
def test_segments_and_options(run: Run, street: Path, tmp_path: Path, task: str) -> None:
    thresholds = ["--score-threshold", "0.05", "--overlap-threshold", "0.1", "--no-fuse-stuff"]
    result = run(street, "--task", task, "--size", "64", *thresholds)
    assert result.exit_code == 0, result.output
    listed = ["street.instances.json"] if task == "instance" else []
    assert _names(tmp_path / "out") == [*listed, "street.overlay.jpg", "street.panoptic.png", "street.segments.json"]
    document = json.loads((tmp_path / "out" / "street.segments.json").read_text())
    ids = decode_png_ids((tmp_path / "out" / "street.panoptic.png").read_bytes())
    areas = {entry["id"]: entry["area"] for entry in document["segments_info"]}
    found, counts = np.unique(ids[ids > 0], return_counts=True)
    assert areas == dict(zip(found.tolist(), counts.tolist(), strict=True))
    assert document["parameters"]["overlap_threshold"] == 0.1
    assert document["parameters"]["fuse_stuff"] is False
    assert min(document["model"]["input_size"]) == 64


def test_results_have_the_photos_upright_size(run: Run, tmp_path: Path, photo: npt.NDArray[np.uint8]) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(photo).save(tmp_path / "turned.jpg", exif=exif)
    assert run(tmp_path / "turned.jpg").exit_code == 0
    with Image.open(tmp_path / "out" / "turned.semantic.png") as ids:
        assert ids.size == photo.shape[:2]


def test_a_bad_file_is_named_and_the_others_are_done(run: Run, street: Path, tmp_path: Path) -> None:
    (tmp_path / "notes.jpg").write_text("not a picture")
    (tmp_path / "empty").mkdir()
    result = run(tmp_path / "missing.jpg", tmp_path / "notes.jpg", tmp_path / "empty", street)
    assert result.exit_code == 1
    for name in ["missing.jpg", "notes.jpg", "empty", "3 of 4"]:
        assert name in result.stderr
    assert _names(tmp_path / "out") == ["street.overlay.jpg", "street.semantic.png"]


def test_inputs_of_one_name_do_not_overwrite_each_other(run: Run, street: Path, tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "street.png").write_bytes(street.read_bytes())
    result = run(tmp_path / "a" / "street.png", tmp_path / "b" / "street.png", tmp_path / "a" / "street.png")
    assert result.exit_code == 0, result.output
    names = ["a_street.png", "b_street.png"]
    assert _names(tmp_path / "out") == sorted(
        f"{name}.{end}" for name in names for end in ("overlay.jpg", "semantic.png")
    )


def test_a_photograph_is_never_overwritten(run: Run, street: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    inputs = [tmp_path / "out" / "street.png", tmp_path / "out" / "street.semantic.png"]
    for path in inputs:
        path.write_bytes(street.read_bytes())
    result = run(*inputs)
    assert result.exit_code == 1
    assert "choose another folder" in result.stderr
    assert [path.read_bytes() for path in inputs] == [street.read_bytes()] * 2


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [(["--size", "huge"], "input size 'huge'"), (["--checkpoint", "no/such"], "not on this machine")],
)
def test_a_mistake_that_concerns_all_files_is_one_sentence(
    street: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    sentence: str,
) -> None:
    from segdemo.cli import main

    monkeypatch.setattr("sys.argv", ["segdemo", "segment", str(street), "--out", str(tmp_path / "out"), *arguments])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 1
    errors = capsys.readouterr().err
    assert errors.startswith("segdemo: ")
    assert sentence in errors
    assert errors.count("\n") == 1


def test_every_output_option_is_on_the_command_line_with_its_default() -> None:
    given = {name: parameter.default for name, parameter in inspect.signature(segment).parameters.items()}
    defaults = flat_defaults()
    # The task by default is the checkpoint's.
    assert {name: given[name] for name in defaults} == {**defaults, "task": None}


def test_refinement(run: Run, street: Path, tmp_path: Path) -> None:
    refinement = [
        "--morphology",
        "close",
        "--kernel-size",
        "9",
        "--refine-classes",
        "sky,tree",
        "--smallest-region",
        "20",
    ]
    result = run(street, "--task", "panoptic", "--score-threshold", "0.05", *refinement)
    assert result.exit_code == 0, result.output
    done = json.loads((tmp_path / "out" / "street.segments.json").read_text())["parameters"]["refine"]
    assert (done["morphology"]["size"], done["morphology"]["smallest_region"]) == (9, 20)
    assert done["morphology"]["classes"] == [2, 4]
    assert run(street, "--crf", "--iterations", "2").exit_code == 0
    assert _names(tmp_path / "out")[-1] == "street.semantic.png"


def test_the_layers_are_an_animation_where_asked_for(run: Run, street: Path, tmp_path: Path) -> None:
    plain = run(street)
    before = {name: (tmp_path / "out" / name).read_bytes() for name in _names(tmp_path / "out")}
    assert plain.exit_code == 0, plain.output
    result = run(street, "--evolution")
    assert result.exit_code == 0, result.output
    assert _names(tmp_path / "out") == ["street.evolution.webp", *sorted(before)]
    assert {name: (tmp_path / "out" / name).read_bytes() for name in before} == before
    with Image.open(tmp_path / "out" / "street.evolution.webp") as picture:
        assert (picture.format, getattr(picture, "n_frames", 1)) == ("WEBP", 5)


def test_help_and_version() -> None:
    runner = CliRunner()
    assert "segment" in runner.invoke(make_app(), ["--help"]).stdout
    assert runner.invoke(make_app(), ["--version"]).stdout.startswith("segdemo ")


@pytest.mark.slow
@pytest.mark.usefixtures("own_cache")
@pytest.mark.parametrize(
    "task", ["panoptic", *(pytest.param(task, marks=pytest.mark.slow) for task in ("semantic", "instance"))]
)
def test_a_published_checkpoint_with_pickled_weights_does_all_tasks(street: Path, tmp_path: Path, task: str) -> None:
    published = Path(__file__).parents[1] / "published" / "coco-instance"
    thresholds = [part for kind in ("score", "overlap", "mask") for part in (f"--{kind}-threshold", "0")]
    arguments = [str(street), "--task", task, "--checkpoint", str(published), "--out", str(tmp_path / "out")]
    result = CliRunner().invoke(make_app(), ["segment", *arguments, *thresholds, "--size", "64"])
    assert result.exit_code == 0, result.output
    if task == "semantic":
        with Image.open(tmp_path / "out" / "street.semantic.png") as ids:
            assert np.asarray(ids).max() < 80
    else:
        segments = json.loads((tmp_path / "out" / "street.segments.json").read_text())["segments_info"]
        assert segments or task == "instance"
        assert {entry["label"] for entry in segments} <= set(COCO_THINGS)
