"""The families beside Mask2Former in the form in which they were published, where such folders are at hand."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch

from segdemo.model.predictor import load_predictor
from segdemo.segmentation import semantic

SHARED = Path(__file__).parents[3] / "shared" / "cases" / "hub"
FOLDERS = [folder for name in ("upernet_convnext", "eomt_ade") if (folder := SHARED / name).is_dir()]


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_they_answer_as_the_library_of_that_day(folder: Path, photo: npt.NDArray[np.uint8]) -> None:
    predictor = load_predictor(folder, engine="torch", precision="fp32", device="cpu")
    with np.load(folder / "expected.npz") as file:
        pixels = file["pixel_values"].astype(np.float32)
        wanted = {name: file[name] for name in file.files if name.endswith("logits")}
    raw = predictor.engine(pixels)
    if raw.logits is not None:
        whole = torch.nn.functional.interpolate(torch.from_numpy(raw.logits), size=pixels.shape[2:], mode="bilinear")
        found = {"logits": whole.numpy()[:, :, ::8, ::8]}
    else:
        found = {"masks_queries_logits": raw.masks[-1], "class_queries_logits": raw.classes[-1]}
    assert set(found) == set(wanted)
    for name, values in found.items():
        np.testing.assert_allclose(values, wanted[name], atol=1e-4)
    assert predictor.taxonomy.name == "ADE20K"
    assert semantic(predictor(photo)).labels.shape == photo.shape[:2]
