"""A network that is told its task: a tiny OneFormer, and a run of it as the page makes one."""

from pathlib import Path

import pytest

from tests.networks import write_tiny_oneformer


@pytest.fixture(scope="session")
def told_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a tiny random OneFormer with 7 labels; short side 96 in its image processor."""
    return write_tiny_oneformer(tmp_path_factory.mktemp("told") / "tiny-oneformer")
