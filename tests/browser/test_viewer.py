"""The canvas viewer alone: colours, toggles, outlines, read-out, picking, gestures, keyboard and words."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from segdemo.ui.packing import pack
from segdemo.ui.viewer import SCRIPTS, script, style

from .harness import ViewerPage

pytestmark = pytest.mark.browser

MakeViewer = Callable[..., ViewerPage]

SKY, GRASS, CAR, NONE = 0, 1, 2, 255
LABELS = ["sky", "grass", "car"]
COLORS = {SKY: [10, 20, 200], GRASS: [10, 200, 20], CAR: [200, 20, 20]}
ENTRIES: list[dict[str, Any]] = [
    {"id": SKY, "label": "sky", "color": COLORS[SKY], "isthing": False, "area": 0.46},
    {"id": GRASS, "label": "grass", "color": COLORS[GRASS], "isthing": False, "area": 0.45},
    {"id": CAR, "label": "car", "color": COLORS[CAR], "isthing": True, "area": 0.0833},
]
CURSOR_HIDDEN = "() => document.querySelector('.sdv-cursor').hidden"
IN_SKY, IN_GRASS, IN_CAR = (0.1, 0.5), (0.9, 0.5), (0.5, 0.5)


def three_regions() -> npt.NDArray[np.uint8]:
    """80 x 60: sky on the left, grass on the right, a car of 20 x 20 in the middle, one bare corner pixel."""
    ids = np.full((60, 80), SKY, np.uint8)
    ids[:, 40:] = GRASS
    ids[20:40, 30:50] = CAR
    ids[0, 0] = NONE
    return ids


def planes() -> dict[str, npt.NDArray[np.uint8]]:
    """Quarter-size planes: the map's own classes with 93 %, runner-up grass with 4 %, query 17."""
    top = three_regions()[2::4, 2::4]
    flat = np.full_like(top, 1)
    return {"top": flat * 237, "topId": top, "runner": flat * GRASS, "runnerProb": flat * 10, "query": flat * 17}


def shown(make_viewer: MakeViewer, **options: Any) -> ViewerPage:
    viewer = make_viewer(**options)
    viewer.load(three_regions(), ENTRIES, planes=planes(), labels=LABELS)
    return viewer


def test_scripts_are_whole_and_plain() -> None:
    text = script()
    assert all(name.endswith(".js") for name in SCRIPTS)
    assert "sd.createViewer" in text
    assert ".sd-viewer" in style()
    for forbidden in ("innerHTML", "insertAdjacentHTML", "eval(", "http://cdn", "https://", "import("):
        assert forbidden not in text


def test_map_is_painted_in_the_entries_colours(make_viewer: MakeViewer) -> None:
    viewer = shown(make_viewer)
    assert viewer.canvas_at("overlay", 5, 30) == [*COLORS[SKY], 255]
    assert viewer.canvas_at("overlay", 75, 30) == [*COLORS[GRASS], 255]
    assert viewer.canvas_at("overlay", 40, 30) == [*COLORS[CAR], 255]
    assert viewer.canvas_at("overlay", 0, 0)[3] == 0


def test_opacity_is_the_compositors(make_viewer: MakeViewer) -> None:
    viewer = shown(make_viewer)
    viewer.run("() => viewer.setOpacity(0.4)")
    assert viewer.at(*IN_CAR) == [*COLORS[CAR], 102]
    assert viewer.canvas_at("overlay", 40, 30)[3] == 255


@pytest.mark.parametrize(
    ("dtype", "ids"), [(np.uint8, [0, 1, 254]), (np.uint16, [0, 300, 65534])], ids=["bytes", "words"]
)
def test_ids_of_both_widths(make_viewer: MakeViewer, dtype: Any, ids: list[int]) -> None:
    viewer = make_viewer()
    map_ids = np.array([[ids[0], ids[1]], [ids[2], np.iinfo(dtype).max]], dtype)
    colors = [[1, 2, 3], [40, 50, 60], [70, 80, 90]]
    entries = [
        {"id": id_, "label": str(id_), "color": color, "isthing": True, "area": 0.25}
        for id_, color in zip(ids, colors, strict=True)
    ]
    viewer.load(map_ids, entries, photo=(40, 40))
    assert [viewer.canvas_at("overlay", x, y)[:3] for x, y in ((0, 0), (1, 0), (0, 1))] == colors
    assert viewer.canvas_at("overlay", 1, 1)[3] == 0


