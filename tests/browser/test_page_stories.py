"""Queries, layers and attention tell their story: what is listed, what changed, where a query looked."""

import re

import cv2
import numpy as np
import pytest
from playwright.sync_api import Page

from segdemo.examples import SCENES
from segdemo.images import load_image
from segdemo.model.predictor import load_predictor

from .harness import STATE

pytestmark = [pytest.mark.browser, pytest.mark.slow]

# Of each layer but the first: colours of the picture where nothing changed, whether a pixel that did change has one of
# them, the share that changed; and of every layer the share of pixels that have their final class.
CHANGES = """window.segdemo.page.fetchLayers(null).then((found) => {
  const canvases = [...document.querySelectorAll("#sd-panel-layers .sd-strip canvas")];
  const layers = [], last = found.at(found.count - 1);
  for (let layer = 1; layer < found.count; layer += 1) {
    const [now, before, canvas] = [found.at(layer), found.at(layer - 1), canvases[layer]];
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    const colors = [...new Uint32Array(data.buffer)];
    const same = new Set(colors.filter((_, at) => now[at] === before[at]));
    const changed = colors.filter((_, at) => now[at] !== before[at]);
    layers.push([same.size, changed.some((color) => same.has(color)), changed.length / now.length]);
  }
  const agreement = Array.from({ length: found.count }, (_, layer) =>
    found.at(layer).reduce((sum, id, at) => sum + (id === last[at] ? 1 : 0), 0) / last.length);
  return { layers, agreement };
})"""
# Every row's thumbnail has been painted: a fresh canvas is transparent.
PICTURED = """[...document.querySelectorAll("#sd-panel-attention .sd-query canvas")].every((canvas) =>
  canvas.getContext("2d").getImageData(0, 0, 1, 1).data[3] === 255)"""


def test_a_bare_pixel_names_its_candidates(fresh: Page) -> None:
    prediction = load_predictor()(load_image(SCENES[0].image))
    fresh.click("#sd-tab-panoptic")
    fresh.wait_for_function(f"{STATE}('panoptic') !== null", timeout=20_000)
    fresh.get_by_role("slider", name="Score").fill("1")
    fresh.wait_for_function(f"{STATE}('panoptic').segments.length === 0", timeout=20_000)
    rows = fresh.locator("#sd-panel-panoptic .sd-dropped-row")
    rows.first.wait_for()
    # A pixel deep inside a sure mask, where the surest of all queries has none: the list begins with another one.
    weights = np.exp(prediction.class_logits() - prediction.class_logits().max(axis=1, keepdims=True))
    order = np.argsort(-(weights / weights.sum(axis=1, keepdims=True))[:, :-1].max(axis=1))
    masks = prediction.mask_logits()
    free = [query for query in order[1:8] if ((masks[query] > 3) & (masks[order[0]] < -3)).any()]
    deep = ((masks[free[0]] > 3) & (masks[order[0]] < -3)).astype(np.uint8)
    inside = cv2.distanceTransform(deep, cv2.DIST_L2, 3)
    row, column = np.unravel_index(inside.argmax(), inside.shape)
    query = next(int(one) for one in order if masks[one, row, column] > 0)
    assert f"q{query}" not in rows.first.inner_text()
    height, width = inside.shape
    place = [(column + 0.5) / width, (row + 0.5) / height]
    fresh.evaluate("([x, y]) => window.segdemo.page.state.set({ pixel: { x, y, picked: true }, segment: null })", place)
    fresh.wait_for_function(
        "query => document.querySelector('.sd-dropped-row .sd-dropped-name').textContent.endsWith(` q${query}`)",
        arg=query,
        timeout=10_000,
    )
    for text in rows.locator(".sd-dropped-name").all_text_contents():
        found = re.search(r"^(.+) q(\d+)$", text)
        assert found is not None
        best = int(prediction.class_logits()[int(found[2])][:-1].argmax())
        assert found[1] == prediction.id2label[best].split(",")[0]
        assert masks[int(found[2]), row, column] > -0.1


