"""Networks that score every pixel: against the library's own way, class by class and pixel by pixel."""

from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest
import torch

from segdemo.errors import NotOfferedError
from segdemo.evaluation.evaluate import evaluate
from segdemo.evaluation.suspects import label_probability
from segdemo.evaluation.truth import TrueSegments
from segdemo.explain import explain_pixel, query_masks, query_table, query_thumbnails
from segdemo.prediction import Prediction, Size
from segdemo.segmentation import (
    class_probabilities,
    confidence,
    dropped,
    instances,
    layer_labels,
    panoptic,
    planes,
    semantic,
)
from segdemo.segmentation.planes import NO_QUERY

LACKS: Mapping[str, str] = {
    part: f"No {part} here." for part in ("queries", "layers", "attention", "decoder_features", "features")
}


def scored(
    seed: int = 0,
    *,
    classes: int = 9,
    cells: Size = (14, 18),
    padding: Size = (0, 0),
    image: Size | None = None,
    **more: Any,
) -> Prediction:
    """Smooth logits of which some classes are hopeless, as most are in a photograph."""
    rng = np.random.default_rng(seed)
    coarse = rng.normal(size=(classes, 4, 5)).astype(np.float32) * 6
    logits = np.stack([cv2.resize(plane, cells[::-1], interpolation=cv2.INTER_CUBIC) for plane in coarse])
    logits[classes // 2 + 1 :] -= 40
    size = (cells[0] * 4, cells[1] * 4)
    content = (size[0] - padding[0], size[1] - padding[1])
    labels = {index: f"class {index}" for index in range(classes)}
    return Prediction(image or content, size, content, labels, (), (), logits=logits, lacks=LACKS, **more)


def reference(prediction: Prediction) -> npt.NDArray[np.float32]:
    """Probabilities (C, H, W): logits to the input, cropped, to the photograph, softmax; by the library's means."""
    resize = torch.nn.functional.interpolate
    assert prediction.logits is not None
    logits = torch.from_numpy(prediction.logits.copy())[None].double()
    logits = resize(logits, size=prediction.input_size, mode="bilinear", align_corners=False)
    logits = logits[..., : prediction.content_size[0], : prediction.content_size[1]]
    logits = resize(logits, size=prediction.image_size, mode="bilinear", align_corners=False)
    return np.asarray(logits.softmax(dim=1)[0].numpy(), np.float32)


@pytest.mark.parametrize(
    "how",
    [{}, {"image": (70, 91)}, {"image": (33, 40), "padding": (6, 11)}, {"classes": 2}, {"classes": 1}],
    ids=["as it is", "larger", "smaller and padded", "two classes", "one class"],
)
def test_labels_and_probabilities_are_those_of_the_procedure_in_full(how: dict[str, Any]) -> None:
    prediction = scored(**how)
    wanted = reference(prediction)
    found = semantic(prediction)
    sure = np.ones(found.labels.shape, bool)
    if len(wanted) > 1:
        two = np.sort(wanted, axis=0)[-2:]
        sure = two[1] - two[0] > 1e-5
    np.testing.assert_array_equal(found.labels[sure], wanted.argmax(axis=0)[sure])
    np.testing.assert_allclose(found.scores, wanted.max(axis=0), atol=1e-5)
    np.testing.assert_array_equal(layer_labels(prediction, -1), found.labels)
    np.testing.assert_allclose(class_probabilities(prediction), wanted, atol=1e-5)
    sureness = confidence(prediction)
    entropy = -(wanted * np.log(np.maximum(wanted, 1e-30))).sum(axis=0) / np.log(max(2, len(wanted)))
    np.testing.assert_allclose(sureness.entropy, entropy, atol=2e-5)
    rest = np.sort(wanted, axis=0)[-2] if len(wanted) > 1 else 0
    np.testing.assert_allclose(sureness.margin, wanted.max(axis=0) - rest, atol=2e-5)
    truth = np.random.default_rng(1).integers(-2, len(wanted), size=found.labels.shape)
    likely = np.where(truth >= 0, np.take_along_axis(wanted, np.maximum(truth, 0)[None], axis=0)[0], 0)
    np.testing.assert_allclose(label_probability(prediction, truth), likely, atol=1e-5)


def test_some_classes_alone_are_renormalised() -> None:
    prediction = scored(image=(50, 60))
    wanted = reference(prediction)[[3, 8, 1]]
    found = class_probabilities(prediction, classes=[3, 8, 1])
    np.testing.assert_allclose(found, wanted / wanted.sum(axis=0), atol=1e-5)
    for classes, error in (([], ValueError), ([1, 1], ValueError), ([9], IndexError), ([-1], IndexError)):
        with pytest.raises(error):
            class_probabilities(prediction, classes=classes)


def test_the_readout_has_no_query() -> None:
    prediction = scored(image=(50, 60))
    found, wanted = planes(prediction, size=(50, 60)), reference(prediction)
    order = np.argsort(-wanted, axis=0, kind="stable")
    np.testing.assert_array_equal(found.top, order[0])
    np.testing.assert_allclose(found.runner_up_probability, np.sort(wanted, axis=0)[-2], atol=1e-5)
    seen = found.runner_up_probability > 1e-4
    np.testing.assert_array_equal(found.runner_up[seen], order[1][seen])
    assert (found.query == NO_QUERY).all()


def test_a_pixel_has_scores_and_a_sentence_in_place_of_votes() -> None:
    prediction = scored(image=(50, 60), padding=(3, 2))
    wanted = reference(prediction)[:, 17, 41]
    found = explain_pixel(prediction, 17, 41, classes=3)
    assert [entry.category_id for entry in found.classes] == np.argsort(-wanted, kind="stable")[:3].tolist()
    np.testing.assert_allclose([entry.probability for entry in found.classes], np.sort(wanted)[::-1][:3], atol=1e-5)
    first, second = found.classes[:2]
    assert first.score - second.score == pytest.approx(np.log(first.probability / second.probability), rel=1e-4)
    assert (first.votes, found.query, found.mask_logits) == ((), None, ())
    assert found.no_votes == LACKS["queries"]
    assert found.margin == pytest.approx(first.probability - second.probability, abs=1e-5)


def test_what_needs_queries_or_layers_says_why_not() -> None:
    prediction = scored()
    assert prediction.offers == frozenset()
    assert (prediction.num_layers, prediction.num_queries, prediction.num_heads) == (0, 0, 0)
    asked = {
        "queries": (
            prediction.mask_logits,
            prediction.class_logits,
            lambda: panoptic(prediction),
            lambda: instances(prediction),
            lambda: dropped(prediction),
            lambda: query_table(prediction),
            lambda: query_masks(prediction, 0),
            lambda: query_thumbnails(prediction, size=(8, 8)),
        ),
        "layers": (lambda: semantic(prediction, layer=3), lambda: class_probabilities(prediction, layer=2)),
        "attention": (lambda: prediction.attention(1, 0),),
        "features": (lambda: prediction.features(4),),
    }
    for part, questions in asked.items():
        for question in questions:
            with pytest.raises(NotOfferedError) as raised:
                question()
            assert str(raised.value) == LACKS[part]


def test_pixels_may_be_of_no_class() -> None:
    prediction = scored(classes=20)
    plain, strict = semantic(prediction), semantic(prediction, least=0.9)
    np.testing.assert_array_equal(strict.labels, np.where(plain.scores < 0.9, -1, plain.labels))
    assert (strict.labels == -1).any()


def test_it_is_evaluated_without_causes_layers_and_segments() -> None:
    prediction = scored(image=(50, 60))
    truth = semantic(prediction).labels.astype(np.int64)
    truth[10:20, 20:40] = 3
    objects = TrueSegments(np.ones(truth.shape, np.int32), {1: 0}, ())
    found = evaluate(prediction, truth, objects=objects)
    said = found.to_json()
    assert said["pixel_accuracy"] == pytest.approx(float((semantic(prediction).labels == truth).mean()))
    assert (said["causes"], said["panoptic"], said["layers"]) == (None, None, [])
    assert (said["no_causes"], said["no_panoptic"]) == (LACKS["queries"],) * 2
    assert said["no_layers"] == LACKS["layers"]
    assert evaluate(prediction, truth).to_json()["no_panoptic"] == ""
