"""The pixel and what hangs on it: card, thumbnails, one selection in every tab, addresses, keys, a phone's order."""

import io
import re
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page

from tests.picking import rest_slow

from .harness import READY, STATE
from .pages import upload

pytestmark = pytest.mark.browser

TABS = ("semantic", "classes", "panoptic", "layers", "attention")


def pick(page: Page, x: float = 0.55, y: float = 0.7) -> None:
    """Pick the pixel at image coordinates and wait for its card."""
    photo = page.locator(".sdv-photo").bounding_box()
    assert photo is not None
    page.mouse.click(photo["x"] + x * photo["width"], photo["y"] + y * photo["height"])
    page.wait_for_selector(".sd-pixel-class .sd-thumb")


def test_the_card_is_first_and_agrees_with_the_readout(page: Page) -> None:
    pick(page)
    card = page.locator(".sd-pixel-card").bounding_box()
    panel = page.locator(".sd-panel:visible").bounding_box()
    assert card is not None
    assert panel is not None
    assert card["y"] < 160
    assert card["y"] < panel["y"]
    shown = page.locator(".sd-pixel-class .sd-number").first.inner_text()
    page.wait_for_function(
        "text => document.querySelector('.sdv-rest').textContent.includes(text)", arg=shown, timeout=5000
    )
    query = re.search(r"query (\d+)", page.locator(".sdv-rest").inner_text())
    assert query is not None
    assert page.locator(".sd-vote-show .sd-number").first.inner_text() == f"q{query[1]}"
    assert page.evaluate(f"{STATE}('query')") == int(query[1])


@pytest.mark.slow
def test_pointing_at_a_vote_lights_its_mask(page: Page) -> None:
    pick(page)
    assert page.locator(".sdv-light").is_hidden()
    page.locator(".sd-vote").first.hover()
    page.wait_for_selector(".sdv-light:not([hidden])")
    page.mouse.move(5, 5)
    page.wait_for_selector(".sdv-light[hidden]", state="attached")


@pytest.mark.slow
def test_a_switch_holds_in_every_tab(page: Page) -> None:
    first = page.locator("#sd-panel-semantic .sd-switch").first
    index = int(first.get_attribute("data-id") or -1)
    first.uncheck()
    page.wait_for_function(f"{STATE}('visible')?.has({index}) === false")
    page.click("#sd-tab-classes")
    assert not page.locator(f"#sd-panel-classes .sd-switch[data-id='{index}']").is_checked()
    page.get_by_role("button", name="All", exact=True).click()
    page.wait_for_function(f"{STATE}('visible') === null")
    assert first.is_checked()


@pytest.mark.slow
def test_the_address_brings_back_what_is_on_screen(page: Page, chromium: Browser) -> None:
    pick(page)
    page.locator(".sd-vote-show").first.click()
    page.wait_for_function(f"{STATE}('tab') === 'layers' && {STATE}('subject') === 'query'")
    page.locator(".sd-strip button").nth(3).click()
    page.wait_for_function("new URLSearchParams(location.search).get('layer') === '3'")
    asked = parse_qs(urlsplit(page.url).query)
    assert {"example", "tab", "pixel", "query", "layer", "subject"} <= set(asked)
    context = chromium.new_context()
    other = context.new_page()
    other.goto(page.url)
    other.wait_for_function(READY, timeout=60_000)
    for key in ("tab", "layer", "query", "subject"):
        assert other.evaluate(f"{STATE}('{key}')") == page.evaluate(f"{STATE}('{key}')")
    assert other.evaluate(f"{STATE}('pixel').x") == pytest.approx(page.evaluate(f"{STATE}('pixel').x"), abs=1e-4)
    context.close()


@pytest.mark.slow
def test_a_link_about_ones_own_photo_asks_for_it(page: Page, chromium: Browser, cat: Path) -> None:
    upload(page, cat)
    page.wait_for_function("new URLSearchParams(location.search).get('photo') === 'own'")
    assert "my-cat" not in page.url
    context = chromium.new_context()
    other = context.new_page()
    other.goto(page.url)
    other.wait_for_function(READY, timeout=60_000)
    assert "open the photo" in other.locator(".sdv-message").inner_text()
    context.close()


