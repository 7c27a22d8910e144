"""The page's own rules for browsers: it works under them without a complaint, and nothing gets out."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from .harness import READY


@pytest.mark.slow
def test_the_page_works_under_its_policy(chromium: Browser, address: str, cat: Path) -> None:
    context = chromium.new_context()
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    answer = page.goto(address)
    assert answer is not None
    assert "default-src 'self'" in answer.headers["content-security-policy"]
    page.wait_for_function(READY, timeout=60_000)
    page.set_input_files("input[type=file]", str(cat))
    page.wait_for_function(f"{READY} && window.segdemo.page.state.get('run').name === 'my-cat-1'", timeout=60_000)
    assert complaints == []
    context.close()


def test_scripts_in_it_reach_no_other_host(chromium: Browser, address: str) -> None:
    context = chromium.new_context()
    page = context.new_page()
    page.goto(address)
    blocked = page.evaluate(
        """async () => {
          const blocked = [];
          document.addEventListener("securitypolicyviolation", (event) => blocked.push(event.effectiveDirective));
          await fetch("http://127.0.0.1:9/").catch(() => null);
          const image = new Image();
          await new Promise((done) => { image.onerror = image.onload = done; image.src = "http://127.0.0.1:9/x.png"; });
          const script = document.createElement("script");
          script.src = "http://127.0.0.1:9/x.js";
          await new Promise((done) => { script.onerror = done; document.body.append(script); });
          return blocked;
        }"""
    )
    assert set(blocked) == {"connect-src", "img-src", "script-src-elem"}
    context.close()
