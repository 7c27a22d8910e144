"""Fetching: only where it was asked for, only what is needed, and laid out by the hub's own client."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from hashlib import sha1, sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from segdemo import downloads
from segdemo.checkpoints import SEED_ID
from segdemo.errors import SegdemoError
from segdemo.settings import Settings

PUBLISHED = Path(__file__).parent / "published"
REVISION = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloads, "settings", lambda: Settings(allow_download=True))


def test_a_download_needs_permission(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloads, "settings", Settings)
    with pytest.raises(SegdemoError, match="SEGDEMO_ALLOW_DOWNLOAD"):
        downloads.download(SEED_ID)


@pytest.mark.usefixtures("allowed")
def test_only_hub_ids_are_fetched() -> None:
    with pytest.raises(SegdemoError, match="hub id"):
        downloads.download("not a hub id")


@pytest.mark.usefixtures("allowed")
def test_an_unreachable_hub_is_a_sentence() -> None:
    """The tests run with the hub switched off, which is what a machine without a network looks like."""
    with pytest.raises(SegdemoError, match="check the network"):
        downloads.download(SEED_ID)


@pytest.mark.usefixtures("allowed")
@pytest.mark.parametrize(
    ("there", "wanted"),
    [
        (["config.json", "model.safetensors", "pytorch_model.bin"], False),
        (["config.json", "pytorch_model.bin", "model.fp16.safetensors", "other/model.safetensors"], True),
    ],
)
def test_a_download_reports_its_bytes_and_takes_pickles_where_there_is_nothing_else(
    monkeypatch: pytest.MonkeyPatch, tiny_checkpoint: Path, there: list[str], wanted: bool
) -> None:
    seen: list[float] = []

    def fake(name: str, *, allow_patterns: list[str], tqdm_class: Any) -> str:
        assert any("bin" in pattern for pattern in allow_patterns) == wanted
        assert any("safetensors" in pattern for pattern in allow_patterns) != wanted
        assert not any("py" in pattern.replace("pytorch", "") for pattern in allow_patterns)
        bar = tqdm_class(total=200, unit="B")
        bar.update(50)
        bar.update(100)
        tqdm_class(total=3).update(1)
        return str(tiny_checkpoint)

    monkeypatch.setattr("huggingface_hub.snapshot_download", fake)
    monkeypatch.setattr("huggingface_hub.HfApi", lambda: SimpleNamespace(list_repo_files=lambda name: there))
    assert downloads.download(SEED_ID, seen.append) == tiny_checkpoint
    assert seen == [0.25, 0.75, 1.0]


@pytest.fixture
def hub() -> Iterator[Callable[[Path], str]]:
    """Return a function that serves a folder as any repository of the hub, and returns the address."""
    servers: list[ThreadingHTTPServer] = []

    def serve(folder: Path) -> str:
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler(folder))
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{server.server_address[1]}"

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


def handler(folder: Path) -> type[BaseHTTPRequestHandler]:
    class Hub(BaseHTTPRequestHandler):
        """What the hub's client asks of the hub: a repository's list of files, and the files with their tags."""

        protocol_version = "HTTP/1.1"

        def do_HEAD(self) -> None:
            self.do_GET()

        def do_GET(self) -> None:
            _, *parts = self.path.partition("?")[0].split("/")
            file = folder / parts[-1]
            entries = sorted(folder.iterdir())
            if parts[0] == "api" and "tree" in parts:
                tree = [
                    {"type": "file", "path": entry.name, "size": entry.stat().st_size, "oid": "0"} for entry in entries
                ]
                self.answer(json.dumps(tree).encode(), {"Content-Type": "application/json"})
            elif parts[0] == "api":
                names = [{"rfilename": entry.name} for entry in entries]
                about = {"_id": "1", "id": "/".join(parts[2:4]), "sha": REVISION, "private": False, "siblings": names}
                self.answer(json.dumps(about).encode(), {"Content-Type": "application/json"})
            elif parts[2] == "resolve" and file.is_file():
                content = file.read_bytes()
                tag = sha256(content) if file.suffix in (".bin", ".safetensors") else sha1(content)
                self.answer(content, {"ETag": f'"{tag.hexdigest()}"', "X-Repo-Commit": REVISION})
            else:
                self.send_error(404)

        def answer(self, content: bytes, headers: dict[str, str]) -> None:
            self.send_response(200)
            for name, value in {**headers, "Content-Length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(content)

        def log_message(self, *rest: object) -> None:
            """Say nothing."""

    return Hub


@pytest.mark.parametrize("published", ["ade-semantic", "cityscapes-semantic"])
def test_what_the_hubs_client_wrote_runs_by_name_without_a_network(
    hub: Callable[[Path], str], tmp_path: Path, published: str
) -> None:
    """In processes of their own: the client reads its settings when it is imported."""
    name = "someone/published"
    fetch = f"from segdemo.downloads import download; print(download({name!r}))"
    use = (
        "import json, segdemo\n"
        f"predictor = segdemo.load_predictor({name!r}, precision='fp32')\n"
        "found = predictor.checkpoint\n"
        "print(json.dumps([found.id, str(found.path), len(predictor.id2label), predictor.engine.precision]))"
    )
    address = hub(PUBLISHED / published)
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
    assert json.loads(run(use, HF_ENDPOINT="http://127.0.0.1:9")) == [name, str(folder), len(labels), "fp32"]
    assert sorted(file for file in (tmp_path / "hf").rglob("*")) == before
