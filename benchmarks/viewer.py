"""Times the canvas viewer's repaints in headless Chromium without a GPU: script time and time to the next frame.

Run from the project's root: ``python -m benchmarks.viewer``. The maps are made up: regions with ragged borders, 30
classes, with about twice the borders of a busy street. On a machine that does other things too, trust the best.
"""

import argparse
import shutil
import statistics
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from playwright.sync_api import Page, sync_playwright

from segdemo.packing import pack
from segdemo.ui.viewer import script, style

SIZES = ((1024, 768), (1600, 1200))
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]

SETUP = """async ({width, height, ids, entries, ratio}) => {
  const box = document.getElementById("box");
  window.viewer = window.segdemo.createViewer(box, {});
  const canvas = Object.assign(document.createElement("canvas"), {width, height});
  canvas.getContext("2d").fillRect(0, 0, width / 2, height);
  await viewer.setPhoto({src: canvas.toDataURL("image/jpeg"), width, height});
  window.ids = await segdemo.unpack(ids);
  window.entries = new Map(entries);
  viewer.setMap({width, height, ids: window.ids, entries: window.entries});
  viewer.flush();
}"""

MEASURE = """async ([body, times]) => {
  const act = new Function("round", body);
  const frame = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  const script = [], whole = [];
  for (let round = 0; round < times; round += 1) {
    await frame(); await frame();
    const start = performance.now();
    act(round);
    const called = performance.now();
    viewer.flush();
    script.push(performance.now() - start);
    await frame();
    whole.push(performance.now() - called);
  }
  return [script, whole];
}"""

ACTIONS = {
    "nothing": "",
    "new map": "viewer.setMap({width: viewer_width, height: viewer_height, ids, entries})",
    "one class off, on": "viewer.setVisible(round % 2 ? null : [...entries.keys()].slice(1))",
    "only one class, all": "viewer.setVisible(round % 2 ? null : [3])",
    "the same, dimmed": "viewer.setDimHidden(true); viewer.setVisible(round % 2 ? [3] : [4])",
    "highlight": "viewer.setDimHidden(false); viewer.setVisible(null); viewer.highlight(round % 2 ? 3 : 4)",
    "select": "viewer.highlight(null); viewer.select(round % 2 ? 3 : 4)",
    "opacity": "viewer.setOpacity(0.3 + 0.05 * (round % 5))",
    "outlines off, on": "viewer.setOutlines(round % 2 === 1)",
    "hatching on, off": "viewer.setHatching(round % 2 === 0)",
    "zoom": "viewer.zoomBy(round % 2 ? 0.5 : 2)",
}


def busy_map(
    width: int, height: int, *, classes: int = 30, noisiness: float = 0.01, seed: int = 0
) -> npt.NDArray[np.uint8]:
    """Regions with ragged borders, uint8 height x width: the strongest of smoothed noises at every pixel."""
    rng = np.random.default_rng(seed)
    best = np.full((height, width), -np.inf, np.float32)
    ids = np.zeros((height, width), np.uint8)
    for index in range(classes):
        noise = rng.standard_normal((height // 100, width // 100)).astype(np.float32)
        noise = np.asarray(cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC), np.float32)
        noise += noisiness * rng.standard_normal((height, width)).astype(np.float32)
        ids[noise > best] = index
        np.maximum(best, noise, out=best)
    return np.asarray(cv2.medianBlur(ids, 5), np.uint8)


def measure(page: Page, width: int, height: int, times: int) -> None:
    """Print the medians of every action for one map size."""
    ids = busy_map(width, height)
    colors = np.random.default_rng(1).integers(30, 230, (30, 3)).tolist()
    entries: list[Any] = [
        [i, {"label": f"class {i}", "color": color, "isthing": i % 3 == 0, "area": 1 / 30}]
        for i, color in enumerate(colors)
    ]
    page.evaluate(SETUP, {"width": width, "height": height, "ids": pack(ids), "entries": entries})
    page.evaluate("([w, h]) => { window.viewer_width = w; window.viewer_height = h; }", [width, height])
    for name, body in ACTIONS.items():
        own, whole = page.evaluate(MEASURE, [body, times])
        print(
            f"| {width}x{height} | {name} | {statistics.median(own):.1f} ms ({min(own):.1f}) "
            f"| {statistics.median(whole):.1f} ms ({min(whole):.1f}) |",
            flush=True,
        )


def main() -> None:
    """Measure both sizes at a desktop window."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=21, help="repetitions of every action")
    parser.add_argument("--ratio", type=float, default=1.0, help="device pixels per CSS pixel")
    options = parser.parse_args()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        context = browser.new_context(
            viewport={"width": 1440, "height": 900}, device_scale_factor=options.ratio, reduced_motion="reduce"
        )
        print("| map | action | script, median (best) | to the frame's end, median (best) |\n|---|---|--:|--:|")
        for width, height in SIZES:
            page = context.new_page()
            page.set_content(f'<style>{style()}</style><div id="box" style="width:1000px"></div>')
            page.evaluate(script())
            measure(page, width, height, options.times)
            page.close()
        browser.close()


if __name__ == "__main__":
    main()
