"""Every kind of network fetched from a hub: whatever form its weights have, cut on the way, and on a full disk."""

import errno
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from safetensors.torch import load_file, save_file

from segdemo import downloads, transfer
from segdemo.checkpoints import find
from segdemo.errors import SegdemoError
from segdemo.model.predictor import load_predictor
from segdemo.segmentation import semantic
from tests.hub import LocalHub
from tests.networks import KINDS

FORMS = {
    "safetensors": {"model.safetensors"},
    "sharded": {"model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors", "model.safetensors.index.json"},
    "pickled": {"pytorch_model.bin"},
    "pickled, sharded": {
        "pytorch_model-00001-of-00002.bin",
        "pytorch_model-00002-of-00002.bin",
        "pytorch_model.bin.index.json",
    },
}
EVERYWHERE = {"config.json", "preprocessor_config.json"}
QUICK = {("eomt-semantic", "safetensors")}
CASES = [
    *((kind, form) for kind in KINDS for form in ("safetensors", "sharded")),
    *((kind, "pickled") for kind in ("upernet-convnext", "eomt-semantic", "maskformer")),
    ("oneformer", "pickled, sharded"),
]


def rewritten(folder: Path, form: str) -> None:
    """Bring a checkpoint's weights into a form."""
    import torch

    single = folder / "model.safetensors"
    weights = load_file(single)
    single.unlink()
    pickled = form.startswith("pickled")
    name, end = ("pytorch_model", ".bin") if pickled else ("model", ".safetensors")

    def write(part: dict[str, Any], file: str) -> None:
        if pickled:
            torch.save(part, folder / file)
        else:
            save_file(part, folder / file, {"format": "pt"})

    if "sharded" not in form:
        write(weights, f"{name}{end}")
        return
    keys = sorted(weights)
    places: dict[str, str] = {}
    for number, part in enumerate((keys[: len(keys) // 3], keys[len(keys) // 3 :]), 1):
        file = f"{name}-{number:05}-of-00002{end}"
        write({key: weights[key] for key in part}, file)
        places |= dict.fromkeys(part, file)
    (folder / f"{name}{end}.index.json").write_text(json.dumps({"metadata": {}, "weight_map": places}))


@pytest.mark.parametrize(
    ("kind", "form"),
    [pytest.param(*case, marks=[] if case in QUICK else pytest.mark.slow, id=" ".join(case)) for case in CASES],
)
@pytest.mark.usefixtures("own_cache")
def test_what_was_cut_and_went_on_answers_as_what_is_published(
    kind: str, form: str, hub: LocalHub, tmp_path: Path, photo: npt.NDArray[np.uint8]
) -> None:
    source = KINDS[kind](tmp_path / "hub-side")
    wanted = load_predictor(source, engine="torch", precision="fp32")(photo, capture=False)
    rewritten(source, form)
    for other in ("README.md", "tf_model.h5", "training_args.bin", "code.py"):
        (source / other).write_bytes(b"no")
    weights = max(FORMS[form], key=lambda name: (source / name).stat().st_size)
    hub.folder, hub.fault, hub.where = source, "cut once", weights
    seen: list[float] = []
    folder = downloads.download(f"someone/{source.name}", seen.append)
    assert {file.name for file in folder.iterdir()} == EVERYWHERE | FORMS[form]
    assert hub.cuts == 1
    assert seen == sorted(seen)
    assert seen[-1] == 1
    assert all((folder / file.name).read_bytes() == (source / file.name).read_bytes() for file in folder.iterdir())
    predictor = load_predictor(folder, engine="torch", precision="fp32")
    assert predictor.checkpoint.parameters == find(folder).parameters
    found = predictor(photo, capture=False)
    assert found.task == wanted.task
    np.testing.assert_array_equal(semantic(found).labels, semantic(wanted).labels)


class FullDisk:
    """A file on a disk that has room for so many bytes."""

    def __init__(self, out: Any, room: int) -> None:
        self.out, self.room = out, room

    def write(self, chunk: bytes) -> None:
        if len(chunk) > self.room:
            self.out.write(chunk[: self.room])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self.room -= len(chunk)
        self.out.write(chunk)

    def flush(self) -> None:
        self.out.flush()


def test_a_full_disk_is_a_sentence_and_it_goes_on_once_there_is_room(
    hub: LocalHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = transfer.Transfer._copy
    size = (hub.folder / "model.safetensors").stat().st_size
    room = size // 3

    def cramped(self: Any, chunks: Any, out: Any, wanted: int, file: Any) -> None:
        copy(self, chunks, FullDisk(out, room) if file.path == "model.safetensors" else out, wanted, file)

    with monkeypatch.context() as full:
        full.setattr(transfer.Transfer, "_copy", cramped)
        with pytest.raises(SegdemoError, match=r"No space left on device.*: free space there, or set HF_HOME"):
            downloads.download("someone/published")
    folder = downloads.download("someone/published")
    assert hub.ranges == [None, f"bytes={room}-"]
    assert (folder / "model.safetensors").read_bytes() == (hub.folder / "model.safetensors").read_bytes()
