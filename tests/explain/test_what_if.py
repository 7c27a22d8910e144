"""What switching parts off changes, and whether attention foretold it: by hand and by brute force."""

import numpy as np
import pytest

from segdemo.explain import what_if
from segdemo.explain.what_if import (
    attention_of,
    attention_on,
    changed_share,
    class_changes,
    foretold,
    rank_queries,
    switched_off,
)
from segdemo.prediction import AttentionLayer, Prediction
from segdemo.progress import CancelledError

BEFORE = np.array([[0, 0, 1, 1], [0, 0, 1, 1]], np.int16)
AFTER = np.array([[0, 2, 1, 1], [0, 0, 0, 2]], np.int16)


def test_changes_by_hand() -> None:
    assert changed_share(BEFORE, AFTER) == 3 / 8
    found = {change.category_id: change for change in class_changes(BEFORE, AFTER)}
    assert {key: (one.before, one.after, one.lost, one.gained) for key, one in found.items()} == {
        0: (4 / 8, 4 / 8, 1 / 8, 1 / 8),
        1: (4 / 8, 2 / 8, 2 / 8, 0),
        2: (0, 2 / 8, 0, 2 / 8),
    }
    assert class_changes(BEFORE, BEFORE) == ()


def test_changes_balance(make) -> None:
    rng = np.random.default_rng(0)
    before, after = rng.integers(-1, 6, (2, 30, 40)).astype(np.int16)
    found = class_changes(before, after)
    assert sum(change.lost for change in found) == pytest.approx(changed_share(before, after))
    assert sum(change.gained for change in found) == pytest.approx(changed_share(before, after))
    for change in found:
        assert change.after - change.before == pytest.approx(change.gained - change.lost)
    sizes = [change.lost + change.gained for change in found]
    assert sizes == sorted(sizes, reverse=True)


def test_foretold_by_hand() -> None:
    # Region 0 has a third of the changes, region 1 two thirds; attention says 1/4 and 3/4.
    found = foretold(BEFORE, AFTER, {0: 0.25, 1: 0.75})
    assert [(region.category_id, region.attention, region.area) for region in found.regions] == [
        (1, 0.75, 0.5),
        (0, 0.25, 0.5),
    ]
    assert [region.effect for region in found.regions] == pytest.approx([2 / 3, 1 / 3])
    assert [region.changed for region in found.regions] == pytest.approx([1 / 2, 1 / 4])
    assert found.by_attention == pytest.approx(2 / 3 + 1 / 4)
    assert found.by_area == pytest.approx(1 / 2 + 1 / 3)
    unchanged = foretold(BEFORE, BEFORE, {0: 1.0})
    assert (unchanged.by_attention, [region.effect for region in unchanged.regions]) == (0, [0, 0])


@pytest.fixture
def looking() -> Prediction:
    """Two queries and two heads, one layer of 2 x 2 cells over a photo of 8 x 8 in an input of 8 x 16.

    Query 0 says a class, query 1 "no object". Head 0 of query 0 looks at the upper left only, head 1 at both left
    cells, and query 1 at the right, which is padding.
    """
    maps = np.zeros((2, 2, 2, 2), np.float32)
    maps[0, 0, 0, 0] = 2
    maps[1, 0, :, 0] = 3
    maps[:, 1, :, 1] = 1
    classes = np.array([[5, 0, 0], [0, 0, 5]], np.float32)
    return Prediction(
        (8, 8), (8, 16), (8, 8), {0: "sky", 1: "car"}, (np.zeros((2, 2, 4), np.float32),) * 2, (classes, classes),
        (AttentionLayer(maps, np.array([False, False]), 4),),
    )  # fmt: skip


def test_where_parts_read(looking: Prediction) -> None:
    def of(**off) -> list[list[float]]:
        (cells,) = attention_of(looking, switched_off(looking, **off)).values()
        return cells.tolist()

    assert of(queries=[0]) == [[0.75, 0], [0.25, 0]]
    assert of(queries=[1]) == [[0, 0.5], [0, 0.5]]
    assert of(heads=[(1, 0)]) == [[1, 0], [0, 0]]  # of the queries that speak: the first
    assert of(layers=[1]) == of(queries=[0])
    assert of(queries=[0], heads=[(1, 0)]) == [[1.75, 0], [0.25, 0]]
    assert attention_of(looking, switched_off(looking)) == {}


def test_attention_on_regions_by_hand(looking: Prediction) -> None:
    labels = np.zeros((8, 8), np.int16)
    labels[4:] = 1
    labels[:, 6:] = 3
    # The photo is one cell wide and two high; a quarter of each cell is of class 3.
    shares = attention_on(looking, {1: np.array([[0.75, 9], [0.25, 9]], np.float32)}, labels)
    assert shares == pytest.approx({0: 0.75 * 0.75, 1: 0.25 * 0.75, 3: 0.25})
    assert attention_on(looking, {}, labels) == {0: 0, 1: 0, 3: 0}
    nowhere = np.where(labels == 0, -1, labels)
    assert attention_on(looking, {1: np.array([[1, 0], [0, 0]], np.float32)}, nowhere)[-1] == pytest.approx(0.75)


def test_ranking_is_by_effect_and_can_be_stopped() -> None:
    maps = {0: BEFORE, 1: AFTER, 2: np.full_like(BEFORE, 5), 3: BEFORE}
    seen: list[float] = []
    found = rank_queries(range(4), maps.__getitem__, BEFORE, progress=seen.append)
    assert [(effect.query, effect.changed) for effect in found] == [(2, 1), (1, 3 / 8), (0, 0), (3, 0)]
    assert seen == [0.25, 0.5, 0.75, 1]
    asked: list[int] = []

    def without(query: int) -> np.ndarray:
        asked.append(query)
        return BEFORE

    with pytest.raises(CancelledError):
        rank_queries(range(4), without, BEFORE, cancel=lambda: len(asked) == 2)
    assert asked == [0, 1]
    assert what_if.rank_queries([], without, BEFORE) == ()
