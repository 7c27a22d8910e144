"""The public HTTP endpoint ``/segment``: what the command line does, for one photo, through Gradio's API."""

import logging
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import fields
from inspect import Parameter, Signature
from pathlib import Path
from typing import Any, get_args

import gradio as gr
import numpy as np
import numpy.typing as npt
from gradio.utils import get_upload_folder

from segdemo.checkpoints import Checkpoint, available_checkpoints, find
from segdemo.errors import SegdemoError
from segdemo.model.predictor import load_predictor
from segdemo.model.preprocessing import SizeOption, parse_size
from segdemo.prediction import Prediction
from segdemo.progress import CancelledError
from segdemo.refine.morphology import Operation, Shape
from segdemo.refine.pipeline import CrfOptions
from segdemo.results.options import flat_defaults, options_from
from segdemo.results.outputs import OutputOptions, Outputs, make_outputs
from segdemo.settings import settings
from segdemo.ui.choices import by_public_id, load
from segdemo.ui.jobs import Turnstile
from segdemo.ui.server.decoding import decode_photo
from segdemo.ui.zerogpu import gpu

logger = logging.getLogger(__name__)

LARGEST_SIZE = 960
"""Longest short side of the input that strangers may ask for, which bounds the cost of a call."""

Answer = tuple[str, dict[str, Any], str]
"""Path of the id map, the segments, path of the overlay."""

_CHOICES = {"morphology": get_args(Operation), "kernel_shape": get_args(Shape)}
_REAL = {field.name for field in fields(CrfOptions) if field.name != "iterations"}

_DESCRIPTION = (
    "Segment one photo. Returns the id map as a PNG, its segments as JSON, and an overlay as a JPEG, all at the photo's"
    " own size. Semantic: 8-bit class indices, 255 = none, and the classes present. Panoptic and instance: id = R + "
    "256 G + 65536 B, 0 = none, and COCO segments_info with score and label."
)


def add_endpoint(checkpoint: str, turnstile: Turnstile) -> None:
    """Register ``/segment`` within the current ``gr.Blocks``, with components that no visitor sees.

    ``checkpoint`` is the one that runs unless a call names another that is on this machine; ``turnstile`` gives the
    model to one run at a time.
    """
    choices = by_public_id([find(checkpoint), *available_checkpoints()])
    with gr.Column(visible=False):
        inputs = {
            "image": _upload(),
            "task": gr.Dropdown(["semantic", "panoptic", "instance"], value="semantic", label="What to separate"),
            "checkpoint": gr.Dropdown(list(choices), value=next(iter(choices)), label="Checkpoint"),
            "size": gr.Textbox(
                "checkpoint", label=f"Input size: checkpoint, paper, or a short side up to {LARGEST_SIZE} pixels"
            ),
            **{name: _component(name, value) for name, value in flat_defaults().items() if name != "task"},
        }
        outputs = [gr.File(label="Id map (PNG)"), gr.JSON(label="Segments"), gr.File(label="Overlay (JPEG)")]
        gr.Button().click(
            _with_parameters(list(inputs), lambda values: _segment(values, choices, turnstile)),
            list(inputs.values()),
            outputs,
            api_name="segment",
            api_description=_DESCRIPTION,
            concurrency_id="model",
            concurrency_limit=1,
        )


def _component(name: str, value: Any) -> gr.components.Component:
    """The component of one option, by the type of its default; its range is checked by the options themselves."""
    label = name.replace("_", " ").capitalize()
    if name in _CHOICES:
        return gr.Dropdown(list(_CHOICES[name]), value=value, label=label)
    if isinstance(value, bool):
        return gr.Checkbox(value, label=label)
    if isinstance(value, str):
        return gr.Textbox(value, label=label)
    whole = isinstance(value, int) and name not in _REAL
    return gr.Number(value, label=label, precision=0 if whole else None)


