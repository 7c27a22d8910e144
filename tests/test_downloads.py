"""Fetching: only where it was asked for, only what is needed, only what is whole, and a sentence for each failure."""

import json
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from huggingface_hub import constants, snapshot_download, try_to_load_from_cache

from segdemo import checkpoints, downloads, transfer
from segdemo.checkpoints import EMBEDDED_ID, SEED_ID
from segdemo.errors import SegdemoError
from segdemo.settings import Settings
from tests.hub import REVISION, LocalHub

PUBLISHED = Path(__file__).parent / "published"
NAME = "someone/published"


def test_a_download_needs_permission(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloads, "settings", Settings)
    with pytest.raises(SegdemoError, match="SEGDEMO_ALLOW_DOWNLOAD"):
        downloads.download(SEED_ID)


CONFIGURATION = {"config.json", "preprocessor_config.json"}
TOKENIZER = {"tokenizer_config.json", "vocab.json", "merges.txt", "special_tokens_map.json"}
OTHERS = {"README.md", "ade20k_panoptic.json", "flax_model.msgpack", "tf_model.h5", "photo.jpg", "script.py"}


@pytest.mark.parametrize("entry", checkpoints.CATALOGUE, ids=lambda entry: entry.id.partition("/")[2])
def test_of_each_published_checkpoint_what_it_needs_is_wanted_and_nothing_more(entry: checkpoints.Checkpoint) -> None:
    """Whatever its repository holds beside; pickles only where there is nothing else."""
    told = TOKENIZER if "oneformer" in entry.id else set()
    for weights in ({"model.safetensors"}, {"pytorch_model.bin"}, {"model.safetensors", "pytorch_model.bin"}):
        files = [transfer.HubFile(path, 1, "0" * 40, False) for path in CONFIGURATION | told | OTHERS | weights]
        wanted = {file.path for file in downloads._wanted(entry.id, files)}
        assert wanted == CONFIGURATION | told | {min(weights)}


@pytest.mark.parametrize("weights", ["model.safetensors", "pytorch_model.bin"])
def test_a_repository_with_a_tokenizer_is_fetched_with_it(hub: LocalHub, tmp_path: Path, weights: str) -> None:
    """As OneFormer's are: cut once on the way, it goes on where it was, and then loads."""
    source = PUBLISHED / ("ade-semantic" if weights.endswith(".safetensors") else "coco-instance")
    folder = tmp_path / "repository"
    folder.mkdir()
    for name in (*CONFIGURATION, weights):
        (folder / name).write_bytes((source / name).read_bytes())
    for name in TOKENIZER | OTHERS:
        (folder / name).write_text("{}")
    hub.folder, hub.fault, hub.where = folder, "cut once", weights
    seen: list[float] = []
    found = downloads.download("shi-labs/oneformer_ade20k_swin_tiny", seen.append)
    assert {file.name for file in found.iterdir()} == CONFIGURATION | TOKENIZER | {weights}
    assert all((found / file.name).read_bytes() == (folder / file.name).read_bytes() for file in found.iterdir())
    assert seen == sorted(seen)
    assert seen[-1] == 1
    assert hub.cuts == 1


@pytest.mark.usefixtures("download_allowed")
def test_only_hub_ids_are_fetched() -> None:
    with pytest.raises(SegdemoError, match="hub id"):
        downloads.download("not a hub id")


@pytest.mark.usefixtures("download_allowed", "hub_cache")
def test_a_hub_that_is_switched_off_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(SegdemoError, match="HF_HUB_OFFLINE is set"):
        downloads.download(SEED_ID)


def test_progress_goes_by_bytes_and_the_hubs_client_reads_what_was_laid_out(
    hub: LocalHub, hub_cache: Path, tiny_checkpoint: Path
) -> None:
    seen: list[float] = []
    folder = downloads.download(NAME, seen.append)
    assert folder == hub_cache / "models--someone--published" / "snapshots" / REVISION
    assert seen == sorted(seen)
    assert seen[-1] == 1.0
    assert len([share for share in seen if 0.05 < share < 0.95]) > 5
    assert sorted(file.name for file in folder.iterdir()) == [
        "config.json",
        "model.safetensors",
        "preprocessor_config.json",
    ]
    assert all(file.is_symlink() for file in folder.iterdir())
    assert (folder / "model.safetensors").read_bytes() == (tiny_checkpoint / "model.safetensors").read_bytes()
    assert try_to_load_from_cache(NAME, "config.json", cache_dir=hub_cache) == str(folder / "config.json")
    assert snapshot_download(NAME, cache_dir=hub_cache, local_files_only=True) == str(folder)
    assert checkpoints.find(folder).kind == "semantic"
    hub.ranges.clear()
    assert downloads.download(NAME) == folder
    assert hub.ranges == []


