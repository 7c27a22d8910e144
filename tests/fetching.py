"""A hub on this machine that tests fetch from, and an empty place for what they fetch."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.hub import LocalHub


@pytest.fixture
def download_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    from segdemo import downloads
    from segdemo.settings import Settings

    monkeypatch.setattr(downloads, "settings", lambda: Settings(allow_download=True))


@pytest.fixture
def serve_hub() -> Iterator[Callable[[Path], LocalHub]]:
    """Return a function that serves a folder as any repository of the hub."""
    hubs: list[LocalHub] = []

    def start(folder: Path) -> LocalHub:
        hubs.append(LocalHub(folder))
        return hubs[-1]

    yield start
    for hub in hubs:
        hub.close()


@pytest.fixture
def hub_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty place for the hub's cache."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "hub"


@pytest.fixture
def hub(
    serve_hub: Callable[[Path], LocalHub],
    hub_cache: Path,
    download_allowed: None,
    tiny_checkpoint: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> LocalHub:
    """A hub that this process asks, without patience."""
    from huggingface_hub import constants

    from segdemo import transfer

    del hub_cache, download_allowed
    found = serve_hub(tiny_checkpoint)
    monkeypatch.setattr(constants, "ENDPOINT", found.address)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_DOWNLOAD_TIMEOUT", 0.5)
    monkeypatch.setattr(transfer, "_PAUSE", 0.01)
    return found
