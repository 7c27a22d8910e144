"""The component that is the page: a mount for the script, and the functions of the server that it may call."""

import json
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import gradio as gr
from gradio.context import LocalContext

from segdemo.errors import SegdemoError
from segdemo.results.job import Job
from segdemo.results.naming import file_stem
from segdemo.settings import settings
from segdemo.ui.arguments import Arguments
from segdemo.ui.batches.functions import batch_functions
from segdemo.ui.beside import Beside
from segdemo.ui.callers import caller
from segdemo.ui.jobs import Answer, Jobs
from segdemo.ui.page_config import page_config
from segdemo.ui.runs import Request, Runner
from segdemo.ui.store import GoneError, Record
from segdemo.ui.tabs.attention import attention
from segdemo.ui.tabs.compare import comparison, comparison_file
from segdemo.ui.tabs.downloads import download
from segdemo.ui.tabs.dropped import dropped
from segdemo.ui.tabs.evaluate import error_pixel, evaluation, evaluation_file, evaluation_pixels
from segdemo.ui.tabs.features import channels, features
from segdemo.ui.tabs.labels import add_labels, split_files
from segdemo.ui.tabs.layers import layers, layers_ahead
from segdemo.ui.tabs.masks import masks
from segdemo.ui.tabs.panoptic import panoptic, panoptic_exactly
from segdemo.ui.tabs.pixel import pixel
from segdemo.ui.tabs.refinement import judge, refine, refine_exactly
from segdemo.ui.tabs.report import report_file
from segdemo.ui.tabs.result import result
from segdemo.ui.tabs.what_if import ranking, what_if

logger = logging.getLogger(__name__)

