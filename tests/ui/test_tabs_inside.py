"""What the server answers to the tabs What if and Features, against the functions behind it."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from segdemo.errors import SegdemoError
from segdemo.model.predictor import load_predictor
from segdemo.progress import CancelledError
from segdemo.results.job import Host, Job, own_job
from segdemo.segmentation import layer_labels
from segdemo.ui.store import Record
from segdemo.ui.tabs.features import channels, features
from segdemo.ui.tabs.result import small_size
from segdemo.ui.tabs.what_if import ranking, what_if
from tests.packed import unpack


def test_features_have_a_picture_of_every_map(record: Record) -> None:
    answer = features(record, {"view": "colours"}, own_job())
    assert [entry["stride"] for entry in answer["maps"]] == [4, 8, 16, 32, 32, 16, 8, 4]
    for entry, picture in zip(answer["maps"], answer["pictures"], strict=True):
        assert unpack(picture["colours"]).shape == (*entry["cells"], 3)
    # The second stage alone has a block whose windows are shifted.
    assert [entry["windows"]["shift"] for entry in answer["maps"][:4]] == [0, 2, 0, 0]
    assert all(entry["windows"] is None for entry in answer["maps"][4:])
    same, moved = (unpack(grid) for grid in answer["maps"][1]["windows"]["grids"])
    assert (same[0, 3], same[0, 4], moved[0, 1], moved[0, 2]) == (1, 2, 1, 2)


def test_what_is_alike_is_most_like_itself(record: Record) -> None:
    answer = features(record, {"view": "alike", "x": 0.3, "y": 0.8}, own_job())
    for entry, picture in zip(answer["maps"], answer["pictures"], strict=True):
        row, column = picture["cell"]
        assert (row, column) == (int(0.8 * entry["cells"][0]), int(0.3 * entry["cells"][1]))
        assert unpack(picture["values"])[row, column] == 255
        assert picture["range"][1] == pytest.approx(1, abs=1e-5)
    for bad in ({"view": "alike", "x": 2, "y": 0}, {"view": "alike"}, {"view": "x"}):
        with pytest.raises(SegdemoError):
            features(record, bad, own_job())


def test_channels_come_by_their_strength(record: Record) -> None:
    values = record.prediction.features(8)
    answer = channels(record, {"map": 1, "rank": 2}, own_job())
    order = np.argsort(-values.std(axis=(1, 2)), kind="stable")
    assert answer["order"] == order.tolist()
    assert answer["picture"]["channel"] == order[2]
    low, high = answer["picture"]["range"]
    shown = low + unpack(answer["picture"]["values"]) / 255 * (high - low)
    np.testing.assert_allclose(shown, values[order[2]], atol=(high - low) / 255)
    assert answer["small"]["shape"][0] == min(12, len(order))
    with pytest.raises(SegdemoError):
        channels(record, {"map": 8, "rank": 0}, own_job())


def test_with_everything_on_nothing_changes(record: Record) -> None:
    answer = what_if(record, {}, own_job())
    assert np.array_equal(unpack(answer["map"]), layer_labels(record.prediction, -1))
    assert (answer["share"], answer["classes"], unpack(answer["changed"]).any()) == (0, [], False)


def test_what_if_adds_up(record: Record) -> None:
    off = {"queries": [0, 4], "heads": [[2, 1]], "layers": [1, 2, 3, 4]}
    answer = what_if(record, off, own_job())
    found = load_predictor(record.checkpoint.id).what_if(
        record.prediction, without_queries=[0, 4], without_heads=[(2, 1)], without_layers=[1, 2, 3, 4]
    )
    before, after = layer_labels(record.prediction, -1), layer_labels(found, -1)
    assert np.array_equal(unpack(answer["map"]), after)
    assert np.array_equal(unpack(answer["changed"]), before != after)
    assert answer["share"] == pytest.approx((before != after).mean())
    assert {entry["id"]: entry["area"] for entry in answer["entries"]} == {
        index: pytest.approx((after == index).mean()) for index in np.unique(after)
    }
    assert sum(entry["lost"] for entry in answer["classes"]) == pytest.approx(answer["share"])
    assert json.loads(json.dumps(answer["regions"])) == answer["regions"]


@pytest.mark.parametrize(
    "bad",
    [
        {"queries": 3}, {"queries": ["x"]}, {"queries": [99]}, {"queries": [True]}, {"layers": [0]}, {"heads": [1]},
        {"heads": [[1, 2, 3]]}, {"heads": [[1, 9]]}, {"queries": list(range(12))},
    ],
)  # fmt: skip
def test_what_cannot_be_switched_off_gets_a_sentence(record: Record, bad: dict[str, Any]) -> None:
    with pytest.raises(SegdemoError):
        what_if(record, bad, own_job())


def test_the_ranking_is_of_every_query_and_can_be_stopped(record: Record) -> None:
    told: list[float | None] = []
    job = Job(
        Host(waiting=1), visitor="", seconds=60, cancelled=lambda: False, report=lambda _, share: told.append(share)
    )
    rows = ranking(record, {}, job)
    assert sorted(row["query"] for row in rows) == list(range(record.prediction.num_queries))
    changed = [row["changed"] for row in rows]
    assert changed == sorted(changed, reverse=True)
    assert told[-1] == 1
    predictor, size = load_predictor(record.checkpoint.id), small_size(record)
    best = layer_labels(predictor.what_if(record.prediction, without_queries=[rows[0]["query"]]), -1, size=size)
    assert changed[0] == pytest.approx((best != layer_labels(record.prediction, -1, size=size)).mean())
    other = replace(record)
    with pytest.raises(CancelledError):
        ranking(other, {}, Job(Host(waiting=1), visitor="", seconds=60, cancelled=lambda: True))
