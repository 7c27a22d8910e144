"""Predictions built by hand or at random, and the paper's procedure in full as the reference."""

from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from segdemo.prediction import AttentionLayer, Prediction, Size

Float32 = npt.NDArray[np.float32]


def by_hand(
    masks: npt.ArrayLike,
    classes: npt.ArrayLike,
    *,
    scale: int = 4,
    content: Size | None = None,
    image: Size | None = None,
    labels: dict[int, str] | None = None,
) -> Prediction:
    """One layer from mask logits (Q, h, w) and class probabilities (Q, C + 1) whose rows sum to 1."""
    mask = np.asarray(masks, np.float32)
    with np.errstate(divide="ignore"):
        logits = np.maximum(np.log(np.asarray(classes, np.float64)), -60).astype(np.float32)
    size = (mask.shape[1] * scale, mask.shape[2] * scale)
    return Prediction(
        image or content or size,
        size,
        content or size,
        labels or {index: f"class {index}" for index in range(logits.shape[1] - 1)},
        (mask,),
        (logits,),
    )


def at_random(
    seed: int = 0,
    *,
    queries: int = 24,
    classes: int = 20,
    cells: Size = (40, 48),
    padding: Size = (0, 0),
    image: Size | None = None,
    layers: int = 3,
    sure: float = 6.0,
    heads: int = 2,
) -> Prediction:
    """Smooth masks with noise, and classes of which most queries prefer one; ``sure`` is by how much."""
    rng = np.random.default_rng(seed)
    height, width = cells

    def field(grain: int, size: Size = cells) -> Float32:
        coarse = rng.normal(size=(max(2, size[0] // grain), max(2, size[1] // grain))).astype(np.float32)
        return np.asarray(cv2.resize(coarse, size[::-1], interpolation=cv2.INTER_CUBIC), np.float32)

    masks, logits, attention = [], [], []
    favourite = rng.integers(classes + 1, size=queries)
    final = np.stack([8 * field(12) + field(3) for _ in range(queries)])
    scores = rng.normal(size=(queries, classes + 1)).astype(np.float32)
    scores[np.arange(queries), favourite] += sure
    for layer in range(layers):
        done = (layer + 1) / layers
        kind = np.float32 if layer == layers - 1 else np.float16
        masks.append((final * done + (1 - done) * np.stack([field(6) for _ in range(queries)])).astype(kind))
        logits.append((scores * done).astype(kind))
        if layer:
            stride = (32, 16, 8)[(layer - 1) % 3]
            maps = rng.random((heads, queries, height * 4 // stride, width * 4 // stride)).astype(np.float16)
            attention.append(AttentionLayer(maps, np.arange(queries) == queries - 1, stride))
    size = (height * 4, width * 4)
    content = (size[0] - padding[0], size[1] - padding[1])
    return Prediction(
        image or content,
        size,
        content,
        {index: f"class {index}" for index in range(classes)},
        tuple(masks),
        tuple(logits),
        tuple(attention),
    )


def in_full(prediction: Prediction, *, layer: int = -1, size: Size | None = None) -> Float32:
    """Class scores (C, H, W) by the paper's procedure with nothing left out, in torch."""
    import torch
    from torch.nn.functional import interpolate

    height, width = prediction.content_size
    masks = torch.from_numpy(prediction.mask_logits(layer))[None]
    weights = torch.from_numpy(prediction.class_logits(layer)).softmax(-1)[:, :-1]
    masks = interpolate(masks, size=prediction.input_size, mode="bilinear", align_corners=False)[0]
    scores = torch.einsum("qc,qhw->chw", weights, masks.sigmoid())[None, :, :height, :width]
    return interpolate(scores, size=size or prediction.image_size, mode="bilinear", align_corners=False)[0].numpy()


CASES = {
    "enlarged, padded": {"padding": (5, 11), "image": (251, 301)},
    "same size": {},
    "reduced": {"padding": (0, 30), "image": (67, 71)},
    "enlarged tenfold": {"cells": (12, 16), "image": (480, 640), "classes": 9},
    "undecided": {"sure": 0.0, "image": (90, 100), "classes": 40},
    "one class": {"classes": 1, "image": (100, 90)},
    "one query": {"queries": 1, "image": (100, 90)},
    "taller only": {"image": (300, 192)},
    "a single row": {"image": (1, 192)},
}


@pytest.fixture(params=list(CASES.values()), ids=list(CASES))
def varied(request: pytest.FixtureRequest) -> Prediction:
    """Predictions of many shapes."""
    return at_random(seed=3, **request.param)


@pytest.fixture
def make() -> Callable[..., Prediction]:
    return at_random


@pytest.fixture
def hand() -> Callable[..., Prediction]:
    return by_hand


@pytest.fixture
def full() -> Callable[..., Float32]:
    return in_full
