"""What is on a room's walls: windows with their views and curtains, doors, pictures, clocks."""

import numpy as np

from .ade import Ade
from .canvas import Floats
from .colours import mix, oklch, rgb
from .figure import Figure
from .noise import fbm
from .stage import Texture
from .textures import fabric, rough, wood
from .walls import Room


def openings(r: Room) -> None:
    """Windows with curtains, a door, pictures, a clock, on free stretches of the walls."""
    stage, rng = r.stage, r.stage.rng
    towards = "left" if stage.light.direction[0] < 0 else "right"
    window_wall = "back" if rng.random() < 0.55 else towards
    used: dict[str, list[tuple[float, float]]] = {"back": [], "left": [], "right": []}

    def fit(wall: str, width: float) -> float | None:
        start, stop = r.span(wall)
        for _ in range(6):
            if stop - start < width + 0.3:
                return None
            at = rng.uniform(start + 0.15, stop - width - 0.15)
            if all(at + width + 0.1 < a or b + 0.1 < at for a, b in used[wall]):
                used[wall].append((at, at + width))
                return float(at)
        return None

    wide, low, high = rng.uniform(1.0, 2.0), rng.uniform(0.75, 1.0), rng.uniform(1.95, 2.2)
    curtained = rng.random() < 0.65
    gap = 0.35 if curtained else 0.1
    at = fit(window_wall, wide + 2 * gap)
    if at is not None:
        _window(r, window_wall, at + gap, at + gap + wide, low, high, curtained)
    if rng.random() < 0.6:
        wall = str(rng.choice(("back", "left", "right")))
        at = fit(wall, 1.05)
        if at is not None:
            _door(r, wall, at + 0.08)
    for _ in range(int(rng.integers(1, 6))):
        wall = str(rng.choice(("back", "back", "left", "right")))
        size = rng.uniform(0.4, 1.1)
        at = fit(wall, size)
        if at is not None:
            tall = size * rng.uniform(0.65, 1.3)
            middle = rng.uniform(1.45, 1.75)
            bottom, top = max(middle - tall / 2, 0.9), min(middle + tall / 2, r.high - 0.15)
            label = Ade.MIRROR if rng.random() < 0.12 else Ade.PAINTING
            _framed(r, wall, at, at + size, bottom, top, label)
    if rng.random() < 0.15:
        at = fit("back", 0.4)
        if at is not None:
            _clock(r, at + 0.2)


def _window(r: Room, wall: str, start: float, stop: float, low: float, high: float, curtained: bool) -> None:
    stage, rng = r.stage, r.stage.rng
    number = stage.canvas.new_id(Ade.WINDOWPANE)
    frame = rgb(246, 244, 238) if rng.random() < 0.7 else r.timber
    one = np.ones(3, np.float32)
    stage.quad(
        r.on_wall(wall, start - 0.09, stop + 0.09, low - 0.09, high + 0.09, 0.02),
        frame * np.float32(0.94),
        Ade.WINDOWPANE,
        number,
    )
    view = _view(rng, high - low)
    stage.quad(r.on_wall(wall, start, stop, low, high, 0.021), view, Ade.WINDOWPANE, number, lit=one)
    columns = max(1, round((stop - start) / 0.6))
    for i in range(1, columns):
        x = start + (stop - start) * i / columns
        stage.quad(r.on_wall(wall, x - 0.025, x + 0.025, low, high, 0.025), frame, Ade.WINDOWPANE, number)
    if rng.random() < 0.6:
        y = low + (high - low) * rng.choice((0.5, 0.68))
        stage.quad(r.on_wall(wall, start, stop, y - 0.02, y + 0.02, 0.025), frame, Ade.WINDOWPANE, number)
    stage.quad(r.on_wall(wall, start - 0.14, stop + 0.14, low - 0.13, low - 0.08, 0.06), frame, Ade.WINDOWPANE, number)
    middle = r.on_wall(wall, (start + stop) / 2, (start + stop) / 2, (low + high) / 2, (low + high) / 2)[0]
    x, y, unit = stage.at(*middle)
    stage.canvas.glow(x, y, 0.75 * unit, rgb(255, 246, 226) * np.float32(rng.uniform(0.12, 0.32)))
    _sunbeam(r, wall, start, stop, low, high)
    if curtained:
        cloth = fabric(
            mix(r.accent, rgb(250, 246, 238), rng.uniform(0, 0.6)), amount=0.03, folds=rng.uniform(0.1, 0.17)
        )
        bottom = 0.06 if rng.random() < 0.7 else low - 0.25
        fold = rng.uniform(0.28, 0.42)
        for a, b in ((start - 0.3, start - 0.3 + fold), (stop + 0.3 - fold, stop + 0.3)):
            stage.quad(r.on_wall(wall, a, b, bottom, high + 0.2, 0.09), cloth, Ade.CURTAIN)
        stage.quad(
            r.on_wall(wall, start - 0.42, stop + 0.42, high + 0.18, high + 0.22, 0.1), r.timber * np.float32(0.6)
        )


