"""The viewer for pages without a server: its script and style with the small controls around it, in one text each."""

from importlib.resources import files

from segdemo.shell import Shell
from segdemo.ui import viewer

SCRIPTS = ("widgets.js", "classes.js", "listing.js", "theme.js")
STYLES = ("page.css", "panels.css", "narrow.css")


def script() -> str:
    """The viewer and the controls as one classic script."""
    return "\n".join([viewer.script(), *map(_page_file, SCRIPTS)])


def style() -> str:
    """Their style sheets as one."""
    return "\n".join([viewer.style(), *map(_page_file, STYLES)])


def shell() -> Shell:
    """Both."""
    return Shell(script(), style())


def _page_file(name: str) -> str:
    return (files("segdemo.ui") / "page" / name).read_text(encoding="utf-8")
