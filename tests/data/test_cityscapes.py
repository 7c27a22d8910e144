"""Cityscapes: groups are crowds, and objects that do not fit the labels are named."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from segdemo.data import SourceConfig, load_source, open_source
from segdemo.data.checks import check_source
from segdemo.labels import VOID
from tests.layouts import ADE, COUNT, LAYOUTS


def test_cityscapes_is_recognised_at_the_labels_themselves(tmp_path: Path) -> None:
    LAYOUTS["cityscapes"](tmp_path)
    listing = open_source(SourceConfig(data=tmp_path / "gtFine", split="train"))
    assert listing.summary.startswith("Cityscapes: 4 pictures of the split train")
    assert listing.pictures[0].name == "ulm/ulm_000000_000019"


def test_cityscapes_groups_are_crowds(tmp_path: Path) -> None:
    from PIL import Image

    LAYOUTS["cityscapes"](tmp_path)
    path = tmp_path / "gtFine/val/lindau/lindau_000000_000019_gtFine_instanceIds.png"
    ids = np.asarray(Image.open(path))
    Image.fromarray(np.where(ids == 26000, 26, ids).astype(np.uint16)).save(path)
    names = [entry.name for entry in open_source(SourceConfig(data=tmp_path, split="val")).classes]
    group, single = load_source(SourceConfig(data=tmp_path, split="val"), dict(enumerate(names)))[:2]
    assert group.crowd is not None
    assert group.classes[group.crowd].tolist() == [13]
    assert 13 not in group.labels
    assert single.crowd is None
    assert 13 in single.labels


@pytest.mark.parametrize("things", [True, False])
@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (
            lambda ids: np.where(ids >= 1000, 1, ids).astype(np.uint8),
            "in 140 pixels: that at x 7, y 9 has the id 1, but it is car: 26 for a group, 26000 to 26999 for an",
        ),
        (
            lambda ids: ids.astype(np.uint8),
            "in 140 pixels: that at x 7, y 9 has the id 144, but it is car: 26 for a group, 26000 to 26999 for an",
        ),
        (
            lambda ids: np.where(ids >= 1000, ids - 2000, ids).astype(np.uint16),
            "that at x 7, y 9 has the id 24000, but it is car: 26 for a group",
        ),
        (
            lambda ids: np.where(ids == 21, 26001, ids).astype(np.uint16),
            "that at x 0, y 0 has the id 26001, but it is vegetation: 21.",
        ),
        (
            lambda ids: np.where(ids == 4, 26000, ids).astype(np.uint16),
            "in 52 pixels: that at x 6, y 8 has the id 26000, but it has no label there: not 1000 or more.",
        ),
        (lambda ids: np.where(ids >= 1000, 65000, ids).astype(np.uint16), "has the id 65000, but it is car"),
        (lambda ids: ids[:24].astype(np.uint16), "is 64x24, but its picture is 64x48"),
    ],
)
def test_cityscapes_objects_that_do_not_fit_the_labels_are_named(
    tmp_path: Path, spoil: Callable[[np.ndarray], np.ndarray], said: str, things: bool
) -> None:
    """Without, objects would be taken for groups, which have no label."""
    from PIL import Image

    LAYOUTS["cityscapes"](tmp_path)
    path = tmp_path / "gtFine/val/lindau/lindau_000000_000019_gtFine_instanceIds.png"
    ids = np.asarray(Image.open(path)).astype(np.int64)
    assert (ids == 26000).sum() == 140
    Image.fromarray(spoil(ids)).save(path)
    labels = ADE if things else {0: "vegetation"}
    (fault,) = check_source(SourceConfig(data=tmp_path, split="val"), labels)
    assert str(path) in fault
    assert said in fault


def test_cityscapes_ids_of_what_has_no_objects_do_not_matter(tmp_path: Path) -> None:
    """Objects alone in the ids, and a caravan, which is of no class."""
    from PIL import Image

    LAYOUTS["cityscapes"](tmp_path)
    source = SourceConfig(data=tmp_path, split="val")
    before = load_source(source, ADE)[0]
    path = tmp_path / "gtFine/val/lindau/lindau_000000_000019_gtFine_instanceIds.png"
    ids = np.asarray(Image.open(path)).astype(np.int64)
    ids[ids == 21] = 0
    ids[ids == 4] = 29000
    Image.fromarray(ids.astype(np.uint16)).save(path)
    assert check_source(source, ADE) == []
    after = load_source(source, ADE)[0]
    assert after.crowd is None
    assert after.segments.tolist() == before.segments.tolist()


def test_cityscapes_train_ids(tmp_path: Path) -> None:
    from tests.layouts import index_png, labels

    LAYOUTS["cityscapes"](tmp_path)
    fine = tmp_path / "gtFine" / "val" / "lindau"
    for path in fine.glob("*_labelIds.png"):
        path.unlink()
    for number in range(COUNT):
        index_png(fine / f"lindau_{number:06d}_000019_gtFine_labelTrainIds.png", labels(number, 8, 13, border=255))
    source = SourceConfig(data=tmp_path, split="val")
    names = dict(enumerate(entry.name for entry in open_source(source).classes))
    assert set(np.unique(load_source(source, names)[0].labels).tolist()) == {VOID, 8, 13}
