"""Short ways to talk to the served page."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import Page

from .harness import STATE


def upload(page: Page, path: Path | dict[str, Any]) -> None:
    """Open a file and wait for its result or its message."""
    before = page.evaluate(f"{STATE}('run').token")
    page.set_input_files(".sd-source input[type=file]", path)  # type: ignore[arg-type]
    page.wait_for_function(
        f"!{STATE}('busy') && ({STATE}('run').token !== {json.dumps(before)}"
        " || document.querySelector('.sdv-message:not([hidden])'))",
        timeout=60_000,
    )


def pixel(page: Page, row: int, column: int, shape: tuple[int, ...]) -> list[int]:
    """Overlay colour (RGBA) at a pixel of the photo."""
    page.evaluate("window.segdemo.page.viewer.flush()")
    x, y = (column + 0.5) / shape[1], (row + 0.5) / shape[0]
    return list(page.evaluate("([x, y]) => [...window.segdemo.page.viewer.pixelAt(x, y)]", [x, y]))


def inner_pixel(labels: np.ndarray, index: int) -> tuple[int, int]:
    """A pixel of the class that lies as far as possible from its border."""
    import cv2

    distance = cv2.distanceTransform((labels == index).astype(np.uint8), cv2.DIST_L2, 3)
    row, column = np.unravel_index(distance.argmax(), distance.shape)
    return int(row), int(column)
