"""Weights from a checkpoint folder into a network, once per checkpoint and device."""

import json
import logging
import threading
import warnings
from pathlib import Path
from typing import Any

import torch

from segdemo.errors import SegdemoError
from segdemo.model.library import LibraryNetwork
from segdemo.model.network import Network
from segdemo.model.query_decoder import QueryLayer

logger = logging.getLogger(__name__)

_lock = threading.Lock()
_networks: dict[tuple[Path, str, str], Network | LibraryNetwork] = {}


def load_network(folder: Path, device: str = "cpu", precision: str = "fp32") -> Network | LibraryNetwork:
    """Return the network of a checkpoint folder, whatever it is stored in; the same object every time.

    ``fp32`` has all weights in float32, ``bf16`` those of linear layers and convolutions in bfloat16, the first apart:
    what autocast would make of them in every forward pass, at half of the memory. Only safetensors are read, and no
    code from the folder is run. Raises ``SegdemoError`` where the folder holds no Mask2Former checkpoint or the weights
    do not fit its configuration.
    """
    key = (folder.resolve(), device, precision)
    with _lock:
        if key not in _networks:
            _networks[key] = _load(*key)
        return _networks[key]


def release_network(folder: Path, device: str = "cpu") -> None:
    """Let go of a network that another engine replaced, in every precision; whoever still holds it keeps it."""
    with _lock:
        for precision in ("fp32", "bf16"):
            _networks.pop((folder.resolve(), device, precision), None)


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


def _load(folder: Path, device: str, precision: str) -> Network | LibraryNetwork:
    model = load_library_model(folder)
    network = Network(model) if Network.supports(model.config) else LibraryNetwork(model)
    del model
    if precision == "bf16" and isinstance(network, Network):
        _halve(network)
    logger.info("loaded %s on %s in %s", folder, device, precision)
    network.to(device)
    return network


def _halve(network: Network) -> None:
    """Keep the weights of matrix products in bfloat16, and those of patches, normalisations and embeddings as they are.

    The latter are copied, so that nothing holds on to the file that all of them were mapped from.
    """
    for module in network.modules():
        if module is network.backbone.projection:
            continue
        if isinstance(module, torch.nn.Linear | torch.nn.Conv2d):
            module.to(torch.bfloat16)
        elif isinstance(module, QueryLayer):
            module.cross_weight.data = module.cross_weight.data.to(torch.bfloat16)
            module.cross_bias.data = module.cross_bias.data.to(torch.bfloat16)
    for parameter in network.parameters():
        if parameter.dtype == torch.float32:
            parameter.data = parameter.data.clone()


def load_library_model(folder: Path) -> Any:
    """Return the library's ``Mask2FormerForUniversalSegmentation`` of a checkpoint folder, in float32; a new object."""
    from transformers import Mask2FormerForUniversalSegmentation
    from transformers.utils import logging as library_logging

    kind = read_config(folder).get("model_type")
    if kind != "mask2former":
        raise SegdemoError(f"{folder} holds a {kind!r} checkpoint; this demo runs Mask2Former checkpoints.")
    library_logging.disable_progress_bar()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            model, report = Mask2FormerForUniversalSegmentation.from_pretrained(
                folder,
                dtype=torch.float32,
                local_files_only=True,
                use_safetensors=True,
                output_loading_info=True,
            )
        except (OSError, ValueError, RuntimeError) as error:
            raise SegdemoError(f"The weights in {folder} cannot be loaded: {error}") from error
    missing = sorted(name for name in report["missing_keys"] if not name.startswith("criterion."))
    if missing:
        raise SegdemoError(
            f"The weights in {folder} lack {len(missing)} tensors (such as {missing[0]}): fetch the checkpoint again."
        )
    return model.eval().requires_grad_(False)