def test_hidden_classes_vanish_and_come_back(make_viewer: MakeViewer) -> None:
    viewer = shown(make_viewer)
    viewer.run("() => viewer.setVisible([0, 2])")
    assert viewer.at(*IN_GRASS)[3] == 0
    assert viewer.at(*IN_SKY)[:3] == COLORS[SKY]
    viewer.run("() => viewer.setVisible(null)")
    assert viewer.at(*IN_GRASS)[:3] == COLORS[GRASS]


def test_photo_is_dimmed_where_nothing_is_on(make_viewer: MakeViewer) -> None:
    viewer = shown(make_viewer)
    viewer.run("() => viewer.setDimHidden(true)")
    assert viewer.at(*IN_SKY)[:3] == COLORS[SKY]
    assert viewer.at(0.001, 0.001)[3] == 0
    viewer.run("() => viewer.setVisible([2])")
    red, green, blue, alpha = viewer.at(*IN_SKY)
    assert max(red, green, blue) < 60
    assert alpha > 150
    assert viewer.at(0.001, 0.001)[3] == alpha
    assert viewer.at(*IN_CAR)[:3] == COLORS[CAR]
    viewer.run("() => viewer.setDimHidden(false)")
    assert viewer.at(*IN_SKY)[3] == 0


def test_highlight_fades_the_others(make_viewer: MakeViewer) -> None:
    viewer = shown(make_viewer)
    plain = viewer.at(*IN_SKY)[3]
    viewer.run("() => viewer.highlight(2)")
    assert viewer.at(*IN_CAR)[3] == plain
    assert 0 < viewer.at(*IN_SKY)[3] < plain / 2
    viewer.run("() => viewer.highlight(null)")
    assert viewer.at(*IN_SKY)[3] == plain


def test_outlines_lie_on_the_borders_only(make_viewer: MakeViewer) -> None:
    viewer = shown(make_viewer)
    assert viewer.line_at(0.5, 0.1)[3] > 0
    assert viewer.line_at(30 / 80, 0.5)[:3] == [255, 255, 255]
    assert viewer.line_at(*IN_SKY)[3] == 0
    assert viewer.line_at(*IN_CAR)[3] == 0
    stuff, thing = viewer.line_at(0.5, 0.1)[3], viewer.line_at(30 / 80, 0.5)[3]
    assert thing > stuff
    viewer.run("() => viewer.setOutlines(false)")
    assert viewer.line_at(0.5, 0.1)[3] == 0


def test_outlines_need_a_visible_side(make_viewer: MakeViewer) -> None:
    viewer = shown(make_viewer)
    viewer.run("() => viewer.setVisible([2])")
    assert viewer.line_at(0.5, 0.1)[3] == 0
    assert viewer.line_at(30 / 80, 0.5)[3] > 0


def test_outlines_stay_thin_when_zoomed(make_viewer: MakeViewer) -> None:
    viewer = shown(make_viewer)
    viewer.run("() => { viewer.resetView(); viewer.zoomBy(4); }")
    edge = viewer.run("() => viewer.lineAt(0.375, 0.5)")
    beside = viewer.run("() => viewer.lineAt(0.375 + 4 / (80 * 4 * 9.6), 0.5)")
    assert edge[:3] == [255, 255, 255]
    assert beside[3] == 0


def test_outlines_follow_the_pixel_ratio(make_viewer: MakeViewer) -> None:
    viewer = shown(make_viewer, device_scale_factor=2)
    size = viewer.run("""() => { const c = document.querySelector(".sdv-lines"); return [c.width, c.clientWidth]; }""")
    assert size[0] == 2 * size[1]
    assert viewer.line_at(30 / 80, 0.5)[:3] == [255, 255, 255]


