"""Feature maps as pictures: against numpy's singular values, hand-worked arrays and brute force."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from segdemo.errors import NotOfferedError
from segdemo.explain import features
from segdemo.explain.features import FeatureMap, principal_components, similarity, window_ids
from segdemo.prediction import DecoderFeatures, Prediction, Windows


def varied(channels: int, height: int, width: int, *, seed: int = 0, last: bool = False) -> npt.NDArray[np.float32]:
    """A map (C, h, w) that varies along six directions, by less and less; ``last``: channels last in memory."""
    rng = np.random.default_rng(seed)
    hidden = rng.normal(size=(height, width, 6)) * (9, 6, 4, 2, 1, 0.5)
    values = (hidden @ rng.normal(size=(6, channels)) + rng.normal(size=channels) * 20).astype(np.float32)
    return values.transpose(2, 0, 1) if last else np.ascontiguousarray(values.transpose(2, 0, 1))


def by_svd(values: npt.NDArray[Any]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Scores (3, N) and shares of variance from the singular value decomposition of the centred cells."""
    rows = values.reshape(len(values), -1).astype(np.float64)
    rows = rows - rows.mean(axis=1, keepdims=True)
    left, powers, right = np.linalg.svd(rows, full_matrices=False)
    signs = np.sign(left[np.abs(left).argmax(axis=0), np.arange(len(powers))])
    return (powers[:, None] * right * signs[:, None])[:3], (powers**2 / (powers**2).sum())[:3]


@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("dtype", [np.float16, np.float32])
@pytest.mark.parametrize(
    ("channels", "height", "width"), [(8, 12, 10), (40, 5, 6), (90, 12, 16), (150, 8, 9), (3, 4, 5)]
)
def test_components_are_those_of_the_singular_values(
    channels: int, height: int, width: int, dtype: Any, last: bool
) -> None:
    values = varied(channels, height, width, last=last).astype(dtype)
    found, (scores, shares) = principal_components(values), by_svd(values)
    np.testing.assert_allclose(found.explained, shares, atol=1e-4)
    # Where two variances are close, a rounding turns the two directions: these are far apart.
    np.testing.assert_allclose(found.scores.reshape(3, -1), scores, atol=2e-3 * np.abs(scores).max())


def test_a_large_map_has_the_directions_of_a_part_of_its_cells(monkeypatch: pytest.MonkeyPatch) -> None:
    values = varied(16, 30, 41)
    whole = principal_components(values)
    monkeypatch.setattr(features, "SAMPLED", 400)
    part = principal_components(values)
    for ours, theirs in zip(part.scores, whole.scores, strict=True):
        assert np.corrcoef(ours.ravel(), theirs.ravel())[0, 1] > 0.98


def test_the_same_map_always_has_the_same_colours() -> None:
    values = varied(80, 10, 12)
    first = features.as_colours(principal_components(values))
    np.testing.assert_array_equal(features.as_colours(principal_components(values.copy())), first)
    assert first.shape == (10, 12, 3)
    assert [(first[..., index].min(), first[..., index].max()) for index in range(3)] == [(0, 255)] * 3


def test_components_by_hand() -> None:
    # Four cells along (3, 4) / 5, 0, 5, 10 and 15 from the first; the second channel weighs most.
    values = np.stack([np.array([[0, 3], [6, 9]]), np.array([[0, 4], [8, 12]])]).astype(np.float32)
    found = principal_components(values)
    np.testing.assert_allclose(found.scores[0], [[-7.5, -2.5], [2.5, 7.5]], atol=1e-5)
    np.testing.assert_array_equal(found.scores[1:], 0)
    assert found.explained == pytest.approx((1, 0, 0))
    colours = features.as_colours(found)
    assert colours[..., 1:].min() == colours[..., 1:].max() == 128
    assert (colours[0, 0, 0], colours[1, 1, 0]) == (0, 255)


def test_a_uniform_map_has_no_components() -> None:
    found = principal_components(np.full((4, 3, 3), 2.5, np.float16))
    np.testing.assert_array_equal(found.scores, 0)
    assert found.explained == (0, 0, 0)


def test_similarity_by_hand() -> None:
    # Cells (1, 0), (2, 0), (0, 3), (-1, 0), (1, 1), (0, 0) beside one another.
    values = np.array([[[1, 2, 0, -1, 1, 0]], [[0, 0, 3, 0, 1, 0]]], np.float32)
    np.testing.assert_allclose(similarity(values, 0, 0), [[1, 1, 0, -1, 0.5**0.5, 0]], atol=1e-6)
    np.testing.assert_array_equal(similarity(values, 0, 5), np.zeros((1, 6)))


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
@pytest.mark.parametrize("last", [False, True])
def test_similarity_norms_and_strengths_by_brute_force(dtype: Any, last: bool) -> None:
    values = varied(12, 6, 7, last=last).astype(dtype)
    exact = values.astype(np.float64)
    for row, column in ((0, 0), (4, 6)):
        expected = [
            [a @ exact[:, row, column] / np.sqrt((a @ a) * (exact[:, row, column] ** 2).sum()) for a in line]
            for line in np.moveaxis(exact, 0, -1)
        ]
        np.testing.assert_allclose(similarity(values, row, column), expected, atol=1e-5)
    np.testing.assert_allclose(features.norms(values), np.linalg.norm(exact, axis=0), rtol=1e-5)
    strengths = features.channel_strengths(values)
    np.testing.assert_allclose(strengths, exact.std(axis=(1, 2)), rtol=1e-4)
    order = features.strongest(strengths)
    assert sorted(order) == list(range(12))
    assert list(strengths[order]) == sorted(strengths, reverse=True)


