"""Every limit, default threshold and environment variable, in one place (prefix ``SEGDEMO_``)."""

from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

Precision = Literal["auto", "fp32", "bf16", "int8"]
"""Numbers that a network computes in: ``int8`` runs in PyTorch on the processor, ``auto`` is what suits the device."""

SCORE_THRESHOLD = 0.8
"""Least probability of a query's class for a segment."""
MASK_THRESHOLD = 0.5
"""Least mask probability of a pixel that belongs to a segment."""
OVERLAP_THRESHOLD = 0.8
"""Least share of its own mask that a segment must win."""


def _assets() -> Path:
    package = Path(__file__).resolve().parent
    installed = package / "assets"
    return installed if installed.is_dir() else package.parent / "assets"


ASSETS = _assets()
"""Folder of the examples and the embedded checkpoint: in an installed package, or beside it in a checkout."""


def _default_cache() -> Path:
    return Path.home() / ".cache" / "segdemo"


class Settings(BaseSettings):
    """What a host can change without touching code; each field is ``SEGDEMO_<NAME>`` in the environment."""

    model_config = SettingsConfigDict(env_prefix="SEGDEMO_", frozen=True)

    checkpoint: str | None = None
    """Hub id or folder to run; none means the seed checkpoint where it is on disk, else the embedded one."""
    allow_download: bool = False
    """Whether the server may fetch missing weights from the hub."""
    extra_checkpoints: list[str] = Field(default_factory=list)
    """Further hub ids or folders that visitors may choose, as a JSON list."""
    cache_dir: Path = Field(default_factory=_default_cache)
    """Where converted engines and converted weights are kept."""
    precision: Precision = "auto"
    """What ``auto`` stands for where no precision is asked for, as long as it can be had."""

    max_pixels: int = Field(40_000_000, gt=0)
    """Largest photograph, in pixels, checked before decoding."""
    max_file_bytes: int = Field(20_000_000, gt=0)
    """Largest file, in bytes."""
    max_scans: int = Field(100, gt=0)
    """Most scans of a progressive JPEG: each is a pass over all its pixels, in a few bytes."""
    viewer_pixels: int = Field(2_000_000, gt=0)
    """Largest picture the browser gets, in pixels."""

    store_bytes: int = Field(2_000_000_000, gt=0)
    """Memory for visitors' photographs and predictions, in bytes; the least recently used go first."""
    store_seconds: float = Field(1800, gt=0)
    """How long a photograph is kept after its last use, in seconds."""
    queue_size: int = Field(20, gt=0)
    """How many visitors may wait for the model."""
    crf_deadline: float = Field(20, gt=0)
    """Longest time one refinement may take on the page, in seconds."""


@cache
def settings() -> Settings:
    """The settings of this process, read from the environment once."""
    return Settings()
