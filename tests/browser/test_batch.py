"""The Batch tab in headless Chromium: photos and a ZIP, a broken one among them, the gallery, and the ZIP of all."""

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page

from segdemo.images import decode_png_index, load_image
from segdemo.model.predictor import load_predictor
from segdemo.segmentation import semantic

from .harness import STATE

pytestmark = [pytest.mark.browser, pytest.mark.slow]

INPUT = "#sd-panel-batch input[type=file]"
HELD = ".sd-batch-drop [role=status]"


def _file(name: str, content: bytes) -> Any:
    return {"name": name, "mimeType": "application/octet-stream", "buffer": content}


def _jpeg(pixels: np.ndarray) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", quality=92)
    return stream.getvalue()


def test_a_batch_from_photos_to_the_zip_of_results(page: Page, cat: Path, tmp_path: Path) -> None:
    photo = load_image(cat)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("some/folder/tall.jpg", _jpeg(np.ascontiguousarray(photo[:, :160])))
        archive.writestr("some/readme.txt", "not a photo")
    page.click("#sd-tab-batch")
    assert page.get_by_role("button", name="Start", exact=True).is_disabled()

    nested = io.BytesIO()
    with zipfile.ZipFile(nested, "w") as archive:
        archive.writestr("inner.zip", packed.getvalue())
    page.set_input_files(INPUT, _file("nested.zip", nested.getvalue()))
    page.wait_for_selector("#sd-panel-batch [role=alert]:has-text('another archive')")

    page.set_input_files(INPUT, [_file("cat.jpg", cat.read_bytes()), _file("broken.jpg", b"\xff\xd8 no more")])
    page.wait_for_selector(f"{HELD}:text-is('2 photos')")
    assert page.locator("#sd-panel-batch [role=alert]").is_hidden()
    page.set_input_files(INPUT, _file("more.zip", packed.getvalue()))
    page.wait_for_selector(f"{HELD}:text-is('3 photos')")
    page.get_by_role("button", name="Start", exact=True).click()
    page.wait_for_selector(".sd-batch-summary:text-is('2 photos done, 1 not.')", timeout=120_000)
    assert "broken.jpg The picture is damaged" in page.inner_text(".sd-batch-failures")
    assert page.locator(".sd-batch-item").count() == 2

    with page.expect_download() as download:
        page.get_by_role("button", name="Download all (ZIP)").click()
    download.value.save_as(tmp_path / "all.zip")
    with zipfile.ZipFile(tmp_path / "all.zip") as archive:
        assert set(archive.namelist()) == {
            *(f"{name}.{end}" for name in ("cat", "tall") for end in ("semantic.png", "overlay.jpg")),
            *("results.csv", "failures.csv", "manifest.json"),
        }
        labels = decode_png_index(archive.read("cat.semantic.png"))
    expected = semantic(load_predictor()(photo)).labels
    assert (labels == expected).mean() > 0.9999

    page.get_by_role("button", name="Open tall.jpg").click()
    page.wait_for_function(
        f"{STATE}('run').fileName === 'tall.jpg' && !{STATE}('busy') && {STATE}('tab') === 'semantic'", timeout=60_000
    )
    page.click("#sd-tab-batch")
    assert page.locator(".sd-batch-item").count() == 2
    page.get_by_role("button", name="Remove all").click()
    page.wait_for_selector(f"{HELD}:has-text('Up to 200 photos')")
    assert page.locator(".sd-batch-item").count() == 0
