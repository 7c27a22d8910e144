"""A whole training run: sources in, stages one after the other, a ``from_pretrained`` folder out."""

import os
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from segdemo.data.samples import Augmentation
from segdemo.errors import MissingExtraError, SegdemoError
from segdemo.training.config import RunConfig, StageConfig
from segdemo.training.data import RunData
from segdemo.training.files import explained, settle
from segdemo.training.folder import Best, describe, only_run, restore_result
from segdemo.training.history import History


@dataclass(frozen=True)
class RunResult:
    """What a finished run left behind."""

    checkpoint: Path
    """The ``from_pretrained`` folder of the best snapshot."""
    scores: Mapping[str, Mapping[str, Any]]
    """Pixel accuracy, mIoU, per-class IoU and PQ of each validation source; empty without validation."""


def finetune(config: RunConfig, out: Path, *, say: Callable[[str], None] = print) -> RunResult:
    """Train as ``config`` says, in the folder ``out``; a run that was killed goes on where its last checkpoint is.

    ``out`` then holds ``checkpoint/`` (the result), ``history.json``, ``losses.csv``, ``metrics.csv``,
    ``class_iou.csv``, plots, contact sheets and ``stages/``. Runs in data-parallel processes when started by
    ``torchrun``. ``say`` gets progress lines. Raises ``SegdemoError`` for data that cannot be trained on, listing
    every file, for a folder in use or of another run, for damaged files in it, a full disk, and a loss that is not a
    number, each with what was learned until then kept; ``MissingExtraError`` without the extra "train".
    """
    try:
        import accelerate  # noqa: F401
    except ImportError as error:
        raise MissingExtraError("Fine-tuning", "train") from error
    main = os.environ.get("RANK", "0") == "0"
    with explained(out):
        History.open(out), Best.read(out)
    data = RunData.open(config)
    data.check()
    with explained(out):
        out.mkdir(parents=True, exist_ok=True)
        with only_run(out) if main else nullcontext():
            if main:
                describe(config, out)
                restore_result(out)
            run = _Run(config, out, data, say if main else lambda _: None)
            for number, stage in enumerate(config.stages):
                run.stage(number, stage)
            return RunResult(out / "checkpoint", Best.read(out).scores)


