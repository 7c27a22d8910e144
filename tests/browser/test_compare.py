"""The Compare tab in headless Chromium: figures equal to Python's, linked canvases, swap, difference, address."""

import csv
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from segdemo.evaluation.agreement import JointClasses, agreement
from segdemo.images import load_image
from segdemo.model.predictor import load_predictor
from segdemo.segmentation import semantic

from .harness import READY, STATE
from .pages import upload

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PANEL = "#sd-panel-compare"
FOUND = f"{STATE}('comparison')"
DONE = f"{FOUND} && !document.querySelector('{PANEL} .sd-stale') && document.querySelector('{PANEL} .sd-stats')"
VIEWS = """() => [window.segdemo.page.viewer, window.segdemo.page.beside].map((one) => {
  const {zoom, x, y} = one.view(); return [zoom, x, y]; })"""
SHOWN = """(place) => {
  const viewer = [window.segdemo.page.viewer, window.segdemo.page.beside][place];
  viewer.flush();
  const canvas = viewer.element.querySelector(".sdv-overlay");
  const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  return [...data].filter((_, i) => i % 4 === 3).map((alpha) => (alpha ? 1 : 0));
}"""

LATE = """() => {
  const {client} = window.segdemo.page;
  const run = client.run;
  const late = (begin) => async () => {
    await new Promise((wake) => setTimeout(wake, 400));
    return begin();
  };
  client.run = (begin, ...rest) => run(late(begin), ...rest);
}"""
"""Every job begins a little later, so that there is time to cancel it."""


def compared(page: Page, by: str) -> None:
    page.wait_for_function(f"{DONE} && {FOUND}.by === '{by}'", timeout=120_000)


def shown(page: Page, place: int, shape: tuple[int, ...]) -> np.ndarray:
    return np.array(page.evaluate(SHOWN, place), bool).reshape(shape)


def test_two_sizes_of_ones_own_photo(page: Page, cat: Path, labels: np.ndarray) -> None:
    upload(page, cat)
    page.click("#sd-tab-compare")
    panel = page.locator(PANEL)
    panel.get_by_label("Compare by").select_option("size")
    panel.get_by_label("B", exact=True).select_option("320")
    compared(page, "size")
    predictor = load_predictor()
    other = semantic(predictor(load_image(cat), size=320)).labels
    expected = agreement(labels, other, JointClasses(predictor.id2label, predictor.id2label))
    assert page.evaluate(f"{FOUND}.share") == expected.share
    rows = page.evaluate(f"{FOUND}.classes.map(({{label, first, second, iou}}) => [label, first, second, iou])")
    assert rows == [[row.name, row.first, row.second, row.iou] for row in expected.classes]
    texts = panel.locator("table").first.locator("tbody tr td:first-child").all_inner_texts()
    by_share = sorted(expected.classes, key=lambda row: -row.first)
    assert [text.strip() for text in texts][:3] == [row.name for row in by_share][:3]
    panel.get_by_role("button", name="IoU", exact=True).click()
    texts = panel.locator("table").first.locator("tbody tr td:first-child").all_inner_texts()
    worst = min(row.iou for row in expected.classes if row.iou is not None)
    assert texts[0].strip() in {row.name for row in expected.classes if row.iou == worst}

    # Zoom, pointer and pixel are those of both canvases.
    viewports = page.locator(".sdv-viewport")
    viewports.nth(1).focus()
    page.keyboard.press("+")
    page.wait_for_function(f"({VIEWS})()[0][0] === 1.5 && ({VIEWS})()[1][0] === 1.5")
    page.keyboard.press("ArrowRight")
    one, beside = page.evaluate(VIEWS)
    assert one == beside
    names = page.locator(".sdv-readout .sdv-name").all_inner_texts()
    assert [name[:2] for name in names] == ["A:", "B:"]
    page.keyboard.press("Enter")
    expect(page.locator(".sdv-pixel:not([hidden])")).to_have_count(2)
    page.keyboard.press("0")
    page.keyboard.press("Escape")

    # A class opens its pixels on both; Escape shows all.
    changed = max(expected.classes, key=lambda row: abs(row.first_pixels - row.second_pixels))
    panel.get_by_role("button", name=f"Show the pixels that are {changed.name} in A or in B").click()
    page.wait_for_selector(f"{PANEL} .sd-shown-pixels:visible")
    mask = expected.where("class", changed.id)
    for place in (0, 1):
        assert np.array_equal(shown(page, place, labels.shape), mask)
    assert f"pair=class%2C{changed.id}" in page.url
    panel.get_by_text("Difference", exact=True).click()
    assert page.locator(".sd-canvas-beside").is_hidden()
    assert np.array_equal(shown(page, 0, labels.shape), mask)
    page.keyboard.press("Escape")
    page.wait_for_function(f"{STATE}('pairPixels') === null")
    panel.get_by_role("button", name="Different").click()
    page.wait_for_selector(f"{PANEL} .sd-shown-pixels:visible")
    assert np.array_equal(shown(page, 0, labels.shape), expected.where("different"))

    # Swapped by key: the same agreement, with the sides changed over, and nothing is run again.
    panel.get_by_text("Wipe", exact=True).click()
    assert page.get_by_role("slider", name="Divider between A and B").is_visible()
    page.keyboard.press("x")
    page.wait_for_function(f"{STATE}('sideA') === '320'")
    compared(page, "size")
    page.wait_for_function(f"{FOUND}.sides[0].size === '320'")
    assert page.evaluate(f"{FOUND}.share") == expected.share
    assert not page.evaluate(f"{FOUND}.ran")
    assert "a=320" in page.url

    with page.expect_download() as file:
        panel.get_by_role("button", name="Difference map").click()
    with Image.open(file.value.path()) as picture:
        assert np.array_equal(np.asarray(picture) > 0, labels != other)
    with page.expect_download() as file:
        panel.get_by_role("button", name="Table", exact=True).click()
    table = list(csv.DictReader(io.StringIO(Path(file.value.path()).read_text(encoding="utf-8"))))
    assert {row["class"]: float(row["share_a"]) for row in table} == {row.name: row.second for row in expected.classes}


