"""Controls of the page that once said what was not so: menus, messages, pop-ups, drops, buttons without a photo."""

from itertools import pairwise
from pathlib import Path

import pytest
from playwright.sync_api import Page

from .harness import STATE
from .pages import upload

pytestmark = pytest.mark.browser

# A run that lasts until somebody cancels it.
ENDLESS = """() => { window.segdemo.page.client.run = () => {
  let end;
  const done = new Promise((resolve) => { end = resolve; });
  return { done, cancel: () => end(null) };
}; }"""
DROP = """() => { const data = new DataTransfer(); data.items.add(new File(["no picture"], "notes.txt"));
  for (const kind of ["dragover", "drop"]) {
    const event = new DragEvent(kind, { dataTransfer: data, bubbles: true, cancelable: true });
    document.querySelector(".sd-footer").dispatchEvent(event);
    if (!event.defaultPrevented) return `the browser takes the ${kind}`;
  }
  return "the page takes it"; }"""


@pytest.mark.slow
def test_after_cancel_the_menu_says_what_the_result_was_made_with(page: Page) -> None:
    size = page.get_by_label("Input size")
    before = size.input_value()
    page.evaluate(ENDLESS)
    size.select_option("960")
    page.click(".sd-facts .sd-cancel")
    page.wait_for_function(f"!{STATE}('busy')")
    assert size.input_value() == before == page.evaluate(f"{STATE}('size')")


@pytest.mark.slow
def test_the_times_close_by_esc_and_by_a_click_elsewhere(page: Page) -> None:
    button, times = page.locator(".sd-facts .sd-popover-button"), page.locator(".sd-times")
    button.click()
    assert times.is_visible()
    page.keyboard.press("Escape")
    assert times.is_hidden()
    button.click()
    assert times.is_visible()
    page.locator(".sd-brand").click()
    assert times.is_hidden()


@pytest.mark.slow
def test_a_message_is_closed_by_its_button_and_by_esc(page: Page) -> None:
    message = page.locator(".sdv-message")
    page.evaluate("window.segdemo.page.say('Something to read.')")
    assert message.is_visible()
    message.get_by_role("button").click()
    assert message.is_hidden()
    page.evaluate("window.segdemo.page.say('Something to read.')")
    page.locator("body").press("Escape")
    assert message.is_hidden()


@pytest.mark.slow
def test_two_quick_clicks_zoom_twice(page: Page) -> None:
    zoom = page.get_by_label("Zoom in")
    zoom.click(click_count=2, delay=0)
    page.wait_for_function("Math.abs(window.segdemo.page.viewer.view().zoom - 2.25) < 0.01", timeout=5000)


@pytest.mark.slow
def test_a_file_dropped_beside_the_photo_is_the_pages(page: Page) -> None:
    assert page.evaluate(DROP) == "the page takes it"
    page.wait_for_selector(".sdv-message:not([hidden])")
    assert page.locator(".sd-app").is_visible()


@pytest.mark.slow
def test_without_a_photo_there_is_nothing_to_download_or_delete(page: Page, cat: Path) -> None:
    upload(page, cat)
    buttons = page.locator("#sd-panel-semantic .sd-downloads .sd-row button")
    assert all(buttons.nth(index).is_enabled() for index in range(buttons.count()))
    delete = page.get_by_role("button", name="Delete photo")
    assert delete.is_enabled()
    # It does not look switched off: its words are as dark as those of the buttons beside it.
    style = "node => [getComputedStyle(node).color, getComputedStyle(node).opacity]"
    assert delete.evaluate(style) == page.get_by_role("button", name="Paste").evaluate(style)
    delete.click()
    page.wait_for_function(f"{STATE}('run') === null")
    assert buttons.count() >= 4
    assert not any(buttons.nth(index).is_enabled() for index in range(buttons.count()))
    assert delete.is_hidden()
    # In every tab: what hands out a file is dead or not there.
    for tab in page.get_by_role("tab").all():
        tab.click()
        for button in page.locator(".sd-panel:visible .sd-downloads button:not(.sd-info), .sd-report button").all():
            assert not (button.is_visible() and button.is_enabled()), (tab.inner_text(), button.inner_text())


def test_headings_and_tables_are_whole(page: Page) -> None:
    page.click("#sd-tab-panoptic")
    page.wait_for_selector("#sd-panel-panoptic td")
    empty = "[...document.querySelectorAll('.sd-app th')].filter((th) => !th.textContent.trim()).length"
    assert page.evaluate(empty) == 0
    headings = "[...document.querySelectorAll('.sd-app :is(h1, h2, h3, h4)')].map((node) => Number(node.tagName[1]))"
    levels = page.evaluate(headings)
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
