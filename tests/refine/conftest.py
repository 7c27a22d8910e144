"""Fixtures of the refinement's tests: photographs with the soft, slightly wrong scores that a network would give."""

from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt
import pytest

Scene = tuple[npt.NDArray[np.uint8], npt.NDArray[np.float32]]


def soft_scores(labels: npt.NDArray[np.integer], count: int, seed: int = 0) -> npt.NDArray[np.float32]:
    """Probabilities (count, H, W) that imitate a network's: blurred at a quarter of the size, and noisy."""
    rng = np.random.default_rng(seed)
    height, width = labels.shape
    logits = np.empty((count, height, width), np.float32)
    for label in range(count):
        mask = cv2.resize((labels == label).astype(np.float32), (width // 4, height // 4), interpolation=cv2.INTER_AREA)
        noise = cv2.GaussianBlur(rng.standard_normal(mask.shape).astype(np.float32), (0, 0), 4) * 2.4
        logit = 1.2 * np.log(cv2.GaussianBlur(mask, (0, 0), 2) + 0.02) + noise
        logits[label] = cv2.resize(logit, (width, height), interpolation=cv2.INTER_LINEAR)
    odds = np.exp(logits - logits.max(0))
    return odds / odds.sum(0)


@pytest.fixture(scope="session")
def scene() -> Callable[..., Scene]:
    """Photograph of scikit-image by name and size (width, height), and scores of so many regions of similar colour."""
    data = pytest.importorskip("skimage.data", reason="needs scikit-image's photographs: the extra `dev`")

    def make(name: str, size: tuple[int, int], count: int) -> Scene:
        picture = getattr(data, name)()
        image = np.ascontiguousarray(cv2.resize(picture[..., :3], size, interpolation=cv2.INTER_AREA))
        small = cv2.GaussianBlur(
            cv2.resize(image, (size[0] // 4, size[1] // 4), interpolation=cv2.INTER_AREA), (0, 0), 3
        )
        y, x = np.indices(small.shape[:2])
        features = np.dstack([small, 0.6 * x, 0.6 * y]).reshape(-1, 5).astype(np.float32)
        cv2.setRNGSeed(0)
        _, found, _ = cv2.kmeans(features, count, np.empty(0, np.int32), (3, 10, 1.0), 1, cv2.KMEANS_PP_CENTERS)
        labels = cv2.resize(found.reshape(small.shape[:2]).astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
        return image, soft_scores(labels, count)

    return make
