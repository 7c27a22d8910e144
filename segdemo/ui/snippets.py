"""The examples that Gradio's page of calls shows: short ones that run as they stand, next to files of these names.

Gradio's own write out every option, leave the photo out where a call may be made without, and end in a pipe into
``read``, which most shells lose.
"""

import json
from collections.abc import Collection, Mapping
from typing import Any

import gradio.routes

PHOTO = {"image": "street.jpg"}
"""The file that a call needs, by its option."""
MORE = {"/evaluate": {"labels": "street.labels.png"}}
"""What some need besides."""

Snippets = dict[str, str]

_ROUTES: Any = gradio.routes
"""Where Gradio has what it shows; it says nothing of the names there."""
_shown: set[str] = set()
_gradios = _ROUTES.generate_code_snippets
_gradios_commands = _ROUTES.generate_cli_snippet
"""Gradio's own."""


def show_short_snippets(names: Collection[str]) -> None:
    """Have Gradio show these for the calls of these names, and its own for all others."""
    _shown.update(f"/{name}" for name in names)
    if _ROUTES.generate_code_snippets is not _snippets_of:
        _ROUTES.generate_code_snippets = _snippets_of
        _ROUTES.generate_cli_snippet = _commands_of


def _snippets_of(name: str, described: dict[str, Any], root: str, *rest: Any, **options: Any) -> Snippets:
    if name not in _shown:
        return _gradios(name, described, root, *rest, **options)
    return snippets(name, _files(name), root)


def _commands_of(described: dict[str, Any]) -> Snippets:
    """The calls for Gradio's command line, which fills in its own name and the address."""
    return {
        **_gradios_commands(described),
        **{name: _command(name, _files(name)) for name in _shown & described.keys()},
    }


def _files(name: str) -> dict[str, str]:
    return {**PHOTO, **MORE.get(name, {})}


def snippets(name: str, files: Mapping[str, str], root: str) -> Snippets:
    """The call ``/name`` of the page at ``root`` with ``files``, in Python, JavaScript and for the shell."""
    root = root.rstrip("/")
    return {
        "python": _python(name, files, root),
        "javascript": _javascript(name, files, root),
        "bash": _bash(name, files, root),
    }


def _python(name: str, files: Mapping[str, str], root: str) -> str:
    given = "".join(f'    {option}=handle_file("{file}"),\n' for option, file in files.items())
    return f"""from gradio_client import Client, handle_file

client = Client("{root}")
result = client.predict(
{given}    api_name="{name}",
)
print(result)"""


def _javascript(name: str, files: Mapping[str, str], root: str) -> str:
    given = "".join(f'  {option}: handle_file("{file}"),\n' for option, file in files.items())
    return f"""import {{ Client, handle_file }} from "@gradio/client";

// In a browser give a File or a Blob in place of a name.
const client = await Client.connect("{root}");
const result = await client.predict("{name}", {{
{given}}});
console.log(result.data);"""


def _bash(name: str, files: Mapping[str, str], root: str) -> str:
    uploads = "".join(
        f'{option}=$(curl -s {root}/gradio_api/upload -F "files=@{file}" | tr -d \'[]"\')\n'
        for option, file in files.items()
    )
    given = ", ".join(f'\\"{option}\\": \\"${option}\\"' for option in files)
    address = f"{root}/gradio_api/call/v2{name}"
    return f"""{uploads}event=$(curl -s {address} -H "Content-Type: application/json" \\
  -d "{{{given}}}" | tr -d '{{}}" ' | cut -d : -f 2)
curl -s -N {address}/$event"""


def _command(name: str, files: Mapping[str, str]) -> str:
    meta = {"_type": "gradio.FileData"}
    given = json.dumps({option: {"path": file, "meta": meta} for option, file in files.items()}, indent=2)
    return f"{{command}} predict {{space_id}} {name} '{given}'\n"
