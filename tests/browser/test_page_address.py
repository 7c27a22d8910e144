"""What an address brings back, what is read out, and a walk through the page with a keyboard alone."""

import pytest
from playwright.sync_api import Browser, Page

from segdemo.results.options import OutputOptions

from .harness import READY, STATE

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def opened(chromium: Browser, address: str, query: str) -> Page:
    page = chromium.new_context(viewport={"width": 1440, "height": 900}).new_page()
    page.goto(f"{address}?{query}")
    page.wait_for_function(READY, timeout=120_000)
    return page


def test_another_checkpoint_is_in_the_address_and_keeps_the_pixel(page: Page, chromium: Browser, address: str) -> None:
    page.evaluate("window.segdemo.page.state.set({pixel: {x: 0.4, y: 0.6, picked: true}})")
    before = page.evaluate(f"{STATE}('run').token")
    page.get_by_label("Checkpoint").select_option("embedded-swin")
    page.wait_for_function(f"{STATE}('run').token !== '{before}' && !{STATE}('busy')", timeout=60_000)
    assert page.evaluate(f"{STATE}('pixel')")["x"] == pytest.approx(0.4)
    assert "checkpoint=embedded-swin" in page.url
    other = opened(chromium, address, page.url.partition("?")[2])
    assert other.evaluate(f"{STATE}('checkpoint')") == "embedded-swin"
    assert other.evaluate(f"{STATE}('run').queries.length") == page.evaluate(f"{STATE}('run').queries.length")
    assert other.evaluate(f"{STATE}('pixel')")["y"] == pytest.approx(0.6)
    other.context.close()


def test_checkpoints_of_one_title_are_told_apart(page: Page) -> None:
    titles = page.evaluate(
        """() => window.segdemo.titles([
          {id: "a/one", title: "Mask2Former"}, {id: "b/two", title: "Mask2Former"},
          {id: "three", title: "OneFormer"}])"""
    )
    assert titles == [["a/one", "Mask2Former (one)"], ["b/two", "Mask2Former (two)"], ["three", "OneFormer"]]


def test_what_is_shown_is_read_out_in_every_tab(page: Page) -> None:
    for tab in ("attention", "features", "layers", "panoptic", "semantic"):
        page.click(f"#sd-tab-{tab}")
        page.wait_for_function("!document.querySelector('.sdv-description').textContent.includes('not segmented')")
    page.click("#sd-tab-attention")
    page.wait_for_function("document.querySelector('.sdv-description').textContent.includes('Attention of query')")


def test_features_come_back_from_the_address(chromium: Browser, address: str) -> None:
    page = opened(chromium, address, "tab=features&features=channel.2.3")
    page.wait_for_selector(".sd-channels button[aria-pressed=true]")
    assert page.locator(".sd-scales button").nth(2).get_attribute("aria-pressed") == "true"
    assert page.locator(".sd-channels button").nth(3).get_attribute("aria-pressed") == "true"
    page.locator(".sd-scales button").nth(1).click()
    page.wait_for_function("new URLSearchParams(location.search).get('features') === 'channel.1'")
    page.context.close()


def test_opacity_is_the_same_on_the_page_and_in_its_api(page: Page) -> None:
    assert page.evaluate(f"{STATE}('opacity')") == OutputOptions().opacity


def test_a_small_selected_region_is_not_swallowed_by_its_outline(page: Page) -> None:
    """What of its pixels lies under the outline and its casing is the smaller part."""
    smallest = page.evaluate(f"{STATE}('run').classes.reduce((a, b) => (a.area < b.area ? a : b)).id")
    covered = f"""() => {{
      const {{map}} = {STATE}('run'), viewer = window.segdemo.page.viewer;
      viewer.flush();
      let under = 0, all = 0;
      map.ids.forEach((id, at) => {{
        if (id !== {smallest}) return;
        const [x, y] = [at % map.width, Math.floor(at / map.width)];
        all += 1;
        under += viewer.lineAt((x + 0.5) / map.width, (y + 0.5) / map.height)[3] > 0 ? 1 : 0;
      }});
      return under / all;
    }}"""
    page.evaluate("window.segdemo.page.state.set({outlines: false})")
    page.wait_for_function(f"{STATE}('outlines') === false")
    assert page.evaluate(covered) == 0
    page.evaluate(f"window.segdemo.page.state.set({{classId: {smallest}}})")
    page.wait_for_function(f"{STATE}('classId') === {smallest}")
    assert 0 < page.evaluate(covered) < 0.5


def test_a_class_picked_on_the_photo_is_marked_in_the_whole_list(page: Page) -> None:
    chosen = page.evaluate(f"{STATE}('run').classes[1].id")
    page.evaluate(f"window.segdemo.page.state.set({{classId: {chosen}}})")
    page.click("#sd-tab-classes")
    assert page.locator(f"#sd-panel-classes .sd-check[data-id='{chosen}']").get_attribute("aria-current") == "true"


def test_a_keyboard_alone_goes_from_the_photo_to_its_explanation(page: Page) -> None:
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.classList.contains('sd-skip')")
    page.locator(".sdv-photo, .sdv-stage, [aria-keyshortcuts]").first.focus()
    page.evaluate("document.querySelector('.sd-canvas [tabindex=\"0\"]').focus()")
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    page.wait_for_selector(".sd-pixel-class .sd-thumb")
    page.focus("#sd-tab-semantic")
    for tab in ("classes", "panoptic"):
        page.keyboard.press("ArrowRight")
        page.wait_for_function(f"{STATE}('tab') === '{tab}'")
    page.keyboard.press("Escape")
    page.wait_for_function(f"{STATE}('pixel') === null")
