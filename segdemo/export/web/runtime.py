"""ONNX Runtime Web's files: from an unpacked npm package that somebody names, or fetched at a pinned version."""

import base64
import hashlib
import io
import json
import shutil
import tarfile
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from segdemo.errors import SegdemoError, first_line

PACKAGE = "onnxruntime-web"
VERSION = "1.30.0"
"""The version that ``--download`` fetches and that the page is tested with."""
TARBALL = f"https://registry.npmjs.org/{PACKAGE}/-/{PACKAGE}-{VERSION}.tgz"
SHA512 = "q0y+JrrtukXSzsBWEMccVfqX25LRmosXHF+CaRJmg8pZClzcV7svNc4rKY3jL02Vb7QmRMDs1SigqR4CXAfKYQ=="
"""Of the tarball, as the registry's ``integrity`` has it."""
FILES = ("ort.wasm.min.js", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm")
"""What the page needs of the package's ``dist``."""
_LARGEST_TARBALL = 200_000_000
_SECONDS = 60


@dataclass(frozen=True)
class Runtime:
    """The runtime's files and where they came from."""

    folder: Path
    version: str

    def copy(self, target: Path, largest: int) -> list[str]:
        """Put the files into a folder; raises ``SegdemoError`` for one over ``largest`` bytes. Returns their names."""
        for name in FILES:
            size = (self.folder / name).stat().st_size
            if size > largest:
                raise SegdemoError(
                    f"{name} of {PACKAGE} {self.version} has {size / 1e6:.0f} MB, more than static hosts take: use "
                    f"version {VERSION}."
                )
            shutil.copyfile(self.folder / name, target / name)
        return list(FILES)


def find_runtime(package: Path) -> Runtime:
    """The runtime in an unpacked npm package: its folder, or a ``node_modules`` that holds it.

    Raises ``SegdemoError`` where it is not there.
    """
    for root in (package, package / "package", package / PACKAGE, package / "node_modules" / PACKAGE):
        dist = root / "dist" if (root / "dist").is_dir() else root
        if all((dist / name).is_file() for name in FILES):
            return Runtime(dist, _version(dist.parent if dist.name == "dist" else dist))
    raise SegdemoError(
        f"{package} holds no {', '.join(FILES)}: unpack {PACKAGE} there (`npm pack {PACKAGE}@{VERSION}` and "
        f"`tar xzf {PACKAGE}-{VERSION}.tgz`), or give --download."
    )


def download_runtime(target: Path, *, url: str = TARBALL, digest: str = SHA512) -> Runtime:
    """Fetch the package at its pinned version, check its SHA-512, and unpack what is needed into ``target``.

    Raises ``SegdemoError`` where it does not come, or comes with other bytes: then nothing of it is kept.
    """
    try:
        with urlopen(url, timeout=_SECONDS) as answer:
            content = answer.read(_LARGEST_TARBALL + 1)
    except (URLError, OSError, ValueError) as error:
        raise SegdemoError(
            f"{PACKAGE} {VERSION} could not be fetched from {url} ({first_line(error)[:150]}): check the network, or "
            "give the unpacked package with --runtime."
        ) from error
    if base64.b64encode(hashlib.sha512(content).digest()).decode() != digest:
        raise SegdemoError(
            f"What came from {url} is not {PACKAGE} {VERSION}: its SHA-512 is another. Nothing of it is kept; try over "
            "another network, or give the unpacked package with --runtime."
        )
    with tarfile.open(fileobj=io.BytesIO(content), mode="r:gz") as archive:
        for name in FILES:
            member = archive.extractfile(f"package/dist/{name}")
            if member is None:
                raise SegdemoError(f"{PACKAGE} {VERSION} holds no {name}: give another version with --runtime.")
            (target / name).write_bytes(member.read())
    return Runtime(target, VERSION)


def _version(root: Path) -> str:
    try:
        return str(json.loads((root / "package.json").read_text(encoding="utf-8"))["version"])
    except (OSError, ValueError, KeyError):
        return "of unknown version"
