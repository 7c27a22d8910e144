"""Checkpoints in the form in which they were published answer as the library of that day did."""

import json
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from segdemo import checkpoints
from segdemo.class_tables import CITYSCAPES
from segdemo.model.families.mask2former import make_network
from segdemo.model.fast.quantized import has_quantized_products
from segdemo.model.predictor import load_predictor
from segdemo.model.preprocessing import Preprocessing
from segdemo.settings import settings
from segdemo.taxonomy import ade20k
from tests.picking import rest_slow

OWN = sorted((Path(__file__).parents[1] / "published").glob("*/config.json"))
SHARED = sorted((Path(__file__).parents[3] / "shared" / "cases" / "hub").glob("mask2former*/config.json"))
FOLDERS = [file.parent for file in (*OWN, *SHARED)]
SAMPLED = rest_slow(FOLDERS, FOLDERS[0].__eq__)


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """One cache for all of them, so that each is converted once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEGDEMO_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
        settings.cache_clear()
        yield
    settings.cache_clear()


def expected(folder: Path) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Pixels, mask logits and class logits, as that version computed them."""
    with np.load(folder / "expected.npz") as file:
        return (
            file["pixel_values"].astype(np.float32),
            file["masks_queries_logits"],
            file["class_queries_logits"],
        )


def labels(masks: npt.NDArray[Any], classes: npt.NDArray[Any]) -> npt.NDArray[np.intp]:
    """Most probable class per mask pixel, as the paper sums it."""
    weights = np.exp(classes[0] - classes[0].max(axis=-1, keepdims=True))
    weights /= weights.sum(axis=-1, keepdims=True)
    scores: npt.NDArray[Any] = np.tensordot(weights[:, :-1].T, 1 / (1 + np.exp(-masks[0])), axes=1)
    return scores.argmax(axis=0)


def test_there_are_some() -> None:
    assert [folder.name for folder in FOLDERS[:3]] == ["ade-semantic", "cityscapes-semantic", "coco-instance"]


@pytest.mark.parametrize("folder", SAMPLED, ids=lambda folder: folder.name)
def test_logits_are_those_of_the_library_of_that_day(folder: Path) -> None:
    pixels, masks, classes = expected(folder)
    predictor = load_predictor(folder, engine="torch", precision="fp32", device="cpu")
    raw = predictor.engine(pixels)
    assert np.abs(raw.masks[-1] - masks).max() < 1e-4
    assert np.abs(raw.classes[-1] - classes).max() < 1e-4
    assert predictor.checkpoint.kind == folder.name.rpartition("-")[2].rpartition("_")[2]
    config = json.loads((folder / "config.json").read_text())
    assert predictor.id2label == {int(index): label.strip() for index, label in config["id2label"].items()}


@pytest.mark.parametrize("folder", SAMPLED, ids=lambda folder: folder.name)
@pytest.mark.parametrize("precision", ["bf16", "int8"])
def test_reduced_precisions_agree(folder: Path, precision: str) -> None:
    if precision == "int8" and not has_quantized_products():
        pytest.skip("this processor does not multiply in 8 bits")
    pixels, masks, classes = expected(folder)
    raw = load_predictor(folder, engine="torch", precision=precision, device="cpu").engine(pixels)
    agree = (labels(raw.masks[-1], raw.classes[-1]) == labels(masks, classes)).mean()
    assert agree > (0.97 if precision == "bf16" else 0.9)


@pytest.mark.slow
@pytest.mark.skipif(find_spec("openvino") is None, reason='the engine is an extra: pip install -e ".[openvino]"')
def test_the_converted_graph_agrees() -> None:
    from segdemo.export.graphs import make_graph

    folder = FOLDERS[0]
    pixels, masks, classes = expected(folder)
    make_graph(checkpoints.resolve(folder))
    raw = load_predictor(folder, engine="openvino", precision="fp32").engine(pixels)
    assert np.abs(raw.masks[-1] - masks).max() < 1e-4
    assert np.abs(raw.classes[-1] - classes).max() < 1e-4


@pytest.mark.parametrize("folder", SAMPLED, ids=lambda folder: folder.name)
def test_classes_are_recognised(folder: Path) -> None:
    taxonomy = load_predictor(folder).taxonomy
    if "ade" in folder.name:
        assert taxonomy.name == "ADE20K"
        assert taxonomy.colors == ade20k().colors
        assert taxonomy.stuff == ade20k().stuff
    elif "coco" in folder.name:
        assert (taxonomy.name, len(taxonomy.things), taxonomy.stuff) == ("COCO", 80, frozenset())
    else:
        assert (taxonomy.name, len(taxonomy.things), len(taxonomy.stuff)) == ("Cityscapes", 8, 11)
        assert taxonomy.colors == {index: color for index, (_, color) in enumerate(CITYSCAPES.values())}


@pytest.mark.parametrize("folder", SAMPLED, ids=lambda folder: folder.name)
def test_a_photo_becomes_the_input_that_the_librarys_processor_makes(
    folder: Path, photo: npt.NDArray[np.uint8]
) -> None:
    """Files of that day name the longest side ``_max_size`` and the classes' shift ``reduce_labels``."""
    from transformers import AutoImageProcessor

    processor = AutoImageProcessor.from_pretrained(folder, backend="pil")
    wanted = processor(photo, return_tensors="np")["pixel_values"][0]
    found, _, _ = Preprocessing.from_folder(folder)(photo, "checkpoint")
    assert found.shape == wanted.shape
    assert np.abs(found - wanted).max() < 1e-5


def test_the_network_runs_in_our_own_code() -> None:
    from segdemo.model.fast.network import Network

    assert isinstance(make_network(checkpoints.resolve(FOLDERS[0])), Network)
