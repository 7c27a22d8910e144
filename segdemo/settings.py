"""Every limit, default threshold and environment variable, in one place (prefix ``SEGDEMO_``)."""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict
from pydantic_settings.exceptions import SettingsError

from segdemo.errors import HostError

Precision = Literal["auto", "fp32", "bf16", "int8"]
"""Numbers that a network computes in: ``int8`` runs in PyTorch on the processor, ``auto`` is what suits the device."""


def _assets() -> Path:
    package = Path(__file__).resolve().parent
    installed = package / "assets"
    return installed if installed.is_dir() else package.parent / "assets"


ASSETS = _assets()
"""Folder of the examples and the embedded checkpoint: in an installed package, or beside it in a checkout."""

SCORE_THRESHOLD = 0.8
"""Least probability of the class of a query that becomes a segment."""
MASK_THRESHOLD = 0.5
"""Least mask probability of a pixel that belongs to a segment."""
OVERLAP_THRESHOLD = 0.8
"""Least share of its own mask that a segment must win."""

SUSPECT_SURE = 0.9
"""Least probability of the class that the network gives a pixel whose label is doubted."""
SUSPECT_IMPROBABLE = 0.05
"""Largest probability that it gives the label's class there."""
SUSPECT_AREA = 0.0005
"""Least area of a doubted region, as a share of the picture."""


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

    labels_equal_fp32: float = Field(0.9999, ge=0, le=1)
    """Share of labels that an exported or converted network must have in common with the original, in the mean over
    photographs: in float32,"""
    labels_equal_fp16: float = Field(0.995, ge=0, le=1)
    """in float16,"""
    labels_equal_bf16: float = Field(0.98, ge=0, le=1)
    """in bfloat16,"""
    labels_equal_int8: float = Field(0.98, ge=0, le=1)
    """and in 8 bits."""

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
    queue_size: int = Field(40, gt=0)
    """How many pieces of work may wait; of the client with most in line the last is turned away."""
    result_deadline: float = Field(20, gt=0)
    """Longest time the server works on one result of a prediction, such as a refined map and its files, in seconds."""
    run_deadline: float = Field(300, gt=0)
    """Longest time the server works on one photo, network included, in seconds."""

    batch_photos: int = Field(200, gt=0)
    """Most photos in one batch of the page."""
    batch_bytes: int = Field(100_000_000, gt=0)
    """Most bytes of a batch's photos, and of a ZIP with them; ``visitor_bytes`` bounds them with the results."""
    batch_deadline: float = Field(7200, gt=0)
    """Longest time the server works on one batch, in seconds; waiting for others counts."""
    client_batches: int = Field(4, gt=0)
    """How many batches one client may have at once."""

    preview_seconds: float = Field(2, ge=0)
    """A pass that will take longer than this shows a preview at low resolution first; ``inf`` for never."""

    decode_places: int = Field(2, gt=0)
    """How many photographs the page decodes at once, each in a process of its own."""
    decode_seconds: float = Field(20, gt=0)
    """Longest time a processor may work on decoding one photograph, in seconds; its process is ended then."""
    decode_bytes: int = Field(2_000_000_000, gt=0)
    """Address space of a process that decodes, in bytes, where the system can limit it."""
    photo_bytes: int = Field(500_000_000, gt=0)
    """Memory for what has been sent and waits to be decoded, in bytes; one client gets a quarter of it at most."""

    allow_urls: bool = False
    """Whether the server may fetch a photo that a program names by its address, from public addresses alone."""
    url_seconds: float = Field(15, gt=0)
    """Longest time that fetching one may take, in seconds."""

    json_bytes: int = Field(65_536, gt=0)
    """Largest JSON body of a request, in bytes; a picture in it as base64 comes on top where a route takes one."""
    session_length: int = Field(64, gt=0)
    """Longest name a session may have, in characters."""
    requests_per_minute: int = Field(600, gt=0)
    """How many requests one client may make in a minute; of the page's own scripts and styles ten times as many."""
    silent_seconds: float = Field(30, gt=0)
    """How long a connection may say nothing while it is its turn to speak, or take nothing of an answer, in seconds."""
    body_seconds: float = Field(300, gt=0)
    """Longest time in which a request's body must have come, in seconds."""
    client_connections: int = Field(100, gt=0)
    """How many connections one client may hold open, and how many requests may be under way, at once."""
    trusted_proxies: int | None = Field(None, ge=0)
    """How many proxies of the host's own stand before the server: so many entries of ``X-Forwarded-For``, from the
    right, are believed. None means one on a Hugging Face Space, and none elsewhere."""
    allowed_origins: list[str] = Field(default_factory=list)
    """Origins of other sites whose scripts may use the server, such as ``https://example.org``, as a JSON list."""
    frame_ancestors: list[str] = Field(default_factory=lambda: ["'self'", "https://huggingface.co"])
    """Sites that may show the page in a frame, as a JSON list of Content Security Policy sources."""

    temp_dir: Path | None = None
    """Where the server makes its private folder of temporary files; none means the system's place for them."""
    temp_seconds: float = Field(1800, gt=0)
    """How long a file stays in that folder, in seconds."""
    temp_bytes: int = Field(2_000_000_000, gt=0)
    """Disk for that folder, in bytes."""
    visitor_bytes: int = Field(400_000_000, gt=0)
    """Disk in that folder for one client, in bytes; a file counts as 64 kB at least."""


@cache
def settings() -> Settings:
    """The settings of this process, read from the environment once.

    Raises ``HostError`` with a sentence that names the variable where one cannot be used.
    """
    try:
        return Settings()
    except ValidationError as error:
        raise HostError(" ".join(_sentence(problem) for problem in error.errors())) from None
    except SettingsError as error:
        raise HostError(f"{_unreadable(error)} cannot be read: it is to be JSON, such as {_EXAMPLE}.") from None


_EXAMPLE = '["one", "two"]'


def _sentence(problem: Mapping[str, Any]) -> str:
    """What is wrong with one variable, from pydantic's description of it."""
    field, *inside = problem["loc"]
    place = f" (entry {inside[0] + 1})" if inside and isinstance(inside[0], int) else ""
    return (
        f"SEGDEMO_{str(field).upper()}{place} cannot be {str(problem['input'])[:80]!r}: "
        f"{problem['msg'][0].lower()}{problem['msg'][1:]}."
    )


def _unreadable(error: SettingsError) -> str:
    """The variable that pydantic's message names: ``error parsing value for field "name" from source ...``."""
    named = re.search(r'field "(\w+)"', str(error))
    return f"SEGDEMO_{named[1].upper()}" if named else "A variable SEGDEMO_..."
