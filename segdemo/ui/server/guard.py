"""Puts the gate before a page, and keeps its folder and connections in order while it is served."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from inspect import Parameter, signature
from typing import Any, Protocol

import gradio as gr

from segdemo.settings import settings
from segdemo.ui.server.answers import Answers
from segdemo.ui.server.connections import watch_connections
from segdemo.ui.server.decoding import decoders, photo_budget
from segdemo.ui.server.folder import SWEEP_SECONDS, Folder, private_folder
from segdemo.ui.server.gate import Gate, Page
from segdemo.ui.server.refusals import App, Receive, Scope, Send
from segdemo.ui.server.routes import MCP_PATH, Table
from segdemo.ui.server.telling import Telling, news_of
from segdemo.ui.server.uploads import ledger

logger = logging.getLogger(__name__)


class Beside(Protocol):
    """An application of its own beside a page, behind the same gate."""

    def running(self) -> AbstractAsyncContextManager[None]:
        """Answer requests until this is left."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one."""


def serve_beside(blocks: gr.Blocks, application: Beside) -> None:
    """Have ``application`` answer at ``MCP_PATH`` wherever ``blocks`` is served."""
    blocks.segdemo_beside = application  # type: ignore[attr-defined]


def refuse_calls(blocks: gr.Blocks, full: Callable[[str], tuple[str, float] | None]) -> None:
    """Have calls refused at once, wherever ``blocks`` is served, of a client for whom there is a reason.

    ``full`` tells it, with the seconds after which to try again.
    """
    blocks.segdemo_full = full  # type: ignore[attr-defined]


def served_beside(blocks: gr.Blocks) -> Beside | None:
    """What is served beside a page, if anything."""
    return getattr(blocks, "segdemo_beside", None)


def guarded() -> Callable[[Any], AbstractAsyncContextManager[None]]:
    """A lifespan for ``launch(app_kwargs={"lifespan": ...})`` that guards Gradio's application."""

    @asynccontextmanager
    async def lifespan(app: Any) -> AsyncIterator[None]:
        folder = private_folder()
        blocks: gr.Blocks = app.get_blocks()
        beside = served_beside(blocks)
        table = Table(endpoints=lambda: _endpoints(blocks), mcp=lambda: beside is not None)
        told = Telling(app.middleware_stack, lambda event: news_of(blocks._queue, event))
        # By now the stack is built; the gate goes around all of it, so that nothing answers beside the gate.
        app.middleware_stack = Gate(
            told if beside is None else _with(told, beside),
            table,
            Page(
                options=lambda endpoint: _options(blocks, endpoint),
                functions=lambda: _functions(blocks),
                events=lambda: [number for number, function in blocks.fns.items() if function.api_name],
                full=getattr(blocks, "segdemo_full", lambda client: None),
            ),
            folder=folder,
            budget=photo_budget(),
            ledger=ledger(),
        )
        await asyncio.to_thread(decoders().start)
        tasks = [
            asyncio.create_task(watch_connections(lambda: getattr(blocks, "server", None))),
            asyncio.create_task(_sweep_regularly(folder, blocks)),
        ]
        try:
            async with AsyncExitStack() as stack:
                if beside is not None:
                    await stack.enter_async_context(beside.running())
                yield
        finally:
            for task in tasks:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task

    return lifespan


def _with(page: App, beside: Beside) -> App:
    async def either(scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "").removeprefix(scope.get("root_path", ""))
        if path.rstrip("/") == MCP_PATH:
            await beside(scope, receive, send)
        else:
            await page(scope, receive, send)

    return either


def _endpoints(blocks: gr.Blocks) -> set[str]:
    return {function.api_name for function in blocks.fns.values() if isinstance(function.api_name, str)}


def _options(blocks: gr.Blocks, endpoint: str) -> dict[str, bool]:
    """The options of an endpoint, and whether each may be left out."""
    function = next(function for function in blocks.fns.values() if function.api_name == endpoint)
    assert function.fn is not None
    parameters = list(signature(function.fn).parameters.values())[: len(function.inputs)]
    return {parameter.name: parameter.default is not Parameter.empty for parameter in parameters}


def _functions(blocks: gr.Blocks) -> dict[int, set[str]]:
    """The names of the functions that components offer to the page's script."""
    named = {number: getattr(block, "server_fns", ()) for number, block in blocks.blocks.items()}
    return {number: {function.__name__ for function in functions} for number, functions in named.items() if functions}


async def _sweep_regularly(folder: Folder, blocks: gr.Blocks) -> None:
    answers = Answers()
    while True:
        await asyncio.sleep(SWEEP_SECONDS)
        answers.forget(blocks._queue)
        try:
            await asyncio.to_thread(folder.sweep, older_than=settings().temp_seconds)
        except OSError:
            logger.exception("temporary files could not be swept")
