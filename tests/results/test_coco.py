"""The masks of regions as COCO's results have them, read by COCO's own tools."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from segdemo.prediction import Prediction
from segdemo.results.job import own_job
from segdemo.results.make import Source
from segdemo.results.options import OutputOptions
from segdemo.results.outputs import Outputs
from segdemo.results.outputs import make_outputs as make_outputs_for
from tests.results.hand_made import LABELS, hand_made, pixels

MASKS = np.zeros((3, 16, 20), np.bool_)
MASKS[0, 8:] = True
MASKS[1, :8, :15] = True
MASKS[2, :8, 15:] = True


def decoded(entry: dict[str, Any]) -> npt.NDArray[np.bool_]:
    """The mask (H, W) of an entry, by COCO's own reader."""
    reader = pytest.importorskip("pycocotools.mask")
    return np.asarray(reader.decode(entry["segmentation"]), np.bool_)


def made(prediction: Prediction, **options: Any) -> Outputs:
    image = np.zeros((*prediction.image_size, 3), np.uint8)
    return make_outputs_for(own_job(), Source(image, prediction), OutputOptions(**options), masks=True)


def test_classes_are_masks_of_the_map() -> None:
    found = made(hand_made([0, 1, 2], MASKS, LABELS), task="semantic")
    files = found.files("street")
    assert set(files) == {"street.semantic.png", "street.overlay.jpg", "street.masks.json"}
    entries = json.loads(files["street.masks.json"])
    labels = pixels(found.id_map)
    assert [entry["category_id"] for entry in entries] == [0, 1, 2]
    for entry in entries:
        assert np.array_equal(decoded(entry), labels == entry["category_id"])
        assert entry["image_id"] == "street"
        assert entry["segment_id"] == entry["category_id"]
        assert entry["label"] == LABELS[entry["category_id"]]
        assert entry["score"] > 0.99


def test_segments_are_masks_of_the_map_and_a_numbered_photo_has_its_number() -> None:
    found = made(hand_made([1, 2, 2], MASKS, LABELS), task="panoptic")
    entries = json.loads(found.files("000000000139")["000000000139.masks.json"])
    rgb = pixels(found.id_map).astype(np.int64)
    ids = rgb[..., 0] + 256 * rgb[..., 1] + 65536 * rgb[..., 2]
    known = {entry["id"]: entry for entry in found.segments["segments_info"]}
    assert len(entries) == len(known) == 3
    for entry in entries:
        mask = decoded(entry)
        assert np.array_equal(mask, ids == entry["segment_id"])
        assert mask.sum() == known[entry["segment_id"]]["area"]
        assert entry["category_id"] == known[entry["segment_id"]]["category_id"]
        assert entry["image_id"] == 139


def test_they_are_there_where_they_were_asked_for_and_not_twice() -> None:
    prediction = hand_made([1, 2, 2], MASKS, LABELS)
    image = np.zeros((*prediction.image_size, 3), np.uint8)
    plain = make_outputs_for(own_job(), Source(image, prediction), OutputOptions(task="panoptic"))
    assert "street.masks.json" not in plain.files("street")
    instances = made(replace(prediction, task="instance"), task="instance").files("street")
    assert "street.instances.json" in instances
    assert "street.masks.json" not in instances
