"""The canvas viewer comparing two maps: split, blink, and what changed."""

import numpy as np
import pytest

from segdemo.packing import pack

from .regions import CAR, COLORS, GRASS, IN_CAR, IN_SKY, SKY, MakeViewer, shown, three_regions

pytestmark = pytest.mark.browser


def test_split_comparison_shows_both_sides_and_obeys_the_keyboard(make_viewer: MakeViewer) -> None:
    viewer = shown(make_viewer)
    before = np.full((60, 80), GRASS, np.uint8)
    viewer.run("async (b) => viewer.setCompare({before: await segdemo.unpack(b), mode: 'split'})", pack(before))
    assert viewer.at(0.1, 0.9)[:3] == COLORS[GRASS]
    assert viewer.at(0.52, 0.5)[:3] == COLORS[CAR]
    viewer.page.mouse.move(*viewer.screen(0.45, 0.5))
    assert viewer.text(".sdv-name") == "grass"
    viewer.page.mouse.move(*viewer.screen(0.55, 0.5))
    assert viewer.text(".sdv-name") == "car"
    slider = viewer.page.get_by_role("slider", name="Divider")
    assert slider.get_attribute("aria-valuenow") == "50"
    slider.focus()
    viewer.page.keyboard.press("Shift+ArrowRight")
    assert slider.get_attribute("aria-valuenow") == "60"
    assert viewer.at(0.52, 0.5)[:3] == COLORS[GRASS]
    viewer.page.keyboard.press("Home")
    assert viewer.at(0.1, 0.9)[:3] == COLORS[SKY]
    viewer.page.keyboard.press("End")
    assert viewer.at(0.9, 0.5)[:3] == COLORS[GRASS]


def test_each_side_has_its_own_classes_in_colour_and_by_name(make_viewer: MakeViewer) -> None:
    """What is only there before is no bare place: its entry is the comparison's."""
    viewer = shown(make_viewer)
    before = np.full((60, 80), 9, np.uint8)
    viewer.run(
        """async (before) => viewer.setCompare({ before: await segdemo.unpack(before), mode: "split",
          entries: new Map([[9, { id: 9, label: "lake", color: [90, 20, 160], isthing: false, area: 1 }]]) })""",
        pack(before),
    )
    assert viewer.at(0.1, 0.5)[:3] == [90, 20, 160]
    viewer.page.mouse.move(*viewer.screen(0.1, 0.5))
    assert viewer.text(".sdv-name") == "lake"
    viewer.page.mouse.move(*viewer.screen(0.9, 0.5))
    assert viewer.text(".sdv-name") == "grass"
    assert viewer.at(0.9, 0.5)[:3] == COLORS[GRASS]


@pytest.mark.slow
def test_divider_is_dragged(make_viewer: MakeViewer) -> None:
    viewer = shown(make_viewer)
    viewer.run("() => viewer.setCompare({before: new Uint8Array(4800).fill(1), mode: 'split'})")
    x, y = viewer.screen(0.5, 0.5)
    target, _ = viewer.screen(0.25, 0.5)
    viewer.page.mouse.move(x, y)
    viewer.page.mouse.down()
    viewer.page.mouse.move(target, y, steps=4)
    viewer.page.mouse.up()
    assert viewer.page.get_by_role("slider").get_attribute("aria-valuenow") == "25"
    assert viewer.calls("pick") == []


@pytest.mark.slow
def test_changed_comparison_shows_only_what_changed(make_viewer: MakeViewer) -> None:
    viewer = shown(make_viewer)
    before = three_regions()
    before[before == CAR] = SKY
    viewer.run("async (b) => viewer.setCompare({before: await segdemo.unpack(b), mode: 'changed'})", pack(before))
    assert viewer.at(*IN_CAR)[:3] == COLORS[CAR]
    assert max(viewer.at(*IN_SKY)[:3]) < 60
    viewer.run("() => viewer.setCompare(null)")
    assert viewer.at(*IN_SKY)[:3] == COLORS[SKY]


@pytest.mark.slow
def test_blinking_waits_for_a_click_where_motion_is_unwelcome(make_viewer: MakeViewer) -> None:
    viewer = shown(make_viewer)
    viewer.run("() => viewer.setCompare({before: new Uint8Array(4800).fill(1), mode: 'blink'})")
    swap = viewer.page.locator(".sdv-swap")
    assert swap.text_content() == "After"
    assert viewer.at(*IN_CAR)[:3] == COLORS[CAR]
    swap.click()
    assert swap.text_content() == "Before"
    assert viewer.at(*IN_CAR)[:3] == COLORS[GRASS]


@pytest.mark.slow
def test_blinking_swaps_by_itself(make_viewer: MakeViewer) -> None:
    viewer = shown(make_viewer, reduced_motion="no-preference")
    viewer.run("() => viewer.setCompare({before: new Uint8Array(4800).fill(1), mode: 'blink'})")
    swap = viewer.page.locator(".sdv-swap")
    viewer.page.wait_for_function("document.querySelector('.sdv-swap').textContent === 'Before'")
    viewer.run("() => viewer.setCompare(null)")
    assert swap.is_hidden()
    assert viewer.page.locator(".sdv-overlay").is_visible()
