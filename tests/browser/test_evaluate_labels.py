"""Every form of labels through the page, labels that made room, the band, Cancel, and a network without queries."""

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image
from playwright.sync_api import Page

from segdemo.errors import NotOfferedError
from segdemo.evaluation import causes, evaluate
from segdemo.images import encode_png_ids, encode_png_index, load_image
from segdemo.labels import OTHER
from segdemo.model.predictor import load_predictor
from segdemo.prediction import Prediction

from .harness import STATE
from .pages import upload
from .test_evaluate import MEASURED, give_labels, measured

pytestmark = [pytest.mark.browser, pytest.mark.slow]

FIGURES = f"{STATE}('evaluation').figures"
SKY, ROAD, CAR, NONE = 2, 6, 20, 255
COLOURS = {SKY: (70, 130, 180), ROAD: (128, 64, 128), CAR: (0, 0, 142), NONE: (0, 0, 0)}
CITYSCAPES = {SKY: 23, ROAD: 7, CAR: 26, NONE: 0}
STOPPED = """() => {
  const {client} = window.segdemo.page;
  const run = client.run;
  client.run = (begin, ...rest) => {
    client.run = run;
    return run(async () => {
      await new Promise((wake) => setTimeout(wake, 500));
      return begin();
    }, ...rest);
  };
}"""
"""The next job begins later, so that there is time to cancel it."""

MOVE = """async (bandWidth) => {
  const {state} = window.segdemo.page;
  state.set({bandWidth});
  await null;
  const {moved, maps, figures} = state.get("evaluation");
  return [moved, [...maps.kinds], figures.errors];
}"""
"""Move the band and look at once, before any request could be answered."""


def labelled(page: Page) -> None:
    """Wait for the evaluation of the photo on screen with labels."""
    page.wait_for_function(f"{MEASURED} && {STATE}('evaluation').labels", timeout=120_000)


@pytest.fixture(scope="module")
def prediction(cat: Path) -> Prediction:
    return load_predictor()(load_image(cat))


