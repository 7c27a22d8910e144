"""The files of instances: things alone, as COCO's own tools read them."""

import json
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from segdemo.images import decode_png_ids
from segdemo.prediction import Prediction
from segdemo.refine import MorphologyOptions, RefineOptions
from segdemo.results.job import own_job
from segdemo.results.make import Source, make_result
from segdemo.results.options import OutputOptions
from segdemo.segmentation.instances import Instances
from tests.results.hand_made import LABELS, hand_made, make_outputs


def test_instances_are_things_alone(prediction: Prediction, image: npt.NDArray[np.uint8]) -> None:
    result = make_outputs(image, prediction, OutputOptions(task="instance"))
    assert [entry["label"] for entry in result.segments["segments_info"]] == ["car", "car"]


@pytest.mark.parametrize(("name", "image_id"), [("000000000139", 139), ("street", "street")])
def test_instances_are_cocos_results(image: npt.NDArray[np.uint8], name: str, image_id: int | str) -> None:
    """A car, and a second one that the first covers in part: read by COCO's own tools."""
    from pycocotools import mask as codec
    from pycocotools.coco import COCO

    masks = np.zeros((2, 8, 12), bool)
    masks[0, :, :8] = masks[1, 2:, 4:] = True
    sure = hand_made([2, 2], masks, LABELS)
    chances = sure.classes[-1].copy()
    chances[1] = [-20, -20, 2, 0]
    prediction = replace(sure, classes=(chances,))
    files = make_outputs(image, prediction, OutputOptions(task="instance", score_threshold=0.3)).files(name)
    assert list(files)[1:] == [f"{name}.segments.json", f"{name}.instances.json", f"{name}.overlay.jpg"]
    listed = json.loads(files[f"{name}.instances.json"])
    ids = decode_png_ids(files[f"{name}.panoptic.png"])
    assert [entry["segment_id"] for entry in listed] == [1, 2]
    truth = COCO()
    truth.dataset = {
        "images": [{"id": image_id, "height": 32, "width": 48}],
        "categories": [{"id": index, "name": label} for index, label in LABELS.items()],
        "annotations": [],
    }
    truth.createIndex()
    found = truth.loadRes(listed)
    first, second = (found.annToMask(entry) > 0 for entry in found.loadAnns(found.getAnnIds()))
    assert (first == (ids == 1)).all()
    assert (ids[second] == 1).any()
    assert ((ids == 2) == (second & ~first)).all()
    assert second[12:, 20:].all()
    assert not second[:4].any()
    for entry, mask in zip(listed, (first, second), strict=True):
        assert (entry["category_id"], entry["label"]) == (2, "car")
        # What the tools have added.
        assert entry["area"] == codec.area(entry["segmentation"]) == mask.sum()
    assert listed[0]["score"] > listed[1]["score"] > 0.3


def test_other_tasks_have_no_list_of_instances(prediction: Prediction, image: npt.NDArray[np.uint8]) -> None:
    assert make_outputs(image, prediction, OutputOptions(task="panoptic")).instances is None


def test_the_masks_of_instances_follow_what_is_refined(image: npt.NDArray[np.uint8]) -> None:
    masks = np.zeros((2, 8, 12), bool)
    masks[0, :, :8] = masks[1, 2:, 4:] = True
    sure = hand_made([2, 2], masks, LABELS)
    chances = sure.classes[-1].copy()
    chances[1] = [-20, -20, 2, 0]
    prediction = replace(sure, classes=(chances,))
    erode = RefineOptions(morphology=MorphologyOptions(operation="erode", size=3))
    options = OutputOptions(task="instance", score_threshold=0.3)
    result = make_result(own_job(), Source(image, prediction), replace(options, refine=erode))
    before, after = result.before, result.after
    assert isinstance(before, Instances)
    assert isinstance(after, Instances)
    assert len(after.instances) == 2
    for old, new in zip(before.instances, after.instances, strict=True):
        kept, covered = new.mask.array(), old.mask.array() & (before.ids != old.id)
        assert (kept == (covered | (after.ids == new.id))).all()
        assert 0 < new.area < old.area
