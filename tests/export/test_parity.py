"""The comparison behind every card, on answers whose differences are known by construction."""

from pathlib import Path

import numpy as np
import pytest

from segdemo.export.parity import Comparison, Picture, Tally, examples, least_labels_equal, marked, split
from segdemo.settings import settings

LABELS = {0: "wall", 1: "sky"}


def answer(*, sky_from: int) -> tuple[np.ndarray, np.ndarray]:
    """Two sure queries over 8 x 8 cells: wall left of the column ``sky_from``, sky from there on."""
    classes = np.array([[9.0, -9, -9], [-9, 9, -9]], np.float32)
    masks = np.full((2, 8, 8), -9, np.float32)
    masks[0, :, :sky_from] = 9
    masks[1, :, sky_from:] = 9
    return classes, masks


def test_equal_answers_are_equal() -> None:
    comparison = Comparison(LABELS, (32, 32))
    comparison.add("one", (8, 8), answer(sky_from=4), answer(sky_from=4))
    assert (comparison.mean, comparison.least) == (1, 1)
    assert comparison.masks.result().largest == 0
    assert comparison.values()["class_logits"] == {"largest": 0, "mean": 0, "magnitude": 9, "peak": 9}


def test_a_moved_border_costs_its_columns() -> None:
    comparison = Comparison(LABELS, (32, 32))
    comparison.add("same", (8, 8), answer(sky_from=4), answer(sky_from=4))
    comparison.add("moved", (8, 8), answer(sky_from=4), answer(sky_from=6))
    # Two of eight columns are wall instead of sky: a quarter of one picture, an eighth in the mean.
    assert comparison.equal == {"same": 1, "moved": 0.75}
    assert (comparison.mean, comparison.least) == (0.875, 0.75)
    assert comparison.worst is not None
    name, differs = comparison.worst
    assert name == "moved"
    assert differs[:, 4:6].all()
    assert differs.sum() == 16
    # In these columns both masks are off by 18, elsewhere by nothing.
    masks = comparison.values()["mask_logits"]
    assert masks["largest"] == 18
    assert masks["mean"] == pytest.approx(18 * 2 / 8 / 2)


def test_a_picture_that_hangs_on_rounding_counts_as_in_double_precision() -> None:
    comparison = Comparison(LABELS, (32, 32))
    comparison.add("rounded", (8, 8), answer(sky_from=4), answer(sky_from=6))
    comparison.add("moved", (8, 8), answer(sky_from=4), answer(sky_from=5))
    comparison.settle("rounded", (8, 8), answer(sky_from=6), answer(sky_from=6))
    # A network that is as far away in either precision is not excused.
    comparison.settle("moved", (8, 8), answer(sky_from=4), answer(sky_from=5))
    assert comparison.equal == {"rounded": 1, "moved": 0.875}
    values = comparison.values()["labels_equal"]
    assert (values["in_double"], values["worst_picture"]) == (["rounded"], "moved")
    # What float32 made of it stays to be seen in the logits.
    assert comparison.masks.result().largest == 18


def test_what_is_not_a_number_is_infinitely_far() -> None:
    tally = Tally()
    tally.add(np.zeros(2), np.array([0, np.nan]))
    assert tally.result().largest == np.inf


def test_differences_are_marked_in_red_and_nothing_else() -> None:
    image = np.full((40, 40, 3), 100, np.uint8)
    differs = np.zeros((40, 40), bool)
    differs[20, 20] = True
    found = marked(image, differs)
    red = (found[..., 0] > 200) & (found[..., 1] < 100)
    assert red[20, 20]
    assert 1 <= red.sum() <= 9
    assert (found[~red] == found[0, 0]).all()


def test_ranges_are_found_on_other_pictures_than_those_compared_on() -> None:
    pictures = [Picture(name, Path(name)) for name in "abcde"]
    calibration, compared = split(pictures)
    assert {picture.name for picture in calibration} == set("ace")
    assert {picture.name for picture in compared} == set("bd")
    assert split(pictures[:1]) == (pictures[:1], pictures[:1])


def test_the_examples_can_be_opened() -> None:
    found = examples(2)
    assert [picture.load().shape[2] for picture in found] == [3, 3]


def test_thresholds_are_the_hosts(monkeypatch: pytest.MonkeyPatch) -> None:
    assert [least_labels_equal(name) for name in ("fp32", "fp16", "int8")] == [0.9999, 0.995, 0.98]
    monkeypatch.setenv("SEGDEMO_LABELS_EQUAL_INT8", "0.5")
    settings.cache_clear()
    try:
        assert least_labels_equal("int8") == 0.5
    finally:
        monkeypatch.undo()
        settings.cache_clear()
