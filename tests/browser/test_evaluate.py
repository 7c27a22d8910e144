"""The Evaluate tab in headless Chromium: labels for one's own photo, an example's, and numbers that open pixels."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Page

from segdemo.evaluation.evaluate import evaluate
from segdemo.images import encode_png_index, load_image
from segdemo.model.predictor import load_predictor

from .harness import READY, STATE
from .pages import upload

pytestmark = pytest.mark.browser

# Without a key it is what is known before the decoder layers are compared.
MEASURED = (
    f"{STATE}('evaluation')?.token === {STATE}('run').token && {STATE}('evaluation').key !== null"
    " && !document.querySelector('.sd-stale')"
)
SHOWN = """() => {
  const viewer = window.segdemo.page.viewer;
  viewer.flush();
  const canvas = document.querySelector(".sdv-overlay");
  const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  let rows = "";
  for (let i = 3; i < data.length; i += 4) rows += data[i] ? "1" : "0";
  return rows;
}"""


def measured(page: Page) -> None:
    page.wait_for_function(MEASURED, timeout=120_000)


def shown(page: Page, shape: tuple[int, ...]) -> np.ndarray:
    """Which pixels of the map have a colour on the canvas."""
    return (np.frombuffer(page.evaluate(SHOWN).encode(), np.uint8) == ord("1")).reshape(shape)


def give_labels(page: Page, content: bytes, name: str = "labels.png") -> None:
    file: Any = {"name": name, "mimeType": "image/png", "buffer": content}
    page.set_input_files(".sd-labels input[type=file]", file)


@pytest.mark.slow
def test_numbers_of_ones_own_photo_open_exactly_their_pixels(page: Page, cat: Path, labels: np.ndarray) -> None:
    upload(page, cat)
    page.click("#sd-tab-evaluate")
    page.wait_for_selector("#sd-panel-evaluate :text('There are no labels for this photo yet')")

    give_labels(page, b"no picture at all")
    page.wait_for_selector(".sd-labels [role=alert]:visible")
    told = page.locator(".sd-labels [role=alert]").inner_text()
    assert told == "labels.png: The PNG of the labels cannot be read as a PNG: save it again."

    truth = labels + 1
    truth[60:90, 40:300] = 5 + 1
    truth[200:] = 0
    give_labels(page, encode_png_index(truth))
    asked = page.locator(".sd-labels [role=alert]")
    page.wait_for_function(
        "document.querySelector('.sd-labels [role=alert]').textContent.includes('say which they are')"
    )
    assert asked.is_visible()
    page.get_by_label("They are").select_option("ade20k")
    measured(page)
    page.wait_for_selector("text=Read as ADE20K's labels")

    expected = evaluate(load_predictor()(load_image(cat)), np.where(truth == 0, 255, truth - 1))
    figures = page.evaluate(f"{STATE}('evaluation').figures")
    assert figures["wrong_pixels"] == expected.to_json()["wrong_pixels"]
    assert figures["miou"] == pytest.approx(expected.to_json()["miou"])
    assert shown(page, labels.shape).all()

    page.click("[data-part=matrix] summary")
    is_, found, pixels = max((cell for cell in figures["confusion"]["cells"] if cell[0] != cell[1]), key=lambda c: c[2])
    page.click(f"[data-pixels='cell,{is_},{found}']")
    page.wait_for_selector(f".sd-shown-pixels:has-text('{pixels:,} px')")
    assert np.array_equal(shown(page, labels.shape), expected.where("cell", is_, found))

    page.keyboard.press("Escape")
    page.wait_for_selector(".sd-shown-pixels", state="hidden")
    page.click(".sd-error-views label:has-text('Where it entered')")
    cause = max(figures["causes"], key=lambda entry: entry["pixels"])["cause"]
    page.click(f".sd-legend-row[data-pixels='cause,{cause}']")
    page.wait_for_selector(".sd-shown-pixels:visible")
    assert np.array_equal(shown(page, labels.shape), expected.where("cause", cause))


@pytest.mark.slow
def test_an_examples_link_opens_its_pixels_and_the_pixel_has_its_words(chromium: Browser, address: str) -> None:
    context = chromium.new_context(viewport={"width": 390, "height": 844})
    page = context.new_page()
    page.goto(f"{address}?example=books&tab=evaluate&errors=kinds&pixels=kind,inside")
    page.wait_for_function(READY, timeout=120_000)
    measured(page)
    page.wait_for_selector(".sd-shown-pixels:has-text('Inside a region')")
    kinds = page.evaluate(f"Array.from({STATE}('evaluation').maps.kinds, String).join('')")
    kinds = (np.frombuffer(kinds.encode(), np.uint8) - ord("0")).reshape(768, 1024)
    inside = shown(page, (768, 1024))
    assert np.array_equal(inside, kinds == 5)
    photo, control = page.locator(".sdv-photo").bounding_box(), page.locator(".sd-error-views").bounding_box()
    assert photo
    assert control
    assert photo["y"] + photo["height"] <= control["y"]
    assert control["y"] + control["height"] <= 844, "what is seen and what is touched are not on screen together"
    page.evaluate("window.scrollTo(0, 700)")
    page.wait_for_function("Math.abs(document.querySelector('.sd-seen').getBoundingClientRect().top) < 1")
    row, column = (int(place) for place in np.argwhere(inside)[len(np.argwhere(inside)) // 2])
    page.evaluate(
        "([x, y]) => window.segdemo.page.state.set({pixel: {x, y, picked: true}})",
        [(column + 0.5) / 1024, (row + 0.5) / 768],
    )
    page.wait_for_selector(".sd-pixel-error:has-text('inside a region')")
    assert "pixels=kind%2Cinside" in page.url
    context.close()
