"""The pages of a network with queries that is told its task, and of one without: every tab, and both side by side."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from segdemo.checkpoints import EMBEDDED_ID
from segdemo.evaluation.agreement import JointClasses, agreement
from segdemo.images import load_image
from segdemo.model.predictor import Predictor, load_predictor
from segdemo.segmentation import semantic
from segdemo.settings import settings
from segdemo.ui.app import create_app, launch_options
from segdemo.ui.server.clients import Rates
from tests.networks import write_tiny_oneformer, write_tiny_upernet

from .harness import READY, STATE
from .pages import upload
from .test_compare import FOUND, PANEL, VIEWS, compared

pytestmark = [pytest.mark.browser, pytest.mark.slow]

TABS = ("semantic", "classes", "panoptic", "features", "layers", "attention", "whatif", "evaluate", "compare", "batch")
PARTS = {"panoptic": "queries", "layers": "layers", "attention": "attention", "whatif": "decoder_features"}
"""What a tab is about, where some networks lack it."""
CONTROLS = "button:visible, input:visible, select:visible, [role=listbox]:visible"
DEAD = """(panel) => [...panel.querySelectorAll("select, [role=listbox], input[type=range]")].filter((one) => {
  if (!one.checkVisibility() || one.disabled) return false;
  if (one.type === "range") return !(Number(one.min) < Number(one.max));
  return one.children.length < (one.tagName === "SELECT" ? 2 : 1);
}).map((one) => one.outerHTML.slice(0, 200))"""
"""Controls with nothing to choose."""
WAYS = {
    "tiny-upernet": ["checkpoint", "size", "precision", "refinement"],
    "tiny-oneformer": ["checkpoint", "size", "precision", "told", "task", "layer", "refinement", "parts"],
}


@pytest.fixture(scope="module")
def networks(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    place = tmp_path_factory.mktemp("networks")
    return {
        "tiny-upernet": write_tiny_upernet(place / "tiny-upernet"),
        "tiny-oneformer": write_tiny_oneformer(place / "tiny-oneformer"),
    }


@pytest.fixture(scope="module")
def site(networks: dict[str, Path]) -> Iterator[str]:
    """A page of both and of what comes with the demo."""
    upernet, oneformer = map(str, networks.values())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEGDEMO_EXTRA_CHECKPOINTS", f'["{oneformer}"]')
        settings.cache_clear()
        app = create_app(upernet, warm_up=False)
        running, url, _ = app.launch(prevent_thread_lock=True, quiet=True, **launch_options())
        gate: Any = running.middleware_stack
        gate.rates = gate.static_rates = Rates(1_000_000)
        yield url
        app.close()
    settings.cache_clear()


@pytest.fixture(scope="module", params=list(WAYS))
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def network(networks: dict[str, Path], name: str) -> Predictor:
    return load_predictor(networks[name])


@pytest.fixture(scope="module")
def page(chromium: Browser, site: str, name: str, cat: Path) -> Iterator[Page]:
    """A visitor's photo on the page of one of them; fails on script errors."""
    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    opened = context.new_page()
    errors: list[str] = []
    opened.on("pageerror", lambda error: errors.append(str(error)))
    opened.goto(f"{site}?checkpoint={name}")
    opened.wait_for_function(READY, timeout=180_000)
    upload(opened, cat)
    yield opened
    context.close()
    assert errors == []


def test_every_tab_shows_something_or_says_why_not(page: Page, network: Predictor) -> None:
    lacks = network.family.lacks
    for tab in TABS:
        page.click(f"#sd-tab-{tab}")
        panel = page.locator(f"#sd-panel-{tab}")
        expect(panel).to_be_visible()
        said = panel.locator(".sd-lacking-note p")
        if PARTS.get(tab) in lacks:
            assert said.inner_text() == lacks[PARTS[tab]]  # type: ignore[index]
            assert panel.locator(CONTROLS).count() == 0
            continue
        assert said.count() == 0 or not said.is_visible()
        panel.locator(CONTROLS).first.wait_for()
        page.wait_for_function("tab => !document.querySelector(`#sd-panel-${tab} .sd-stale`)", arg=tab, timeout=60_000)
        page.wait_for_function(f"tab => ({DEAD})(document.querySelector(`#sd-panel-${{tab}}`)).length === 0", arg=tab)
        assert len(panel.inner_text().split()) > 8, tab
        assert page.locator(".sdv-message:visible").all_inner_texts() == []
        if tab == "batch":
            assert panel.get_by_label("Panoptic", exact=True).count() == 1
            assert panel.locator(".sd-segmented").is_visible() == ("queries" not in lacks)
            assert panel.locator(".sd-batch-alone").text_content() == lacks.get("queries", "")