def test_selection_has_an_outline_even_at_the_photos_edge(make_viewer: MakeViewer) -> None:
    viewer = shown(make_viewer)
    viewer.run("() => { viewer.setOutlines(false); viewer.select(0); }")
    assert viewer.line_at(0.5, 0.1) == [255, 255, 255, 255]
    assert viewer.line_at(0.001, 0.5)[3] > 0
    assert viewer.line_at(50 / 80, 0.5)[3] == 0
    viewer.run("() => viewer.select(null)")
    assert viewer.line_at(0.5, 0.1)[3] == 0


def test_highlight_outlines_what_is_hidden(make_viewer: MakeViewer) -> None:
    viewer = shown(make_viewer)
    viewer.run("() => { viewer.setVisible([0]); viewer.highlight(2); }")
    assert viewer.at(*IN_CAR)[3] == 0
    assert viewer.line_at(50 / 80, 0.5)[3] > 0


def test_hatching_stripes_stuff_and_leaves_things(make_viewer: MakeViewer) -> None:
    viewer = shown(make_viewer)

    def colours(left: int, top: int) -> int:
        return int(
            viewer.run(
                """([x, y]) => { viewer.flush();
            const data = document.querySelector(".sdv-overlay").getContext("2d").getImageData(x, y, 16, 16).data;
            return new Set(new Uint32Array(data.buffer)).size; }""",
                [left, top],
            )
        )

    assert colours(5, 5) == 1
    viewer.run("() => viewer.setHatching(true)")
    assert colours(5, 5) == 2
    assert colours(32, 22) == 1


def test_heat_has_its_colours_opacity_and_legend(make_viewer: MakeViewer) -> None:
    viewer = shown(make_viewer)
    values = np.array([[0.0, 0.25], [0.5, 1.0]], np.float32)
    viewer.run(
        """async (data) => viewer.setHeat({width: 2, height: 2, data: await segdemo.unpack(data), min: 0, max: 1,
        unit: "bit", title: "Entropy", colormap: "viridis", opacity: 0.5})""",
        pack(values),
    )
    assert viewer.canvas_at("heat", 0, 0) == [68, 1, 84, 255]
    assert viewer.canvas_at("heat", 1, 1) == [253, 231, 37, 255]
    middle = np.array(viewer.canvas_at("heat", 0, 1)[:3])
    assert np.abs(middle - [33, 145, 140]).max() <= 2
    assert viewer.at(0.1, 0.1) == [68, 1, 84, 128]
    assert viewer.text(".sdv-legend") == "Entropy0 bit1 bit"
    assert "Heatmap: Entropy from 0 bit to 1 bit." in viewer.run("() => viewer.describe()")
    viewer.run("() => viewer.setHeatOpacity(1)")
    assert viewer.at(0.1, 0.1)[3] == 255
    viewer.run("() => { viewer.setHeatOpacity(null); viewer.setOpacity(0.2); }")
    assert viewer.at(0.1, 0.1)[3] == 51
    viewer.page.mouse.move(*viewer.screen(0.1, 0.9))
    assert viewer.text(".sdv-readout").endswith("value 0.5 bit")
    viewer.page.mouse.move(*viewer.screen(0.95, 0.97))
    assert viewer.run("() => getComputedStyle(document.querySelector('.sdv-legend')).opacity") == "0.12"
    viewer.run("() => viewer.setHeat(null)")
    assert viewer.at(*IN_SKY)[:3] == COLORS[SKY]
    assert viewer.page.locator(".sdv-legend").is_hidden()


def test_heat_outlines_its_mask(make_viewer: MakeViewer) -> None:
    viewer = shown(make_viewer)
    viewer.run(
        """() => viewer.setHeat({width: 1, height: 1, data: new Uint8Array([9]), min: 0, max: 1,
        outline: {mask: new Uint8Array([0, 1, 0, 1]), width: 2, height: 2}})"""
    )
    assert viewer.line_at(0.5, 0.25)[:3] == [255, 255, 255]
    assert viewer.line_at(30 / 80, 0.5)[3] == 0