@pytest.mark.parametrize(
    ("there", "expected"),
    [
        ({"config.json", "model.safetensors", "pytorch_model.bin", "code.py"}, {"config.json", "model.safetensors"}),
        ({"config.json", "pytorch_model.bin", "training_args.bin"}, {"config.json", "pytorch_model.bin"}),
    ],
)
def test_pickles_are_fetched_where_there_is_nothing_else(there: set[str], expected: set[str]) -> None:
    files = [transfer.HubFile(path, 1, "0" * 40, False) for path in sorted(there)]
    assert {file.path for file in downloads._wanted(NAME, files)} == expected


FAULTS = [
    ("refused", "", ".", "check the network"),
    ("reset", "reset", "/api/", "check the network"),
    ("reset while sending", "reset", ".safetensors", "check the network"),
    ("says nothing", "silent", "/api/", "check the network"),
    ("stalls", "stall", ".safetensors", "stood still"),
    ("portal", "portal", "/", "sign-in page"),
    ("portal for the files", "portal", ".safetensors", "sign-in page"),
    ("cut always", "cut always", ".safetensors", "next start goes on there"),
    ("wrong bytes", "wrong bytes", ".safetensors", "other bytes than the hub names"),
    ("too short", "short", ".safetensors", "announces"),
    ("pointer", "pointer", ".safetensors", "pointer of Git LFS"),
    ("gated", "gated", "/", "is gated: accept its terms"),
    ("gated files", "gated", ".safetensors", "is gated: accept its terms"),
    ("401", "401", "/", "not shown without a login"),
    ("403", "403", "/", "ask for access"),
    ("404", "404", "/", "check the spelling"),
    ("429", "429", "/", "too many requests.*in 60 seconds"),
    ("500", "500", "/", "a fault of its own"),
    ("503 for the files", "503", ".safetensors", "a fault of its own"),
]


@pytest.mark.parametrize(
    ("fault", "where", "words"),
    [
        pytest.param(*fault[1:], id=fault[0], marks=[pytest.mark.slow] if index % 3 else [])
        for index, fault in enumerate(FAULTS)
    ],
)
def test_the_page_says_how_the_hub_failed_and_goes_on_with_what_there_is(
    hub: LocalHub, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, fault: str, where: str, words: str
) -> None:
    from segdemo.ui import app

    hub.fault, hub.where = fault, where
    if not fault:
        hub.close()
    monkeypatch.setattr(app, "settings", lambda: Settings(allow_download=True))
    with pytest.raises(SegdemoError, match=words) as failed, caplog.at_level(logging.WARNING):
        downloads.download(NAME)
    assert "\n" not in str(failed.value)
    assert NAME in str(failed.value) or "hub" in str(failed.value)
    with caplog.at_level(logging.WARNING):
        chosen, _ = app._checkpoints(NAME)
    assert chosen.id in (EMBEDDED_ID, SEED_ID)
    assert [record.getMessage() for record in caplog.records if "Going on with what there is" in record.getMessage()]
    with pytest.raises(SegdemoError):
        checkpoints.find(NAME)
    if not fault:
        return
    hub.fault = ""
    folder = downloads.download(NAME)
    assert (folder / "model.safetensors").read_bytes() == (hub.folder / "model.safetensors").read_bytes()


