"""Flat options, as forms, commands and requests give them, become the options of a result, or a sentence."""

import pytest

from segdemo.errors import SegdemoError
from segdemo.prediction import Prediction
from segdemo.refine import CrfOptions, MorphologyOptions, RefineOptions
from segdemo.results.options import OutputOptions, flat_defaults, options_from
from segdemo.taxonomy import taxonomy_for
from tests.results.hand_made import LABELS


def test_label_ids_are_for_cityscapes_alone(prediction: Prediction) -> None:
    with pytest.raises(SegdemoError, match="Cityscapes' own numbers"):
        options_from({"label_ids": True}, prediction.taxonomy)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"task": "depth"}, "task 'depth' is not known"),
        ({"score_threshold": 1.2}, "score threshold is 1.2"),
        ({"mask_threshold": float("nan")}, "mask threshold is nan"),
        ({"opacity": -1}, "opacity is -1"),
        ({"view": "depth"}, "view 'depth' is not known"),
        ({"task": "panoptic", "view": "entropy"}, "view entropy is of semantic results"),
        ({"min_area": -3}, "least area is -3"),
        ({"task": "panoptic", "refine": RefineOptions(crf=CrfOptions(enabled=True))}, "CRF refines semantic maps only"),
    ],
)
def test_options_out_of_range_are_named(changes: dict[str, object], sentence: str) -> None:
    with pytest.raises(SegdemoError, match=sentence):
        OutputOptions(**changes)  # type: ignore[arg-type]


def test_flat_options_are_the_options() -> None:
    taxonomy = taxonomy_for(LABELS)
    assert options_from(flat_defaults(), taxonomy) == OutputOptions()
    given = {
        **flat_defaults(),
        "opacity": 0.25,
        "morphology": "open",
        "kernel_size": 7,
        "refine_classes": "car, 0",
        "crf": True,
        "bilateral_srgb": 5,
        "not_an_option": 1,
    }
    assert options_from(given, taxonomy) == OutputOptions(
        opacity=0.25,
        refine=RefineOptions(
            crf=CrfOptions(enabled=True, bilateral_srgb=5),
            morphology=MorphologyOptions(operation="open", size=7, classes=(2, 0)),
        ),
    )
    with pytest.raises(SegdemoError, match="no class 'boat'"):
        options_from({**given, "refine_classes": "boat"}, taxonomy)
    with pytest.raises(SegdemoError, match="no class '9'"):
        options_from({**given, "refine_classes": "9"}, taxonomy)


WRONG = ["text", "0.5", True, [1], {"a": 1}, 1.5, float("nan"), float("inf"), 10**400, -1]


@pytest.mark.parametrize("name", flat_defaults())
@pytest.mark.parametrize("value", WRONG, ids=[repr(value)[:9] for value in WRONG])
def test_every_option_says_when_a_value_is_not_its_own(name: str, value: object) -> None:
    """Each value is either taken as it is, or refused by a sentence that names the option."""
    words = name.replace("_", " ")
    try:
        options = options_from({name: value}, taxonomy_for(LABELS))
    except SegdemoError as error:
        sentence = str(error).lower()
        known = {
            "min_area": "least area",
            "kernel_size": "kernel's size",
            "smallest_region": "smallest region",
            "largest_hole": "largest hole",
            "refine_classes": "no class",
        }
        assert name in sentence or words in sentence or known.get(name, name) in sentence
        return
    assert isinstance(options, OutputOptions)
    kind = type(flat_defaults()[name])
    assert isinstance(value, kind) if kind in (bool, str) else isinstance(value, int | float)
    assert not isinstance(value, bool) or kind is bool


def test_options_left_out_or_none_take_their_defaults() -> None:
    assert options_from({}, taxonomy_for(LABELS)) == OutputOptions()
    assert options_from(dict.fromkeys(flat_defaults()), taxonomy_for(LABELS)) == OutputOptions()
