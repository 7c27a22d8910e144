"""Parameter groups, learning-rate schedules and the running average of the weights."""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from segdemo.training.config import StageConfig


def parameter_groups(model: nn.Module, stage: StageConfig) -> list[dict[str, Any]]:
    """Group the trainable parameters by learning rate and weight decay.

    The backbone's stages get ``backbone_rate * layer_decay ** (distance from the last stage)``. Biases,
    normalisations and embeddings are not decayed.
    """
    exempt = {
        id(parameter)
        for module in model.modules()
        if isinstance(module, nn.LayerNorm | nn.GroupNorm | nn.Embedding)
        for parameter in module.parameters(recurse=False)
    }
    depth = 1 + max((_swin_stage(name) for name, _ in model.named_parameters()), default=0)
    groups: dict[tuple[float, float], list[Tensor]] = {}
    for name, parameter in model.named_parameters():
        if not parameter.requires_grad:
            continue
        scale = 1.0
        if is_backbone(name):
            scale = stage.backbone_rate * stage.layer_decay ** (depth - 1 - max(_swin_stage(name), 0))
        decayed = parameter.ndim > 1 and id(parameter) not in exempt and "relative_position_bias" not in name
        groups.setdefault((scale, stage.weight_decay if decayed else 0.0), []).append(parameter)
    return [
        {"params": parameters, "lr": stage.learning_rate * scale, "weight_decay": decay}
        for (scale, decay), parameters in groups.items()
    ]


def is_backbone(name: str) -> bool:
    """Whether a parameter of ``TrainingNetwork`` belongs to the backbone."""
    return ".pixel_level_module.encoder." in name


def _swin_stage(name: str) -> int:
    _, found, rest = name.partition(".encoder.layers.") if is_backbone(name) else ("", "", "")
    return int(rest.split(".")[0]) if found else -1


def rate_at(stage: StageConfig) -> Callable[[int], float]:
    """Return the factor on the learning rate as a function of the optimiser step."""

    def factor(step: int) -> float:
        if step < stage.warmup:
            return (step + 1) / (stage.warmup + 1)
        progress = min(1.0, (step - stage.warmup) / max(1, stage.steps - stage.warmup))
        if stage.schedule == "cosine":
            return 0.5 * (1 + math.cos(math.pi * progress))
        if stage.schedule == "poly":
            return float((1 - progress) ** 0.9)
        return min(1.0, (stage.steps - step) / stage.cooldown) if stage.cooldown else 1.0

    return factor


class RunningAverage:
    """An exponential average of a network's weights, younger weights counting more while it is short."""

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay = decay
        self.steps = 0
        self.values = {name: value.detach().clone() for name, value in model.state_dict().items()}

    @torch.no_grad()
    def update(self, model: nn.Module) -> None:
        """Take the weights of one more step in."""
        self.steps += 1
        decay = min(self.decay, (1 + self.steps) / (10 + self.steps))
        for name, value in model.state_dict().items():
            if value.is_floating_point():
                self.values[name].lerp_(value, 1 - decay)
            else:
                self.values[name].copy_(value)

    def state_dict(self) -> dict[str, Any]:
        """What is needed to go on averaging."""
        return {"steps": self.steps, "values": self.values}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what ``state_dict`` returned."""
        self.steps = int(state["steps"])
        self.values = dict(state["values"])
