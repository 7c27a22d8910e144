"""Scenes as files: labelled folders that the package reads, and the demo's examples."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from segdemo.errors import SegdemoError
from segdemo.images import encode_png_ids

from .scene import Scene

_JPEG = [cv2.IMWRITE_JPEG_QUALITY, 88, cv2.IMWRITE_JPEG_OPTIMIZE, 1]
_PNG = [cv2.IMWRITE_PNG_COMPRESSION, 9]


def write_labelled(scene: Scene, folder: Path, name: str) -> None:
    """Write ``images/NAME.jpg``, ``labels/NAME.png`` (class indices) and ``regions/NAME.png`` (instances).

    Folders are made where they are missing. Raises ``SegdemoError`` where they cannot be written to.
    """
    _write(folder / "images" / f"{name}.jpg", _encoded(".jpg", scene.image[..., ::-1], _JPEG))
    _write(folder / "labels" / f"{name}.png", _encoded(".png", scene.labels, _PNG))
    _write(folder / "regions" / f"{name}.png", _encoded(".png", scene.instances.astype(np.uint16), _PNG))


def write_classes(names: Sequence[str], folder: Path) -> None:
    """Write ``classes.txt``, a name a line, index 0 first."""
    _write(folder / "classes.txt", "".join(f"{name}\n" for name in names).encode())


def write_example(scene: Scene, folder: Path, name: str, *, thumbnail: tuple[int, int]) -> None:
    """Write ``NAME.jpg``, ``NAME.labels.png``, ``NAME.instances.png`` and ``NAME.thumb.jpg``, of height and width.

    Folders are made where they are missing. Raises ``SegdemoError`` where they cannot be written to.
    """
    _write(folder / f"{name}.jpg", _encoded(".jpg", scene.image[..., ::-1], _JPEG))
    _write(folder / f"{name}.labels.png", _encoded(".png", scene.labels, _PNG))
    _write(folder / f"{name}.instances.png", encode_png_ids(scene.instances))
    small = np.asarray(cv2.resize(scene.image, thumbnail[::-1], interpolation=cv2.INTER_AREA), np.uint8)
    _write(folder / f"{name}.thumb.jpg", _encoded(".jpg", small[..., ::-1], _JPEG))


def _encoded(suffix: str, pixels: npt.NDArray[Any], options: list[int]) -> bytes:
    done, data = cv2.imencode(suffix, pixels, options)
    if not done:
        raise SegdemoError("A picture cannot be encoded: try a smaller size.")
    return data.tobytes()


def _write(path: Path, content: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    except OSError as error:
        raise SegdemoError(f"{path} cannot be written ({error.strerror}): choose another folder.") from error
