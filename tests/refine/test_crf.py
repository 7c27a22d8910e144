"""The dense CRF against the exact mean field, against a reference implementation, and against its own promises."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from segdemo.errors import SegdemoError
from segdemo.progress import CancelledError
from segdemo.refine import crf_grid, dense_crf, prepare_crf
from segdemo.refine.meanfield import labels_that_matter
from tests.picking import rest_slow
from tests.watches import counted

Scenes = Callable[..., tuple[npt.NDArray[np.uint8], npt.NDArray[np.float32]]]

GRID: list[dict[str, float]] = [
    {},
    {"gaussian_sxy": 1},
    {"gaussian_sxy": 10, "gaussian_compat": 5},
    {"gaussian_compat": 10},
    {"bilateral_sxy": 20, "bilateral_srgb": 5},
    {"bilateral_sxy": 100},
    {"bilateral_srgb": 3},
    {"bilateral_srgb": 30},
    {"bilateral_compat": 3},
    {"bilateral_compat": 20, "iterations": 10},
    {"iterations": 1},
]


def tiny(seed: int = 0, size: tuple[int, int] = (14, 18), labels: int = 4) -> tuple[Any, Any]:
    rng = np.random.default_rng(seed)
    y, x = np.indices(size)
    image = np.stack([12 * x, 9 * y, 100 + 60 * (x > y)], axis=2) + rng.integers(0, 20, (*size, 3))
    odds = (
        rng.random((labels, *size)) ** 2 + 0.05 + np.stack([(x * labels // size[1] == n) * 0.4 for n in range(labels)])
    )
    return image.astype(np.uint8), (odds / odds.sum(0)).astype(np.float32)


def brute_force(image: Any, probabilities: Any, **changes: float) -> Any:
    """Mean field with the kernels between all pairs, in double precision."""
    p = {"gaussian_sxy": 3, "gaussian_compat": 3, "bilateral_sxy": 60, "bilateral_srgb": 10, "bilateral_compat": 10}
    p |= {"iterations": 5} | changes
    count, height, width = probabilities.shape
    place = np.indices((height, width))[::-1].reshape(2, -1).T.astype(float)
    colour = image.reshape(-1, 3).astype(float)
    kernels = []
    for features, weight in (
        (place / p["gaussian_sxy"], p["gaussian_compat"]),
        (np.hstack([place / p["bilateral_sxy"], colour / p["bilateral_srgb"]]), p["bilateral_compat"]),
    ):
        kernel = np.exp(-0.5 * ((features[:, None] - features) ** 2).sum(2))
        root = np.sqrt(kernel.sum(1))
        kernels.append(weight * kernel / root / root[:, None])
    unary = np.log(probabilities.reshape(count, -1).T.astype(float))
    marginals = np.exp(unary)
    for _ in range(int(p["iterations"])):
        logits = unary + sum(kernels) @ marginals
        marginals = np.exp(logits - logits.max(1, keepdims=True))
        marginals /= marginals.sum(1, keepdims=True)
    return marginals.T.reshape(probabilities.shape)


def reference(image: Any, probabilities: Any, **changes: float) -> Any:
    densecrf = pytest.importorskip("pydensecrf.densecrf", reason="needs the reference: the extra `crf-reference`")
    p = {"gaussian_sxy": 3, "gaussian_compat": 3, "bilateral_sxy": 60, "bilateral_srgb": 10, "bilateral_compat": 10}
    p |= {"iterations": 5} | changes
    count, height, width = probabilities.shape
    crf = densecrf.DenseCRF2D(width, height, count)
    crf.setUnaryEnergy(np.ascontiguousarray(-np.log(np.maximum(probabilities, 1e-10)).reshape(count, -1)))
    crf.addPairwiseGaussian(sxy=p["gaussian_sxy"], compat=p["gaussian_compat"])
    crf.addPairwiseBilateral(
        sxy=p["bilateral_sxy"],
        srgb=p["bilateral_srgb"],
        rgbim=np.ascontiguousarray(image),
        compat=p["bilateral_compat"],
    )
    return np.array(crf.inference(int(p["iterations"]))).reshape(probabilities.shape)


def agreement(one: Any, other: Any) -> float:
    return float((one.argmax(0) == other.argmax(0)).mean())


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("changes", [{}, {"bilateral_sxy": 5, "bilateral_srgb": 40}, {"iterations": 2}])
def test_tiny_images_are_solved_exactly(seed: int, changes: dict[str, float]) -> None:
    image, probabilities = tiny(seed)
    expected = brute_force(image, probabilities, **changes)
    for quality in ("exact", "interactive"):
        found = dense_crf(image, probabilities, quality=quality, **changes)
        np.testing.assert_allclose(found, expected, atol=1e-4)


@pytest.mark.parametrize("seed", range(3))
def test_tiny_images_are_no_further_from_the_exact_mean_field_than_the_reference(seed: int) -> None:
    image, probabilities = tiny(seed, (24, 20))
    expected = brute_force(image, probabilities)
    ours = np.abs(dense_crf(image, probabilities) - expected).max()
    assert ours <= np.abs(reference(image, probabilities) - expected).max()


def test_the_lattice_is_about_as_close_to_the_exact_mean_field_as_the_reference(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("segdemo.refine.crf._MATRIX_PIXELS", 0)
    image, probabilities = tiny(1, (40, 36))
    expected = brute_force(image, probabilities)
    ours = np.abs(dense_crf(image, probabilities) - expected).mean()
    assert ours <= 1.05 * np.abs(reference(image, probabilities) - expected).mean()


@pytest.mark.parametrize("changes", GRID, ids=str)
def test_exact_agrees_with_the_reference(scene: Scenes, changes: dict[str, float]) -> None:
    image, probabilities = scene("astronaut", (240, 180), 6)
    found = dense_crf(image, probabilities, **changes)
    assert agreement(found, reference(image, probabilities, **changes)) >= (0.99 if changes else 0.995)


@pytest.mark.parametrize("name", ["astronaut", "chelsea"])
def test_the_appearance_kernel_is_the_references_own(scene: Scenes, name: str) -> None:
    # Ties in the order of a simplex's vertices, as in the first column, must fall as they do there.
    image, probabilities = scene(name, (240, 180), 6)
    expected = reference(image, probabilities, gaussian_compat=0)
    assert agreement(dense_crf(image, probabilities, gaussian_compat=0), expected) >= 0.9999


@pytest.mark.parametrize("name", rest_slow(["astronaut", "chelsea", "coffee", "rocket"], "chelsea".__eq__))
def test_both_qualities_agree_with_the_reference_on_photographs(scene: Scenes, name: str) -> None:
    image, probabilities = scene(name, (640, 480), 5)
    expected = reference(image, probabilities)
    assert agreement(expected, probabilities) < 0.99, "a photograph on which the CRF does nothing proves nothing"
    assert agreement(dense_crf(image, probabilities), expected) >= 0.995
    assert crf_grid(image.shape, "interactive").reduced
    assert agreement(dense_crf(image, probabilities, quality="interactive"), expected) >= 0.98


@pytest.mark.parametrize("quality", ["exact", "interactive"])
def test_marginals_are_probabilities_and_prepared_ones_the_same(scene: Scenes, quality: Any) -> None:
    image, probabilities = scene("chelsea", (600, 401), 4)
    prepared = prepare_crf(image, quality=quality)
    found = dense_crf(image, probabilities, quality=quality, prepared=prepared)
    assert found.dtype == np.float32
    assert found.shape == probabilities.shape
    assert found.min() >= 0
    np.testing.assert_allclose(found.sum(0), 1, atol=1e-5)
    np.testing.assert_allclose(found, dense_crf(image, probabilities, quality=quality), atol=1e-4)
    assert 0 < prepared.nbytes < 100_000_000


def test_strong_weights_do_not_overflow(scene: Scenes) -> None:
    image, probabilities = scene("coffee", (120, 80), 3)
    found = dense_crf(image, probabilities, gaussian_compat=300, bilateral_compat=500)
    np.testing.assert_allclose(found.sum(0), 1, atol=1e-5)


def test_half_precision_probabilities_do(scene: Scenes) -> None:
    image, probabilities = scene("coffee", (120, 80), 3)
    expected = dense_crf(image, probabilities)
    assert agreement(dense_crf(image, probabilities.astype(np.float16)), expected) > 0.999


@pytest.mark.parametrize("changes", [{"iterations": 0}, {"gaussian_compat": 0, "bilateral_compat": 0}])
def test_without_messages_the_probabilities_come_back(scene: Scenes, changes: dict[str, float]) -> None:
    image, probabilities = scene("coffee", (120, 80), 3)
    np.testing.assert_allclose(dense_crf(image, probabilities, **changes), probabilities, atol=1e-5)


def test_one_label_is_certain() -> None:
    image, _ = tiny()
    assert (dense_crf(image, np.ones((1, *image.shape[:2]), np.float32)) == 1).all()


def test_labels_that_cannot_win_take_no_part_and_change_little(scene: Scenes, monkeypatch: pytest.MonkeyPatch) -> None:
    image, probabilities = scene("rocket", (120, 90), 4)
    faint = np.full((2, *image.shape[:2]), 1e-4, np.float32)
    padded = np.concatenate([probabilities * (1 - faint.sum(0)), faint])
    found = dense_crf(image, padded)
    assert not found[4:].any()
    monkeypatch.setattr("segdemo.refine.crf._NEGLIGIBLE", -1.0)
    complete = dense_crf(image, padded)
    assert complete[4:].max() < 0.01
    np.testing.assert_allclose(found, complete, atol=0.02)


@pytest.mark.parametrize("bound", [1.0, 5.0, 13.0, 40.0])
def test_the_bound_on_labels_that_cannot_win_holds(bound: float) -> None:
    # Two labels that all points share alike, the worst case: every point sends the bound times its marginal.
    for ratio in np.geomspace(1e-6, 1, 60):
        marginal = first = ratio / (1 + ratio)
        highest = first
        for _ in range(5):
            odds = ratio * np.exp(bound * marginal - bound * (1 - marginal))
            marginal = odds / (1 + odds)
            highest = max(highest, marginal)
        if not labels_that_matter(np.array([1, ratio], np.float32), bound, 5, 0.01)[1]:
            assert highest <= 0.01


def test_four_k_works_on_a_reduced_grid_that_says_so() -> None:
    grid = crf_grid((2160, 3840, 3))
    assert grid.reduced
    assert grid.height * grid.width <= 1_320_000
    assert grid.factor == pytest.approx(3840 / grid.width, rel=1e-3)
    assert not crf_grid((768, 1024)).reduced
    quick = crf_grid((768, 1024), "interactive")
    assert quick.height * quick.width <= 279_500
    assert quick.factor == pytest.approx(1.68, rel=1e-2)


def test_a_run_can_be_followed_and_stopped(scene: Scenes) -> None:
    image, probabilities = scene("coffee", (120, 80), 3)
    shares: list[float] = []
    dense_crf(image, probabilities, progress=shares.append)
    assert shares == sorted(shares)
    assert shares[-1] == 1
    with counted() as watch:
        dense_crf(image, probabilities)
    assert watch.asked > 20
    for last in (1, watch.asked // 2, watch.asked):
        with pytest.raises(CancelledError), counted(last):
            dense_crf(image, probabilities)


def test_people_get_a_sentence() -> None:
    image, probabilities = tiny()
    prepared = prepare_crf(image)
    with pytest.raises(SegdemoError, match="another photo"):
        dense_crf(image[::-1], probabilities, prepared=prepared)
    with pytest.raises(SegdemoError, match="another photo"):
        dense_crf(image, probabilities, bilateral_sxy=50, prepared=prepared)
    with pytest.raises(SegdemoError, match="give \\(L, H, W\\)"):
        dense_crf(image, probabilities[:, 1:])
    with pytest.raises(SegdemoError, match="bilateral_srgb is 0"):
        dense_crf(image, probabilities, bilateral_srgb=0)
    with pytest.raises(SegdemoError, match="iterations is 51"):
        dense_crf(image, probabilities, iterations=51)
    with pytest.raises(SegdemoError, match="quality"):
        dense_crf(image, probabilities, quality="best")  # type: ignore[arg-type]
    with pytest.raises(SegdemoError, match="8 bits"):
        prepare_crf(image.astype(np.float32))  # type: ignore[arg-type]
