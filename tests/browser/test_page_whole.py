"""One state for all tabs, one way to write a number, one family of letters: what holds of the page as a whole."""

import io
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Locator, Page

from segdemo.examples import SCENES

from .harness import STATE

pytestmark = [pytest.mark.browser, pytest.mark.slow]

TABS = ("semantic", "classes", "panoptic", "features", "layers", "attention", "whatif", "evaluate", "batch")

KEPT = f"""() => {{
  const get = {STATE}, pixel = get("pixel");
  return JSON.stringify({{
    token: get("run").token, pixel: [pixel.x, pixel.y], query: get("query"), classId: get("classId"),
    visible: [...get("visible")], changed: get("refined").semantic.changed, opacity: get("opacity"),
    view: (({{zoom, x, y}}) => [zoom, x, y])(window.segdemo.page.viewer.view()),
  }});
}}"""
# Pixels of each class, before and after the refinement.
COUNTS = f"""[{STATE}("run"), {STATE}("refined").semantic].map(({{ map }}) => {{
  const counts = {{}};
  for (const id of map.ids) counts[id] = (counts[id] ?? 0) + 1;
  return counts;
}})"""
FOUND = f"""() => {{
  const app = window.segdemo.page, get = {STATE};
  const asked = window.segdemo.readAddress(app.config);
  const found = window.segdemo.readSelection(get("run"), app.thresholds);
  return {{
    example: asked.example, tab: asked.tab, size: asked.size, checkpoint: asked.checkpoint,
    pixel: [found.pixel.x, found.pixel.y], query: found.query, layer: found.layer, head: found.head,
    classId: found.classId, visible: [...found.visible], view: found.view, thresholds: found.thresholds,
  }};
}}"""
LETTERS = """() => {
  const found = new Set(), app = document.querySelector(".sd-app");
  const walk = document.createTreeWalker(app, NodeFilter.SHOW_TEXT);
  for (let node = walk.nextNode(); node; node = walk.nextNode()) {
    const part = node.parentElement;
    if (!node.data.trim() || !part.checkVisibility() || part.closest("svg")) continue;
    const { fontWeight, fontFamily } = getComputedStyle(part);
    found.add(`${fontWeight} ${fontFamily}`);
  }
  return [...found];
}"""


def refine(page: Page) -> None:
    """Open thin parts away, with a wide kernel."""
    panel = page.locator("#sd-panel-semantic")
    panel.locator(".sd-refinement").evaluate("box => { box.open = true; }")
    panel.get_by_label("Operation").select_option("open")
    panel.get_by_role("slider", name="Kernel").fill("21")
    page.wait_for_function(f"{STATE}('refined')?.semantic?.parameters.morphology?.size === 21", timeout=20_000)


def test_what_is_chosen_stays_from_tab_to_tab(fresh: Page) -> None:
    refine(fresh)
    fresh.evaluate(f"{STATE}('run') && window.segdemo.page.state.set({{pixel: {{x: 0.4, y: 0.6, picked: true}}}})")
    fresh.wait_for_selector(".sd-pixel-class .sd-thumb")
    fresh.evaluate(
        f"""() => {{
          const {{ state, viewer }} = window.segdemo.page, ids = {STATE}("run").classes.map(({{id}}) => id);
          state.set({{ classId: ids[1], visible: new Set(ids.slice(0, -1)) }});
          viewer.setView({{ zoom: 2, x: 0.4, y: 0.5 }});
        }}"""
    )
    before = fresh.evaluate(KEPT)
    for tab in TABS:
        fresh.click(f"#sd-tab-{tab}")
        fresh.wait_for_timeout(150)
        assert fresh.evaluate(KEPT) == before, tab


def test_every_list_counts_the_map_that_is_shown(fresh: Page) -> None:
    refine(fresh)
    before, after = fresh.evaluate(COUNTS)
    assert before != after
    labels = fresh.evaluate(f"{STATE}('run').labels")
    total = sum(after.values())
    expected = [
        (labels[index], fresh.evaluate("share => window.segdemo.percent(share)", after[index] / total))
        for index in sorted(after, key=lambda index: -after[index])
    ]
    for tab, rows in (("semantic", ".sd-legend-list .sd-legend-row"), ("classes", ".sd-switches .sd-check")):
        shown = fresh.locator(f"#sd-panel-{tab} {rows}").evaluate_all(
            "rows => rows.map((row) => ['.sd-name', '.sd-number'].map((part) => row.querySelector(part).textContent))"
        )
        assert [tuple(row) for row in shown] == expected
    # Whatever changed is listed, what vanished is called gone.
    listed = fresh.locator("#sd-panel-semantic .sd-changes .sd-name").all_text_contents()
    moved = {index for index in {*before, *after} if before.get(index) != after.get(index)}
    assert set(listed) == {labels[index] if index in after else f"{labels[index]} (gone)" for index in moved}


