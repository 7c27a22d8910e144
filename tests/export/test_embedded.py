"""The embedded checkpoint as ONNX: its answers, the script that runs it, and the web page in headless Chromium."""

import functools
import http.server
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

import segdemo
from segdemo.checkpoints import EMBEDDED_FOLDER as FOLDER
from segdemo.cli import make_app
from segdemo.model.runtimes import load_graph
from segdemo.prediction import Size
from segdemo.settings import ASSETS

from .beside import compared, stretched
from .pages import written

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]
for needed in ("onnx", "onnxruntime", "onnxscript"):
    pytest.importorskip(needed, reason='exports are an extra: pip install -e ".[export]"')

SIZE = (256, 352)
"""What its processor makes of the examples."""
PACKAGE = Path(__file__).parents[2] / "node_modules" / "onnxruntime-web"


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments: Any) -> None:
        """Say nothing."""


@dataclass(frozen=True)
class Exported:
    """The embedded checkpoint's ONNX graph, with the input size that it is for; none where it runs at any."""

    file: Path
    size: Size | None

    @property
    def listed(self) -> list[dict[str, Any]]:
        """It as a card lists it."""
        height, width = self.size or (None, None)
        return [{"name": "model.onnx", "height": height, "width": width}]


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """Made once, since following the network takes minutes; or the ``model.onnx`` in a folder that a variable names."""
    import onnx

    given = os.environ.get("SEGDEMO_TEST_ONNX")
    file = (Path(given) if given else tmp_path_factory.mktemp("embedded")) / "model.onnx"
    if not given:
        # In a process of its own: the exporter is Python throughout, and measuring coverage triples its minutes.
        code = (
            "import sys; from pathlib import Path; from segdemo.export.make import make_files;"
            f"make_files(Path(sys.argv[1]), 'onnx', 'fp32', {SIZE}, Path(sys.argv[2]), Path(sys.argv[2]).parent)"
        )
        subprocess.run([sys.executable, "-c", code, FOLDER, file], check=True)
    sides = onnx.load(file).graph.input[0].type.tensor_type.shape.dim[2:]
    return Exported(file, None if any(side.dim_param for side in sides) else SIZE)


