"""The web page: its scripts' post-processing against the package's, and the whole page in headless Chromium."""

import base64
import functools
import hashlib
import http.server
import json
import os
import shutil
import subprocess
import sys
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

import segdemo
from segdemo import checkpoints
from segdemo.errors import SegdemoError
from segdemo.export import web
from segdemo.export.web import runtime
from segdemo.model.preprocessing import Preprocessing
from segdemo.segmentation import planes
from segdemo.settings import ASSETS
from segdemo.taxonomy import taxonomy_for
from segdemo.ui import alone

FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync"]
PACKAGE = Path(__file__).parents[2] / "node_modules" / "onnxruntime-web"
EXAMPLES = ("autumn-street", "living-room")
THRESHOLDS = {"score_threshold": 0.8, "mask_threshold": 0.5, "overlap_threshold": 0.8}


def _package(folder: Path) -> Path:
    """An npm package with small files in place of the runtime's."""
    (folder / "dist").mkdir(parents=True)
    for name in runtime.FILES:
        (folder / "dist" / name).write_bytes(name.encode())
    (folder / "package.json").write_text('{"version": "9.9.9"}')
    return folder


def test_runtime_is_found_in_what_npm_unpacks(tmp_path: Path) -> None:
    for where in ("package", "node_modules/onnxruntime-web"):
        _package(tmp_path / where)
        found = runtime.find_runtime(tmp_path)
        assert (found.version, found.folder) == ("9.9.9", tmp_path / where / "dist")
        shutil.rmtree(tmp_path / where)
    with pytest.raises(SegdemoError, match="npm pack onnxruntime-web@"):
        runtime.find_runtime(tmp_path)


def test_download_with_other_bytes_is_refused(tmp_path: Path) -> None:
    archive = tmp_path / "package.tgz"
    with tarfile.open(archive, "w:gz") as made:
        made.add(_package(tmp_path / "package"), "package")
    digest = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    target = tmp_path / "there"
    target.mkdir()
    with pytest.raises(SegdemoError, match="SHA-512 is another"):
        runtime.download_runtime(target, url=archive.as_uri())
    assert not list(target.iterdir())
    found = runtime.download_runtime(target, url=archive.as_uri(), digest=digest)
    assert (found.folder / runtime.FILES[0]).read_bytes() == runtime.FILES[0].encode()


def test_download_that_does_not_come_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(SegdemoError, match=r"could not be fetched .* --runtime"):
        runtime.download_runtime(tmp_path, url=(tmp_path / "none.tgz").as_uri())


def test_no_file_is_larger_than_hosts_take(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "PART_BYTES", 1000)
    content = bytes(range(256)) * 10
    (tmp_path / "model.onnx").write_bytes(content)
    parts = web.cut(tmp_path / "model.onnx")
    assert [part["bytes"] for part in parts] == [1000, 1000, 560]
    assert b"".join((tmp_path / part["name"]).read_bytes() for part in parts) == content
    assert not (tmp_path / "model.onnx").exists()
    with pytest.raises(SegdemoError, match="more than static hosts take"):
        runtime.find_runtime(_package(tmp_path / "package")).copy(tmp_path, 5)


def _settings(folder: Path, **changes: Any) -> Preprocessing:
    settings = json.loads((ASSETS / "checkpoint" / "preprocessor_config.json").read_text())
    (folder / "preprocessor_config.json").write_text(json.dumps({**settings, **changes}))
    return Preprocessing.from_folder(folder)


def test_checkpoint_whose_preprocessing_the_page_lacks_is_refused(tmp_path: Path) -> None:
    web.check_web(_settings(tmp_path))
    with pytest.raises(SegdemoError, match="filters"):
        web.check_web(_settings(tmp_path, resample=0))
    with pytest.raises(SegdemoError, match="resizes photographs"):
        web.check_web(_settings(tmp_path, do_resize=False))


def _folder(target: Path, package: Path, graph: Path) -> Path:
    """The page of the embedded checkpoint's classes over a graph."""
    folder = ASSETS / "checkpoint"
    shutil.copyfile(graph, target / "model.onnx")
    shell = web.Shell(alone.script(), alone.style())
    photos = [web.Photo(name, ASSETS / "examples" / f"{name}.jpg", True) for name in EXAMPLES]
    web.write_web(
        target,
        [{"name": "model.onnx", "height": None, "width": None}],
        checkpoints.find("embedded"),
        taxonomy_for(checkpoints.labels(folder)),
        Preprocessing.from_folder(folder),
        runtime.find_runtime(package),
        shell,
        photos,
    )
    return target


