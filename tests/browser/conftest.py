"""One Chromium for the tests in a browser, a served page, and a viewer on a bare page."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright

from segdemo.ui.app import create_app, launch_options

from .harness import ViewerPage, launch_chromium, open_viewer


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One browser for a module's tests."""
    with sync_playwright() as playwright:
        browser = launch_chromium(playwright)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A served page."""
    app = create_app(warm_up=False)
    options = launch_options()
    _, url, _ = app.launch(prevent_thread_lock=True, quiet=True, **options)
    yield url
    app.close()


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
