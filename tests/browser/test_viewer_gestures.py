"""The canvas viewer under mouse, keyboard and fingers: picking, zooming, panning."""

import pytest

from .harness import ViewerPage
from .regions import CAR, COLORS, GRASS, IN_CAR, IN_GRASS, IN_SKY, MakeViewer, shown

pytestmark = pytest.mark.browser

CURSOR_HIDDEN = "() => document.querySelector('.sdv-cursor').hidden"


def test_click_picks_the_pixel_under_it(make_viewer: MakeViewer) -> None:
    viewer = shown(make_viewer)
    viewer.page.mouse.click(*viewer.screen(0.9, 0.25))
    pick = viewer.calls("pick")[0]
    assert (pick["column"], pick["row"], pick["id"], pick["source"]) == (72, 15, GRASS, "mouse")
    assert (pick["x"], pick["y"]) == (pytest.approx(0.9, abs=0.002), pytest.approx(0.25, abs=0.002))


@pytest.mark.slow
def test_clicks_beside_the_photo_pick_nothing(make_viewer: MakeViewer) -> None:
    viewer = shown(make_viewer, viewport={"width": 1000, "height": 500})
    left, top = viewer.screen(0, 0.5)
    viewer.page.mouse.click(left - 10, top)
    assert viewer.calls("pick") == []


def test_pick_coordinates_hold_under_zoom_and_pan(make_viewer: MakeViewer) -> None:
    viewer = shown(make_viewer)
    x, y = viewer.screen(0.7, 0.3)
    viewer.page.mouse.move(x, y)
    viewer.page.keyboard.down("Control")
    viewer.page.mouse.wheel(0, -300)
    viewer.page.keyboard.up("Control")
    viewer.page.wait_for_function("viewer.view().zoom > 1.5")
    assert viewer.screen(0.7, 0.3) == (pytest.approx(x, abs=1), pytest.approx(y, abs=1))
    viewer.page.mouse.down()
    viewer.page.mouse.move(x + 40, y + 25, steps=4)
    viewer.page.mouse.up()
    assert viewer.calls("pick") == []
    moved = viewer.screen(0.7, 0.3)
    assert moved == (pytest.approx(x + 40, abs=1), pytest.approx(y + 25, abs=1))
    viewer.page.mouse.click(*moved)
    pick = viewer.calls("pick")[0]
    assert (pick["x"], pick["y"]) == (pytest.approx(0.7, abs=0.003), pytest.approx(0.3, abs=0.003))
    assert viewer.at(*IN_CAR)[:3] == COLORS[CAR]


@pytest.mark.slow
def test_photo_never_leaves_the_viewport(make_viewer: MakeViewer) -> None:
    viewer = shown(make_viewer)
    viewer.run("() => viewer.zoomBy(3)")
    x, y = viewer.screen(0.5, 0.5)
    viewer.page.mouse.move(x, y)
    viewer.page.mouse.down()
    viewer.page.mouse.move(x + 440, y + 240)
    viewer.page.mouse.move(990, 790)
    viewer.page.mouse.up()
    viewer.page.mouse.move(x, y)
    viewer.page.mouse.down()
    viewer.page.mouse.move(990, 790)
    viewer.page.mouse.up()
    frame = viewer.page.locator(".sdv-viewport").bounding_box()
    assert frame is not None
    assert viewer.screen(0, 0) == (pytest.approx(frame["x"], abs=0.5), pytest.approx(frame["y"], abs=0.5))


@pytest.mark.slow
def test_plain_wheel_scrolls_the_page_until_the_photo_has_the_focus(make_viewer: MakeViewer) -> None:
    viewer = shown(make_viewer)
    viewer.page.mouse.move(*viewer.screen(*IN_SKY))
    viewer.page.mouse.wheel(0, 60)
    viewer.page.wait_for_function("window.scrollY > 0")
    assert viewer.run("() => viewer.view().zoom") == 1
    viewer.run("() => window.scrollTo(0, 0)")
    viewer.page.mouse.click(*viewer.screen(*IN_SKY))
    viewer.page.mouse.wheel(0, -200)
    viewer.page.wait_for_function("viewer.view().zoom > 1")
    assert viewer.run("() => window.scrollY") == 0


def test_double_click_zooms_and_picks_once(make_viewer: MakeViewer) -> None:
    viewer = shown(make_viewer)
    viewer.page.mouse.dblclick(*viewer.screen(*IN_CAR))
    assert viewer.run("() => viewer.view().zoom") == pytest.approx(2)
    assert len(viewer.calls("pick")) == 1


@pytest.mark.slow
def test_view_glides_where_motion_is_welcome(make_viewer: MakeViewer) -> None:
    viewer = shown(make_viewer, reduced_motion="no-preference")
    viewer.run("() => viewer.zoomBy(2)")
    assert viewer.run("() => viewer.view().zoom") < 2
    viewer.page.wait_for_function("viewer.view().zoom === 2")
    assert viewer.calls("view")[-1]["zoom"] == 2


def test_zoom_buttons(make_viewer: MakeViewer) -> None:
    viewer = shown(make_viewer)
    assert viewer.page.get_by_label("Zoom out").is_disabled()
    viewer.page.get_by_label("Zoom in").click()
    assert viewer.text(".sdv-zoom-text") == "150 %"
    viewer.page.get_by_label("Fit the whole photo").click()
    assert viewer.run("() => viewer.view().zoom") == 1


