"""Every format and precision of a tiny checkpoint, beside the library's own network: the reference for all of them."""

import base64
import io
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

import segdemo
from segdemo import checkpoints
from segdemo.errors import SegdemoError
from segdemo.export import onnx as room
from segdemo.export.configuration import write_configuration
from segdemo.export.endpoint import write_endpoint
from segdemo.export.make import make_files
from segdemo.export.onnx import quantise_onnx
from segdemo.export.openvino import convert_onnx
from segdemo.model.exported import load_exported
from segdemo.model.preprocessing import Preprocessing
from segdemo.model.runtimes import load_graph
from segdemo.taxonomy import taxonomy_for

from .beside import compared, stretched

pytestmark = pytest.mark.slow
for needed in ("onnx", "onnxruntime", "onnxscript", "openvino"):
    pytest.importorskip(needed, reason='exports are an extra: pip install -e ".[export]"')

SIZE = (64, 96)


@dataclass(frozen=True)
class Exported:
    """What was written for TensorRT where there is no card: the ONNX file, and how to build the plan."""

    file: Path
    nodes: list[str]
    """What 8 bits are for."""
    about: str


@pytest.fixture(scope="module")
def exported(tiny_checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """Made once, since following a network takes long."""
    folder = tmp_path_factory.mktemp("tensorrt")
    write, nodes = room.write_onnx, []

    def noted(*given: Any) -> list[str]:
        nodes.extend(write(*given))
        return nodes

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(room, "write_onnx", noted)
        patch.setattr("segdemo.export.tensorrt.can_build", lambda: False)
        made = make_files(tiny_checkpoint, "tensorrt", "fp32", SIZE, folder / "model.plan", folder)
    assert made.file == made.graph == folder / "model.onnx"
    assert made.bytes == made.file.stat().st_size
    return Exported(made.file, nodes, made.about)


def check(checkpoint: Path, format: str, file: Path, *, least: float, largest: float = np.inf) -> None:
    """The graph answers as the library does, and refuses other sizes: a trace would answer wrongly there."""
    graph = load_graph(format, file)
    comparison = compared(checkpoint, graph, stretched(checkpoint, SIZE, 4))
    assert comparison.mean >= least
    assert comparison.classes.result().largest <= largest
    assert comparison.masks.result().largest <= largest
    for other in ((64, 64), (96, 96)):
        with pytest.raises(SegdemoError, match=f"does not run on an input of {other[0]} x {other[1]}"):
            graph(np.zeros((1, 3, *other), np.float32))


@pytest.mark.parametrize(
    ("format", "precision", "least", "largest"),
    [
        ("openvino", "fp32", 1.0, 1e-3),
        ("torchscript", "fp32", 1.0, 1e-3),
        ("torchscript", "fp16", 0.95, np.inf),
        ("torchscript", "int8", 0.9, np.inf),
    ],
)
def test_a_trace_answers_as_the_library(
    tiny_checkpoint: Path, tmp_path: Path, format: str, precision: str, least: float, largest: float
) -> None:
    file = tmp_path / {"openvino": "model.xml", "torchscript": "model.torchscript"}[format]
    made = make_files(tiny_checkpoint, format, precision, SIZE, file, tmp_path)
    assert made.bytes == sum(part.stat().st_size for part in tmp_path.iterdir())
    check(tiny_checkpoint, format, file, least=least, largest=largest)


def test_onnx_answers_as_the_library_also_in_8_bits_and_in_openvino(
    tiny_checkpoint: Path, exported: Exported, tmp_path: Path
) -> None:
    """As it is, quantised, and both read by OpenVINO."""
    plain, quantised = exported.file, tmp_path / "quantised.onnx"
    check(tiny_checkpoint, "onnx", plain, least=1.0, largest=1e-3)
    # Two blocks with four linear layers each: what is late in this backbone.
    assert len(exported.nodes) == 8
    quantise_onnx(plain, quantised, exported.nodes, stretched(tiny_checkpoint, SIZE, 2))
    check(tiny_checkpoint, "onnx", quantised, least=0.9)
    for source, file in ((plain, tmp_path / "plain.xml"), (quantised, tmp_path / "quantised.xml")):
        convert_onnx(source, file)
        check(tiny_checkpoint, "openvino", file, least=1.0 if source == plain else 0.9)


def test_without_a_card_the_command_for_tensorrt_is_written(exported: Exported) -> None:
    line = "trtexec --onnx=model.onnx --saveEngine=model.plan --noTF32 --skipInference"
    assert (exported.file.parent / "trtexec.txt").read_text() == f"{line}\n"
    assert f"`{line}`" in exported.about
    assert "What follows is of the ONNX file." in exported.about


def test_an_endpoint_answers_from_its_folder_alone(
    tiny_checkpoint: Path, exported: Exported, photo: npt.NDArray[np.uint8], tmp_path: Path
) -> None:
    """As a service does: a process of its own that has the folder, and neither this project nor PyTorch."""
    folder = tmp_path / "repository"
    folder.mkdir()
    (folder / "model.onnx").write_bytes(exported.file.read_bytes())
    found = checkpoints.find(tiny_checkpoint)
    preprocessing = Preprocessing.from_folder(tiny_checkpoint)
    write_configuration(found, tiny_checkpoint, folder, preprocessing)
    listed = [{"name": "model.onnx", "height": SIZE[0], "width": SIZE[1]}]
    (folder / "parity.json").write_text(json.dumps({"format": "onnx", "precision": "fp32", "files": listed}))
    taxonomy = taxonomy_for(checkpoints.labels(tiny_checkpoint))
    write_endpoint(folder, found, taxonomy, format="onnx", shapes=[SIZE], queries=12)
    Image.fromarray(photo).save(tmp_path / "photo.png")
    loose = {"score_threshold": 0.3, "overlap_threshold": 0.5}
    (tmp_path / "service.py").write_text(SERVICE)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "-I", tmp_path / "service.py", folder, tmp_path / "photo.png", json.dumps(loose)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    classes, segments, refused = json.loads(done.stdout)
    prediction = load_exported(folder)(photo)
    ids = [np.asarray(Image.open(io.BytesIO(base64.b64decode(answer["id_map"])))) for answer in (classes, segments)]
    assert (ids[0] == segdemo.semantic(prediction).labels).mean() > 0.999
    expected = segdemo.panoptic(prediction, **loose)
    assert (ids[1].astype(int) @ [1, 256, 65536] == expected.ids).mean() > 0.999
    assert [entry["category_id"] for entry in segments["segments"]["segments_info"]] == [
        segment.category_id for segment in expected.segments_info
    ]
    assert refused == {"error": "Nothing is fetched from addresses here: send the picture itself, as base64."}


SERVICE = """
import base64, importlib.util, json, sys
from pathlib import Path

for name in ("segdemo", "torch", "transformers", "gradio", "cv2", "scipy"):
    sys.modules[name] = None
spec = importlib.util.spec_from_file_location("handler", Path(sys.argv[1]) / "handler.py")
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
handler = module.EndpointHandler(path=sys.argv[1])
text = base64.b64encode(Path(sys.argv[2]).read_bytes()).decode()
loose = json.loads(sys.argv[3])
print(json.dumps([
    handler({"inputs": text, "parameters": {"task": "semantic"}}),
    handler({"inputs": [text], "parameters": {"task": "panoptic", **loose}})[0],
    handler({"inputs": "https://example.org/photo.jpg"}),
]))
"""
"""Loads the handler as huggingface-inference-toolkit does, and asks it."""
