"""Pickled weights: what is converted, what is refused without being run, and where the result is kept."""

import json
import os
import pickle
import shutil
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from segdemo import checkpoints, pickled
from segdemo.errors import SegdemoError

PUBLISHED = Path(__file__).parent / "published"

Write = Callable[..., Path]


@pytest.fixture
def folder_with(tmp_path: Path, own_cache: Path) -> Write:
    """Return a function that makes a checkpoint folder of pickled objects, by file name."""

    def write(content: object, name: str = "pytorch_model.bin") -> Path:
        folder = tmp_path / "checkpoint"
        folder.mkdir(exist_ok=True)
        (folder / "config.json").write_text('{"model_type": "mask2former"}')
        torch.save(content, folder / name)
        return folder

    return write


def contents(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


class Calls:
    """Pickles as a call of any function."""

    def __init__(self, function: Callable[..., object], *arguments: object) -> None:
        self.call = function, arguments

    def __reduce__(self) -> Any:
        return self.call


def test_weights_are_converted_once_and_nothing_else_is_written(
    folder_with: Write, own_cache: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    shared = torch.arange(6.0)
    state = OrderedDict(
        half=torch.tensor([1.5, -2.0], dtype=torch.float16),
        brain=torch.ones(2, 2, dtype=torch.bfloat16),
        whole=torch.tensor(7),
        turned=torch.arange(6.0).reshape(2, 3).t(),
        parameter=torch.nn.Parameter(torch.zeros(3)),
        tied=shared,
        twin=shared[2:],
    )
    folder = folder_with(state)
    before = contents(folder)
    found = checkpoints.resolve(folder)
    assert found.is_relative_to(own_cache)
    stored = load_file(found / "model.safetensors")
    assert stored.keys() == state.keys()
    for name, value in state.items():
        assert stored[name].dtype == value.dtype
        assert torch.equal(stored[name], value)
    assert (found / "config.json").read_text() == (folder / "config.json").read_text()
    assert contents(folder) == before
    assert [entry.name for entry in found.parent.iterdir()] == [found.name]
    (line,) = caplog.messages
    assert "pytorch_model.bin" in line
    assert str(found) in line

    monkeypatch.setattr(pickled, "_run_child", lambda *rest: pytest.fail("converted again"))
    assert checkpoints.resolve(folder) == found


def test_other_weights_or_another_configuration_are_another_checkpoint(
    folder_with: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    def convert(folder: Path, sources: list[Path], target: Path) -> None:
        save_file({"a": torch.zeros(1)}, target / "model.safetensors")

    monkeypatch.setattr(pickled, "_run_child", convert)
    folder = folder_with({"a": torch.zeros(2)})
    first = checkpoints.resolve(folder)
    folder_with({"a": torch.ones(2)})
    second = checkpoints.resolve(folder)
    (folder / "config.json").write_text('{"model_type": "mask2former", "num_labels": 3}')
    third = checkpoints.resolve(folder)
    assert len({first, second, third}) == 3
    assert json.loads((third / "config.json").read_text())["num_labels"] == 3


@pytest.mark.slow
def test_a_damaged_conversion_is_made_again(folder_with: Write) -> None:
    folder = folder_with({"a": torch.ones(2)})
    found = checkpoints.resolve(folder)
    (found / "model.safetensors").unlink()
    assert checkpoints.resolve(folder) == found
    assert torch.equal(load_file(found / "model.safetensors")["a"], torch.ones(2))


@pytest.mark.slow
def test_shards_stay_shards(own_cache: Path) -> None:
    source = PUBLISHED / "cityscapes-semantic"
    found = checkpoints.resolve(source)
    index = json.loads((found / "model.safetensors.index.json").read_text())["weight_map"]
    original = json.loads((source / "pytorch_model.bin.index.json").read_text())["weight_map"]
    assert index == {key: name.replace("pytorch_model", "model").replace(".bin", ".safetensors")
                     for key, name in original.items()}  # fmt: skip
    for shard in set(original.values()):
        stored = load_file(found / shard.replace("pytorch_model", "model").replace(".bin", ".safetensors"))
        expected = torch.load(source / shard, weights_only=True)
        assert stored.keys() == expected.keys()
        assert all(torch.equal(stored[name], value) for name, value in expected.items())


@pytest.mark.slow
def test_code_in_a_pickle_is_not_run(folder_with: Write, tmp_path: Path, own_cache: Path) -> None:
    trace = tmp_path / "trace"
    folder = folder_with({"a": torch.zeros(1), "b": Calls(os.system, f"touch {trace}")})
    with pytest.raises(SegdemoError, match=r"pytorch_model\.bin is damaged or holds more than tensors.*safetensors"):
        checkpoints.resolve(folder)
    assert not trace.exists()
    assert contents(own_cache) == {}


@pytest.mark.slow
def test_a_small_file_does_not_take_much_memory(folder_with: Write, own_cache: Path) -> None:
    """Eight gigabytes of zeros in a kilobyte: a machine may have that much, the conversion may not."""
    folder = folder_with({"a": torch.zeros(1).expand(2_000_000_000)})
    assert (folder / "pytorch_model.bin").stat().st_size < 10_000
    with pytest.raises(SegdemoError, match="more memory than its size explains"):
        checkpoints.resolve(folder)
    assert contents(own_cache) == {}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"model": {"a": torch.zeros(1)}}, "more than tensors, such as model"),
        ({"a": torch.zeros(1), "epoch": 3}, "more than tensors, such as epoch"),
        ({1: torch.zeros(1)}, "more than tensors, such as int"),
        ({"a": torch.zeros(1, device="meta")}, "more than tensors, such as a"),
        ({"a": torch.eye(3).to_sparse()}, "more than tensors, such as a"),
        ([torch.zeros(1)], "no tensors by name"),
        ({}, "no tensors by name"),
        (torch.nn.Linear(1, 1), "more than tensors"),
    ],
)
@pytest.mark.filterwarnings("ignore:Sparse")
def test_anything_but_tensors_by_name_is_refused(folder_with: Write, content: object, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        pickled._read(folder_with(content) / "pytorch_model.bin")


@pytest.mark.parametrize(
    "content",
    [b"", b"not a pickle", b"PK\x03\x04" + bytes(200), pickle.dumps({"a": 1}), pickle.dumps(Calls(os.getcwd))[:20],
     b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12\n"],
    ids=["empty", "text", "zip", "plain", "cut", "pointer"],
)  # fmt: skip
def test_what_is_no_file_of_weights_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "pytorch_model.bin").write_bytes(content)
    with pytest.raises(ValueError, match=r"pytorch_model\.bin (is damaged|holds)"):
        pickled._read(tmp_path / "pytorch_model.bin")


def test_a_cut_download_is_refused(tmp_path: Path) -> None:
    whole = (PUBLISHED / "coco-instance" / "pytorch_model.bin").read_bytes()
    (tmp_path / "pytorch_model.bin").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match="is damaged"):
        pickled._read(tmp_path / "pytorch_model.bin")


