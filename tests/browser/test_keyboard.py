"""A visitor with a keyboard and nothing else: what is there can be reached, is seen to be, and does what it is for."""

from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from .harness import READY, STATE

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SHOWN_CLASSES = "document.querySelectorAll('.sd-switches .sd-check:not([hidden])').length"
SETTLED = """() => !document.querySelector(".sd-panel:not([hidden])[aria-busy=true], .sd-panel:not([hidden]) .sd-stale")
  && !document.querySelector(".sd-panel:not([hidden]) .sd-evaluating:not([hidden]) .sd-cancel:not([hidden])")"""

# A tab, where the focus goes, the keys that are pressed there, and what they change.
USES: tuple[tuple[str, str, tuple[str, ...], str], ...] = (
    ("semantic", ".sd-legend-row >> nth=0", ("Enter",), f"{STATE}('classId')"),
    ("semantic", ".sd-switch >> nth=0", ("Space",), f"{STATE}('visible')?.size"),
    ("semantic", ".sd-segmented input >> nth=0", ("ArrowRight",), f"{STATE}('view')"),
    ("semantic", ".sd-refinement summary", ("Enter",), "document.querySelector('.sd-refinement').open"),
    ("classes", ".sd-search", ("s", "k", "y"), SHOWN_CLASSES),
    ("classes", "button:text-is('None')", ("Enter",), f"{STATE}('visible')?.size"),
    ("panoptic", "tbody .sd-cell-button >> nth=0", ("Enter",), f"{STATE}('segment')"),
    ("panoptic", "input[type=range] >> nth=0", ("Home",), f"{STATE}('thresholds').score_threshold"),
    ("features", ".sd-scales button >> nth=2", ("Enter",), f"{STATE}('features').map"),
    ("features", ".sd-segmented input >> nth=0", ("ArrowRight",), f"{STATE}('features').view"),
    ("layers", ".sd-strip button >> nth=-1", ("ArrowLeft", "ArrowLeft"), f"{STATE}('layer')"),
    ("layers", ".sd-play", ("Enter",), f"{STATE}('layer')"),
    ("attention", ".sd-heads button >> nth=2", ("Enter",), f"{STATE}('head')"),
    ("attention", "input[type=range] >> nth=0", ("Home",), f"{STATE}('layer')"),
    ("attention", ".sd-query-list >> nth=0", ("ArrowDown",), f"{STATE}('query')"),
    ("whatif", "button:has-text('Switch query')", ("Enter",), f"{STATE}('off').queries.length"),
    ("whatif", ".sd-head-switch >> nth=1", ("Space",), f"{STATE}('off').heads.length"),
    ("evaluate", ".sd-legend-row >> nth=1", ("Enter",), f"{STATE}('shownPixels')"),
    ("evaluate", ".sd-error-views input >> nth=0", ("ArrowRight",), f"{STATE}('errorView')"),
    ("compare", ".sd-results .sd-segmented input:checked", ("ArrowRight",), f"{STATE}('compareView')"),
    ("compare", "select >> nth=0", ("ArrowDown",), f"{STATE}('comparedBy')"),
)

TABS = (*dict.fromkeys(tab for tab, *_ in USES), "batch")

