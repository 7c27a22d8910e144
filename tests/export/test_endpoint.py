"""The handler of an endpoint, loaded and called as the service does, against the package's own results."""

import base64
import importlib.util
import io
import json
import re
import struct
import subprocess
import sys
import zlib
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from PIL import Image

import segdemo
from segdemo import checkpoints
from segdemo.errors import SegdemoError
from segdemo.export.endpoint import RUNTIMES, requirements, triton_config, write_endpoint
from segdemo.export.endpoint.arrays import fitting
from segdemo.model.preprocessing import Preprocessing
from segdemo.taxonomy import taxonomy_for

Handler = Any
SHAPES = ((96, 128), (128, 96))
LOOSE = {"score_threshold": 0.3, "overlap_threshold": 0.5}


class Network(torch.nn.Module):
    """Masks by a convolution, classes as they are: for this much a handler need not wait for a real network."""

    def __init__(self) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        self.convolution = torch.nn.Conv2d(3, 12, 8, stride=4, padding=2, bias=False)
        self.convolution.weight.data = torch.randn(12, 3, 8, 8, generator=generator) / 4
        self.classes = torch.nn.Parameter(3 * torch.randn(1, 12, 6, generator=generator))

    def forward(self, pixel_values: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return self.classes + 0 * pixel_values.mean(), self.convolution(pixel_values)


@pytest.fixture(scope="module")
def endpoint(tiny_checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an endpoint, its graphs as TorchScript, with what the export puts beside them."""
    folder = tmp_path_factory.mktemp("endpoint")
    listed = []
    for height, width in SHAPES:
        name = f"model-{height}x{width}.torchscript"
        torch.jit.trace(Network().eval(), torch.zeros(1, 3, height, width)).save(str(folder / name))
        listed.append({"name": name, "height": height, "width": width})
    (folder / "parity.json").write_text(json.dumps({"format": "torchscript", "precision": "fp32", "files": listed}))
    for name in ("config.json", "preprocessor_config.json"):
        (folder / name).write_bytes((tiny_checkpoint / name).read_bytes())
    checkpoint = checkpoints.find(tiny_checkpoint)
    taxonomy = taxonomy_for(checkpoints.labels(tiny_checkpoint))
    write_endpoint(folder, checkpoint, taxonomy, format="torchscript", shapes=SHAPES, queries=12)
    return folder


def _prediction(checkpoint: Path, photo: npt.NDArray[np.uint8]) -> segdemo.Prediction:
    """What the package makes of the same network's answer."""
    pixels, input_size, content = Preprocessing.from_folder(checkpoint)(photo, "checkpoint")
    with torch.inference_mode():
        classes, masks = Network().eval()(torch.from_numpy(pixels[None]))
    return segdemo.Prediction(
        (photo.shape[0], photo.shape[1]),
        input_size,
        content,
        checkpoints.labels(checkpoint),
        (masks[0].numpy(),),
        (classes[0].numpy(),),
    )


@pytest.fixture(scope="module", params=["one file", "its parts"])
def handler(endpoint: Path, request: pytest.FixtureRequest) -> Handler:
    """The object that answers, made as huggingface-inference-toolkit makes it; and of what the file is made from."""
    if request.param == "its parts":
        from segdemo.export.endpoint.handler import EndpointHandler

        return EndpointHandler(path=str(endpoint))
    spec = importlib.util.spec_from_file_location("handler", endpoint / "handler.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.EndpointHandler(path=str(endpoint))


def _png(pixels: npt.NDArray[np.uint8]) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


def _ids(answer: dict[str, Any]) -> npt.NDArray[Any]:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(answer["id_map"]))))


