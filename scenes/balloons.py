"""Hot-air balloons, a class that ADE20K does not have, over the sky of a scene: data for trying out fine-tuning."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from segdemo.labels import IGNORE

from .scene import Scene

BALLOON = "hot-air balloon"
KINDS = ("park", "beach", "lake", "pasture")
"""Kinds of scene with enough sky."""


def with_balloons(scene: Scene, index: int, seed: int) -> Scene:
    """Return the scene with one to three balloons, of class ``index``, in its upper half; each is an instance."""
    image, labels, instances = scene.image.copy(), scene.labels.copy(), scene.instances.copy()
    rng = np.random.default_rng(seed)
    for _ in range(int(rng.integers(1, 4))):
        _balloon(image, labels, instances, rng, index)
    return replace(scene, image=image, labels=labels, instances=instances)


def _balloon(
    image: npt.NDArray[np.uint8],
    labels: npt.NDArray[np.uint8],
    instances: npt.NDArray[np.int32],
    rng: np.random.Generator,
    index: int,
) -> None:
    """Paint one striped balloon with its basket somewhere in the upper half, over whatever is there."""
    height, width = labels.shape
    radius = float(rng.uniform(0.05, 0.14)) * height
    x = float(rng.uniform(radius, width - radius))
    y = float(rng.uniform(radius, 0.5 * height))
    ys, xs = np.mgrid[:height, :width]
    across, down = (xs - x) / radius, (ys - y) / radius
    # A round top that narrows below: the width at a height is a circle's above and falls linearly beneath.
    reach = np.where(down < 0, np.sqrt(np.clip(1 - down**2, 0, 1)), np.clip(1 - 0.6 * down, 0, 1))
    envelope = (np.abs(across) < reach) & (down > -1) & (down < 1.35)
    basket = (np.abs(across) < 0.2) & (down > 1.5) & (down < 1.8)
    first, second = rng.integers(40, 256, 3), rng.integers(40, 256, 3)
    stripes = (np.floor(np.arcsin(np.clip(across / np.maximum(reach, 1e-6), -1, 1)) * 4) % 2).astype(bool)
    shade = np.clip(1.05 - 0.35 * across, 0.6, 1.2)[..., None]
    colours = np.where(stripes[..., None], first, second) * shade
    image[envelope] = np.clip(colours[envelope], 0, 255).astype(np.uint8)
    image[basket] = (96, 68, 40)
    whole = envelope | basket
    labels[whole] = index
    instances[whole] = int(instances.max()) + 1
    # The ropes are thinner than a pixel: nobody should be asked about them.
    labels[(np.abs(across) < 0.3) & (down >= 1.35) & (down <= 1.5)] = IGNORE
