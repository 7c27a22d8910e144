"""Photos from the camera and the clipboard, and visitors who come at the same time, in headless Chromium."""

import base64
import io
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page

from segdemo.images import load_image
from segdemo.model.predictor import load_predictor
from segdemo.segmentation import semantic
from segdemo.ui import runs

from .harness import READY, STATE

pytestmark = pytest.mark.browser

COPY = """async (content) => {
  const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
  await navigator.clipboard.write([new ClipboardItem({"image/png": new Blob([bytes], {type: "image/png"})})]);
}"""

NOTE_PROGRESS = """() => {
  window.progress = [];
  const box = document.querySelector(".sdv-progress");
  const note = () => {
    if (!box.hidden && progress.at(-1) !== box.textContent) progress.push(box.textContent);
  };
  new MutationObserver(note).observe(box, {childList: true, characterData: true, attributes: true, subtree: true});
}"""


@pytest.fixture
def visit(chromium: Browser, address: str) -> Iterator[Callable[..., Page]]:
    """Open the page as one more visitor, its first example done; script errors fail the test."""
    contexts = []
    errors: list[str] = []

    def open_page(*permissions: str) -> Page:
        context = chromium.new_context(viewport={"width": 1440, "height": 900}, permissions=list(permissions))
        contexts.append(context)
        context.on("weberror", lambda error: errors.append(str(error.error)))
        page = context.new_page()
        page.goto(address)
        page.wait_for_function(READY, timeout=120_000)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not errors


@pytest.fixture(scope="module")
def astronaut() -> bytes:
    """A real photograph, as a PNG file."""
    from skimage import data

    buffer = io.BytesIO()
    Image.fromarray(data.astronaut()).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture(scope="module")
def panorama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real photograph four times as wide as high."""
    from skimage import data

    path = tmp_path_factory.mktemp("photos") / "panorama.jpg"
    Image.fromarray(data.rocket()[:160]).resize((4096, 1024)).save(path, quality=90)
    return path


def wait_for_another_run(page: Page, before: str) -> dict[str, Any]:
    """Wait until a photo has taken the place of the one with the token ``before``; the run's name and size."""
    page.wait_for_function(f"{READY} && {STATE}('run').token !== {json.dumps(before)}", timeout=120_000)
    run: dict[str, Any] = page.evaluate(
        f"(({{name, imageSize, example}}) => ({{name, imageSize, example}}))({STATE}('run'))"
    )
    return run


def token(page: Page) -> str:
    """The token of the photo on the page."""
    return str(page.evaluate(f"{STATE}('run').token"))


def same_labels(page: Page, image: np.ndarray, **options: Any) -> bool:
    """Whether the page shows exactly what the network says of an image."""
    shown = np.array(page.evaluate(f"[...{STATE}('run').map.ids]"))
    return np.array_equal(shown, semantic(load_predictor()(image, **options)).labels.ravel())


@pytest.mark.slow
def test_the_camera_takes_a_photo(visit: Callable[..., Page]) -> None:
    page = visit("camera")
    before = token(page)
    page.get_by_role("button", name="Camera").click()
    dialog = page.get_by_role("dialog", name="Take a photo")
    shoot = dialog.get_by_role("button", name="Take the photo")
    page.wait_for_selector("dialog .sd-primary:enabled")
    size = page.evaluate(
        """() => {
        const video = document.querySelector("dialog video");
        window.track = video.srcObject.getTracks()[0];
        return [video.videoHeight, video.videoWidth];
        }"""
    )
    assert not page.evaluate("document.querySelector('dialog video').paused")
    shoot.click()
    run = wait_for_another_run(page, before)
    assert run["name"] == "camera"
    assert run["imageSize"] == size
    assert dialog.count() == 0
    assert page.evaluate("track.readyState") == "ended", "the camera's light stays on"


