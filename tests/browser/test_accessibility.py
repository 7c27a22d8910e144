"""What axe-core finds on the page: every tab, both themes, on a laptop and on a phone."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from .harness import READY

pytestmark = [pytest.mark.browser, pytest.mark.slow]

TABS = (
    *("semantic", "classes", "panoptic"),
    *("features", "layers", "attention", "whatif"),
    *("evaluate", "compare", "batch"),
)

AT_REST = "![...document.querySelectorAll('.sd-busy, .sd-stale')].some((node) => node.offsetParent)"
"""Panels are faint while the network runs, as it does for what a tab compares with."""


@pytest.mark.parametrize(
    ("theme", "size"),
    [("light", (1440, 900)), ("dark", (390, 844)), ("dark", (1440, 900)), ("light", (390, 844))],
    ids=["light laptop", "dark phone", "dark laptop", "light phone"],
)
def test_nothing_serious_is_found(theme: str, size: tuple[int, int], chromium: Browser, address: str) -> None:
    context = chromium.new_context(viewport={"width": size[0], "height": size[1]})
    page = context.new_page()
    page.goto(f"{address}?__theme={theme}")
    page.wait_for_function(READY, timeout=60_000)
    found = []
    for tab in TABS:
        page.click(f"#sd-tab-{tab}")
        page.wait_for_selector(f"#sd-panel-{tab}:visible")
        page.wait_for_function(AT_REST, timeout=60_000)
        for fault in Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]:
            if fault["impact"] in ("serious", "critical"):
                found.append((tab, fault["id"], [node["target"] for node in fault["nodes"]]))
    context.close()
    assert found == []