def test_hover_reads_class_probability_runner_up_and_query(make_viewer: MakeViewer) -> None:
    viewer = shown(make_viewer)
    viewer.page.mouse.move(*viewer.screen(*IN_CAR))
    assert viewer.text(".sdv-readout") == "car 93 % (grass 4 %) query 17"
    found = viewer.calls("hover")[-1]
    assert (found["id"], found["classId"], found["query"], found["runner"]) == (CAR, CAR, 17, "grass")
    assert (found["column"], found["row"]) == (40, 30)
    assert found["probability"] == pytest.approx(237 / 255)
    viewer.page.mouse.move(2, 2)
    assert viewer.calls("hover")[-1] is None
    assert "Point at the photo" in viewer.text(".sdv-readout")


def test_readout_says_when_the_map_differs_from_the_best_class(make_viewer: MakeViewer) -> None:
    viewer = make_viewer()
    entries = [{**ENTRIES[CAR], "name": "car 2"}]
    viewer.load(three_regions(), entries, planes={**planes(), "topId": planes()["topId"] * 0 + GRASS}, labels=LABELS)
    viewer.page.mouse.move(*viewer.screen(*IN_CAR))
    assert viewer.text(".sdv-readout") == "car 2 best class grass 93 % (grass 4 %) query 17"
    viewer.page.mouse.move(*viewer.screen(*IN_SKY))
    assert viewer.text(".sdv-readout").startswith("no class best class grass 93 %")


def test_labels_cannot_become_markup(make_viewer: MakeViewer) -> None:
    viewer = make_viewer()
    evil = "<img src=x onerror='window.broken = 1'>"
    viewer.load(three_regions(), [{**entry, "label": evil} for entry in ENTRIES], alt=evil)
    viewer.run("(text) => viewer.setMessage({kind: 'error', text})", evil)
    viewer.run("(text) => viewer.setProgress({fraction: null, text})", evil)
    viewer.page.mouse.move(*viewer.screen(*IN_CAR))
    assert viewer.text(".sdv-readout") == evil
    assert viewer.text(".sdv-message") == evil
    assert viewer.run("() => window.broken") is None
    assert viewer.page.locator(".sd-viewer img").count() == 1


def test_click_picks_the_pixel_under_it(make_viewer: MakeViewer) -> None:
    viewer = shown(make_viewer)
    viewer.page.mouse.click(*viewer.screen(0.9, 0.25))
    pick = viewer.calls("pick")[0]
    assert (pick["column"], pick["row"], pick["id"], pick["source"]) == (72, 15, GRASS, "mouse")
    assert (pick["x"], pick["y"]) == (pytest.approx(0.9, abs=0.002), pytest.approx(0.25, abs=0.002))


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


def test_changed_comparison_shows_only_what_changed(make_viewer: MakeViewer) -> None:
    viewer = shown(make_viewer)
    before = three_regions()
    before[before == CAR] = SKY
    viewer.run("async (b) => viewer.setCompare({before: await segdemo.unpack(b), mode: 'changed'})", pack(before))
    assert viewer.at(*IN_CAR)[:3] == COLORS[CAR]
    assert max(viewer.at(*IN_SKY)[:3]) < 60
    viewer.run("() => viewer.setCompare(null)")
    assert viewer.at(*IN_SKY)[:3] == COLORS[SKY]


def test_blinking_waits_for_a_click_where_motion_is_unwelcome(make_viewer: MakeViewer) -> None:
    viewer = shown(make_viewer)
    viewer.run("() => viewer.setCompare({before: new Uint8Array(4800).fill(1), mode: 'blink'})")
    swap = viewer.page.locator(".sdv-swap")
    assert swap.text_content() == "After"
    assert viewer.at(*IN_CAR)[:3] == COLORS[CAR]
    swap.click()
    assert swap.text_content() == "Before"
    assert viewer.at(*IN_CAR)[:3] == COLORS[GRASS]


def test_blinking_swaps_by_itself(make_viewer: MakeViewer) -> None:
    viewer = shown(make_viewer, reduced_motion="no-preference")
    viewer.run("() => viewer.setCompare({before: new Uint8Array(4800).fill(1), mode: 'blink'})")
    swap = viewer.page.locator(".sdv-swap")
    viewer.page.wait_for_function("document.querySelector('.sdv-swap').textContent === 'Before'")
    viewer.run("() => viewer.setCompare(null)")
    assert swap.is_hidden()
    assert viewer.page.locator(".sdv-overlay").is_visible()


