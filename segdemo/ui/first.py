"""What the page shows before any network is loaded: the result of its first photograph, made beforehand.

``assets/first.json.gz`` holds what ``tabs.result`` answers for that photograph with the embedded checkpoint, the card
of one pixel and the masks of the queries. It stands for what this installation would compute only where photograph,
weights and version are those it was made from; elsewhere the page waits for the network as for any other photograph.
``python -m segdemo.ui.first`` makes it again.
"""

import gzip
import hashlib
import json
import logging
from functools import cache
from pathlib import Path
from typing import Any

from segdemo import __version__, examples
from segdemo.checkpoints import CONFIG_FILES, EMBEDDED_FOLDER, EMBEDDED_ID, find
from segdemo.errors import SegdemoError
from segdemo.images import display_image, encode_jpeg, load_image
from segdemo.packing import data_url
from segdemo.results.job import own_job
from segdemo.settings import ASSETS

logger = logging.getLogger(__name__)

FILE = ASSETS / "first.json.gz"
TOKEN = "first"
"""Stands for the photograph in the browser until the server has a token for it."""
PIXEL = (0.5, 0.75)
"""Where the card that comes along was made: shares of the width and the height."""


@cache
def first_result() -> dict[str, Any] | None:
    """What the page gets of it: ``example``, ``title`` of the checkpoint, ``result`` and ``answers``; else none."""
    try:
        kept = json.loads(gzip.decompress(FILE.read_bytes()))
        shown = examples.example(kept["example"])
        if kept["key"] != key(shown):
            logger.info("the first result was made from another photograph, other weights or another version")
            return None
        photo = load_image(shown.image)
    except (OSError, SegdemoError) as error:
        logger.info("there is no first result: %s", error)
        return None
    kept["result"]["photo"]["src"] = data_url(encode_jpeg(display_image(photo), quality=88), "image/jpeg")
    return {"title": find(EMBEDDED_ID).title, "checkpoint": EMBEDDED_ID, **kept}


def key(shown: examples.Example) -> dict[str, str]:
    """What a result depends on: SHA-256 of the photograph's file and of the weights' files, and the version."""
    files = [EMBEDDED_FOLDER / name for name in CONFIG_FILES] + sorted(EMBEDDED_FOLDER.glob("*.safetensors"))
    weights = hashlib.sha256()
    for path in files:
        weights.update(path.read_bytes())
    photo = hashlib.sha256(shown.image.read_bytes()).hexdigest()
    return {"photo": photo, "weights": weights.hexdigest(), "version": __version__}


def make_first(shown: examples.Example) -> dict[str, Any]:
    """Compute it with the embedded checkpoint, in PyTorch and float32."""
    from segdemo.model.predictor import load_predictor
    from segdemo.ui.store import Record
    from segdemo.ui.tabs.masks import masks
    from segdemo.ui.tabs.pixel import pixel
    from segdemo.ui.tabs.result import result

    predictor = load_predictor(EMBEDDED_ID, engine="torch", precision="fp32", device="cpu")
    image = load_image(shown.image)
    display = display_image(image)
    record = Record(
        image=image,
        display=b"",
        display_size=(display.shape[0], display.shape[1]),
        prediction=predictor(image),
        taxonomy=predictor.taxonomy,
        checkpoint=predictor.checkpoint,
        name=shown.id,
        example=shown.id,
    )
    job = own_job()
    return {
        "key": key(shown),
        "example": shown.id,
        "result": {**result(record, {"token": TOKEN}, job), "shipped": True},
        "answers": {
            "masks": masks(record, {}, job),
            "pixel": pixel(record, {"x": PIXEL[0], "y": PIXEL[1]}, job),
        },
    }


def write_first(path: Path = FILE) -> None:
    """Make it and write it, the same bytes for the same content."""
    content = json.dumps(make_first(examples.offered()[0]), separators=(",", ":")).encode()
    path.write_bytes(gzip.compress(content, mtime=0))


if __name__ == "__main__":
    write_first()
