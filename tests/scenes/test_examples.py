"""The demo's examples: complete, small, and what their seeds paint."""

import re
from pathlib import Path

import cv2
import numpy as np
import pytest

from scenes import EXAMPLE_SEEDS, KINDS, generate
from scenes.__main__ import main
from scenes.files import decode_ids, encode_ids, write_scene
from segdemo.errors import SegdemoError
from segdemo.examples import EXAMPLE_SIZE, EXAMPLES, THUMBNAIL_SIZE, Example, example

IDS = [candidate.id for candidate in EXAMPLES]


def read(path: Path) -> np.ndarray:
    pixels = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    assert pixels is not None, path
    return pixels if pixels.ndim == 2 else pixels[..., ::-1]


def test_the_list_is_sound() -> None:
    assert len(EXAMPLES) >= 8
    assert len(set(IDS)) == len(EXAMPLES)
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", name) for name in IDS)
    assert {"street", "nature", "animals", "people", "indoor"} <= {e.category for e in EXAMPLES}
    assert all(e.seed >= EXAMPLE_SEEDS and e.kind in KINDS and e.title and e.description for e in EXAMPLES)
    assert example(IDS[0]) is EXAMPLES[0]
    with pytest.raises(SegdemoError, match="choose one of"):
        example("nowhere")


@pytest.mark.parametrize("shown", EXAMPLES, ids=IDS)
def test_files_are_complete_and_small(shown: Example) -> None:
    assert read(shown.image).shape == (*EXAMPLE_SIZE, 3)
    assert read(shown.labels).shape == EXAMPLE_SIZE
    assert read(shown.instances).shape == (*EXAMPLE_SIZE, 3)
    assert read(shown.thumbnail).shape == (*THUMBNAIL_SIZE, 3)
    assert shown.image.stat().st_size < 250_000
    assert shown.thumbnail.stat().st_size < 15_000


@pytest.mark.parametrize("shown", EXAMPLES, ids=IDS)
def test_files_are_what_the_seed_paints(shown: Example) -> None:
    scene = generate(shown.seed, kind=shown.kind, size=EXAMPLE_SIZE)
    # Processors round the last bit of a sine differently: a few border pixels may fall to the other side.
    assert (read(shown.labels) == scene.labels).mean() > 0.999
    assert (decode_ids(read(shown.instances)) == scene.instances).mean() > 0.999
    difference = np.abs(read(shown.image).astype(int) - scene.image.astype(int))
    assert difference.mean() < 6


def test_ids_survive_their_colours() -> None:
    ids = np.array([[0, 1, 255], [256, 65_536, 16_777_215]], np.int32)
    np.testing.assert_array_equal(encode_ids(ids)[1], [[0, 1, 0], [0, 0, 1], [255, 255, 255]])
    np.testing.assert_array_equal(decode_ids(encode_ids(ids)), ids)


def test_the_command_writes_scenes(tmp_path: Path) -> None:
    arguments = ["--out", str(tmp_path / "new"), "--seed", "3", "--count", "2", "--kind", "lake", "--size", "48", "64"]
    assert main(arguments) == 0
    names = sorted(path.name for path in (tmp_path / "new").iterdir())
    assert names == [f"lake-{s}.{end}" for s in (3, 4) for end in ("instances.png", "jpg", "labels.png")]
    scene = generate(3, kind="lake", size=(48, 64))
    np.testing.assert_array_equal(read(tmp_path / "new" / "lake-3.labels.png"), scene.labels)
    np.testing.assert_array_equal(decode_ids(read(tmp_path / "new" / "lake-3.instances.png")), scene.instances)


def test_a_folder_that_cannot_be_written_to_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    with pytest.raises(SegdemoError, match="choose another folder"):
        write_scene(generate(0, size=(32, 32)), blocked / "sub", "name")
    assert main(["--out", str(blocked / "sub"), "--seed", "0", "--size", "32", "32"]) == 1
    assert "choose another folder" in capsys.readouterr().err
