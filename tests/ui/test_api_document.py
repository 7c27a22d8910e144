"""The examples of docs/api.md and of the README, run as they are written."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from gradio_client import Client
from PIL import Image

from segdemo.images import encode_png_index

ROOT = Path(__file__).parent.parent.parent
HOST = "http://127.0.0.1:7860"


def examples(document: str, language: str) -> list[str]:
    text = (ROOT / document).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


@pytest.fixture
def here(client: Client, tmp_path: Path, photo: npt.NDArray[np.uint8], monkeypatch: pytest.MonkeyPatch) -> str:
    """A folder with the files that the examples name; the address to put in place of theirs."""
    Image.fromarray(photo).save(tmp_path / "street.jpg")
    labels = np.full(photo.shape[:2], 6, np.uint8)
    labels[:40] = 255
    labels[80:, :50] = 11
    (tmp_path / "street.labels.png").write_bytes(encode_png_index(labels))
    monkeypatch.chdir(tmp_path)
    return str(client.src).rstrip("/")


@pytest.mark.parametrize(
    ("place", "printed"),
    [
        (0, ""),
        (1, r"The pixel in column 100, row 60 is .*\n(.+: \d+%\n){5}$"),
        (2, r"\d+\.\d% of 12800 pixels are right\n(\w[\w ]*: \d+% of the wrong ones\n){5}$"),
        (3, r"0\.\d MB to open in any browser\n$"),
    ],
)
def test_the_examples_in_python_do_what_they_say(
    here: str, capsys: pytest.CaptureFixture[str], place: int, printed: str
) -> None:
    found = [example for example in examples("docs/api.md", "python") if "from mcp" not in example]
    assert len(found) == 4
    names: dict[str, object] = {}
    capsys.readouterr()
    exec(found[place].replace(HOST, here), names)
    said = capsys.readouterr().out
    assert re.search(printed, said), said
    if place == 0:
        assert {entry["isthing"] for entry in names["segments"]["segments_info"]} <= {0, 1}  # type: ignore[index]


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_example_of_the_shell_gets_the_same_answer(here: str) -> None:
    (script,) = examples("docs/api.md", "bash")
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script.replace(HOST, here)], capture_output=True, text=True, timeout=120
    )
    event, data = done.stdout.strip().splitlines()[-2:]
    assert event == "event: complete", done
    figures, error_map = json.loads(data.removeprefix("data: "))
    assert figures["labelled_pixels"] == 12800
    with Image.open(error_map["path"]) as picture:
        assert (np.asarray(picture) == 0).sum() == 40 * 160


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("node") is None, reason="Node.js is not installed")
def test_the_example_in_javascript_runs(here: str) -> None:
    (script,) = [example for example in examples("docs/api.md", "javascript") if "@gradio/client" not in example]
    text = (ROOT / "docs/api.md").read_text(encoding="utf-8")
    (line,) = re.findall(r"`(const \[why\] = await call\(.*\))`", text)
    ask = f"""
      const file = await (await import("node:fs")).openAsBlob("street.jpg");
      {line}
      console.log(JSON.stringify(why.pixel));
      try {{ await call("explain", {{ image: await dataUrl(file), x: -1 }}); }}
      catch (error) {{ console.log(error.message); }}
    """
    done = subprocess.run(
        ["node", "--input-type=module", "-e", script.replace(HOST, here) + ask],
        capture_output=True,
        text=True,
        timeout=120,
    )
    pixel, refusal = done.stdout.strip().splitlines()
    assert json.loads(pixel) == {"x": 100, "y": 60}
    assert refusal == "x must be between 0 and 159: the photo is 160 pixels wide."


def test_the_readmes_example_is_the_documents() -> None:
    assert examples("README.md", "python")[-1] in examples("docs/api.md", "python")
