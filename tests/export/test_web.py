"""The web page: its scripts' post-processing against the package's, and the whole page in headless Chromium."""

import base64
import hashlib
import json
import shutil
import tarfile
from pathlib import Path
from typing import Any

import pytest

from segdemo.errors import SegdemoError
from segdemo.export import web
from segdemo.export.web import runtime
from segdemo.model.preprocessing import Preprocessing
from segdemo.settings import ASSETS
from tests.export.pages import small_package, written


def test_runtime_is_found_in_what_npm_unpacks(tmp_path: Path) -> None:
    for where in ("package", "node_modules/onnxruntime-web"):
        small_package(tmp_path / where)
        found = runtime.find_runtime(tmp_path)
        assert (found.version, found.folder) == ("9.9.9", tmp_path / where / "dist")
        shutil.rmtree(tmp_path / where)
    with pytest.raises(SegdemoError, match="npm pack onnxruntime-web@"):
        runtime.find_runtime(tmp_path)


def test_download_with_other_bytes_is_refused(tmp_path: Path) -> None:
    archive = tmp_path / "package.tgz"
    with tarfile.open(archive, "w:gz") as made:
        made.add(small_package(tmp_path / "package"), "package")
    digest = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    target = tmp_path / "there"
    target.mkdir()
    with pytest.raises(SegdemoError, match="SHA-512 is another"):
        runtime.download_runtime(target, url=archive.as_uri())
    assert not list(target.iterdir())
    found = runtime.download_runtime(target, url=archive.as_uri(), digest=digest)
    assert (found.folder / runtime.FILES[0]).read_bytes() == runtime.FILES[0].encode()


def test_download_that_does_not_come_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(SegdemoError, match=r"could not be fetched .* --runtime"):
        runtime.download_runtime(tmp_path, url=(tmp_path / "none.tgz").as_uri())


def test_no_file_is_larger_than_hosts_take(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "PART_BYTES", 1000)
    content = bytes(range(256)) * 10
    (tmp_path / "model.onnx").write_bytes(content)
    parts = web.cut(tmp_path / "model.onnx")
    assert [part["bytes"] for part in parts] == [1000, 1000, 560]
    assert b"".join((tmp_path / part["name"]).read_bytes() for part in parts) == content
    assert not (tmp_path / "model.onnx").exists()
    with pytest.raises(SegdemoError, match="more than static hosts take"):
        runtime.find_runtime(small_package(tmp_path / "package")).copy(tmp_path, 5)


def _settings(folder: Path, **changes: Any) -> Preprocessing:
    settings = json.loads((ASSETS / "checkpoint" / "preprocessor_config.json").read_text())
    (folder / "preprocessor_config.json").write_text(json.dumps({**settings, **changes}))
    return Preprocessing.from_folder(folder)


def test_checkpoint_whose_preprocessing_the_page_lacks_is_refused(tmp_path: Path) -> None:
    web.check_web(_settings(tmp_path))
    with pytest.raises(SegdemoError, match="filters"):
        web.check_web(_settings(tmp_path, resample=0))
    with pytest.raises(SegdemoError, match="resizes photographs"):
        web.check_web(_settings(tmp_path, do_resize=False))


def test_page_asks_nothing_of_any_other_host(tmp_path: Path) -> None:
    (tmp_path / "graph.onnx").write_bytes(b"graph")
    (tmp_path / "site").mkdir()
    site = written(tmp_path / "site", small_package(tmp_path / "package"), tmp_path / "graph.onnx")
    names = {path.name for path in site.iterdir()}
    assert {"index.html", "page.js", "worker.js", "about.js", "model-1-of-1.bin", *runtime.FILES} <= names
    addresses = {"http://www.w3.org/2000/svg"}
    for name in ("index.html", "page.js", "page.css", "worker.js", "about.js"):
        text = (site / name).read_text(encoding="utf-8")
        found = {word.strip("\"'`(),;") for word in text.replace("=", " ").split() if "://" in word}
        assert found <= addresses, (name, found - addresses)
    assert "connect-src 'self'" in (site / "index.html").read_text()
