"""The web page's scripts, each run in Chromium beside the package: post-processing and resizing."""

import base64
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

import segdemo
from segdemo.export import web
from segdemo.segmentation import planes
from segdemo.settings import ASSETS
from tests.export.pages import EXAMPLES

THRESHOLDS = {"score_threshold": 0.8, "mask_threshold": 0.5, "overlap_threshold": 0.8}


def _text(array: npt.NDArray[Any]) -> str:
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()


_DERIVE = """
([answer, width, height, thresholds, stuff, small]) => {
  const sd = window.segdemo;
  const floats = (text) => new Float32Array(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer);
  answer.masks = floats(answer.masks);
  answer.logits = floats(answer.logits);
  const text = (array) => {
    const bytes = new Uint8Array(array.buffer);
    let found = "";
    for (let i = 0; i < bytes.length; i += 32768) found += String.fromCharCode(...bytes.subarray(i, i + 32768));
    return btoa(found);
  };
  const map = sd.semanticMap(answer, height, width, 0);
  const cut = sd.panopticSegments(answer, height, width, { ...thresholds, stuff: new Set(stuff) });
  const planes = sd.readoutPlanes(answer, ...small);
  const keys = ["topId", "top", "runner", "query", "entropy"];
  const packed = Object.fromEntries(keys.map((key) => [key, text(planes[key])]));
  return { labels: text(map.labels), scores: text(map.scores), present: sd.presentClasses(map, answer.classes),
    ids: text(cut.ids), segments: cut.segments, planes: packed };
}
"""


@pytest.mark.slow
@pytest.mark.parametrize("name", EXAMPLES)
def test_scripts_derive_what_the_package_does(chromium: Any, name: str) -> None:
    predictor = segdemo.load_predictor("embedded", engine="torch", precision="fp32")
    image = segdemo.load_image(ASSETS / "examples" / f"{name}.jpg")
    prediction = predictor(image, capture=False)
    masks, logits = prediction.mask_logits(), prediction.class_logits()
    answer = {
        "queries": len(masks),
        "height": masks.shape[1],
        "width": masks.shape[2],
        "classes": logits.shape[1] - 1,
        "inputHeight": prediction.input_size[0],
        "inputWidth": prediction.input_size[1],
        "masks": _text(masks),
        "logits": _text(logits),
    }
    height, width = prediction.image_size
    small = (96, 128)
    page = chromium.new_page()
    page.add_script_tag(content=_scripts("within.js", "sampling.js", "semantic.js", "panoptic.js"))
    stuff = sorted(prediction.taxonomy.stuff)
    found = page.evaluate(_DERIVE, [answer, width, height, THRESHOLDS, stuff, list(small)])
    page.close()

    def array(text: str, kind: type) -> npt.NDArray[Any]:
        return np.frombuffer(base64.b64decode(text), kind)

    semantic = segdemo.semantic(prediction)
    assert (array(found["labels"], np.uint16).reshape(height, width) == semantic.labels).mean() > 0.9999
    assert np.abs(array(found["scores"], np.float32).reshape(height, width) - semantic.scores).max() < 1e-3
    present = segdemo.segmentation.present_classes(prediction, semantic)
    for entry, known in zip(found["present"][:8], present[:8], strict=True):
        assert (entry["id"], entry["area"]) == (known.category_id, pytest.approx(known.share, abs=1e-4))
        assert entry["score"] == pytest.approx(known.score, abs=1e-3)
    segments = segdemo.panoptic(prediction, **THRESHOLDS)
    assert len(segments.segments_info) > 1
    assert (array(found["ids"], np.uint16).reshape(height, width) == segments.ids).mean() > 0.9999
    for entry, segment in zip(found["segments"], segments.segments_info, strict=True):
        assert (entry["id"], entry["category"], entry["queries"]) == (
            segment.id, segment.category_id, list(segment.queries)
        )  # fmt: skip
        assert entry["pixels"] == pytest.approx(segment.area, abs=5)
        assert entry["score"] == pytest.approx(segment.score, abs=1e-4)
    readout = planes(prediction, size=small)
    for key, kind, expected in (
        ("topId", np.uint16, readout.top),
        ("runner", np.uint16, readout.runner_up),
        ("query", np.uint16, readout.query),
    ):
        assert (array(found["planes"][key], kind).reshape(small) == expected).mean() > 0.995, key
    for key, expected_share in (("top", readout.top_probability), ("entropy", readout.entropy)):
        assert np.abs(array(found["planes"][key], np.uint8).reshape(small) / 255.0 - expected_share).max() < 4e-3, key


def _scripts(*names: str) -> str:
    return "\n".join((Path(web.__file__).parent / name).read_text(encoding="utf-8") for name in names)


@pytest.mark.slow
@pytest.mark.parametrize("resample", [1, 2, 3])
def test_photo_is_resized_as_pillow_does(chromium: Any, resample: int) -> None:
    generator = np.random.default_rng(0)
    image = generator.integers(0, 256, (61, 83, 4), np.uint8)
    image[..., 3] = 255
    page = chromium.new_page()
    page.add_script_tag(content=_scripts("resize.js"))
    found = page.evaluate(
        "([data, w, h, by]) => Array.from(window.segdemo.resizeLikePillow("
        "{ width: 83, height: 61, data: Uint8ClampedArray.from(data) }, w, h, by))",
        [image.ravel().tolist(), 64, 32, resample],
    )
    page.close()
    expected = Image.fromarray(image[..., :3]).resize((64, 32), Image.Resampling(resample))
    assert np.array_equal(np.array(found, np.uint8).reshape(32, 64, 3), np.asarray(expected))
