"""The canvas viewer: plain JavaScript and CSS, read from the package and put into the page as one script and style."""

from functools import cache
from importlib.resources import files

#: The viewer's scripts in the order in which the page runs them.
SCRIPTS: tuple[str, ...] = (
    "bytes.js",
    "view.js",
    "runs.js",
    "layers.js",
    "edges.js",
    "heat.js",
    "dom.js",
    "readout.js",
    "compare.js",
    "gestures.js",
    "keys.js",
    "scene.js",
    "calls.js",
    "viewer.js",
    "link.js",
)

#: The style sheets, in the order in which their rules apply.
STYLES: tuple[str, ...] = ("viewer.css", "notes.css", "strip.css")


@cache
def script() -> str:
    """Return the viewer as one classic script; it defines ``window.segdemo.createViewer``."""
    return "\n".join((files(__name__) / name).read_text(encoding="utf-8") for name in SCRIPTS)


@cache
def style() -> str:
    """Return the viewer's style sheets as one."""
    return "\n".join((files(__name__) / name).read_text(encoding="utf-8") for name in STYLES)
