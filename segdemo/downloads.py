"""Fetching checkpoints from the hub into its local cache, where that was asked for.

The files are laid out as the hub's own client does, so that every program finds them there. They are fetched here, in
parts that outlive the process, and none counts before its size and its hash are those that the hub names: by then a
cut connection, a sign-in page or a proxy's mistake has shown itself.
"""

import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from segdemo import checkpoints
from segdemo.errors import SegdemoError
from segdemo.locks import FileLock
from segdemo.settings import settings
from segdemo.transfer import HubFile, Transfer, listed, matches
from segdemo.weight_files import PICKLED_PATTERNS, SAFE_PATTERNS

_REVISION = "main"


def download(name: str, progress: Callable[[float], None] | None = None) -> Path:
    """Fetch a hub checkpoint into the local cache and return its folder; weights, configuration, tokenizer only.

    The weights are safetensors; pickles where the repository has nothing else. ``progress`` is called with the share of
    bytes that are here, 0..1, which starts with what an earlier try has left. Raises ``SegdemoError`` where downloads
    are not allowed (``SEGDEMO_ALLOW_DOWNLOAD``), with a sentence on what went wrong with the hub or on the way to it,
    and where the files cannot be kept.
    """
    if not checkpoints.is_hub_id(name):
        raise SegdemoError(f"{name!r} is not a hub id such as {checkpoints.SEED_ID}.")
    if not settings().allow_download:
        raise SegdemoError(f"This server does not download checkpoints: set SEGDEMO_ALLOW_DOWNLOAD=1 to fetch {name}.")
    revision, files = listed(name)
    wanted = _wanted(name, files)
    place = _Place.of(name)
    transfer = Transfer(name, revision, sum(file.size for file in wanted), progress)
    try:
        place.make(revision)
        with FileLock(place.lock).held():
            for file in wanted:
                blob = place.blobs / file.digest
                if not (blob.is_file() and blob.stat().st_size == file.size and matches(blob, file)):
                    transfer.fetch(file, blob)
                else:
                    transfer.advance(file.size)
                place.link(revision, file)
            place.name(revision)
    except OSError as error:
        raise SegdemoError(
            f"{name} cannot be kept in {place.root.parent} ({error.strerror or error}): free space there, or set "
            "HF_HOME to a folder that can be written."
        ) from error
    if progress is not None:
        progress(1.0)
    folder = place.snapshot(revision)
    checkpoints.check_folder(folder, name)
    return folder


def _wanted(name: str, files: list[HubFile]) -> list[HubFile]:
    """What to fetch of a repository, the small files first."""
    safe = bool({"model.safetensors", "model.safetensors.index.json"} & {file.path for file in files})
    patterns = [*checkpoints.CONFIG_FILES, *checkpoints.TOKENIZER_FILES, *(SAFE_PATTERNS if safe else PICKLED_PATTERNS)]
    wanted = [
        file for file in files if any(fnmatch(file.path, pattern) for pattern in patterns) and "/" not in file.path
    ]
    if not any(file.path == "config.json" for file in wanted):
        raise SegdemoError(f"{name} on the hub holds no config.json: it is no checkpoint in from_pretrained form.")
    return sorted(wanted, key=lambda file: file.size)


@dataclass(frozen=True)
class _Place:
    """A repository in the hub's cache: contents by their hash, snapshots of links to them, names of revisions."""

    root: Path
    lock: Path

    @classmethod
    def of(cls, name: str) -> "_Place":
        from huggingface_hub import constants
        from huggingface_hub.file_download import repo_folder_name

        cache, folder = Path(constants.HF_HUB_CACHE), repo_folder_name(repo_id=name, repo_type="model")
        return cls(cache / folder, cache / ".locks" / folder / "segdemo.lock")

    @property
    def blobs(self) -> Path:
        return self.root / "blobs"

    def snapshot(self, revision: str) -> Path:
        return self.root / "snapshots" / revision

    def make(self, revision: str) -> None:
        for folder in (self.blobs, self.snapshot(revision), self.root / "refs", self.lock.parent):
            folder.mkdir(parents=True, exist_ok=True)

    def link(self, revision: str, file: HubFile) -> None:
        """Put a file's name into a snapshot: a link where the system has them, else a copy."""
        link = self.snapshot(revision) / file.path
        blob = self.blobs / file.digest
        if link.is_symlink() and os.path.realpath(link) == os.path.realpath(blob):
            return
        with suppress(FileNotFoundError):
            link.unlink()
        try:
            link.symlink_to(Path("..") / ".." / "blobs" / file.digest)
        except OSError:
            shutil.copyfile(blob, link)

    def name(self, revision: str) -> None:
        """Say that this revision is the newest, once it is whole."""
        (self.root / "refs" / _REVISION).write_text(revision)
