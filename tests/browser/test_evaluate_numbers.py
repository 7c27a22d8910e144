"""What the Evaluate tab says of a pixel, and every kind of number: each opens exactly the pixels that Python has."""

import re
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from playwright.sync_api import Page

from segdemo.evaluation.causes import CAUSES
from segdemo.evaluation.confusion import ABSENT
from segdemo.evaluation.evaluate import evaluate
from segdemo.evaluation.photo import Evaluation
from segdemo.evaluation.pixel import error_at
from segdemo.images import encode_png_index, load_image
from segdemo.model.predictor import load_predictor
from segdemo.prediction import Prediction

from .harness import STATE
from .pages import upload
from .test_evaluate import give_labels, measured, shown

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PANEL = "#sd-panel-evaluate"
NEAR = np.ones((9, 9), np.uint8)
"""What a read-out may have looked at: the planes that it reads are smaller than the photo."""


@pytest.fixture(scope="module")
def prediction(cat: Path) -> Prediction:
    return load_predictor()(load_image(cat))


@pytest.fixture(scope="module")
def truth(prediction: Prediction, labels: npt.NDArray[np.integer]) -> npt.NDArray[np.uint8]:
    """The network's own map with rows in which it is sure called something else, specks of many classes, and a strip
    without a label."""
    sure = evaluate(prediction, labels, layers=False).confidence
    first = int(cv2.blur(sure[40:240].astype(np.float32), (1, 41)).mean(axis=1).argmax()) + 20
    wrong = labels.astype(np.uint8)
    wrong[first : first + 40, 60:300] = 5
    for number in range(14):
        wrong[2:12, 20 * number : 20 * number + 10] = 30 + number
    wrong[-30:] = 255
    return wrong


def opened(page: Page, expected: Evaluation, *which: str | int) -> None:
    """Choose a number, and compare what is left on the canvas with the pixels behind it; then show all again."""
    mask = expected.where(*which)
    page.click(f"{PANEL} [data-pixels='{','.join(map(str, which))}']")
    page.wait_for_function(f"{STATE}('shownPixels')?.join() === '{','.join(map(str, which))}'")
    page.wait_for_selector(f".sd-shown-pixels:visible:has-text('({mask.sum():,} px)')")
    assert np.array_equal(shown(page, mask.shape), mask), which
    page.locator(f"{PANEL} .sd-shown-pixels").get_by_text("Show all").click()
    page.wait_for_selector(f"{PANEL} .sd-shown-pixels", state="hidden")


def read(page: Page, row: int, column: int, shape: tuple[int, ...]) -> str:
    """What the line under the photo says of a pixel that is pointed at."""
    box = page.locator(".sdv-photo").first.bounding_box()
    assert box is not None
    page.mouse.move(5, 5)
    x, y = (column + 0.5) / shape[1], (row + 0.5) / shape[0]
    page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"])
    page.evaluate("window.segdemo.page.viewer.flush()")
    page.wait_for_function("document.querySelector('.sdv-readout .sdv-name').textContent.includes('predicted')")
    return " ".join(page.locator(".sdv-readout").first.inner_text().split())


def around(values: npt.NDArray[np.uint8], row: int, column: int) -> range:
    """The values near a pixel, from the least to the greatest."""
    low, high = cv2.erode(values, NEAR), cv2.dilate(values, NEAR)
    return range(int(low[row, column]), int(high[row, column]) + 1)


