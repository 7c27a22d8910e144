"""Checkpoints whose weights are pickles (``pytorch_model.bin``): converted to safetensors once, nothing in them is run.

A pickle can name any function to call. PyTorch's reader for weights calls none but those that make tensors; it does so
in a process of its own with little memory, ``python -m segdemo.pickled``, and what it finds must be tensors by name.
"""

import hashlib
import json
import logging
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from segdemo.errors import SegdemoError
from segdemo.keeping import alone, made
from segdemo.settings import settings
from segdemo.weight_files import weight_files

logger = logging.getLogger(__name__)

_LARGEST_TEXT = 20_000_000
"""Largest file beside the weights that is copied, in bytes."""

_lock = threading.Lock()


def readable(folder: Path) -> Path:
    """Return a checkpoint folder with safetensors: the folder itself, or what its pickles were converted to.

    The conversion is kept in ``settings().cache_dir``, under the hash of the weights and of the JSON files beside them;
    nothing is written to ``folder``. Only for folders that the host or the person named, never for a visitor's. Raises
    ``SegdemoError`` where the pickles hold anything but tensors, or the conversion cannot be kept.
    """
    found = weight_files(folder)
    if found is None or found.form == "safetensors":
        return folder
    texts = sorted(file for file in folder.glob("*.json") if not file.name.endswith(".index.json"))
    digest = hashlib.sha256()
    for file in (*found.files, *texts):
        status = file.stat()
        digest.update(f"{file.name} {_file_hash(file, status.st_size, status.st_mtime_ns)}\n".encode())
    target = settings().cache_dir / "converted" / digest.hexdigest()[:32]
    with _lock:
        if weight_files(target) is None:
            _convert(folder, found.files, texts, target)
    return target


def _convert(folder: Path, sources: Sequence[Path], texts: Sequence[Path], target: Path) -> None:
    logger.warning("Converting %s in %s to safetensors, once; kept in %s.", sources[0].name, folder, target)
    try:
        with alone(target):
            # Another process may have been faster.
            if weight_files(target) is not None:
                return
            with made(target) as copy:
                for text in texts:
                    if text.stat().st_size <= _LARGEST_TEXT:
                        shutil.copyfile(text, copy / text.name)
                _run_child(folder, sources, copy)
    except OSError as error:
        raise SegdemoError(
            f"The converted weights cannot be kept in {target.parent} ({error.strerror or error}): free space "
            "there, or set SEGDEMO_CACHE_DIR to a folder that can be written."
        ) from error


def _run_child(folder: Path, sources: Sequence[Path], target: Path) -> None:
    path = os.pathsep.join([str(Path(__file__).resolve().parents[1]), *filter(None, sys.path)])
    environment = {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-P", "-m", "segdemo.pickled", str(target), *map(str, sources)]
    deadline = 120 + sum(source.stat().st_size for source in sources) / 5_000_000
    try:
        done = subprocess.run(
            command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=deadline
        )
        reason = "" if done.returncode == 0 else _last_line(done.stderr)
    except subprocess.TimeoutExpired:
        reason = f"it took longer than {deadline:.0f} seconds"
    if reason:
        raise SegdemoError(
            f"The pickled weights in {folder} are not read ({reason}): fetch the checkpoint again, as safetensors "
            "where it can be had."
        )


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:300] if lines else "the reading process was ended"


@lru_cache(maxsize=256)
def _file_hash(file: Path, size: int, changed: int) -> str:
    """Hash of a file's contents; ``size`` and ``changed`` say which version of it was hashed."""
    del size, changed
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _main(target: Path, sources: Sequence[Path]) -> None:
    """Convert pickles to safetensors beside each other in ``target``, one at a time; the child's part."""
    largest = max(source.stat().st_size for source in sources)
    total = sum(source.stat().st_size for source in sources)
    _limit(memory=3_000_000_000 + 4 * largest, file=2 * largest + 100_000_000)
    from safetensors.torch import save_file

    names = [
        "model.safetensors" if len(sources) == 1 else f"model-{number:05d}-of-{len(sources):05d}.safetensors"
        for number in range(1, len(sources) + 1)
    ]
    where: dict[str, str] = {}
    for source, name in zip(sources, names, strict=True):
        tensors = _read(source)
        if twice := where.keys() & tensors.keys():
            raise ValueError(f"{source.name} repeats {min(twice)}")
        where.update(dict.fromkeys(tensors, name))
        save_file(tensors, target / name, {"format": "pt"})
    if len(sources) > 1:
        index = {"metadata": {"total_size": total}, "weight_map": where}
        (target / "model.safetensors.index.json").write_text(json.dumps(index))


def _read(source: Path) -> dict[str, Any]:
    """Return the tensors of a pickled state dict, each with memory of its own."""
    import pickle

    import torch

    try:
        state = torch.load(source, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:
        raise ValueError(f"{source.name} is damaged or holds more than tensors") from None
    except Exception as error:
        if _out_of_memory(error):
            raise
        raise ValueError(f"{source.name} is damaged or no file of weights") from None
    if not isinstance(state, Mapping) or not state:
        raise ValueError(f"{source.name} holds no tensors by name")
    for key, value in state.items():
        plain = isinstance(value, torch.Tensor) and value.layout == torch.strided and value.device.type == "cpu"
        if not isinstance(key, str) or not plain or value.is_quantized or value.is_nested:
            name = key[:80] if isinstance(key, str) else type(key).__name__
            raise ValueError(f"{source.name} holds more than tensors, such as {name}")
    return {key: value.detach().clone(memory_format=torch.contiguous_format) for key, value in state.items()}


def _out_of_memory(error: Exception) -> bool:
    return isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and "allocate memory" in str(error))


def _limit(memory: int, file: int) -> None:
    """Bound the memory that this process takes and the size of any file that it writes, where the system can."""
    try:
        import resource
    except ImportError:
        return
    for kind, value in ((resource.RLIMIT_DATA, memory), (resource.RLIMIT_FSIZE, file)):
        hard = resource.getrlimit(kind)[1]
        resource.setrlimit(kind, (value if hard == resource.RLIM_INFINITY else min(value, hard), hard))


if __name__ == "__main__":
    try:
        _main(Path(sys.argv[1]), [Path(name) for name in sys.argv[2:]])
    except Exception as error:
        if _out_of_memory(error):
            sys.exit("it takes more memory than its size explains")
        sys.exit(str(error) if isinstance(error, ValueError) else f"{type(error).__name__}: {error}")
