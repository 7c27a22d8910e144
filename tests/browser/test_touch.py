"""A visitor with a phone and nothing but fingers: every tab, the pixel's sheet, two fingers on the photo."""

from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from .harness import READY, STATE

pytestmark = [pytest.mark.browser, pytest.mark.slow]

HEIGHT = 844
LEAST = 40
"""CSS pixels that a finger needs."""

# A tab, what is tapped there, and what has changed after that.
TABS: tuple[tuple[str, str, str], ...] = (
    ("semantic", "#sd-panel-semantic .sd-legend-row >> nth=0", f"{STATE}('classId') !== null"),
    ("classes", "#sd-panel-classes .sd-switches label >> nth=0", f"{STATE}('visible') !== null"),
    ("panoptic", "#sd-panel-panoptic tbody .sd-cell-button >> nth=0", f"{STATE}('segment') !== null"),
    (
        "features",
        "#sd-panel-features .sd-scales button >> nth=2",
        "document.querySelector('.sd-scales [aria-pressed=true]')",
    ),
    ("layers", "#sd-panel-layers .sd-strip button >> nth=3", f"{STATE}('layer') === 3"),
    ("attention", "#sd-panel-attention .sd-heads button >> nth=2", f"{STATE}('head') === 1"),
    ("whatif", "#sd-panel-whatif button:has-text('Switch query')", f"{STATE}('off').queries.length === 1"),
    ("evaluate", "#sd-panel-evaluate .sd-legend-row >> nth=1", f"{STATE}('shownPixels') !== null"),
    ("compare", "#sd-panel-compare .sd-results .sd-segmented label >> nth=2", f"{STATE}('compareView') !== null"),
    (
        "batch",
        "#sd-panel-batch .sd-segmented label >> nth=1",
        "document.querySelector('#sd-panel-batch input[value=panoptic]').checked",
    ),
)

# What can be touched is as large as its box, its label and what its pseudo-element adds around it.
SMALL = """least => [...document.querySelectorAll(".sd-app :is(button, input, select, summary, a)")].filter((node) => {
  if (node.matches("[type=file], .sd-skip") || !node.checkVisibility({visibilityProperty: true})) return false;
  const boxes = [node, ...(node.labels ?? [])].map((part) => part.getBoundingClientRect());
  const after = getComputedStyle(node, "::after");
  const more = after.content !== "none" && after.position === "absolute" ? -2 * parseFloat(after.top) : 0;
  const height = Math.max(boxes[0].height + more, ...boxes.map((box) => box.height));
  const width = Math.max(boxes[0].width + more, ...boxes.map((box) => box.width));
  return height > 0 && (Math.min(height, width) < least - 0.5);
}).map((node) => {
  const {width, height} = node.getBoundingClientRect();
  const words = node.ariaLabel || node.textContent;
  return `${node.tagName} ${node.className} “${words}” ${Math.round(width)}x${Math.round(height)}`;
})"""
WORDS = "[...document.querySelectorAll('.sd-app')].map((node) => node.textContent).join(' ').toLowerCase()"


@pytest.fixture(scope="module")
def phone(chromium: Browser, address: str) -> Any:
    context = chromium.new_context(viewport={"width": 390, "height": HEIGHT}, has_touch=True, is_mobile=True)
    page = context.new_page()
    page.goto(f"{address}?example=portrait")
    page.wait_for_function(f"{READY} && {STATE}('run').example === 'portrait'", timeout=60_000)
    yield page
    context.close()


def box(page: Page, selector: str) -> dict[str, float]:
    found = page.locator(selector).bounding_box()
    assert found is not None, selector
    return dict(found)


@pytest.mark.parametrize(("tab", "control", "changed"), TABS, ids=[tab for tab, _, _ in TABS])
def test_the_photo_is_seen_while_its_control_is_tapped(phone: Page, tab: str, control: str, changed: str) -> None:
    phone.tap(f"#sd-tab-{tab}")
    phone.wait_for_selector(control, timeout=60_000)
    phone.wait_for_function("!document.querySelector('.sd-stale, .sd-panel[aria-busy=true]')", timeout=60_000)
    assert phone.evaluate(SMALL, LEAST) == []
    words = phone.evaluate(WORDS)
    assert "hover" not in words
    assert "click" not in words
    phone.tap(control)
    photo, touched = box(phone, ".sdv-viewport >> nth=0"), box(phone, control)
    assert photo["y"] >= 0
    assert photo["y"] + photo["height"] <= touched["y"] + 0.5
    assert touched["y"] + touched["height"] <= HEIGHT
    phone.wait_for_function(changed, timeout=10_000)
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390