def test_the_address_holds_all_that_is_chosen(fresh: Page) -> None:
    fresh.evaluate(
        f"""() => {{
          const {{ state, thresholds }} = window.segdemo.page, ids = {STATE}("run").classes.map(({{id}}) => id);
          state.set({{
            tab: "attention", pixel: {{ x: 0.25, y: 0.75 }}, query: 3, layer: 4, head: 1, classId: ids[1],
            view: "entropy", visible: new Set(ids.slice(1)),
            thresholds: {{ ...thresholds, score_threshold: 0.35, mask_threshold: 0.6, split: true }},
          }});
        }}"""
    )
    fresh.wait_for_function("new URLSearchParams(location.search).get('head') === '2'")
    ids = fresh.evaluate(f"{STATE}('run').classes.map(({{id}}) => id)")
    found = fresh.evaluate(FOUND)
    thresholds = found.pop("thresholds")
    assert found == {
        **{"example": SCENES[0].id, "tab": "attention", "size": None, "checkpoint": None, "pixel": [0.25, 0.75]},
        **{"query": 3, "layer": 4, "head": 1, "classId": ids[1], "visible": ids[1:], "view": "entropy"},
    }
    assert (thresholds["score_threshold"], thresholds["mask_threshold"]) == (0.35, 0.6)
    assert thresholds["split"] is True
    assert thresholds["overlap_threshold"] == fresh.evaluate("window.segdemo.page.thresholds.overlap_threshold")


def test_numbers_are_written_in_one_way(fresh: Page) -> None:
    """Probabilities and shares in per cent, whatever the tab; nothing like "value 0.24" or "+< 0.01 %"."""
    fresh.evaluate("window.segdemo.page.state.set({ pixel: { x: 0.4, y: 0.6, picked: true } })")
    fresh.wait_for_selector(".sd-pixel-class .sd-thumb")
    fresh.hover(".sdv-viewport")
    decimal = re.compile(r"(probabilit\w+|scored?|vote|attention|mask) [^.;:]{0,24}?\b[01]\.\d+\b(?! %)")
    views = [("semantic", view) for view in ("classes", "confidence")] + [(tab, "classes") for tab in TABS]
    for tab, view in views:
        fresh.evaluate("([tab, view]) => window.segdemo.page.state.set({ tab, view })", [tab, view])
        fresh.wait_for_timeout(250)
        words = fresh.locator(".sd-app").inner_text()
        assert decimal.search(words) is None, (tab, decimal.search(words))
        assert not re.search(r"[<>]\d|[+−]\s*[<>]|\d%|\blayer \d+:", words), tab
        assert "value " not in fresh.locator(".sdv-readout").inner_text()
    tooltips = fresh.evaluate("[...document.querySelectorAll('.sd-plot title')].map((node) => node.textContent)")
    assert tooltips
    assert all(text.startswith(("Layer ", "Initial prediction: ")) for text in tooltips)


def test_hardly_any_change_is_said_in_words(fresh: Page) -> None:
    fresh.click("#sd-tab-panoptic")
    fresh.wait_for_function(f"{STATE}('panoptic') !== null", timeout=20_000)
    fresh.evaluate(
        f"""() => {{
          const found = {STATE}("panoptic"), row = {{ id: 0, label: "sky", color: [1, 2, 3], isthing: false }};
          const byClass = [0.5, 2e-5, -2e-5, -0.25].map((share) => ({{ ...row, share }}));
          const refined = {{ byClass, changed: 0.5, seconds: 1, grid: 1, parameters: {{}} }};
          window.segdemo.page.state.set({{ panoptic: {{ ...found, refined }} }});
        }}"""
    )
    numbers = fresh.locator("#sd-panel-panoptic .sd-changes .sd-number")
    fresh.wait_for_function("document.querySelectorAll('#sd-panel-panoptic .sd-changes li').length === 4")
    assert numbers.all_text_contents() == ["+50 %", "< 0.01 % more", "< 0.01 % less", "−25 %"]


def test_letters_are_of_one_family_in_two_weights(fresh: Page) -> None:
    found: set[str] = set()
    for tab in TABS:
        fresh.click(f"#sd-tab-{tab}")
        fresh.wait_for_timeout(150)
        found |= set(fresh.evaluate(LETTERS))
    assert {text.split(" ", 1)[0] for text in found} == {"400", "600"}
    assert len({text.split(" ", 1)[1] for text in found}) == 1


def area(part: Locator) -> float:
    """CSS pixels that a part of the page covers."""
    box = part.bounding_box()
    assert box is not None
    return float(box["width"] * box["height"])


