"""Looks through a body that has come whole: is it what its route takes, with names of a bearable length?"""

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from segdemo.settings import settings
from segdemo.ui.server.refusals import RefusedError

DEPTH = 40
"""So deep may JSON be nested."""
_BASE64 = re.compile(rb'"[A-Za-z0-9+/=:;,._ -]{1000,}"')
_NAMES = ("session_hash", "event_id")
_NAME = re.compile(r"[\w-]*")


def check_json(body: bytes) -> dict[str, Any]:
    """The object that a body is. Raises ``RefusedError``."""
    if len(body) > settings().json_bytes and len(_BASE64.sub(b"", body)) > settings().json_bytes:
        raise RefusedError(413, f"The JSON of a request, pictures aside, may have {settings().json_bytes / 1024:g} kB.")
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        raise RefusedError(400, "The body is not JSON that can be read.") from None
    if not isinstance(found, dict):
        raise RefusedError(400, "The body is to be a JSON object.")
    if _depth(found) > DEPTH:
        raise RefusedError(400, f"The JSON is nested more than {DEPTH} deep.")
    for name in _NAMES:
        check_name(found.get(name), name)
    return found


def check_name(value: Any, what: str = "session_hash") -> None:
    """Raise ``RefusedError`` unless ``value`` is missing or a short name of letters, digits, ``-`` and ``_``."""
    if value is None:
        return
    limit = settings().session_length
    if not isinstance(value, str) or len(value) > limit or _NAME.fullmatch(value) is None:
        raise RefusedError(400, f"{what} must be at most {limit} letters, digits, - or _.")


def check_options(sent: Mapping[str, Any], endpoint: str, known: Mapping[str, bool]) -> None:
    """Raise ``RefusedError`` for options that an endpoint does not have, or needs and did not get.

    ``known`` says of each option whether it may be left out.
    """
    for name in sent:
        if name not in known:
            raise RefusedError(400, f"{name[:40]} is no option of /{endpoint}: it has {', '.join(known)}.")
    for name, optional in known.items():
        if not optional and name not in sent:
            raise RefusedError(400, f"{name} is missing: /{endpoint} needs it.")


def check_function(sent: Mapping[str, Any], functions: Mapping[int, Collection[str]]) -> None:
    """Raise ``RefusedError`` unless a request names one of the page's ``functions``, by component and name."""
    for name in ("component_id", "fn_name", "session_hash"):
        if sent.get(name) is None:
            raise RefusedError(400, f"{name} is missing: reload the page.")
    component, function = sent["component_id"], sent["fn_name"]
    if isinstance(component, str) and component.isascii() and component.isdigit() and len(component) < 10:
        component = int(component)
    known = functions.get(component, ()) if type(component) is int else ()
    if not isinstance(function, str) or function not in known:
        raise RefusedError(404, "There is no such function here: reload the page.")


def check_event(sent: Mapping[str, Any], events: Collection[int]) -> None:
    """Raise ``RefusedError`` unless a call names one of the ``events`` there are by its number."""
    if type(sent.get("fn_index")) is not int or sent["fn_index"] not in events:
        raise RefusedError(404, "fn_index is of no call that there is here: reload the page.")
    if not isinstance(sent.get("data"), list):
        raise RefusedError(400, "data is to be a list of the call's options.")
    if not isinstance(sent.get("session_hash"), str):
        raise RefusedError(400, "session_hash is missing: reload the page.")


def _depth(value: Any) -> int:
    depth, level = 0, [value]
    while level and depth <= DEPTH:
        depth += 1
        containers = [entry for entry in level if isinstance(entry, dict | list)]
        level = [child for entry in containers for child in (entry.values() if isinstance(entry, dict) else entry)]
    return depth


@dataclass(frozen=True)
class File:
    """The one file of a form."""

    field: str
    name: str
    content: bytes


@dataclass(frozen=True)
class Form:
    """What a form holds."""

    file: File | None = None
    fields: dict[str, str] = field(default_factory=dict)


async def check_form(body: bytes, content_type: str) -> Form:
    """The form that a body is. Raises ``RefusedError`` for several files, or one that is too large."""
    from starlette.datastructures import Headers, UploadFile
    from starlette.formparsers import MultiPartException, MultiPartParser

    class InMemory(MultiPartParser):
        spool_max_size = len(body) + 1

    async def stream() -> Any:
        yield body

    parser = InMemory(Headers({"content-type": content_type}), stream(), max_files=1, max_fields=20)
    try:
        form = await parser.parse()
    except MultiPartException as error:
        several = "Too many files" in error.message
        sentence = "Send one file a request." if several else f"The form cannot be read: {error.message}"
        raise RefusedError(413 if several else 400, sentence) from None
    except Exception:
        # The parser lets what it stumbles over through: a missing boundary is a KeyError.
        raise RefusedError(400, "The form cannot be read.") from None
    file, fields = None, {}
    try:
        for name, value in form.multi_items():
            if isinstance(value, UploadFile):
                file = File(name, value.filename or "file", await value.read())
            elif name in fields:
                raise RefusedError(400, f"{name[:40]} is in the form twice: send it once.")
            else:
                fields[name] = value
    finally:
        await form.close()
    if file is not None and file.field in fields:
        raise RefusedError(400, f"{file.field[:40]} is in the form twice: send it once.")
    if file is not None and len(file.content) > settings().max_file_bytes:
        raise RefusedError(413, f"The file is larger than {settings().max_file_bytes / 1e6:g} MB: save it smaller.")
    for name in _NAMES:
        check_name(fields.get(name), name)
    return Form(file, fields)
