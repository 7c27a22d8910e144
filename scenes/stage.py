"""A lit, foggy world in front of a pinhole camera, painted onto a canvas."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from .ade import Ade
from .canvas import Canvas, Floats, Shader
from .colours import Colour

Points3 = npt.NDArray[np.float64]
Texture = Callable[[Floats, Floats, Floats], Floats]
"""From surface coordinates u, v and a pixel's footprint (all in metres, (h, w)) to colours (h, w, 3)."""
Material = Texture | Colour

NEAR = 0.15
_THICKEST = 0.45
"""Most of the fog's colour that ground ever takes on: even far meadows stay green."""


@dataclass(frozen=True)
class Camera:
    """A level pinhole camera looking along +Z, its vanishing point anywhere in the picture.

    World coordinates are metres: X right, Y up from the ground, Z forward from the camera.
    """

    focal: float
    """In units of the picture's height."""
    centre: float
    """Where X = 0 vanishes, in canvas units."""
    horizon: float
    """Where the camera's own height vanishes, in canvas units."""
    height: float
    """Of the eye above the ground, in metres."""

    def project(self, points: Points3) -> npt.NDArray[np.float64]:
        """World points (N, 3) to canvas points (N, 2)."""
        depth = np.maximum(points[:, 2], NEAR)
        x = self.centre + self.focal * points[:, 0] / depth
        y = self.horizon - self.focal * (points[:, 1] - self.height) / depth
        return np.stack([x, y], 1)

    def surface(self, origin: Points3, along_u: Points3, along_v: Points3) -> npt.NDArray[np.float64]:
        """The 3x3 matrix from canvas (x, y, 1) to (u, v, 1) / depth on the plane origin + u U + v V."""
        eye = np.array((0.0, self.height, 0.0))
        plane = np.stack([along_u, along_v, origin - eye], 1)
        ray = np.array(
            (
                (1 / self.focal, 0, -self.centre / self.focal),
                (0, -1 / self.focal, self.horizon / self.focal),
                (0, 0, 1.0),
            )
        )
        return np.asarray(np.linalg.solve(plane + np.eye(3) * 1e-9, ray))

    def reach(self, y: float) -> float:
        """How far the ground is at canvas height ``y`` below the horizon, in metres."""
        return self.focal * self.height / max(y - self.horizon, 1e-3)


@dataclass(frozen=True)
class Light:
    """Sun and sky of a scene."""

    sun: Colour
    ambient: Colour
    direction: tuple[float, float, float]
    """Towards the sun, unit length."""
    fog: Colour
    density: float = 0.0
    """Of the fog, per metre."""

    def on(self, normal: Sequence[float] | npt.NDArray[np.float64]) -> Colour:
        """The colour factor of a matt surface with this unit normal."""
        facing = max(0.0, float(np.dot(normal, self.direction)))
        # Upward faces see more of the sky than downward ones.
        return np.asarray(
            self.ambient * np.float32(0.85 + 0.15 * float(normal[1])) + self.sun * np.float32(facing), np.float32
        )

    def haze(self, distance: float) -> float:
        """How much of the fog's colour is in front of something at that distance, 0..1."""
        return float(1 - np.exp(-self.density * distance))