def test_the_list_of_queries_sorts_by_what_it_shows_and_folds_empty_ones(fresh: Page) -> None:
    fresh.click("#sd-tab-attention")
    fresh.wait_for_selector("#sd-panel-attention .sd-heads canvas")
    panel = fresh.locator("#sd-panel-attention")
    read = "rows => rows.map((row) => [Number(row.dataset.query), row.lastElementChild.textContent])"
    queries = fresh.evaluate(f"{STATE}('run').queries")
    some = {entry["query"]: entry for entry in queries if entry["area"] > 0}
    for order, key in (("sure", "probability"), ("area", "area"), ("won", "won")):
        panel.get_by_label("Order").select_option(order)
        shown = panel.get_by_role("listbox", name="Queries", exact=True).locator(".sd-query").evaluate_all(read)
        assert {query for query, _ in shown} == set(some)
        values = [some[query][key] for query, _ in shown]
        assert values == sorted(values, reverse=True)
        for query, area in shown:
            assert area == fresh.evaluate("share => window.segdemo.percent(share)", some[query]["area"])
        fresh.wait_for_function(PICTURED)
    empty = panel.get_by_role("listbox", name="Queries with an empty mask", include_hidden=True)
    assert empty.locator(".sd-query").count() == len(queries) - len(some) > 0
    assert not empty.is_visible()


def test_attention_shows_its_cells_with_the_legend_off_the_photo(fresh: Page) -> None:
    fresh.click("#sd-tab-attention")
    fresh.wait_for_selector("#sd-panel-attention .sd-heads canvas")
    fresh.evaluate("window.segdemo.page.state.set({ layer: 1 })")
    fresh.wait_for_function("document.querySelector('.sdv-legend').textContent.includes('layer 1')")
    smooth = fresh.evaluate("document.querySelector('.sdv-heat').width")
    fresh.get_by_label("Show the cells").check()
    fresh.wait_for_function("width => document.querySelector('.sdv-heat').width < width", arg=smooth)
    # The first layer looks at 1/32 of the input.
    shape = fresh.evaluate("(({width, height}) => [height, width])(document.querySelector('.sdv-heat'))")
    assert shape == [-(-side // 32) for side in load_predictor()(load_image(SCENES[0].image)).content_size]
    assert fresh.evaluate("getComputedStyle(document.querySelector('.sdv-heat')).imageRendering") == "pixelated"
    photo, legend = fresh.locator(".sdv-viewport").bounding_box(), fresh.locator(".sdv-legend").bounding_box()
    assert photo is not None
    assert legend is not None
    assert legend["y"] >= photo["y"] + photo["height"] or legend["x"] >= photo["x"] + photo["width"]
    # What does nothing on a heatmap is not there.
    assert fresh.get_by_label("Outlines").is_hidden()
    assert fresh.get_by_label("Hatch stuff").is_hidden()
    fresh.get_by_label("Show the cells").uncheck()


def test_layers_show_what_changed(fresh: Page) -> None:
    fresh.click("#sd-tab-layers")
    fresh.wait_for_selector("#sd-panel-layers .sd-strip canvas")
    found = fresh.evaluate(CHANGES)
    assert all((colors, mixed) == (1, False) for colors, mixed, _ in found["layers"])
    shares = fresh.locator("#sd-panel-layers .sd-strip .sd-changed-share").all_inner_texts()
    assert shares == [
        fresh.evaluate("share => window.segdemo.percent(share)", share) for _, _, share in found["layers"]
    ]
    # The plot's axis ends within five per cent of its data.
    ticks = [
        float(text.removesuffix(" %")) / 100
        for text in fresh.locator("#sd-panel-layers .sd-plot-text").all_text_contents()
        if text.endswith("%")
    ]
    assert 0 <= min(found["agreement"]) - min(ticks) <= 0.055
    assert max(ticks) - min(ticks) >= 0.05
    fresh.locator("#sd-panel-layers .sd-strip button").first.click()
    fresh.wait_for_function("document.querySelector('#sd-panel-layers .sd-note-text').textContent.includes('Initial')")
    words = fresh.locator("#sd-panel-layers .sd-note-text").inner_text()
    assert "before they attended to the photo" in words
    assert "made from this photo's features" in words
    # One query: the one among those that decided pixels whose mask changed most.
    fresh.evaluate("window.segdemo.page.state.set({ query: null })")
    fresh.get_by_text("One query").click()
    fresh.wait_for_function(f"{STATE}('subject') === 'query'")
    deciding = [entry for entry in fresh.evaluate(f"{STATE}('run').queries") if entry["won"] > 0.005]
    assert fresh.evaluate(f"{STATE}('query')") == max(deciding, key=lambda entry: entry["change"])["query"]
