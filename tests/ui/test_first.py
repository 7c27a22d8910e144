"""The result that comes along is what this version computes, and is not shown where it would not be."""

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from segdemo.examples import offered
from segdemo.ui import first
from tests.packed import unpack


@pytest.fixture(autouse=True)
def forget() -> Iterator[None]:
    first.first_result.cache_clear()
    yield
    first.first_result.cache_clear()


def test_it_is_what_the_network_computes() -> None:
    kept = first.first_result()
    assert kept is not None, "python -m segdemo.ui.first makes it again"
    made = first.make_first(offered()[0])
    assert kept["key"] == made["key"]
    old, new = kept["result"], made["result"]
    assert (unpack(old["map"]) == unpack(new["map"])).mean() > 0.998
    assert [entry["id"] for entry in old["classes"]] == [entry["id"] for entry in new["classes"]]
    for entry, again in zip(old["classes"], new["classes"], strict=True):
        near = {name: pytest.approx(again[name], abs=2e-3) for name in ("area", "score")}
        assert entry == {**again, **near}
    for name in ("top", "entropy", "runnerProb"):
        difference = np.abs(unpack(old["planes"][name]).astype(int) - unpack(new["planes"][name]))
        assert np.quantile(difference, 0.99) <= 2
    theirs, ours = kept["answers"]["pixel"], made["answers"]["pixel"]
    assert (theirs["x"], theirs["y"]) == (ours["x"], ours["y"])
    for entry, again in zip(theirs["classes"][:2], ours["classes"][:2], strict=True):
        assert entry["label"] == again["label"]
        assert entry["probability"] == pytest.approx(again["probability"], abs=2e-3)
    masks, again = unpack(kept["answers"]["masks"]["masks"]), unpack(made["answers"]["masks"]["masks"])
    assert np.abs(masks.astype(int) - again).mean() < 0.5
    # What depends on none of the arrays is the same to the letter.
    for name in ("labels", "numLayers", "numHeads", "offers", "imageSize", "inputSize", "shipped", "token"):
        assert old[name] == json.loads(json.dumps(new[name]))
    assert {**old["photo"], "src": ""} == {**new["photo"], "src": ""}
    assert old["photo"]["src"].startswith("data:image/jpeg;base64,/9j/")


@pytest.mark.parametrize("part", ["photo", "weights", "version"])
def test_it_is_left_where_something_else_would_be_computed(part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    real = first.key
    monkeypatch.setattr(first, "key", lambda shown: {**real(shown), part: "another"})
    assert first.first_result() is None


def test_a_missing_file_is_no_fault(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.setattr(first, "FILE", tmp_path / "nowhere.json.gz")
    assert first.first_result() is None
