"""The scene generator: repeatable, and with ground truth that cannot contradict itself."""

import numpy as np
import pytest

from scenes import (
    KINDS,
    Scene,
    generate,
)
from scenes.ade import Ade
from segdemo.class_tables import ADE20K_STUFF
from segdemo.errors import SegdemoError
from segdemo.labels import IGNORE

SMALL = (96, 128)
SAMPLES = 12

PROMISED = {
    "room": {
        Ade.WALL,
        Ade.FLOOR,
        Ade.CEILING,
        Ade.WINDOWPANE,
        Ade.DOOR,
        Ade.BED,
        Ade.TABLE,
        Ade.CHAIR,
        Ade.PAINTING,
        Ade.LAMP,
        Ade.CABINET,
        Ade.SOFA,
        Ade.CURTAIN,
        Ade.RUG,
        Ade.CUSHION,
    },
    "street": {
        Ade.ROAD,
        Ade.SIDEWALK,
        Ade.BUILDING,
        Ade.SKY,
        Ade.CAR,
        Ade.PERSON,
        Ade.TREE,
        Ade.SIGNBOARD,
        Ade.POLE,
        Ade.STREETLIGHT,
        Ade.FENCE,
        Ade.BICYCLE,
    },
    "lake": {Ade.SKY, Ade.MOUNTAIN, Ade.WATER, Ade.LAKE, Ade.GRASS, Ade.TREE, Ade.ROCK, Ade.BOAT, Ade.PERSON},
    "pasture": {Ade.SKY, Ade.GRASS, Ade.ANIMAL, Ade.TREE, Ade.FENCE},
    "park": {Ade.SKY, Ade.GRASS, Ade.PATH, Ade.TREE, Ade.PERSON, Ade.BENCH, Ade.FLOWER, Ade.PLANT, Ade.BUILDING},
    "beach": {Ade.SKY, Ade.SEA, Ade.SAND, Ade.PERSON, Ade.BOAT},
    "closeup": {Ade.FLOWER, Ade.SIGNBOARD, Ade.BOOK, Ade.CHAIR, Ade.BICYCLE, Ade.AIRPLANE, Ade.ANIMAL},
}


@pytest.fixture(scope="module")
def samples() -> dict[str, list[Scene]]:
    """A handful of small scenes of every kind."""
    return {kind: [generate(seed, kind=kind, size=SMALL) for seed in range(SAMPLES)] for kind in KINDS}


def test_shapes_and_types() -> None:
    scene = generate(7, size=(60, 96))
    assert scene.image.shape == (60, 96, 3)
    assert scene.image.dtype == np.uint8
    assert scene.labels.shape == scene.instances.shape == (60, 96)
    assert scene.labels.dtype == np.uint8
    assert scene.instances.dtype == np.int32
    assert scene.kind in KINDS
    assert scene.seed == 7


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_gives_the_same_scene(kind: str) -> None:
    first, second = (generate(11, kind=kind, size=SMALL) for _ in range(2))
    np.testing.assert_array_equal(first.image, second.image)
    np.testing.assert_array_equal(first.labels, second.labels)
    np.testing.assert_array_equal(first.instances, second.instances)


@pytest.mark.parametrize("kind", KINDS)
def test_another_seed_gives_another_scene(kind: str) -> None:
    first, second = (generate(seed, kind=kind, size=SMALL) for seed in (1, 2))
    assert (first.labels != second.labels).mean() > 0.02


@pytest.mark.slow
def test_the_seed_chooses_the_kind() -> None:
    drawn = {generate(seed, size=(32, 32)).kind for seed in range(20)}
    assert len(drawn) >= 4


@pytest.mark.parametrize("kind", KINDS)
def test_another_size_shows_the_same_scene(kind: str) -> None:
    small, large = generate(5, kind=kind, size=(96, 128)), generate(5, kind=kind, size=(192, 256))
    # Every pixel of the small scene against the nearest of the large one; edges may fall either way.
    assert (small.labels == large.labels[::2, ::2]).mean() > 0.9


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_labels_and_instances_agree(kind: str, samples: dict[str, list[Scene]]) -> None:
    for scene in samples[kind]:
        assert set(np.unique(scene.labels)) <= {int(label) for label in Ade} | {IGNORE}
        np.testing.assert_array_equal(scene.labels == IGNORE, scene.instances == 0)
        assert scene.instances.min() >= 0
        pairs = np.unique(np.stack([scene.instances.ravel(), scene.labels.ravel()], 1), axis=0)
        # Every region has one class.
        assert len(np.unique(pairs[:, 0])) == len(pairs)
        stuff = [label for _, label in pairs if label in ADE20K_STUFF]
        # Every stuff class is one region.
        assert len(set(stuff)) == len(stuff)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_promised_classes_occur(kind: str, samples: dict[str, list[Scene]]) -> None:
    seen = {int(label) for scene in samples[kind] for label in np.unique(scene.labels)}
    assert {label.name for label in PROMISED[kind] if label not in seen} == set()


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_everything_is_labelled(kind: str, samples: dict[str, list[Scene]]) -> None:
    assert np.mean([(scene.labels != IGNORE).mean() for scene in samples[kind]]) > 0.99


@pytest.mark.slow
def test_several_things_of_a_class_are_several_instances(samples: dict[str, list[Scene]]) -> None:
    counts = [len(np.unique(scene.instances[scene.labels == Ade.CAR])) for scene in samples["street"]]
    assert max(counts) >= 3


@pytest.mark.slow
def test_label_edges_follow_picture_edges(samples: dict[str, list[Scene]]) -> None:
    """Where labels change the picture changes more than elsewhere; less so when they are shifted."""
    straight, shifted = [], []
    for scenes in samples.values():
        for scene in scenes[:5]:
            grey = scene.image.astype(np.float32).mean(-1)
            change = np.abs(np.diff(grey, axis=1))
            edge = np.diff(scene.labels.astype(int), axis=1) != 0
            straight.append(change[edge].mean())
            shifted.append(change[np.roll(edge, 5, axis=1)].mean())
    assert np.mean(straight) > 1.8 * np.mean(shifted)


def test_sky_is_above_the_road() -> None:
    for seed in range(5):
        labels = generate(seed, kind="street", size=SMALL).labels
        rows = np.arange(labels.shape[0])[:, None] + np.zeros_like(labels)
        assert rows[labels == Ade.SKY].mean() < rows[labels == Ade.ROAD].mean()


def test_what_cannot_be_painted_is_said() -> None:
    with pytest.raises(SegdemoError, match="choose one of"):
        generate(0, kind="moon")
    with pytest.raises(SegdemoError, match="at least"):
        generate(-1)
    with pytest.raises(SegdemoError, match="at least"):
        generate(0, size=(8, 640))