@pytest.mark.slow
def test_closing_the_camera_keeps_the_photo_and_frees_the_camera(visit: Callable[..., Page]) -> None:
    page = visit("camera")
    before = token(page)
    for close in ("Cancel", "Escape"):
        page.get_by_role("button", name="Camera").click()
        page.wait_for_selector("dialog .sd-primary:enabled")
        page.evaluate("window.track = document.querySelector('dialog video').srcObject.getTracks()[0]")
        if close == "Escape":
            page.keyboard.press(close)
        else:
            page.get_by_role("dialog").get_by_role("button", name=close).click()
        page.wait_for_function("!document.querySelector('dialog')")
        assert page.evaluate("track.readyState") == "ended"
    assert token(page) == before
    assert not page.evaluate(f"{STATE}('busy')")


@pytest.mark.slow
def test_without_permission_the_camera_says_what_to_do(visit: Callable[..., Page]) -> None:
    page = visit()
    page.get_by_role("button", name="Camera").click()
    page.wait_for_selector(".sdv-message:has-text('allow it in the browser')")
    assert page.locator("dialog").count() == 0


@pytest.mark.slow
@pytest.mark.parametrize("way", ["keys", pytest.param("button", marks=pytest.mark.slow)])
def test_a_picture_on_the_clipboard_can_be_pasted(visit: Callable[..., Page], astronaut: bytes, way: str) -> None:
    page = visit("clipboard-read", "clipboard-write")
    before = token(page)
    page.evaluate(COPY, base64.b64encode(astronaut).decode())
    if way == "keys":
        page.keyboard.press("Control+V")
    else:
        page.get_by_role("button", name="Paste").click()
    run = wait_for_another_run(page, before)
    assert run["example"] is None
    image = load_image(astronaut)
    assert run["imageSize"] == list(image.shape[:2])
    assert same_labels(page, image)


@pytest.mark.slow
def test_text_on_the_clipboard_is_no_photo(visit: Callable[..., Page]) -> None:
    page = visit("clipboard-read", "clipboard-write")
    before = token(page)
    page.evaluate("navigator.clipboard.writeText('grass')")
    page.get_by_role("button", name="Paste").click()
    page.wait_for_selector(".sdv-message:has-text('no picture')")
    page.click("#sd-tab-classes")
    page.focus(".sd-search")
    page.keyboard.press("Control+V")
    assert page.input_value(".sd-search") == "grass"
    assert token(page) == before


@pytest.mark.slow
def test_visitors_see_their_place_in_the_queue(
    visit: Callable[..., Page], panorama: Path, astronaut: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = visit(), visit()
    example = token(first)
    first.get_by_label("Input size").select_option("480")
    wait_for_another_run(first, example)
    before = [token(first), token(second)]
    for page in (first, second):
        page.evaluate(NOTE_PROGRESS)
    released, predict = threading.Event(), runs.predict

    def held(*arguments: Any, **options: Any) -> Any:
        assert released.wait(120)
        return predict(*arguments, **options)

    monkeypatch.setattr(runs, "predict", held)
    first.set_input_files(".sd-source input[type=file]", panorama)
    running = "['Making a preview', 'Running the network']"
    first.wait_for_function(f"progress.some((text) => {running}.includes(text))", timeout=120_000)
    picture = {"name": "astronaut.png", "mimeType": "image/png", "buffer": astronaut}
    second.set_input_files(".sd-source input[type=file]", picture)  # type: ignore[arg-type]
    second.wait_for_function("progress.some((text) => text.startsWith('Waiting: you are next'))", timeout=120_000)
    assert token(first) == before[0]
    released.set()
    shown = [wait_for_another_run(page, old) for page, old in zip((first, second), before, strict=True)]
    assert [run["name"] for run in shown] == ["panorama", "astronaut"]
    seen = second.evaluate("progress")
    waiting = next(place for place, text in enumerate(seen) if text.startswith("Waiting: you are next"))
    assert waiting < seen.index("Running the network")
    assert not any(text.startswith("Waiting") for text in first.evaluate("progress"))
    assert same_labels(second, load_image(astronaut))
