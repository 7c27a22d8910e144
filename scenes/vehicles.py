"""Cars and buses as solids in perspective; bicycles, boats and aeroplanes as figures."""

from itertools import pairwise

import numpy as np
import numpy.typing as npt

from .ade import Ade
from .colours import Colour, mix, oklch, rgb
from .figure import Figure
from .stage import Stage

Array = npt.NDArray[np.float64]

_PROFILES = (
    # (lower body, cabin): side outlines in metres from the rear (left) to the front, up is y.
    (
        [(-2.1, 0.3), (-2.16, 0.62), (-2.1, 0.9), (-1.2, 0.97), (0.95, 0.94), (1.95, 0.78), (2.12, 0.6), (2.12, 0.3)],
        [(-1.75, 0.93), (-1.15, 1.42), (0.15, 1.44), (1.05, 0.92)],
    ),
    (
        [(-1.85, 0.3), (-1.9, 0.66), (-1.86, 0.95), (-1.2, 0.99), (1.0, 0.96), (1.72, 0.82), (1.88, 0.6), (1.88, 0.3)],
        [(-1.86, 0.95), (-1.55, 1.5), (0.2, 1.52), (1.08, 0.95)],
    ),
    (
        [(-2.2, 0.4), (-2.24, 0.8), (-2.2, 1.08), (-1.2, 1.1), (1.1, 1.08), (2.05, 0.98), (2.2, 0.7), (2.2, 0.4)],
        [(-2.18, 1.07), (-1.95, 1.72), (0.35, 1.74), (1.2, 1.07)],
    ),
)
_GLASS = rgb(58, 72, 84)
_TYRE = rgb(34, 34, 36)


def car_colour(rng: np.random.Generator) -> Colour:
    """Paint: half of all cars are white, grey or black."""
    if rng.random() < 0.5:
        return oklch(float(rng.choice((0.36, 0.5, 0.72, 0.86, 0.94))), 0.01, 250)
    return oklch(
        rng.uniform(0.42, 0.66),
        rng.uniform(0.1, 0.19),
        float(rng.choice((25.0, 40.0, 90.0, 150.0, 240.0, 260.0, 200.0))),
    )


def car(stage: Stage, centre: tuple[float, float], heading: float) -> None:
    """A car at (X, Z); ``heading`` 0 faces +X, pi / 2 drives away from the camera."""
    rng = stage.rng
    lower, cabin = _PROFILES[int(rng.integers(len(_PROFILES)))]
    paint = car_colour(rng)
    number = stage.canvas.new_id(Ade.CAR)
    stage.shadow(centre, (4.3, 1.8), yaw=heading)
    solid = _Solid(stage, centre, heading, Ade.CAR, number)
    half = 0.88
    near = solid.near_side(half)
    # The dark underbody joins the wheels to the car.
    solid.side([(-1.9, 0.16), (1.9, 0.16), (1.9, 0.45), (-1.9, 0.45)], near * half * 0.97, rgb(30, 30, 32))
    solid.extrude([(-2.0, 0.18), (-2.0, 0.5), (2.0, 0.5), (2.0, 0.18)], half * 0.9, half * 0.9, rgb(30, 30, 32))
    solid.extrude(lower, half, half, paint)
    # Darker towards the sill, the light of the sky along the shoulder.
    for level, tone in ((0.0, 0.74), (0.45, 0.84), (0.58, 0.93), (0.7, 1.02), (0.84, 1.12)):
        solid.side([(x, max(y, level)) for x, y in lower], near * half, paint * np.float32(tone))
    axles = (lower[0][0] + 0.72, lower[-1][0] - 0.78)
    for axle in axles:
        solid.side(_circle(axle, 0.33, 0.39, upper=True), near * half * 1.001, rgb(26, 26, 28))
    solid.extrude(cabin, half * 0.97, half * 0.78, paint, glass=True)
    solid.cabin_side(cabin, near, half, paint)
    for axle in axles:
        solid.side(_circle(axle, 0.33, 0.33), near * half * 1.002, _TYRE)
        solid.side(_circle(axle, 0.33, 0.2), near * half * 1.003, rgb(150, 152, 156))
        solid.side(_circle(axle, 0.33, 0.07), near * half * 1.004, rgb(70, 72, 76))
    solid.side([(-0.35, 0.5), (-0.32, 0.5), (-0.32, 0.92), (-0.35, 0.92)], near * half * 1.002, paint * np.float32(0.7))
    front, rear = lower[-1][0], lower[1][0]
    for z in (-0.62, 0.62):
        solid.end(front + 0.01, (z - 0.19, z + 0.19), (0.58, 0.74), rgb(250, 244, 214))
        solid.end(rear - 0.01, (z - 0.17, z + 0.17), (0.66, 0.84), rgb(190, 30, 34))
    solid.end(front + 0.01, (-0.36, 0.36), (0.56, 0.7), rgb(44, 46, 50))
    for x in (front + 0.012, rear - 0.012):
        solid.end(x, (-0.26, 0.26), (0.42, 0.53), rgb(238, 236, 226))
    solid.paint()


