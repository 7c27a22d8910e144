"""The catalogue: what is on disk, what it is, and the sentence for what is not."""

import hashlib
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from segdemo import checkpoints
from segdemo.checkpoints import CATALOGUE, EMBEDDED_ID, SEED_ID
from segdemo.errors import SegdemoError
from segdemo.settings import Settings

PUBLISHED = Path(__file__).parent / "published"


@pytest.fixture
def configured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., None]:
    """Return a function that changes settings; the hub's cache and the embedded folder are empty places."""
    import huggingface_hub

    lookup = huggingface_hub.try_to_load_from_cache
    cache = tmp_path / "hub"
    monkeypatch.setattr(
        huggingface_hub, "try_to_load_from_cache", lambda repo, file: lookup(repo, file, cache_dir=cache)
    )
    monkeypatch.setattr(checkpoints, "EMBEDDED_FOLDER", tmp_path / "embedded")
    monkeypatch.setattr(checkpoints, "EMBEDDED_SWIN_FOLDER", tmp_path / "embedded-swin")

    def change(**fields: Any) -> None:
        monkeypatch.setattr(checkpoints, "settings", lambda: Settings(**fields))

    change()
    return change


def put_in_cache(tmp_path: Path, name: str, source: Path) -> Path:
    """Lay a checkpoint out as the hub's client does: contents by their hash, and snapshots of links to them."""
    repository = tmp_path / "hub" / ("models--" + name.replace("/", "--"))
    revision = "0123456789abcdef0123456789abcdef01234567"
    snapshot = repository / "snapshots" / revision
    for folder in (snapshot, repository / "blobs", repository / "refs"):
        folder.mkdir(parents=True)
    for file in source.iterdir():
        blob = repository / "blobs" / hashlib.sha256(file.read_bytes()).hexdigest()
        shutil.copy(file, blob)
        (snapshot / file.name).symlink_to(Path("../../blobs") / blob.name)
    (repository / "refs" / "main").write_text(revision)
    return snapshot


def edit_config(folder: Path, **changes: Any) -> None:
    file = folder / "config.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **changes}))


def test_a_folder_is_a_checkpoint(tiny_checkpoint: Path) -> None:
    found = checkpoints.find(tiny_checkpoint)
    assert found.path == tiny_checkpoint
    assert found.id == str(tiny_checkpoint)
    assert found.kind == "semantic"
    assert found.known_classes is None
    assert checkpoints.labels(tiny_checkpoint)[3] == "car"


def test_parameters_are_counted_from_the_file(tiny_checkpoint: Path) -> None:
    from segdemo.model.weights import load_library_model

    counted = sum(tensor.numel() for tensor in load_library_model(tiny_checkpoint).state_dict().values())
    found = checkpoints.find(tiny_checkpoint).parameters
    assert found is not None
    assert abs(found - counted) <= 0.01 * counted


def test_a_checkpoint_says_what_it_knows_and_what_to_expect(tiny_checkpoint: Path, tmp_path: Path) -> None:
    folder = tmp_path / "city-panoptic"
    shutil.copytree(tiny_checkpoint, folder)
    edit_config(folder, segdemo_known_classes=[1, 3], segdemo_note="Streets only.")
    found = checkpoints.find(folder)
    assert (found.known_classes, found.note, found.kind) == ((1, 3), "Streets only.", "panoptic")


def test_a_checkpoint_says_what_is_stuff_and_when_a_pixel_is_of_no_class(tiny_checkpoint: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny_checkpoint, tmp_path / "own")
    assert (checkpoints.find(folder).stuff, checkpoints.find(folder).least_score) == (None, 0.0)
    edit_config(folder, segdemo_stuff=[0, 2], segdemo_least_score=0.5)
    assert (checkpoints.find(folder).stuff, checkpoints.find(folder).least_score) == ({0, 2}, 0.5)
    for field, value in (("segdemo_stuff", "sky"), ("segdemo_stuff", [None]), ("segdemo_least_score", "much")):
        broken = shutil.copytree(tiny_checkpoint, tmp_path / f"{field}{value}")
        edit_config(broken, **{field: value})
        with pytest.raises(SegdemoError, match=rf"config\.json: {field}"):
            checkpoints.find(broken)


def test_the_default_is_the_seed_where_it_is_on_disk(
    configured: Callable[..., None], tiny_checkpoint: Path, tmp_path: Path
) -> None:
    shutil.copytree(tiny_checkpoint, tmp_path / "embedded")
    assert checkpoints.default_checkpoint().id == EMBEDDED_ID
    folder = put_in_cache(tmp_path, SEED_ID, tiny_checkpoint)
    assert checkpoints.default_checkpoint().id == SEED_ID
    assert checkpoints.resolve(SEED_ID) == folder
    configured(checkpoint="embedded")
    assert checkpoints.default_checkpoint().id == EMBEDDED_ID


