"""How a call of the API is made known, awaited and answered: in turn, within its time, and with sentences."""

import logging
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from inspect import Parameter, Signature
from typing import Any

import gradio as gr
from gradio.context import LocalContext

from segdemo.checkpoints import Checkpoint
from segdemo.errors import SegdemoError
from segdemo.model.preprocessing import SizeOption, parse_size
from segdemo.results.job import Job
from segdemo.results.options import CHOICES, flat_defaults, is_whole
from segdemo.settings import settings
from segdemo.ui.callers import caller
from segdemo.ui.jobs import Answer, Jobs

logger = logging.getLogger(__name__)

LARGEST_SIZE = 960
"""Longest short side of the input that strangers may ask for, which bounds the cost of a call."""

Work = Callable[[Job, Mapping[str, Any]], Any]
"""What a call does with the options that it was given: those left out are missing or none."""


def register(
    name: str,
    description: str,
    inputs: Mapping[str, gr.components.Component],
    outputs: Sequence[gr.components.Component],
    work: Work,
    jobs: Jobs,
) -> Work:
    """Make ``work`` the call ``/name`` of the current ``gr.Blocks``, and return it."""

    async def answer(*values: Any) -> Any:
        given = dict(zip(inputs, values, strict=False))
        return await _with_sentences(
            name,
            jobs.answer(
                lambda job: work(job, given),
                visitor=_session(),
                client=caller(),
                seconds=settings().run_deadline,
                gone=_caller_left,
                told=_tell,
            ),
        )

    answer.__name__ = name
    # What Gradio shows as the endpoint's parameters.
    answer.__signature__ = Signature(  # type: ignore[attr-defined]
        [Parameter(option, Parameter.POSITIONAL_OR_KEYWORD, default=None) for option in inputs]
    )
    gr.Button().click(
        answer,
        list(inputs.values()),
        list(outputs),
        api_name=name,
        api_description=description,
        concurrency_limit=None,
    )
    return work


def take_values_as_they_come(names: Collection[str]) -> None:
    """Hand calls what was sent, unread: Gradio answers values of a wrong kind without saying which."""
    blocks = gr.context.Context.root_block
    assert blocks is not None
    read = blocks.preprocess_data

    async def preprocess_data(function: Any, inputs: list[Any], *rest: Any, **options: Any) -> list[Any]:
        if function.api_name in names:
            return inputs[: len(function.inputs)]
        found: list[Any] = await read(function, inputs, *rest, **options)
        return found

    blocks.preprocess_data = preprocess_data  # type: ignore[method-assign,assignment]


def network_inputs(choices: Mapping[str, Checkpoint]) -> dict[str, gr.components.Component]:
    """The options of every call on what runs; the first of ``choices`` is the checkpoint that does by default."""
    return {
        "checkpoint": gr.Dropdown(list(choices), value=next(iter(choices)), label="Checkpoint"),
        "size": gr.Textbox(
            "checkpoint", label=f"Input size: checkpoint, paper, or a short side up to {LARGEST_SIZE} pixels"
        ),
    }


def option_inputs(names: Collection[str]) -> dict[str, gr.components.Component]:
    """The components of options of results, by the types of their defaults; the options check their ranges."""
    return {name: _component(name, value) for name, value in flat_defaults().items() if name in names}


def chosen_checkpoint(values: Mapping[str, Any], choices: Mapping[str, Checkpoint]) -> Checkpoint:
    """The checkpoint that a call names, or the one by default. Raises ``SegdemoError``."""
    wanted = values.get("checkpoint")
    if wanted is None:
        return next(iter(choices.values()))
    if not isinstance(wanted, str) or wanted not in choices:
        raise SegdemoError(f"checkpoint is not on this machine: choose one of {', '.join(choices)}.")
    return choices[wanted]


def bounded_size(values: Mapping[str, Any]) -> SizeOption:
    """The input size that a call asks for. Raises ``SegdemoError``."""
    size = values.get("size")
    if size is None:
        return "checkpoint"
    if isinstance(size, bool) or not isinstance(size, str | int):
        raise SegdemoError("size is neither a text nor a number: give checkpoint, paper or a short side in pixels.")
    option = parse_size(str(size)[:20])
    if isinstance(option, int) and option > LARGEST_SIZE:
        raise SegdemoError(f"The input size is {option} pixels: choose one up to {LARGEST_SIZE}.")
    return option


def _component(name: str, value: Any) -> gr.components.Component:
    label = name.replace("_", " ").capitalize()
    if name in CHOICES:
        return gr.Dropdown(list(CHOICES[name]), value=value, label=label)
    if isinstance(value, bool):
        return gr.Checkbox(value, label=label)
    if isinstance(value, str):
        return gr.Textbox(value, label=label)
    return gr.Number(value, label=label, precision=0 if is_whole(name) else None)


def sentence_of(error: Exception, name: str) -> str:
    """What a caller is told of an error in the call ``name``; what is not theirs is logged, and not told."""
    if isinstance(error, SegdemoError):
        return str(error)
    if isinstance(error, MemoryError):
        return "There was not enough memory for this photo: try a smaller one."
    logger.error("a call of /%s failed", name, exc_info=error)
    return "Something went wrong on the server."


async def _with_sentences(name: str, answer: Awaitable[Any]) -> Any:
    """What is awaited, with errors that a caller can read."""
    try:
        return await answer
    except Exception as error:
        raise gr.Error(sentence_of(error, name), print_exception=False) from error


def _session() -> str:
    """The session of a call, empty where it has none of its own."""
    request, event = LocalContext.request.get(None), LocalContext.event_id.get(None)
    session = getattr(request, "session_hash", None)
    return "" if session is None or session == event else str(session)[:64]


async def _tell(message: Answer) -> None:
    """Tell the caller what is going on, as Gradio tells of progress."""
    gr.Progress()(message["fraction"], desc=message["text"])


async def _caller_left() -> bool:
    """Whether whoever asked for what this task computes has left, or has cancelled it."""
    blocks, event = LocalContext.blocks.get(None), LocalContext.event_id.get(None)
    if blocks is None or event is None:
        return False
    known = blocks._queue.event_ids_to_events.get(event)
    return known is not None and not known.alive
