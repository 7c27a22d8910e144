"""Scenes as a labelled folder: what the package reads is what was painted."""

from pathlib import Path

import numpy as np

from scenes import generate
from scenes.__main__ import main
from scenes.balloons import BALLOON, with_balloons
from segdemo.data import SourceConfig, load_source
from segdemo.data.checks import check
from segdemo.data.classes import read_classes
from segdemo.taxonomy import ade20k


def test_a_folder_is_read_as_it_was_painted(tmp_path: Path) -> None:
    arguments = ["--seed", "3", "--count", "2", "--kind", "lake", "room", "--size", "48", "64"]
    assert main(["folder", "--out", str(tmp_path), *arguments]) == 0
    labels = read_classes(tmp_path / "classes.txt")
    assert list(labels.values()) == [entry.name for entry in ade20k().classes]
    data = load_source(SourceConfig(data=tmp_path), labels)
    assert check(data) == []
    assert data.names == ["lake_000003", "room_000004"]
    for sample, (seed, kind) in zip(data, ((3, "lake"), (4, "room")), strict=True):
        scene = generate(seed, kind=kind, size=(48, 64))
        np.testing.assert_array_equal(np.where(sample.labels < 0, 255, sample.labels), scene.labels)
        pairs = np.stack([sample.segments, scene.instances], axis=-1)[sample.segments > 0]
        things = {number for number, index in enumerate(sample.classes, start=1) if index in data.things}
        found = {tuple(pair) for pair in np.unique(pairs, axis=0).tolist() if pair[0] in things}
        assert len({segment for segment, _ in found}) == len(found) == len({instance for _, instance in found})


def test_balloons_are_a_class_of_their_own_and_each_an_instance(tmp_path: Path) -> None:
    assert main(["folder", "--out", str(tmp_path), "--count", "2", "--size", "96", "128", "--balloons"]) == 0
    labels = read_classes(tmp_path / "classes.txt")
    assert (len(labels), labels[150]) == (151, BALLOON)
    data = load_source(SourceConfig(data=tmp_path), labels)
    assert all(1 <= (sample.classes == 150).sum() <= 3 for sample in data)
    assert data.names == ["beach_000001", "park_000000"]


def test_a_balloon_is_an_envelope_over_a_basket() -> None:
    scene = generate(7, kind="park", size=(240, 320))
    flown = with_balloons(scene, 150, seed=7)
    balloons = flown.labels == 150
    changed = (flown.image != scene.image).any(axis=-1)
    assert balloons.any()
    assert not (balloons & ~changed).mean() > 0.001
    assert (flown.labels[~balloons] == scene.labels[~balloons]).mean() > 0.99
    assert set(np.unique(flown.instances[balloons])) == set(
        range(int(scene.instances.max()) + 1, int(flown.instances.max()) + 1)
    )