def test_a_link_compares_an_examples_layers_and_says_what_changed(chromium: Browser, address: str) -> None:
    context = chromium.new_context(viewport={"width": 390, "height": 844})
    page = context.new_page()
    page.goto(f"{address}?example=books&tab=compare&by=layer&a=9&b=2&canvas=two")
    page.wait_for_function(READY, timeout=120_000)
    compared(page, "layer")
    photos = [page.locator(".sdv-photo").nth(place).bounding_box() for place in (0, 1)]
    assert photos[0] is not None
    assert photos[1] is not None
    assert photos[1]["y"] >= photos[0]["y"] + photos[0]["height"], "the canvases are not one below the other"
    outcomes = page.evaluate(f"(({{changes, totals}}) => ({{changes, totals}}))({FOUND}.outcomes)")
    assert sum(pixels for _, _, pixels in outcomes["changes"]) == sum(outcomes["totals"][0].values())
    before, after, pixels = next(change for change in outcomes["changes"] if change[0] != change[1])
    button = page.locator(f"{PANEL} [data-pixels='change,{before},{after}']")
    button.click()
    page.wait_for_selector(f"{PANEL} .sd-shown-pixels:visible")
    assert shown(page, 0, (768, 1024)).sum() == pixels
    context.close()


def test_a_comparison_is_cancelled_and_begun_again(page: Page, cat: Path) -> None:
    upload(page, cat)
    page.evaluate(LATE)
    page.click("#sd-tab-compare")
    panel = page.locator(PANEL)
    panel.get_by_role("button", name="Cancel").click()
    panel.get_by_text("This was stopped.").wait_for()
    assert panel.locator(".sd-stats").is_hidden()
    panel.get_by_role("button", name="Compare", exact=True).click()
    compared(page, "checkpoint")
    assert len(set(page.evaluate(f"{FOUND}.sides.map((side) => side.checkpoint)"))) == 2


def test_a_photo_that_had_to_make_room_is_computed_again_for_both(page: Page, cat: Path) -> None:
    upload(page, cat)
    token = page.evaluate(f"{STATE}('run').token")
    page.evaluate("token => window.segdemo.page.client.call('release', {token})", token)
    page.click("#sd-tab-compare")
    page.wait_for_selector(".sdv-message:has-text('had to make room')", timeout=120_000)
    compared(page, "checkpoint")
    assert page.evaluate(f"{STATE}('run').token") != token