def test_a_message_goes_with_the_next_action(fresh: Page) -> None:
    message = fresh.locator(".sdv-message")
    switch = fresh.locator("#sd-panel-semantic .sd-switch").first
    for act in (switch.uncheck, switch.check, lambda: fresh.get_by_role("slider", name="Opacity").fill("0.7")):
        fresh.evaluate("window.segdemo.page.say('Something to read.')")
        assert message.is_visible()
        assert area(message) < 0.05 * area(fresh.locator(".sdv-photo"))
        act()
        assert message.is_hidden()


def test_space_plays_from_a_slider_and_types_where_one_types(fresh: Page) -> None:
    fresh.click("#sd-tab-layers")
    fresh.wait_for_selector("#sd-panel-layers .sd-strip canvas")
    fresh.get_by_role("slider", name="Prediction").focus()
    fresh.keyboard.press("Space")
    assert fresh.locator(".sd-play").inner_text() == "Pause"
    fresh.keyboard.press("Space")
    assert fresh.locator(".sd-play").inner_text() == "Play"
    fresh.click("#sd-tab-classes")
    fresh.fill(".sd-search", "")
    fresh.keyboard.type("a ?")
    assert fresh.locator(".sd-search").input_value() == "a ?"
    assert fresh.locator(".sd-keys").count() == 0
    fresh.fill(".sd-search", "")


def test_the_forward_pass_comes_first_among_the_times(fresh: Page) -> None:
    assert fresh.locator(".sd-times th").first.text_content() == "forward pass"
    seconds = fresh.evaluate(f"{STATE}('run').seconds.forward")
    shown = fresh.locator(".sd-times td").first.text_content()
    assert shown == fresh.evaluate("seconds => window.segdemo.duration(seconds)", seconds)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_link_to_the_api_can_be_read(fresh: Page, theme: str) -> None:
    dark = fresh.evaluate("document.body.classList.contains('dark')")
    fresh.evaluate("dark => document.body.classList.toggle('dark', dark)", theme == "dark")
    colors = fresh.evaluate(
        """() => { const link = document.querySelector("footer button.show-api");
          const found = [getComputedStyle(link).color];
          for (let part = link; part; part = part.parentElement) found.push(getComputedStyle(part).backgroundColor);
          return found; }"""
    )
    fresh.evaluate("dark => document.body.classList.toggle('dark', dark)", dark)
    ink, *grounds = ([float(value) for value in re.findall(r"[\d.]+", color)] for color in colors)
    ground = next(color for color in grounds if len(color) == 3 or color[3] == 1)
    ratio = contrast(ink, ground)
    assert ratio >= 4.5


def contrast(one: list[float], other: list[float]) -> float:
    """WCAG 2.2's contrast ratio of two colours, red, green and blue 0 to 255."""

    def luminance(color: list[float]) -> float:
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (v / 255 for v in color[:3])]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def saved(page: Page, tab: str) -> np.ndarray:
    """This view, as saved: RGB."""
    with page.expect_download() as waiting:
        page.locator(f"#sd-panel-{tab}").get_by_role("button", name="This view").click()
    return np.asarray(Image.open(io.BytesIO(Path(waiting.value.path()).read_bytes())).convert("RGB")).astype(int)


def test_a_saved_view_lists_what_is_in_it(fresh: Page) -> None:
    """Classes below a layer's map, none below a heatmap of classes that are not to be seen; and the picked pixel."""
    fresh.click("#sd-tab-layers")
    fresh.wait_for_selector("#sd-panel-layers .sd-strip canvas")
    height = round(2 * fresh.evaluate("document.querySelector('.sdv-viewport').getBoundingClientRect().height"))
    colors = [entry["color"] for entry in fresh.evaluate(f"{STATE}('run').classes")]

    def listed(picture: np.ndarray) -> list[bool]:
        return [bool((np.abs(picture[height:] - color).max(axis=-1) <= 2).sum() > 100) for color in colors[:3]]

    assert listed(saved(fresh, "layers")) == [True] * 3
    fresh.click("#sd-tab-semantic")
    plain = saved(fresh, "semantic")
    assert listed(plain) == [True] * 3
    fresh.evaluate("window.segdemo.page.state.set({ view: 'entropy' })")
    fresh.wait_for_selector(".sdv-legend:visible")
    assert listed(saved(fresh, "semantic")) == [False] * 3
    fresh.evaluate("window.segdemo.page.state.set({ view: 'classes', pixel: { x: 0.5, y: 0.5 } })")
    fresh.wait_for_selector(".sdv-pixel:not([hidden])", state="attached")
    marked = saved(fresh, "semantic")
    changed = np.argwhere(np.abs(marked - plain).max(axis=-1) > 24)
    place = fresh.evaluate(
        """() => { const mark = document.querySelector(".sdv-pixel").getBoundingClientRect();
          const frame = document.querySelector(".sdv-viewport").getBoundingClientRect();
          return [2 * (mark.top - frame.top), 2 * (mark.left - frame.left)]; }"""
    )
    assert len(changed) > 50
    assert np.abs(np.linalg.norm(changed - place, axis=1) - 17).max() < 8
