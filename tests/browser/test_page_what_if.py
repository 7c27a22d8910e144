"""The What-if tab in headless Chromium: parts off and on again, the canvas, the ranking, the address."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from .harness import READY, STATE
from .pages import upload

pytestmark = pytest.mark.browser

PANEL = "#sd-panel-whatif"
CHANGED = f"/of the pixels change|No pixel changes/.test(document.querySelector('{PANEL} .sd-note-text').textContent)"


def test_a_query_of_the_photo_is_switched_off_and_on_again(page: Page) -> None:
    # In the first example, the tower's own query.
    page.click("#sd-tab-whatif")
    panel = page.locator(PANEL)
    assert "Nothing is switched off" in panel.inner_text()
    box = page.locator(".sdv-photo").bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + 0.5 * box["width"], box["y"] + 0.6 * box["height"])
    page.wait_for_function(f"{STATE}('query') !== null && document.querySelector('.sd-unfold').textContent")
    query = page.evaluate(f"{STATE}('query')")
    panel.get_by_role("button", name=f"Switch query {query} (").first.click()
    page.wait_for_function(CHANGED)
    # That query decided the pixel: without it some change, and what changed is as the server counted.
    share = page.evaluate("window.segdemo.page.whatIf.share")
    shown = page.evaluate("window.segdemo.page.whatIf.changed.reduce((sum, one, _, {length}) => sum + one / length, 0)")
    assert shown == pytest.approx(share)
    assert 0 < share < 1
    assert panel.locator("tbody tr").count() >= 2
    assert "Did attention foretell it?" in panel.inner_text()
    assert f"off=q{query}" in page.url
    panel.get_by_text("Before | after").click()
    assert page.get_by_role("slider", name="Divider between before and after").is_visible()
    panel.get_by_role("button", name=f"Switch query {query} (").last.click()
    page.wait_for_function(f"{STATE}('off').queries.length === 0")
    assert "off=" not in page.url
    assert not page.get_by_role("slider", name="Divider between before and after").is_visible()


@pytest.mark.slow
def test_layers_and_heads_by_key(page: Page, cat: Path) -> None:
    upload(page, cat)
    page.click("#sd-tab-whatif")
    panel = page.locator(PANEL)
    heads = panel.get_by_role("switch")
    expect(heads).to_have_count(page.evaluate(f"{STATE}('run').numHeads"))
    heads.nth(1).focus()
    page.keyboard.press("Enter")
    page.wait_for_function(f"{CHANGED} && {STATE}('off').heads[0] === '9.1'")
    expect(heads.nth(1)).to_have_attribute("aria-checked", "false")
    expect(heads.nth(1)).to_be_focused()
    slider = panel.get_by_role("slider", name="Layer")
    slider.focus()
    page.keyboard.press("Home")
    panel.get_by_role("button", name="Switch layer 1’s cross-attention off").press("Enter")
    page.wait_for_function(f"{CHANGED} && {STATE}('off').layers[0] === 1")
    expect(heads.first).to_be_disabled()
    panel.get_by_role("listbox", name="Queries", exact=True).press("Enter")
    page.wait_for_function(f"{CHANGED} && {STATE}('off').queries.length === 1")
    panel.get_by_role("button", name="All on again").click()
    page.wait_for_function(f"{STATE}('off').layers.length === 0")
    assert "Nothing is switched off" in panel.inner_text()


@pytest.mark.slow
def test_the_queries_are_ranked_and_the_ranking_can_be_cancelled(page: Page, cat: Path) -> None:
    upload(page, cat)
    page.click("#sd-tab-whatif")
    panel = page.locator(PANEL)
    panel.get_by_role("button", name="Rank the queries").click()
    panel.get_by_role("button", name="Cancel").click()
    panel.get_by_text("Cancelled.").wait_for()
    panel.get_by_role("button", name="Rank the queries").click()
    page.wait_for_function(
        f"document.querySelectorAll('{PANEL} .sd-ranks [role=listitem]').length > 0", timeout=120_000
    )
    first = panel.locator(".sd-ranks button").first
    words = first.get_attribute("title") or ""
    first.click()
    page.wait_for_function(f"{CHANGED} && {STATE}('off').queries.length === 1")
    query = page.evaluate(f"{STATE}('off').queries[0]")
    assert words.startswith(f"Without query {query} ")


@pytest.mark.slow
def test_a_link_switches_the_same_off(page: Page, address: str) -> None:
    page.goto(f"{address}?tab=whatif&off=q1,l9,h3.2,q999,x,h3.99")
    page.wait_for_function(f"{READY} && {CHANGED}", timeout=60_000)
    assert page.evaluate(f"{STATE}('off')") == {"queries": [1], "layers": [9], "heads": ["3.1"]}
