"""What a camera adds: exposure, tone, vignetting, softness and sensor noise."""

import cv2
import numpy as np
import numpy.typing as npt

from .canvas import Canvas, Floats
from .colours import Colour


def develop(canvas: Canvas, rng: np.random.Generator, *, tint: Colour, strength: float = 1.0) -> npt.NDArray[np.uint8]:
    """The finished picture, uint8 (H, W, 3); ``tint`` is the white balance, ``strength`` scales all defects."""
    # Exposed for the middle of the picture's range, as a camera's meter would, but not all the way.
    level = float(np.clip(canvas.image[::4, ::4].mean(), 0.05, 1.0))
    exposure = float(np.clip((0.53 / level) ** 0.75, 0.8, 1.8)) * rng.uniform(0.92, 1.08)
    image = canvas.image * (tint * np.float32(exposure))
    height, width = image.shape[:2]
    x = (np.arange(width, dtype=np.float32) - width / 2) / np.float32(width)
    y = (np.arange(height, dtype=np.float32) - height / 2) / np.float32(width)
    image *= (1 - np.float32(rng.uniform(0.05, 0.35) * strength) * (x[None, :] ** 2 + y[:, None] ** 2))[..., None]
    image = _shoulder(image)
    # A gentle S-curve: deeper shadows, clearer lights.
    image += (image - np.float32(0.5)) * (1 - image) * image * np.float32(rng.uniform(0.3, 0.9))
    # A little of the blurred picture on top: the glow that ties flat shapes together.
    small = cv2.resize(image, (max(8, width // 8), max(8, height // 8)), interpolation=cv2.INTER_AREA)
    veil = cv2.resize(cv2.GaussianBlur(small, (0, 0), 2.0), (width, height), interpolation=cv2.INTER_LINEAR)
    image += (veil - image) * np.float32(0.06)
    blur = rng.uniform(0.0, 0.0022) * strength * height / 2
    if blur > 0.25:
        image = cv2.GaussianBlur(image, (0, 0), min(blur, 1.4))
    noise_level = rng.uniform(0.003, 0.014) * strength
    grain = rng.standard_normal((128, 128, 3), dtype=np.float32)
    grain = np.tile(grain, (height // 128 + 1, width // 128 + 1, 1))[:height, :width]
    image += grain * np.float32(noise_level)
    return np.asarray(np.clip(image * 255 + 0.5, 0, 255).astype(np.uint8))


def _shoulder(image: Floats) -> Floats:
    """Compress what is brighter than 0.8 so that highlights keep their colour."""
    np.maximum(image, 0, out=image)
    over = np.maximum(image - np.float32(0.8), 0)
    return np.asarray(np.minimum(image, np.float32(0.8)) + np.float32(0.2) * (1 - np.exp(-over * 5)), np.float32)
