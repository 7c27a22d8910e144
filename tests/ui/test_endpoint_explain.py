"""``/explain``: the pixel's classes, voters, layers and attention, as the functions for each have them."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError

from segdemo.explain import explain_pixel
from segdemo.model.predictor import load_predictor
from segdemo.prediction import Prediction
from segdemo.segmentation import class_probabilities, semantic


@pytest.fixture(scope="module")
def prediction(tiny_ade_checkpoint: Path, photo: npt.NDArray[np.uint8]) -> Prediction:
    return load_predictor(str(tiny_ade_checkpoint))(photo)


def explain(client: Client, photo_file: str, **options: Any) -> Any:
    return client.predict(image=handle_file(photo_file), **options, api_name="/explain")


def test_classes_and_votes_are_those_of_the_pixel(client: Client, photo_file: str, prediction: Prediction) -> None:
    answer = explain(client, photo_file, x=31, y=17, classes=4, queries=12)
    assert answer["pixel"] == {"x": 31, "y": 17}
    assert answer["image"] == {"height": 120, "width": 160}
    probabilities = class_probabilities(prediction)[:, 17, 31]
    order = np.argsort(-probabilities)[:4]
    assert [entry["category_id"] for entry in answer["classes"]] == order.tolist()
    assert [entry["probability"] for entry in answer["classes"]] == pytest.approx(probabilities[order], abs=1e-5)
    assert answer["classes"][0]["category_id"] == semantic(prediction).labels[17, 31]
    for entry in answer["classes"]:
        assert len(entry["votes"]) == 12
        assert sum(vote["share"] for vote in entry["votes"]) == pytest.approx(1)
        adds = sum(vote["class_probability"] * vote["mask_probability"] for vote in entry["votes"])
        assert entry["score"] == pytest.approx(adds, rel=1e-5)
    assert answer["lacks"] == {}
    assert answer["classes"][0]["label"] in answer["sentence"]


def test_queries_say_where_they_looked(client: Client, photo_file: str, prediction: Prediction) -> None:
    answer = explain(client, photo_file, x=31, y=17)
    assert len(answer["queries"]) == 3
    for entry in answer["queries"]:
        logits = prediction.class_logits()[entry["query"]].astype(np.float64)
        chances = np.exp(logits) / np.exp(logits).sum()
        assert entry["category_id"] == chances[:-1].argmax()
        assert entry["no_object"] == pytest.approx(chances[-1], abs=1e-6)
        assert [focus["layer"] for focus in entry["attention"]] == list(range(1, prediction.num_layers))
        for focus in entry["attention"]:
            cells = prediction.attention(focus["layer"], entry["query"])
            row, column = np.unravel_index(cells.argmax(), cells.shape)
            of, content = prediction.input_size, prediction.content_size
            y = (row + 0.5) / cells.shape[0] * of[0] / content[0] * 120
            x = (column + 0.5) / cells.shape[1] * of[1] / content[1] * 160
            if focus["peak"] is None:
                assert y > 120 or x > 160
            else:
                assert (focus["peak"]["y"], focus["peak"]["x"]) == (min(119, int(y)), min(159, int(x)))
            assert 0 <= focus["entropy"] <= 1


def test_layers_are_the_pixels_own_maps(client: Client, photo_file: str, prediction: Prediction) -> None:
    answer = explain(client, photo_file, x=100, y=60)
    maps = [semantic(prediction, layer=layer) for layer in range(prediction.num_layers)]
    assert [row["category_id"] for row in answer["layers"]] == [found.labels[60, 100] for found in maps]
    assert [row["probability"] for row in answer["layers"]] == pytest.approx(
        [found.scores[60, 100] for found in maps], abs=1e-5
    )
    assert answer["layers"][-1]["mask_probability"] == pytest.approx(answer["queries"][0]["mask_probability"], abs=0.05)


def test_left_out_it_is_the_middle_and_the_functions_defaults(
    client: Client, photo_file: str, prediction: Prediction
) -> None:
    answer = explain(client, photo_file)
    found = explain_pixel(prediction, 60, 80)
    assert answer["pixel"] == {"x": 80, "y": 60}
    assert answer["margin"] == pytest.approx(found.margin, abs=1e-6)
    assert answer["entropy"] == pytest.approx(found.entropy, abs=1e-6)
    assert [entry["category_id"] for entry in answer["classes"]] == [entry.category_id for entry in found.classes]
    assert explain(client, photo_file, x=None, y=None, queries=None) == answer


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"x": 160}, "x must be between 0 and 159: the photo is 160 pixels wide"),
        ({"y": -1}, "y must be between 0 and 119: the photo is 120 pixels high"),
        ({"x": 1.5}, "x must be a whole number"),
        ({"x": "left"}, "x must be a number"),
        ({"classes": 0}, "classes must be between 1 and 20"),
        ({"queries": 500}, "queries must be between 1 and 20"),
        ({"size": "2000"}, "choose one up to 960"),
        ({"checkpoint": "no/such"}, "checkpoint is not on this machine"),
    ],
)
def test_bad_input_gets_a_sentence(client: Client, photo_file: str, options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(AppError, match=sentence):
        explain(client, photo_file, **options)
