"""The Features tab in headless Chromium: pictures of every map, what is alike, channels, the canvas."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from segdemo import examples
from segdemo.explain.features import cell_at, feature_maps, window_ids
from segdemo.images import load_image
from segdemo.model.predictor import load_predictor

from .harness import READY, STATE
from .pages import upload

pytestmark = pytest.mark.browser

PANEL = "#sd-panel-features"
WORDS = f"document.querySelector('{PANEL} .sd-note-text').textContent"


def open_tab(page: Page) -> None:
    page.click("#sd-tab-features")
    page.wait_for_function(f"document.querySelectorAll('{PANEL} .sd-scales canvas').length === 8", timeout=60_000)


def test_every_map_has_a_picture_and_goes_on_the_canvas(page: Page, cat: Path) -> None:
    upload(page, cat)
    open_tab(page)
    assert "Stage 1 of the backbone at 1/4" in page.evaluate(WORDS)
    page.evaluate("window.segdemo.page.viewer.flush()")
    colour = page.evaluate("window.segdemo.page.viewer.pixelAt(0.3, 0.3)")
    page.locator(f"{PANEL} .sd-scales button").nth(7).click()
    page.wait_for_function(f"{WORDS}.startsWith('The mask features')")
    assert page.evaluate("window.segdemo.page.viewer.pixelAt(0.3, 0.3)")[:3] != colour[:3]
    assert "Principal components" in page.locator(".sdv-legend").inner_text()
    assert not page.locator(".sdv-legend-bar").is_visible()
    page.get_by_text("Length", exact=True).click()
    page.wait_for_function("document.querySelector('.sdv-legend').textContent.includes('Length of the feature')")
    assert page.locator(".sdv-legend-bar").is_visible()
    # The embedded checkpoint's backbone is convolutional.
    assert "no grid of attention windows" in page.locator(PANEL).inner_text()
    assert not page.get_by_role("radiogroup", name="Grid of attention windows").is_visible()


@pytest.mark.slow
def test_a_picked_pixel_asks_what_is_alike(page: Page, cat: Path) -> None:
    upload(page, cat)
    open_tab(page)
    box = page.locator(".sdv-photo").bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + 0.25 * box["width"], box["y"] + 0.6 * box["height"])
    page.wait_for_function(f"{WORDS}.includes('The picked cell is in row')")
    assert page.locator(PANEL).get_by_role("radio", name="Alike").is_checked()
    # At its own place a cell is like itself: the top of the colour map, yellow.
    page.evaluate("window.segdemo.page.viewer.flush()")
    red, green, blue, _ = page.evaluate("window.segdemo.page.viewer.pixelAt(0.25, 0.6)")
    assert (red, green, blue) == pytest.approx((253, 231, 37), abs=3)
    first = page.evaluate(WORDS)
    page.mouse.click(box["x"] + 0.8 * box["width"], box["y"] + 0.2 * box["height"])
    page.wait_for_function(f"{WORDS} !== {first!r}")
    page.keyboard.press("Escape")
    page.wait_for_function(f"{STATE}('pixel') === null && {WORDS}.startsWith('Pick a pixel')")


@pytest.mark.slow
def test_channels_are_chosen_by_strength_and_by_key(page: Page, cat: Path) -> None:
    upload(page, cat)
    open_tab(page)
    page.locator(PANEL).get_by_text("Channel", exact=True).click()
    small = page.locator(f"{PANEL} .sd-channels button")
    expect(small).to_have_count(12)
    small.nth(1).click()
    page.wait_for_function("document.querySelector('.sdv-legend').textContent.includes('no. 2 of 24')")
    slider = page.get_by_role("slider", name="Channel by strength")
    slider.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function("document.querySelector('.sdv-legend').textContent.includes('no. 3 of 24')")
    page.locator(f"{PANEL} .sd-scales button").nth(1).focus()
    page.keyboard.press("Enter")
    page.wait_for_function(f"{WORDS}.startsWith('Stage 2')")


@pytest.mark.slow
def test_the_grid_of_windows_lies_over_the_photo_and_moves_with_the_next_block(chromium: Browser, address: str) -> None:
    first = examples.SCENES[0]
    prediction = load_predictor("embedded-swin")(load_image(first.image))
    stage = feature_maps(prediction)[1]
    windows = prediction.windows[stage.stride]
    assert windows.shift > 0
    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.goto(f"{address}?example={first.id}&checkpoint=embedded-swin&tab=features&features=norm.1&grid=this")
    page.wait_for_function(
        f"{READY} && document.querySelectorAll('{PANEL} .sd-scales canvas').length === 8", timeout=120_000
    )
    panel = page.locator(PANEL)
    assert f"windows of {windows.side} × {windows.side} cells" in panel.inner_text()
    assert f"moves the grid by {windows.shift} cells" in panel.inner_text()
    box = page.locator(".sdv-photo").bounding_box()
    assert box is not None
    for shifted, name in ((False, "A block"), (True, "The next block")):
        panel.get_by_text(name, exact=True).click()
        numbers = window_ids(stage.size, windows, shifted=shifted)
        told = []
        places = [(0.02, 0.02), (0.3, 0.41), (0.52, 0.77), (0.97, 0.97)]
        for y, x in places:
            page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"])
            told.append(page.locator(".sdv-readout .sdv-name").inner_text())
        cells = [cell_at(prediction, stage, y, x) for y, x in places]
        assert told == [f"window {numbers[cell]}" for cell in cells]
    context.close()
