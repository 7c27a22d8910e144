"""The animation of the decoder's layers: each frame is that layer's own map, in order and in its time."""

import io
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageSequence

from segdemo.errors import NotOfferedError
from segdemo.prediction import Prediction
from segdemo.results.evolution import LAST_MS, STEP_MS, encode_evolution
from segdemo.results.job import own_job
from segdemo.results.make import Source
from segdemo.results.options import OutputOptions
from segdemo.results.outputs import make_outputs
from segdemo.segmentation import semantic

FLAT = OutputOptions(opacity=1.0, outlines=False)


@pytest.fixture
def source(make: Callable[..., Prediction]) -> Source:
    prediction = make(image=(120, 160), queries=12, classes=5, cells=(30, 40), layers=4, sure=9.0, seed=5)
    return Source(np.full((120, 160, 3), 128, np.uint8), prediction)


def frames(content: bytes) -> tuple[list[npt.NDArray[np.uint8]], list[int]]:
    with Image.open(io.BytesIO(content)) as picture:
        assert picture.format == "WEBP"
        assert picture.info["loop"] == 0
        found, times = [], []
        for frame in ImageSequence.Iterator(picture):
            found.append(np.asarray(frame.convert("RGB")))
            times.append(frame.info["duration"])
        return found, times


def test_every_layer_is_a_picture_of_its_map(source: Source) -> None:
    found, times = frames(encode_evolution(own_job(), source, FLAT))
    assert times == [STEP_MS, STEP_MS, STEP_MS, LAST_MS]
    colors = source.prediction.taxonomy.colors
    for layer, frame in enumerate(found):
        assert frame.shape == (148, 160, 3)
        labels = semantic(source.prediction, layer=layer).labels
        expected = np.array([colors[index] for index in range(5)])[labels]
        off = np.abs(frame[:120].astype(int) - expected).max(axis=2)
        # The encoder blurs borders between regions and leaves the rest alone.
        assert np.median(off) <= 4
        assert (off > 40).mean() < 0.1
        assert (frame[120:] < 100).any(), "the line below says something"
    assert (found[0] != found[-1]).any()


def test_classes_that_are_not_shown_leave_the_photo(source: Source) -> None:
    found, _ = frames(encode_evolution(own_job(), source, replace(FLAT, show_classes=())))
    assert all(np.abs(frame[:120].astype(int) - 128).max() <= 4 for frame in found)


def test_large_photos_are_made_smaller(make: Callable[..., Prediction]) -> None:
    prediction = make(image=(300, 1280), queries=4, classes=3, layers=2)
    found, _ = frames(encode_evolution(own_job(), Source(np.zeros((300, 1280, 3), np.uint8), prediction), FLAT))
    assert [frame.shape for frame in found] == [(178, 640, 3)] * 2


def test_it_is_among_the_files_where_it_was_asked_for(source: Source) -> None:
    without = make_outputs(own_job(), source, FLAT).files("street")
    found = make_outputs(own_job(), source, FLAT, evolution=True).files("street")
    assert set(found) == {*without, "street.evolution.webp"}
    assert {name: found[name] for name in without} == without
    assert len(frames(found["street.evolution.webp"])[0]) == 4


def test_a_network_without_layers_says_why(source: Source) -> None:
    logits = np.zeros((3, 30, 40), np.float32)
    names = {index: f"class {index}" for index in range(3)}
    plain = Prediction(
        (120, 160), (120, 160), (120, 160), names, (), (), logits=logits, lacks={"layers": "It has none."}
    )
    with pytest.raises(NotOfferedError, match=r"It has none\."):
        encode_evolution(own_job(), replace(source, prediction=plain), FLAT)
