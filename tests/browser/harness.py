"""A bare page with one viewer on it and hand-made maps, driven in headless Chromium."""

import io
import shutil
from typing import Any

import numpy.typing as npt
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page

from segdemo.packing import data_url, pack
from segdemo.ui.viewer import script, style

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",
]
"""For a machine without a screen, and nothing said to other hosts; the camera is a test picture."""

STATE = "window.segdemo.page.state.get"
READY = f"window.segdemo?.page && {STATE}('run') && !{STATE}('run').shipped && !{STATE}('busy')"
"""JavaScript: the page shows a finished photo."""

HTML = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>viewer</title>
<style>body {{ margin: 0; font-family: sans-serif; background: #fff; }} body.dark {{ background: #0b0c0e; }}
#box {{ margin: 16px auto; max-width: {width}px; }} #tall {{ height: 3000px; }}</style>
<style>{style}</style></head><body><div id="box"></div><div id="tall"></div></body></html>"""

LOAD = """async ({photo, map, planes, labels}) => {
  const sd = window.segdemo;
  await viewer.setPhoto(photo);
  if (map) {
    const ids = await sd.unpack(map.ids);
    viewer.setMap({...map, ids, entries: new Map(map.entries)});
  }
  if (planes) {
    const unpacked = {width: planes.width, height: planes.height, classLabel: (id) => labels[id]};
    for (const [name, plane] of Object.entries(planes.arrays)) unpacked[name] = await sd.unpack(plane);
    viewer.setPlanes(unpacked);
  }
  viewer.flush();
}"""

START = """() => {
  window.calls = [];
  window.frozen = (value) => value && JSON.parse(JSON.stringify(value));
  const note = (name) => (value) => calls.push([name, frozen(value)]);
  window.viewer = window.segdemo.createViewer(document.getElementById("box"), {
    onPick: note("pick"), onHover: note("hover"), onView: note("view"), onClear: note("clear"),
    onFile: (file) => calls.push(["file", file.name]),
  });
}"""


def launch_chromium(playwright: Any) -> Browser:
    """Start the Chromium on the PATH."""
    path = shutil.which("chromium")
    assert path, "These tests need Chromium on the PATH: apt-get install -y --no-install-recommends chromium"
    browser: Browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
    return browser


def plain_photo(width: int, height: int, color: tuple[int, int, int] = (90, 120, 150)) -> str:
    """A photo of one colour as a ``data:`` URL."""
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), color).save(buffer, "JPEG")
    return data_url(buffer.getvalue(), "image/jpeg")


class ViewerPage:
    """A page with a viewer, and short ways to talk to it."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def run(self, expression: str, argument: Any = None) -> Any:
        """Evaluate JavaScript in which ``viewer`` and ``calls`` are known."""
        return self.page.evaluate(expression, argument)

    def load(
        self,
        ids: npt.NDArray[Any],
        entries: list[dict[str, Any]],
        *,
        photo: tuple[int, int] | None = None,
        planes: dict[str, npt.NDArray[Any]] | None = None,
        labels: list[str] | None = None,
        src: str | None = None,
        alt: str = "",
    ) -> None:
        """Show a photo (size as width, height; the map's by default), an id map and, optionally, planes."""
        height, width = ids.shape
        size = photo or (width, height)
        map_ = {"width": width, "height": height, "ids": pack(ids), "entries": [[e["id"], e] for e in entries]}
        plane_data = None
        if planes is not None:
            shape = next(iter(planes.values())).shape
            arrays = {name: pack(plane) for name, plane in planes.items()}
            plane_data = {"width": shape[1], "height": shape[0], "arrays": arrays}
        photo_data = {"src": src or plain_photo(*size), "width": size[0], "height": size[1], "alt": alt}
        self.run(LOAD, {"photo": photo_data, "map": map_, "planes": plane_data, "labels": labels or []})

    def at(self, x: float, y: float) -> list[int]:
        """The composited layers over the photo at image coordinates 0..1: red, green, blue, alpha."""
        result: list[int] = self.run("([x, y]) => viewer.pixelAt(x, y)", [x, y])
        return result

    def line_at(self, x: float, y: float) -> list[int]:
        """The outline and selection layers at image coordinates 0..1."""
        result: list[int] = self.run("([x, y]) => viewer.lineAt(x, y)", [x, y])
        return result

    def canvas_at(self, name: str, x: int, y: int) -> list[int]:
        """A canvas's own pixel, as the browser reads it back."""
        result: list[int] = self.run(
            """([name, x, y]) => { viewer.flush();
            return [...document.querySelector(`.sdv-${name}`).getContext("2d").getImageData(x, y, 1, 1).data]; }""",
            [name, x, y],
        )
        return result

    def screen(self, x: float, y: float) -> tuple[float, float]:
        """Where image coordinates 0..1 are in the window, in CSS pixels."""
        box = self.run(
            """() => { const r = document.querySelector(".sdv-photo").getBoundingClientRect();
            return [r.left, r.top, r.width, r.height]; }"""
        )
        return box[0] + x * box[2], box[1] + y * box[3]

    def calls(self, name: str) -> list[Any]:
        """The arguments of a callback's calls so far."""
        return [value for called, value in self.run("() => calls") if called == name]

    def text(self, selector: str) -> str:
        """An element's text with its spaces normalised."""
        return " ".join((self.page.locator(selector).text_content() or "").split())


def open_viewer(context: BrowserContext, *, width: int = 800) -> ViewerPage:
    """A fresh page with an empty viewer at most ``width`` CSS pixels wide."""
    page = context.new_page()
    page.set_content(HTML.format(style=style(), width=width))
    page.evaluate(script())
    page.evaluate(START)
    return ViewerPage(page)
