"""The network a run starts from: an architecture with random weights, or a checkpoint fitted to the run's classes."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from segdemo import checkpoints
from segdemo.errors import SegdemoError
from segdemo.model.families import family_of
from segdemo.model.preprocessing import Preprocessing
from segdemo.model.weights import load_library_model, quiet_library
from segdemo.taxonomy import taxonomy_for
from segdemo.training.architectures import ARCHITECTURES, LiteShape, config_of
from segdemo.training.config import RunConfig
from segdemo.training.divergence import DivergedError, require_finite
from segdemo.training.imagenet import imagenet_weights

MEAN = (0.48500001430511475, 0.4560000002384186, 0.4059999883174896)
"""ImageNet's, as in the published Mask2Former checkpoints; for networks trained from scratch."""
STD = (0.2290000021457672, 0.2239999920129776, 0.22499999403953552)

PARTS: Mapping[str, tuple[str, ...]] = {
    "classes": ("class_predictor",),
    "queries": ("model.transformer_module.queries_embedder", "model.transformer_module.queries_features"),
    "decoder": ("model.transformer_module.decoder",),
    "pixel_decoder": ("model.pixel_level_module.decoder",),
    "backbone": ("model.pixel_level_module.encoder",),
}
"""What ``RunConfig.renew`` can name, and the modules it stands for."""


@quiet_library()
def starting_network(config: RunConfig, labels: Mapping[int, str]) -> Any:
    """Return a ``Mask2FormerForUniversalSegmentation`` for ``labels``, with the weights a run starts from.

    From a checkpoint everything is kept but the parts named in ``config.renew``; where its label set differs, the
    class head is new except for the rows of labels that both have, by name or synonym. Raises ``SegdemoError`` for a
    checkpoint that is not on disk, is not a Mask2Former or holds weights that are not numbers, ``MissingExtraError``
    where a backbone's weights are not installed.
    """
    torch.manual_seed(config.seed)
    if config.architecture:
        from transformers import Mask2FormerForUniversalSegmentation

        network = Mask2FormerForUniversalSegmentation(config_of(config.architecture, labels))
        silence_decoder(network)
        backbone = ARCHITECTURES[config.architecture].backbone
        if isinstance(backbone, LiteShape):
            network.model.pixel_level_module.encoder.load_state_dict(imagenet_weights(backbone.variant))
        return network
    folder = checkpoint_folder(str(config.checkpoint))
    base = load_library_model(folder).requires_grad_(True)
    try:
        require_finite(base.state_dict().items(), f"of {config.checkpoint}")
    except DivergedError as error:
        raise SegdemoError(f"The weight {error} holds values that are not numbers: use another checkpoint.") from error
    network = _refit(base, labels)
    if config.renew:
        _renew(network, config.renew)
    return network


def base_of(config: RunConfig) -> str:
    """Say what a run starts from: a checkpoint's hub id, or its title where it is a folder of somebody's machine."""
    if config.checkpoint is None:
        return f"random weights (architecture `{config.architecture}`)"
    found = checkpoints.find(config.checkpoint)
    return f"`{found.id}`" if checkpoints.is_hub_id(found.id) else f'"{found.title}"'


def normalisation(config: RunConfig) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return mean and deviation of the colours as the network wants them: a checkpoint's own, else ImageNet's."""
    if config.checkpoint is None:
        return MEAN, STD
    own = Preprocessing.from_folder(checkpoint_folder(config.checkpoint))
    return (own.mean, own.std) if own.do_normalize else ((0.0,) * 3, (1.0,) * 3)


def silence_decoder(network: Any) -> None:
    """Make every transformer layer start as the identity: each predicts what the initial prediction does.

    Zero is what the residual branches add at first; the layers then learn to improve on the queries instead of having
    to find them again.
    """
    with torch.no_grad():
        for layer in network.model.transformer_module.decoder.layers:
            for branch in (layer.cross_attn.out_proj, layer.self_attn.out_proj, layer.fc2):
                branch.weight.zero_()
                branch.bias.zero_()


def checkpoint_folder(name: str) -> Path:
    """Return the folder of a Mask2Former checkpoint given as a folder or as a hub id whose weights are on disk.

    Raises ``SegdemoError`` for another network: what is trained here is a Mask2Former.
    """
    folder = Path(checkpoints.resolve(checkpoints.find(name).id))
    family = family_of(folder)
    if family.name != "Mask2Former":
        article = "an" if family.name[0] in "AEI" else "a"
        raise SegdemoError(
            f"{checkpoints.public_id(name)} is {article} {family.name} checkpoint, and only Mask2Former can be "
            "fine-tuned here: start from a Mask2Former checkpoint, or from an architecture."
        )
    return folder


def _refit(base: Any, labels: Mapping[int, str]) -> Any:
    """Give a network the run's labels; the rows of labels that it had already are kept."""
    from transformers import Mask2FormerForUniversalSegmentation

    before = {str(label): int(index) for index, label in base.config.id2label.items()}
    if before == {label: index for index, label in labels.items()}:
        return base
    config = base.config.__class__.from_dict(base.config.to_dict())
    config.id2label = dict(labels)
    config.label2id = {label: index for index, label in labels.items()}
    for key in ("segdemo_known_classes", "segdemo_note", "segdemo_stuff", "segdemo_least_score"):
        if hasattr(config, key):
            delattr(config, key)
    network = Mask2FormerForUniversalSegmentation(config)
    kept = {name: value for name, value in base.state_dict().items() if not _depends_on_labels(name)}
    network.load_state_dict(kept, strict=False)
    rows = [(row, index) for index, label in labels.items() if (row := _row(before, label)) is not None]
    rows.append((len(before), len(labels)))
    old, new = (torch.tensor(column) for column in zip(*rows, strict=True))
    with torch.no_grad():
        network.class_predictor.weight[new] = base.class_predictor.weight[old]
        network.class_predictor.bias[new] = base.class_predictor.bias[old]
    return network


def _row(before: Mapping[str, int], label: str) -> int | None:
    """The index that a label had, whatever spelling of the class the checkpoint was published with."""
    if label in before:
        return before[label]
    try:
        return taxonomy_for({index: name for name, index in before.items()}).find(label).index
    except KeyError:
        return None


def _depends_on_labels(name: str) -> bool:
    return name.startswith(("class_predictor.", "criterion."))


def _renew(network: Any, parts: Sequence[str]) -> None:
    """Give the named parts the random weights of a new network."""
    fresh = network.__class__(network.config).state_dict()
    prefixes = tuple(prefix + "." for part in parts for prefix in PARTS[part])
    network.load_state_dict({name: value for name, value in fresh.items() if name.startswith(prefixes)}, strict=False)
