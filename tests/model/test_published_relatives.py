"""Every family in the form in which it was published, where such folders are at hand."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch

from segdemo.model.capture import Request
from segdemo.model.predictor import load_predictor
from segdemo.segmentation import semantic

SHARED = Path(__file__).parents[3] / "shared" / "cases" / "hub"
DATA = {
    "mask2former_ade_semantic": "ADE20K",
    "mask2former_cityscapes_semantic": "Cityscapes",
    "mask2former_coco_instance": "COCO",
    "oneformer_ade": "ADE20K",
    "maskformer_ade": "ADE20K",
    "upernet_convnext": "ADE20K",
    "eomt_ade": "ADE20K",
}


@pytest.mark.slow
@pytest.mark.parametrize("name", DATA)
@pytest.mark.usefixtures("own_cache")
def test_they_answer_as_the_library_of_that_day(
    name: str, photo: npt.NDArray[np.uint8], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = SHARED / name
    if not folder.is_dir():
        pytest.skip("the published folders are not at hand")
    predictor = load_predictor(folder, engine="torch", precision="fp32", device="cpu")
    with np.load(folder / "expected.npz") as file:
        pixels = file["pixel_values"].astype(np.float32)
        wanted = {key: file[key] for key in file.files if key.endswith("logits")}
        told = file["task_inputs"] if "task_inputs" in file.files else None
    task = None
    if told is not None:
        # Those answers are to made-up tokens: they take the place of a task's own.
        task = "semantic"
        engine: Any = predictor.engine
        monkeypatch.setitem(engine.current.network._tokens, task, torch.from_numpy(told[0]))
    raw = predictor.engine(pixels, Request(task=task))
    if raw.logits is not None:
        whole = torch.nn.functional.interpolate(torch.from_numpy(raw.logits), size=pixels.shape[2:], mode="bilinear")
        found = {"logits": whole.numpy()[:, :, ::8, ::8]}
    else:
        found = {"masks_queries_logits": raw.masks[-1], "class_queries_logits": raw.classes[-1]}
    assert set(found) == set(wanted)
    for key, values in found.items():
        np.testing.assert_allclose(values, wanted[key], atol=1e-4)
    assert predictor.taxonomy.name == DATA[name]
    assert semantic(predictor(photo)).labels.shape == photo.shape[:2]
