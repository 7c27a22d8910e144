"""From a seed to a finished scene: camera, hour, composition, development."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from segdemo.errors import SegdemoError

from .canvas import Canvas
from .closeup import closeup
from .colours import Colour, mix, rgb
from .country import lake, pasture
from .finish import develop
from .outings import beach, park
from .rooms import room
from .stage import Camera, Light, Stage
from .streets import street
from .weather import Hour, choose_hour, daylight

EXAMPLE_SEEDS = 2_000_000
"""The demo's examples have seeds from here on."""

_OUTDOORS: dict[str, tuple[Callable[[Stage, Hour], None], tuple[float, float], tuple[float, float], float]] = {
    # kind: painter, range of the horizon, range of the eye's height in metres, fog per metre
    "street": (street, (0.4, 0.56), (1.35, 2.3), 0.008),
    "lake": (lake, (0.38, 0.58), (1.6, 3.4), 0.004),
    "pasture": (pasture, (0.16, 0.52), (1.0, 2.0), 0.005),
    "park": (park, (0.36, 0.52), (1.4, 2.2), 0.006),
    "beach": (beach, (0.34, 0.52), (1.6, 3.2), 0.003),
    "closeup": (closeup, (0.2, 0.5), (0.9, 1.6), 0.003),
}
_SHARES = {
    "room": 0.27,
    "street": 0.18,
    "lake": 0.1,
    "pasture": 0.15,
    "park": 0.11,
    "beach": 0.06,
    "closeup": 0.13,
}

KINDS: tuple[str, ...] = tuple(_SHARES)
"""What ``generate`` can paint."""


@dataclass(frozen=True)
class Scene:
    """A picture with its panoptic ground truth."""

    image: npt.NDArray[np.uint8]
    """RGB, uint8 (H, W, 3)."""
    labels: npt.NDArray[np.uint8]
    """ADE20K class index 0..149 per pixel, uint8 (H, W); 255 is no label."""
    instances: npt.NDArray[np.int32]
    """Region per pixel, int32 (H, W): each thing its own id, each stuff class one id, all above 0; 0 where no label."""
    kind: str
    seed: int


def generate(seed: int, *, kind: str | None = None, size: tuple[int, int] = (480, 640)) -> Scene:
    """Paint a scene.

    Args:
        seed: decides everything; see the package for the ranges set aside.
        kind: one of ``KINDS``; none lets the seed choose.
        size: height and width in pixels, at least 32 each. Another size of the same aspect shows the same scene.

    Raises:
        SegdemoError: unknown kind, negative seed or a size that is too small.
    """
    if kind is not None and kind not in KINDS:
        raise SegdemoError(f"There is no scene of kind {kind!r}: choose one of {', '.join(KINDS)}.")
    if seed < 0 or min(size) < 32:
        raise SegdemoError("A scene needs a seed of at least 0 and at least 32 pixels on each side.")
    rng = np.random.default_rng((seed, 2024))
    drawn = str(rng.choice(KINDS, p=list(_SHARES.values())))
    chosen = kind or drawn
    canvas = Canvas(size)
    tint = _indoors(canvas, rng) if chosen == "room" else _outdoors(canvas, rng, chosen)
    image = develop(canvas, rng, tint=tint)
    labels, instances = canvas.labels, canvas.instances
    if rng.random() < 0.5:
        image, labels, instances = image[:, ::-1], labels[:, ::-1], instances[:, ::-1]
    contiguous = np.ascontiguousarray
    return Scene(contiguous(image), contiguous(labels), contiguous(instances), chosen, seed)


def _indoors(canvas: Canvas, rng: np.random.Generator) -> Colour:
    camera = Camera(
        focal=rng.uniform(0.72, 1.0),
        centre=canvas.aspect * (0.5 + rng.uniform(-0.12, 0.12)),
        horizon=rng.uniform(0.36, 0.52),
        height=rng.uniform(1.3, 1.75),
    )
    warmth = rng.uniform(0, 1)
    ambient = mix(rgb(226, 229, 234), rgb(236, 225, 206), warmth) * np.float32(rng.uniform(0.86, 1.12))
    sun = mix(rgb(78, 78, 80), rgb(92, 78, 56), warmth) * np.float32(rng.uniform(0.5, 1.3))
    side = float(rng.choice((-1, 1)))
    direction = np.array((side * rng.uniform(0.5, 0.9), 0.5, -rng.uniform(0.2, 0.6)))
    direction /= np.linalg.norm(direction)
    light = Light(sun, ambient, (float(direction[0]), float(direction[1]), float(direction[2])), ambient)
    room(Stage(canvas, camera, light, rng, shadows=0.38))
    return mix(rgb(255, 255, 255), rgb(255, 244, 228), float(rng.random()))


def _outdoors(canvas: Canvas, rng: np.random.Generator, kind: str) -> Colour:
    painter, horizons, heights, fog = _OUTDOORS[kind]
    hour = choose_hour(rng)
    camera = Camera(
        focal=rng.uniform(0.85, 1.35),
        centre=canvas.aspect * (0.5 + rng.uniform(-0.2, 0.2)),
        horizon=rng.uniform(*horizons),
        height=rng.uniform(*heights),
    )
    stage = Stage(canvas, camera, daylight(rng, hour, fog=fog * rng.uniform(0.3, 1.6)), rng)
    if hour.name in ("overcast", "white"):
        stage.shadows = 0.3
    painter(stage, hour)
    return hour.tint
