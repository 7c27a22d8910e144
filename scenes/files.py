"""Scenes as files: the picture as JPEG, labels and instances as PNG."""

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from segdemo.errors import SegdemoError

from .scene import Scene

JPEG_QUALITY = 88


def write_scene(scene: Scene, folder: Path, name: str, *, thumbnail: tuple[int, int] | None = None) -> None:
    """Write ``NAME.jpg``, ``NAME.labels.png``, ``NAME.instances.png`` and perhaps ``NAME.thumb.jpg``.

    Args:
        scene: what to write.
        folder: where to; made when it is missing.
        name: the files' stem.
        thumbnail: height and width of the thumbnail, none for no thumbnail.

    Raises:
        SegdemoError: the folder cannot be written to.
    """
    jpeg = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY, cv2.IMWRITE_JPEG_OPTIMIZE, 1]
    _write(folder / f"{name}.jpg", scene.image[..., ::-1], jpeg)
    png = [cv2.IMWRITE_PNG_COMPRESSION, 9]
    _write(folder / f"{name}.labels.png", scene.labels, png)
    _write(folder / f"{name}.instances.png", encode_ids(scene.instances)[..., ::-1], png)
    if thumbnail is not None:
        small = np.asarray(cv2.resize(scene.image, thumbnail[::-1], interpolation=cv2.INTER_AREA), np.uint8)
        _write(folder / f"{name}.thumb.jpg", small[..., ::-1], jpeg)


def encode_ids(ids: npt.NDArray[np.int32]) -> npt.NDArray[np.uint8]:
    """Ids (H, W) as COCO panoptic colours, uint8 RGB (H, W, 3): id = R + 256 G + 65536 B."""
    return np.stack([ids & 255, (ids >> 8) & 255, (ids >> 16) & 255], -1).astype(np.uint8)


def decode_ids(colours: npt.NDArray[np.uint8]) -> npt.NDArray[np.int32]:
    """The inverse of ``encode_ids``."""
    wide = colours.astype(np.int32)
    return np.asarray(wide[..., 0] + 256 * wide[..., 1] + 65536 * wide[..., 2], np.int32)


def _write(path: Path, pixels: npt.NDArray[np.uint8], options: list[int]) -> None:
    done, data = cv2.imencode(path.suffix, pixels, options)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if done:
            path.write_bytes(data.tobytes())
            return
    except OSError as error:
        raise SegdemoError(f"{path} cannot be written ({error.strerror}): choose another folder.") from error
    raise SegdemoError(f"{path.name} cannot be encoded: try a smaller size.")