LookUp = Callable[[Record, Arguments, Job], Answer]


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
            task=str(fields.get("task") or "")[:20],
            beside=fields.get("beside") is True,
        )
        ticket = jobs.start(
            lambda job: runner.run(wanted, job),
            visitor=_visitor(fields),
            client=caller(),
            seconds=settings().run_deadline,
        )
        return {"ticket": ticket}

    async def poll(arguments: Any) -> Answer:
        if not isinstance(arguments, dict):
            return {"state": "error", "text": "The request could not be read: reload the page.", "version": 0}
        version = arguments.get("version", 0)
        return await jobs.poll(arguments.get("ticket"), version if isinstance(version, int) else 0)

    def cancel(arguments: Arguments) -> Answer:
        jobs.cancel(arguments.get("ticket"))
        return {}

    def early(arguments: Arguments) -> Answer:
        return jobs.early(arguments.get("ticket"))

    def release(arguments: Arguments) -> Answer:
        return {"deleted": runner.store.delete(arguments.get("token"))}

    def back(arguments: Arguments) -> Answer:
        return runner.back(arguments.get("token"), arguments.get("to"))

    def noop(_: Arguments) -> Answer:
        return {}

    def starts(
        name: str, function: Callable[[Record, Arguments, Job], Any], answers: str, seconds: float
    ) -> Callable[[Arguments], Answer]:
        """A function that begins what takes long, and returns its ticket; its last message has ``answers``."""

        def start(arguments: Arguments) -> Answer:
            record = runner.store.get(arguments.get("token"))

            def work(job: Job) -> Answer:
                found = function(record, arguments, job)
                runner.store.trim()
                return {answers: found}

            ticket = jobs.start(work, visitor=_visitor(arguments), client=caller(), seconds=seconds)
            return {"ticket": ticket}

        start.__name__ = name
        return start

    def start_labels(arguments: Any) -> Answer:
        sent = _request(arguments)
        if not isinstance(sent, tuple):
            raise SegdemoError("There is no file: choose one with labels.")
        (_, content), fields = sent
        token = fields.get("token")
        record, files = runner.store.get(token), split_files(content, fields.get("sizes"))
        ticket = jobs.start(
            lambda job: {
                "labels": add_labels(record, files, fields, job, lambda new: runner.store.exchange(token, record, new))
            },
            visitor=_visitor(fields),
            client=caller(),
            seconds=settings().result_deadline,
        )
        return {"ticket": ticket}

    def exactly(record: Record, arguments: Arguments, job: Job) -> Answer:
        return (panoptic_exactly if arguments.get("task") == "panoptic" else refine_exactly)(record, arguments, job)

    def beside(arguments: Arguments) -> Beside:
        return Beside(runner, arguments.get("token"), arguments.get("other"))

    def compared(record: Record, arguments: Arguments, job: Job) -> Answer:
        return comparison(record, arguments, job, beside(arguments))

    def compared_file(record: Record, arguments: Arguments, job: Job) -> Answer:
        return comparison_file(record, arguments, job, beside(arguments))

    def prepare_layers(record: Record, arguments: Arguments, job: Job) -> Answer:
        return layers_ahead(record, job, kept=lambda: runner.store.find(lambda other: other is record) is not None)

    def looked_up(name: str, function: LookUp) -> Callable[[Any], Awaitable[Answer]]:
        """A function whose answer is waited for; whoever leaves meanwhile cancels it."""

        async def answer(arguments: Any) -> Answer:
            arguments = _checked(arguments)
            record = runner.store.get(arguments.get("token"))
            request = LocalContext.request.get(None)

            async def gone() -> bool:
                return request is not None and await request.is_disconnected()

            found: Answer = await jobs.answer(
                lambda job: function(record, arguments, job),
                visitor=_visitor(arguments),
                client=caller(),
                seconds=settings().result_deadline,
                gone=gone,
            )
            runner.store.trim()
            return found

        answer.__name__ = name
        return answer

    functions: list[Callable[..., Any]] = [
        *(
            guarded(function)
            for function in (
                config,
                start,
                cancel,
                early,
                release,
                back,
                noop,
                start_labels,
                starts("start_refinement", exactly, "result", settings().result_deadline),
                starts("start_download", download, "file", settings().result_deadline),
                starts("start_report", report_file, "file", settings().run_deadline),
                starts("start_layers", prepare_layers, "layers", settings().result_deadline),
                starts("start_ranking", ranking, "ranking", settings().run_deadline),
                starts("start_evaluation", evaluation, "evaluation", settings().result_deadline),
                starts("start_evaluation_file", evaluation_file, "file", settings().result_deadline),
                *batch_functions(runner, jobs, _visitor, _request),
                starts("start_comparison", compared, "comparison", settings().run_deadline),
                starts("start_comparison_file", compared_file, "file", settings().run_deadline),
            )
        ),
        *(
            guarded_async(looked_up(name, function))
            for name, function in (
                ("result", result),
                ("panoptic", panoptic),
                ("features", features),
                ("channels", channels),
                ("layers", layers),
                ("attention", attention),
                ("what_if", what_if),
                ("dropped", dropped),
                ("masks", masks),
                ("pixel", pixel),
                ("refine", refine),
                ("judge", judge),
                ("evaluation_pixels", evaluation_pixels),
                ("error_pixel", error_pixel),
            )
        ),
        poll,
    ]
    return gr.HTML(
        html_template='<div class="sd-app" aria-busy="true"></div>',
        js_on_load="window.segdemo.start(element.querySelector('.sd-app'), server);",
        server_functions=functions,
        elem_id="segdemo",
        apply_default_css=False,
    )


def guarded(function: Callable[[Any], Answer]) -> Callable[[Any], Answer]:
    """A server function whose errors are sentences: ``{"error": ...}``, or ``{"gone": true}`` for an unknown token."""

    def call(arguments: Any) -> Answer:
        try:
            return function(arguments if getattr(arguments, "files", None) is not None else _checked(arguments))
        except Exception as error:
            return _apology(error, function.__name__)

    call.__name__ = function.__name__
    return call


def guarded_async(function: Callable[[Any], Awaitable[Answer]]) -> Callable[[Any], Awaitable[Answer]]:
    """The same for a function that is awaited."""

    async def call(arguments: Any) -> Answer:
        try:
            return await function(arguments)
        except Exception as error:
            return _apology(error, function.__name__)

    call.__name__ = function.__name__
    return call


def _apology(error: Exception, name: str) -> Answer:
    if isinstance(error, GoneError):
        return {"gone": True}
    if isinstance(error, SegdemoError):
        return {"error": str(error)}
    logger.error("%s failed", name, exc_info=error)
    return {"error": "Something went wrong on the server. Your last result is still here."}


def _checked(arguments: Any) -> Arguments:
    if arguments is None:
        return {}
    if not isinstance(arguments, dict):
        raise SegdemoError("The request could not be read: reload the page.")
    return arguments


def _visitor(arguments: Arguments) -> str:
    """Who takes turns with others: the page that asks, by the name that it made up, or the photo."""
    name = arguments.get("visitor") or arguments.get("token") or ""
    return str(name)[:64]


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
