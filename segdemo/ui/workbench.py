"""The component that is the page: a mount for the script, and the functions of the server that it may call."""

import json
import logging
from collections.abc import Callable
from typing import Any

import gradio as gr

from segdemo import examples
from segdemo.checkpoints import Checkpoint
from segdemo.errors import SegdemoError
from segdemo.results.outputs import OutputOptions
from segdemo.settings import settings
from segdemo.ui.arguments import Arguments, file_stem
from segdemo.ui.choices import by_public_id
from segdemo.ui.jobs import Job, Jobs
from segdemo.ui.packing import data_url
from segdemo.ui.runs import Request, Runner
from segdemo.ui.store import GoneError, Record
from segdemo.ui.tabs.attention import attention
from segdemo.ui.tabs.downloads import download
from segdemo.ui.tabs.dropped import dropped
from segdemo.ui.tabs.layers import layers, layers_ahead
from segdemo.ui.tabs.masks import masks
from segdemo.ui.tabs.panoptic import panoptic, thresholds
from segdemo.ui.tabs.pixel import pixel
from segdemo.ui.tabs.refinement import judge, refine, refine_exactly
from segdemo.ui.tabs.result import result

logger = logging.getLogger(__name__)

Answer = dict[str, Any]
HINT = (
    "On your own machine: python app.py --checkpoint facebook/mask2former-swin-large-ade-semantic --download "
    "(about 0.9 GB). On a server: the README says how to preload it."
)


def build_workbench(runner: Runner, jobs: Jobs, checkpoint: str) -> gr.HTML:
    """The page's one component. Must be called inside a ``gr.Blocks``.

    Every function below is reachable by anyone who reaches the server: a token or ticket is the only key, arguments
    are checked, and what a function raises becomes a sentence or an apology, never a trace.
    """

    def config(_: Arguments) -> Answer:
        return page_config(runner.checkpoints(), checkpoint)

    def start(arguments: Any) -> Answer:
        request = _request(arguments)
        if isinstance(request, tuple):
            content, fields = request
        else:
            content, fields = None, request
        wanted = Request(
            checkpoint=str(fields.get("checkpoint", checkpoint)),
            size=str(fields.get("size", "checkpoint")),
            content=content[1] if content else None,
            name=file_stem(content[0]) if content else "photo",
            example=None if content else str(fields.get("example", "")),
            previous=str(fields.get("previous")),
        )
        return {"ticket": jobs.start(lambda job: runner.run(wanted, job))}

    async def poll(arguments: Arguments) -> Answer:
        version = arguments.get("version", 0)
        return await jobs.poll(arguments.get("ticket"), version if isinstance(version, int) else 0)

    def cancel(arguments: Arguments) -> Answer:
        jobs.cancel(arguments.get("ticket"))
        return {}

    def release(arguments: Arguments) -> Answer:
        return {"deleted": runner.store.delete(arguments.get("token"))}

    def noop(_: Arguments) -> Answer:
        return {}

    def start_refinement(arguments: Arguments) -> Answer:
        record = runner.store.get(arguments.get("token"))
        return {"ticket": jobs.start(lambda job: {"result": refine_exactly(record, arguments, job, runner.turnstile)})}

    def start_download(arguments: Arguments) -> Answer:
        record = runner.store.get(arguments.get("token"))
        return {"ticket": jobs.start(lambda job: {"file": download(record, arguments, job)})}

    def start_layers(arguments: Arguments) -> Answer:
        record = runner.store.get(arguments.get("token"))

        def kept() -> bool:
            return runner.store.find(lambda other: other is record) is not None

        def prepare(job: Job) -> Answer:
            answer = layers_ahead(record, job, idle=lambda: runner.turnstile.idle, kept=kept)
            runner.store.trim()
            return {"layers": answer}

        return {"ticket": jobs.start(prepare)}

    def looked_up(name: str, function: Callable[[Record, Arguments], Answer]) -> Callable[[Arguments], Answer]:
        def answer(arguments: Arguments) -> Answer:
            record = runner.store.get(arguments.get("token"))
            found = function(record, arguments)
            runner.store.trim()
            return found

        answer.__name__ = name
        return answer

    functions: list[Callable[..., Any]] = [
        guarded(function)
        for function in (
            config,
            start,
            cancel,
            release,
            noop,
            start_refinement,
            start_download,
            start_layers,
            looked_up("result", lambda record, arguments: result(record, str(arguments.get("token")))),
            looked_up("panoptic", panoptic),
            looked_up("layers", layers),
            looked_up("attention", attention),
            looked_up("dropped", dropped),
            looked_up("masks", masks),
            looked_up("pixel", pixel),
            looked_up("refine", refine),
            looked_up("judge", judge),
        )
    ]
    return gr.HTML(
        html_template='<div class="sd-app" aria-busy="true"></div>',
        js_on_load="window.segdemo.start(element.querySelector('.sd-app'), server);",
        server_functions=[*functions, poll],
        elem_id="segdemo",
        apply_default_css=False,
    )


def guarded(function: Callable[[Any], Answer]) -> Callable[[Any], Answer]:
    """A server function whose errors are sentences: ``{"error": ...}``, or ``{"gone": true}`` for an unknown token."""

    def call(arguments: Any) -> Answer:
        try:
            return function(arguments if arguments is not None else {})
        except GoneError:
            return {"gone": True}
        except SegdemoError as error:
            return {"error": str(error)}
        except Exception:
            logger.exception("%s failed", function.__name__)
            return {"error": "Something went wrong on the server. Your last result is still here."}

    call.__name__ = function.__name__
    return call


def _request(arguments: Any) -> tuple[tuple[str, bytes], dict[str, Any]] | dict[str, Any]:
    """A file with its fields, or the fields alone, as the component's protocol delivers them."""
    files = getattr(arguments, "files", None)
    if files is None:
        if not isinstance(arguments, dict):
            raise SegdemoError("The request could not be read: reload the page.")
        return arguments
    try:
        fields = json.loads(arguments.data["request"])
    except (KeyError, TypeError, ValueError):
        fields = None
    if len(files) != 1 or not isinstance(fields, dict):
        raise SegdemoError("The request could not be read: reload the page.")
    name, content = files[0]
    return (str(name), content), fields


def page_config(checkpoints: list[Checkpoint], chosen: str) -> Answer:
    """What the page knows before any photo: checkpoints, examples, limits."""
    from segdemo.checkpoints import EMBEDDED_ID, labels

    outputs = OutputOptions()
    entries = []
    for public, entry in by_public_id(checkpoints).items():
        names = labels(entry.path) if entry.path is not None else {}
        known = (
            None if entry.known_classes is None else sorted(names[index].split(",")[0] for index in entry.known_classes)
        )
        entries.append(
            {
                "id": public,
                "title": entry.title,
                "note": " ".join(part for part in (entry.description, entry.note) if part),
                "known": known,
                "classes": len(names),
                "hint": HINT if entry.id == EMBEDDED_ID else "",
            }
        )
    return {
        "checkpoint": chosen,
        "checkpoints": entries,
        "opacity": outputs.opacity,
        "keptMinutes": round(settings().store_seconds / 60),
        "thresholds": thresholds({}),
        "limits": {"bytes": settings().max_file_bytes, "pixels": settings().max_pixels},
        "examples": [
            {
                "id": example.id,
                "title": example.title,
                "description": example.description,
                "thumbnail": data_url(example.thumbnail.read_bytes(), "image/jpeg"),
            }
            for example in examples.EXAMPLES
        ],
    }


__all__ = ["Job", "build_workbench", "guarded", "page_config"]
