"""The demo's examples: complete, small, and what their seeds paint."""

import re
from pathlib import Path

import cv2
import numpy as np
import pytest

from scenes import EXAMPLE_SEEDS, KINDS, generate
from scenes.__main__ import main
from scenes.files import write_labelled
from segdemo.errors import SegdemoError
from segdemo.examples import EXAMPLE_SIZE, SCENES, THUMBNAIL_SIZE, Scene, example
from segdemo.images import decode_png_ids

IDS = [candidate.id for candidate in SCENES]


def read(path: Path) -> np.ndarray:
    pixels = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    assert pixels is not None, path
    return pixels if pixels.ndim == 2 else pixels[..., ::-1]


def test_the_list_is_sound() -> None:
    assert len(SCENES) >= 8
    assert len(set(IDS)) == len(SCENES)
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", name) for name in IDS)
    assert {"street", "nature", "animals", "people", "indoor"} <= {e.category for e in SCENES}
    assert all(e.seed >= EXAMPLE_SEEDS and e.kind in KINDS and e.title and e.description for e in SCENES)
    assert example(IDS[0]) is SCENES[0]
    with pytest.raises(SegdemoError, match="choose one of"):
        example("nowhere")


@pytest.mark.parametrize("shown", SCENES, ids=IDS)
def test_files_are_complete_and_small(shown: Scene) -> None:
    assert read(shown.image).shape == (*EXAMPLE_SIZE, 3)
    assert read(shown.labels).shape == EXAMPLE_SIZE
    assert read(shown.instances).shape == (*EXAMPLE_SIZE, 3)
    assert read(shown.thumbnail).shape == (*THUMBNAIL_SIZE, 3)
    assert shown.image.stat().st_size < 250_000
    assert shown.thumbnail.stat().st_size < 15_000


@pytest.mark.slow
@pytest.mark.parametrize("shown", SCENES, ids=IDS)
def test_files_are_what_the_seed_paints(shown: Scene) -> None:
    scene = generate(shown.seed, kind=shown.kind, size=EXAMPLE_SIZE)
    # Processors round the last bit of a sine differently: a few border pixels may fall to the other side.
    assert (read(shown.labels) == scene.labels).mean() > 0.999
    assert (decode_png_ids(shown.instances.read_bytes()) == scene.instances).mean() > 0.999
    difference = np.abs(read(shown.image).astype(int) - scene.image.astype(int))
    assert difference.mean() < 6


def test_the_command_paints_an_example_again(tmp_path: Path) -> None:
    wanted = SCENES[0]
    assert main(["examples", "--only", wanted.id, "--out", str(tmp_path)]) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        f"{wanted.id}.{end}" for end in ("instances.png", "jpg", "labels.png", "thumb.jpg")
    ]
    scene = generate(wanted.seed, kind=wanted.kind, size=EXAMPLE_SIZE)
    np.testing.assert_array_equal(read(tmp_path / f"{wanted.id}.labels.png"), scene.labels)
    written = (tmp_path / f"{wanted.id}.instances.png").read_bytes()
    np.testing.assert_array_equal(decode_png_ids(written), scene.instances)


def test_a_folder_that_cannot_be_written_to_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    with pytest.raises(SegdemoError, match="choose another folder"):
        write_labelled(generate(0, size=(32, 32)), blocked / "sub", "name")
    assert main(["folder", "--out", str(blocked / "sub"), "--count", "1", "--size", "32", "32"]) == 1
    assert "choose another folder" in capsys.readouterr().err
