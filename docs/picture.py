"""Takes the README's picture of the page: ``python docs/picture.py`` writes ``docs/page.png``."""

import shutil
from pathlib import Path

from playwright.sync_api import sync_playwright

from segdemo.ui.app import create_app, launch_options

STATE = "window.segdemo.page.state.get"
READY = f"window.segdemo?.page && {STATE}('run') && !{STATE}('run').shipped && !{STATE}('busy')"


def main() -> None:
    """Serve the page, open its first example, pick a pixel and write what is to be seen."""
    app = create_app(warm_up=False)
    _, url, _ = app.launch(prevent_thread_lock=True, quiet=True, **launch_options())
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1440, "height": 900}, color_scheme="light")
        page.goto(url)
        page.wait_for_function(READY, timeout=120_000)
        photo = page.locator(".sdv-photo").bounding_box()
        assert photo is not None
        page.mouse.click(photo["x"] + 0.55 * photo["width"], photo["y"] + 0.75 * photo["height"])
        page.wait_for_function("document.querySelector('.sd-pixel-body')?.innerText.includes('Pixel')")
        page.wait_for_selector(".sdv-progress", state="hidden")
        page.screenshot(path=str(Path(__file__).parent / "page.png"))
        browser.close()
    app.close()


if __name__ == "__main__":
    main()
