"""What the server answers to each tab, against the functions behind it."""

import json
import threading
from typing import Any

import numpy as np
import pytest

from segdemo.errors import SegdemoError
from segdemo.explain import query_mask
from segdemo.progress import CancelledError
from segdemo.results.job import Host, Job, own_job
from segdemo.segmentation import layer_labels, semantic
from segdemo.ui.store import Record
from segdemo.ui.tabs.attention import attention
from segdemo.ui.tabs.layers import layers, layers_ahead
from segdemo.ui.tabs.panoptic import panoptic
from segdemo.ui.tabs.pixel import pixel
from segdemo.ui.tabs.refinement import judge, refine
from segdemo.ui.tabs.result import result, small_size
from tests.packed import unpack


def test_the_result_is_json_and_holds_the_semantic_map(record: Record) -> None:
    answer = result(record, {"token": "token"}, own_job())
    assert json.loads(json.dumps(answer))["token"] == "token"
    labels = semantic(record.prediction).labels
    assert np.array_equal(unpack(answer["map"]), labels)
    assert sum(entry["area"] for entry in answer["classes"]) == pytest.approx(1)
    assert len(answer["queries"]) == record.prediction.num_queries
    planes = {name: unpack(packed) for name, packed in answer["planes"].items()}
    assert {plane.shape for plane in planes.values()} == {(120, 160)}
    assert (planes["topId"] != planes["runner"]).all()
    assert (planes["top"] >= planes["runnerProb"]).all()


def test_large_photos_reach_the_browser_smaller(record: Record) -> None:
    record.display_size = (60, 80)
    answer = result(record, {"token": "token"}, own_job())
    assert answer["map"]["shape"] == [60, 80]
    assert answer["imageSize"] == [120, 160]
    assert set(np.unique(unpack(answer["map"]))) <= set(np.unique(semantic(record.prediction).labels))


@pytest.mark.parametrize(
    ("display", "small"),
    [((120, 160), (120, 160)), ((768, 1024), (240, 320)), ((1200, 1600), (300, 400)), ((1, 2000), (1, 500))],
)
def test_small_pictures_are_a_quarter_but_not_tiny(
    record: Record, display: tuple[int, int], small: tuple[int, int]
) -> None:
    record.display_size = display
    assert small_size(record) == small


def test_panoptic_rows_add_up_to_the_map(record: Record) -> None:
    answer = panoptic(record, {"score_threshold": 0.0, "overlap_threshold": 0.0}, own_job())
    ids = unpack(answer["map"])
    assert {row["id"] for row in answer["segments"]} == set(np.unique(ids)) - {0}
    for row in answer["segments"]:
        assert row["area"] == pytest.approx((ids == row["id"]).mean())
    names = [row["name"] for row in answer["segments"]]
    assert len(set(names)) == len(names)
    assert len({tuple(row["color"]) for row in answer["segments"]}) == len(names)


def test_an_empty_panoptic_result_says_why(record: Record) -> None:
    answer = panoptic(record, {"score_threshold": 1.0}, own_job())
    assert answer["segments"] == []
    assert "no query scored above 100 %" in answer["empty"]


@pytest.mark.parametrize("bad", [{"score_threshold": 2}, {"mask_threshold": "x"}, {"split": 1}])
def test_bad_thresholds_get_a_sentence(record: Record, bad: dict[str, Any]) -> None:
    with pytest.raises(SegdemoError):
        panoptic(record, bad, own_job())


def test_layers_have_one_map_each(record: Record) -> None:
    answer = layers(record, {"query": None}, own_job())
    maps = unpack(answer["maps"])
    assert len(maps) == record.prediction.num_layers
    assert np.array_equal(maps[1], layer_labels(record.prediction, 1, size=maps.shape[1:]))
    assert answer["agreement"][-1] == 1
    assert {entry["id"] for entry in answer["classes"]} == set(np.unique(maps))
    one = layers(record, {"query": 3}, own_job())
    expected = query_mask(record.prediction, 3, layer=0, size=maps.shape[1:])
    assert unpack(one["maps"])[0] / 255 == pytest.approx(expected, abs=1 / 255)
    assert one["history"][-1]["iou"] == 1