# What has to be reached: one of a group of radio buttons, and one of those that arrows go between, stand for all.
REACHABLE = """() => {
  const nodes = document.querySelectorAll(`.sd-app :is(button, input, select, summary, a[href], [tabindex="0"])`);
  window.seenNumber ??= 0;
  const there = [...nodes].filter((node) =>
    !node.disabled && node.tabIndex >= 0 && node.checkVisibility({visibilityProperty: true}));
  return there.map((node) => {
    const words = node.ariaLabel ?? node.textContent.slice(0, 40);
    node.dataset.seen ??= `${node.tagName} ${node.className} ${words} ${window.seenNumber++}`;
    return node.type === "radio" ? `radio ${node.name}` : node.dataset.seen;
  });
}"""
FOCUSED = """() => {
  const node = document.activeElement;
  if (!node?.closest(".sd-app")) return null;
  const ring = (part) => {
    const kinds = ["", "::after"].map((pseudo) => getComputedStyle(part, pseudo));
    return kinds.some(({outlineStyle, outlineWidth}) => outlineStyle !== "none" && parseFloat(outlineWidth) >= 1.5);
  };
  // A segmented choice is its label; the radio button in it is hidden.
  const part = node.matches(".sd-segmented input") ? node.nextElementSibling : node;
  const box = part.getBoundingClientRect();
  return {
    name: node.type === "radio" ? `radio ${node.name}` : node.dataset.seen ?? node.outerHTML.slice(0, 90),
    ring: ring(part),
    inside: box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth,
  };
}"""


@pytest.fixture(scope="module")
def desk(chromium: Browser, address: str) -> Any:
    """The page of a drawn example, which has labels."""
    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.goto(f"{address}?example=portrait")
    page.wait_for_function(f"{READY} && {STATE}('run').example === 'portrait'", timeout=60_000)
    yield page
    context.close()


def open_tab(page: Page, tab: str) -> None:
    """Go to a tab by the arrows of the tab list."""
    page.locator("[role=tab][aria-selected=true]").focus()
    page.keyboard.press("Home")
    for _ in range(page.evaluate(f"window.segdemo.tabs.findIndex(({{id}}) => id === '{tab}')")):
        page.keyboard.press("ArrowRight")
    assert page.locator(f"#sd-panel-{tab}").is_visible()
    settled(page)


def settled(page: Page) -> None:
    page.wait_for_timeout(600)
    page.wait_for_function(SETTLED, timeout=60_000)


@pytest.mark.parametrize("tab", TABS)
def test_all_of_a_tab_is_reached_by_the_tab_key_and_seen_to_be(desk: Page, tab: str) -> None:
    open_tab(desk, tab)
    wanted = set(desk.evaluate(REACHABLE))
    assert len(wanted) > 12
    desk.evaluate("document.activeElement.blur(); getSelection().removeAllRanges()")
    desk.locator(".sd-skip").focus()
    reached: set[str] = set()
    unseen = []
    for _ in range(2 * len(wanted) + 40):
        found = desk.evaluate(FOCUSED)
        if found is None:
            break
        reached.add(found["name"])
        if not found["ring"] or not found["inside"]:
            unseen.append(found)
        desk.keyboard.press("Tab")
    assert wanted - reached == set()
    assert unseen == []


@pytest.mark.parametrize(("tab", "control", "keys", "changed"), USES)
def test_what_is_reached_works(desk: Page, tab: str, control: str, keys: tuple[str, ...], changed: str) -> None:
    open_tab(desk, tab)
    value = f"JSON.stringify({changed} ?? null)"
    before = desk.evaluate(value)
    desk.locator(f"#sd-panel-{tab} {control}").focus()
    for key in keys:
        desk.keyboard.press(key)
    desk.wait_for_function(f"before => {value} !== before", arg=before, timeout=20_000)


def test_a_pixel_is_picked_and_let_go_of(desk: Page) -> None:
    open_tab(desk, "semantic")
    desk.locator(".sdv-viewport").first.focus()
    for key in ("ArrowRight", "ArrowDown", "Shift+ArrowDown", "Enter"):
        desk.keyboard.press(key)
    desk.wait_for_selector(".sd-pixel-class .sd-thumb")
    pixel = desk.evaluate(f"{STATE}('pixel')")
    desk.locator(".sd-vote-show").first.focus()
    desk.keyboard.press("Enter")
    desk.wait_for_function(f"{STATE}('tab') === 'layers' && {STATE}('subject') === 'query'")
    assert desk.evaluate(f"{STATE}('pixel')") == pixel
    desk.keyboard.press("Escape")
    desk.wait_for_function(f"{STATE}('pixel') === null")
