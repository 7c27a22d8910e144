"""The page's tabs in headless Chromium: what each shows, and that canvas and panel follow each other."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page

from .harness import READY, STATE
from .pages import inner_pixel, pixel, upload

pytestmark = pytest.mark.browser


@pytest.mark.slow
def test_the_legend_lists_the_classes_by_area(page: Page, cat: Path, labels: np.ndarray) -> None:
    upload(page, cat)
    shown = page.evaluate(f"{STATE}('run').classes.map(({{id, area}}) => [id, area])")
    values, counts = np.unique(labels, return_counts=True)
    expected = {int(value): count / labels.size for value, count in zip(values, counts, strict=True)}
    assert {index: pytest.approx(area) for index, area in shown} == expected
    assert [area for _, area in shown] == sorted((area for _, area in shown), reverse=True)


@pytest.mark.slow
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
    # A photo of one class has all of its classes on then, for which there is no set.
    page.wait_for_function(f"window.segdemo.isOn(window.segdemo.page, {index})")
    assert page.evaluate(f"{STATE}('visible')?.size ?? {STATE}('run').classes.length") == 1
    assert pixel(page, row, column, labels.shape)[:3] == pytest.approx(color, abs=2)
    page.get_by_role("button", name="None", exact=True).click()
    page.wait_for_function(f"{STATE}('visible')?.size === 0")
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
    assert 2 <= page.locator(".sd-pixel-class").count() <= 5
    assert label in page.locator(".sdv-readout").inner_text()
    page.locator(".sd-vote").first.get_by_role("button", name="Attention of query").click()
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
    assert "no query scored above 100 %" in page.locator("#sd-panel-panoptic .sd-empty-result:visible").inner_text()


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


@pytest.mark.slow
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


@pytest.mark.slow
def test_the_quick_crf_gives_way_to_the_exact_one(page: Page, address: str) -> None:
    # A drawn scene has its ground truth.
    page.goto(f"{address}?example=portrait")
    page.wait_for_function(f"{READY} && {STATE}('run').example === 'portrait'", timeout=60_000)
    panel = page.locator("#sd-panel-semantic")
    panel.locator(".sd-refinement summary").click()
    panel.get_by_label("Dense CRF").check()
    page.wait_for_function(f"{STATE}('refined')?.semantic?.parameters.quality === 'interactive'", timeout=60_000)
    page.wait_for_function(f"{STATE}('refined')?.semantic?.parameters.quality === 'exact'", timeout=60_000)
    panel.get_by_text("Against this example's ground truth").wait_for()
    assert panel.locator(".sd-refined tbody tr").count() == 2


@pytest.mark.slow
def test_of_a_large_photo_the_exact_result_follows_the_quick_one(page: Page, cat: Path, tmp_path: Path) -> None:
    large = tmp_path / "large.jpg"
    with Image.open(cat) as photo:
        photo.resize((2100, 1400)).save(large)
    upload(page, large)
    panel = page.locator("#sd-panel-semantic")
    panel.locator(".sd-refinement summary").click()
    panel.get_by_label("Operation").select_option("open")
    page.wait_for_function(f"{STATE}('refined')?.semantic?.quick === true", timeout=60_000)
    assert "quick version" in panel.locator(".sd-refined").inner_text()
    page.wait_for_function(f"{STATE}('refined')?.semantic?.quick === false", timeout=60_000)
    assert "(exact)" in panel.locator(".sd-refined").inner_text()
    page.click("#sd-tab-panoptic")
    page.wait_for_function(f"{STATE}('panoptic')?.quick === false", timeout=60_000)
    assert page.get_by_role("button", name="Stop the exact version").count() == 0