def test_every_way_to_compare_that_is_offered_works(page: Page, name: str) -> None:
    page.click("#sd-tab-compare")
    panel = page.locator(PANEL)
    by = panel.get_by_label("Compare by")
    offered = by.locator("option").evaluate_all("(options) => options.map(({value}) => value)")
    # Where the processor has no other precision there is none to compare with.
    assert offered == [way for way in WAYS[name] if way != "precision" or way in offered]
    for way in offered:
        by.select_option(way)
        compared(page, way)
        assert panel.locator(".sd-evaluating").is_hidden()
        names = panel.locator(".sd-compared select").evaluate_all("(all) => all.map((one) => one.value)")
        assert names[1] != names[2]


def test_two_families_on_one_photo_are_linked(page: Page, network: Predictor, cat: Path) -> None:
    page.click("#sd-tab-compare")
    panel = page.locator(PANEL)
    panel.get_by_label("Compare by").select_option("checkpoint")
    panel.get_by_label("B", exact=True).select_option(EMBEDDED_ID)
    compared(page, "checkpoint")
    photo, other = load_image(cat), load_predictor(EMBEDDED_ID)
    maps = [semantic(network(photo)).labels, semantic(other(photo)).labels]
    expected = agreement(maps[0], maps[1], JointClasses(network.id2label, other.id2label))
    assert page.evaluate(f"{FOUND}.share") == pytest.approx(expected.share, abs=0.01)
    # Zoom and pan.
    viewports = page.locator(".sdv-viewport")
    for place in (0, 1):
        viewports.nth(place).focus()
        page.keyboard.press("0")
        page.keyboard.press("+")
        page.wait_for_function(f"({VIEWS})().every(([zoom]) => zoom === 1.5)")
        page.keyboard.press("ArrowRight")
        one, beside = page.evaluate(VIEWS)
        assert one == beside
    page.keyboard.press("0")
    # Pointing: each reads its own map at the place.
    box = page.locator(".sdv-photo").nth(1).bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * 0.3, box["y"] + box["height"] * 0.4)
    row, column = int(maps[0].shape[0] * 0.4), int(maps[0].shape[1] * 0.3)
    near = [np.unique(labels[row - 3 : row + 4, column - 3 : column + 4]) for labels in maps]
    page.wait_for_function("[...document.querySelectorAll('.sdv-readout .sdv-name')].every((one) => one.textContent)")
    read = page.locator(".sdv-readout .sdv-name").all_inner_texts()
    for text, labels, of in zip(read, near, (network, other), strict=True):
        assert any(of.taxonomy[int(index)].name in text for index in labels), (text, labels)
    # Selecting.
    page.mouse.click(box["x"] + box["width"] * 0.3, box["y"] + box["height"] * 0.4)
    expect(page.locator(".sdv-pixel:not([hidden])")).to_have_count(2)
    page.keyboard.press("Escape")
    expect(page.locator(".sdv-pixel:not([hidden])")).to_have_count(0)


def test_both_sides_are_told_what_they_say(page: Page, network: Predictor, name: str, cat: Path) -> None:
    if not network.family.tasks:
        assert page.get_by_label("Task it is told").is_hidden()
        return
    page.click("#sd-tab-compare")
    panel = page.locator(PANEL)
    panel.get_by_label("Compare by").select_option("told")
    compared(page, "told")
    photo = load_image(cat)
    maps = [semantic(network(photo, task=task)).labels for task in ("semantic", "panoptic")]
    expected = agreement(maps[0], maps[1], JointClasses(network.id2label, network.id2label))
    assert page.evaluate(f"{FOUND}.share") == pytest.approx(expected.share, abs=0.01)
    assert page.evaluate(f"{FOUND}.sides.map((side) => side.task)") == ["semantic", "panoptic"]
    assert page.locator(".sdv-tag:visible").all_inner_texts() == ["A: told semantic", "B: told panoptic"]
    assert "told panoptic" in panel.inner_text()
    assert "by=told" in page.url
    # Told another task, the page keeps what it had, and compares with that without another run.
    page.get_by_label("Task it is told").select_option("panoptic")
    page.wait_for_function(f"!{STATE}('busy') && {STATE}('run').task === 'panoptic'", timeout=60_000)
    page.wait_for_function(f"{FOUND}?.sides?.[0].task === 'panoptic'", timeout=60_000)
    compared(page, "told")
    assert page.evaluate(f"{FOUND}.sides.map((side) => side.task)") == ["panoptic", "semantic"]
    assert page.evaluate(f"{FOUND}.ran") is False
    assert page.evaluate(f"{FOUND}.share") == pytest.approx(expected.share, abs=0.01)


def test_on_a_phone_menus_say_what_they_are_set_to(page: Page, network: Predictor) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    menus = page.locator(".sd-setup select:visible")
    assert menus.count() == (3 if network.family.tasks else 2)
    widths = menus.evaluate_all("(all) => all.map((one) => one.clientWidth)")
    assert min(widths) > 130
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.set_viewport_size({"width": 1440, "height": 900})