def test_description_names_classes_selection_and_what_is_shown(make_viewer: MakeViewer) -> None:
    viewer = shown(make_viewer)
    assert viewer.run("() => viewer.describe()") == "Photo with 3 classes: sky 46 %, grass 45 %, car 8 %."
    viewer.run("() => { viewer.setVisible([0, 2]); viewer.select(2); }")
    identifier = (viewer.page.locator(".sdv-viewport").get_attribute("aria-describedby") or "").split()[0]
    assert viewer.text(f"#{identifier}") == (
        "Photo with 3 classes: sky 46 %, grass 45 %, car 8 %. Shown: sky, car. Selected: car."
    )
    viewer.run("() => viewer.setVisible([])")
    assert "None of them is shown." in viewer.text(f"#{identifier}")


def test_new_photo_clears_the_old_result_and_keeps_the_view_of_equal_size(make_viewer: MakeViewer) -> None:
    viewer = shown(make_viewer)
    viewer.run("() => { viewer.zoomBy(2); viewer.select(2); viewer.setPixel({x: 0.5, y: 0.5}); }")
    viewer.run("() => viewer.setPhoto({src: document.querySelector('.sdv-photo').src + '#2', width: 80, height: 60})")
    assert viewer.at(*IN_CAR)[3] == 0
    assert viewer.run("() => viewer.view().zoom") == pytest.approx(2)
    assert viewer.run("() => document.querySelector('.sdv-pixel').hidden")
    assert viewer.run("() => viewer.describe()") == "Photo, not segmented yet."
    viewer.run("() => viewer.setPhoto({src: document.querySelector('.sdv-photo').src + '#3', width: 60, height: 80})")
    assert viewer.run("() => viewer.view().zoom") == 1


def test_same_photo_again_keeps_everything(make_viewer: MakeViewer) -> None:
    viewer = shown(make_viewer)
    viewer.run("() => viewer.setPhoto({src: document.querySelector('.sdv-photo').src, width: 80, height: 60})")
    assert viewer.at(*IN_CAR)[:3] == COLORS[CAR]


def test_clear_leaves_an_empty_viewer(make_viewer: MakeViewer) -> None:
    viewer = shown(make_viewer)
    viewer.run("() => viewer.clear()")
    assert viewer.page.locator(".sdv-empty").is_visible()
    assert viewer.at(*IN_CAR)[3] == 0
    assert viewer.run("() => viewer.describe()") == "No photo yet."


def test_map_of_the_wrong_size_is_refused(make_viewer: MakeViewer) -> None:
    viewer = shown(make_viewer)
    message = viewer.run(
        """() => { try { viewer.setMap({width: 3, height: 3, ids: new Uint8Array(4), entries: new Map()}); }
        catch (error) { return error.message; } }"""
    )
    assert message == "4 ids do not fill 3 x 3."


def test_message_and_progress(make_viewer: MakeViewer) -> None:
    viewer = shown(make_viewer)
    viewer.run("() => viewer.setMessage({kind: 'error', text: 'Not a picture.'})")
    assert viewer.page.get_by_role("alert").text_content() == "Not a picture."
    viewer.run("() => viewer.setProgress({text: 'Layer 5 of 9', fraction: 0.5})")
    assert viewer.page.get_by_role("progressbar").get_attribute("aria-valuenow") == "50"
    viewer.run("() => viewer.setProgress({text: 'Waiting', fraction: null})")
    assert viewer.page.get_by_role("progressbar").get_attribute("aria-valuenow") is None
    viewer.run("() => { viewer.setProgress(null); viewer.setMessage(null); }")
    assert viewer.page.locator(".sdv-bar").is_hidden()
    assert viewer.page.locator(".sdv-message").is_hidden()


