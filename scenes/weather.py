"""Skies and daylight: the hours a scene can be in, and the clouds above it."""

from dataclasses import dataclass

import numpy as np

from .ade import Ade
from .canvas import Floats
from .colours import Colour, mix, rgb
from .noise import fbm
from .stage import Light, Stage


@dataclass(frozen=True)
class Hour:
    """Colours of a time of day."""

    name: str
    zenith: Colour
    horizon: Colour
    sun: Colour
    ambient: Colour
    cloud: Colour
    tint: Colour
    elevation: float
    """Of the sun, in radians."""


HOURS = (
    Hour(
        "noon",
        rgb(74, 138, 214),
        rgb(196, 222, 240),
        rgb(150, 142, 126),
        rgb(150, 158, 172),
        rgb(255, 255, 255),
        rgb(255, 255, 255),
        0.95,
    ),
    Hour(
        "morning",
        rgb(108, 164, 220),
        rgb(250, 228, 200),
        rgb(160, 134, 98),
        rgb(146, 152, 170),
        rgb(255, 240, 224),
        rgb(255, 251, 244),
        0.5,
    ),
    Hour(
        "afternoon",
        rgb(86, 146, 206),
        rgb(232, 226, 206),
        rgb(168, 142, 104),
        rgb(138, 146, 164),
        rgb(255, 246, 232),
        rgb(255, 250, 240),
        0.6,
    ),
    Hour(
        "sunset",
        rgb(96, 108, 168),
        rgb(255, 190, 132),
        rgb(178, 112, 66),
        rgb(132, 122, 150),
        rgb(255, 186, 150),
        rgb(255, 243, 230),
        0.22,
    ),
    Hour(
        "overcast",
        rgb(166, 178, 190),
        rgb(214, 219, 222),
        rgb(36, 36, 38),
        rgb(206, 210, 216),
        rgb(232, 235, 238),
        rgb(250, 252, 255),
        0.8,
    ),
    Hour(
        "white",
        rgb(214, 222, 230),
        rgb(238, 241, 243),
        rgb(66, 64, 60),
        rgb(178, 182, 188),
        rgb(250, 251, 252),
        rgb(252, 252, 255),
        0.7,
    ),
)


def choose_hour(rng: np.random.Generator) -> Hour:
    """A time of day, bright hours more often."""
    return HOURS[int(rng.choice(len(HOURS), p=(0.24, 0.18, 0.2, 0.1, 0.14, 0.14)))]


def daylight(rng: np.random.Generator, hour: Hour, *, fog: float) -> Light:
    """Sunlight of that hour from a random side, with haze of the given density per metre."""
    azimuth = rng.uniform(0.5, 1.25) * rng.choice((-1, 1)) + np.pi
    level = np.cos(hour.elevation)
    # Cosine of the azimuth is negative: the sun stands behind the camera, to the left or right.
    direction = (float(np.sin(azimuth) * level), float(np.sin(hour.elevation)), float(np.cos(azimuth) * level))
    exposure = np.float32(rng.uniform(0.86, 1.12))
    return Light(hour.sun * exposure, hour.ambient * exposure, direction, mix(hour.horizon, hour.zenith, 0.25), fog)


def sky(stage: Stage, hour: Hour, *, horizon: float | None = None) -> None:
    """Fill the whole canvas with sky down to a horizon (default: the camera's); what comes later covers it."""
    rng = stage.rng
    offset = rng.uniform(0, 100, 2).astype(np.float32)
    grey = hour.name in ("overcast", "white")
    cover = rng.uniform(-1.0, 0.2) if grey else rng.uniform(-0.3, 1.3)
    stretch = np.float32(rng.uniform(1.2, 2.2))
    size = rng.uniform(0.55, 1.3)
    low = np.float32(max(stage.camera.horizon if horizon is None else horizon, 0.25))
    strength = np.float32(rng.uniform(0.35, 0.7) if grey else rng.uniform(0.75, 0.95))

    def paint(x: Floats, y: Floats) -> Floats:
        height = np.clip(1 - y / low, 0, 1)
        gradient = hour.horizon + (hour.zenith - hour.horizon) * (height[..., None] ** np.float32(0.7))
        # Clouds lie on a ceiling: they crowd together towards the horizon.
        near = 1 / (height + np.float32(0.3))
        u = (x - np.float32(stage.camera.centre)) * near + offset[0]
        v = near * stretch + offset[1]
        foot = near * near * np.float32(stage.canvas.pixel * 0.8)
        body = fbm(u, v, size, beta=1.7) + fbm(u, v, size * 0.25, beta=1.25, footprint=foot) * np.float32(0.22)
        lit = fbm(u + np.float32(0.06), v + np.float32(0.14), size, beta=1.7)
        amount = np.clip((body - np.float32(cover)) * np.float32(0.9), 0, 1)
        amount = (amount * amount * (3 - 2 * amount))[..., None] * strength
        shade = np.clip(
            np.float32(0.93) + (body - lit)[..., None] * np.float32(0.2) - amount * np.float32(0.06), 0.74, 1.06
        )
        return np.asarray(gradient + (hour.cloud * shade - gradient) * amount, np.float32)

    stage.canvas.stamp(*stage.canvas.whole(), paint, Ade.SKY)
    side = -np.sign(stage.light.direction[0])
    stage.canvas.glow(stage.canvas.aspect * (0.5 - 0.75 * side), float(low) * 0.6, 0.5, hour.horizon * np.float32(0.35))