def test_page_asks_nothing_of_any_other_host(tmp_path: Path) -> None:
    (tmp_path / "graph.onnx").write_bytes(b"graph")
    (tmp_path / "site").mkdir()
    site = _folder(tmp_path / "site", _package(tmp_path / "package"), tmp_path / "graph.onnx")
    names = {path.name for path in site.iterdir()}
    assert {"index.html", "page.js", "worker.js", "about.js", "model-1-of-1.bin", *runtime.FILES} <= names
    addresses = {"http://www.w3.org/2000/svg"}
    for name in ("index.html", "page.js", "page.css", "worker.js", "about.js"):
        text = (site / name).read_text(encoding="utf-8")
        found = {word.strip("\"'`(),;") for word in text.replace("=", " ").split() if "://" in word}
        assert found <= addresses, (name, found - addresses)
    assert "connect-src 'self'" in (site / "index.html").read_text()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    path = shutil.which("chromium")
    if path is None:
        pytest.skip("chromium is not installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


def _text(array: npt.NDArray[Any]) -> str:
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()


_DERIVE = """
([answer, width, height, thresholds, stuff, small]) => {
  const sd = window.segdemo;
  const floats = (text) => new Float32Array(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer);
  answer.masks = floats(answer.masks);
  answer.logits = floats(answer.logits);
  const text = (array) => {
    const bytes = new Uint8Array(array.buffer);
    let found = "";
    for (let i = 0; i < bytes.length; i += 32768) found += String.fromCharCode(...bytes.subarray(i, i + 32768));
    return btoa(found);
  };
  const map = sd.semanticMap(answer, height, width, 0);
  const cut = sd.panopticSegments(answer, height, width, { ...thresholds, stuff: new Set(stuff) });
  const planes = sd.readoutPlanes(answer, ...small);
  const keys = ["topId", "top", "runner", "query", "entropy"];
  const packed = Object.fromEntries(keys.map((key) => [key, text(planes[key])]));
  return { labels: text(map.labels), scores: text(map.scores), present: sd.presentClasses(map, answer.classes),
    ids: text(cut.ids), segments: cut.segments, planes: packed };
}
"""


@pytest.mark.slow
@pytest.mark.parametrize("name", EXAMPLES)
def test_scripts_derive_what_the_package_does(chromium: Any, name: str) -> None:
    predictor = segdemo.load_predictor("embedded", engine="torch", precision="fp32")
    image = segdemo.load_image(ASSETS / "examples" / f"{name}.jpg")
    prediction = predictor(image, capture=False)
    masks, logits = prediction.mask_logits(), prediction.class_logits()
    answer = {
        "queries": len(masks),
        "height": masks.shape[1],
        "width": masks.shape[2],
        "classes": logits.shape[1] - 1,
        "inputHeight": prediction.input_size[0],
        "inputWidth": prediction.input_size[1],
        "masks": _text(masks),
        "logits": _text(logits),
    }
    height, width = prediction.image_size
    small = (96, 128)
    page = chromium.new_page()
    page.add_script_tag(content=_scripts("within.js", "sampling.js", "semantic.js", "panoptic.js"))
    stuff = sorted(prediction.taxonomy.stuff)
    found = page.evaluate(_DERIVE, [answer, width, height, THRESHOLDS, stuff, list(small)])
    page.close()

    def array(text: str, kind: type) -> npt.NDArray[Any]:
        return np.frombuffer(base64.b64decode(text), kind)

    semantic = segdemo.semantic(prediction)
    assert (array(found["labels"], np.uint16).reshape(height, width) == semantic.labels).mean() > 0.9999
    assert np.abs(array(found["scores"], np.float32).reshape(height, width) - semantic.scores).max() < 1e-3
    present = segdemo.segmentation.present_classes(prediction, semantic)
    for entry, known in zip(found["present"][:8], present[:8], strict=True):
        assert (entry["id"], entry["area"]) == (known.category_id, pytest.approx(known.share, abs=1e-4))
        assert entry["score"] == pytest.approx(known.score, abs=1e-3)
    segments = segdemo.panoptic(prediction, **THRESHOLDS)
    assert len(segments.segments_info) > 1
    assert (array(found["ids"], np.uint16).reshape(height, width) == segments.ids).mean() > 0.9999
    for entry, segment in zip(found["segments"], segments.segments_info, strict=True):
        assert (entry["id"], entry["category"], entry["queries"]) == (
            segment.id, segment.category_id, list(segment.queries)
        )  # fmt: skip
        assert entry["pixels"] == pytest.approx(segment.area, abs=5)
        assert entry["score"] == pytest.approx(segment.score, abs=1e-4)
    readout = planes(prediction, size=small)
    for key, kind, expected in (
        ("topId", np.uint16, readout.top),
        ("runner", np.uint16, readout.runner_up),
        ("query", np.uint16, readout.query),
    ):
        assert (array(found["planes"][key], kind).reshape(small) == expected).mean() > 0.995, key
    for key, expected_share in (("top", readout.top_probability), ("entropy", readout.entropy)):
        assert np.abs(array(found["planes"][key], np.uint8).reshape(small) / 255.0 - expected_share).max() < 4e-3, key


def _scripts(*names: str) -> str:
    return "\n".join((Path(web.__file__).parent / name).read_text(encoding="utf-8") for name in names)


@pytest.mark.slow
@pytest.mark.parametrize("resample", [1, 2, 3])
def test_photo_is_resized_as_pillow_does(chromium: Any, resample: int) -> None:
    generator = np.random.default_rng(0)
    image = generator.integers(0, 256, (61, 83, 4), np.uint8)
    image[..., 3] = 255
    page = chromium.new_page()
    page.add_script_tag(content=_scripts("resize.js"))
    found = page.evaluate(
        "([data, w, h, by]) => Array.from(window.segdemo.resizeLikePillow("
        "{ width: 83, height: 61, data: Uint8ClampedArray.from(data) }, w, h, by))",
        [image.ravel().tolist(), 64, 32, resample],
    )
    page.close()
    expected = Image.fromarray(image[..., :3]).resize((64, 32), Image.Resampling(resample))
    assert np.array_equal(np.array(found, np.uint8).reshape(32, 64, 3), np.asarray(expected))


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
    folder = _folder(tmp_path_factory.mktemp("site"), package, exported / "model.onnx")
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
    heights = page.evaluate(_HEIGHTS)
    assert min(heights) >= 40
    context.close()