def test_semantic_answer_is_the_packages(tiny_checkpoint: Path, handler: Handler, photo: npt.NDArray[np.uint8]) -> None:
    answer = handler({"inputs": base64.b64encode(_png(photo)).decode(), "parameters": {"task": "semantic"}})
    prediction = _prediction(tiny_checkpoint, photo)
    expected = segdemo.semantic(prediction)
    assert (_ids(answer) == expected.labels).mean() > 0.9999
    entries = answer["segments"]["segments_info"]
    found = segdemo.segmentation.present_classes(prediction, expected)
    assert [(entry["id"], entry["label"], entry["area"]) for entry in entries] == [
        (entry.category_id, entry.label, pytest.approx(entry.area, abs=2)) for entry in found
    ]
    assert [entry["score"] for entry in entries] == [pytest.approx(entry.score, abs=2e-4) for entry in found]
    json.dumps(answer)


def test_panoptic_answer_is_the_packages(tiny_checkpoint: Path, handler: Handler, photo: npt.NDArray[np.uint8]) -> None:
    answer = handler({"inputs": _png(photo), "parameters": {"task": "panoptic", **LOOSE}})
    prediction = _prediction(tiny_checkpoint, photo)
    expected = segdemo.panoptic(prediction, **LOOSE)
    assert len(expected.segments_info) > 1
    assert (_ids(answer).astype(int) @ [1, 256, 65536] == expected.ids).mean() > 0.9999
    for entry, segment in zip(answer["segments"]["segments_info"], expected.segments_info, strict=True):
        assert (entry["id"], entry["category_id"], entry["isthing"], entry["queries"]) == (
            segment.id, segment.category_id, segment.isthing, list(segment.queries)
        )  # fmt: skip
        assert entry["area"] == pytest.approx(segment.area, abs=2)
        assert entry["bbox"] == pytest.approx(segment.bbox, abs=1)
        assert entry["score"] == pytest.approx(segment.score, abs=1e-3)


def test_every_form_of_a_picture_gets_the_same_answer(handler: Handler, photo: npt.NDArray[np.uint8]) -> None:
    data = _png(photo)
    text = base64.b64encode(data).decode()
    forms = [data, bytearray(data), text, f"data:image/png;base64,{text}", {"image": text}, Image.fromarray(photo)]
    answers = handler({"inputs": forms})
    assert len({answer["id_map"] for answer in answers}) == 1
    assert handler({"inputs": forms[0]})["id_map"] == answers[0]["id_map"]


def test_portrait_photo_takes_the_graph_of_its_shape(handler: Handler, photo: npt.NDArray[np.uint8]) -> None:
    turned = np.ascontiguousarray(photo.transpose(1, 0, 2))
    answer = handler({"inputs": _png(turned)})
    assert answer["segments"]["model"]["input_size"] == [128, 96]
    assert answer["segments"]["image"] == {"height": 160, "width": 120}


def test_graph_for_any_size_runs_at_the_processors() -> None:
    assert fitting((96, 160), {None: Path("model.onnx")}) == (96, 160)
    assert fitting((96, 160), {(96, 128): Path("a"), (128, 96): Path("b")}) == (96, 128)


def test_one_bad_picture_leaves_the_others(handler: Handler, photo: npt.NDArray[np.uint8]) -> None:
    good, bad = handler({"inputs": [_png(photo), b"not a picture"]})
    assert "id_map" in good
    assert list(bad) == ["error"]