class _Run:
    """The state that goes from stage to stage."""

    def __init__(self, config: RunConfig, out: Path, data: RunData, say: Callable[[str], None]) -> None:
        from transformers.utils.logging import disable_progress_bar

        from segdemo.training.criterion import LossWeights
        from segdemo.training.network import TrainingNetwork
        from segdemo.training.start import normalisation, starting_network
        from segdemo.training.validation import processor_settings

        disable_progress_bar()
        self.config, self.out, self.data, self.say = config, out, data, say
        self.labels = data.labels
        self.sources, self.validation = data.sources, data.validation
        for line in data.lines():
            say(line)
        self.model = TrainingNetwork(starting_network(config, data.labels), LossWeights())
        self.mean, self.std = normalisation(config)
        self.preprocessing = processor_settings(config.evaluation_size, self.mean, self.std)
        self.history = History.open(out)
        pictures = ", ".join(f"{len(samples)} {name}" for name, samples in self.sources.items())
        self.say(f"Training pictures: {pictures}; {len(data.labels)} classes")

    def stage(self, number: int, stage: StageConfig) -> None:
        """Run one stage, or take its weights over where it is done already."""
        import torch

        from segdemo.training.divergence import DivergedError
        from segdemo.training.saved import last_checkpoint

        folder = self.out / "stages" / f"{number + 1}-{stage.name}"
        final = folder / "final.pt"
        if final.exists():
            self._take_over(final)
            self.say(f"{stage.name}: done before")
            return
        trainer = self._trainer(number, stage, folder)
        resume = last_checkpoint(folder, self.say)
        names = [entry.name for entry in self.config.stages]
        self.history.rewind(names, stage.name, int(resume.name.rpartition("-")[2]) if resume else 0)
        if resume:
            self.say(f"{stage.name}: resumed from {resume.name}")
        try:
            trainer.train(resume_from_checkpoint=str(resume) if resume else None)
        except DivergedError as error:
            raise SegdemoError(self._diverged(stage, str(error))) from error
        if trainer.average is not None:
            self.model.load_state_dict(trainer.average.values)
        if trainer.args.should_save:
            part = final.with_suffix(".part")
            torch.save(self.model.state_dict(), part)
            settle(part)
            part.replace(final)

    def _take_over(self, final: Path) -> None:
        """Load the weights that a finished stage left."""
        import pickle

        import torch

        try:
            self.model.load_state_dict(torch.load(final, weights_only=True))
        except (OSError, RuntimeError, EOFError, KeyError, pickle.UnpicklingError) as error:
            raise SegdemoError(
                f"{final} is damaged: delete it, and the stage goes on from the last state that it saved."
            ) from error

    def _diverged(self, stage: StageConfig, what: str) -> str:
        """Say that a run has gone astray, what helps and what is left of it."""
        kept = self.out / "checkpoint"
        return (
            f"{stage.name}: {what} is not a number: lower the learning rate (it is {stage.learning_rate:g}) and start "
            "again in another folder." + (f" The best snapshot until then is in {kept}." if kept.exists() else "")
        )

    def _trainer(self, number: int, stage: StageConfig, folder: Path) -> Any:
        from segdemo.training.criterion import LossWeights
        from segdemo.training.mixing import Collator, DrawnCrops
        from segdemo.training.monitor import Monitor
        from segdemo.training.trainer import StageTrainer

        self.model.requires_grad_(True)
        self.model.train_to(stage.depth)
        self.model.merge = stage.targets == "semantic"
        self.model.pixel_head.requires_grad_(stage.weights.pixels > 0)
        self.model.criterion.weights = LossWeights(**stage.weights.model_dump())
        examples = DrawnCrops(
            self.sources,
            Augmentation(**stage.augmentation.model_dump()),
            length=stage.steps * stage.batch * stage.accumulate,
            mix=stage.mix,
            balance=self.config.balance,
            seed=self.config.seed * 1000 + number,
        )
        trainer = StageTrainer(
            self.model,
            stage,
            examples,
            collator=Collator(self.mean, self.std),
            folder=folder,
            seed=self.config.seed,
            bf16=self.config.precision == "bf16",
        )
        Monitor(
            history=self.history,
            validation=self.validation,
            preprocessing=self.preprocessing,
            keep=lambda network, scores: self._keep(number, network, scores),
            say=self.say,
            with_pq=stage.targets == "panoptic",
        ).watch(trainer)
        return trainer

    def _keep(self, number: int, network: Any, scores: Mapping[str, Any]) -> None:
        """Make these weights the result unless an earlier evaluation of the same stage was better.

        A later stage always replaces the snapshots of the ones before it.
        """
        from segdemo.training.card import model_card
        from segdemo.training.result import known_classes, save_result
        from segdemo.training.start import base_of

        choice = sum(score.choice for score in scores.values()) / len(scores) if scores else 0.0
        folder, best = self.out / "checkpoint", Best.read(self.out)
        if folder.exists() and (best.stage, best.choice) > (number, choice):
            return
        known = known_classes(self.sources.values())
        plain = {name: asdict(score) for name, score in scores.items()}
        save_result(
            network,
            folder,
            size=self.config.evaluation_size,
            mean=self.mean,
            std=self.std,
            about={
                "title": self.config.title,
                "kind": self.data.kind if self.config.stages[number].targets == "panoptic" else "semantic",
                "known_classes": known,
                **self.data.about,
                "note": self.config.note,
                "terms": self.config.terms,
            },
            files={
                "README.md": model_card(
                    self.config,
                    labels=self.labels,
                    known=known,
                    pictures={
                        name: f"{len(data)} pictures ({data.listing.title})" for name, data in self.sources.items()
                    },
                    scores=plain,
                    parameters=sum(parameter.numel() for parameter in network.parameters()),
                    base=base_of(self.config),
                )
            },
        )
        Best(number, choice, plain).write(self.out)