def bus(stage: Stage, centre: tuple[float, float], heading: float) -> None:
    """A city bus at (X, Z)."""
    paint = oklch(stage.rng.uniform(0.5, 0.7), 0.15, float(stage.rng.choice((25.0, 150.0, 250.0, 80.0))))
    number = stage.canvas.new_id(Ade.BUS)
    stage.shadow(centre, (9.0, 2.5), yaw=heading)
    solid = _Solid(stage, centre, heading, Ade.BUS, number)
    half = 1.2
    near = solid.near_side(half)
    profile = [(-4.5, 0.35), (-4.5, 2.8), (-4.3, 3.0), (4.3, 3.0), (4.55, 2.7), (4.55, 0.35)]
    solid.extrude(profile, half, half, paint)
    solid.side(profile, near * half, paint)
    solid.side([(-4.5, 0.5), (4.5, 0.5), (4.5, 0.85), (-4.5, 0.85)], near * half * 1.001, paint * np.float32(0.72))
    for x in np.arange(-4.2, 4.0, 1.2):
        solid.side([(x, 1.35), (x + 1.08, 1.35), (x + 1.08, 2.4), (x, 2.4)], near * half * 1.001, _GLASS)
    for x, low in ((4.56, 1.1), (-4.51, 1.5)):
        solid.end(x, (-1.08, 1.08), (low, 2.45), _GLASS)
    for z in (-0.9, 0.9):
        solid.end(4.57, (z - 0.15, z + 0.15), (0.6, 0.8), rgb(250, 244, 214))
        solid.end(-4.52, (z - 0.12, z + 0.12), (0.7, 1.0), rgb(190, 30, 34))
    for axle in (-2.9, 2.8):
        solid.side(_circle(axle, 0.48, 0.48), near * half * 1.002, _TYRE)
        solid.side(_circle(axle, 0.48, 0.24), near * half * 1.003, rgb(140, 142, 146))
    solid.paint()


