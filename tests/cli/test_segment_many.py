"""``segdemo segment`` over many photographs: tables, what is missing, and what is left of a run that was killed."""

import csv
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from segdemo.cli import make_app

Run = Callable[..., Result]


@pytest.fixture
def photos(tmp_path: Path, photo: npt.NDArray[np.uint8]) -> Path:
    (tmp_path / "photos").mkdir()
    for number in range(6):
        Image.fromarray(np.roll(photo, 20 * number, axis=1)).save(tmp_path / "photos" / f"p{number}.jpg")
    (tmp_path / "photos" / "broken.jpg").write_bytes(b"\xff\xd8 no more")
    return tmp_path / "photos"


@pytest.fixture
def run(tiny_ade_checkpoint: Path) -> Run:
    def call(*arguments: str | Path) -> Result:
        shared = ["--checkpoint", tiny_ade_checkpoint, "--precision", "fp32"]
        return CliRunner().invoke(make_app(), ["segment", *map(str, [*arguments, *shared])])

    return call


def _files(folder: Path) -> dict[str, bytes]:
    tables = ("results.csv", "failures.csv", "manifest.json")
    return {path.name: path.read_bytes() for path in folder.glob("*.*") if path.is_file() and path.name not in tables}


def test_a_folder_and_again(run: Run, photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    first = run(photos, "--out", out)
    assert first.exit_code == 1
    assert "broken.jpg: The picture is damaged" in first.stderr
    assert "1 of 7 could not be segmented." in first.stderr
    with (out / "results.csv").open(newline="") as stream:
        rows = {row["name"]: row for row in csv.DictReader(stream)}
    assert list(rows) == ["broken", *(f"p{number}" for number in range(6))]
    assert [row["status"] for row in rows.values()] == ["failed", *["done"] * 6]
    with (out / "failures.csv").open(newline="") as stream:
        assert [row["name"] for row in csv.DictReader(stream)] == ["broken"]
    for number in range(6):
        labels = np.asarray(Image.open(out / f"p{number}.semantic.png"))
        largest = np.bincount(labels.ravel()).max() / labels.size
        assert float(rows[f"p{number}"]["classes"].partition(" %")[0].rpartition(" ")[2]) == pytest.approx(
            100 * largest, abs=0.01
        )

    before = _files(out)
    again = run(photos, "--out", out)
    assert again.exit_code == 1
    assert "6 of 7 are done already." in again.stdout
    assert "[1/" not in again.stdout
    assert _files(out) == before
    other = run(photos, "--out", out, "--opacity", "0.2")
    assert "[7/7]" in other.stdout
    assert {name for name, content in _files(out).items() if content != before[name]} == {
        f"p{number}.overlay.jpg" for number in range(6)
    }
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["options"]["opacity"] == 0.2
    assert len(manifest["photos"]) == 7


def test_one_photograph_has_no_tables(run: Run, photos: Path, tmp_path: Path) -> None:
    assert run(photos / "p0.jpg", "--out", tmp_path / "out").exit_code == 0
    assert not {"results.csv", "failures.csv", "manifest.json"} & {path.name for path in (tmp_path / "out").iterdir()}


def test_a_photograph_that_takes_too_long(run: Run, photos: Path, tmp_path: Path) -> None:
    result = run(photos / "p0.jpg", "--out", tmp_path / "out", "--deadline", "0.000001")
    assert result.exit_code == 1
    assert "p0.jpg: This would take more than" in result.stderr


KILLED = """
import os, signal, sys
from pathlib import Path
from segdemo.process import prepare_process
prepare_process()
from segdemo.cli import main
from segdemo.results import folder
from segdemo.results.work import Work
replace, checkpoint = Path.replace, sys.argv[sys.argv.index("--checkpoint") + 1]
Work(checkpoint, precision="fp32").load()
for line in sys.stdin:
    place, before = map(int, line.split())
    child = os.fork()
    if not child:
        count = [0]
        def counted(self, target):
            count[0] += 1
            if before and count[0] == place: os.kill(os.getpid(), signal.SIGKILL)
            found = replace(self, target)
            if not before and count[0] == place: os.kill(os.getpid(), signal.SIGKILL)
            return found
        folder.Path.replace = counted
        os.dup2(2, 1)
        main()
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""
"""Runs the command line over and over; each is killed right before or after its file at a place is moved to where it
is to be. It starts once and forks, since starting takes longer than all the rest."""


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="processes are killed by a signal")
def test_killed_in_ten_places_it_goes_on_where_it_was(
    run: Run, photos: Path, tmp_path: Path, tiny_ade_checkpoint: Path
) -> None:
    """Each photo has two results and an entry; the tables are three more. One run goes on where the last was killed."""
    run(photos, "--out", tmp_path / "whole")
    whole, out = _files(tmp_path / "whole"), tmp_path / "out"
    # Before the very first file; among a photo's files; before and after an entry.
    places = [(1, 1), (2, 0), (1, 0), (3, 1), (3, 0), (4, 1), (2, 1), (1, 0)]
    arguments = ["--out", str(out), "--checkpoint", str(tiny_ade_checkpoint), "--precision", "fp32"]
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, "segment", str(photos), *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    with process:
        assert process.stdin is not None
        assert process.stdout is not None

        def killed_at(place: int, before: int) -> int:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(f"{place} {before}\n")
            process.stdin.flush()
            assert process.stdout.readline().strip() == str(-signal.SIGKILL)
            there = _files(out)
            assert {name for name, content in there.items() if content != whole[name]} == set()
            return len(there)

        counts = [killed_at(place, before) for place, before in places]
        assert counts == sorted(counts)
        assert counts[-1] > counts[0]
        # With everything done but the broken one, which has an entry each time, the tables are what is left.
        assert run(photos, "--out", out).exit_code == 1
        before_tables = (out / "results.csv").read_bytes()
        for place, before in [(3, 1), (4, 1)]:
            killed_at(place, before)
        assert (out / "results.csv").read_bytes().count(b"\n") == before_tables.count(b"\n")
        process.stdin.close()
    (out / "p0.overlay.jpg").unlink()
    assert run(photos, "--out", out).exit_code == 1
    assert _files(out) == whole
    assert not list((out / ".segdemo" / "parts").iterdir())
    with (out / "results.csv").open(newline="") as stream:
        assert [row["status"] for row in csv.DictReader(stream)] == ["failed", *["done"] * 6]
