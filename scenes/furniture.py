"""Furniture as boxes in perspective: what stands on a room's floor."""

import numpy as np

from .ade import Ade
from .canvas import Floats
from .colours import Colour, oklch, rgb
from .figure import Figure
from .ornaments import blob, books, table_lamp, vase
from .stage import Material, Stage
from .textures import fabric, rough, stripes, wood


class Place:
    """Where a piece stands: its middle on the floor and its turn; yaw 0 faces the camera."""

    def __init__(self, stage: Stage, centre: tuple[float, float], yaw: float) -> None:
        self.stage, self.centre, self.yaw = stage, centre, yaw

    def at(self, dx: float, dz: float) -> tuple[float, float]:
        """The floor point to the piece's right by ``dx`` and behind its middle by ``dz``."""
        c, s = float(np.cos(self.yaw)), float(np.sin(self.yaw))
        return self.centre[0] + c * dx - s * dz, self.centre[1] + s * dx + c * dz

    def box(
        self,
        offset: tuple[float, float],
        size: tuple[float, float, float],
        material: Material,
        label: Ade,
        number: int,
        *,
        base: float = 0.0,
        top: Material | None = None,
        front: Material | None = None,
    ) -> None:
        """A box of the piece."""
        self.stage.box(self.at(*offset), size, material, label, number, base=base, yaw=self.yaw, top=top, front=front)

    def far_first(self, offsets: list[tuple[float, float]]) -> list[tuple[float, float]]:
        """Offsets in the order to paint them."""
        return sorted(offsets, key=lambda o: -float(np.hypot(*self.at(*o))))


def panels(base: Colour, width: float, height: float, columns: int, rows: int, *, knobs: bool = True) -> Material:
    """The front of a cabinet: doors or drawers with gaps and knobs."""
    grain = wood(base)
    metal = rgb(206, 198, 180) if base.mean() < 0.7 else rgb(96, 90, 84)

    def texture(u: Floats, v: Floats, foot: Floats) -> Floats:
        colour = grain(u, v, foot)
        soft = np.maximum(foot, 0.002)
        du = np.mod(u, np.float32(width / columns))
        dv = np.mod(v, np.float32(height / rows))
        gap = np.minimum(
            np.minimum(du, np.float32(width / columns) - du), np.minimum(dv, np.float32(height / rows) - dv)
        )
        line = np.clip((np.float32(0.014) - gap) / soft + 0.5, 0, 1)
        inset = np.clip((np.float32(0.006) - np.abs(gap - np.float32(0.06))) / soft + 0.5, 0, 1) * np.float32(0.22)
        colour = colour * (1 - np.maximum(line * np.float32(0.55), inset))[..., None]
        if knobs:
            distance = np.hypot(
                du - np.float32(width / columns / 2), dv - np.float32(height / rows * (0.5 if rows > 1 else 0.55))
            )
            knob = np.clip((np.float32(0.022) - distance) / soft + 0.5, 0, 1)[..., None]
            colour = colour + (metal - colour) * knob
        return np.asarray(colour, np.float32)

    return texture


def bed(place: Place, timber: Colour, cloth: Colour) -> None:
    """A double bed with its head away from the viewer at yaw 0: 1.7 m wide, 2.1 m long."""
    stage, rng = place.stage, place.stage.rng
    number = stage.canvas.new_id(Ade.BED)
    stage.shadow(place.centre, (1.8, 2.2), yaw=place.yaw)
    grain = wood(timber)
    sheet = oklch(0.93, 0.012, 85)
    place.box((0, 1.05), (1.72, rng.uniform(0.85, 1.25), 0.09), grain, Ade.BED, number)
    place.box((0, 0), (1.68, 0.3, 2.08), grain, Ade.BED, number)
    place.box((0, 0), (1.6, 0.24, 2.0), fabric(sheet, amount=0.02), Ade.BED, number, base=0.3)
    pillow = sheet if rng.random() < 0.5 else cloth * np.float32(1.12)
    for dx in (-0.38, 0.38):
        blob(stage, place.at(dx, 0.74), (0.66, 0.19, 0.42), pillow, Ade.PILLOW, base=0.5, yaw=place.yaw, power=0.55)
    quilt = (
        fabric(cloth, amount=0.05)
        if rng.random() < 0.6
        else stripes(cloth, cloth * np.float32(0.78), period=rng.uniform(0.12, 0.4))
    )
    place.box((0, -0.28), (1.66, 0.3, 1.5), quilt, Ade.BED, number, base=0.28)
    place.box((0, 0.38), (1.67, 0.312, 0.2), fabric(sheet, amount=0.02), Ade.BED, number, base=0.28)
    if rng.random() < 0.4:
        throw = stripes(oklch(0.6, 0.1, rng.uniform(0, 360)), oklch(0.85, 0.03, 80), period=0.1, share=0.3)
        place.box((0, -0.75), (1.68, 0.316, 0.42), throw, Ade.BED, number, base=0.27)


