"""The page in headless Chromium, on real photographs, with the checkpoint that comes with the demo."""

import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page

from segdemo.images import decode_png_ids, load_image
from segdemo.model.predictor import load_predictor
from segdemo.segmentation import semantic

from .harness import READY, STATE

pytestmark = pytest.mark.browser

TABS = ("semantic", "classes", "panoptic", "layers", "attention")


@pytest.fixture
def page(chromium: Browser, address: str) -> Iterator[Page]:
    """The page with its first example done; fails on script errors and on requests to other hosts."""
    context = chromium.new_context(viewport={"width": 1440, "height": 900}, accept_downloads=True)
    opened = context.new_page()
    errors: list[str] = []
    foreign: list[str] = []
    opened.on("pageerror", lambda error: errors.append(str(error)))
    opened.on(
        "request",
        lambda request: (
            foreign.append(request.url) if not request.url.startswith((address, "data:", "blob:")) else None
        ),
    )
    opened.goto(address)
    opened.wait_for_function(READY, timeout=60_000)
    yield opened
    context.close()
    assert errors == []
    assert foreign == []


def upload(page: Page, path: Path | dict[str, Any]) -> None:
    """Open a file and wait for its result or its message."""
    before = page.evaluate(f"{STATE}('run').token")
    page.set_input_files(".sd-source input[type=file]", path)  # type: ignore[arg-type]
    page.wait_for_function(
        f"!{STATE}('busy') && ({STATE}('run').token !== {json.dumps(before)}"
        " || document.querySelector('.sdv-message:not([hidden])'))",
        timeout=60_000,
    )


