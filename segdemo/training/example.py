"""The worked example's data: 50 generated landscapes with hot-air balloons, a class that ADE20K does not have."""

import sys
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from segdemo.labels import IGNORE
from segdemo.taxonomy import ade20k

NEW_CLASS = "hot-air balloon"
KINDS = ("park", "beach", "lake", "pasture")
FIRST_SEED = 500_000


def write_example(folder: Path, *, count: int = 50, size: tuple[int, int] = (240, 320)) -> None:
    """Write ``count`` pictures with index-PNG masks and a class list: ADE20K's 150 classes and the balloon.

    ``size`` is height and width in pixels. Each picture has one to three balloons in its sky, each a region of its
    own in ``regions/``.
    """
    from scenes import generate

    for name in ("images", "labels", "regions"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    names = [entry.name for entry in ade20k().classes]
    (folder / "classes.txt").write_text("\n".join([*names, NEW_CLASS]) + "\n", encoding="utf-8")
    for number in range(count):
        seed = FIRST_SEED + number
        scene = generate(seed, kind=KINDS[number % len(KINDS)], size=size)
        image, labels = scene.image.copy(), scene.labels.copy()
        regions = scene.instances.astype(np.uint16)
        rng = np.random.default_rng(seed)
        for _ in range(int(rng.integers(1, 4))):
            _balloon(image, labels, regions, rng, len(names))
        stem = f"balloons_{number:03d}"
        cv2.imwrite(str(folder / "images" / f"{stem}.jpg"), cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
        cv2.imwrite(str(folder / "labels" / f"{stem}.png"), labels)
        cv2.imwrite(str(folder / "regions" / f"{stem}.png"), regions)


def _balloon(
    image: npt.NDArray[np.uint8],
    labels: npt.NDArray[np.uint8],
    regions: npt.NDArray[np.uint16],
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
    regions[whole] = int(regions.max()) + 1
    # The ropes are thinner than a pixel: nobody should be asked about them.
    labels[(np.abs(across) < 0.3) & (down >= 1.35) & (down <= 1.5)] = IGNORE


if __name__ == "__main__":
    write_example(Path(sys.argv[1]))
