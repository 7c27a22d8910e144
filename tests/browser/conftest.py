"""One Chromium for the tests in a browser, a served page, and a viewer on a bare page."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from segdemo.examples import SCENES
from segdemo.images import load_image
from segdemo.model.predictor import load_predictor
from segdemo.segmentation import semantic
from segdemo.ui.app import create_app, launch_options
from segdemo.ui.server.clients import Rates

from .harness import READY, STATE, ViewerPage, launch_chromium, open_viewer


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One browser for a module's tests: while it is there, this thread has an event loop, which others cannot have."""
    with sync_playwright() as playwright:
        browser = launch_chromium(playwright)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def address() -> Iterator[str]:
    """A served page, for as many requests as all tests make."""
    app = create_app(warm_up=False)
    options = launch_options()
    running, url, _ = app.launch(prevent_thread_lock=True, quiet=True, **options)
    gate: Any = running.middleware_stack
    gate.rates = gate.static_rates = Rates(1_000_000)
    yield url
    app.close()


@pytest.fixture
def page(chromium: Browser, address: str) -> Iterator[Page]:
    """The page with its first example done; fails on script errors and on requests to other hosts."""
    context = chromium.new_context(viewport={"width": 1440, "height": 900}, accept_downloads=True)
    opened = context.new_page()
    errors: list[str] = []
    foreign: list[str] = []
    opened.on("pageerror", lambda error: errors.append(str(error)))
    opened.on(
        "request",
        lambda request: (
            foreign.append(request.url) if not request.url.startswith((address, "data:", "blob:")) else None
        ),
    )
    opened.goto(address)
    opened.wait_for_function(READY, timeout=180_000)
    yield opened
    context.close()
    assert errors == []
    assert foreign == []


@pytest.fixture(scope="module")
def scene(chromium: Browser, address: str) -> Iterator[Page]:
    """The page of a drawn example, which has its ground truth."""
    context = chromium.new_context(viewport={"width": 1440, "height": 900}, reduced_motion="reduce")
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(f"{address}?example={SCENES[0].id}")
    page.wait_for_function(f"{READY} && {STATE}('run').example === '{SCENES[0].id}'", timeout=180_000)
    yield page
    context.close()
    assert errors == []


@pytest.fixture
def fresh(scene: Page) -> Page:
    """The same page with nothing selected, nothing refined and its first tab open."""
    scene.evaluate(
        """() => {
          const sd = window.segdemo, { state, viewer, thresholds } = sd.page;
          viewer.resetView();
          state.set({ ...sd.NOTHING, panoptic: null, layer: null, head: -1, view: "classes", thresholds });
          state.set({ tab: "semantic" });
        }"""
    )
    reset = scene.locator("#sd-panel-semantic .sd-refinement button:has-text('Reset refinement')")
    reset.evaluate("button => button.click()")
    scene.wait_for_function(f"{STATE}('refined') === null && {STATE}('tab') === 'semantic'")
    return scene


@pytest.fixture(scope="session")
def cat(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real photograph, as a JPEG file."""
    from skimage import data

    path = tmp_path_factory.mktemp("photos") / "my cat (1).jpg"
    Image.fromarray(data.chelsea()).save(path, quality=92)
    return path


@pytest.fixture(scope="session")
def labels(cat: Path) -> np.ndarray:
    """What the network says of the photograph, computed beside the page."""
    return semantic(load_predictor()(load_image(cat))).labels


@pytest.fixture
def make_viewer(chromium: Browser) -> Iterator[Callable[..., ViewerPage]]:
    """Open viewers in contexts of their own; options go to ``new_context``. Script errors fail the test."""
    contexts = []
    errors: list[str] = []

    def make(*, width: int = 800, **options: Any) -> ViewerPage:
        settings = {"viewport": {"width": 1000, "height": 800}, "reduced_motion": "reduce", **options}
        context = chromium.new_context(**settings)
        contexts.append(context)
        context.on("weberror", lambda error: errors.append(str(error.error)))
        return open_viewer(context, width=width)

    yield make
    for context in contexts:
        context.close()
    assert not errors