def test_keyboard_moves_a_cursor_reads_and_picks(make_viewer: MakeViewer) -> None:
    viewer = shown(make_viewer)
    viewer.page.focus(".sdv-viewport")
    viewer.page.keyboard.press("ArrowRight")
    assert viewer.run(CURSOR_HIDDEN) is False
    assert viewer.text(".sdv-live") == "car 93 % (grass 4 %) query 17"
    hover = viewer.calls("hover")[-1]
    assert (hover["column"], hover["row"], hover["source"]) == (41, 30, "keyboard")
    viewer.page.keyboard.press("Shift+ArrowRight")
    assert viewer.calls("hover")[-1]["column"] == 49
    viewer.page.keyboard.press("ArrowUp")
    viewer.page.keyboard.press("Enter")
    pick = viewer.calls("pick")[0]
    assert (pick["column"], pick["row"], pick["id"], pick["source"]) == (49, 29, CAR, "keyboard")
    viewer.page.keyboard.press("Tab")
    assert viewer.run(CURSOR_HIDDEN) is True


def test_keyboard_zooms_fades_and_clears(make_viewer: MakeViewer) -> None:
    viewer = shown(make_viewer)
    viewer.run("() => { viewer.select(2); viewer.setPixel({x: 0.5, y: 0.5}); }")
    viewer.page.focus(".sdv-viewport")
    viewer.page.keyboard.press("+")
    assert viewer.run("() => viewer.view().zoom") == pytest.approx(1.5)
    viewer.page.keyboard.press("0")
    assert viewer.run("() => viewer.view().zoom") == 1
    viewer.page.keyboard.press("[")
    assert viewer.calls("view")[-1]["opacity"] == pytest.approx(0.5)
    viewer.page.keyboard.press("]")
    assert viewer.calls("view")[-1]["opacity"] == pytest.approx(0.6)
    viewer.page.keyboard.press("Escape")
    assert len(viewer.calls("clear")) == 1
    assert viewer.run("() => document.querySelector('.sdv-pixel').hidden")


@pytest.mark.slow
def test_cursor_stays_in_sight_when_zoomed(make_viewer: MakeViewer) -> None:
    viewer = shown(make_viewer)
    viewer.run("() => viewer.zoomBy(6)")
    viewer.page.focus(".sdv-viewport")
    for _ in range(10):
        viewer.page.keyboard.press("Shift+ArrowRight")
    inner = viewer.page.locator(".sdv-viewport").bounding_box()
    cursor = viewer.run("() => document.querySelector('.sdv-cursor').getBoundingClientRect().x")
    assert inner is not None
    assert inner["x"] <= cursor <= inner["x"] + inner["width"]
    assert viewer.run("() => viewer.view().x") > 0.5


class Fingers:
    """Raw touch events, with points in the window."""

    def __init__(self, viewer: ViewerPage) -> None:
        self.session = viewer.page.context.new_cdp_session(viewer.page)

    def __call__(self, kind: str, *points: tuple[float, float]) -> None:
        places = [{"x": x, "y": y, "id": index} for index, (x, y) in enumerate(points)]
        self.session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": places})


def test_pinch_zooms_and_pans_with_two_fingers(make_viewer: MakeViewer) -> None:
    viewer = shown(make_viewer, has_touch=True, viewport={"width": 390, "height": 844})
    x, y = viewer.screen(0.5, 0.5)
    fingers = Fingers(viewer)
    fingers("touchStart", (x - 30, y), (x + 30, y))
    for reach in (40, 50, 60, 75, 90):
        fingers("touchMove", (x - reach, y), (x + reach, y))
    fingers("touchEnd")
    viewer.page.wait_for_function("viewer.view().zoom > 2.5")
    assert viewer.screen(0.5, 0.5) == (pytest.approx(x, abs=4), pytest.approx(y, abs=4))
    assert viewer.run("() => window.scrollY") == 0
    assert viewer.calls("pick") == []


def test_one_finger_scrolls_the_page_until_the_photo_is_zoomed(make_viewer: MakeViewer) -> None:
    viewer = shown(make_viewer, has_touch=True, viewport={"width": 390, "height": 844})
    action = "() => getComputedStyle(document.querySelector('.sdv-viewport')).touchAction"
    assert viewer.run(action) == "pan-x pan-y"
    viewer.run("() => viewer.zoomBy(3)")
    assert viewer.run(action) == "none"
    x, y = viewer.screen(0.5, 0.5)
    fingers = Fingers(viewer)
    fingers("touchStart", (x, y))
    for step in (15, 30, 45):
        fingers("touchMove", (x + step, y))
    fingers("touchEnd")
    viewer.page.wait_for_function("viewer.view().x < 0.49")
    assert viewer.calls("pick") == []


def test_tap_picks_and_reads(make_viewer: MakeViewer) -> None:
    viewer = shown(make_viewer, has_touch=True, viewport={"width": 390, "height": 844})
    viewer.page.touchscreen.tap(*viewer.screen(*IN_GRASS))
    pick = viewer.calls("pick")[0]
    assert (pick["id"], pick["source"]) == (GRASS, "touch")
    assert viewer.text(".sdv-readout").startswith("grass 93 %")
