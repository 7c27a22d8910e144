"""The examples that Gradio's own page of calls shows, run as they stand."""

import json
import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import numpy.typing as npt
import pytest
from gradio_client import Client
from hf_gradio.cli import app as command_line
from PIL import Image
from typer.testing import CliRunner

from segdemo.images import encode_png_index
from segdemo.ui import snippets
from tests.ui.test_api_document import HOST, examples

ROOT = Path(__file__).parent.parent.parent
CALLS = ["/segment", "/explain", "/evaluate", "/report"]
needs_client = pytest.mark.skipif(
    shutil.which("node") is None or not (ROOT / "node_modules/@gradio/client").is_dir(),
    reason="Node.js or @gradio/client is not installed: run `npm ci`",
)


@pytest.fixture
def here(tmp_path: Path, photo: npt.NDArray[np.uint8], monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the files that the examples name."""
    Image.fromarray(photo).save(tmp_path / "street.jpg")
    labels = np.full(photo.shape[:2], 6, np.uint8)
    labels[:9] = 150  # which only ADE20K's own labels have
    (tmp_path / "street.labels.png").write_bytes(encode_png_index(labels))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def shown(client: Client) -> dict[str, dict[str, str]]:
    """What the page shows, by call and language."""
    described = httpx.get(f"{client.src.rstrip('/')}/gradio_api/info", timeout=60).json()["named_endpoints"]
    assert list(described) == CALLS
    return {name: entry["code_snippets"] for name, entry in described.items()}


def check(name: str, result: Any) -> None:
    """The answer of a call, as JSON has it, is what the call answers; one of one part is that part or a list of it."""
    parts = result if isinstance(result, list | tuple) else [result]
    if name == "/report":
        assert "report.html" in json.dumps(parts[0])
        return
    part = {"/segment": "segments_info", "/explain": "sentence", "/evaluate": "pixel_accuracy"}[name]
    assert part in parts[1 if name == "/segment" else 0]


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.usefixtures("here")
def test_python(shown: dict[str, dict[str, str]], name: str) -> None:
    names: dict[str, Any] = {}
    exec(shown[name]["python"], names)
    check(name, names["result"])


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.usefixtures("here")
@pytest.mark.slow
@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_shell(shown: dict[str, dict[str, str]], name: str) -> None:
    done = subprocess.run(["bash", "-euo", "pipefail", "-c", shown[name]["bash"]], capture_output=True, timeout=120)
    event, data = done.stdout.decode().strip().splitlines()[-2:]
    assert event == "event: complete", done
    answer = json.loads(data.removeprefix("data: "))
    check(name, answer)


def run_javascript(script: str, folder: Path) -> str:
    """The last line that a script with Gradio's client writes."""
    (folder / "node_modules").symlink_to(ROOT / "node_modules")
    # The client holds a connection open, and so the process.
    done = subprocess.run(
        ["node", "--input-type=module", "-e", script + "\nprocess.exit(0);"],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.stdout, done.stderr
    return done.stdout.strip().splitlines()[-1]


@pytest.mark.slow
@needs_client
@pytest.mark.parametrize("name", CALLS)
def test_javascript(shown: dict[str, dict[str, str]], here: Path, name: str) -> None:
    script = shown[name]["javascript"].replace("console.log(result.data)", "console.log(JSON.stringify(result.data))")
    answer = json.loads(run_javascript(script, here))
    check(name, answer)


@pytest.mark.slow
@needs_client
def test_the_documents_example_with_gradios_client(client: Client, here: Path) -> None:
    (script,) = [example for example in examples("docs/api.md", "javascript") if "@gradio/client" in example]
    said = run_javascript(script.replace(HOST, client.src.rstrip("/")), here)
    assert re.fullmatch(r"http\S+overlay\.jpg The pixel in column 100, row 60 is .+", said), said


@pytest.mark.slow
@pytest.mark.parametrize("name", CALLS)
@pytest.mark.usefixtures("here")
def test_gradios_command_line(shown: dict[str, dict[str, str]], name: str) -> None:
    command, *arguments = shlex.split(shown[name]["cli"])
    assert command == "{command}"
    done = CliRunner().invoke(command_line, arguments)
    assert done.exit_code == 0, done.output
    answer = list(json.loads(done.stdout).values())
    check(name, answer)


def test_calls_of_others_keep_gradios_own(shown: dict[str, dict[str, str]]) -> None:
    assert shown
    ours: Any = snippets._ROUTES.generate_code_snippets
    described = {"parameters": [{"parameter_name": "image", "label": "Image", "component": "Textbox"}]}
    assert ours("/other", described, "http://127.0.0.1:1") == snippets._gradios(
        "/other", described, "http://127.0.0.1:1"
    )
