"""Asking the hub for files: in parts that are kept, in bounded time, by size and hash, and in words for what fails."""

import hashlib
import importlib
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from segdemo.checkpoint_files import POINTER
from segdemo.errors import SegdemoError, first_line

logger = logging.getLogger(__name__)

_CHUNK = 1 << 20
_TRIES = 4
"""How often a connection may end without a byte more than before."""
_PAUSE = 0.5
"""Seconds before the second try; twice as long before each further one."""
_SLOW = (60.0, 60_000)
"""Seconds in which at least so many bytes must come."""


@dataclass(frozen=True)
class HubFile:
    """A file of a repository as the hub describes it."""

    path: str
    size: int
    digest: str
    """SHA-256 of what is kept with LFS, else Git's own hash of the content; the hub's entity tag."""
    lfs: bool


class _InterruptedError(Exception):
    """The connection ended or stalled: another try may go on from there."""


def listed(name: str) -> tuple[str, list[HubFile]]:
    """The newest revision of a model on the hub, and its files; raises ``SegdemoError`` that says what went wrong."""
    from huggingface_hub import HfApi, constants

    with _in_words(name):
        found = HfApi(endpoint=constants.ENDPOINT).model_info(name, files_metadata=True, timeout=_timeout())
        files = [
            HubFile(entry.rfilename, int(entry.lfs.size), entry.lfs.sha256, True)
            if entry.lfs is not None
            else HubFile(entry.rfilename, int(entry.size or 0), str(entry.blob_id), False)
            for entry in found.siblings or ()
        ]
        revision = str(found.sha)
        if not all(file.digest.isalnum() and len(file.digest) in (40, 64) for file in files) or not revision.isalnum():
            raise ValueError("a hash that is none")
    return revision, files


def matches(content: Path, file: HubFile) -> bool:
    """Whether a file on disk has the hash that the hub names."""
    digest = hashlib.sha256() if len(file.digest) == 64 else hashlib.sha1(f"blob {file.size}\0".encode())
    with content.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest() == file.digest


class Transfer:
    """The files of one revision on their way here."""

    def __init__(self, name: str, revision: str, total: int, progress: Callable[[float], None] | None) -> None:
        self._name, self._revision, self._total, self._progress = name, revision, max(1, total), progress
        self._done = 0

    def advance(self, count: int) -> None:
        """Count bytes that are here; fewer than none for those that were thrown away."""
        self._done += count
        if self._progress is not None and count > 0:
            self._progress(min(1.0, self._done / self._total))

    def fetch(self, file: HubFile, target: Path) -> None:
        """Fetch a file to ``target``, from where an earlier try was cut; raises ``SegdemoError`` or ``OSError``."""
        part = target.with_name(f"{target.name}.incomplete")
        for last in (False, True):
            self._complete(file, part)
            if matches(part, file):
                part.replace(target)
                return
            # What an earlier process left may be to blame: once more, from the start.
            pointer = part.read_bytes()[: len(POINTER)] == POINTER
            part.unlink()
            self.advance(-file.size)
            if pointer:
                raise SegdemoError(self._pointer(file))
            if last:
                raise SegdemoError(
                    f"{self._name}: what came as {file.path} has the right length but other bytes than the hub names "
                    "by their hash: nothing of it is kept; try again later, or over another network."
                )

    def _complete(self, file: HubFile, part: Path) -> None:
        """Fetch until a file has all its bytes."""
        part.touch()
        if part.stat().st_size > file.size:
            part.unlink()
            part.touch()
        furthest = part.stat().st_size
        self.advance(furthest)
        tries = 0
        while (have := part.stat().st_size) < file.size:
            if tries:
                time.sleep(_PAUSE * 2 ** (tries - 1))
            try:
                with _in_words(self._name):
                    self._stream(file, part, have)
            except _InterruptedError as error:
                logger.info("%s of %s was interrupted (%s)", file.path, self._name, error)
                now = part.stat().st_size
                tries = 0 if now > furthest else tries + 1
                furthest = max(furthest, now)
                if tries == _TRIES:
                    raise SegdemoError(
                        f"{self._name} could not be fetched: the connection was cut or stood still {_TRIES} times in "
                        f"{file.path} ({error}). "
                        f"{now} of {file.size} bytes are kept, and the next start goes on there; "
                        "check the network."
                    ) from error

    def _stream(self, file: HubFile, part: Path, have: int) -> None:
        from huggingface_hub import constants, get_session, hf_raise_for_status
        from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]

        session = get_session()
        headers = {**build_hf_headers(), "Accept-Encoding": "identity"}
        if have:
            headers["Range"] = f"bytes={have}-"
        url = f"{constants.ENDPOINT}/{self._name}/resolve/{self._revision}/{quote(file.path)}"
        broken = _transport_errors(session)
        try:
            with session.stream("GET", url, headers=headers, timeout=_timeout(), follow_redirects=True) as response:
                if response.status_code >= 400:
                    response.read()
                hf_raise_for_status(response)
                start = have if response.status_code == 206 else 0
                self._check_answer(response, file, start)
                if start < have:
                    self.advance(start - have)
                with part.open("r+b") as out:
                    out.truncate(start)
                    out.seek(start)
                    self._copy(response.iter_bytes(), out, file.size - start, file)
        except broken as error:
            raise _InterruptedError(type(error).__name__) from error

    def _check_answer(self, response: Any, file: HubFile, start: int) -> None:
        """Raise ``SegdemoError`` where the answer is not the file, as far as its head tells."""
        length = response.headers.get("Content-Length")
        packed = response.headers.get("Content-Encoding", "identity") != "identity"
        if packed or length is None or not length.isdigit() or int(length) == file.size - start:
            return
        kind = response.headers.get("Content-Type", "").partition(";")[0]
        if "html" in kind:
            raise SegdemoError(_portal(self._name))
        if int(length) < 1024 and response.read().startswith(POINTER):
            raise SegdemoError(self._pointer(file))
        raise SegdemoError(
            f"{self._name}: the hub announces {file.size - start} bytes for {file.path} and sends {length}: "
            "nothing of it is kept; try again later."
        )

    def _pointer(self, file: HubFile) -> str:
        return (
            f"{self._name}: in place of {file.path} the hub has only a pointer of Git LFS, not the file itself: tell "
            "whoever published it, or choose another checkpoint."
        )

    def _copy(self, chunks: Iterator[bytes], out: Any, wanted: int, file: HubFile) -> None:
        began, received, total = time.monotonic(), 0, 0
        for chunk in chunks:
            total += len(chunk)
            if total > wanted:
                raise SegdemoError(f"{self._name}: more came as {file.path} than the hub announces; try again later.")
            out.write(chunk)
            out.flush()
            self.advance(len(chunk))
            received += len(chunk)
            seconds, least = _SLOW
            if time.monotonic() - began > seconds:
                if received < least:
                    raise _InterruptedError("hardly anything came for a minute")
                began, received = time.monotonic(), 0
        if total < wanted:
            raise _InterruptedError("it ended early")


