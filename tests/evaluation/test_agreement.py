"""Agreement of two maps and what became of their pixels, against loops over every pixel."""

from collections import Counter

import numpy as np
import pytest

from segdemo.errors import SegdemoError
from segdemo.evaluation.agreement import DIFFERENT, NO_CLASS, SAME, UNMATCHED, JointClasses, agreement
from segdemo.evaluation.causes import CAUSES
from segdemo.evaluation.evaluate import evaluate
from segdemo.evaluation.outcomes import OUTCOMES, outcomes
from segdemo.labels import NOTHING, VOID
from tests.predictions import at_random

FIRST = {0: "sky", 1: "car", 2: "tree", 3: "wall"}
SECOND = {0: "car", 2: "Sky", 5: "lamp", 6: "tree-merged"}


def test_classes_are_matched_by_name_and_the_rest_comes_after() -> None:
    joint = JointClasses(FIRST, SECOND)
    assert [(entry.id, entry.name, entry.first, entry.second) for entry in joint.classes] == [
        (0, "sky", 0, 2),
        (1, "car", 1, 0),
        (2, "tree", 2, 6),
        (3, "wall", 3, None),
        (4, "lamp", None, 5),
    ]
    assert joint.of_first(np.array([[0, 3, -1]])).tolist() == [[0, 3, NO_CLASS]]
    assert joint.of_second(np.array([[0, 2, 5, 6, -1, 4, 300]])).tolist() == [
        [1, 0, 4, 2, NO_CLASS, NO_CLASS, NO_CLASS]
    ]
    assert joint.into_second(np.array([[0, 1, 3, VOID, NOTHING]])).tolist() == [[2, 0, VOID, VOID, NOTHING]]


def test_one_of_two_that_fit_is_matched_and_swapping_matches_the_same() -> None:
    here, there = {0: "grass", 1: "dirt"}, {0: "grass-merged", 1: "grass", 2: "dirt-other"}
    pairs = {
        (one.first, one.second) for one in JointClasses(here, there).classes if None not in (one.first, one.second)
    }
    back = {(one.second, one.first) for one in JointClasses(there, here).classes if None not in (one.first, one.second)}
    assert pairs == back == {(0, 1), (1, 2)}


def test_agreement_is_what_a_loop_counts() -> None:
    rng = np.random.default_rng(1)
    first = rng.choice([-1, 0, 1, 2, 3], (17, 23))
    second = rng.choice([-1, 0, 2, 5, 6], (17, 23))
    joint = JointClasses(FIRST, SECOND)
    found = agreement(first, second, joint)
    name_of = {-1: None} | {index: FIRST[index] for index in FIRST}
    other_name = {-1: None, 0: "car", 2: "sky", 5: "lamp", 6: "tree"}
    kinds, counts = np.zeros(first.shape, int), {name: [0, 0, 0] for name in ("sky", "car", "tree", "wall", "lamp")}
    for place in np.ndindex(first.shape):
        one, other = name_of[int(first[place])], other_name[int(second[place])]
        if one == other:
            kinds[place] = SAME
        else:
            kinds[place] = UNMATCHED if "wall" in (one, other) or "lamp" in (one, other) else DIFFERENT
        for name, entry in counts.items():
            entry[0] += one == name
            entry[1] += other == name
            entry[2] += one == other == name
    assert np.array_equal(found.difference, kinds)
    assert found.counts == tuple(int((kinds == kind).sum()) for kind in (SAME, DIFFERENT, UNMATCHED))
    assert found.share == pytest.approx((kinds == SAME).mean())
    assert {row.name: [row.first_pixels, row.second_pixels, row.both_pixels] for row in found.classes} == counts
    for row in found.classes:
        a, b, both = counts[row.name]
        assert (row.first, row.second) == (a / first.size, b / first.size)
        assert row.iou == (None if row.name in ("wall", "lamp") else both / (a + b - both))
    sizes = [row.first_pixels + row.second_pixels for row in found.classes]
    assert sizes == sorted(sizes, reverse=True)
    assert found.unmatched == (("wall",), ("lamp",))


def test_numbers_open_their_pixels_and_swapping_changes_sides_only() -> None:
    rng = np.random.default_rng(2)
    first, second = (rng.choice([-1, 0, 1, 2], (9, 11)) for _ in range(2))
    joint = JointClasses(FIRST, FIRST)
    found, back = agreement(first, second, joint), agreement(second, first, joint)
    assert np.array_equal(found.where("class", 1), (first == 1) | (second == 1))
    assert np.array_equal(found.where("first", 1), (first == 1) & (second != 1))
    assert np.array_equal(found.where("first", 1), back.where("second", 1))
    assert np.array_equal(found.where("same"), first == second)
    assert np.array_equal(found.where("different"), first != second)
    assert not found.where("unmatched").any()
    assert found.counts == back.counts
    assert {row.name: row.iou for row in found.classes} == {row.name: row.iou for row in back.classes}
    for which in (("class", 99), ("class", "sky"), ("nothing",)):
        with pytest.raises(SegdemoError):
            found.where(*which)
    with pytest.raises(ValueError, match="alike"):
        agreement(first, second[1:], joint)


def test_maps_without_any_class_agree() -> None:
    nothing = np.full((3, 4), -1)
    found = agreement(nothing, nothing, JointClasses(FIRST, SECOND))
    assert (found.share, found.classes, found.unmatched) == (1.0, (), ((), ()))


def test_outcomes_are_what_a_loop_counts() -> None:
    one, other = at_random(3, image=(40, 48)), at_random(4, image=(40, 48))
    truth = np.random.default_rng(5).integers(0, 20, (5, 6)).repeat(8, axis=0).repeat(8, axis=1)
    truth[:6] = VOID
    judged = [evaluate(prediction, truth, layers=False) for prediction in (one, other)]
    found = outcomes(*judged)
    expected: Counter[tuple[str, str]] = Counter()
    for place in np.ndindex(truth.shape):
        if truth[place] == VOID:
            assert found.first[place] == found.second[place] == 0
            continue
        names = []
        for side in judged:
            assert side.causes is not None
            wrong = side.predicted[place] != truth[place]
            names.append(CAUSES[side.causes[place]] if wrong else "right")
        expected[names[0], names[1]] += 1
        assert OUTCOMES[found.first[place]] == names[0]
    assert {(a, b): pixels for a, b, pixels in found.changes} == dict(expected)
    pixels = [pixels for _, _, pixels in found.changes]
    assert pixels == sorted(pixels, reverse=True)
    for total, judge in zip(found.totals, judged, strict=True):
        assert sum(total.values()) == (truth != VOID).sum()
        assert total["right"] == (judge.predicted == truth)[truth != VOID].sum()
    a, b, count = found.changes[0]
    assert found.where(a, b).sum() == count


def test_without_causes_in_one_both_are_only_right_or_wrong() -> None:
    told = evaluate(at_random(3, image=(40, 48)), np.zeros((40, 48), int), layers=False)
    silent = type(told)(**{**vars(told), "causes": None, "no_causes": "There are no queries."})
    found = outcomes(told, silent)
    assert found.no_causes == "There are no queries."
    assert {name for change in found.changes for name in change[:2]} <= {"right", "wrong"}
    assert found.totals[0] == found.totals[1]