def test_visitors_choose_among_what_is_on_disk(
    configured: Callable[..., None], tiny_checkpoint: Path, tmp_path: Path
) -> None:
    assert checkpoints.available_checkpoints() == []
    put_in_cache(tmp_path, CATALOGUE[3].id, tiny_checkpoint)
    configured(extra_checkpoints=[str(tiny_checkpoint), "someone/not-here"])
    assert [entry.id for entry in checkpoints.available_checkpoints()] == [CATALOGUE[3].id, str(tiny_checkpoint)]


@pytest.mark.slow
@pytest.mark.usefixtures("configured")
def test_the_default_may_be_pickled_and_the_hubs_cache_stays_as_it_is(tmp_path: Path, own_cache: Path) -> None:
    folder = put_in_cache(tmp_path, SEED_ID, PUBLISHED / "coco-instance")
    before = sorted((tmp_path / "hub").rglob("*"))
    found = checkpoints.default_checkpoint()
    assert (found.id, found.path) == (SEED_ID, folder)
    assert [entry.id for entry in checkpoints.available_checkpoints()] == [SEED_ID]
    assert checkpoints.resolve(SEED_ID).is_relative_to(own_cache)
    assert sorted((tmp_path / "hub").rglob("*")) == before


def test_pickled_weights_that_nobody_named_are_not_offered(configured: Callable[..., None], tmp_path: Path) -> None:
    put_in_cache(tmp_path, CATALOGUE[3].id, PUBLISHED / "coco-instance")
    assert checkpoints.available_checkpoints() == []
    configured(extra_checkpoints=[CATALOGUE[3].id])
    assert [entry.id for entry in checkpoints.available_checkpoints()] == [CATALOGUE[3].id]
    configured(checkpoint=CATALOGUE[3].id)
    assert [entry.id for entry in checkpoints.available_checkpoints()] == [CATALOGUE[3].id]


@pytest.mark.usefixtures("configured")
def test_a_download_that_was_cut_short_is_not_on_disk(tmp_path: Path, tiny_checkpoint: Path) -> None:
    folder = put_in_cache(tmp_path, SEED_ID, tiny_checkpoint)
    (folder / "model.safetensors").resolve().unlink()
    with pytest.raises(SegdemoError, match=f"hf download {SEED_ID}"):
        checkpoints.find(SEED_ID)


@pytest.mark.usefixtures("configured")
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("someone/nothing", "hf download someone/nothing"),
        ("no such place", "give a hub id"),
        (EMBEDDED_ID, "embedded checkpoint holds no config"),
    ],
)
def test_what_is_not_on_disk_says_what_to_do(name: str, words: str) -> None:
    with pytest.raises(SegdemoError, match=words):
        checkpoints.resolve(name)


def test_folders_without_weights_are_refused(tiny_checkpoint: Path, tmp_path: Path) -> None:
    with pytest.raises(SegdemoError, match=r"config\.json"):
        checkpoints.resolve(tmp_path)
    shutil.copy(tiny_checkpoint / "config.json", tmp_path)
    with pytest.raises(SegdemoError, match=r"neither model\.safetensors nor pytorch_model\.bin"):
        checkpoints.resolve(tmp_path)


def test_a_missing_shard_makes_a_checkpoint_incomplete(tiny_checkpoint: Path, tmp_path: Path) -> None:
    shutil.copy(tiny_checkpoint / "config.json", tmp_path)
    shards = {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}
    index = {"metadata": {}, "weight_map": shards}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index))
    (tmp_path / "model-00001-of-00002.safetensors").write_bytes(b"")
    with pytest.raises(SegdemoError, match="lacks"):
        checkpoints.resolve(tmp_path)


def test_catalogue_ids_are_distinct_and_kinds_follow_from_names() -> None:
    assert len({entry.id for entry in CATALOGUE}) == len(CATALOGUE)
    assert all(entry.id.endswith(entry.kind) for entry in CATALOGUE if "/mask2former" in entry.id)
    for entry in CATALOGUE:
        named = {kind for kind in ("semantic", "panoptic", "instance") if kind in entry.id}
        assert named <= {entry.kind}
        assert entry.title
        assert entry.description
        assert entry.offers in checkpoints.about(entry)
        assert re.search(r"\b\d+(\.\d)? million parameters\.", checkpoints.about(entry))
        assert entry.terms in checkpoints.about(entry)
        assert "validation set" in entry.note or not entry.note


@pytest.mark.parametrize(
    "name",
    [
        "a" * 5000,
        "a/" + "b" * 3000,
        "x\0y",
        "/" + "a" * 300,
        "~nobody-of-this-name/x",
        "a--b/c..d",
        "ö/ä",
        "a/b/c",
        "a/b.git",
    ],
)
def test_names_that_nothing_can_have_are_no_checkpoint(name: str) -> None:
    with pytest.raises(SegdemoError, match="There is no checkpoint") as error:
        checkpoints.find(name)
    assert len(str(error.value)) < 1000
