"""The painter's canvas on shapes whose pixels can be counted by hand."""

import numpy as np
import pytest

from scenes.ade import Ade
from scenes.canvas import Canvas
from scenes.colours import oklch, rgb
from scenes.figure import Figure
from scenes.noise import TILE, fbm
from scenes.stage import Camera, Light, Stage, clip_near
from segdemo.labels import IGNORE

RED = rgb(255, 0, 0)
BLUE = rgb(0, 0, 255)


def square(left: float, top: float, right: float, bottom: float) -> list[tuple[float, float]]:
    return [(left, top), (right, top), (right, bottom), (left, bottom)]


def test_a_stroke_paints_picture_label_and_instance_together() -> None:
    canvas = Canvas((40, 40))
    canvas.fill([square(0.25, 0.25, 0.75, 0.75)], RED, Ade.CAR)
    inside = np.zeros((40, 40), bool)
    inside[11:29, 11:29] = True
    assert (canvas.labels[inside] == Ade.CAR).all()
    assert (canvas.instances[inside] == 1).all()
    np.testing.assert_allclose(canvas.image[inside], np.broadcast_to(RED, (18 * 18, 3)), atol=1e-6)
    outside = np.ones((40, 40), bool)
    outside[8:32, 8:32] = False
    assert (canvas.labels[outside] == IGNORE).all()
    assert (canvas.instances[outside] == 0).all()
    assert canvas.image[outside].max() == 0


def test_a_later_stroke_hides_an_earlier_one() -> None:
    canvas = Canvas((32, 32))
    canvas.fill([square(0, 0, 1, 1)], RED, Ade.WALL)
    canvas.fill([square(0.5, 0, 1, 1)], BLUE, Ade.DOOR)
    assert canvas.labels[16, 4] == Ade.WALL
    assert canvas.labels[16, 28] == Ade.DOOR
    assert len(np.unique(canvas.instances)) == 2


def test_things_get_fresh_ids_and_stuff_keeps_its_own() -> None:
    canvas = Canvas((32, 32))
    cars = [canvas.new_id(Ade.CAR), canvas.new_id(Ade.CAR)]
    trees = [canvas.new_id(Ade.TREE), canvas.new_id(Ade.TREE)]
    assert cars[0] != cars[1]
    assert trees[0] == trees[1]
    assert len({*cars, *trees}) == 3


def test_what_is_off_the_canvas_is_left_out() -> None:
    canvas = Canvas((32, 32))
    assert canvas.mask([square(2, 2, 3, 3)]) is None
    canvas.fill([square(2, 2, 3, 3)], RED, Ade.WALL)
    assert (canvas.labels == IGNORE).all()


def test_light_does_not_touch_labels() -> None:
    canvas = Canvas((32, 32))
    canvas.fill([square(-1, -1, 2, 2)], RED, Ade.WALL)
    before = canvas.labels.copy()
    canvas.multiply([square(0.2, 0.2, 0.8, 0.8)], np.full(3, 0.5, np.float32), blur=0.02)
    canvas.glow(0.5, 0.5, 0.2, BLUE)
    np.testing.assert_array_equal(canvas.labels, before)
    assert canvas.image[16, 16, 0] == pytest.approx(0.5, abs=0.02)
    assert canvas.image[16, 16, 2] > 0.5


def test_a_figure_stands_where_it_is_put() -> None:
    canvas = Canvas((100, 100))
    figure = Figure()
    figure.polygon(square(-0.5, 0.0, 0.5, 2.0), RED)
    figure.paint(canvas, (0.5, 0.8, 0.2), Ade.PERSON)
    rows, columns = np.nonzero(canvas.labels == Ade.PERSON)
    # Half a unit to each side is 10 pixels, two units up are 40; the rim may add one pixel.
    assert (columns.min(), columns.max()) == pytest.approx((40, 59), abs=1)
    assert (rows.min(), rows.max()) == pytest.approx((40, 79), abs=1)


def test_a_mirrored_figure_is_the_mirror_image() -> None:
    masks = []
    for flip in (False, True):
        canvas = Canvas((64, 64))
        figure = Figure()
        figure.polygon([(0.0, 0.0), (1.0, 0.0), (0.0, 1.0)], RED)
        figure.paint(canvas, (0.5, 0.75, 0.4), Ade.PERSON, flip=flip)
        masks.append(canvas.labels == Ade.PERSON)
    assert (masks[0] != masks[1][:, ::-1]).mean() < 0.02


@pytest.fixture
def stage() -> Stage:
    camera = Camera(focal=1.0, centre=0.5, horizon=0.5, height=1.0)
    light = Light(np.zeros(3, np.float32), np.ones(3, np.float32), (0.0, 1.0, 0.0), np.ones(3, np.float32))
    return Stage(Canvas((64, 64)), camera, light, np.random.default_rng(0))


def test_the_camera_projects_by_similar_triangles(stage: Stage) -> None:
    points = stage.camera.project(np.array(((0.0, 1.0, 5.0), (1.0, 0.0, 2.0), (-1.0, 3.0, 4.0))))
    np.testing.assert_allclose(points, ((0.5, 0.5), (1.0, 1.0), (0.25, 0.0)))
    assert stage.camera.reach(1.0) == pytest.approx(2.0)


def test_surface_coordinates_invert_the_projection(stage: Stage) -> None:
    origin, right, up = np.array((-1.0, 0.5, 3.0)), np.array((0.6, 0.0, 0.8)), np.array((0.0, 1.0, 0.0))
    u, v = 1.3, 0.4
    point = origin + u * right + v * up
    x, y = stage.camera.project(point[None])[0]
    found = stage.camera.surface(origin, right, up) @ np.array((x, y, 1.0))
    np.testing.assert_allclose(found, np.array((u, v, 1.0)) / point[2], atol=1e-6)


def test_polygons_are_cut_at_the_near_plane() -> None:
    polygon = np.array(((-1.0, 0.0, -1.0), (1.0, 0.0, -1.0), (1.0, 0.0, 3.0), (-1.0, 0.0, 3.0)))
    cut = clip_near(polygon)
    assert len(cut) == 4
    assert cut[:, 2].min() == pytest.approx(0.15)


def test_ground_fills_the_picture_below_the_horizon(stage: Stage) -> None:
    stage.quad([(-50, 0, -1), (50, 0, -1), (50, 0, 500), (-50, 0, 500)], RED, Ade.ROAD)
    assert (stage.canvas.labels[34:] == Ade.ROAD).all()
    assert (stage.canvas.labels[:30] == IGNORE).all()


def test_noise_repeats_without_a_seam() -> None:
    steps = np.linspace(0, 1, 9, dtype=np.float32)[None, :]
    period = np.float32(TILE / 32)
    first = fbm(steps, steps.T, 1.0)
    np.testing.assert_allclose(fbm(steps + period, steps.T, 1.0), first, atol=0.02)


def test_oklch_knows_white_black_and_grey() -> None:
    np.testing.assert_allclose(oklch(1.0, 0.0, 0.0), 1.0, atol=2e-3)
    np.testing.assert_allclose(oklch(0.0, 0.0, 0.0), 0.0, atol=1e-6)
    grey = oklch(0.6, 0.0, 120.0)
    assert np.ptp(grey) < 2e-3
