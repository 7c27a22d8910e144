"""Weights from a checkpoint folder into the library's network."""

import math
import re
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import nn

from segdemo.checkpoint_files import read_config
from segdemo.errors import SegdemoError, first_line
from segdemo.model.formats import checked_shape
from segdemo.weight_files import check_weights, require_weight_files

_SPARE = 50_000_000
"""How many numbers a network may have beside the stored ones: tables that it computes itself."""


def named_backbone(config: Mapping[str, object]) -> str | None:
    """Return the name in ``config.json`` that the library would ask the hub or another package about, if any."""
    name = config.get("backbone")
    return str(name) if name and not config.get("backbone_config") else None


def load_library_model(folder: Path, architecture: str = "Mask2FormerForUniversalSegmentation") -> Any:
    """Return the library's network of a checkpoint folder, of the named class, in float32; a new object.

    Files of any age load: the library renames keys, and tensors that it excuses play no part in the answer. Raises
    ``SegdemoError`` where one that does is missing or has another size than the configuration says, and where the
    library cannot build the network as it is installed.
    """
    import transformers

    network = getattr(transformers, architecture)
    config = read_config(folder)
    kind, wanted = config.get("model_type"), network.config_class.model_type
    if kind != wanted:
        raise SegdemoError(f"{folder} holds a {kind!r} checkpoint: this needs a {wanted!r} one.")
    _check_backbone(folder, config)
    with quiet_library():
        check_network(folder, network)
        try:
            model, report = network.from_pretrained(
                folder,
                dtype=torch.float32,
                local_files_only=True,
                use_safetensors=True,
                ignore_mismatched_sizes=True,
                output_loading_info=True,
            )
        except ImportError as error:
            raise SegdemoError(_missing_package(folder, error)) from error
        except MemoryError:
            raise
        except Exception as error:  # what the folder says decides what is raised, and nothing is promised about it
            raise SegdemoError(f"The weights in {folder} cannot be loaded: {first_line(error)}") from error
    _check_sizes(folder, report["mismatched_keys"])
    missing = sorted(name for name in report["missing_keys"] if not _excused(model, name))
    if missing:
        raise SegdemoError(
            f"The weights in {folder} lack {_tensors(missing)} (such as {missing[0]}): fetch the checkpoint again."
        )
    _check_numbers(folder, model)
    return model.eval().requires_grad_(False)


def check_network(folder: Path, network: Any) -> None:
    """Raise ``SegdemoError`` for a ``config.json`` of which the library builds no network, or one far too large.

    The network is built without memory for its weights first, since the file may ask for any number of them.
    """
    file = folder / "config.json"
    stored = check_weights(require_weight_files(folder)) or 0
    try:
        config = network.config_class.from_pretrained(folder, local_files_only=True)
        checked_shape(config, file)
        with torch.device("meta"):
            built = network(config)
    except (SegdemoError, MemoryError):
        raise
    except ImportError as error:
        raise SegdemoError(_missing_package(folder, error)) from error
    except Exception as error:
        raise SegdemoError(f"{file} describes no network that can be built: {_reason(error)}.") from error
    wanted = sum(tensor.numel() for tensor in (*built.parameters(), *built.buffers()))
    if wanted > 4 * stored + _SPARE:
        raise SegdemoError(
            f"The weights in {folder} do not fit its config.json, which describes a network of {wanted} numbers: "
            f"there are {stored}. Fetch the checkpoint again, both files."
        )


def _reason(error: Exception) -> str:
    """What the library says, in one line: its errors about fields begin with the field, and go on below."""
    words = " ".join(str(error).split()) or type(error).__name__
    return words[:300].rstrip(".")


def _check_numbers(folder: Path, model: nn.Module) -> None:
    """Raise ``SegdemoError`` for weights that are not numbers, which would make every answer none."""
    for name, tensor in (*model.named_parameters(), *model.named_buffers()):
        if not tensor.is_floating_point() or not tensor.numel():
            continue
        low, high = torch.aminmax(tensor.detach())
        if not (math.isfinite(low) and math.isfinite(high)):
            raise SegdemoError(
                f"The weights in {folder} hold values that are not numbers (in {name}): the file is damaged, or of a "
                "run that diverged; fetch the checkpoint again, or use another."
            )


def _check_backbone(folder: Path, config: Mapping[str, object]) -> None:
    """Raise ``SegdemoError`` for backbones that the library does not know, or would ask others about."""
    from transformers import CONFIG_MAPPING

    file = folder / "config.json"
    if (name := named_backbone(config)) is not None:
        raise SegdemoError(
            f"{file} only names its backbone, {name!r}, which the library would look up on the hub or in the package "
            "timm: give a checkpoint that describes it in backbone_config."
        )
    described = config.get("backbone_config")
    kind = described.get("model_type") if isinstance(described, dict) else None
    if kind is not None and kind not in CONFIG_MAPPING:
        raise SegdemoError(
            f"{file} has a backbone_config of the model_type {kind!r}, which the installed transformers library does "
            "not know: choose a checkpoint with another backbone, such as Swin."
        )


def _missing_package(folder: Path, error: ImportError) -> str:
    """A sentence on a network that the library builds with another package's help, such as natten for DiNAT."""
    needed = re.search(r"requires the (\S+) library", str(error))
    package = needed.group(1) if needed else error.name or "one that is not installed"
    backbone = read_config(folder).get("backbone_config")
    kind = backbone.get("model_type") if isinstance(backbone, dict) else None
    return (
        f"The network in {folder} cannot be built here: its {f'{kind} ' if kind else ''}backbone needs the package "
        f"{package}, which this demo does not bring. Choose a checkpoint with another backbone, such as Swin, or "
        "install that package."
    )


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
