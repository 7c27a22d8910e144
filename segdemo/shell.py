"""The page's viewer and small controls as text, for pages without a server: put in by whoever may import the page."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Shell:
    """What surrounds a page's own scripts and rules; ``segdemo.ui.alone.shell`` makes it."""

    script: str
    """One classic script that defines ``window.segdemo.createViewer`` and the controls."""
    style: str
    """Their style sheets as one."""