@pytest.fixture(scope="module")
def truth(prediction: Prediction) -> npt.NDArray[np.uint8]:
    """A sky over a road, a car on it, and a strip without labels; the network is right in some of the sky at least."""
    height, width = prediction.image_size
    labels = np.full((height, width), SKY, np.uint8)
    labels[height // 2 :] = ROAD
    labels[160:220, 100:220] = CAR
    labels[:, :20] = NONE
    return labels


def png(name: str, content: bytes) -> dict[str, Any]:
    return {"name": name, "mimeType": "image/png", "buffer": content}


def document(name: str, content: Any) -> dict[str, Any]:
    text = content if isinstance(content, str) else json.dumps(content)
    return {"name": name, "mimeType": "application/json", "buffer": text.encode()}


def in_values(truth: npt.NDArray[np.uint8], values: dict[int, int]) -> npt.NDArray[np.uint8]:
    return np.select([truth == index for index in values], list(values.values())).astype(np.uint8)


def forms(truth: npt.NDArray[np.uint8]) -> dict[str, tuple[list[dict[str, Any]], bool]]:
    """The files of each form, and whether the visitor has to say which it is."""
    height, width = truth.shape
    categories = [{"id": 3, "name": "sky"}, {"id": 5, "name": "road"}, {"id": 9, "name": "car"}]
    ids = in_values(truth, {SKY: 11, ROAD: 12, CAR: 13, NONE: 0}).astype(np.int32)
    infos = [{"id": 11, "category_id": 3}, {"id": 12, "category_id": 5}, {"id": 13, "category_id": 9}]
    image = {"id": 1, "file_name": "photo.jpg", "height": height, "width": width}
    panoptic = {"file_name": "labels.png", "image_id": 1, "segments_info": infos}
    box = {"id": 1, "image_id": 1, "category_id": 9, "iscrowd": 0, "bbox": [100, 160, 120, 60], "area": 7200}
    box["segmentation"] = [[100, 160, 220, 160, 220, 220, 100, 220]]
    colours = np.array([COLOURS.get(index, (0, 0, 0)) for index in range(256)], np.uint8)[truth]
    stream = io.BytesIO()
    Image.fromarray(colours).save(stream, "PNG")
    named = {SKY: "sky", ROAD: "road", CAR: "car"}
    palette = "\n".join(f"{' '.join(map(str, COLOURS[index]))} {name}" for index, name in named.items())
    return {
        "index": ([png("p.png", encode_png_index(truth, palette=COLOURS))], False),
        "panoptic": (
            [
                png("labels.png", encode_png_ids(ids)),
                document("l.json", {"images": [image], "annotations": [panoptic], "categories": categories}),
            ],
            False,
        ),
        "coco": (
            [document("o.json", {"images": [image], "annotations": [box], "categories": categories[2:]})],
            False,
        ),
        "cityscapes": ([png("c.png", encode_png_index(in_values(truth, CITYSCAPES)))], True),
        "colours": (
            [png("rgb.png", stream.getvalue()), document("palette.txt", f"{palette}\n0 0 0 unlabeled\n")],
            False,
        ),
        "ade20k": ([png("a.png", encode_png_index(np.where(truth == NONE, 0, truth + 1).astype(np.uint8)))], True),
    }


def test_every_form_of_labels_is_taken(
    page: Page, cat: Path, prediction: Prediction, truth: npt.NDArray[np.uint8]
) -> None:
    upload(page, cat)
    page.click("#sd-tab-evaluate")
    page.wait_for_selector("#sd-panel-evaluate :text('There are no labels for this photo yet')")
    whole = evaluate.evaluate(prediction, truth, layers=False).to_json()
    car = np.where(truth == CAR, CAR, OTHER)
    car[160:220, 100:220] = CAR
    only = evaluate.evaluate(prediction, car, covered={CAR}, layers=False).to_json()
    for form, (files, asked) in forms(truth).items():
        page.set_input_files(".sd-labels input[type=file]", files)  # type: ignore[arg-type]
        if asked:
            page.wait_for_function(
                "document.querySelector('.sd-labels [role=alert]').textContent.includes('say which they are')"
            )
            page.get_by_label("They are").select_option(form)
        page.wait_for_function(f"{STATE}('evaluation')?.labels?.form === '{form}'", timeout=60_000)
        measured(page)
        figures, expected = page.evaluate(FIGURES), only if form == "coco" else whole
        for name in ("labelled_pixels", "wrong_pixels", "miou", "boundary_f"):
            assert figures[name] == pytest.approx(expected[name]), (form, name)


def test_labels_that_had_to_make_room_are_read_again(page: Page, cat: Path, truth: npt.NDArray[np.uint8]) -> None:
    upload(page, cat)
    page.click("#sd-tab-evaluate")
    give_labels(page, encode_png_index(truth))
    labelled(page)
    token, wrong = page.evaluate(f"[{STATE}('run').token, {FIGURES}.wrong_pixels]")
    page.evaluate("token => window.segdemo.page.client.call('release', {token})", token)
    page.locator("#sd-panel-evaluate").get_by_text("Panoptic segments", exact=True).click()
    page.wait_for_function(f"{STATE}('run').token !== '{token}'", timeout=120_000)
    labelled(page)
    page.get_by_text("Semantic map", exact=True).click()
    page.wait_for_function(f"{FIGURES}?.judged === 'semantic'", timeout=60_000)
    measured(page)
    assert page.evaluate(f"{FIGURES}.wrong_pixels") == wrong


def test_the_band_moves_at_once_and_as_python_has_it(
    page: Page, cat: Path, prediction: Prediction, truth: npt.NDArray[np.uint8]
) -> None:
    upload(page, cat)
    page.click("#sd-tab-evaluate")
    give_labels(page, encode_png_index(truth))
    labelled(page)
    for width in (9, 1, 20):
        expected = evaluate.evaluate(prediction, truth, layers=False, width=width)
        moved, kinds, errors = page.evaluate(MOVE, width)
        assert moved, "the canvas waits for the server"
        assert np.array_equal(np.array(kinds).reshape(truth.shape), expected.kinds)
        assert errors == json.loads(json.dumps(expected.to_json()["errors"]))
        page.wait_for_function(f"!{STATE}('evaluation').moved", timeout=60_000)
        assert page.evaluate(f"{FIGURES}.errors") == json.loads(json.dumps(expected.to_json()["errors"]))
        assert page.evaluate(f"{FIGURES}.suspects.length") == len(expected.suspects)


def test_an_evaluation_is_stopped_and_begun_again(page: Page, cat: Path, truth: npt.NDArray[np.uint8]) -> None:
    upload(page, cat)
    page.click("#sd-tab-evaluate")
    give_labels(page, encode_png_index(truth))
    labelled(page)
    page.evaluate(STOPPED)
    page.locator("#sd-panel-evaluate").get_by_text("Panoptic segments", exact=True).click()
    page.locator(".sd-evaluating .sd-cancel").first.click()
    page.wait_for_selector("#sd-panel-evaluate :text('This was stopped.')")
    assert page.evaluate(f"{FIGURES}.judged") == "semantic"
    page.locator("#sd-panel-evaluate").get_by_role("button", name="Evaluate", exact=True).click()
    page.wait_for_function(f"{FIGURES}.judged === 'panoptic'", timeout=60_000)


def test_a_network_without_queries_has_no_causes_and_says_why(
    page: Page, cat: Path, truth: npt.NDArray[np.uint8], monkeypatch: pytest.MonkeyPatch
) -> None:
    sentence = "This network decides every pixel on its own: there are no queries to look at."

    def refuse(*_: Any, **__: Any) -> Any:
        raise NotOfferedError(sentence)

    monkeypatch.setattr(causes, "error_causes", refuse)
    monkeypatch.setattr(evaluate, "_no_layers", lambda *_: sentence)
    upload(page, cat)
    page.click("#sd-tab-evaluate")
    give_labels(page, encode_png_index(truth))
    labelled(page)
    panel = page.locator("#sd-panel-evaluate")
    assert sentence in panel.inner_text()
    assert panel.locator("label:has-text('Where it entered')").is_hidden()
    assert panel.locator("label:has-text('Lost at layer')").is_hidden()
    assert panel.locator("label:has-text('Kinds')").is_visible()
    page.click("#sd-panel-evaluate [data-part=layers] summary")
    assert sentence in panel.locator("[data-part=layers]").inner_text()
