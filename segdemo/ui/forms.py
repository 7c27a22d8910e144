"""In what forms a caller may send a file: as an uploaded one, by its path or Gradio's data of it, or in base64."""

import base64
import binascii
import os
from pathlib import Path
from typing import Any

from gradio.utils import get_upload_folder

from segdemo.errors import SegdemoError
from segdemo.results.job import Job
from segdemo.settings import settings
from segdemo.ui.server.decoding import photo_budget
from segdemo.ui.server.fetching import fetched

HOW = "upload it to /gradio_api/upload and send the path that comes back, or send it as a data URL in base64."


WORDS = {"image": "photo", "labels": "label file", "table": "second label file"}
"""What the files of calls are, by the names of the options."""


def sent_file(value: Any, option: str, job: Job) -> bytes:
    """The bytes of a file that a caller sent as an ``option``, one of ``WORDS``, now or as a file before.

    ``value`` is a path or a ``data:`` URL, Gradio's ``FileData`` with one of these as its ``path`` or ``url``, or a
    list of one such. No file is read but those that callers uploaded, and nothing is fetched from an ``http:`` address
    unless the host allows it (``allow_urls``). Raises ``SegdemoError``, also where the ``job`` is over.
    """
    what = WORDS[option]
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, dict):
        value = value.get("path") or value.get("url")
    if not is_sent(value):
        raise SegdemoError(f"There is no {what}: send one as `{option}`; {HOW}")
    if not isinstance(value, str):
        raise SegdemoError(f"{option} is not one {what}: {HOW}")
    if value.startswith("data:"):
        return _in_base64(value, what)
    if value.lower().startswith(("http:", "https:")):
        if not settings().allow_urls:
            raise SegdemoError(f"This server fetches nothing from other hosts: {HOW}")
        return fetched(value, what, share=photo_budget().share_of(job.client), check=job.check)
    return _uploaded(value, what)


def is_sent(value: Any) -> bool:
    """Whether there is anything in an option that takes a file."""
    return value is not None and value not in ("", {}, [])


def own_name(value: Any) -> str:
    """The name that a file had where it came from, as Gradio's data of it tells; empty where nothing does."""
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    name = value.get("orig_name") if isinstance(value, dict) else None
    return name[:200] if isinstance(name, str) else ""


def _in_base64(url: str, what: str) -> bytes:
    """The content of a ``data:`` URL (RFC 2397)."""
    head, comma, content = url.partition(",")
    if not comma or not head.endswith(";base64"):
        raise SegdemoError(f"The {what}'s data URL is not in base64: begin it with `data:image/jpeg;base64,`.")
    try:
        return base64.b64decode(content, validate=True)
    except (binascii.Error, ValueError):
        raise SegdemoError(f"The {what}'s data URL cannot be read: its base64 is damaged or cut off.") from None


def _uploaded(text: str, what: str) -> bytes:
    folder = Path(os.path.realpath(get_upload_folder()))
    try:
        path = Path(os.path.realpath(text))
        if path.is_relative_to(folder) and path.is_file():
            with path.open("rb") as stream:
                # One byte more than is allowed, for the reader to say so.
                return stream.read(settings().max_file_bytes + 1)
    except (OSError, ValueError):
        pass
    raise SegdemoError(f"The {what} is not a file that was uploaded here: {HOW}")