def test_safetensors_are_taken_where_both_are_there(folder_with: Write) -> None:
    folder = folder_with({"b": Calls(os.getcwd)})
    save_file({"a": torch.zeros(1)}, folder / "model.safetensors")
    assert checkpoints.resolve(folder) == folder


def test_shards_lie_beside_their_index(folder_with: Write, tmp_path: Path) -> None:
    folder = folder_with({"a": torch.zeros(1)}, "pytorch_model-00001-of-00001.bin")
    index = folder / "pytorch_model.bin.index.json"
    index.write_text(json.dumps({"weight_map": {"a": "pytorch_model-00001-of-00001.bin"}}))
    assert checkpoints.find(folder).path == folder
    shutil.move(folder / "pytorch_model-00001-of-00001.bin", tmp_path)
    index.write_text(json.dumps({"weight_map": {"a": "../pytorch_model-00001-of-00001.bin"}}))
    with pytest.raises(SegdemoError, match=r"weight_map\.a: it should be the name of a file in the same folder"):
        checkpoints.find(folder)


def test_a_cache_that_cannot_be_written_is_a_sentence(folder_with: Write, own_cache: Path) -> None:
    folder = folder_with({"a": torch.zeros(1)})
    own_cache.write_text("a file where the folder should be")
    with pytest.raises(SegdemoError, match="SEGDEMO_CACHE_DIR"):
        checkpoints.resolve(folder)
