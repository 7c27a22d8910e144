"""The network's input, against the library's own image processor and the original's procedure."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from segdemo.errors import SegdemoError
from segdemo.model.architecture import PREPROCESSOR
from segdemo.model.preprocessing import Preprocessing, parse_size


def written(folder: Path, **changes: Any) -> Path:
    (folder / "preprocessor_config.json").write_text(json.dumps({**PREPROCESSOR, **changes}))
    return folder


@pytest.mark.parametrize("shape", [(120, 160), (160, 121), (97, 300), (33, 500), (64, 64), (31, 37)])
@pytest.mark.parametrize(
    "changes",
    [
        {"size": {"shortest_edge": 96, "longest_edge": 384}},
        {"size": 80, "max_size": 200},
        {"size": {"height": 100, "width": 130}},
        {"size": {"shortest_edge": 96, "longest_edge": 384}, "resample": 3, "image_mean": [0.5, 0.4, 0.3]},
        {"size": {"shortest_edge": 96, "longest_edge": 384}, "do_normalize": False},
    ],
)
def test_checkpoint_size_equals_the_library(shape: tuple[int, int], changes: dict[str, Any], tmp_path: Path) -> None:
    from transformers.models.mask2former.image_processing_pil_mask2former import Mask2FormerImageProcessorPil

    folder = written(tmp_path, **changes)
    image = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    expected = Mask2FormerImageProcessorPil.from_pretrained(folder)(image, return_tensors="np")["pixel_values"][0]
    pixels, input_size, content_size = Preprocessing.from_folder(folder)(image, "checkpoint")
    assert np.array_equal(pixels, expected)
    assert input_size == content_size == expected.shape[1:]


PUBLISHED = json.loads((Path(__file__).parents[1] / "published" / "processors.json").read_text())


@pytest.mark.parametrize("published", PUBLISHED, ids=[entry["name"] for entry in PUBLISHED])
def test_settings_that_the_library_wrote_in_2023_mean_what_they_meant_to_it(
    published: dict[str, Any], tmp_path: Path
) -> None:
    """``processors.json`` has its files and its answers; ours are multiples of 32, as the network needs them."""
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(published["settings"]))
    found = Preprocessing.from_folder(tmp_path)
    for answer in published["answers"]:
        y, x, c = np.mgrid[0 : answer["picture"][0], 0 : answer["picture"][1], 0:3]
        image = ((x * x + 3 * y * (c + 1) + 7 * x) // 9 % 256).astype(np.uint8)
        pixels, _, content = found(image, "checkpoint")
        assert list(content) == answer["input"]
        middle = pixels[:, content[0] // 2, : content[1] : max(1, content[1] // 6)]
        assert np.abs(middle - np.array(answer["middle"])).max() < 2e-5


@pytest.mark.parametrize(
    ("shape", "size", "content", "padded"),
    [
        ((768, 1024), "paper", (640, 853), (640, 864)),
        ((1024, 768), "paper", (853, 640), (864, 640)),
        ((2160, 3840), "paper", (640, 1138), (640, 1152)),
        ((100, 1000), "paper", (256, 2560), (256, 2560)),
        ((1, 9000), "paper", (1, 2560), (32, 2560)),
        ((768, 1024), 320, (320, 427), (320, 448)),
        ((768, 1024), "320", (320, 427), (320, 448)),
        ((50, 70), 64, (64, 90), (64, 96)),
    ],
)
def test_paper_sizes(shape: tuple[int, int], size: str | int, content: Any, padded: Any, tmp_path: Path) -> None:
    assert Preprocessing.from_folder(written(tmp_path)).sizes(shape, size) == (padded, content)


def test_padding_is_zero_after_normalising(tmp_path: Path, photo: npt.NDArray[np.uint8]) -> None:
    pixels, input_size, content = Preprocessing.from_folder(written(tmp_path))(photo, 70)
    assert (input_size, content) == ((96, 96), (70, 93))
    assert not pixels[:, 70:].any()
    assert not pixels[:, :, 93:].any()
    assert pixels[:, :70, :93].std() > 0.5


def test_extreme_shapes_give_an_input(tmp_path: Path) -> None:
    preprocessing = Preprocessing.from_folder(written(tmp_path))
    for shape in ((1, 5000, 3), (5000, 1, 3), (1, 1, 3)):
        for size in ("checkpoint", "paper"):
            pixels, input_size, _ = preprocessing(np.zeros(shape, np.uint8), size)
            assert pixels.shape == (3, *input_size)
            assert min(input_size) >= 32
            assert max(input_size) <= 2 * 2560


@pytest.mark.parametrize("size", ["huge", 0, 31, 2561, -5, "9"])
def test_unknown_sizes_are_refused(size: Any) -> None:
    with pytest.raises(SegdemoError, match="input size"):
        parse_size(size)


def test_missing_settings_are_the_librarys_and_broken_ones_a_sentence(tmp_path: Path) -> None:
    assert Preprocessing.from_folder(tmp_path).size == {"shortest_edge": 800, "longest_edge": 1333}
    (tmp_path / "preprocessor_config.json").write_text("{")
    with pytest.raises(SegdemoError, match="not valid JSON"):
        Preprocessing.from_folder(tmp_path)
