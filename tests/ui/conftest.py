"""A record of a real run on the tiny checkpoint, as the page's functions get it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
import numpy.typing as npt
import pytest
from gradio_client import Client
from PIL import Image

from segdemo.images import encode_jpeg
from segdemo.model.predictor import load_predictor
from segdemo.results.job import Host
from segdemo.ui.endpoint import add_endpoints
from segdemo.ui.jobs import Jobs
from segdemo.ui.store import Record


@pytest.fixture
def record(tiny_ade_checkpoint: Path, photo: npt.NDArray[np.uint8]) -> Record:
    predictor = load_predictor(tiny_ade_checkpoint)
    return Record(
        image=photo,
        display=encode_jpeg(photo),
        display_size=(photo.shape[0], photo.shape[1]),
        prediction=predictor(photo),
        taxonomy=predictor.taxonomy,
        checkpoint=predictor.checkpoint,
        seconds={"total": 0.5},
    )


@pytest.fixture(scope="module")
def client(tiny_ade_checkpoint: Path) -> Iterator[Client]:
    with gr.Blocks(analytics_enabled=False, delete_cache=(600, 3600)) as blocks:
        add_endpoints(str(tiny_ade_checkpoint), Jobs(Host(waiting=3)))
    blocks.queue(max_size=5, api_open=False)
    options: dict[str, Any] = {"prevent_thread_lock": True, "quiet": True, "ssr_mode": False}
    _, url, _ = blocks.launch(server_port=None, max_file_size=1_000_000, **options)
    try:
        yield Client(url, verbose=False)
    finally:
        blocks.close(verbose=False)


@pytest.fixture
def photo_file(tmp_path: Path, photo: npt.NDArray[np.uint8]) -> str:
    Image.fromarray(photo).save(tmp_path / "photo.png")
    return str(tmp_path / "photo.png")
