"""The stage trainer: transformers' ``Trainer`` with our examples, losses, schedule and crash-safe checkpoints."""

import os
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import Dataset, SequentialSampler
from transformers import PrinterCallback, Trainer, TrainerCallback, TrainingArguments

from segdemo.data.samples import Crop
from segdemo.training import saved
from segdemo.training.config import StageConfig
from segdemo.training.divergence import require_finite
from segdemo.training.network import TrainingNetwork, parts_of
from segdemo.training.optimisation import RunningAverage, is_backbone, parameter_groups, rate_at

AVERAGE = "average.pt"


class StageTrainer(Trainer):
    """Runs one stage: mask-classification losses, grouped AdamW, warm-up and decay, running average."""

    def __init__(
        self,
        network: TrainingNetwork,
        stage: StageConfig,
        examples: Dataset[Crop],
        *,
        collator: Any,
        folder: Path,
        seed: int,
        bf16: bool = False,
        workers: int = 0,
        callbacks: list[TrainerCallback] | None = None,
    ) -> None:
        self.stage = stage
        self.optimizer: torch.optim.Optimizer | None
        self.lr_scheduler: Any
        self.average = RunningAverage(network, stage.average) if stage.average else None
        self._sums: dict[str, float] = {}
        self._count = 0
        # A batch is shared among data-parallel processes, so that their number does not change what is learned.
        processes = int(os.environ.get("WORLD_SIZE", "1"))
        super().__init__(
            model=network,
            args=TrainingArguments(
                output_dir=str(folder),
                max_steps=stage.steps,
                per_device_train_batch_size=stage.batch // processes,
                gradient_accumulation_steps=stage.accumulate,
                max_grad_norm=stage.clip,
                learning_rate=stage.learning_rate,
                bf16=bf16,
                logging_steps=10,
                # It would put the mean of the losses before in the place of one that is not a number.
                logging_nan_inf_filter=False,
                save_strategy="steps",
                save_steps=stage.save_every,
                save_total_limit=2,
                eval_strategy="no",
                report_to=[],
                remove_unused_columns=False,
                dataloader_num_workers=workers,
                dataloader_pin_memory=False,
                disable_tqdm=True,
                seed=seed,
                data_seed=seed,
                use_cpu=not torch.cuda.is_available(),
                ddp_backend="gloo" if processes > 1 and not torch.cuda.is_available() else None,
                ddp_find_unused_parameters=True,
            ),
            train_dataset=examples,
            data_collator=collator,
            callbacks=[_AfterStep(self), *(callbacks or [])],
        )
        # The monitor says what there is to say.
        self.remove_callback(PrinterCallback)

    def _get_train_sampler(self, train_dataset: Any = None) -> SequentialSampler:
        return SequentialSampler(train_dataset if train_dataset is not None else self.train_dataset)

    def create_optimizer(self, model: Any = None) -> torch.optim.Optimizer:
        """Return AdamW over the stage's parameter groups."""
        if self.optimizer is None:
            self.optimizer = torch.optim.AdamW(
                parameter_groups(self.model, self.stage), lr=self.stage.learning_rate, betas=(0.9, 0.98)
            )
        return self.optimizer

    def create_scheduler(self, num_training_steps: int, optimizer: Any = None) -> Any:
        """Return the stage's schedule."""
        if self.lr_scheduler is None:
            chosen = optimizer if optimizer is not None else self.create_optimizer()
            self.lr_scheduler = torch.optim.lr_scheduler.LambdaLR(chosen, rate_at(self.stage))
        return self.lr_scheduler

    def compute_loss(
        self, model: Any, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """Return the summed loss and note its parts for the log."""
        outputs = model(**inputs)
        for name, value in {"loss": float(outputs["loss"].detach()), **parts_of(outputs)}.items():
            self._sums[name] = self._sums.get(name, 0.0) + value
        self._count += 1
        require_finite([("the loss", outputs["loss"])], f"at step {self.state.global_step + 1}")
        return (outputs["loss"], outputs) if return_outputs else outputs["loss"]

    def log(self, logs: dict[str, float], *args: Any, **kwargs: Any) -> None:
        """Put the means since the last log entry in: of the loss and its parts, over what a stopped run saw, too."""
        if self._count and "loss" in logs:
            logs = {**logs, **{name: round(value / self._count, 6) for name, value in self._together().items()}}
            self._sums, self._count = {}, 0
        super().log(logs, *args, **kwargs)

    def _together(self) -> dict[str, float]:
        """Mean over the processes of what was summed up."""
        if self.args.world_size == 1:
            return dict(self._sums)
        sums = torch.tensor(list(self._sums.values()), dtype=torch.float64, device=self.args.device)
        return dict(zip(self._sums, self.accelerator.reduce(sums, reduction="mean").tolist(), strict=True))

    def _save_checkpoint(self, *args: Any, **kwargs: Any) -> None:
        self.require_numbers()
        folder = Path(self.args.output_dir) / f"checkpoint-{self.state.global_step}"
        if self.args.should_save:
            saved.begin(folder)
        super()._save_checkpoint(*args, **kwargs)
        losses = {"sums": self._together(), "count": self._count}
        self.accelerator.wait_for_everyone()
        if not self.args.should_save:
            return
        if self.average is not None:
            torch.save(self.average.state_dict(), folder / AVERAGE)
        saved.finish(folder, losses)

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        super()._load_from_checkpoint(resume_from_checkpoint, model)
        folder = Path(resume_from_checkpoint)
        losses = saved.losses_of(folder)
        self._sums, self._count = losses["sums"], losses["count"]
        if self.average is not None and (folder / AVERAGE).exists():
            self.average.load_state_dict(torch.load(folder / AVERAGE, weights_only=True))

    def require_numbers(self) -> None:
        """Raise ``DivergedError`` unless all weights, and all averages of them, are finite."""
        for state in (self.model.state_dict(), self.average.values if self.average is not None else {}):
            named = ((f"the weight {name}", value) for name, value in state.items())
            require_finite(named, f"after step {self.state.global_step}")


class _AfterStep(TrainerCallback):
    """Freezes and thaws the backbone, keeps the running average, stops before a step with no numbers to go by."""

    def __init__(self, trainer: StageTrainer) -> None:
        self._trainer = trainer

    def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Freeze or thaw before the step's forward pass."""
        stage = self._trainer.stage
        if stage.freeze_backbone:
            frozen = state.global_step < stage.freeze_backbone
            for name, parameter in self._trainer.model.named_parameters():
                if is_backbone(name):
                    parameter.requires_grad_(not frozen)

    def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Stop before gradients that are not numbers spoil the weights."""
        gradients = (
            (f"the gradient of {name}", parameter.grad)
            for name, parameter in self._trainer.model.named_parameters()
            if parameter.grad is not None
        )
        require_finite(gradients, f"at step {state.global_step + 1}")

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Take the new weights into the average."""
        if self._trainer.average is not None:
            self._trainer.average.update(self._trainer.model)