class _Solid:
    """A body given by side outlines (length, height) and turned in the world."""

    def __init__(self, stage: Stage, centre: tuple[float, float], heading: float, label: Ade, number: int) -> None:
        self.stage, self.label, self.number = stage, label, number
        self.figure = Figure()
        self.figure.grain = 0.0
        self.centre = np.array(centre)
        self.along = np.array((np.cos(heading), np.sin(heading)))
        self.across = np.array((-np.sin(heading), np.cos(heading)))

    def place(self, points: list[tuple[float, float, float]]) -> Array:
        """Local (length, height, width) to the world."""
        local = np.asarray(points)
        ground = self.centre + local[:, :1] * self.along + local[:, 2:] * self.across
        return np.column_stack([ground[:, 0], local[:, 1], ground[:, 1]])

    def facet(self, points: list[tuple[float, float, float]], colour: Colour) -> None:
        """A flat piece given by local points."""
        found = self.stage.facet(self.place(points), colour)
        if found is not None:
            self.figure.polygon(found[0] * (1.0, -1.0), found[1])

    def pane(self, points: list[tuple[float, float, float]]) -> None:
        """Glass, its lower edge given first: dark below, some sky above."""
        low, high = np.array(points[:2]), np.array(points[:1:-1])
        for share in (0.0, 0.2, 0.36, 0.52, 0.68, 0.84):
            edge = low + (high - low) * share
            corners = [*edge.tolist(), *points[2:]]
            self.facet(corners, mix(_GLASS * np.float32(0.75), rgb(150, 176, 196), 0.6 * share))

    def paint(self) -> None:
        """Put everything gathered onto the canvas."""
        if self.figure.outlines:
            self.figure.paint(self.stage.canvas, (0.0, 0.0, 1.0), self.label, self.number)

    def near_side(self, half: float) -> int:
        """Which side (+1 or -1) turns to the camera."""
        return 1 if float(np.dot(self.across, -self.centre)) > 0 else -1

    def side(self, outline: list[tuple[float, float]], z: float, colour: Colour) -> None:
        """A flat piece on a side, when that side is seen at all."""
        if abs(float(np.dot(self.across, self.centre))) <= abs(z):
            return
        self.facet([(x, y, z) for x, y in outline], colour)

    def end(self, x: float, z: tuple[float, float], y: tuple[float, float], colour: Colour) -> None:
        """A flat piece on the front (x > 0) or the rear, when that end is seen."""
        seen = -float(np.dot(self.along, self.centre))
        if (x > 0 and seen > x) or (x < 0 and seen < x):
            corners = [(x, y[0], z[0]), (x, y[0], z[1]), (x, y[1], z[1]), (x, y[1], z[0])]
            self.facet(corners, colour)

    def extrude(
        self, outline: list[tuple[float, float]], low: float, high: float, colour: Colour, *, glass: bool = False
    ) -> None:
        """The faces across the body for every edge of an outline that turns to the camera."""
        bottom, top = min(y for _, y in outline), max(y for _, y in outline)
        faces = []
        for (x0, y0), (x1, y1) in pairwise(outline):
            w0 = low + (high - low) * (y0 - bottom) / (top - bottom)
            w1 = low + (high - low) * (y1 - bottom) / (top - bottom)
            face = [(x0, y0, -w0), (x0, y0, w0), (x1, y1, w1), (x1, y1, -w1)]
            outward = np.array((-(y1 - y0), x1 - x0))
            eye_x = float(np.dot(self.along, -self.centre))
            eye_y = self.stage.camera.height
            if float(np.dot(outward, (eye_x - x0, eye_y - y0))) <= 0:
                continue
            faces.append((float(self.place(face)[:, 2].mean()), face, (x0, y0, w0), (x1, y1, w1)))
        for _, face, (x0, y0, w0), (x1, y1, w1) in sorted(faces, key=lambda f: -f[0]):
            self.facet(face, colour)
            if glass and abs(y1 - y0) > 0.2:
                a, b = (0.12, 0.9) if y1 > y0 else (0.88, 0.1)
                pane = [
                    (x0 + (x1 - x0) * t, y0 + (y1 - y0) * t, s * (w0 + (w1 - w0) * t) * 0.88)
                    for t, s in ((a, -1), (a, 1), (b, 1), (b, -1))
                ]
                self.pane(pane)

    def cabin_side(self, outline: list[tuple[float, float]], near: int, half: float, colour: Colour) -> None:
        """The cabin's leaning side with its windows."""
        bottom, top = outline[0][1], outline[1][1]
        if abs(float(np.dot(self.across, self.centre))) <= half:
            return

        def lean(x: float, y: float) -> tuple[float, float, float]:
            return x, y, near * half * (0.97 - 0.19 * (y - bottom) / (top - bottom))

        (x0, y0), (x1, y1), (x2, y2), (x3, y3) = outline
        self.facet([lean(x0, y0), lean(x3, y3), lean(x2, y2), lean(x1, y1)], colour)
        middle = -0.34
        low, high = bottom + 0.06, top - 0.08

        def rear(y: float) -> float:
            return x0 + (x1 - x0) * (y - y0) / (y1 - y0) + 0.2

        def fore(y: float) -> float:
            return x3 + (x2 - x3) * (y - y3) / (y2 - y3) - 0.14

        for a, b, c, d in (
            (rear(low), middle - 0.05, middle - 0.05, rear(high)),
            (middle + 0.05, fore(low), fore(high), middle + 0.05),
        ):
            pane = [lean(a, low), lean(b, low), lean(c, high), lean(d, high)]
            self.pane(pane)


def _circle(x: float, y: float, radius: float, *, upper: bool = False) -> list[tuple[float, float]]:
    angle = np.linspace(0, np.pi if upper else 2 * np.pi, 18, endpoint=upper)
    return [(x + radius * float(np.cos(a)), y + radius * float(np.sin(a))) for a in angle]


