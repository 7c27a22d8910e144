"""Weights from a checkpoint folder into a network, once per checkpoint and device."""

import json
import logging
import re
import threading
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import nn

from segdemo.errors import SegdemoError
from segdemo.model.families.mask2former import LibraryNetwork
from segdemo.model.fast.network import Network

logger = logging.getLogger(__name__)

_lock = threading.Lock()
_networks: dict[tuple[Path, str, str], Network | LibraryNetwork] = {}


def load_network(folder: Path, device: str = "cpu", precision: str = "fp32") -> Network | LibraryNetwork:
    """Return the network of a checkpoint folder, whatever it is stored in; the same object every time.

    ``fp32`` has all weights in float32; ``bf16`` and ``int8`` have part of them in bfloat16 or in 8 bits, see
    ``Network.reduce``. On the processor they are laid out for its products. Only safetensors are read, and no code from
    the folder is run. Raises ``SegdemoError`` where the folder holds no Mask2Former checkpoint, the weights do not fit
    its configuration, or the precision is not to be had here.
    """
    key = (folder.resolve(), device, precision)
    with _lock:
        if key not in _networks:
            _networks[key] = _load(*key)
        return _networks[key]


def release_network(folder: Path, device: str = "cpu") -> None:
    """Let go of a network that another engine replaced, in every precision; whoever still holds it keeps it."""
    with _lock:
        for key in [key for key in _networks if key[:2] == (folder.resolve(), device)]:
            del _networks[key]


def read_config(folder: Path) -> dict[str, object]:
    """Return a checkpoint folder's ``config.json``; raises ``SegdemoError`` where it is missing or damaged."""
    file = folder / "config.json"
    try:
        config = json.loads(file.read_text())
    except FileNotFoundError:
        raise SegdemoError(f"{folder} holds no config.json: give a checkpoint folder or a hub id.") from None
    except ValueError as error:
        raise SegdemoError(f"{file} is not valid JSON ({error}): fetch the checkpoint again.") from error
    if not isinstance(config, dict):
        raise SegdemoError(f"{file} is not a model configuration: fetch the checkpoint again.")
    return config


def make_network(folder: Path, precision: str = "fp32") -> Network | LibraryNetwork:
    """Return the network of a checkpoint folder as ``load_network`` does, but a new object.

    It can be traced, but for ``int8``.
    """
    model = load_library_model(folder)
    network = Network(model) if Network.supports(model.config) else LibraryNetwork(model)
    if precision != "fp32":
        network.reduce(precision)
    return network


def _load(folder: Path, device: str, precision: str) -> Network | LibraryNetwork:
    if precision == "int8" and device != "cpu":
        raise SegdemoError("int8 runs on the processor: choose fp32 or bf16 for another device.")
    network = make_network(folder, precision)
    if device == "cpu" and isinstance(network, Network):
        network.pack()
    logger.info("loaded %s on %s in %s", folder, device, precision)
    network.to(device)
    return network


def load_library_model(folder: Path) -> Any:
    """Return the library's ``Mask2FormerForUniversalSegmentation`` of a checkpoint folder, in float32; a new object.

    Files of any age load: the library renames keys, and tensors that it excuses play no part in the answer. Raises
    ``SegdemoError`` where one that does is missing or has another size than the configuration says.
    """
    from transformers import Mask2FormerForUniversalSegmentation

    kind = read_config(folder).get("model_type")
    if kind != "mask2former":
        raise SegdemoError(f"{folder} holds a {kind!r} checkpoint; this demo runs Mask2Former checkpoints.")
    with quiet_library():
        try:
            model, report = Mask2FormerForUniversalSegmentation.from_pretrained(
                folder,
                dtype=torch.float32,
                local_files_only=True,
                use_safetensors=True,
                ignore_mismatched_sizes=True,
                output_loading_info=True,
            )
        except (OSError, ValueError, RuntimeError) as error:
            raise SegdemoError(f"The weights in {folder} cannot be loaded: {error}") from error
    _check_sizes(folder, report["mismatched_keys"])
    missing = sorted(name for name in report["missing_keys"] if not _excused(model, name))
    if missing:
        raise SegdemoError(
            f"The weights in {folder} lack {_tensors(missing)} (such as {missing[0]}): fetch the checkpoint again."
        )
    return model.eval().requires_grad_(False)


def _excused(model: nn.Module, key: str) -> bool:
    """Whether a network without this tensor answers the same.

    That is what the loss keeps, and what the class of the model or of one of its parts says that files may lack: parts
    that no output uses, and that files older than the library's latest changes do not have.
    """
    if key.startswith("criterion."):
        return True
    return any(
        key.startswith(f"{name}." if name else "") and re.search(pattern, key)
        for name, part in model.named_modules()
        for pattern in getattr(part, "_keys_to_ignore_on_load_missing", None) or ()
    )


def _check_sizes(folder: Path, mismatched: Iterable[tuple[str, Sequence[int], Sequence[int]]]) -> None:
    """Raise ``SegdemoError`` for tensors, (name, size in the file, size in the network), of a wrong size."""
    wrong = sorted(mismatched)
    if wrong:
        name, stored, wanted = wrong[0]
        raise SegdemoError(
            f"The weights in {folder} do not fit its config.json: {_tensors(wrong)} of another size (such as {name}, "
            f"{_by(stored)} instead of {_by(wanted)}). Fetch the checkpoint again, both files."
        )


def _tensors(found: Sequence[object]) -> str:
    return f"{len(found)} tensor{'' if len(found) == 1 else 's'}"


def _by(shape: Sequence[int]) -> str:
    return " x ".join(map(str, shape)) or "a single number"


@contextmanager
def quiet_library() -> Iterator[None]:
    """Keep the library's progress bars, warnings and load report to itself: what matters in them becomes a sentence."""
    from transformers.utils import logging as library_logging

    library_logging.disable_progress_bar()
    verbosity = library_logging.get_verbosity()
    library_logging.set_verbosity_error()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        library_logging.set_verbosity(verbosity)
