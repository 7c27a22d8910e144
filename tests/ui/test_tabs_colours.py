"""One colour for a class, whichever tab speaks of it: there is no second palette."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from segdemo.prediction import Prediction
from segdemo.results.job import own_job
from segdemo.ui.store import Record
from segdemo.ui.tabs.dropped import dropped
from segdemo.ui.tabs.layers import layers
from segdemo.ui.tabs.panoptic import panoptic
from segdemo.ui.tabs.pixel import pixel
from segdemo.ui.tabs.refinement import refine
from segdemo.ui.tabs.result import result


def test_every_tab_has_a_class_in_its_own_colour(record: Record, make: Callable[..., Prediction]) -> None:
    # A random network may name one class everywhere, of which no refinement changes anything.
    size = record.prediction.image_size
    drawn = make(image=size, queries=12, classes=150, cells=(16, 24), layers=4, sure=9.0, seed=5)
    record, job = replace(record, prediction=drawn), own_job()
    shown = result(record, {"token": "token"}, job)
    refined = refine(record, {"refine": {"morphology": "open", "kernel_size": 9}}, job)
    lists: dict[str, list[dict[str, Any]]] = {
        "legend": shown["classes"],
        "queries": shown["queries"],
        "card": pixel(record, {"x": 0.5, "y": 0.5}, job)["classes"],
        "layers": layers(record, {"query": None}, job)["classes"],
        "candidates": dropped(record, {"score_threshold": 1.0}, job)["dropped"],
        "refined": refined["entries"],
        "changed": refined["byClass"],
    }
    for name, entries in lists.items():
        assert entries, name
        for entry in entries:
            assert tuple(entry["color"]) == record.taxonomy[entry["id"]].color, name
    # Several things of a class are told apart by its shades; what is alone has the class's own colour.
    segments = panoptic(record, {"score_threshold": 0.0, "overlap_threshold": 0.0}, job)["segments"]
    assert segments
    for segment in segments:
        if segment["name"] == segment["label"]:
            assert tuple(segment["color"]) == record.taxonomy[segment["category_id"]].color
