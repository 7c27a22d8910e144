"""Overlays: hand-worked blends, outlines inside their regions, and what stays the photo."""

import numpy as np
import pytest

from segdemo.errors import SegdemoError
from segdemo.render.overlay import OverlayStyle, overlay

PLAIN = OverlayStyle(opacity=0.5, outlines=False)
RED, BLUE = (200, 0, 0), (0, 0, 100)


def test_blend_is_the_weighted_mean_and_ids_without_colour_show_the_photo() -> None:
    image = np.full((1, 3, 3), 100, np.uint8)
    ids = np.array([[0, 7, 255]])
    out = overlay(image, ids, colors={0: RED, 7: BLUE}, style=PLAIN)
    assert out.tolist() == [[[150, 50, 50], [50, 50, 100], [100, 100, 100]]]
    assert image.min() == image.max() == 100


@pytest.mark.parametrize(("opacity", "expected"), [(0.0, [10, 20, 30]), (1.0, [200, 0, 0]), (0.25, [58, 15, 22])])
def test_opacity_goes_from_the_photo_to_the_colour(opacity: float, expected: list[int]) -> None:
    image = np.array([[[10, 20, 30]]], np.uint8)
    out = overlay(image, np.zeros((1, 1), int), colors={0: RED}, style=OverlayStyle(opacity=opacity))
    assert np.abs(out[0, 0].astype(int) - expected).max() <= 1


def test_outlines_lie_inside_each_region_white_around_things_and_dark_around_stuff() -> None:
    ids = np.repeat([[1, 1, 1, 2, 2, 2]], 2, axis=0)
    style = OverlayStyle(opacity=1.0, outline_width=1)
    out = overlay(np.zeros((2, 6, 3), np.uint8), ids, colors={1: RED, 2: BLUE}, things={1}, style=style)
    assert out[0].tolist() == [[200, 0, 0], [200, 0, 0], [255, 255, 255], [0, 0, 55], [0, 0, 100], [0, 0, 100]]


def test_an_outline_is_as_wide_as_asked_and_keeps_off_the_photo() -> None:
    ids = np.repeat([[0, 0, 0, 5, 5, 5, 5]], 3, axis=0)
    style = OverlayStyle(opacity=1.0, outline_width=2)
    out = overlay(np.zeros((3, 7, 3), np.uint8), ids, colors={5: RED}, things=[5], style=style)
    assert out[1, :, 1].tolist() == [0, 0, 0, 255, 255, 0, 0]


def test_strips_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(3)
    ids = np.kron(random.integers(0, 4, (6, 5)), np.ones((7, 8), int))
    image = random.integers(0, 256, (*ids.shape, 3), np.uint8)
    colors = {0: RED, 1: BLUE, 2: (1, 2, 3)}
    style = OverlayStyle(outline_width=2)
    whole = overlay(image, ids, colors=colors, things={1}, style=style)
    monkeypatch.setattr("segdemo.render.overlay._STRIP_PIXELS", 5 * ids.shape[1])
    np.testing.assert_array_equal(overlay(image, ids, colors=colors, things={1}, style=style), whole)


def test_nothing_to_draw_is_the_photo() -> None:
    image = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    np.testing.assert_array_equal(overlay(image, np.zeros((2, 2), np.int32), colors={}), image)


def test_wrong_shapes_and_values_are_named() -> None:
    image = np.zeros((2, 2, 3), np.uint8)
    with pytest.raises(ValueError, match=r"id map is \(3, 2\)"):
        overlay(image, np.zeros((3, 2), int), colors={})
    with pytest.raises(ValueError, match="uint8"):
        overlay(image.astype(np.float32), np.zeros((2, 2), int), colors={})  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="ids with a colour"):
        overlay(image, np.zeros((2, 2), int), colors={-1: RED})
    with pytest.raises(SegdemoError, match="opacity must be between 0 and 1"):
        OverlayStyle(opacity=1.5)
    with pytest.raises(SegdemoError, match="at least 1 pixel"):
        OverlayStyle(outline_width=0)


def test_hatching_puts_stripes_on_stuff_alone() -> None:
    # At this size the period is 4 and a stripe one pixel wide, on rising diagonals.
    image, ids = np.zeros((2, 8, 3), np.uint8), np.array([[1] * 4 + [2] * 4] * 2)
    dark, light = (100, 0, 0), (200, 200, 200)
    style = OverlayStyle(opacity=1, outlines=False, hatching=True)
    out = overlay(image, ids, colors={1: dark, 2: light}, style=style)
    darker, lighter = (148, 148, 148), (146, 76, 76)  # 0.74 of it; 0.3 of the way to white
    assert [tuple(pixel) for pixel in out[0]] == [lighter, dark, dark, dark, darker, light, light, light]
    assert [tuple(pixel) for pixel in out[1]] == [dark, dark, dark, lighter, light, light, light, darker]
    things = overlay(image, ids, colors={1: dark, 2: light}, things={1, 2}, style=style)
    assert {tuple(pixel) for pixel in things.reshape(-1, 3)} == {dark, light}


def test_a_heatmap_takes_the_place_of_the_colours_and_the_outlines_stay() -> None:
    image, ids = np.full((4, 6, 3), 100, np.uint8), np.array([[1, 1, 1, 2, 2, 2]] * 4)
    heat = np.zeros((4, 6, 3), np.uint8)
    heat[:, :, 0] = 200
    style = OverlayStyle(opacity=0.5, outlines=True, hatching=True)
    out = overlay(image, ids, colors={2: RED}, things={2}, heat=heat, style=style)
    assert {tuple(pixel) for pixel in out[:, :3].reshape(-1, 3)} == {(150, 50, 50)}
    assert {tuple(pixel) for pixel in out[:, 3]} == {(255, 255, 255)}
    assert {tuple(pixel) for pixel in out[:, 4:].reshape(-1, 3)} == {(150, 50, 50)}
    with pytest.raises(ValueError, match="heatmap must be uint8"):
        overlay(image, ids, colors={}, heat=heat[:2])
