"""The canvas viewer's layers: colours, opacity, toggles, outlines, hatching and heatmaps."""

from typing import Any

import numpy as np
import pytest

from segdemo.packing import pack
from segdemo.ui.viewer import SCRIPTS, script, style

from .regions import CAR, COLORS, GRASS, IN_CAR, IN_GRASS, IN_SKY, SKY, MakeViewer, shown

pytestmark = pytest.mark.browser


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


@pytest.mark.slow
def test_outlines_stay_thin_when_zoomed(make_viewer: MakeViewer) -> None:
    viewer = shown(make_viewer)
    viewer.run("() => { viewer.resetView(); viewer.zoomBy(4); }")
    edge = viewer.run("() => viewer.lineAt(0.375, 0.5)")
    beside = viewer.run("() => viewer.lineAt(0.375 + 4 / (80 * 4 * 9.6), 0.5)")
    assert edge[:3] == [255, 255, 255]
    assert beside[3] == 0


@pytest.mark.slow
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
    photo, legend = (viewer.page.locator(name).bounding_box() for name in (".sdv-viewport", ".sdv-legend"))
    assert photo is not None
    assert legend is not None
    assert legend["y"] >= photo["y"] + photo["height"], "the legend covers the photo"
    viewer.run("() => viewer.setHeat(null)")
    assert viewer.at(*IN_SKY)[:3] == COLORS[SKY]
    assert viewer.page.locator(".sdv-legend").is_hidden()


@pytest.mark.slow
def test_heat_outlines_its_mask(make_viewer: MakeViewer) -> None:
    viewer = shown(make_viewer)
    viewer.run(
        """() => viewer.setHeat({width: 1, height: 1, data: new Uint8Array([9]), min: 0, max: 1,
        outline: {mask: new Uint8Array([0, 1, 0, 1]), width: 2, height: 2}})"""
    )
    assert viewer.line_at(0.5, 0.25)[:3] == [255, 255, 255]
    assert viewer.line_at(30 / 80, 0.5)[3] == 0


@pytest.mark.slow
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


@pytest.mark.slow
def test_unpack_gives_back_what_was_packed(make_viewer: MakeViewer) -> None:
    viewer = make_viewer()
    for array in (
        np.arange(6, dtype=np.uint8).reshape(2, 3),
        np.array([0, 300, 65535], np.uint16),
        np.array([[0.5, -1.25]], np.float32),
    ):
        got = viewer.run("async (packed) => [...await segdemo.unpack(packed)]", pack(array))
        assert got == array.ravel().tolist()