@pytest.mark.parametrize("ranges", ["", "no ranges"])
def test_a_cut_download_goes_on_where_it_was(hub: LocalHub, ranges: str) -> None:
    hub.fault = "cut once"
    seen: list[float] = []
    if ranges:  # a server that sends all of it again
        hub.fault = "cut always"
        with pytest.raises(SegdemoError):
            downloads.download(NAME)
        hub.fault = ranges
    folder = downloads.download(NAME, seen.append)
    size = (hub.folder / "model.safetensors").stat().st_size
    assert (folder / "model.safetensors").stat().st_size == size
    assert hub.ranges[0] is None
    assert hub.ranges[1] == f"bytes={size // 2}-"
    assert max(seen) == 1.0


def test_a_killed_download_goes_on_where_it_was(hub: LocalHub, hub_cache: Path, tmp_path: Path) -> None:
    hub.fault = "stall"
    code = f"from segdemo.downloads import download; download({NAME!r})"
    environment = {"HF_ENDPOINT": hub.address, "HF_HUB_OFFLINE": "0", "HF_HUB_CACHE": str(hub_cache)}
    child = subprocess.Popen(
        [sys.executable, "-c", code],
        env={**os.environ, **environment, "SEGDEMO_ALLOW_DOWNLOAD": "1", "HF_HUB_DOWNLOAD_TIMEOUT": "60"},
    )
    size = (hub.folder / "model.safetensors").stat().st_size
    blobs = hub_cache / "models--someone--published" / "blobs"
    moment = threading.Event()
    for _ in range(6000):
        if any(part.stat().st_size == size // 2 for part in blobs.glob("*.incomplete")):
            break
        moment.wait(0.01)
    child.send_signal(signal.SIGKILL)
    child.wait(30)
    hub.fault = ""
    hub.over.set()
    seen: list[float] = []
    folder = downloads.download(NAME, seen.append)
    assert hub.ranges == [None, f"bytes={size // 2}-"]
    assert (folder / "model.safetensors").read_bytes() == (hub.folder / "model.safetensors").read_bytes()
    assert not list(blobs.glob("*.incomplete"))


def test_what_was_spoilt_on_the_disk_is_fetched_again(hub: LocalHub) -> None:
    folder = downloads.download(NAME)
    weights = (folder / "model.safetensors").resolve()
    content = weights.read_bytes()
    weights.write_bytes(content[:-1] + b"\x01")
    assert (downloads.download(NAME) / "model.safetensors").read_bytes() == content
    assert len(hub.ranges) == 2


def test_a_cache_that_cannot_be_written_is_a_sentence(
    hub: LocalHub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    del hub
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "file" / "hub"))
    with pytest.raises(SegdemoError, match="HF_HOME"):
        downloads.download(NAME)


@pytest.mark.slow
@pytest.mark.parametrize("published", ["ade-semantic", "cityscapes-semantic"])
def test_what_was_fetched_runs_by_name_without_a_network(
    serve_hub: Callable[[Path], LocalHub], tmp_path: Path, published: str
) -> None:
    """In processes of their own: the client reads its settings when it is imported."""
    fetch = f"from segdemo.downloads import download; print(download({NAME!r}))"
    use = (
        "import json, segdemo\n"
        f"predictor = segdemo.load_predictor({NAME!r}, precision='fp32')\n"
        "found = predictor.checkpoint\n"
        "print(json.dumps([found.id, str(found.path), len(predictor.id2label), predictor.engine.precision]))"
    )
    address = serve_hub(PUBLISHED / published).address
    home = {"HF_HOME": str(tmp_path / "hf"), "SEGDEMO_CACHE_DIR": str(tmp_path / "cache")}

    def run(code: str, **environment: str) -> str:
        done = subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, **home, **environment},
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    folder = Path(run(fetch, HF_ENDPOINT=address, HF_HUB_OFFLINE="0", SEGDEMO_ALLOW_DOWNLOAD="1"))
    assert folder == tmp_path / "hf" / "hub" / "models--someone--published" / "snapshots" / REVISION
    assert (folder / "config.json").is_symlink()
    assert not (folder / "expected.npz").exists()
    before = sorted(file for file in (tmp_path / "hf").rglob("*"))
    labels = json.loads((PUBLISHED / published / "config.json").read_text())["id2label"]
    assert json.loads(run(use, HF_ENDPOINT="http://127.0.0.1:9")) == [NAME, str(folder), len(labels), "fp32"]
    assert sorted(file for file in (tmp_path / "hf").rglob("*")) == before
