"""The page as a whole in headless Chromium: photographs in and out, visitors, addresses, keyboard and phone."""

import io
import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page

from segdemo.images import decode_png_ids

from .harness import READY, STATE
from .pages import upload

pytestmark = pytest.mark.browser

TABS = ("semantic", "classes", "panoptic", "layers", "attention")


def test_the_first_visit_shows_an_example_and_says_what_runs(page: Page) -> None:
    assert page.locator(".sd-example[aria-pressed=true]").count() == 1
    assert page.locator(".sd-legend-row").count() >= 2
    # Whoever opened the page before had the example computed: its time is shown to nobody else.
    kept = page.evaluate(f"{STATE}('run').kept")
    facts = page.locator(".sd-facts-text").inner_text()
    assert re.fullmatch(r"cpu (fp32|bf16|int8)" + ("" if kept else r" · .* m?s"), facts)
    assert page.locator(".sd-select select").first.input_value()
    assert page.get_by_role("main").count() == 1


def test_an_upload_goes_through_every_tab(page: Page, cat: Path, labels: np.ndarray) -> None:
    upload(page, cat)
    assert re.fullmatch(r"cpu (fp32|bf16|int8) · .* m?s", page.locator(".sd-facts-text").inner_text())
    run = page.evaluate(f"(() => {{ const r = {STATE}('run'); return {{imageSize: r.imageSize, name: r.name}}; }})()")
    assert run == {"imageSize": list(labels.shape), "name": "my-cat-1"}
    for tab in TABS:
        page.click(f"#sd-tab-{tab}")
        assert page.locator(f"#sd-panel-{tab}").is_visible()
        assert page.locator(".sd-panel:visible").count() == 1
    page.wait_for_selector(".sd-heads canvas")
    assert "tab=attention" in page.url


BAD_FILES = [
    pytest.param("notes.jpg", b"this is no picture", "picture", marks=pytest.mark.slow),
    ("cut.jpg", None, ""),
    pytest.param(
        "drawing.svg",
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        "",
        marks=pytest.mark.slow,
    ),
    pytest.param("empty.png", b"", "", marks=pytest.mark.slow),
]


@pytest.mark.parametrize(("name", "content", "word"), BAD_FILES, ids=["notes", "cut", "drawing", "empty"])
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


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
def test_a_photo_that_had_to_make_room_is_computed_again(page: Page, cat: Path) -> None:
    upload(page, cat)
    token = page.evaluate(f"{STATE}('run').token")
    page.evaluate("token => window.segdemo.page.client.call('release', {token})", token)
    page.click("#sd-tab-attention")
    page.wait_for_function(f"{STATE}('run').token !== {json.dumps(token)} && !{STATE}('busy')", timeout=60_000)
    page.wait_for_selector(".sd-heads canvas")


@pytest.mark.slow
def test_a_deep_link_opens_the_example_and_the_tab(chromium: Browser, address: str) -> None:
    from segdemo.examples import SCENES

    wanted = SCENES[2].id
    context = chromium.new_context()
    page = context.new_page()
    page.goto(f"{address}?example={wanted}&tab=panoptic")
    page.wait_for_function(READY, timeout=60_000)
    assert page.evaluate(f"{STATE}('run').example") == wanted
    assert page.locator("#sd-panel-panoptic").is_visible()
    context.close()


@pytest.mark.slow
def test_the_tabs_work_with_the_keyboard(page: Page) -> None:
    page.focus("#sd-tab-semantic")
    page.keyboard.press("ArrowRight")
    assert page.locator("#sd-panel-classes").is_visible()
    page.keyboard.press("End")
    assert page.locator("#sd-panel-batch").is_visible()
    assert page.evaluate("document.activeElement.id") == "sd-tab-batch"


def test_on_a_phone_nothing_is_wider_than_the_screen(chromium: Browser, address: str) -> None:
    context = chromium.new_context(viewport={"width": 390, "height": 844}, has_touch=True)
    page = context.new_page()
    page.goto(address)
    page.wait_for_function(READY, timeout=60_000)
    for tab in TABS:
        page.click(f"#sd-tab-{tab}")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
    context.close()
