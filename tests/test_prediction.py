"""What a prediction offers, says of what it lacks, and that nobody can change it."""

import copy
import pickle
from collections.abc import Callable
from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest

from segdemo.errors import NotOfferedError, SegdemoError
from segdemo.prediction import PARTS, AttentionLayer, DecoderFeatures, Prediction, Windows

LOOKS = np.zeros((2, 3, 2, 2), np.float16)
LOOKS[0, :, 0, 1] = 0.5  # the first head: all of it at the upper right
LOOKS[1, :, 1, :] = 1.0  # the second: half and half below


@pytest.fixture
def prediction() -> Prediction:
    """Three queries, two layers, one layer of attention by two heads, features at two scales."""
    masks = tuple(np.full((3, 8, 8), layer, kind) for layer, kind in enumerate((np.float16, np.float32)))
    classes = tuple(np.full((3, 3), layer, kind) for layer, kind in enumerate((np.float16, np.float32)))
    return Prediction(
        (30, 30),
        (32, 32),
        (30, 30),
        {0: "sky", 1: "car"},
        masks,
        classes,
        (AttentionLayer(LOOKS.copy(), np.array([False, True, False]), 16),),
        {16: np.full((5, 2, 2), 0.25, np.float16), 4: np.full((6, 8, 8), 4, np.float16)},
        DecoderFeatures({16: np.ones((4, 2, 2), np.float32)}, np.ones((3, 8, 8), np.float32), 4),
        {16: Windows(2, 1)},
        seconds={"forward": 1.0},
    )


def alone(prediction: Prediction) -> Prediction:
    """The same with its last layer only, as without capture."""
    last = {"masks": prediction.masks[-1:], "classes": prediction.classes[-1:]}
    return replace(prediction, **last, attentions=(), stages={}, decoder_features=None)


def test_everything_is_offered_and_read(prediction: Prediction) -> None:
    assert prediction.offers == set(PARTS)
    np.testing.assert_array_equal(prediction.attention(1, 0, head=0), [[0, 1], [0, 0]])
    np.testing.assert_array_equal(prediction.attention(1, 0, head=1), [[0, 0], [0.5, 0.5]])
    np.testing.assert_array_equal(prediction.attention(1, 0), [[0, 0.5], [0.25, 0.25]])
    assert [prediction.attends_everywhere(1, query) for query in range(3)] == [False, True, False]
    assert (prediction.attention_layer(1).stride, prediction.attention_layer(1).size) == (16, (2, 2))
    assert prediction.features(16).dtype == np.float32
    np.testing.assert_array_equal(prediction.features(16), np.full((5, 2, 2), 0.25))
    assert (prediction.num_layers, prediction.num_queries, prediction.num_heads) == (2, 3, 2)


def test_memory_counts_every_array(prediction: Prediction) -> None:
    masks, classes, looks, stages = 192 * (2 + 4), 9 * (2 + 4), 24 * 2 + 3, (20 + 384) * 2
    assert prediction.nbytes == masks + classes + looks + stages + (16 + 192) * 4


@pytest.mark.parametrize("scale", [8, 0, -1, 5])
def test_other_scales_are_an_index_error(prediction: Prediction, scale: int) -> None:
    with pytest.raises(IndexError, match=f"scale {scale} is not one of 4, 16"):
        prediction.features(scale)


@pytest.mark.parametrize("layer", [0, 2, -1])
def test_layers_that_attend_to_nothing(prediction: Prediction, layer: int) -> None:
    with pytest.raises(IndexError, match=r"is not in 1\.\.1"):
        prediction.attention(layer, 0)


@pytest.mark.parametrize(
    ("part", "ask"),
    [
        ("layers", lambda it: it.mask_logits(1)),
        ("layers", lambda it: it.class_logits(-2)),
        ("attention", lambda it: it.attention(1, 0)),
        ("attention", lambda it: it.attends_everywhere(1, 0)),
        ("features", lambda it: it.features(4)),
        ("decoder features", lambda it: it.require("decoder_features") or it.decoder_features),
    ],
)
def test_what_was_not_captured_is_a_lookup_error(
    prediction: Prediction, part: str, ask: Callable[[Prediction], object]
) -> None:
    assert alone(prediction).offers == {"queries"}
    assert ask(prediction) is not None
    with pytest.raises(LookupError, match=f"did not keep {part}: .*capture=True"):
        ask(alone(prediction))


def test_what_a_family_lacks_is_its_own_sentence(prediction: Prediction) -> None:
    sentence = "This network decides every pixel on its own: there are no queries to look at."
    scores_only = replace(alone(prediction), masks=(), classes=(), lacks={"queries": sentence})
    assert scores_only.offers == set()
    assert (scores_only.num_layers, scores_only.num_queries, scores_only.num_heads) == (0, 0, 0)
    for ask in (scores_only.mask_logits, scores_only.class_logits):
        with pytest.raises(LookupError) as raised:
            ask()
        assert str(raised.value) == sentence
        assert isinstance(raised.value, NotOfferedError)
        assert isinstance(raised.value, SegdemoError)


@pytest.mark.parametrize(
    "copied", [lambda it: it, lambda it: pickle.loads(pickle.dumps(it)), copy.deepcopy, replace], ids=range(4)
)
def test_nothing_can_be_changed(prediction: Prediction, copied: Callable[[Prediction], Prediction]) -> None:
    ours = copied(prediction)
    np.testing.assert_array_equal(ours.features(4), prediction.features(4))
    looks = ours.attentions[0]
    start = ours.decoder_features
    assert start is not None
    kept = (*ours.masks, *ours.classes, *ours.stages.values(), *start.levels.values())
    for array in (*kept, start.masks, looks.maps, looks.unmasked):
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0
    for mapping in (ours.id2label, ours.stages, ours.lacks, ours.seconds, ours.windows, start.levels):
        with pytest.raises(TypeError):
            mapping[1] = "changed"  # type: ignore[index]
    with pytest.raises(FrozenInstanceError):
        ours.masks = ()  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        looks.stride = 1  # type: ignore[misc]


def test_copies_are_the_callers_own(prediction: Prediction) -> None:
    for read in (prediction.mask_logits, prediction.class_logits, lambda: prediction.features(4)):
        read()[...] = 99
        assert not (read() == 99).any()
