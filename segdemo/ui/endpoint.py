"""The public HTTP endpoint ``/segment``: what the command line does, for one photo, through Gradio's API."""

import logging
import secrets
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
import numpy.typing as npt
from gradio.utils import get_upload_folder

from segdemo.checkpoints import available_checkpoints
from segdemo.errors import SegdemoError
from segdemo.images import load_image
from segdemo.model.prediction import Prediction
from segdemo.model.predictor import load_predictor
from segdemo.model.preprocessing import SizeOption, parse_size
from segdemo.outputs import OutputOptions, make_outputs
from segdemo.ui.jobs import Turnstile
from segdemo.ui.zerogpu import gpu

logger = logging.getLogger(__name__)

LARGEST_SIZE = 960
"""Longest short side of the input that strangers may ask for, which bounds the cost of a call."""

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
    choices = list(dict.fromkeys([checkpoint, *(entry.id for entry in available_checkpoints())]))
    plain = OutputOptions()
    with gr.Column(visible=False):
        inputs = [
            _upload(),
            gr.Dropdown(["semantic", "panoptic", "instance"], value=plain.task, label="What to separate"),
            gr.Dropdown(choices, value=checkpoint, label="Checkpoint"),
            gr.Textbox(
                "checkpoint", label=f"Input size: checkpoint, paper, or a short side up to {LARGEST_SIZE} pixels"
            ),
            gr.Number(plain.score_threshold, label="Least probability of a query's class, 0 to 1"),
            gr.Number(plain.mask_threshold, label="Least mask probability in a segment, 0 to 1"),
            gr.Number(plain.overlap_threshold, label="Least share of its mask a segment must win, 0 to 1"),
            gr.Checkbox(plain.fuse_stuff, label="One segment for each stuff class"),
            gr.Checkbox(plain.split_components, label="One segment for each connected part of a thing"),
            gr.Number(plain.min_area, label="Least area of a segment in pixels", precision=0),
            gr.Number(plain.opacity, label="Weight of the colours in the overlay, 0 to 1"),
            gr.Checkbox(plain.outlines, label="Outline the regions in the overlay"),
        ]
        outputs = [gr.File(label="Id map (PNG)"), gr.JSON(label="Segments"), gr.File(label="Overlay (JPEG)")]
        gr.Button().click(
            _guarded(_segment(choices, turnstile)),
            inputs,
            outputs,
            api_name="segment",
            api_description=_DESCRIPTION,
            concurrency_id="model",
            concurrency_limit=1,
        )


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
    component.async_move_resource_to_block_cache = move_what_was_sent
    return component


def _segment(choices: list[str], turnstile: Turnstile) -> Callable[..., tuple[str, dict[str, Any], str]]:
    def segment(
        image: bytes | None,
        task: str,
        checkpoint: str,
        size: str,
        score_threshold: float,
        mask_threshold: float,
        overlap_threshold: float,
        fuse_stuff: bool,
        split_components: bool,
        min_area: int,
        opacity: float,
        outlines: bool,
    ) -> tuple[str, dict[str, Any], str]:
        options = OutputOptions(
            task=task,  # type: ignore[arg-type]
            score_threshold=score_threshold,
            mask_threshold=mask_threshold,
            overlap_threshold=overlap_threshold,
            fuse_stuff=fuse_stuff,
            split_components=split_components,
            min_area=min_area,
            opacity=opacity,
            outlines=outlines,
        )
        if image is None:
            raise SegdemoError("There is no photo: send one as `image`.")
        if checkpoint not in choices:
            raise SegdemoError(f"This checkpoint is not on this machine: choose one of {', '.join(choices)}.")
        input_size = _bounded_size(size)
        photo = load_image(image)
        with turnstile.turn():
            prediction = _predict(checkpoint, photo, input_size)
            result = make_outputs(photo, prediction, options)
        folder = _private_folder()
        id_map, overlay = folder / "ids.png", folder / "overlay.jpg"
        id_map.write_bytes(result.id_map)
        overlay.write_bytes(result.overlay)
        return str(id_map), dict(result.segments), str(overlay)

    return segment


def _guarded(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function with errors that a caller reads: a sentence, or an apology for what went into the log."""

    @wraps(function)
    def call(*values: Any) -> Any:
        try:
            if any(value is None for value in values[1:]):
                raise SegdemoError("An option is null: leave it out for its default.")
            return function(*values)
        except SegdemoError as error:
            raise gr.Error(str(error), print_exception=False) from error
        except MemoryError:
            sentence = "There was not enough memory for this photo: try a smaller one."
            raise gr.Error(sentence, print_exception=False) from None
        except Exception:
            logger.exception("a call of /segment failed")
            raise gr.Error("Something went wrong on the server.", print_exception=False) from None

    return call


@gpu
def _predict(checkpoint: str, photo: npt.NDArray[np.uint8], size: SizeOption) -> Prediction:
    return load_predictor(checkpoint)(photo, size=size, capture=False)


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
