"""A report's file as a browser takes it."""

import base64
import json
import zlib
from html.parser import HTMLParser
from typing import Any

import numpy as np
import numpy.typing as npt


class Read(HTMLParser):
    """A file as a browser takes it: elements with their attributes, and the texts of some."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {}
        self.rows: list[list[str]] = []
        self._open: list[str] = []
        self.feed(page.decode("utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag in ("h1", "title", "script", "h2", "p", "time"):
            self.texts.setdefault(tag, []).append("")
            self._open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self._open:
            self._open.remove(tag)

    def handle_data(self, data: str) -> None:
        for tag in self._open:
            if tag in ("td", "th"):
                self.rows[-1][-1] += data
            else:
                self.texts[tag][-1] += data

    @property
    def told(self) -> Any:
        return json.loads(self.texts["script"][0])


def unpacked(packed: dict[str, Any]) -> npt.NDArray[Any]:
    """An array as the file holds it."""
    raw = zlib.decompress(base64.b64decode(packed["data"]))
    return np.frombuffer(raw, packed["dtype"]).reshape(packed["shape"])
