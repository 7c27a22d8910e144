"""``report.html`` of a folder, opened from disk by a browser that has no network."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.test_judging_folder import run, write_pictures

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SECTIONS = [
    *("Sets", "What kind of errors", "Where they came in", "Layer by layer", "How sure, and how right"),
    *(
        "Slices",
        "Slices, layer by layer",
        "Classes",
        "Classes, layer by layer",
        "Confusion matrix",
        "The worst pictures first",
    ),
]


def test_it_opens_offline_with_everything_in_it(chromium: Browser, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    run(write_pictures(tmp_path / "data"), tmp_path / "out")
    context = chromium.new_context(viewport={"width": 390, "height": 844}, offline=True)
    page = context.new_page()
    asked: list[str] = []
    told: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: told.append(message.text))
    page.goto((tmp_path / "out" / "report.html").as_uri())
    assert [url for url in asked if not url.startswith("data:")] == [(tmp_path / "out" / "report.html").as_uri()]
    assert told == []
    titles = page.locator("h2").all_inner_texts()
    assert titles[: len(SECTIONS)] == SECTIONS
    assert page.locator("nav a").all_inner_texts() == titles
    # Of seven pictures each has its photograph, its errors and its causes.
    images = page.locator(".worst img")
    assert images.count() == 21
    assert images.evaluate_all("(all) => all.every((one) => one.complete && one.naturalWidth === 48)")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390, "it is wider than a telephone"
    context.close()