@dataclass
class Stage:
    """What scene painters work on: the canvas, the camera, the light and the scene's random numbers."""

    canvas: Canvas
    camera: Camera
    light: Light
    rng: np.random.Generator
    shadows: float = field(default=0.45)
    """Depth of shadows on the ground, 0..1."""

    def quad(
        self,
        corners: Sequence[Sequence[float]] | Points3,
        material: Material,
        label: Ade | None = None,
        number: int | None = None,
        *,
        lit: Colour | float | None = None,
        opacity: float = 1.0,
    ) -> None:
        """A flat polygon in the world, textured in metres from its first corner.

        U runs towards the second corner and V towards the last. ``lit`` replaces the light that falls on it.
        """
        world = np.asarray(corners, np.float64)
        if not callable(material):
            facet = self.facet(world, material, lit=lit)
            if facet is not None:
                self.canvas.fill([facet[0]], facet[1], label, number, opacity=opacity)
            return
        visible, normal = clip_near(world), self._normal(world)
        if normal is None or len(visible) < 3:
            return
        first, last = world[1] - world[0], world[-1] - world[0]
        u_axis = first / np.linalg.norm(first)
        v_axis = last - np.dot(last, u_axis) * u_axis
        v_axis /= np.linalg.norm(v_axis)
        factor = self.light.on(normal) if lit is None else np.asarray(lit, np.float32)
        paint = self.shader(world[0], u_axis, v_axis, material, factor)
        self.canvas.fill([self.camera.project(visible)], paint, label, number, opacity=opacity)

    def facet(
        self, corners: Sequence[Sequence[float]] | Points3, colour: Colour, *, lit: Colour | float | None = None
    ) -> tuple[npt.NDArray[np.float64], Colour] | None:
        """A flat polygon of one colour as it appears: its canvas outline (N, 2) and its lit, fogged colour.

        None when it is behind the camera or has no area. Faces of one thing are cheapest gathered in a ``Figure``.
        """
        world = np.asarray(corners, np.float64)
        visible, normal = clip_near(world), self._normal(world)
        if normal is None or len(visible) < 3:
            return None
        flat = colour * (self.light.on(normal) if lit is None else np.asarray(lit, np.float32))
        # One colour needs no surface: the fog at its middle will do.
        haze = np.float32(_THICKEST * self.light.haze(float(visible[:, 2].mean())))
        return self.camera.project(visible), np.asarray(flat + (self.light.fog - flat) * haze, np.float32)

    def _normal(self, world: Points3) -> Points3 | None:
        """The unit normal of a polygon, turned to the camera; none when it has no area."""
        (ax, ay, az), (bx, by, bz) = (world[1] - world[0]).tolist(), (world[-1] - world[0]).tolist()
        x, y, z = ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx
        length = math.sqrt(x * x + y * y + z * z)
        if length < 1e-9:
            return None
        ox, oy, oz = world[0].tolist()
        away = x * ox + y * (oy - self.camera.height) + z * oz > 0
        return np.array((x, y, z)) / (-length if away else length)

    def shader(
        self, origin: Points3, u_axis: Points3, v_axis: Points3, material: Texture, factor: Colour | Floats
    ) -> Shader:
        """Paint for a plane in the world: its material, lit and fogged by distance."""
        matrix = self.camera.surface(origin, u_axis, v_axis).astype(np.float32)
        light = self.light

        def paint(x: Floats, y: Floats) -> Floats:
            nearness = matrix[2, 0] * x + matrix[2, 1] * y + matrix[2, 2]
            depth = 1 / np.clip(nearness, 1e-4, None)
            u = (matrix[0, 0] * x + matrix[0, 1] * y + matrix[0, 2]) * depth
            v = (matrix[1, 0] * x + matrix[1, 1] * y + matrix[1, 2]) * depth
            colours = material(u, v, depth * np.float32(self.canvas.pixel / self.camera.focal))
            colours = colours * factor
            if light.density > 0:
                haze = np.float32(_THICKEST) * (1 - np.exp(-light.density * depth))
                colours = colours + (light.fog - colours) * haze[..., None]
            return np.asarray(colours, np.float32)

        return paint

    def box(
        self,
        centre: tuple[float, float],
        size: tuple[float, float, float],
        material: Material,
        label: Ade | None = None,
        number: int | None = None,
        *,
        base: float = 0.0,
        yaw: float = 0.0,
        top: Material | None = None,
        front: Material | None = None,
    ) -> None:
        """A cuboid standing at (X, Z) with size (width, height, depth), turned by ``yaw`` radians.

        ``top`` and ``front`` replace the material of the upper face and of the one turned to -Z at yaw 0.
        """
        if label is not None and number is None:
            number = self.canvas.new_id(label)
        corners = footprint(centre, (size[0], size[2]), yaw)
        low, high = base, base + size[1]
        eye = np.array((0.0, 0.0))
        for i in range(4):
            a, b = corners[i], corners[(i + 1) % 4]
            outward = np.array((b[1] - a[1], a[0] - b[0]))
            if np.dot(outward, eye - a) <= 0:
                continue
            face = [(a[0], low, a[1]), (b[0], low, b[1]), (b[0], high, b[1]), (a[0], high, a[1])]
            chosen = front if i == 0 and front is not None else material
            self.quad(face, chosen, label, number)
        level = high if high < self.camera.height else low if low > self.camera.height else None
        if level is not None:
            chosen = top if top is not None and level == high else material
            self.quad([(x, level, z) for x, z in corners], chosen, label, number)

    def shadow(
        self, centre: tuple[float, float], size: tuple[float, float], *, yaw: float = 0.0, depth: float = 1.0
    ) -> None:
        """A soft contact shadow on the ground under a footprint."""
        grown = footprint(centre, (size[0] * 1.08, size[1] * 1.08), yaw)
        world = clip_near(np.array([(x, 0.0, z) for x, z in grown]))
        if len(world) < 3:
            return
        distance = max(centre[1], 0.5)
        blur = 0.12 * self.camera.focal * min(size) / distance
        colour = np.full(3, 1 - self.shadows * depth, np.float32)
        self.canvas.multiply([self.camera.project(world)], colour, blur=min(blur, 0.08))

    def at(self, x: float, y: float, z: float) -> tuple[float, float, float]:
        """The canvas point of a world point, and canvas units per metre there."""
        point = self.camera.project(np.array(((x, y, z),)))[0]
        return float(point[0]), float(point[1]), self.camera.focal / max(z, NEAR)


def footprint(centre: tuple[float, float], size: tuple[float, float], yaw: float) -> npt.NDArray[np.float64]:
    """The corners (4, 2) in X and Z of a rectangle on the ground; the first edge faces -Z at yaw 0."""
    half = np.array(((-1, -1), (1, -1), (1, 1), (-1, 1))) * np.array(size) / 2
    c, s = np.cos(yaw), np.sin(yaw)
    return np.asarray(half @ np.array(((c, s), (-s, c))) + np.array(centre))


def clip_near(polygon: Points3) -> Points3:
    """The part of a world polygon in front of the camera's near plane."""
    if polygon[:, 2].min() >= NEAR:
        return polygon
    kept: list[npt.NDArray[np.float64]] = []
    for a, b in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
        if a[2] >= NEAR:
            kept.append(a)
        if (a[2] >= NEAR) != (b[2] >= NEAR):
            kept.append(a + (b - a) * ((NEAR - a[2]) / (b[2] - a[2])))
    return np.array(kept).reshape(-1, 3)
