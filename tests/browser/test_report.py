"""The report's file in Chromium, opened from disk with the network cut: on a desktop, on a phone, and on paper."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Page

from segdemo import examples
from segdemo.data.photo_labels import read_photo_labels
from segdemo.images import load_image
from segdemo.model.predictor import load_predictor
from segdemo.results.job import own_job
from segdemo.results.known import labels_of_file
from segdemo.results.make import Source
from segdemo.results.options import OutputOptions
from segdemo.results.report import ReportOptions, report
from segdemo.segmentation import semantic
from segdemo.ui.alone import shell

pytestmark = pytest.mark.slow

HOSTILE = "</script><img src=x onerror='window.hacked = 1'>"
VIEWER = "window.segdemo.report.then(({ viewer }) => viewer"
SIZES = {"desktop": (1440, 900), "phone": (390, 844)}


@pytest.fixture(scope="module")
def found() -> tuple[Source, Any]:
    example = next(example for example in examples.offered() if example.drawn)
    image, predictor = load_image(example.image), load_predictor("embedded")
    return Source(image, predictor(image)), example


@pytest.fixture(scope="module")
def file(found: tuple[Source, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    source, example = found
    checkpoint = load_predictor("embedded").checkpoint
    read = read_photo_labels(example.labels, source.size, source.prediction.id2label, form="index")
    asked = ReportOptions(title=f"A survey {HOSTILE}", note=HOSTILE, name=example.id, pixel=(source.size[1] // 2, 400))
    path = tmp_path_factory.mktemp("report") / "a report & more.html"
    path.write_bytes(
        report(
            own_job(), source, checkpoint, OutputOptions(opacity=0.5), asked, shell=shell(), labels=labels_of_file(read)
        )
    )
    return path


@pytest.fixture(scope="module", params=list(SIZES))
def opened(request: pytest.FixtureRequest, chromium: Browser, file: Path) -> Iterator[tuple[Page, str, list[str]]]:
    """The file in a browser that is offline, with whatever went wrong and whatever was asked for."""
    width, height = SIZES[request.param]
    touch = request.param == "phone"
    context = chromium.new_context(
        viewport={"width": width, "height": height}, offline=True, has_touch=touch, color_scheme="dark"
    )
    page = context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda message: wrong.append(message.text))
    page.on("request", lambda asked: wrong.append(asked.url) if not asked.url.startswith(("file:", "data:")) else None)
    page.goto(file.as_uri())
    page.wait_for_selector(".sdr-live")
    yield page, request.param, wrong
    context.close()


def test_the_file_is_alone_and_small(opened: tuple[Page, str, list[str]], file: Path) -> None:
    page, size, wrong = opened
    assert file.stat().st_size < 5_000_000
    assert page.title() == page.locator("h1").inner_text() == f"A survey {HOSTILE}"
    assert page.evaluate("window.hacked") is None
    assert page.evaluate("document.documentElement.scrollWidth") <= SIZES[size][0]
    assert page.locator("section h2").all_inner_texts() == [
        "What is in the photo",
        "Segments",
        "Why this pixel?",
        "How the answer grew",
        "Where it looked",
        "What it works from",
        "Is it right?",
        "Settings and checkpoint",
    ]
    for image in page.locator("section img").all():
        assert image.evaluate("(node) => node.decode().then(() => node.naturalWidth > 0)")
    assert wrong == []


def test_opacity_switches_and_readout_work(opened: tuple[Page, str, list[str]], found: tuple[Source, Any]) -> None:
    page, size, wrong = opened
    labels, taxonomy = semantic(found[0].prediction).labels, found[0].prediction.taxonomy
    height, width = labels.shape
    index = int(np.bincount(labels[labels >= 0]).argmax())
    rows, columns = np.nonzero(labels == index)
    middle = len(rows) // 2
    x, y = (columns[middle] + 0.5) / width, (rows[middle] + 0.5) / height
    pixel = f"{VIEWER}.pixelAt({x}, {y}))"
    red, green, blue, alpha = page.evaluate(pixel)
    assert (red, green, blue) == taxonomy[index].color
    assert alpha == pytest.approx(127.5, abs=1)
    page.get_by_label("Opacity").evaluate(
        "(node) => { node.value = '1'; node.dispatchEvent(new Event('input', { bubbles: true })); }"
    )
    assert page.evaluate(pixel)[3] == 255
    name = taxonomy[index].name
    page.locator(".sdr-listed").get_by_label(f"Show {name}", exact=True).click()
    assert page.evaluate(pixel)[:3] != list(taxonomy[index].color)
    page.get_by_role("button", name="Show all").click()
    assert page.evaluate(pixel)[:3] == list(taxonomy[index].color)
    box = page.locator(".sdv-viewport").bounding_box()
    assert box is not None
    place = {"x": x * box["width"], "y": y * box["height"]}
    page.locator(".sdv-viewport").scroll_into_view_if_needed()
    if size == "phone":
        page.locator(".sdv-viewport").tap(position=place)
    else:
        page.locator(".sdv-viewport").hover(position=place)
    assert page.locator(".sdv-name").first.inner_text() == name
    assert re.search(r"\d %", page.locator(".sdv-rest").first.inner_text())
    assert wrong == []


def test_segments_layers_and_attention_come_onto_the_canvas(
    opened: tuple[Page, str, list[str]], found: tuple[Source, Any]
) -> None:
    page, _, wrong = opened
    page.locator("label", has_text="Segments").click()
    assert page.locator(".sdr-listed .sd-legend-row").count() == page.locator("#segments tbody tr").count()
    prediction = found[0].prediction
    page.locator("[data-show='layer:0']").click()
    maps = semantic(prediction, layer=0, size=(60, 80)).labels
    shown = page.evaluate(f"{VIEWER}.pixelAt({20.5 / 80}, {50.5 / 60}))")
    assert tuple(shown[:3]) == prediction.taxonomy[int(maps[50, 20])].color
    assert page.locator("[data-show='layer:0']").get_attribute("aria-pressed") == "true"
    page.locator("[data-show='attention:0']").click()
    assert "Attention of query" in page.locator(".sdv-legend-title").first.inner_text()
    page.locator("label", has_text="How sure").click()
    assert page.locator(".sdv-legend-title").first.inner_text() == "Probability of the best class"
    page.locator("label", has_text="Classes").click()
    assert not page.locator(".sdv-legend-title").first.is_visible()
    assert wrong == []


def test_paper_is_light_and_has_no_controls(opened: tuple[Page, str, list[str]]) -> None:
    page, _, _ = opened
    assert page.evaluate("getComputedStyle(document.documentElement).backgroundColor") == "rgb(20, 20, 22)"
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.documentElement).backgroundColor") == "rgb(255, 255, 255)"
    assert page.evaluate("getComputedStyle(document.querySelector('h1')).color") == "rgb(0, 0, 0)"
    for hidden in (".sdr-tools", ".sdr-canvas", ".sdr-contents", ".sdr-play", ".sdr-listed .sd-panel"):
        assert not page.locator(hidden).first.is_visible(), hidden
    for shown in (".sdr-still img", ".sdr-listed table"):
        assert page.locator(shown).first.is_visible(), shown
    pages = page.pdf(prefer_css_page_size=True, print_background=True)
    count = len(re.findall(rb"/Type\s*/Page\b", pages))
    assert 2 <= count <= 10
    assert b"/MediaBox [0 0 594" in pages or b"/MediaBox [0 0 595" in pages
    page.emulate_media(media="screen")
