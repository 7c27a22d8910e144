"""What a training run is: one validated description, read from YAML or built in Python."""

from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from segdemo.data.source import SourceConfig
from segdemo.errors import SegdemoError


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class AugmentationConfig(_Part):
    """How random crops are drawn; see ``segdemo.data.samples.Augmentation``."""

    crop: int = Field(224, gt=0, multiple_of=16)
    short_side: tuple[float, float] = (176.0, 448.0)
    stretch: float = Field(0.15, ge=0, lt=1)
    rotate: float = Field(6.0, ge=0)
    colour: float = Field(0.35, ge=0, lt=1)
    flip: bool = True


class WeightsConfig(_Part):
    """Loss weights; see ``segdemo.training.criterion.LossWeights``."""

    classes: float = Field(2.0, ge=0)
    mask: float = Field(5.0, ge=0)
    dice: float = Field(5.0, ge=0)
    no_object: float = Field(0.1, ge=0)
    pixels: float = Field(0.0, ge=0)
    semantic: float = Field(0.0, ge=0)


class StageConfig(_Part):
    """One stretch of training with its own losses, data mixture and schedule."""

    name: str = "masks"
    steps: int = Field(gt=0)
    """Optimiser steps."""
    depth: Literal["all", "initial"] = "all"
    """Train every decoder layer, or only the features and the initial prediction."""
    targets: Literal["panoptic", "semantic"] = "panoptic"
    mix: dict[str, float] | None = None
    """Share of the examples drawn from each source; default: the sources' sizes."""
    batch: int = Field(8, gt=0)
    accumulate: int = Field(1, gt=0)
    """Batches for one optimiser step."""
    learning_rate: float = Field(1e-4, gt=0)
    backbone_rate: float = Field(1.0, ge=0)
    """The backbone's learning rate, relative to ``learning_rate``; its stages can differ with ``layer_decay``."""
    layer_decay: float = Field(1.0, gt=0, le=1)
    """Factor on the rate from each backbone stage to the one before it."""
    freeze_backbone: int = Field(0, ge=0)
    """Optimiser steps during which the backbone stays as it is."""
    schedule: Literal["constant", "poly", "cosine"] = "cosine"
    warmup: int = Field(50, ge=0)
    cooldown: int = Field(0, ge=0)
    """Last steps over which a ``constant`` rate falls linearly to zero."""
    weight_decay: float = Field(0.05, ge=0)
    clip: float = Field(1.0, gt=0)
    """Largest norm of the gradient."""
    average: float = Field(0.0, ge=0, lt=1)
    """Decay of the running average of the weights, which is what is evaluated and kept; 0 switches it off."""
    weights: WeightsConfig = WeightsConfig()
    augmentation: AugmentationConfig = AugmentationConfig()
    evaluate_every: int = Field(0, ge=0)
    """Optimiser steps between evaluations; 0 evaluates at the end of the stage only."""
    save_every: int = Field(200, gt=0)

    @model_validator(mode="after")
    def _more_than_one_place(self) -> "StageConfig":
        # The pixel decoder normalises maps of a 32nd of the crop over their places, which cannot be a single one.
        if self.batch == 1 and self.augmentation.crop < 64:
            raise ValueError("a batch of one needs a crop of at least 64 pixels")
        return self


class RunConfig(_Part):
    """A whole run: sources, where to start from, and the stages one after the other."""

    sources: dict[str, SourceConfig] = Field(min_length=1)
    validation: dict[str, SourceConfig] = Field(default_factory=dict)
    """Kept back from training, to choose between snapshots."""
    stages: list[StageConfig] = Field(min_length=1)
    classes: Path | None = None
    """Class list; default: found beside the first source."""
    architecture: str | None = None
    checkpoint: str | None = None
    """Hub id or folder to start from; exclusive with ``architecture``."""
    renew: list[Literal["classes", "queries", "decoder", "pixel_decoder", "backbone"]] = Field(default_factory=list)
    """Parts of the checkpoint to start again from random weights."""
    seed: int = 0
    precision: Literal["fp32", "bf16"] = "fp32"
    evaluation_size: int = Field(288, gt=0)
    """Short side in pixels at which pictures are evaluated, and which the result's processor asks for."""
    balance: float = Field(0.5, ge=0, le=1)
    """0 draws pictures evenly, 1 draws classes evenly, in between mixes the two."""
    title: str = "Fine-tuned Mask2Former"
    note: str = ""
    """One sentence on the training data, shown wherever the result is in use."""
    terms: str = ""
    """Under which terms the result may be used, for the model card."""
    remarks: str = ""
    """Markdown to close the model card with."""

    @model_validator(mode="after")
    def _consistent(self) -> "RunConfig":
        if bool(self.architecture) == bool(self.checkpoint):
            raise ValueError("give either an architecture to train from scratch or a checkpoint to start from")
        for stage in self.stages:
            for name in stage.mix or {}:
                if name not in self.sources:
                    raise ValueError(f"stage {stage.name!r} mixes {name!r}, which is not among the sources")
        names = [stage.name for stage in self.stages]
        if len(set(names)) < len(names):
            raise ValueError("two stages have the same name")
        return self


def read_config(path: Path, *, overrides: dict[str, Any] | None = None) -> RunConfig:
    """Read a run's description from a YAML file; relative paths are relative to the working directory.

    Raises ``SegdemoError`` naming what is wrong and where.
    """
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise SegdemoError(f"{path} cannot be read as a training configuration: {error}") from error
    if not isinstance(values, dict):
        raise SegdemoError(f"{path} is not a training configuration: it should be a YAML mapping.")
    return parse_config({**values, **(overrides or {})}, origin=str(path))


def parse_config(values: dict[str, Any], *, origin: str = "The training configuration") -> RunConfig:
    """Validate a run's description; raises ``SegdemoError`` naming every field that is wrong."""
    try:
        return RunConfig.model_validate(values)
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, fault['loc'])) or 'run'}: {fault['msg']}" for fault in error.errors())
        raise SegdemoError(f"{origin} is not valid: {faults}.") from error