def _view(rng: np.random.Generator, height: float) -> Texture:
    """What is seen through a window: bright sky over greenery."""
    sky_, haze = oklch(rng.uniform(0.8, 0.92), 0.05, 240), rgb(250, 248, 240)
    green = oklch(rng.uniform(0.55, 0.75), 0.09, rng.uniform(115, 145))
    offset = np.float32(rng.uniform(0, 30))
    line = rng.uniform(0.15, 0.6) * height

    def texture(u: Floats, v: Floats, foot: Floats) -> Floats:
        share = np.clip(v / np.float32(height), 0, 1)[..., None]
        colour = haze + (sky_ - haze) * share
        crown = np.float32(line) + fbm(u + offset, v * np.float32(0.4), 0.7, beta=1.0) * np.float32(0.13)
        tone = green * (1 + fbm(u + offset, v, 0.3, beta=0.9) * np.float32(0.14))[..., None]
        amount = np.clip((crown - v) / np.float32(0.03), 0, 1)[..., None]
        return np.asarray(colour + (tone - colour) * amount, np.float32)

    return texture


def _sunbeam(r: Room, wall: str, start: float, stop: float, low: float, high: float) -> None:
    """The window's patch of sun on the floor."""
    stage = r.stage
    sun = np.array(stage.light.direction)
    if wall == "back":
        sun = np.array((sun[0] * 0.5, 0.62, 0.6))
    landed = []
    for corner in r.on_wall(wall, start, stop, low, high):
        point = np.array(corner) - sun * (corner[1] / max(sun[1], 0.2))
        landed.append((float(np.clip(point[0], r.left, r.right)), 0.0, float(np.clip(point[2], 0.3, r.back))))
    outline = stage.camera.project(np.array(landed))
    stage.canvas.multiply([outline], np.array((1.34, 1.28, 1.14), np.float32), blur=0.008)


def _door(r: Room, wall: str, at: float) -> None:
    stage, rng = r.stage, r.stage.rng
    number = stage.canvas.new_id(Ade.DOOR)
    leaf = rgb(240, 238, 230) if rng.random() < 0.45 else r.timber if rng.random() < 0.6 else r.accent
    trim = mix(leaf, rgb(250, 248, 244), 0.6)
    stage.quad(r.on_wall(wall, at - 0.08, at + 0.98, 0, 2.13, 0.02), trim, Ade.DOOR, number)
    panel = wood(leaf, along_u=False)

    def texture(u: Floats, v: Floats, foot: Floats) -> Floats:
        soft = np.maximum(foot, 0.003)
        du = np.minimum(np.abs(u - np.float32(0.26)), np.abs(u - np.float32(0.64)))
        dv = np.where(
            v < 0.95, np.abs(v - np.float32(0.5)) - np.float32(0.35), np.abs(v - np.float32(1.5)) - np.float32(0.42)
        )
        edge = np.maximum(du - np.float32(0.14), dv)
        line = np.clip((np.float32(0.018) - np.abs(edge)) / soft + 0.5, 0, 1) * np.float32(0.25)
        colour = panel(u, v, foot) * (1 - line)[..., None]
        knob = np.clip((np.float32(0.035) - np.hypot(u - np.float32(0.82), v - np.float32(1.0))) / soft + 0.5, 0, 1)[
            ..., None
        ]
        return np.asarray(colour + (rgb(214, 190, 130) - colour) * knob, np.float32)

    stage.quad(r.on_wall(wall, at, at + 0.9, 0, 2.05, 0.022), texture, Ade.DOOR, number)


