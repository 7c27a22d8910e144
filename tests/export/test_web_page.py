"""The whole web page in headless Chromium, from a server of plain files, and the runner of its graph."""

import functools
import http.server
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import segdemo
from segdemo.settings import ASSETS
from tests.export.pages import written

PACKAGE = Path(__file__).parents[2] / "node_modules" / "onnxruntime-web"


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments: Any) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def exported() -> Path:
    """A folder with the embedded checkpoint's ONNX graph for any size, which the variable names."""
    given = os.environ.get("SEGDEMO_TEST_ONNX")
    if not given:
        pytest.skip("a graph for any size takes minutes to make: name a folder with one in SEGDEMO_TEST_ONNX")
    return Path(given)


@pytest.fixture(scope="module")
def site(exported: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The page on a server of plain files."""
    package = Path(os.environ.get("SEGDEMO_TEST_RUNTIME", PACKAGE))
    if not package.is_dir():
        pytest.skip("onnxruntime-web is not there: run npm ci")
    folder = written(tmp_path_factory.mktemp("site"), package, exported / "model.onnx")
    handler = functools.partial(_Quiet, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/index.html"
    server.shutdown()
    thread.join()


@pytest.mark.slow
def test_runner_writes_the_labels_of_segment(exported: Path, tmp_path: Path) -> None:
    shutil.copyfile(exported / "model.onnx", tmp_path / "model.onnx")
    for name in ("config.json", "preprocessor_config.json"):
        shutil.copyfile(ASSETS / "checkpoint" / name, tmp_path / name)
    card = {"format": "onnx", "files": [{"name": "model.onnx", "height": None, "width": None}]}
    (tmp_path / "parity.json").write_text(json.dumps(card))
    photo, target = ASSETS / "examples" / "autumn-street.jpg", tmp_path / "labels.png"
    runner = Path(__file__).parents[2] / "examples" / "run_onnx.py"
    assert len(runner.read_text(encoding="utf-8").splitlines()) < 120
    forbidden = "import sys; sys.modules['torch'] = sys.modules['transformers'] = sys.modules['segdemo'] = None;"
    code = f"{forbidden} import runpy; sys.argv = sys.argv[1:]; runpy.run_path(sys.argv[0], run_name='__main__')"
    subprocess.run([sys.executable, "-c", code, runner, tmp_path, photo, target], check=True)
    predictor = segdemo.load_predictor("embedded", engine="torch", precision="fp32")
    expected = segdemo.semantic(predictor(segdemo.load_image(photo), capture=False)).labels
    assert (np.asarray(Image.open(target)) == expected).mean() > 0.999


@pytest.mark.slow
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


@pytest.mark.slow
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