@pytest.mark.slow
def test_an_unknown_example_is_said_and_leaves_the_address(chromium: Browser, address: str) -> None:
    context = chromium.new_context()
    page = context.new_page()
    page.goto(f"{address}?example=nope")
    page.wait_for_function(READY, timeout=60_000)
    assert "no example" in page.locator(".sdv-message").inner_text()
    page.wait_for_function("!location.search.includes('nope')")
    page.get_by_role("button", name="Close this message").click()
    assert page.locator(".sdv-message").is_hidden()
    context.close()


@pytest.mark.slow
def test_a_failed_upload_leaves_mark_and_address(page: Page) -> None:
    page.wait_for_function("location.search.includes('example=')")
    before = page.url
    upload(page, {"name": "notes.jpg", "mimeType": "image/jpeg", "buffer": b"no picture"})
    assert page.url == before
    assert page.locator(".sd-example[aria-pressed=true]").count() == 1
    page.keyboard.press("Escape")
    assert page.locator(".sdv-message").is_hidden()


@pytest.mark.slow
def test_a_new_photo_opens_whole_and_another_size_keeps_zoom_and_pixel(page: Page, cat: Path) -> None:
    zoom = "window.segdemo.page.viewer.view().zoom"
    pick(page)
    page.get_by_role("button", name="Zoom in").click()
    page.get_by_role("button", name="Zoom in").click()
    page.wait_for_function(f"Math.abs({zoom} - 2.25) < 1e-6")
    page.get_by_label("Input size").select_option("320")
    page.wait_for_function(f"{STATE}('size') === '320' && !{STATE}('busy')", timeout=60_000)
    assert page.evaluate(zoom) == pytest.approx(2.25)
    assert page.evaluate(f"{STATE}('pixel')") is not None
    assert "size=320" in page.url
    upload(page, cat)
    assert page.evaluate(zoom) == 1
    assert page.evaluate(f"{STATE}('pixel')") is None


def test_keys_work_from_anywhere(page: Page) -> None:
    opacity = page.evaluate(f"{STATE}('opacity')")
    page.locator("body").press("]")
    page.wait_for_function(f"{STATE}('opacity') > {opacity}")
    pick(page)
    page.get_by_role("slider", name="Opacity").focus()
    page.keyboard.press("Escape")
    page.wait_for_function(f"{STATE}('pixel') === null")
    page.click("#sd-tab-layers")
    page.wait_for_selector(".sd-strip canvas")
    page.locator("body").press("Space")
    page.wait_for_function(f"{STATE}('layer') > 0")
    page.locator("body").press("Space")
    page.keyboard.press("?")
    assert page.locator(".sd-keys").is_visible()
    page.keyboard.press("Escape")
    assert page.locator(".sd-keys").is_hidden()
    first = page.evaluate("document.querySelector('.sd-app').querySelector('button, a, input, select').textContent")
    assert first.startswith("Skip to")
    page.locator(".sd-skip").focus()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.getAttribute('role')") == "tabpanel"


@pytest.mark.slow
def test_the_view_is_saved_as_it_stands(page: Page) -> None:
    with page.expect_download() as waiting:
        page.locator("#sd-panel-semantic").get_by_role("button", name="This view").click()
    picture = np.asarray(Image.open(io.BytesIO(Path(waiting.value.path()).read_bytes())).convert("RGB"))
    box = page.locator(".sdv-viewport").bounding_box()
    assert box is not None
    assert picture.shape[1] == pytest.approx(2 * box["width"], abs=2)
    assert picture.shape[0] > 2 * box["height"]
    color = page.evaluate(f"{STATE}('run').classes[0].color")
    below = picture[round(2 * box["height"]) :]
    assert (np.abs(below.astype(int) - color).max(axis=-1) <= 2).sum() > 100


