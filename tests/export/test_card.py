"""What a card says, how an export is told of, and which graph a photograph goes to."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from segdemo.errors import MissingExtraError, NotOfferedError, SegdemoError
from segdemo.export.card import command_line, finite, share
from segdemo.export.telling import Steps
from segdemo.export.tensorrt import trtexec_line
from segdemo.model.exported import FittingSizes, load_exported, read_exported
from segdemo.model.preprocessing import Preprocessing
from segdemo.model.runtimes import load_graph


def exported(folder: Path, *names: str) -> Path:
    """A folder that looks like an export, with graphs of no content."""
    files = [{"name": name, "height": 96, "width": 32 * number, "bytes": 0} for number, name in enumerate(names, 3)]
    for name in names:
        (folder / name).write_bytes(b"")
    card = {"format": "onnx", "precision": "fp32", "files": files}
    (folder / "parity.json").write_text(json.dumps(card))
    return folder


def preprocessing(**changes: object) -> Preprocessing:
    values = {
        "size": {"shortest_edge": 96, "longest_edge": 384},
        "size_divisor": 32,
        "resample": 2,
        "do_resize": True,
        "do_rescale": True,
        "rescale_factor": 1 / 255,
        "do_normalize": False,
        "mean": (0.0, 0.0, 0.0),
        "std": (1.0, 1.0, 1.0),
    }
    return Preprocessing(**{**values, **changes})


def test_the_command_names_no_place_of_this_machine() -> None:
    options = [("format", "onnx"), ("shape", "64x96"), ("images", "/home/me/my pictures/"), ("out", "out/onnx")]
    assert command_line(options, ["force"]) == (
        "python -m segdemo export --format onnx --shape 64x96 --images 'my pictures' --out out/onnx --force"
    )


def test_the_plan_is_built_in_the_graphs_numbers() -> None:
    line = trtexec_line(Path("x/model.onnx"), Path("x/model.plan"), "fp16")
    assert line == "trtexec --onnx=model.onnx --saveEngine=model.plan --fp16 --skipInference"
    assert "--noTF32" in trtexec_line(Path("model.onnx"), Path("model.plan"), "fp32")


def test_steps_tell_a_share_and_the_time_left() -> None:
    said: list[str] = []
    steps = Steps([30, 10], said.append, beat=60)
    with steps.step("converting"):
        pass
    with steps.step("running"):
        pass
    assert said[0] == "  0% converting, about 40 s left"
    assert said[1].startswith(" 75% running, about ")


def test_a_photo_goes_to_the_nearest_size() -> None:
    fitting = FittingSizes(preprocessing(), [(96, 128), (128, 96), (96, 96)])
    assert fitting.sizes((600, 800), "checkpoint") == ((96, 128), (96, 128))
    assert fitting.sizes((800, 600), "checkpoint") == ((128, 96), (128, 96))
    assert fitting.sizes((500, 500), "checkpoint")[0] == (96, 96)
    with pytest.raises(SegdemoError, match=r"own input sizes \(96 x 128, 128 x 96, 96 x 96\)"):
        fitting.sizes((600, 800), "paper")


def test_a_photo_is_stretched_as_the_processor_stretches(photo: np.ndarray) -> None:
    inputs = preprocessing()
    expected, size, _ = inputs(photo, "checkpoint")
    found, there, content = FittingSizes(inputs, [(64, 64), size])(photo, "checkpoint")
    assert there == content == size
    np.testing.assert_array_equal(found, expected)


def test_a_folder_is_read_and_what_it_lacks_is_said(tmp_path: Path) -> None:
    found = read_exported(exported(tmp_path, "model-96x96.onnx", "model-96x128.onnx"))
    assert found.sizes == ((96, 96), (96, 128))
    assert found.file((96, 128)).name == "model-96x128.onnx"
    with pytest.raises(SegdemoError, match="no graph for an input of 64 x 64, only for 96 x 96, 96 x 128"):
        found.file((64, 64))
    with pytest.raises(SegdemoError, match="in the format onnx, not openvino"):
        read_exported(tmp_path, "openvino")
    (tmp_path / "model-96x96.onnx").unlink()
    with pytest.raises(SegdemoError, match=r"model-96x96.onnx is missing"):
        read_exported(tmp_path)
    (tmp_path / "parity.json").write_text("{}")
    with pytest.raises(SegdemoError, match="damaged"):
        read_exported(tmp_path)
    (tmp_path / "parity.json").unlink()
    with pytest.raises(SegdemoError, match=r"holds no parity.json"):
        read_exported(tmp_path)


def test_a_graph_that_is_none_is_a_sentence(tmp_path: Path, tiny_checkpoint: Path, photo: np.ndarray) -> None:
    pytest.importorskip("onnxruntime")
    for name in ("config.json", "preprocessor_config.json"):
        (tmp_path / name).write_text((tiny_checkpoint / name).read_text())
    predictor = load_exported(exported(tmp_path, "model.onnx"))
    with pytest.raises(SegdemoError, match="cannot be loaded"):
        predictor(photo)


@pytest.mark.parametrize(("format", "extra"), [("onnx", "export"), ("openvino", "openvino")])
def test_a_runtime_that_is_missing_is_the_command_that_installs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, format: str, extra: str
) -> None:
    missing = {"onnx": "onnxruntime", "openvino": "openvino"}[format]
    for name in [name for name in sys.modules if name.partition(".")[0] == missing]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(MissingExtraError, match=rf'engine needs an extra .*: run `pip install -e "\.\[{extra}\]"`\.$'):
        load_graph(format, tmp_path / "model")


def test_what_a_graph_does_not_hand_out_is_said(tmp_path: Path, tiny_checkpoint: Path) -> None:
    for name in ("config.json", "preprocessor_config.json"):
        (tmp_path / name).write_text((tiny_checkpoint / name).read_text())
    predictor = load_exported(exported(tmp_path, "model.onnx"))
    with pytest.raises(NotOfferedError, match="run the checkpoint itself"):
        predictor.engine.decode(None, height=96, without=None)


def test_json_has_no_word_for_what_is_no_number() -> None:
    assert finite({"a": [1.0, float("inf")], "b": (float("nan"), "c")}) == {"a": [1.0, None], "b": [None, "c"]}


def test_all_but_a_pixel_is_not_all() -> None:
    assert [share(value) for value in (1, 1 - 1e-7, 0.995)] == ["100.000 %", "99.999 %", "99.500 %"]
