"""What the examples say of the dense CRF, with the checkpoint that comes with the demo."""

import pytest

from segdemo import checkpoints
from segdemo.examples import SCENES, Scene
from segdemo.images import encode_jpeg, load_image
from segdemo.model.predictor import load_predictor
from segdemo.results.job import own_job
from segdemo.ui.store import Record
from segdemo.ui.tabs.refinement import refine_exactly
from segdemo.ui.tabs.result import CRF_HINTS, result

JUDGED = [example for example in SCENES if example.crf]


def test_there_is_one_to_try_it_on() -> None:
    assert {example.crf for example in JUDGED} == {"helps"}


@pytest.mark.parametrize("example", JUDGED, ids=[example.id for example in JUDGED])
def test_the_crf_does_what_the_example_says(example: Scene) -> None:
    predictor = load_predictor(checkpoints.EMBEDDED_ID)
    image = load_image(example.image)
    record = Record(
        image=image,
        display=encode_jpeg(image),
        display_size=(image.shape[0], image.shape[1]),
        prediction=predictor(image),
        taxonomy=predictor.taxonomy,
        checkpoint=predictor.checkpoint,
        example=example.id,
    )
    truth = refine_exactly(record, {"refine": {"crf": True}}, own_job())["truth"]
    assert truth["after"]["miou"] > truth["before"]["miou"] + 0.02
    assert result(record, {}, own_job())["crfHint"] == CRF_HINTS[example.crf]
