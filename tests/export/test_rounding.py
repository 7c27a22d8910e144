"""The network in double precision, beside the library's own brought there by hand."""

from pathlib import Path

import numpy as np
import pytest
import torch

from segdemo.export.rounding import InDouble
from segdemo.model.networks import load_network
from segdemo.model.weights import load_library_model
from tests.networks import KINDS


def test_it_is_the_librarys_network_in_double_precision(tiny_checkpoint: Path) -> None:
    pixels = np.random.default_rng(0).normal(size=(1, 3, 64, 96)).astype(np.float32)
    shared = load_network(tiny_checkpoint, accelerated=False)
    found = InDouble(tiny_checkpoint)(pixels)
    model = load_library_model(tiny_checkpoint, "Mask2FormerForUniversalSegmentation").double()
    with torch.inference_mode():
        expected = model(pixel_values=torch.from_numpy(pixels).double())
    for own, other in zip(found, (expected.class_queries_logits, expected.masks_queries_logits), strict=True):
        np.testing.assert_allclose(own, other[0].numpy(), atol=1e-6, rtol=1e-6)
    # What others run stays as it was.
    again = shared.run(torch.from_numpy(pixels)).answer
    np.testing.assert_allclose(again[1][0], found[1], atol=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["upernet-convnext", "maskformer", "eomt-semantic"])
def test_every_family_that_is_exported_runs_in_it(kind: str, tmp_path: Path) -> None:
    folder = KINDS[kind](tmp_path)
    pixels = np.random.default_rng(0).normal(size=(1, 3, 64, 64)).astype(np.float32)
    plain = load_network(folder, accelerated=False).run(torch.from_numpy(pixels)).answer
    for own, other in zip(InDouble(folder)(pixels), plain, strict=True):
        np.testing.assert_allclose(own, other[0], atol=1e-3)
