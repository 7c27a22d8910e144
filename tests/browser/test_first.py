"""The first seconds: a result before any network is loaded, and previews of what takes long."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from segdemo.checkpoints import EMBEDDED_ID, find
from segdemo.examples import offered
from segdemo.settings import Settings
from segdemo.ui import choices, page_config, preview, runs
from segdemo.ui.app import create_app, launch_options

from .harness import READY, STATE

pytestmark = pytest.mark.browser

VIEW = """() => { const {zoom, x, y} = window.segdemo.page.viewer.view();
  const {left, top, width, height} = document.querySelector(".sdv-photo").getBoundingClientRect();
  return [zoom, x, y, left, top, width, height].map((value) => Math.round(100 * value)); }"""
SHOWN = f"window.segdemo?.page && {STATE}('run')"


class Gate:
    """Holds a function's calls back until it is opened."""

    def __init__(self) -> None:
        self.open = threading.Event()

    def before(self, function: Any, *, calls: int = 0) -> Any:
        """The function, held back from its call number ``calls`` on (0 is the first)."""
        seen: list[None] = []

        def held(*arguments: Any, **options: Any) -> Any:
            seen.append(None)
            if len(seen) > calls:
                assert self.open.wait(120)
            return function(*arguments, **options)

        return held


@pytest.fixture
def gate() -> Iterator[Gate]:
    found = Gate()
    yield found
    found.open.set()


def opened(chromium: Browser, checkpoint: str | None = None, **options: Any) -> Iterator[Page]:
    app = create_app(checkpoint, warm_up=False)
    _, url, _ = app.launch(prevent_thread_lock=True, quiet=True, **launch_options())
    context = chromium.new_context(**options)
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(url)
    yield page
    context.close()
    app.close()
    assert errors == []


@pytest.fixture
def cold(chromium: Browser, gate: Gate, monkeypatch: pytest.MonkeyPatch) -> Iterator[Page]:
    """A page whose server loads its network only once the gate is opened."""
    monkeypatch.setattr(runs, "load", gate.before(choices.load))
    yield from opened(chromium, viewport={"width": 1440, "height": 900})


@pytest.fixture
def other(chromium: Browser, gate: Gate, monkeypatch: pytest.MonkeyPatch, tiny_ade_checkpoint: Path) -> Iterator[Page]:
    """The same with another checkpoint than the one whose result comes along."""
    monkeypatch.setattr(runs, "load", gate.before(choices.load))
    yield from opened(chromium, str(tiny_ade_checkpoint), viewport={"width": 1440, "height": 900})


@pytest.fixture
def bare(chromium: Browser, monkeypatch: pytest.MonkeyPatch) -> Iterator[Page]:
    """A page without a result that comes along, as where photograph, weights or version are others."""
    monkeypatch.setattr(page_config, "first_result", lambda: None)
    yield from opened(chromium, viewport={"width": 1440, "height": 900})


def test_a_result_is_there_before_the_network(cold: Page, gate: Gate) -> None:
    cold.wait_for_function(SHOWN)
    assert cold.evaluate(f"{STATE}('run').shipped")
    assert not cold.evaluate(f"{STATE}('busy')")
    assert cold.locator("#sd-panel-semantic .sd-legend-row").count() >= 3
    assert cold.locator(".sd-facts-text").inner_text() == "computed beforehand"
    assert "Ask why" in cold.locator(".sdv-message").inner_text()
    # The card of one pixel is there, with the masks of its queries.
    cold.wait_for_selector(".sd-pixel-class")
    card = cold.locator(".sd-pixel-body").inner_text()
    assert cold.locator(".sd-vote canvas").count() >= 1
    # Another pixel waits for the network, and says so.
    photo = cold.locator(".sdv-photo").bounding_box()
    assert photo is not None
    cold.mouse.click(photo["x"] + 0.1 * photo["width"], photo["y"] + 0.2 * photo["height"])
    cold.wait_for_selector(".sdv-progress:visible")
    assert cold.evaluate(f"{STATE}('run').shipped")
    gate.open.set()
    cold.wait_for_function(READY, timeout=60_000)
    cold.wait_for_function("(old) => document.querySelector('.sd-pixel-body').innerText !== old", arg=card)
    assert "sky" in cold.locator(".sd-pixel-class").first.inner_text()
    assert "·" in cold.locator(".sd-facts-text").inner_text()