def _framed(r: Room, wall: str, start: float, stop: float, low: float, high: float, label: Ade) -> None:
    stage, rng = r.stage, r.stage.rng
    number = stage.canvas.new_id(label)
    frame = (rgb(40, 36, 34), rgb(196, 160, 96), rgb(244, 240, 232), r.timber)[int(rng.integers(4))]
    shadow = stage.camera.project(np.array(r.on_wall(wall, start, stop, low - 0.05, high - 0.05)))
    stage.canvas.multiply([shadow], np.full(3, 0.72, np.float32), blur=0.012)
    stage.quad(r.on_wall(wall, start, stop, low, high, 0.03), frame, label, number)
    inner = r.on_wall(wall, start + 0.05, stop - 0.05, low + 0.05, high - 0.05, 0.031)
    if label == Ade.MIRROR:
        stage.quad(inner, rough(mix(r.wall, rgb(214, 224, 230), 0.6), size=5.0, amount=0.09, beta=2.0), label, number)
        return
    if rng.random() < 0.5:
        stage.quad(inner, rgb(246, 242, 232), label, number)
        inner = r.on_wall(wall, start + 0.12, stop - 0.12, low + 0.12, high - 0.12, 0.032)
    stage.quad(inner, _art(rng, stop - start, high - low), label, number)


def _art(rng: np.random.Generator, width: float, height: float) -> Texture:
    """A small landscape or an abstract of discs and bands."""
    hue = rng.uniform(0, 360)
    tones = [oklch(rng.uniform(0.35, 0.9), rng.uniform(0.04, 0.15), hue + d) for d in (0, 30, 150, 190, 60)]
    landscape = rng.random() < 0.5
    offset = np.float32(rng.uniform(0, 20))
    discs = [
        (rng.uniform(0, width), rng.uniform(0, height), rng.uniform(0.08, 0.35) * width)
        for _ in range(int(rng.integers(1, 4)))
    ]

    def texture(u: Floats, v: Floats, foot: Floats) -> Floats:
        colour: Floats = tones[0] + (tones[1] - tones[0]) * np.clip(v / np.float32(height), 0, 1)[..., None]
        for i, (x, y, radius) in enumerate(discs):
            amount = np.clip(
                (np.float32(radius) - np.hypot(u - np.float32(x), v - np.float32(y))) / np.float32(0.01), 0, 1
            )[..., None]
            colour = colour + (tones[(i + 2) % 5] - colour) * amount
        if landscape:
            for i, level in enumerate((0.55, 0.38, 0.2)):
                line = np.float32(level * height) + fbm(u + offset * (i + 1), v * 0, 0.5, beta=1.5) * np.float32(
                    0.08 * height
                )
                amount = np.clip((line - v) / np.float32(0.012), 0, 1)[..., None]
                colour = colour + (tones[(i + 3) % 5] * np.float32(0.9 - 0.12 * i) - colour) * amount
        return np.asarray(
            colour * (1 + fbm(u, v, 0.08, beta=0.9, footprint=foot) * np.float32(0.05))[..., None], np.float32
        )

    return texture


def _clock(r: Room, x: float) -> None:
    px, py, unit = r.stage.at(x, 1.95, r.back - 0.03)
    face = Figure()
    face.ball(0, 0, 0.18, 0.18, rgb(52, 46, 42), round_=0)
    face.ball(0, 0, 0.155, 0.155, rgb(248, 244, 234), round_=0)
    for angle, reach in ((r.stage.rng.uniform(0, 6.3), 0.08), (r.stage.rng.uniform(0, 6.3), 0.12)):
        face.limb([(0, 0), (reach * np.cos(angle), reach * np.sin(angle))], 0.018, rgb(36, 32, 30), round_=0)
    face.paint(r.stage.canvas, (px, py, unit), Ade.CLOCK, tint=r.stage.light.on((0, 0, -1)))