def bicycle(rng: np.random.Generator) -> Figure:
    """A bicycle from the side, 1.7 m long, its wheels on y = 0."""
    figure = Figure()
    figure.grain = 0.012
    paint = oklch(rng.uniform(0.4, 0.7), rng.uniform(0.05, 0.17), rng.uniform(0, 360))
    for x in (-0.52, 0.52):
        ring = [(x + 0.33 * np.cos(a), 0.34 + 0.33 * np.sin(a)) for a in np.linspace(0, 2 * np.pi, 22)]
        figure.limb(ring, 0.05, rgb(40, 40, 42), round_=0)
        for a in np.linspace(0, np.pi, 5, endpoint=False):
            dx, dy = 0.31 * np.cos(a), 0.31 * np.sin(a)
            figure.limb([(x - dx, 0.34 - dy), (x + dx, 0.34 + dy)], 0.012, rgb(160, 162, 166), round_=0)
    pedal, seat, bar = (-0.06, 0.32), (-0.2, 0.82), (0.34, 0.86)
    for line in (
        [(-0.52, 0.34), pedal, bar],
        [pedal, seat],
        [(-0.52, 0.34), (-0.17, 0.72), (0.35, 0.76)],
        [(0.52, 0.34), bar],
    ):
        figure.limb(line, 0.05, paint, round_=0.6)
    figure.limb([bar, (0.32, 0.98), (0.46, 1.02)], 0.04, rgb(50, 50, 54))
    figure.limb([(-0.32, 0.88), (-0.08, 0.86)], [0.09, 0.05], rgb(44, 36, 32))
    return figure


def boat(rng: np.random.Generator) -> Figure:
    """A sailing boat or a small motor boat about 4 m long, its waterline at y = 0."""
    figure = Figure()
    figure.grain = 0.012
    hull = oklch(rng.uniform(0.35, 0.95), rng.uniform(0.01, 0.15), rng.uniform(0, 360))
    deck = rgb(206, 172, 128)
    sail = rng.random() < 0.6
    figure.polygon([(-2.0, 0.62), (2.3, 0.72), (1.7, 0.0), (-1.75, 0.0)], hull)
    figure.polygon([(-1.8, 0.18), (1.85, 0.18), (1.7, 0.0), (-1.75, 0.0)], hull * np.float32(0.62))
    figure.polygon([(-2.0, 0.66), (2.32, 0.76), (2.2, 0.62), (-1.98, 0.52)], deck)
    if sail:
        cloth = (rgb(246, 242, 230), rgb(222, 96, 70), rgb(240, 206, 120))[int(rng.integers(3))]
        figure.limb([(0.1, 0.6), (0.1, 5.4)], 0.1, rgb(120, 88, 60))
        figure.polygon([(0.0, 0.95), (0.0, 5.2), (-0.9, 2.6), (-1.7, 0.95)], cloth)
        figure.polygon([(0.22, 1.0), (0.2, 4.9), (1.1, 2.5), (2.0, 0.95)], cloth * np.float32(0.9))
    else:
        figure.polygon([(-1.1, 0.66), (0.7, 0.7), (0.45, 1.5), (-1.0, 1.5)], rgb(240, 238, 230))
        figure.polygon([(-0.9, 1.0), (0.5, 1.0), (0.38, 1.38), (-0.85, 1.38)], _GLASS)
        figure.limb([(-0.3, 1.5), (-0.3, 2.3)], 0.06, rgb(90, 90, 94))
    return figure


def aeroplane(rng: np.random.Generator) -> Figure:
    """An airliner in flight from the side, about 10 units long around the origin."""
    figure = Figure()
    figure.grain = 0.012
    trim = oklch(0.5, 0.16, rng.uniform(0, 360))
    body = rgb(236, 238, 242)
    figure.polygon([(0.9, 0.1), (-1.6, 1.5), (-2.3, 1.5), (-0.9, 0.1)], body * np.float32(0.72))
    figure.polygon([(-3.9, 0.3), (-5.1, 2.1), (-4.3, 2.1), (-2.9, 0.4)], trim)
    figure.limb([(-4.9, 0.35), (-3.2, 0.05), (3.9, 0.0), (4.9, -0.16)], [0.3, 1.0, 1.06, 0.5], body)
    for x in np.arange(-3.2, 3.6, 0.42):
        figure.ball(x, 0.16, 0.11, 0.13, _GLASS, round_=0)
    figure.polygon([(4.3, 0.25), (4.9, 0.1), (4.9, -0.02), (4.2, 0.05)], _GLASS)
    figure.polygon([(1.1, -0.25), (-1.9, -2.0), (-2.7, -2.0), (-1.1, -0.25)], body * np.float32(0.86))
    figure.limb([(-0.9, -0.95), (0.2, -0.95)], [0.36, 0.46], trim)
    return figure
