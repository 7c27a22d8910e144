"""The page of a network without queries: every tab shows something of it, or says why not."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from segdemo.model.families.upernet import UperNet
from segdemo.ui.app import create_app, launch_options
from segdemo.ui.server.clients import Rates
from tests.networks import write_tiny_upernet

from .harness import READY

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def page(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    folder: Path = write_tiny_upernet(tmp_path_factory.mktemp("upernet"))
    app = create_app(str(folder), warm_up=False)
    running, url, _ = app.launch(prevent_thread_lock=True, quiet=True, **launch_options())
    gate: Any = running.middleware_stack
    gate.rates = gate.static_rates = Rates(1_000_000)
    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    opened = context.new_page()
    errors: list[str] = []
    opened.on("pageerror", lambda error: errors.append(str(error)))
    opened.goto(url)
    opened.wait_for_function(READY, timeout=180_000)
    yield opened
    context.close()
    app.close()
    assert errors == []


def test_what_it_lacks_is_said_where_one_looks_for_it(page: Page) -> None:
    told = {"panoptic": "queries", "layers": "layers", "attention": "attention", "whatif": "decoder_features"}
    message = page.locator(".sdv-message").inner_text()
    for tab, part in told.items():
        page.click(f"#sd-tab-{tab}")
        panel = page.locator(f"#sd-panel-{tab}")
        assert panel.locator(".sd-lacking-note p").inner_text() == UperNet.lacks[part]
        # Nothing else is in the panel: no list, no slider, no button.
        assert panel.locator("button:visible, input:visible, select:visible, [role=listbox]:visible").count() == 0
        assert page.locator(".sdv-message").inner_text() in (message, ""), "a message instead of the panel's sentence"
        # The map stays on the canvas, and so does what changes it.
        assert page.get_by_label("Outlines").is_visible()
    page.keyboard.press(" ")


def test_what_it_has_is_shown(page: Page) -> None:
    page.click("#sd-tab-features")
    page.wait_for_selector("#sd-panel-features .sd-scales button >> nth=3")
    assert page.locator("#sd-panel-features .sd-scales button").count() == 4
    assert not page.locator("#sd-panel-features .sd-lacking-note").is_visible()
    page.click("#sd-tab-semantic")
    box = page.locator(".sdv-viewport").bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.wait_for_selector(".sd-pixel-class")
    assert UperNet.lacks["queries"] in page.locator(".sd-pixel-body").inner_text()
    assert page.locator(".sd-pixel-class .sd-number").first.inner_text().startswith("score ")
    assert page.locator(".sd-votes").count() == 0
    assert "query=" not in page.url
