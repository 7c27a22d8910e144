"""What a file may lack, what it may not, and that the library keeps its reports to itself."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from segdemo.errors import SegdemoError
from segdemo.model.weights import load_library_model

Weights = dict[str, Tensor]
LAYER_NORM = "model.pixel_level_module.encoder.swin.layernorm."


@pytest.fixture
def edited(tiny_checkpoint: Path, tmp_path: Path) -> Callable[[Callable[[Weights], object]], Path]:
    """Return a function that writes the tiny checkpoint with its weights changed, and returns the folder."""

    def edit(change: Callable[[Weights], object]) -> Path:
        folder = tmp_path / "edited"
        shutil.copytree(tiny_checkpoint, folder)
        weights = load_file(folder / "model.safetensors")
        change(weights)
        save_file(weights, folder / "model.safetensors", {"format": "pt"})
        return folder

    return edit


def test_what_no_output_uses_may_be_missing(
    edited: Callable[..., Path], tiny_checkpoint: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """The library's Swin has a last normalisation that a Mask2Former never runs, and older files do not have."""
    pixels = torch.linspace(-2, 2, 3 * 64 * 96).reshape(1, 3, 64, 96)
    expected = load_library_model(tiny_checkpoint)(pixels).masks_queries_logits
    capfd.readouterr()

    def age(weights: Weights) -> None:
        assert [weights.pop(LAYER_NORM + name) for name in ("weight", "bias")]
        block = "model.pixel_level_module.encoder.encoder.layers.0.blocks.0.attention.self."
        weights[block + "relative_position_index"] = torch.zeros(16, 16, dtype=torch.int64)

    found = load_library_model(edited(age))(pixels).masks_queries_logits
    assert torch.equal(found, expected)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    "name",
    [
        "class_predictor.bias",
        "model.pixel_level_module.encoder.hidden_states_norms.stage4.weight",
        "model.transformer_module.decoder.layernorm.bias",
        "model.pixel_level_module.encoder.encoder.layers.0.blocks.0.layernorm_before.weight",
    ],
)
def test_what_an_output_uses_may_not(edited: Callable[..., Path], name: str) -> None:
    with pytest.raises(SegdemoError, match=rf"lack 1 tensor \(such as .*{name.rpartition('encoder.')[2]}\)"):
        load_library_model(edited(lambda weights: weights.pop(name)))


def test_tensors_of_another_size_are_a_sentence(edited: Callable[..., Path], capfd: pytest.CaptureFixture[str]) -> None:
    def crop(weights: Weights) -> None:
        weights["class_predictor.weight"] = weights["class_predictor.weight"][:4].clone()

    with pytest.raises(
        SegdemoError, match=r"do not fit .*1 tensor of another .*class_predictor\.weight, 4 x 32 instead of 6 x 32"
    ):
        load_library_model(edited(crop))
    assert capfd.readouterr() == ("", "")
