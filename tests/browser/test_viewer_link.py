"""Two linked viewers: zoom, pan and the pixel pointed at are the same in both, whichever is moved."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from .harness import ViewerPage, plain_photo

pytestmark = pytest.mark.browser

SECOND = """async (photo) => {
  const box = document.createElement("div");
  document.getElementById("box").after(box);
  box.style.maxWidth = "400px";
  window.other = window.segdemo.createViewer(box, {});
  await other.setPhoto(photo);
  const ids = new Uint8Array(40 * 30).fill(7);
  const tree = {label: "tree", color: [0, 90, 0], isthing: false, area: 1};
  other.setMap({width: 40, height: 30, ids, none: 255, entries: new Map([[7, tree]])});
  window.unlink = window.segdemo.linkViewers(viewer, other);
}"""
VIEWS = "() => [viewer, other].map((one) => { const {zoom, x, y} = one.view(); return [zoom, x, y]; })"
READS = "() => [...document.querySelectorAll('.sdv-readout .sdv-name')].map((node) => node.textContent)"
CURSORS = """() => [viewer, other].map((one) => {
  const mark = one.element.querySelector(".sdv-cursor").getBoundingClientRect();
  const photo = one.element.querySelector(".sdv-photo").getBoundingClientRect();
  return [(mark.x - photo.x) / photo.width, (mark.y - photo.y) / photo.height];
})"""


def test_what_is_done_to_one_is_done_to_both(make_viewer: Callable[..., ViewerPage]) -> None:
    page = make_viewer(width=400)
    entry: dict[str, Any] = {"id": 3, "label": "sky", "color": [0, 0, 200], "isthing": False, "area": 1.0}
    page.load(np.full((30, 40), 3, np.uint8), [entry], photo=(400, 300))
    page.run("() => viewer.setView({zoom: 2, x: 0.4, y: 0.6})")
    page.run(SECOND, {"src": plain_photo(400, 300), "width": 400, "height": 300})
    one, other = page.run(VIEWS)
    assert one == other == [2, 0.4, 0.6], "the second does not begin where the first is"

    for mover in ("viewer", "other"):
        page.run(f"() => {{ {mover}.zoomBy(1.5); {mover}.setView({{zoom: 3, x: 0.5, y: 0.5}}); }}")
        one, other = page.run(VIEWS)
        assert one == other == [3, 0.5, 0.5]
    box = page.page.locator(".sdv-viewport").nth(1).bounding_box()
    assert box is not None
    page.page.mouse.move(box["x"] + 200, box["y"] + 150)
    page.page.mouse.down()
    page.page.mouse.move(box["x"] + 260, box["y"] + 120, steps=3)
    page.page.mouse.up()
    one, other = page.run(VIEWS)
    assert one == other
    assert one[1] < 0.5 < one[2], "the second was dragged, and the first did not follow"

    page.page.mouse.move(box["x"] + 100, box["y"] + 100)
    assert page.run(READS) == ["sky", "tree"], "each reads its own map at the place pointed at"
    page.page.locator(".sdv-viewport").first.focus()
    page.page.keyboard.press("ArrowRight")
    first, second = page.run(CURSORS)
    assert first == pytest.approx(second, abs=1e-3)
    page.page.keyboard.press("Tab")
    page.run("() => unlink()")
    page.run("() => viewer.setView({zoom: 1, x: 0.5, y: 0.5})")
    one, other = page.run(VIEWS)
    assert one[0] == 1 != other[0]