def table(place: Place, timber: Colour, size: tuple[float, float, float], *, label: Ade = Ade.TABLE) -> None:
    """A table of size (width, height, depth) with something on it."""
    stage, rng = place.stage, place.stage.rng
    number = stage.canvas.new_id(label)
    width, height, depth = size
    stage.shadow(place.centre, (width, depth), yaw=place.yaw, depth=0.8)
    legs = [(sx * (width / 2 - 0.07), sz * (depth / 2 - 0.07)) for sx in (-1, 1) for sz in (-1, 1)]
    for leg in place.far_first(legs):
        place.box(leg, (0.06, height - 0.03, 0.06), timber * np.float32(0.85), label, number)
    place.box((0, 0), (width, 0.05, depth), wood(timber), label, number, base=height - 0.05)
    if height > stage.camera.height - 0.1:
        return
    things = [(dx * width * 0.3, dz * depth * 0.2) for dx, dz in rng.uniform(-1, 1, (int(rng.integers(0, 4)), 2))]
    for thing in place.far_first(things):
        spot = place.at(*thing)
        draw = (vase, books, table_lamp)[int(rng.integers(3))]
        draw(stage, spot, height)


def chair(place: Place, timber: Colour, seat: Colour) -> None:
    """A chair whose back is away from the viewer at yaw 0."""
    stage = place.stage
    number = stage.canvas.new_id(Ade.CHAIR)
    stage.shadow(place.centre, (0.46, 0.46), yaw=place.yaw, depth=0.8)
    grain = timber
    legs = [(sx * 0.19, sz * 0.19) for sx in (-1, 1) for sz in (-1, 1)]

    def back() -> None:
        for dx in place.far_first([(-0.19, 0.2), (0.19, 0.2)]):
            place.box(dx, (0.04, 0.46, 0.04), grain, Ade.CHAIR, number, base=0.45)
        for level in (0.6, 0.78):
            place.box((0, 0.2), (0.4, 0.11, 0.03), grain * np.float32(1.04), Ade.CHAIR, number, base=level)

    behind = float(np.hypot(*place.at(0, 0.2))) > float(np.hypot(*place.at(0, -0.2)))
    for leg in place.far_first(legs):
        place.box(leg, (0.045, 0.45, 0.045), grain * np.float32(0.9), Ade.CHAIR, number)
    if behind:
        back()
    place.box((0, 0), (0.45, 0.06, 0.45), seat, Ade.CHAIR, number, base=0.42)
    if not behind:
        back()


def sofa(place: Place, cloth: Colour, *, width: float = 1.9, label: Ade = Ade.SOFA) -> None:
    """A sofa (or armchair) whose back is away from the viewer at yaw 0."""
    stage, rng = place.stage, place.stage.rng
    number = stage.canvas.new_id(label)
    stage.shadow(place.centre, (width, 0.9), yaw=place.yaw)
    material = fabric(cloth, amount=0.045)
    place.box((0, 0.33), (width, 0.82, 0.24), material, label, number, base=0.06)
    arms = place.far_first([(-width / 2 + 0.1, 0), (width / 2 - 0.1, 0)])
    place.box(arms[0], (0.2, 0.54, 0.86), material, label, number, base=0.06)
    place.box((0, -0.05), (width - 0.3, 0.3, 0.72), material, label, number, base=0.06)
    seats = max(1, round((width - 0.4) / 0.7))
    each = (width - 0.4) / seats
    for dx in place.far_first([(-(width - 0.4) / 2 + each * (i + 0.5), -0.07) for i in range(seats)]):
        blob(
            stage,
            place.at(*dx),
            (each * 0.99, 0.2, 0.7),
            cloth * np.float32(1.08),
            label,
            number,
            base=0.33,
            yaw=place.yaw,
            power=0.3,
        )
    pillows = [(rng.uniform(-0.5, 0.5) * (width - 0.7), 0.1) for _ in range(int(rng.integers(0, 4)))]
    for dx in place.far_first(pillows):
        tone = oklch(rng.uniform(0.55, 0.88), rng.uniform(0.04, 0.14), rng.uniform(0, 360))
        blob(
            stage,
            place.at(*dx),
            (0.44, 0.4, 0.18),
            tone,
            Ade.CUSHION,
            base=0.5,
            yaw=place.yaw + rng.uniform(-0.2, 0.2),
            power=0.55,
        )
    place.box(arms[1], (0.2, 0.54, 0.86), material, label, number, base=0.06)


