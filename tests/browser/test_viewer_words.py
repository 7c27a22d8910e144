"""What the canvas viewer says, and what becomes of it as photos, sizes and colours change."""

import numpy as np
import pytest

from .regions import CAR, COLORS, ENTRIES, GRASS, IN_CAR, IN_SKY, LABELS, MakeViewer, planes, shown, three_regions

pytestmark = pytest.mark.browser


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
    assert "Point to read a pixel" in viewer.text(".sdv-readout")


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


def test_new_photo_clears_the_old_result_and_keeps_the_view_where_asked(make_viewer: MakeViewer) -> None:
    viewer = shown(make_viewer)
    viewer.run("() => { viewer.zoomBy(2); viewer.select(2); viewer.setPixel({x: 0.5, y: 0.5}); }")
    again = "() => viewer.setPhoto({src: document.querySelector('.sdv-photo').src + '#2', width: 80, height: 60, %s})"
    viewer.run(again % "keepView: true")
    assert viewer.at(*IN_CAR)[3] == 0
    assert viewer.run("() => viewer.view().zoom") == pytest.approx(2)
    assert viewer.run("() => document.querySelector('.sdv-pixel').hidden")
    assert viewer.run("() => viewer.describe()") == "Photo, not segmented yet."
    viewer.run(again % "")
    assert viewer.run("() => viewer.view().zoom") == 1


@pytest.mark.slow
def test_same_photo_again_keeps_everything(make_viewer: MakeViewer) -> None:
    viewer = shown(make_viewer)
    viewer.run("() => viewer.setPhoto({src: document.querySelector('.sdv-photo').src, width: 80, height: 60})")
    assert viewer.at(*IN_CAR)[:3] == COLORS[CAR]


@pytest.mark.slow
def test_clear_leaves_an_empty_viewer(make_viewer: MakeViewer) -> None:
    viewer = shown(make_viewer)
    viewer.run("() => viewer.clear()")
    assert viewer.page.locator(".sdv-empty").is_visible()
    assert viewer.at(*IN_CAR)[3] == 0
    assert viewer.run("() => viewer.describe()") == "No photo yet."


@pytest.mark.slow
def test_map_of_the_wrong_size_is_refused(make_viewer: MakeViewer) -> None:
    viewer = shown(make_viewer)
    message = viewer.run(
        """() => { try { viewer.setMap({width: 3, height: 3, ids: new Uint8Array(4), entries: new Map()}); }
        catch (error) { return error.message; } }"""
    )
    assert message == "4 ids do not fill 3 x 3."


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
def test_viewer_follows_its_containers_width(make_viewer: MakeViewer) -> None:
    viewer = shown(make_viewer)
    viewer.run("() => { document.getElementById('box').style.maxWidth = '400px'; }")
    viewer.page.wait_for_function("document.querySelector('.sdv-photo').getBoundingClientRect().width < 400")
    box = viewer.page.locator(".sdv-photo").bounding_box()
    assert box is not None
    assert box["width"] / box["height"] == pytest.approx(80 / 60, abs=0.01)
    viewer.page.mouse.click(*viewer.screen(*IN_CAR))
    assert viewer.calls("pick")[0]["id"] == CAR


@pytest.mark.slow
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