def _bomb() -> bytes:
    """A PNG of 13,000 x 13,000 pixels whose pixels are not there: decoding it could only fail."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", 13_000, 13_000, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("request_", "says"),
    [
        ({}, 'no "inputs"'),
        ("inputs", 'no "inputs"'),
        ({"inputs": []}, "1 to 16 pictures, not 0"),
        ({"inputs": [b"x"] * 17}, "not 17"),
        ({"inputs": 7}, "bytes of its file"),
        ({"inputs": b""}, "empty"),
        ({"inputs": b"GIF89a"}, "no picture"),
        ({"inputs": b"\xff\xd8" + b"\xff\xda\x00" * 101}, "more than 100 scans"),
        ({"inputs": b"x" * 20_000_001}, "larger than 20 MB"),
        ({"inputs": "A" * 28_000_000}, "larger than 20 MB"),
        ({"inputs": "https://example.org/photo.jpg"}, "Nothing is fetched"),
        ({"inputs": "data:image/png,plain"}, "base64"),
        ({"inputs": "?"}, "not base64"),
        ({"inputs": _bomb()}, "more than 40 megapixels"),
        ({"inputs": b"x", "parameters": []}, "must be an object"),
        ({"inputs": b"x", "parameters": {"task": "instance"}}, "'instance' is not known"),
        ({"inputs": b"x", "parameters": {"size": 640}}, "'size' is not known"),
        ({"inputs": b"x", "parameters": {"mask_threshold": 1.5}}, "mask_threshold is 1.5"),
        ({"inputs": b"x", "parameters": {"mask_threshold": float("nan")}}, "mask_threshold is nan"),
        ({"inputs": b"x", "parameters": {"mask_threshold": True}}, "mask_threshold is True"),
    ],
)
def test_what_cannot_be_answered_gets_a_sentence(handler: Handler, request_: Any, says: str) -> None:
    answer = handler(request_)
    assert list(answer) == ["error"]
    assert says in answer["error"]
    assert re.fullmatch(r"[A-Z\"a-z_].*[.]|A data URL.*", answer["error"])


def test_damaged_picture_gets_a_sentence(handler: Handler, photo: npt.NDArray[np.uint8]) -> None:
    assert "damaged or cut short" in handler({"inputs": _png(photo)[:3000]})["error"]


def test_colours_under_transparency_are_white(handler: Handler) -> None:
    clear = np.zeros((96, 128, 4), np.uint8)
    white = np.full((96, 128, 3), 255, np.uint8)
    assert handler({"inputs": _png(clear)})["id_map"] == handler({"inputs": _png(white)})["id_map"]


def test_handler_needs_nothing_of_the_package(endpoint: Path, tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['segdemo'] = None; sys.modules['transformers'] = None;"
        "sys.path.insert(0, sys.argv[1]);"
        "from handler import EndpointHandler; print(EndpointHandler(sys.argv[1])({'inputs': ''}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(endpoint)], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert "empty" in done.stdout


def test_requirements_name_the_runtime_of_the_format() -> None:
    for format, package in RUNTIMES.items():
        if find_spec(package) is None:  # an extra, whose version is asked for
            continue
        names = {re.match(r"[\w-]+", line)[0] for line in requirements(format).splitlines()[1:]}  # type: ignore[index]
        assert names == {"numpy", "pillow", package}


def test_triton_is_told_names_and_sizes() -> None:
    text = triton_config("onnx", (256, 352), queries=48, classes=150)
    assert 'backend: "onnxruntime"' in text
    entries = re.findall(r'name: "(\w+)"\s+data_type: TYPE_FP32\s+dims: \[ ([\d, ]+) \]', text)
    assert entries == [
        ("pixel_values", "1, 3, 256, 352"),
        ("class_queries_logits", "1, 48, 151"),
        ("masks_queries_logits", "1, 48, 64, 88"),
    ]
    assert [line for line in text.splitlines() if line.startswith(("input", "output"))] == [
        "input [",
        "output [",
        "output [",
    ]


def test_triton_is_told_what_is_open() -> None:
    text = triton_config("openvino", None, queries=48, classes=150)
    assert re.findall(r"dims: \[ ([\d, -]+) \]", text) == ["1, 3, -1, -1", "1, 48, 151", "1, 48, -1, -1"]


def test_plan_of_a_card_has_no_handler(tiny_checkpoint: Path, tmp_path: Path) -> None:
    checkpoint, taxonomy = checkpoints.find(tiny_checkpoint), taxonomy_for(checkpoints.labels(tiny_checkpoint))
    with pytest.raises(SegdemoError, match="tensorrt"):
        write_endpoint(tmp_path, checkpoint, taxonomy, format="tensorrt", shapes=SHAPES, queries=12)
    assert not list(tmp_path.iterdir())
