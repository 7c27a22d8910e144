"""What bfloat16 and 8 bits cost in labels, with trained weights on photographs."""

from pathlib import Path

import numpy as np
import pytest
from skimage import data

import segdemo
from segdemo.model.fast.quantized import has_quantized_products
from segdemo.model.predictor import Predictor, load_predictor

PHOTOS = ("astronaut", "chelsea", "coffee", "rocket")
SCENES = Path(__file__).parents[3] / "shared/data/scenes/images"


@pytest.fixture(scope="module", params=["bf16", "int8"])
def predictors(request: pytest.FixtureRequest) -> tuple[Predictor, Predictor]:
    if request.param == "int8" and not has_quantized_products():
        pytest.skip("this processor does not multiply in 8 bits")
    exact, reduced = (
        load_predictor("embedded-swin", engine="torch", precision=kind) for kind in ("fp32", request.param)
    )
    assert reduced.engine.precision == request.param
    return exact, reduced


@pytest.mark.parametrize("name", [PHOTOS[0], *(pytest.param(name, marks=pytest.mark.slow) for name in PHOTOS[1:])])
def test_labels_stay_on_photographs(predictors: tuple[Predictor, Predictor], name: str) -> None:
    image = getattr(data, name)()
    exact, reduced = (segdemo.semantic(predictor(image, capture=False)).labels for predictor in predictors)
    # A query at the threshold of its attention mask may go the other way and take its few per cent along.
    assert np.mean(exact == reduced) >= 0.95


@pytest.mark.skipif(not SCENES.is_dir(), reason="labelled photographs are not part of the project")
@pytest.mark.parametrize("name", ["msrc_18_22_s", "msrc_11_22_s"])
def test_labels_stay_on_the_hardest_of_the_validation_photographs(
    predictors: tuple[Predictor, Predictor], name: str
) -> None:
    image = segdemo.load_image(SCENES / f"{name}.jpg")
    exact, reduced = (segdemo.semantic(predictor(image, capture=False)).labels for predictor in predictors)
    assert np.mean(exact == reduced) >= 0.98