@contextmanager
def _in_words(name: str) -> Iterator[None]:
    """Turn what the hub's client raises into a sentence that says which failure it was."""
    from huggingface_hub import get_session
    from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, OfflineModeIsEnabled

    try:
        yield
    except (SegdemoError, _InterruptedError):
        raise
    except GatedRepoError as error:
        raise SegdemoError(
            f"{name} is gated: accept its terms on its page on the hub, then log in with `hf auth login` or set "
            "HF_TOKEN."
        ) from error
    except HfHubHTTPError as error:
        raise SegdemoError(_status(name, error)) from error
    except OfflineModeIsEnabled as error:
        raise SegdemoError(
            f"{name} could not be fetched: HF_HUB_OFFLINE is set; unset it, or check the network."
        ) from error
    except _transport_errors(get_session()) as error:
        raise SegdemoError(
            f"{name} could not be fetched, the hub cannot be reached ({first_line(error)[:150]}): check the network "
            "and try again."
        ) from error
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        # The hub answers in JSON of a known form.
        raise SegdemoError(_portal(name)) from error


def _status(name: str, error: Any) -> str:
    """A sentence on an answer that is an error, by its number."""
    status = error.response.status_code
    if status == 401:
        return (
            f"{name} is not shown without a login (401): it is gated or private, or there is none; log in with "
            "`hf auth login` or set HF_TOKEN, and check the spelling."
        )
    if status == 403:
        return f"{name} may not be fetched with this login (403): ask for access on its page on the hub."
    if status == 404:
        return f"The hub has no public checkpoint {name}, or not all of it (404): check the spelling."
    if status == 429:
        wait = error.response.headers.get("Retry-After", "")
        when = f"in {wait} seconds" if wait.isdigit() else "later"
        return f"{name} could not be fetched: the hub has had too many requests from here (429); try again {when}."
    if status >= 500:
        return f"{name} could not be fetched: the hub has a fault of its own ({status}); try again later."
    return f"{name} could not be fetched: the hub answered {status}; try again later."


def _portal(name: str) -> str:
    return (
        f"{name} could not be fetched: something between here and the hub answers in its place, such as a network's "
        "sign-in page; open a page in the browser, sign in, and try again."
    )


def _transport_errors(session: Any) -> tuple[type[Exception], ...]:
    """What the hub's client raises for broken connections: it has changed the library that makes them."""
    library = importlib.import_module(type(session).__mro__[-2].__module__.partition(".")[0])
    return (library.TransportError,)


def _timeout() -> float:
    """Seconds in which the hub must say something, as its client has it."""
    from huggingface_hub import constants

    return float(constants.HF_HUB_DOWNLOAD_TIMEOUT)
