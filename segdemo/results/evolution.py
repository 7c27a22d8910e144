"""How the answer grew over the decoder's layers, as an animation to take along."""

import io

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from segdemo.images import Rgb
from segdemo.render.overlay import OverlayStyle, overlay
from segdemo.results.job import Job
from segdemo.results.make import Source, picture
from segdemo.results.options import OutputOptions
from segdemo.segmentation import layer_labels

LONG_SIDE = 640
"""Of the pictures, in pixels, at most."""
STEP_MS, LAST_MS = 700, 2500
"""How long each picture stays, and the last one."""
_CAPTION = 28
"""Height of the line below the pictures, in pixels."""
_TEXT = 14


def encode_evolution(job: Job, source: Source, options: OutputOptions) -> bytes:
    """The map of classes after every layer over the photo, one after the other, as an animated WebP that goes on.

    Pictures have a long side of ``LONG_SIDE`` pixels at most and a line below that names the layer. ``options`` say the
    opacity, outlines, hatching and which classes are shown; refinement is of the last layer's answer and plays no part.
    In the job's turn; raises ``NotOfferedError`` with a sentence for a prediction without layers.
    """
    prediction = source.prediction
    prediction.require("layers")
    scale = min(1.0, LONG_SIDE / max(source.size))
    size = max(1, round(source.size[0] * scale)), max(1, round(source.size[1] * scale))
    colors, shown = prediction.taxonomy.colors, options.show_classes
    if shown is not None:
        colors = {index: color for index, color in colors.items() if index in shown}
    style = OverlayStyle(opacity=options.opacity, outlines=options.outlines, hatching=options.hatching)
    with job.turn():
        photo = picture(source, size)
        last = layer_labels(prediction, prediction.num_layers - 1, size=size)
        frames = []
        for layer in range(prediction.num_layers):
            job.check()
            labels = layer_labels(prediction, layer, size=size)
            over = overlay(photo, labels, colors=colors, things=prediction.taxonomy.things, style=style)
            frames.append(_captioned(over, layer, float((labels == last).mean())))
    with job.working():
        stream = io.BytesIO()
        steps = [STEP_MS] * (len(frames) - 1) + [LAST_MS]
        frames[0].save(
            stream, "WEBP", save_all=True, append_images=frames[1:], duration=steps, loop=0, quality=75, method=4
        )
        return stream.getvalue()


def _captioned(rgb: Rgb, layer: int, final: float) -> Image.Image:
    """A picture with a line below it on its layer."""
    height, width = rgb.shape[:2]
    whole = Image.fromarray(np.concatenate([rgb, np.full((_CAPTION, width, 3), 255, np.uint8)]))
    name = f"layer {layer}" if layer else "initial prediction"
    font = ImageFont.load_default(_TEXT)
    draw = ImageDraw.Draw(whole)
    draw.text(
        (8, height + _CAPTION / 2), f"{name}: {100 * final:.0f} % final", fill=(24, 24, 27), font=font, anchor="lm"
    )
    return whole
