"""What a run keeps of its checkpoint when the classes differ, and what it makes anew."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from typer.testing import CliRunner

from segdemo.class_tables import ADE20K
from segdemo.cli import make_app
from segdemo.errors import SegdemoError
from segdemo.training.architectures import config_of
from segdemo.training.config import RunConfig, parse_config
from segdemo.training.result import save_result
from segdemo.training.start import base_of, normalisation, starting_network


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    from transformers import Mask2FormerForUniversalSegmentation

    torch.manual_seed(7)
    network = Mask2FormerForUniversalSegmentation(config_of("nano", {0: "sky", 1: "grass", 2: "box"}))
    folder = tmp_path / "base"
    save_result(network, folder, size=64, mean=(0.1, 0.2, 0.3), std=(0.4, 0.5, 0.6), about={"note": "Old."})
    return folder


def run_from(checkpoint: Path, **changes: object) -> RunConfig:
    values = {"sources": {"a": {"data": "x"}}, "stages": [{"steps": 1}], "checkpoint": str(checkpoint), **changes}
    return parse_config(values)


def test_the_same_labels_keep_everything(checkpoint: Path) -> None:
    from transformers import Mask2FormerForUniversalSegmentation

    base = Mask2FormerForUniversalSegmentation.from_pretrained(checkpoint, dtype=torch.float32).state_dict()
    found = starting_network(run_from(checkpoint), {0: "sky", 1: "grass", 2: "box"}).state_dict()
    assert all(torch.equal(value, base[name]) for name, value in found.items())


def test_shared_labels_keep_their_rows_and_the_rest_of_the_network_stays(checkpoint: Path) -> None:
    from transformers import Mask2FormerForUniversalSegmentation

    base = Mask2FormerForUniversalSegmentation.from_pretrained(checkpoint, dtype=torch.float32)
    found = starting_network(run_from(checkpoint), {0: "ball", 1: "box", 2: "sky", 3: "cup"})
    old, new = base.class_predictor.weight, found.class_predictor.weight
    assert new.shape == (5, 32)
    assert torch.equal(new[1], old[2])
    assert torch.equal(new[2], old[0])
    assert torch.equal(new[4], old[3])
    assert not torch.equal(new[0], old[0])
    assert found.config.id2label == {0: "ball", 1: "box", 2: "sky", 3: "cup"}
    assert not hasattr(found.config, "segdemo_note")
    for name, value in base.state_dict().items():
        if not name.startswith(("class_predictor", "criterion")):
            assert torch.equal(found.state_dict()[name], value)


def test_a_published_checkpoint_keeps_its_rows_under_other_spellings_of_its_classes() -> None:
    """Its id2label has "bed " and "television receiver"; the data's list has each row's first name."""
    folder = Path(__file__).parents[1] / "published" / "ade-semantic"
    names = {index: row.split(",")[0] for index, row in enumerate(ADE20K)}
    found = starting_network(run_from(folder), names)
    stored = load_file(folder / "model.safetensors")
    assert found.config.id2label[89] == "television"
    assert torch.equal(found.class_predictor.weight, stored["class_predictor.weight"])
    assert torch.equal(found.class_predictor.bias, stored["class_predictor.bias"])


def test_named_parts_are_renewed(checkpoint: Path) -> None:
    labels = {0: "sky", 1: "grass", 2: "box"}
    kept = starting_network(run_from(checkpoint), labels).state_dict()
    renewed = starting_network(run_from(checkpoint, renew=["queries"]), labels).state_dict()
    changed = {name for name in kept if not torch.equal(kept[name], renewed[name])}
    assert changed == {
        "model.transformer_module.queries_embedder.weight",
        "model.transformer_module.queries_features.weight",
    }


def test_a_checkpoint_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SegdemoError, match="no-such-folder"):
        starting_network(run_from(tmp_path / "no-such-folder"), {0: "sky"})


def test_architectures_are_named_and_have_the_originals_depth() -> None:
    with pytest.raises(SegdemoError, match="huge"):
        config_of("huge", {0: "sky"})
    for name in ("tiny", "small"):
        assert config_of(name, {0: "sky"}).decoder_layers == 10


def test_the_processor_gets_the_mean_and_the_deviation_that_training_used(checkpoint: Path) -> None:
    written = json.loads((checkpoint / "preprocessor_config.json").read_text())
    assert (written["image_mean"], written["image_std"]) == ([0.1, 0.2, 0.3], [0.4, 0.5, 0.6])
    assert written["size"]["shortest_edge"] == 64


def test_a_checkpoints_own_mean_and_deviation_are_kept(checkpoint: Path) -> None:
    assert normalisation(run_from(checkpoint)) == ((0.1, 0.2, 0.3), (0.4, 0.5, 0.6))
    file = checkpoint / "preprocessor_config.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "do_normalize": False}))
    assert normalisation(run_from(checkpoint)) == ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
    scratch = run_from(checkpoint).model_copy(update={"checkpoint": None, "architecture": "nano"})
    assert normalisation(scratch)[0] == pytest.approx((0.485, 0.456, 0.406))


def test_the_card_names_the_base_and_not_where_it_lies(checkpoint: Path) -> None:
    assert base_of(run_from(checkpoint)) == '"base"'
    config = json.loads((checkpoint / "config.json").read_text())
    (checkpoint / "config.json").write_text(json.dumps({**config, "segdemo_title": "Boxes"}))
    assert base_of(run_from(checkpoint)) == '"Boxes"'
    assert base_of(run_from(Path("embedded"))) == '"Embedded Mask2Former, EfficientNet"'


def test_weights_are_stored_in_half_precision_in_small_shards(checkpoint: Path) -> None:
    files = list(checkpoint.glob("*.safetensors"))
    assert all(path.stat().st_size <= 9_000_000 for path in files)
    assert {value.dtype for path in files for value in load_file(path).values()} == {torch.float16}


def test_weights_that_are_no_numbers_are_named(checkpoint: Path) -> None:
    spoil(checkpoint)
    with pytest.raises(SegdemoError, match=rf"{checkpoint} .*not numbers \(in class_predictor\.bias\)"):
        starting_network(run_from(checkpoint), {0: "sky", 1: "grass", 2: "box"})


@pytest.mark.parametrize(
    "task", ["semantic", *(pytest.param(task, marks=pytest.mark.slow) for task in ("panoptic", "instance"))]
)
def test_the_answer_of_such_weights_is_a_sentence(checkpoint: Path, task: str, tmp_path: Path) -> None:
    spoil(checkpoint)
    photo = tmp_path / "photo.png"
    Image.fromarray(np.zeros((40, 60, 3), np.uint8)).save(photo)
    arguments = ["segment", str(photo), "--out", str(tmp_path / "out"), "--task", task, "--engine", "torch"]
    result = CliRunner().invoke(make_app(), [*arguments, "--checkpoint", str(checkpoint)])
    assert isinstance(result.exception, SegdemoError)
    assert "values that are not numbers (in class_predictor.bias)" in str(result.exception)


def spoil(checkpoint: Path) -> None:
    """Put one value that is not a number into the class head."""
    path = checkpoint / "model.safetensors"
    weights = load_file(path)
    weights["class_predictor.bias"][0] = float("nan")
    save_file(weights, path, {"format": "pt"})