@pytest.mark.slow
def test_it_says_whose_result_it_is_until_the_running_checkpoints_takes_its_place(other: Page, gate: Gate) -> None:
    other.wait_for_function(SHOWN)
    assert other.evaluate(f"{STATE}('run').shipped")
    words = other.locator(".sdv-message").inner_text()
    running = other.get_by_label("Checkpoint").locator("option:checked").inner_text()
    assert words == f"This is the result of {find(EMBEDDED_ID).title}; that of {running} follows."
    assert running != find(EMBEDDED_ID).title
    before = other.evaluate(f"{STATE}('run').queries.length")
    gate.open.set()
    other.wait_for_function(READY, timeout=60_000)
    assert "Ask why" in other.locator(".sdv-message").inner_text()
    assert other.evaluate(f"{STATE}('run').queries.length") != before


@pytest.mark.slow
def test_without_one_the_photo_is_computed_and_the_invitation_follows(bare: Page) -> None:
    bare.wait_for_function(READY, timeout=60_000)
    assert bare.evaluate(f"{STATE}('run').example") == offered()[0].id
    assert "Ask why" in bare.locator(".sdv-message").inner_text()


@pytest.mark.slow
def test_a_photo_of_ones_own_needs_not_wait_for_it(cold: Page, gate: Gate, cat: Path) -> None:
    cold.wait_for_function(SHOWN)
    cold.set_input_files("input[type=file]", str(cat))
    cold.wait_for_function(f"{STATE}('busy')")
    gate.open.set()
    cold.wait_for_function(f"{READY} && {STATE}('run').name === 'my-cat-1'", timeout=60_000)


@pytest.fixture
def slow(chromium: Browser, gate: Gate, monkeypatch: pytest.MonkeyPatch) -> Iterator[Page]:
    """A page whose server thinks every pass is long, and whose pass after a photo's preview is."""
    monkeypatch.setattr(preview, "settings", lambda: Settings(preview_seconds=0))
    monkeypatch.setattr(preview, "PAYS", 0)
    yield from opened(chromium, viewport={"width": 1440, "height": 900})


@pytest.mark.slow
def test_what_takes_long_shows_a_preview_first(
    slow: Page, gate: Gate, cat: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow.wait_for_function(READY, timeout=60_000)
    monkeypatch.setattr(runs, "predict", gate.before(runs.predict, calls=1))
    slow.set_input_files("input[type=file]", str(cat))
    slow.wait_for_function(f"{STATE}('run').preview", timeout=60_000)
    assert slow.locator(".sd-facts-text").inner_text() == "preview"
    assert slow.locator("#sd-panel-semantic .sd-legend-row").count() >= 1
    assert slow.evaluate(f"{STATE}('busy')")
    # The full result takes its place without a jump.
    slow.evaluate("window.segdemo.page.viewer.setView({ zoom: 2, x: 0.4, y: 0.45 })")
    seen = slow.evaluate(VIEW)
    gate.open.set()
    slow.wait_for_function(READY, timeout=60_000)
    assert slow.evaluate(VIEW) == seen
    assert slow.evaluate(f"[{STATE}('run').preview ?? false, {STATE}('run').name]") == [False, "my-cat-1"]
    assert "·" in slow.locator(".sd-facts-text").inner_text()


@pytest.mark.slow
def test_a_cancelled_run_takes_its_preview_back(
    slow: Page, gate: Gate, cat: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow.wait_for_function(READY, timeout=60_000)
    before = slow.evaluate(f"{STATE}('run').token")
    monkeypatch.setattr(runs, "predict", gate.before(runs.predict, calls=1))
    slow.set_input_files("input[type=file]", str(cat))
    slow.wait_for_function(f"{STATE}('run').preview", timeout=60_000)
    with slow.expect_response(lambda answer: '"cancel"' in (answer.request.post_data or "")):
        slow.click(".sd-facts .sd-cancel")
    gate.open.set()
    slow.wait_for_function(READY, timeout=60_000)
    assert slow.evaluate(f"{STATE}('run').token") == before
    assert "Cancelled" in slow.locator(".sdv-message").inner_text()
    slow.click("#sd-tab-panoptic")
    slow.wait_for_selector("#sd-panel-panoptic .sd-cell-button")