@pytest.fixture(scope="module")
def site(exported: Exported, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The page on a server of plain files."""
    package = Path(os.environ.get("SEGDEMO_TEST_RUNTIME", PACKAGE))
    if not package.is_dir():
        pytest.skip("onnxruntime-web is not there: run npm ci")
    folder = written(tmp_path_factory.mktemp("site"), package, exported.file, exported.listed)
    handler = functools.partial(_Quiet, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/index.html"
    server.shutdown()
    thread.join()


def test_graph_answers_as_the_library(exported: Exported) -> None:
    import onnx

    comparison = compared(FOLDER, load_graph("onnx", exported.file), stretched(FOLDER, SIZE, 4))
    assert comparison.mean >= 0.9999
    assert comparison.masks.result().mean < 1e-3
    model = onnx.load(exported.file)
    assert [(entry.domain, entry.version) for entry in model.opset_import] == [("", 18)]
    assert [value.name for value in model.graph.input] == ["pixel_values"]
    assert [value.name for value in model.graph.output] == ["class_queries_logits", "masks_queries_logits"]
    # Nothing in the file tells where it was made.
    assert str(Path(__file__).parents[2]).encode() not in exported.file.read_bytes()


def test_runner_writes_the_labels_of_segment(exported: Exported, tmp_path: Path) -> None:
    shutil.copyfile(exported.file, tmp_path / "model.onnx")
    for name in ("config.json", "preprocessor_config.json"):
        shutil.copyfile(FOLDER / name, tmp_path / name)
    (tmp_path / "parity.json").write_text(json.dumps({"format": "onnx", "files": exported.listed}))
    photo, target = ASSETS / "examples" / "autumn-street.jpg", tmp_path / "labels.png"
    runner = Path(__file__).parents[2] / "examples" / "run_onnx.py"
    assert len(runner.read_text(encoding="utf-8").splitlines()) < 120
    forbidden = "import sys; sys.modules['torch'] = sys.modules['transformers'] = sys.modules['segdemo'] = None;"
    code = f"{forbidden} import runpy; sys.argv = sys.argv[1:]; runpy.run_path(sys.argv[0], run_name='__main__')"
    subprocess.run([sys.executable, "-c", code, runner, tmp_path, photo, target], check=True)
    words = ["segment", photo, "--checkpoint", "embedded", "--engine", "torch", "--precision", "fp32"]
    done = CliRunner().invoke(make_app(), [*map(str, words), "--task", "semantic", "--out", str(tmp_path / "segment")])
    assert done.exit_code == 0, done.output
    expected = np.asarray(Image.open(tmp_path / "segment" / "autumn-street.semantic.png"))
    assert (np.asarray(Image.open(target)) == expected).mean() > 0.999


def test_page_segments_a_photo_in_the_browser_alone(chromium: Any, site: str, tmp_path: Path) -> None:
    context = chromium.new_context(viewport={"width": 1440, "height": 900}, color_scheme="dark")
    page = context.new_page()
    asked: list[str] = []
    errors: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(site)
    page.wait_for_selector(".sd-legend-row", timeout=120_000)
    # A photo of one's own, by the file chooser; the examples' result goes.
    photo = ASSETS / "examples" / "living-room.jpg"
    page.set_input_files("input[type=file]", str(photo))
    page.wait_for_function("() => window.segdemo.page.state.name === 'living-room' && window.segdemo.page.state.run")
    page.wait_for_function("() => !document.querySelector('.sd-busy')", timeout=120_000)
    facts = page.inner_text(".sda-facts")
    assert "network" in facts
    assert "did not leave it" in facts
    assert page.evaluate("document.documentElement.classList.contains('dark')")

    # By keyboard: the other task, then what is saved.
    page.focus(".sd-segmented input:checked")
    page.keyboard.press("ArrowLeft")
    page.wait_for_function("() => window.segdemo.page.state.task === 'semantic'")
    with page.expect_download() as download:
        page.click("text=Save the map")
    saved = tmp_path / "labels.png"
    download.value.save_as(saved)
    assert download.value.suggested_filename == "living-room.semantic.png"
    predictor = segdemo.load_predictor("embedded", engine="torch", precision="fp32")
    expected = segdemo.semantic(predictor(segdemo.load_image(photo), capture=False)).labels
    # Browsers decode a JPEG's colours a level apart from Pillow here and there.
    assert (np.asarray(Image.open(saved)) == expected).mean() > 0.99

    # The read-out follows the keyboard on the photo.
    page.focus(".sdv-viewport")
    page.keyboard.press("ArrowRight")
    assert "query" in page.inner_text(".sdv-readout")

    # What is no picture is a sentence, and the page goes on.
    (tmp_path / "note.jpg").write_text("no picture")
    page.set_input_files("input[type=file]", str(tmp_path / "note.jpg"))
    page.wait_for_selector(".sdv-message:not([hidden])")
    assert "no picture" in page.inner_text(".sdv-message")
    assert {url.split("/")[2] for url in asked if url.startswith("http")} == {site.split("/")[2]}
    assert errors == []
    context.close()


_HEIGHTS = """
() => [...document.querySelectorAll("button, .sd-segmented label")]
  .filter((node) => node.offsetParent && !node.matches(".sd-info")).map((node) => node.offsetHeight)
"""


def test_page_fits_a_phone(chromium: Any, site: str) -> None:
    context = chromium.new_context(viewport={"width": 390, "height": 844}, has_touch=True)
    page = context.new_page()
    page.goto(site)
    page.wait_for_selector(".sd-legend-row", timeout=120_000)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    # An element called as the scripts' one object would be that object, and what they put there its attributes.
    assert page.locator("[popover]").count() == 0
    assert page.evaluate("document.documentElement.scrollHeight") > 844
    heights = page.evaluate(_HEIGHTS)
    assert min(heights) >= 40
    context.close()
