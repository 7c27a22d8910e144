"""What the page hands out beside maps: the report, the animation of the layers, views and plots."""

import io
from pathlib import Path
from xml.etree import ElementTree

import pytest
from PIL import Image
from playwright.sync_api import Locator, Page

from .harness import STATE

pytestmark = pytest.mark.slow


def saved(page: Page, button: Locator) -> tuple[str, bytes]:
    with page.expect_download(timeout=120_000) as waiting:
        button.click()
    return waiting.value.suggested_filename, Path(waiting.value.path()).read_bytes()


def test_every_file_is_handed_out(page: Page) -> None:
    name = page.evaluate(f"{STATE}('run').name")
    # The report, of the pixel picked, with the classes that are on.
    page.locator(".sdv-viewport").click(position={"x": 200, "y": 200})
    page.wait_for_function("document.querySelector('.sd-pixel-body').childElementCount > 0")
    column = page.evaluate(f"Math.floor({STATE}('pixel').x * {STATE}('run').imageSize[1])")
    panel = page.locator("#sd-panel-semantic")
    panel.locator(".sd-report-box summary").click()
    panel.get_by_label("Title").fill("A <i>title</i>")
    panel.get_by_label("Note", exact=True).fill("A note.")
    title, report = saved(page, panel.get_by_role("button", name="Save the report"))
    assert title == f"{name}.report.html"
    assert b"<h1>A &lt;i&gt;title&lt;/i&gt;</h1>" in report
    assert b"<p>A note.</p>" in report
    assert f"The pixel in column {column}".encode() in report
    assert b"Settings and checkpoint" in report
    # The decoder's layers as an animation, the view and the plot.
    page.click("#sd-tab-layers")
    page.wait_for_selector("#sd-panel-layers .sd-plot")
    panel = page.locator("#sd-panel-layers")
    title, animation = saved(page, panel.get_by_role("button", name="Animation (WebP)"))
    assert title == f"{name}.evolution.webp"
    with Image.open(io.BytesIO(animation)) as picture:
        assert getattr(picture, "n_frames", 1) == page.evaluate(f"{STATE}('run').numLayers")
    title, view = saved(page, panel.get_by_role("button", name="This view"))
    assert title == f"{name}.layers.view.png"
    assert Image.open(io.BytesIO(view)).size[0] > 600
    title, plot = saved(page, panel.get_by_role("button", name="Save the plot (SVG)"))
    assert title == "share-of-pixels-that-have-their-final-class-by-layer.svg"
    root = ElementTree.fromstring(plot)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    (line,) = root.iter("{http://www.w3.org/2000/svg}polyline")
    assert line.get("stroke", "").startswith("rgb(")
    assert len(line.get("points", "").split()) == page.evaluate(f"{STATE}('run').numLayers")