def cabinet(place: Place, timber: Colour, size: tuple[float, float, float]) -> None:
    """A chest or cupboard with doors or drawers; low ones carry something."""
    stage, rng = place.stage, place.stage.rng
    width, height, _ = size
    stage.shadow(place.centre, (size[0], size[2]), yaw=place.yaw)
    columns, rows = max(1, round(width / 0.55)), 1 if height > 1.3 else int(rng.integers(1, 4))
    number = stage.canvas.new_id(Ade.CABINET)
    place.box(
        (0, 0),
        size,
        wood(timber, along_u=False),
        Ade.CABINET,
        number,
        top=wood(timber * np.float32(1.05)),
        front=panels(timber, width, height, columns, rows),
    )
    if height < stage.camera.height - 0.15:
        for dx in place.far_first([(s * width * 0.3, 0.0) for s in (-1, 0, 1) if rng.random() < 0.5]):
            draw = (vase, books, table_lamp)[int(rng.integers(3))]
            draw(stage, place.at(*dx), height)


def bookcase(place: Place, timber: Colour, size: tuple[float, float, float]) -> None:
    """Shelves full of books."""
    stage, rng = place.stage, place.stage.rng
    width, height, depth = size
    number = stage.canvas.new_id(Ade.BOOKCASE)
    stage.shadow(place.centre, (width, depth), yaw=place.yaw)
    place.box((0, 0), size, wood(timber, along_u=False), Ade.BOOKCASE, number)
    rows = max(2, round(height / 0.36))
    step = height / rows

    shelf = place.at(0, -depth / 2)
    outward = np.array(shelf) - np.array(place.centre)
    if float(np.dot(outward, shelf)) >= 0:
        return

    def face(x0: float, x1: float, y0: float, y1: float, out: float = 0.0) -> list[tuple[float, float, float]]:
        (ax, az), (bx, bz) = place.at(x0, -depth / 2 - out), place.at(x1, -depth / 2 - out)
        return [(ax, y0, az), (bx, y0, bz), (bx, y1, bz), (ax, y1, az)]

    hue = rng.uniform(0, 360)
    edge = width / 2 - 0.035
    for row in range(rows):
        low = row * step + 0.035
        inside = face(-edge, edge, low, (row + 1) * step - 0.01)
        stage.quad(inside, timber * np.float32(0.42), Ade.BOOKCASE, number)
        spines = Figure()
        spines.grain = 0.0
        x = -width / 2 + 0.05
        stop = width / 2 - 0.05 - rng.uniform(0, 0.4) * width * (rng.random() < 0.5)
        while x < stop - 0.03:
            thick = rng.uniform(0.025, 0.06)
            high = step * rng.uniform(0.55, 0.85)
            spine = oklch(rng.uniform(0.32, 0.82), rng.uniform(0.02, 0.13), hue + rng.normal(0, 70))
            found = stage.facet(face(x, min(x + thick, stop), low, low + high, 0.004), spine)
            if found is not None:
                spines.polygon(found[0] * (1.0, -1.0), found[1])
            x += thick + 0.004
        if spines.outlines:
            spines.paint(stage.canvas, (0.0, 0.0, 1.0), Ade.BOOK)


def armchair(place: Place, cloth: Colour) -> None:
    """A sofa for one."""
    sofa(place, cloth, width=0.95, label=Ade.ARMCHAIR)


def television(place: Place, timber: Colour) -> None:
    """A low cabinet with a television on it."""
    stage = place.stage
    stage.shadow(place.centre, (1.6, 0.42), yaw=place.yaw)
    number = stage.canvas.new_id(Ade.CABINET)
    place.box((0, 0), (1.6, 0.5, 0.42), wood(timber), Ade.CABINET, number, front=panels(timber, 1.6, 0.5, 3, 1))
    screen = stage.canvas.new_id(Ade.TELEVISION)
    place.box((0, 0.05), (0.3, 0.06, 0.2), rgb(30, 30, 34), Ade.TELEVISION, screen, base=0.5)
    face = rough(oklch(0.26, 0.03, stage.rng.uniform(200, 280)), size=1.2, amount=0.2, beta=1.8)
    place.box((0, 0.05), (1.2, 0.7, 0.05), rgb(24, 24, 28), Ade.TELEVISION, screen, base=0.55, front=face)