@pytest.mark.slow
def test_a_dropped_candidate_is_brought_back(page: Page) -> None:
    page.click("#sd-tab-panoptic")
    page.wait_for_function(f"{STATE}('panoptic') !== null")
    page.get_by_role("slider", name="Score").fill("0.99")
    back = page.get_by_role("button", name="Bring back: score").first
    back.wait_for()
    count = page.evaluate(f"{STATE}('panoptic').segments.length")
    back.click()
    page.wait_for_function(f"{STATE}('panoptic').segments.length > {count}")
    assert "score=" in page.url


@pytest.mark.parametrize("tab", rest_slow(TABS, TABS[0].__eq__))
def test_on_a_phone_photo_and_control_are_on_screen_together(chromium: Browser, address: str, tab: str) -> None:
    controls = {
        "semantic": "#sd-panel-semantic .sd-legend-row",
        "classes": "#sd-panel-classes .sd-switch",
        "panoptic": "#sd-panel-panoptic input[type=range]",
        "layers": "#sd-panel-layers .sd-strip button",
        "attention": "#sd-panel-attention input[type=range]",
    }
    context = chromium.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page = context.new_page()
    page.goto(f"{address}?tab={tab}")
    page.wait_for_function(READY, timeout=60_000)
    control = page.locator(controls[tab]).first
    control.wait_for()
    if tab == "panoptic":
        page.wait_for_function(f"{STATE}('panoptic') !== null")
        page.wait_for_function("document.querySelectorAll('.sd-table-wrap tbody tr').length > 0")
    control.evaluate("node => node.scrollIntoView({block: 'end'})")
    page.wait_for_timeout(50)
    photo, touched = page.locator(".sdv-viewport").bounding_box(), control.bounding_box()
    assert photo is not None
    assert touched is not None
    assert photo["y"] >= 0
    assert photo["y"] + photo["height"] <= 844
    assert touched["y"] + touched["height"] <= 844
    assert touched["y"] >= photo["y"] + photo["height"]
    words = page.locator(".sd-app").inner_text().lower()
    assert "hover" not in words
    assert "click" not in words
    context.close()


@pytest.mark.slow
def test_beside_a_tall_photo_the_layers_and_their_slider_fit_the_window(page: Page, cat: Path, tmp_path: Path) -> None:
    tall = tmp_path / "tall.png"
    Image.open(cat).crop((120, 0, 320, 300)).save(tall)
    upload(page, tall)
    page.click("#sd-tab-layers")
    frames = page.locator(".sd-strip .sd-frame-button")
    frames.nth(9).wait_for()
    boxes = [frames.nth(index).locator("canvas").bounding_box() for index in range(5)]
    assert len({round(box["y"]) for box in boxes if box}) == 1
    slider = page.locator(".sd-scrub").bounding_box()
    assert slider is not None
    assert slider["y"] + slider["height"] < 900
    tools = [page.locator(".sd-tools > *:visible").nth(index).bounding_box() for index in range(3)]
    assert max(box["y"] for box in tools if box) < min(box["y"] + box["height"] for box in tools if box)


@pytest.mark.slow
def test_the_votes_of_a_class_stand_in_one_row_in_a_narrow_panel(page: Page, cat: Path) -> None:
    page.set_viewport_size({"width": 1024, "height": 768})
    upload(page, cat)
    pick(page, 0.5, 0.6)
    votes = page.locator(".sd-votes").first.locator(".sd-vote")
    boxes = [votes.nth(index).bounding_box() for index in range(votes.count())]
    card, panel = page.locator(".sd-pixel-card").bounding_box(), page.locator(".sd-panel:visible").bounding_box()
    assert card is not None
    assert panel is not None
    assert card["y"] < 160
    assert card["y"] < panel["y"]
    assert len(boxes) >= 3
    assert len({round(box["y"]) for box in boxes[:3] if box}) == 1