def test_every_number_opens_its_pixels_and_a_pixel_is_read(
    page: Page, cat: Path, prediction: Prediction, truth: npt.NDArray[np.uint8]
) -> None:
    expected = evaluate(prediction, truth)
    figures = expected.to_json()
    upload(page, cat)
    page.click("#sd-tab-evaluate")
    page.wait_for_selector(f"{PANEL} :text('There are no labels for this photo yet')")
    give_labels(page, encode_png_index(truth))
    measured(page)

    # "predicted X 53 %, is Y 30 %", and what kind of error it is and where it came in.
    wrong = cv2.erode((expected.kinds == 5).astype(np.uint8), NEAR)
    row, column = (int(place) for place in np.argwhere(wrong)[len(np.argwhere(wrong)) // 2])
    names = [load_predictor().taxonomy[int(of[row, column])].name for of in (expected.predicted, expected.truth)]
    said = read(page, row, column, truth.shape)
    found = re.fullmatch(rf"predicted {names[0]} (\d+) %, is {names[1]} (\d+) % inside a region, (.+)", said)
    assert found, said
    assert int(found[1]) in around(expected.confidence, row, column)
    assert int(found[2]) in around(expected.label_probability, row, column)
    assert expected.causes is not None
    assert found[3] == CAUSES[expected.causes[row, column]]
    page.click(f"{PANEL} .sd-error-views label:has-text('Lost at layer')")
    assert expected.lost_at is not None
    lost = int(expected.lost_at[row, column])
    words = {-1: "right at no layer", 0: "right only at first"}.get(lost, f"last right after layer {lost}")
    assert read(page, row, column, truth.shape).endswith(f"inside a region, {words}")
    page.click(f"{PANEL} .sd-error-views label:has-text('Right / wrong')")
    right = cv2.erode((expected.kinds == 1).astype(np.uint8), NEAR)
    row, column = (int(place) for place in np.argwhere(right)[0])
    assert read(page, row, column, truth.shape).endswith("right")
    assert read(page, truth.shape[0] - 10, 100, truth.shape).endswith("no label here")
    page.mouse.move(5, 5)

    # The rule for absent classes is there to read, not only to point at.
    assert page.locator(f"{PANEL} .sd-absent").inner_text() == f"mIoU: {ABSENT.partition('. ')[0]}."

    for kind in ("right", "wrong", "ignored"):
        opened(page, expected, kind)
    parts = ("matrix", "layers", "calibration", "slices", "suspects")
    for part in parts:
        page.click(f"{PANEL} [data-part={part}] summary")
    opened(page, expected, "class", 5)
    is_, predicted, _ = max(figures["confusion"]["cells"], key=lambda cell: (cell[0] != cell[1], cell[2]))
    opened(page, expected, "cell", is_, predicted)
    # The matrix has the largest classes at first, and all of them on request.
    classes = figures["confusion"]["classes"]
    rarest = next(cell for cell in figures["confusion"]["cells"] if cell[0] == 43)[:2]
    assert page.locator(f"{PANEL} [data-pixels='cell,{rarest[0]},{rarest[1]}']").count() == 0
    page.locator(f"{PANEL} [data-part=matrix]").get_by_role("button", name=f"Show all {len(classes)}").click()
    opened(page, expected, "cell", *rarest)
    for layer in (0, 4):
        opened(page, expected, "layer", layer)
    fullest = max(range(15), key=lambda place: int((expected.bins == place).sum()))
    opened(page, expected, "bin", fullest)
    for name in ("area", "distance", "confidence"):
        place = max(range(5), key=lambda place: int((expected.slices[name] == place).sum()))
        opened(page, expected, "slice", name, place)
    assert expected.suspects
    opened(page, expected, "suspect", 0)
    # A pixel of that region is picked, and told of.
    picked = page.evaluate(f"{STATE}('pixel')")
    at = int(picked["y"] * truth.shape[0]), int(picked["x"] * truth.shape[1])
    assert expected.where("suspect", 0)[at]
    page.wait_for_function(f"{STATE}('pixel') && document.querySelector('.sd-pixel-error').textContent")
    assert page.locator(".sd-pixel-error").text_content() == error_at(expected, prediction, *at).sentence

    # A class of one's own choice, and a slice, layer by layer.
    curves = page.locator(f"{PANEL} [data-part=layers]")
    last = min((entry for entry in figures["classes"] if entry["iou"] is not None), key=lambda one: one["iou"])
    slices = figures["layers"][0]["slices"]
    place = next(place for place, share in enumerate(slices[1]["accuracy"]) if share is not None)
    of_class = [one["iou"] for layer in figures["layers"] for one in layer["classes"] if one["id"] == last["id"]]
    of_slice = [layer["slices"][1]["accuracy"][place] for layer in figures["layers"]]
    for key, name, shares in (
        (f"class,{last['id']}", f"IoU of {last['label']}, by layer", of_class),
        (f"slice,{slices[1]['by']},{place}", "Accuracy, distance to a border under 2 px, by layer", of_slice),
    ):
        curves.get_by_label("One class or slice").select_option(key)
        told = curves.get_by_role("img", name=name).locator("title").all_text_contents()
        expected_words = page.evaluate("(shares) => shares.map(window.segdemo.percent)", shares)
        layers = ["Initial prediction", *(f"Layer {layer}" for layer in range(1, len(shares)))]
        assert [text.partition(":")[0] for text in told] == layers
        assert [text.endswith(f" {words}") for text, words in zip(told, expected_words, strict=True)] == [True] * len(
            told
        )