def test_layers_prepared_ahead_are_the_same_and_are_computed_once(
    record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    ahead = layers_ahead(record, own_job(), kept=lambda: True, pause=0)
    monkeypatch.setattr("segdemo.ui.tabs.layers.layer_labels", lambda *_, **__: pytest.fail("computed again"))
    assert layers(record, {}, own_job()) == ahead
    assert len(unpack(ahead["maps"])) == record.prediction.num_layers


def test_what_was_prepared_ahead_is_kept_when_the_visitor_asks_earlier(
    record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    computed = []

    def spy(prediction: Any, layer: int, **options: Any) -> np.ndarray:
        computed.append(layer)
        return layer_labels(prediction, layer, **options)

    monkeypatch.setattr("segdemo.ui.tabs.layers.layer_labels", spy)
    photo_kept = iter([True, True, False])
    with pytest.raises(CancelledError):
        layers_ahead(record, own_job(), kept=lambda: next(photo_kept))
    assert computed == [0, 1]
    maps = unpack(layers(record, {}, own_job())["maps"])
    assert computed == list(range(record.prediction.num_layers))
    for layer, labels in enumerate(maps):
        assert np.array_equal(labels, layer_labels(record.prediction, layer, size=labels.shape))


def test_layers_are_not_prepared_while_others_are_in_line(record: Record, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("segdemo.ui.tabs.layers.layer_labels", lambda *_, **__: pytest.fail("computed"))
    looks = iter([False, False, True])
    host = Host(waiting=1)
    job = Job(host, visitor="a", seconds=60, cancelled=lambda: next(looks))
    monkeypatch.setattr("segdemo.results.job.LOOK_SECONDS", -1)
    place = host.cores.enter("b")
    with pytest.raises(CancelledError):
        layers_ahead(record, job, kept=lambda: True, pause=0)
    host.cores.leave(place)


def test_attention_is_scaled_to_the_peak_of_each_head(record: Record) -> None:
    answer = attention(record, {"layer": 2, "query": 1}, own_job())
    maps = unpack(answer["maps"])
    assert len(maps) == record.prediction.num_heads + 1 == len(answer["max"])
    assert (maps.max(axis=(1, 2)) == 255).all()
    assert answer["stride"] == "1/16"
    assert answer["everywhere"] == record.prediction.attends_everywhere(2, 1)


@pytest.mark.parametrize(
    "bad", [{"layer": 0, "query": 0}, {"layer": 1, "query": 99}, {"layer": 1}, {"layer": 1.5, "query": 0}]
)
def test_attention_of_what_does_not_exist_gets_a_sentence(record: Record, bad: dict[str, Any]) -> None:
    with pytest.raises(SegdemoError):
        attention(record, bad, own_job())


def test_a_pixel_is_explained_where_it_was_clicked(record: Record) -> None:
    answer = pixel(record, {"x": 0.999, "y": 0.0}, own_job())
    assert (answer["x"], answer["y"]) == (159, 0)
    labels = semantic(record.prediction).labels
    assert answer["classes"][0]["id"] == labels[0, 159]
    chances = [entry["probability"] for entry in answer["classes"]]
    assert chances == sorted(chances, reverse=True)
    assert pixel(record, {"x": 1, "y": 1}, own_job())["y"] == 119


def test_refinement_without_anything_switched_on_changes_nothing(record: Record) -> None:
    answer = refine(record, {}, own_job())
    assert answer["changed"] == 0
    assert answer["byClass"] == []
    assert np.array_equal(unpack(answer["map"]), semantic(record.prediction).labels)
    assert answer["truth"] is None


def test_refinement_shows_what_it_changed(record: Record) -> None:
    before = semantic(record.prediction).labels
    answer = refine(
        record, {"refine": {"morphology": "open", "kernel_size": 15, "crf": True, "iterations": 2}}, own_job()
    )
    after = unpack(answer["map"])
    assert np.array_equal(unpack(answer["mask"]) == 1, before != after)
    assert answer["changed"] == pytest.approx((before != after).mean())
    assert sum(row["share"] for row in answer["byClass"]) == pytest.approx(0)
    for row in answer["byClass"]:
        assert row["share"] == pytest.approx((after == row["id"]).mean() - (before == row["id"]).mean())


def test_an_examples_refinement_is_scored_against_its_ground_truth(record: Record) -> None:
    record.example = "crossing"
    answer = judge(record, {"refine": {"morphology": "erode", "kernel_size": 9}}, own_job())
    assert set(answer["truth"]) == {"before", "after"}
    assert all(0 <= value <= 1 for scores in answer["truth"].values() for value in scores.values())


@pytest.mark.parametrize(
    "bad",
    [
        {"morphology": "rm -rf"},
        {"kernel_size": -1},
        {"iterations": 10_000},
        {"crf": "yes"},
        {"bilateral_sxy": float("nan")},
    ],
)
def test_refinements_outside_the_sliders_get_a_sentence(record: Record, bad: dict[str, Any]) -> None:
    with pytest.raises(SegdemoError):
        refine(record, {"refine": bad}, own_job())


def test_refined_segments_that_vanish_leave_the_table(record: Record) -> None:
    wide = {"score_threshold": 0.0, "overlap_threshold": 0.0, "split": True}
    plain = panoptic(record, wide, own_job())
    smallest = min(round(row["area"] * record.image[..., 0].size) for row in plain["segments"])
    answer = panoptic(record, {**wide, "refine": {"smallest_region": smallest + 1}}, own_job())
    assert np.array_equal(unpack(answer["before"]), unpack(plain["map"]))
    ids = unpack(answer["map"])
    assert {row["id"] for row in answer["segments"]} == set(np.unique(ids)) - {0}
    assert len(answer["segments"]) < len(plain["segments"])


def test_attention_and_pixels_are_the_same_however_many_ask_at_once(record: Record) -> None:
    """To the last bit, while the cores are busy with other products."""
    asked = [(layer, query) for layer in (1, 2, 3) for query in range(record.prediction.num_queries)]
    points = [{"x": x / 7, "y": y / 7} for x in range(7) for y in range(7)]

    def ask() -> list[dict[str, Any]]:
        maps = [attention(record, {"layer": layer, "query": query}, own_job()) for layer, query in asked]
        return maps + [pixel(record, point, own_job()) for point in points]

    expected = ask()
    busy, found = threading.Event(), list[list[dict[str, Any]]]()

    def keep_busy() -> None:
        while not busy.is_set():
            semantic(record.prediction)

    threads = [threading.Thread(target=keep_busy)]
    threads += [threading.Thread(target=lambda: found.append(ask())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads[1:]:
        thread.join()
    busy.set()
    threads[0].join()
    assert len(found) == 4
    assert all(answers == expected for answers in found)