def test_dark_page_changes_the_colours(make_viewer: MakeViewer) -> None:
    viewer = shown(make_viewer)
    read = """() => {
    const s = getComputedStyle(document.querySelector(".sd-viewer"));
    const names = ["--sdv-bg", "--sdv-panel", "--sdv-fg", "--sdv-line", "--sdv-accent"];
    return names.map((name) => s.getPropertyValue(name));
    }"""
    light = viewer.run(read)
    viewer.run("() => document.body.classList.add('dark')")
    dark = viewer.run(read)
    assert all(light)
    assert all(one != two for one, two in zip(light, dark, strict=True))


def test_viewer_follows_its_containers_width(make_viewer: MakeViewer) -> None:
    viewer = shown(make_viewer)
    viewer.run("() => { document.getElementById('box').style.maxWidth = '400px'; }")
    viewer.page.wait_for_function("document.querySelector('.sdv-photo').getBoundingClientRect().width < 400")
    box = viewer.page.locator(".sdv-photo").bounding_box()
    assert box is not None
    assert box["width"] / box["height"] == pytest.approx(80 / 60, abs=0.01)
    viewer.page.mouse.click(*viewer.screen(*IN_CAR))
    assert viewer.calls("pick")[0]["id"] == CAR


def test_tall_photos_respect_the_maximum_height(make_viewer: MakeViewer) -> None:
    viewer = make_viewer()
    viewer.run("() => document.getElementById('box').style.setProperty('--sd-canvas-max-height', '300px')")
    viewer.load(np.zeros((200, 50), np.uint8), ENTRIES)
    photo = viewer.page.locator(".sdv-photo").bounding_box()
    frame = viewer.page.locator(".sdv-viewport").bounding_box()
    assert photo is not None
    assert frame is not None
    assert photo["height"] == pytest.approx(300, abs=0.5)
    assert photo["width"] == pytest.approx(75, abs=0.5)
    assert photo["x"] + photo["width"] / 2 == pytest.approx(frame["x"] + frame["width"] / 2, abs=0.5)


def test_dropped_file_reaches_the_page(make_viewer: MakeViewer) -> None:
    viewer = shown(make_viewer)
    send = """(kind) => { const data = new DataTransfer(); data.items.add(new File(["x"], "cat.jpg"));
    document.querySelector(".sdv-frame").dispatchEvent(
      new DragEvent(kind, {dataTransfer: data, bubbles: true, cancelable: true})); }"""
    viewer.run(send, "dragover")
    assert viewer.page.locator(".sdv-drop").is_visible()
    viewer.run(send, "drop")
    assert viewer.page.locator(".sdv-drop").is_hidden()
    assert viewer.calls("file") == ["cat.jpg"]


def test_toggle_repaints_the_same_picture_as_a_fresh_paint(make_viewer: MakeViewer) -> None:
    rng = np.random.default_rng(3)
    ids = rng.integers(0, 9, (40, 50)).repeat(3, 0).repeat(3, 1).astype(np.uint8)
    colors = rng.integers(0, 256, (9, 3)).tolist()
    entries = [
        {"id": i, "label": str(i), "color": color, "isthing": i % 2 == 0, "area": 0.1} for i, color in enumerate(colors)
    ]
    viewer = make_viewer()
    viewer.load(ids, entries)
    viewer.run("() => viewer.setDimHidden(true)")
    for visible in ([0, 1, 2], [2, 3, 7], None, [8]):
        viewer.run("(ids) => { viewer.setVisible(ids); viewer.flush(); }", visible)
    painted = viewer.run(
        """() => [...document.querySelector(".sdv-overlay").getContext("2d").getImageData(0, 0, 150, 120).data]"""
    )
    expected = np.zeros((120, 150, 4), np.uint8)
    expected[ids == 8] = [*colors[8], 255]
    assert np.array_equal(np.array(painted, np.uint8).reshape(120, 150, 4), expected)


def test_unpack_gives_back_what_was_packed(make_viewer: MakeViewer) -> None:
    viewer = make_viewer()
    for array in (
        np.arange(6, dtype=np.uint8).reshape(2, 3),
        np.array([0, 300, 65535], np.uint16),
        np.array([[0.5, -1.25]], np.float32),
    ):
        got = viewer.run("async (packed) => [...await segdemo.unpack(packed)]", pack(array))
        assert got == array.ravel().tolist()