@pytest.fixture(scope="module")
def cat(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real photograph, as a JPEG file."""
    from skimage import data

    path = tmp_path_factory.mktemp("photos") / "my cat (1).jpg"
    Image.fromarray(data.chelsea()).save(path, quality=92)
    return path


@pytest.fixture(scope="module")
def labels(cat: Path) -> np.ndarray:
    """What the network says of the photograph, computed beside the page."""
    return semantic(load_predictor()(load_image(cat))).labels


def pixel(page: Page, row: int, column: int, shape: tuple[int, ...]) -> list[int]:
    """Overlay colour (RGBA) at a pixel of the photo."""
    page.evaluate("window.segdemo.page.viewer.flush()")
    x, y = (column + 0.5) / shape[1], (row + 0.5) / shape[0]
    return list(page.evaluate("([x, y]) => [...window.segdemo.page.viewer.pixelAt(x, y)]", [x, y]))


def inner_pixel(labels: np.ndarray, index: int) -> tuple[int, int]:
    """A pixel of the class that lies as far as possible from its border."""
    import cv2

    distance = cv2.distanceTransform((labels == index).astype(np.uint8), cv2.DIST_L2, 3)
    row, column = np.unravel_index(distance.argmax(), distance.shape)
    return int(row), int(column)


def test_the_first_visit_shows_an_example_and_says_what_runs(page: Page) -> None:
    assert page.locator(".sd-example[aria-pressed=true]").count() == 1
    assert page.locator(".sd-legend-row").count() >= 2
    facts = page.locator(".sd-facts-text").inner_text()
    assert re.search(r"cpu.*(torch|openvino).*(fp32|bf16).*s", facts)
    assert page.locator(".sd-select select").first.input_value()


def test_an_upload_goes_through_every_tab(page: Page, cat: Path, labels: np.ndarray) -> None:
    upload(page, cat)
    run = page.evaluate(f"(() => {{ const r = {STATE}('run'); return {{imageSize: r.imageSize, name: r.name}}; }})()")
    assert run == {"imageSize": list(labels.shape), "name": "my-cat-1"}
    for tab in TABS:
        page.click(f"#sd-tab-{tab}")
        assert page.locator(f"#sd-panel-{tab}").is_visible()
        assert page.locator(".sd-panel:visible").count() == 1
    page.wait_for_selector(".sd-heads canvas")
    assert "tab=attention" in page.url


def test_the_legend_lists_the_classes_by_area(page: Page, cat: Path, labels: np.ndarray) -> None:
    upload(page, cat)
    shown = page.evaluate(f"{STATE}('run').classes.map(({{id, area}}) => [id, area])")
    values, counts = np.unique(labels, return_counts=True)
    expected = {int(value): count / labels.size for value, count in zip(values, counts, strict=True)}
    assert {index: pytest.approx(area) for index, area in shown} == expected
    assert [area for _, area in shown] == sorted((area for _, area in shown), reverse=True)


def test_switching_a_class_off_takes_its_colour_from_the_canvas(page: Page, cat: Path, labels: np.ndarray) -> None:
    upload(page, cat)
    page.click("#sd-tab-classes")
    first = page.locator(".sd-switches input").first
    index = int(first.get_attribute("data-id") or -1)
    row, column = inner_pixel(labels, index)
    color = page.evaluate(f"{STATE}('run').byId.get({index}).color")
    assert pixel(page, row, column, labels.shape)[:3] == pytest.approx(color, abs=2)
    first.uncheck()
    page.wait_for_function(f"{STATE}('visible')?.has({index}) === false")
    assert pixel(page, row, column, labels.shape)[:3] != pytest.approx(color, abs=2)
    page.get_by_role("button", name="Invert").click()
    page.wait_for_function(f"{STATE}('visible').size === 1")
    assert pixel(page, row, column, labels.shape)[:3] == pytest.approx(color, abs=2)
    page.get_by_role("button", name="None", exact=True).click()
    page.wait_for_function(f"{STATE}('visible').size === 0")
    page.fill(".sd-search", "no such class")
    assert page.locator(".sd-switches .sd-check:visible").count() == 0


def test_a_click_names_the_class_and_explains_it(page: Page, cat: Path, labels: np.ndarray) -> None:
    upload(page, cat)
    index = page.evaluate(f"{STATE}('run').classes[0].id")
    row, column = inner_pixel(labels, index)
    photo = page.locator(".sdv-photo").bounding_box()
    assert photo is not None
    height, width = labels.shape
    page.mouse.click(
        photo["x"] + (column + 0.5) / width * photo["width"], photo["y"] + (row + 0.5) / height * photo["height"]
    )
    page.wait_for_selector(".sd-pixel-class")
    label = page.evaluate(f"{STATE}('run').byId.get({index}).label")
    assert page.locator(".sd-pixel-class .sd-name").first.inner_text() == label
    assert page.locator(".sd-pixel-class").count() == 5
    assert label in page.locator(".sdv-readout").inner_text()
    page.locator(".sd-vote").first.get_by_role("button", name="attention").click()
    page.wait_for_function(f"{STATE}('tab') === 'attention' && {STATE}('query') !== null")
    page.keyboard.press("Escape")


def test_the_panoptic_table_and_the_canvas_follow_each_other(page: Page) -> None:
    page.click("#sd-tab-panoptic")
    page.wait_for_function(f"{STATE}('panoptic') !== null")
    slider = page.get_by_role("slider", name="Score")
    slider.fill("0")
    page.wait_for_function(f"{STATE}('panoptic').parameters.score_threshold === 0")
    page.wait_for_function("document.querySelectorAll('.sd-table-wrap tbody tr').length > 0")
    page.locator(".sd-cell-button").first.click()
    chosen = page.evaluate(f"{STATE}('segment')")
    assert page.locator("tr.sd-chosen").get_attribute("data-id") == str(chosen)
    slider.fill("1")
    page.wait_for_function(f"{STATE}('panoptic').segments.length === 0")
    assert "no query scored above 1.00" in page.locator(".sd-empty-result").inner_text()


def test_layers_can_be_scrubbed_played_and_followed_for_one_query(page: Page) -> None:
    page.click("#sd-tab-layers")
    page.wait_for_selector(".sd-strip canvas")
    count = page.evaluate(f"{STATE}('run').numLayers")
    assert page.locator(".sd-strip canvas").count() == count
    page.locator(".sd-strip button").first.click()
    page.wait_for_function(
        "document.querySelector('#sd-panel-layers .sd-note-text').textContent.includes('Initial prediction')"
    )
    page.get_by_role("button", name="Play").click()
    page.wait_for_function(f"{STATE}('layer') > 0")
    page.get_by_role("button", name="Pause").click()
    page.get_by_text("One query").click()
    page.wait_for_function("document.querySelectorAll('#sd-panel-layers .sd-plot-line').length === 2")
    assert "IoU" in page.locator("#sd-panel-layers .sd-note-text").inner_text()


def test_attention_has_a_picture_for_every_head_and_the_mean(page: Page) -> None:
    page.click("#sd-tab-attention")
    page.wait_for_selector(".sd-heads canvas")
    heads = page.evaluate(f"{STATE}('run').numHeads")
    assert page.locator(".sd-heads canvas").count() == heads + 1
    page.locator(".sd-heads button").nth(2).click()
    page.wait_for_function("document.querySelector('.sdv-legend').textContent.includes('head 2')")
    page.locator(".sd-query").nth(1).click()
    second = page.locator(".sd-query").nth(1).get_attribute("data-query")
    page.wait_for_function(f"document.querySelector('.sdv-legend').textContent.includes('query {second},')")


BAD_FILES = [
    ("notes.jpg", b"this is no picture", "picture"),
    ("cut.jpg", None, ""),
    ("drawing.svg", b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", ""),
    ("empty.png", b"", ""),
]


@pytest.mark.parametrize(("name", "content", "word"), BAD_FILES, ids=[name for name, _, _ in BAD_FILES])
def test_bad_files_get_a_sentence_and_lose_nothing(
    page: Page, cat: Path, name: str, content: bytes | None, word: str
) -> None:
    if content is None:
        content = cat.read_bytes()[:2000]
    before = page.evaluate(f"{STATE}('run').token")
    upload(page, {"name": name, "mimeType": "image/jpeg", "buffer": content})
    message = page.locator(".sdv-message").inner_text()
    assert message.endswith(".")
    assert word in message
    assert page.evaluate(f"{STATE}('run').token") == before
    assert page.locator(".sd-legend-row").count() >= 2
    page.click("#sd-tab-layers")
    page.wait_for_selector(".sd-strip canvas")
    assert page.evaluate(f"{STATE}('run').token") == before


def test_downloads_are_full_size(page: Page, cat: Path, labels: np.ndarray) -> None:
    upload(page, cat)
    with page.expect_download() as waiting:
        page.locator("#sd-panel-semantic").get_by_role("button", name="Id map").click()
    download = waiting.value
    assert download.suggested_filename == "my-cat-1.semantic.png"
    with Image.open(io.BytesIO(Path(download.path()).read_bytes())) as picture:
        assert np.array_equal(np.asarray(picture), labels)
    page.click("#sd-tab-panoptic")
    with page.expect_download() as waiting:
        page.locator("#sd-panel-panoptic").get_by_role("button", name="Segments", exact=True).click()
    document = json.loads(Path(waiting.value.path()).read_text())
    with page.expect_download() as waiting:
        page.locator("#sd-panel-panoptic").get_by_role("button", name="Id map").click()
    ids = decode_png_ids(Path(waiting.value.path()).read_bytes())
    assert {entry["id"]: entry["area"] for entry in document["segments_info"]} == {
        int(value): int((ids == value).sum()) for value in np.unique(ids) if value
    }


def test_two_visitors_see_their_own_photos(page: Page, chromium: Browser, address: str, cat: Path) -> None:
    context = chromium.new_context()
    other = context.new_page()
    other.goto(f"{address}?tab=classes")
    other.wait_for_function(READY, timeout=60_000)
    assert other.locator("#sd-panel-classes").is_visible()
    upload(page, cat)
    assert page.evaluate(f"{STATE}('run').name") == "my-cat-1"
    assert other.evaluate(f"{STATE}('run').name") != "my-cat-1"
    assert other.evaluate(f"{STATE}('run').token") != page.evaluate(f"{STATE}('run').token")
    context.close()


def test_deleting_forgets_the_photo_and_its_token(page: Page, cat: Path) -> None:
    upload(page, cat)
    token = page.evaluate(f"{STATE}('run').token")
    page.get_by_role("button", name="Delete photo").click()
    page.wait_for_function(f"{STATE}('run') === null")
    assert "deleted" in page.locator(".sdv-message").inner_text()
    gone = page.evaluate(
        "token => window.segdemo.page.client.call('result', {token})"
        ".then(() => 'kept', (error) => error instanceof window.segdemo.GoneError)",
        token,
    )
    assert gone is True


def test_a_photo_that_had_to_make_room_is_computed_again(page: Page, cat: Path) -> None:
    upload(page, cat)
    token = page.evaluate(f"{STATE}('run').token")
    page.evaluate("token => window.segdemo.page.client.call('release', {token})", token)
    page.click("#sd-tab-attention")
    page.wait_for_function(f"{STATE}('run').token !== {json.dumps(token)} && !{STATE}('busy')", timeout=60_000)
    page.wait_for_selector(".sd-heads canvas")


def test_a_deep_link_opens_the_example_and_the_tab(chromium: Browser, address: str) -> None:
    from segdemo.examples import EXAMPLES

    wanted = EXAMPLES[2].id
    context = chromium.new_context()
    page = context.new_page()
    page.goto(f"{address}?example={wanted}&tab=panoptic")
    page.wait_for_function(READY, timeout=60_000)
    assert page.evaluate(f"{STATE}('run').example") == wanted
    assert page.locator("#sd-panel-panoptic").is_visible()
    context.close()


def test_the_tabs_work_with_the_keyboard(page: Page) -> None:
    page.focus("#sd-tab-semantic")
    page.keyboard.press("ArrowRight")
    assert page.locator("#sd-panel-classes").is_visible()
    page.keyboard.press("End")
    assert page.locator("#sd-panel-attention").is_visible()
    assert page.evaluate("document.activeElement.id") == "sd-tab-attention"


def test_on_a_phone_nothing_is_wider_than_the_screen(chromium: Browser, address: str) -> None:
    context = chromium.new_context(viewport={"width": 390, "height": 844}, has_touch=True)
    page = context.new_page()
    page.goto(address)
    page.wait_for_function(READY, timeout=60_000)
    for tab in TABS:
        page.click(f"#sd-tab-{tab}")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
    context.close()


def test_a_refinement_shows_what_it_changed_and_can_be_taken_back(page: Page, cat: Path) -> None:
    upload(page, cat)
    before = page.evaluate(f"[...{STATE}('run').map.ids]")
    panel = page.locator("#sd-panel-semantic")
    panel.locator(".sd-refinement summary").click()
    panel.get_by_label("Operation").select_option("open")
    panel.get_by_role("slider", name="Kernel").fill("21")
    page.wait_for_function(f"{STATE}('refined')?.semantic?.parameters.morphology?.size === 21")
    changed = page.evaluate(f"{STATE}('refined').semantic.changed")
    after = page.evaluate(f"[...{STATE}('refined').semantic.map.ids]")
    assert changed == pytest.approx(np.mean(np.array(before) != np.array(after)))
    assert "of the pixels changed" in panel.locator(".sd-refined").inner_text()
    panel.get_by_text("Before | after").click()
    assert page.get_by_role("slider", name="Divider between before and after").is_visible()
    panel.get_by_role("button", name="Reset refinement").click()
    page.wait_for_function(f"{STATE}('refined') === null")
    assert not panel.locator(".sd-refined").inner_text()


def test_the_quick_crf_gives_way_to_the_exact_one(page: Page) -> None:
    panel = page.locator("#sd-panel-semantic")
    panel.locator(".sd-refinement summary").click()
    panel.get_by_label("Dense CRF").check()
    page.wait_for_function(f"{STATE}('refined')?.semantic?.parameters.quality === 'interactive'", timeout=60_000)
    page.wait_for_function(f"{STATE}('refined')?.semantic?.parameters.quality === 'exact'", timeout=60_000)
    panel.get_by_text("Against this example's ground truth").wait_for()
    assert panel.locator(".sd-refined tbody tr").count() == 2
