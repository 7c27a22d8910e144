"""Fetching checkpoints from the hub into its local cache, where that was asked for."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from segdemo import checkpoints
from segdemo.errors import SegdemoError
from segdemo.settings import settings
from segdemo.weight_files import PICKLED_PATTERNS, SAFE_PATTERNS


def download(name: str, progress: Callable[[float], None] | None = None) -> Path:
    """Fetch a hub checkpoint into the local cache and return its folder; weights and JSON files only.

    The weights are safetensors; pickles where the repository has nothing else. ``progress`` is called with the share of
    bytes done, 0..1. Raises ``SegdemoError`` where downloads are not allowed (``SEGDEMO_ALLOW_DOWNLOAD``), the hub
    cannot be reached, or it does not have the checkpoint.
    """
    if not checkpoints.is_hub_id(name):
        raise SegdemoError(f"{name!r} is not a hub id such as {checkpoints.SEED_ID}.")
    if not settings().allow_download:
        raise SegdemoError(f"This server does not download checkpoints: set SEGDEMO_ALLOW_DOWNLOAD=1 to fetch {name}.")
    from huggingface_hub import HfApi, snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, RepositoryNotFoundError

    try:
        files = HfApi().list_repo_files(name)
        safe = bool({"model.safetensors", "model.safetensors.index.json"} & set(files))
        patterns = [*checkpoints.CONFIG_FILES, *(SAFE_PATTERNS if safe else PICKLED_PATTERNS)]
        folder = Path(snapshot_download(name, allow_patterns=patterns, tqdm_class=_meter(progress)))
    except RepositoryNotFoundError:
        raise SegdemoError(f"The hub has no public checkpoint {name}: check the spelling.") from None
    except (OSError, HfHubHTTPError) as error:
        raise SegdemoError(
            f"{name} could not be fetched ({type(error).__name__}): check the network and try again."
        ) from error
    if progress is not None:
        progress(1.0)
    checkpoints.check_folder(folder, name)
    return folder


def _meter(progress: Callable[[float], None] | None) -> type[Any]:
    """Return a progress bar class that draws nothing and passes the share of bytes on."""
    from huggingface_hub.utils.tqdm import tqdm

    class Meter(tqdm):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            kwargs["disable"] = True
            self._bytes = kwargs.get("unit") == "B"
            self._seen = 0.0
            super().__init__(*args, **kwargs)

        def update(self, n: float | None = 1) -> bool | None:
            self._seen += n or 0
            if progress is not None and self._bytes and self.total:
                progress(min(1.0, self._seen / self.total))
            return None

    return Meter