def test_tools_and_examples_come_last_and_a_legend_beside_the_photo(phone: Page) -> None:
    phone.tap("#sd-tab-attention")
    phone.wait_for_selector(".sd-heads canvas")
    photo, legend = box(phone, ".sdv-viewport >> nth=0"), box(phone, ".sdv-legend")
    panel = box(phone, "#sd-panel-attention")
    assert photo["y"] + photo["height"] <= legend["y"]
    assert legend["y"] + legend["height"] <= panel["y"] + 0.5
    tools, source = box(phone, ".sd-tools"), box(phone, ".sd-source")
    assert panel["y"] + panel["height"] <= tools["y"] < source["y"]
    assert box(phone, ".sd-examples")["y"] >= source["y"]


def test_the_sheet_of_a_pixel_opens_and_closes_by_touch(phone: Page) -> None:
    phone.tap("#sd-tab-semantic")
    photo = box(phone, ".sdv-photo")
    phone.touchscreen.tap(photo["x"] + 0.5 * photo["width"], photo["y"] + 0.6 * photo["height"])
    phone.wait_for_selector(".sd-pixel-class .sd-thumb")
    sheet = box(phone, ".sd-pixel-card")
    assert sheet["y"] + sheet["height"] == pytest.approx(HEIGHT, abs=1)
    assert box(phone, ".sdv-viewport")["y"] + box(phone, ".sdv-viewport")["height"] <= sheet["y"]
    assert phone.evaluate(SMALL, LEAST) == []
    phone.tap(".sd-vote-show >> nth=0")
    phone.wait_for_function(f"{STATE}('tab') === 'layers' && {STATE}('subject') === 'query'")
    # In another tab it is one line, and a tap brings it back.
    assert box(phone, ".sd-pixel-card")["height"] < 64
    phone.tap(".sd-unfold")
    phone.wait_for_selector(".sd-pixel-class >> nth=0", state="visible")
    phone.tap(".sd-pixel-card .sd-close")
    phone.wait_for_selector(".sd-pixel-card", state="hidden")
    assert phone.evaluate(f"{STATE}('pixel')") is None


def test_a_message_is_closed_by_touch(phone: Page) -> None:
    phone.evaluate("window.segdemo.page.say('Something to read.')")
    assert phone.evaluate(SMALL, LEAST) == []
    phone.tap(".sdv-message button")
    phone.wait_for_selector(".sdv-message", state="hidden")


def test_two_fingers_zoom_and_one_moves_what_is_zoomed(phone: Page) -> None:
    phone.tap("#sd-tab-semantic")
    photo = box(phone, ".sdv-viewport")
    middle = photo["x"] + photo["width"] / 2, photo["y"] + photo["height"] / 2
    session = phone.context.new_cdp_session(phone)

    def touch(kind: str, *points: tuple[float, float]) -> None:
        places = [{"x": x, "y": y, "id": index} for index, (x, y) in enumerate(points)]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": places})

    def fingers(apart: float) -> tuple[tuple[float, float], tuple[float, float]]:
        return (middle[0] - apart, middle[1]), (middle[0] + apart, middle[1])

    view = "window.segdemo.page.viewer.view()"
    assert phone.evaluate(f"{view}.zoom") == 1
    touch("touchStart", *fingers(30))
    for apart in (45, 60, 75, 90):
        touch("touchMove", *fingers(apart))
    touch("touchEnd")
    phone.wait_for_function(f"Math.abs({view}.zoom - 3) < 0.1")
    scrolled, before = phone.evaluate("window.scrollY"), phone.evaluate(view)
    touch("touchStart", middle)
    for moved in (20, 40, 60):
        touch("touchMove", (middle[0] + moved, middle[1]))
    touch("touchEnd")
    after = phone.evaluate(view)
    assert after["zoom"] == before["zoom"]
    assert after != before
    assert phone.evaluate("window.scrollY") == scrolled
    phone.tap(".sdv-zoom-fit >> nth=0")
    phone.wait_for_function(f"{view}.zoom === 1")