@pytest.mark.parametrize("size", [(8, 12), (7, 10), (3, 3), (4, 4), (1, 9)])
@pytest.mark.parametrize("shift", [0, 2])
def test_windows_are_those_that_swin_masks(size: tuple[int, int], shift: int) -> None:
    """Pad, roll and split as the library does; two cells attend to each other if window and mask's region agree."""
    side, (height, width) = 4, size
    padded = [-(-cells // side) * side for cells in size]
    region = [np.zeros(cells, int) for cells in padded]
    for axis, cells in enumerate(padded):
        place = np.arange(cells)
        region[axis] = (
            (place >= cells - side).astype(int) + (place >= cells - shift).astype(int) if shift else place * 0
        )
    number = np.arange(padded[0])[:, None] // side * 100 + np.arange(padded[1]) // side
    groups = number * 100 + region[0][:, None] * 10 + region[1]
    groups = np.roll(groups, (shift, shift), axis=(0, 1))[:height, :width].ravel()
    ours = window_ids(size, Windows(side, shift), shifted=True).ravel()
    np.testing.assert_array_equal(ours[:, None] == ours, groups[:, None] == groups)
    assert set(ours) == set(range(1, ours.max() + 1))


@pytest.fixture
def padded() -> Prediction:
    """A photo of 12 x 20 in an input of 16 x 32: stages at 4 and 8, of which the coarser is cut by the padding."""
    rng = np.random.default_rng(1)
    stages = {stride: rng.normal(size=(5, 16 // stride, 32 // stride)).astype(np.float16) for stride in (4, 8)}
    start = DecoderFeatures(
        {8: rng.normal(size=(6, 2, 4)).astype(np.float32)}, rng.normal(size=(7, 4, 8)).astype(np.float32), 4
    )
    masks, classes = (np.zeros((1, 4, 8), np.float32),), (np.zeros((1, 2), np.float32),)
    return Prediction(
        (24, 40), (16, 32), (12, 20), {0: "sky"}, masks, classes, stages=stages, decoder_features=start,
        windows={4: Windows(2, 1)},
    )  # fmt: skip


def test_the_maps_of_a_prediction_without_their_padding(padded: Prediction) -> None:
    found = features.feature_maps(padded)
    assert [(one.part, one.stage, one.stride, one.channels, one.size) for one in found] == [
        ("backbone", 1, 4, 5, (3, 5)),
        ("backbone", 2, 8, 5, (2, 3)),
        ("pixel decoder", 0, 8, 6, (2, 3)),
        ("mask features", 0, 4, 7, (3, 5)),
    ]
    assert "5 × 3 cells of 4 × 4 pixels, 5 channels" in features.words(found[0])
    assert [one.part for one in features.feature_maps(replace(padded, decoder_features=None))] == ["backbone"] * 2
    with pytest.raises(NotOfferedError):
        features.feature_maps(replace(padded, stages={}))


def test_points_and_cells_lie_over_one_another(padded: Prediction) -> None:
    fine, coarse, *_ = features.feature_maps(padded)
    assert features.over_photo(padded, fine, (6, 10)) is None
    under = features.over_photo(padded, coarse, (6, 10))
    assert under is not None
    # The photo is 2.5 cells wide and 1.5 high: the last ones show half of what they cover.
    np.testing.assert_array_equal(under[0], [0, 0, 0, 0, 1, 1, 1, 1, 2, 2])
    np.testing.assert_array_equal(under[:, 0], [0, 0, 0, 0, 3, 3])
    for y, x in ((0, 0), (0.5, 0.5), (0.7, 0.9), (0.999, 0.999)):
        row, column = features.cell_at(padded, coarse, y, x)
        assert under[int(y * 6), int(x * 10)] == row * 3 + column
    assert features.cell_at(padded, fine, 0.999, 0.999) == (2, 4)


def test_the_words_of_windows() -> None:
    text = features.window_words(Windows(12, 6), (80, 108), 8)
    assert "9 × 7 windows of 12 × 12 cells, 96 × 96 pixels" in text
    assert "by 6 cells" in text
    assert "the grid stays" in features.window_words(Windows(7, 0), (7, 7), 32)


def test_pictures_of_a_real_checkpoint(tiny_checkpoint: Path, photo: npt.NDArray[np.uint8]) -> None:
    from segdemo.model.predictor import load_predictor

    prediction = load_predictor(tiny_checkpoint, engine="torch", precision="fp32")(photo)
    found = features.feature_maps(prediction)
    assert [one.stride for one in found] == [4, 8, 16, 32, 32, 16, 8, 4]
    for one in found:
        scores, _ = by_svd(one.values)
        ours = principal_components(one.values).scores[0].ravel()
        assert abs(np.corrcoef(ours, scores[0])[0, 1]) > 0.99
        assert similarity(one.values, 1, 1)[1, 1] == pytest.approx(1, abs=1e-5)
    assert isinstance(found[0], FeatureMap)
