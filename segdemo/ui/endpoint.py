"""The public HTTP endpoint ``/segment``: what the command line does, for one photo, through Gradio's API."""

import logging
from collections.abc import Awaitable, Mapping
from inspect import Parameter, Signature
from typing import Any

import gradio as gr
from gradio.context import LocalContext

from segdemo.checkpoints import Checkpoint, available_checkpoints, find
from segdemo.errors import SegdemoError
from segdemo.model.preprocessing import SizeOption, parse_size
from segdemo.results.job import Job
from segdemo.results.make import Source
from segdemo.results.options import CHOICES, flat_defaults, is_whole, options_from
from segdemo.results.outputs import make_outputs
from segdemo.settings import settings
from segdemo.ui.callers import caller
from segdemo.ui.choices import by_public_id, load
from segdemo.ui.forms import sent_photo
from segdemo.ui.jobs import Jobs
from segdemo.ui.runs import predict
from segdemo.ui.server.decoding import opened_photo
from segdemo.ui.server.folder import private_folder
from segdemo.ui.server.uploads import ledger

logger = logging.getLogger(__name__)

LARGEST_SIZE = 960
"""Longest short side of the input that strangers may ask for, which bounds the cost of a call."""

Answer = tuple[str, dict[str, Any], str]
"""Path of the id map, the segments, path of the overlay."""

_DESCRIPTION = (
    "Segment one photo. Returns the id map as a PNG, its segments as JSON, and an overlay as a JPEG, all at the photo's"
    " own size. Semantic: 8-bit class indices, 255 = none, and the classes present. Panoptic and instance: id = R + "
    "256 G + 65536 B, 0 = none, and COCO segments_info with score and label."
)


def add_endpoint(checkpoint: str, jobs: Jobs) -> None:
    """Register ``/segment`` within the current ``gr.Blocks``, with components that no visitor sees.

    ``checkpoint`` is the one that runs unless a call names another that is on this machine.
    """
    # Where the files of calls go, settled before a component asks Gradio.
    private_folder()
    choices = by_public_id([find(checkpoint), *available_checkpoints()])
    default = next(iter(choices))
    with gr.Column(visible=False):
        inputs = {
            "image": gr.File(label="Photo", type="binary"),
            "task": gr.Dropdown(list(CHOICES["task"]), value="semantic", label="What to separate"),
            "checkpoint": gr.Dropdown(list(choices), value=default, label="Checkpoint"),
            "size": gr.Textbox(
                "checkpoint", label=f"Input size: checkpoint, paper, or a short side up to {LARGEST_SIZE} pixels"
            ),
            **{name: _component(name, value) for name, value in flat_defaults().items() if name != "task"},
        }
        outputs = [gr.File(label="Id map (PNG)"), gr.JSON(label="Segments"), gr.File(label="Overlay (JPEG)")]

        async def segment(*values: Any) -> Answer:
            given = dict(zip(inputs, values, strict=False))
            given["checkpoint"] = default if given.get("checkpoint") is None else given["checkpoint"]
            return await _with_sentences(
                jobs.answer(
                    lambda job: _segment(job, given, choices),
                    visitor=_session(),
                    client=caller(),
                    seconds=settings().run_deadline,
                    gone=_caller_left,
                )
            )

        # What Gradio shows as the endpoint's parameters.
        segment.__signature__ = Signature(  # type: ignore[attr-defined]
            [Parameter(name, Parameter.POSITIONAL_OR_KEYWORD, default=None) for name in inputs]
        )
        gr.Button().click(
            segment,
            list(inputs.values()),
            outputs,
            api_name="segment",
            api_description=_DESCRIPTION,
            concurrency_limit=None,
        )
    _take_values_as_they_come("segment")


def _take_values_as_they_come(api_name: str) -> None:
    """Hand an endpoint what its caller sent, unread: Gradio answers values of a wrong kind without saying which."""
    blocks = gr.context.Context.root_block
    assert blocks is not None
    read = blocks.preprocess_data

    async def preprocess_data(function: Any, inputs: list[Any], *rest: Any, **options: Any) -> list[Any]:
        if function.api_name == api_name:
            return inputs[: len(function.inputs)]
        found: list[Any] = await read(function, inputs, *rest, **options)
        return found

    blocks.preprocess_data = preprocess_data  # type: ignore[method-assign,assignment]


def _component(name: str, value: Any) -> gr.components.Component:
    """The component of one option, by the type of its default; its range is checked by the options themselves."""
    label = name.replace("_", " ").capitalize()
    if name in CHOICES:
        return gr.Dropdown(list(CHOICES[name]), value=value, label=label)
    if isinstance(value, bool):
        return gr.Checkbox(value, label=label)
    if isinstance(value, str):
        return gr.Textbox(value, label=label)
    return gr.Number(value, label=label, precision=0 if is_whole(name) else None)


async def _with_sentences(answer: Awaitable[Answer]) -> Answer:
    """What is awaited, with errors that a caller can read."""
    try:
        return await answer
    except SegdemoError as error:
        raise gr.Error(str(error), print_exception=False) from error
    except MemoryError:
        raise gr.Error(
            "There was not enough memory for this photo: try a smaller one.", print_exception=False
        ) from None
    except Exception:
        logger.exception("a call of /segment failed")
        raise gr.Error("Something went wrong on the server.", print_exception=False) from None


def _session() -> str:
    """The session of a call, empty where it has none of its own."""
    request, event = LocalContext.request.get(None), LocalContext.event_id.get(None)
    session = getattr(request, "session_hash", None)
    return "" if session is None or session == event else str(session)[:64]


async def _caller_left() -> bool:
    """Whether whoever asked for what this task computes has left, or has cancelled it."""
    blocks, event = LocalContext.blocks.get(None), LocalContext.event_id.get(None)
    if blocks is None or event is None:
        return False
    known = blocks._queue.event_ids_to_events.get(event)
    return known is not None and not known.alive


def _segment(job: Job, values: Mapping[str, Any], choices: Mapping[str, Checkpoint]) -> Answer:
    checkpoint = values["checkpoint"]
    if not isinstance(checkpoint, str) or checkpoint not in choices:
        raise SegdemoError(f"checkpoint is not on this machine: choose one of {', '.join(choices)}.")
    size = _bounded_size(values.get("size"))
    with opened_photo(sent_photo(values.get("image")), job) as photo:
        with job.turn():
            predictor = load(choices[checkpoint])
            options = options_from(values, predictor.taxonomy)
            prediction = predict(job, predictor, photo, size, capture=False)
        with job.within(settings().result_deadline):
            made = make_outputs(job, Source(photo, prediction), options)
    id_map, overlay = ledger().keep(job.client, {"ids.png": made.id_map, "overlay.jpg": made.overlay})
    return str(id_map), dict(made.segments), str(overlay)


def _bounded_size(size: Any) -> SizeOption:
    if size is None:
        return "checkpoint"
    if isinstance(size, bool) or not isinstance(size, str | int):
        raise SegdemoError("size is neither a text nor a number: give checkpoint, paper or a short side in pixels.")
    option = parse_size(str(size)[:20])
    if isinstance(option, int) and option > LARGEST_SIZE:
        raise SegdemoError(f"The input size is {option} pixels: choose one up to {LARGEST_SIZE}.")
    return option
