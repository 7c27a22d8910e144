"""Calibration, slices, weighted IoU and boundaries against other people's code or the definition written out."""

import math

import numpy as np
import pytest

from segdemo.evaluation import Confusion, boundary_scores
from segdemo.evaluation.calibration import BINS, Reliability, bin_of
from segdemo.evaluation.regions import regions
from segdemo.evaluation.slices import EDGES, NONE, Sliced, slice_maps
from segdemo.labels import VOID
from tests.evaluation.test_errors import beside_border, noise


@pytest.fixture
def chances():
    """Class probabilities (n, 6) and the true classes (n,), of a network that is a little too sure."""
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(4000, 6)) * 2
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    truth = np.array([rng.choice(6, p=row) for row in np.sqrt(probabilities) / np.sqrt(probabilities).sum(1)[:, None]])
    return probabilities.astype(np.float32), truth


def test_calibration_is_torchmetrics(chances):
    import torch
    from torchmetrics.classification import MulticlassCalibrationError

    probabilities, truth = chances
    reliability = Reliability()
    for part in np.array_split(np.arange(len(truth)), 3):
        other = Reliability()
        other.add(probabilities[part].max(axis=1), probabilities[part].argmax(axis=1) == truth[part])
        reliability.merge(Reliability.restored(other.state()))
    theirs = MulticlassCalibrationError(6, n_bins=BINS, norm="l1")(
        torch.from_numpy(probabilities), torch.from_numpy(truth)
    )
    assert reliability.ece == pytest.approx(float(theirs), abs=1e-6)
    assert (reliability.ece or 0) > 0.02
    assert sum(found.pixels for found in reliability.bins) == len(truth)


def test_a_bin_ends_with_its_upper_edge():
    assert bin_of(np.array([0, 0.1, 0.25, 0.26, 0.5, 1], np.float32), 4).tolist() == [0, 0, 0, 1, 1, 3]


def test_bins_by_hand():
    reliability = Reliability(2)
    reliability.add(np.array([0.4, 0.2, 0.9], np.float32), np.array([True, False, True]))
    low, high = reliability.bins
    assert (low.pixels, low.accuracy, high.pixels, high.accuracy) == (2, 0.5, 1, 1)
    assert low.confidence == pytest.approx(0.3)
    assert reliability.ece == pytest.approx((2 * 0.2 + 0.1) / 3)


def test_nothing_measured_is_none():
    assert Reliability().ece is None
    assert {found.accuracy for found in Reliability().bins} == {None}


def test_weighted_iou_is_torchmetrics():
    import torch
    from torchmetrics.classification import MulticlassJaccardIndex

    rng = np.random.default_rng(2)
    truth = rng.choice(5, p=[0.5, 0.3, 0.1, 0.07, 0.03], size=(40, 50))
    predicted = np.where(rng.random(truth.shape) < 0.6, truth, rng.integers(0, 5, truth.shape))
    confusion = Confusion(5)
    confusion.add(truth, predicted)
    theirs = MulticlassJaccardIndex(5, average="weighted")(torch.from_numpy(predicted), torch.from_numpy(truth))
    assert confusion.frequency_weighted_iou == pytest.approx(float(theirs), abs=1e-6)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("tolerance", [0.0, 0.03, 0.08])
def test_boundary_f_is_its_definition(seed, tolerance):
    truth, predicted = noise(seed), noise(seed + 50, void=0)
    predicted[:, 10:] = np.roll(truth, (1, 1), axis=(0, 1))[:, 10:]
    predicted = np.where(predicted == VOID, 0, predicted)
    seen = np.where(truth == VOID, VOID, predicted)
    reach = tolerance * math.hypot(*truth.shape)
    edges = [beside_border(labels) for labels in (truth, seen)]
    scores = {}
    for index in np.unique(truth[truth != VOID]).tolist():
        true = [at for at in edges[0] if truth[at] == index]
        found = [at for at in edges[1] if seen[at] == index]
        shares = [
            sum(any(math.dist(at, to) <= reach for to in others) for at in own) / len(own) if own else 0
            for own, others in ((found, true), (true, found))
        ]
        scores[index] = 2 * shares[0] * shares[1] / sum(shares) if sum(shares) else 0
    measured = boundary_scores(truth, predicted, tolerance=tolerance, ignore_index=VOID)
    assert measured == pytest.approx(scores)


def test_slices_are_their_definition():
    rng = np.random.default_rng(3)
    truth, right = noise(3), rng.random((26, 34)) < 0.7
    distance, confidence = ((rng.random(truth.shape) * most).astype(np.float32) for most in (60, 1))
    found = regions(truth)
    maps = slice_maps(truth != VOID, found, distance, confidence)
    values = {"area": found.areas[found.ids] / truth.size, "distance": distance, "confidence": confidence}
    for name, edges in EDGES.items():
        sliced = Sliced(edges)
        for half in (slice(None, 13), slice(13, None)):
            other = Sliced(edges)
            labelled = truth[half] != VOID
            other.add(maps[name][half][labelled], right[half][labelled])
            sliced.merge(Sliced.restored(other.state()))
        assert (maps[name] == NONE).sum() == (truth == VOID).sum()
        for entry in sliced.slices:
            low = -math.inf if entry.low is None else entry.low
            high = math.inf if entry.high is None else entry.high
            pixels = [
                (y, right[y, x])
                for y, x in np.ndindex(truth.shape)
                if truth[y, x] != VOID and low <= values[name][y, x] < high
            ]
            assert entry.pixels == len(pixels)
            assert entry.pictures == len({y < 13 for y, _ in pixels})
            assert entry.accuracy == (pytest.approx(np.mean([hit for _, hit in pixels])) if pixels else None)