def _upload() -> gr.File:
    """The photo's component; the server does not fetch a photo from an address on the caller's behalf."""
    component = gr.File(label="Photo", type="binary")
    move = component.async_move_resource_to_block_cache

    async def move_what_was_sent(path: str | Path | None) -> str | None:
        if str(path).lower().startswith(("http:", "https:")):
            raise gr.Error(
                "This server fetches nothing from other hosts: send the photo's file.", print_exception=False
            )
        moved: str | None = await move(path)
        return moved

    # On the object, since Gradio writes a stub file beside the module of every subclass of a component.
    component.async_move_resource_to_block_cache = move_what_was_sent  # type: ignore[method-assign,assignment]
    return component


def _with_parameters(names: list[str], function: Callable[[Mapping[str, Any]], Answer]) -> Callable[..., Answer]:
    """``function`` of a mapping as one of parameters called ``names``, whose errors a caller can read."""

    def segment(*values: Any) -> Answer:
        try:
            given = dict(zip(names, values, strict=True))
            empty = [name for name, value in given.items() if value is None and name != "image"]
            if empty:
                raise SegdemoError(f"{', '.join(empty)} is null: leave it out for its default.")
            return function(given)
        except SegdemoError as error:
            raise gr.Error(str(error), print_exception=False) from error
        except MemoryError:
            sentence = "There was not enough memory for this photo: try a smaller one."
            raise gr.Error(sentence, print_exception=False) from None
        except Exception:
            logger.exception("a call of /segment failed")
            raise gr.Error("Something went wrong on the server.", print_exception=False) from None

    # What Gradio shows as the endpoint's parameters.
    segment.__signature__ = Signature(  # type: ignore[attr-defined]
        [Parameter(name, Parameter.POSITIONAL_OR_KEYWORD) for name in names]
    )
    return segment


def _segment(values: Mapping[str, Any], choices: Mapping[str, Checkpoint], turnstile: Turnstile) -> Answer:
    checkpoint, image = values["checkpoint"], values["image"]
    if image is None:
        raise SegdemoError("There is no photo: send one as `image`.")
    if checkpoint not in choices:
        raise SegdemoError(f"This checkpoint is not on this machine: choose one of {', '.join(choices)}.")
    size = _bounded_size(values["size"])
    photo = decode_photo(image)
    with turnstile.turn():
        options = options_from(values, load(choices[checkpoint]).taxonomy)
        prediction = _predict(choices[checkpoint].id, photo, size)
        result = _timed_outputs(photo, prediction, options)
    folder = _private_folder()
    id_map, overlay = folder / "ids.png", folder / "overlay.jpg"
    id_map.write_bytes(result.id_map)
    overlay.write_bytes(result.overlay)
    return str(id_map), dict(result.segments), str(overlay)


@gpu
def _predict(checkpoint: str, photo: npt.NDArray[np.uint8], size: SizeOption) -> Prediction:
    return load_predictor(checkpoint)(photo, size=size, capture=False)


def _timed_outputs(photo: npt.NDArray[np.uint8], prediction: Prediction, options: OutputOptions) -> Outputs:
    """The outputs, unless their refinement takes longer than the host allows."""
    deadline = time.monotonic() + settings().crf_deadline
    try:
        return make_outputs(photo, prediction, options, cancel=lambda: time.monotonic() > deadline)
    except CancelledError:
        raise SegdemoError(
            f"The CRF would take more than {settings().crf_deadline:g} s: send a smaller photo, or ask for fewer "
            "iterations."
        ) from None


def _bounded_size(size: str) -> SizeOption:
    option = parse_size(size)
    if isinstance(option, int) and option > LARGEST_SIZE:
        raise SegdemoError(f"The input size is {option} pixels: choose one up to {LARGEST_SIZE}.")
    return option


def _private_folder() -> Path:
    """A folder with an unguessable name where Gradio serves files from and ``delete_cache`` removes them."""
    folder = Path(get_upload_folder()) / secrets.token_urlsafe(24)
    folder.mkdir(parents=True)
    return folder
