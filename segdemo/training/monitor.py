"""What is seen of a run while it runs: progress lines, the record, evaluations with contact sheets, snapshots."""

import copy
import math
import time
from collections.abc import Callable, Mapping
from typing import Any

from transformers import TrainerCallback

from segdemo.data import Dataset
from segdemo.training.contact import contact_sheet
from segdemo.training.history import History
from segdemo.training.trainer import StageTrainer
from segdemo.training.validation import Validated, validate

Say = Callable[[str], None]


class Monitor(TrainerCallback):
    """Logs, evaluates and keeps the best snapshot of one stage; works in the main process only."""

    def __init__(
        self,
        *,
        history: History,
        validation: Mapping[str, Dataset],
        preprocessing: Any,
        keep: Callable[[Any, Mapping[str, Validated]], None],
        say: Say,
        with_pq: bool,
    ) -> None:
        """Write to ``history``; ``keep`` is called with the evaluated network and its scores after every evaluation."""
        self._history = history
        self._validation = validation
        self._preprocessing = preprocessing
        self._keep = keep
        self._say = say
        self._with_pq = with_pq
        self._trainer: StageTrainer | None = None
        self._began = (0.0, 0)

    def watch(self, trainer: StageTrainer) -> None:
        """Attach to the trainer of a stage."""
        self._trainer = trainer
        trainer.add_callback(self)

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Start the clock."""
        self._began = (time.monotonic(), state.global_step)

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **kwargs: Any) -> None:
        """Note the losses and say how far the stage is."""
        if not state.is_world_process_zero or not logs or "loss" not in logs or self._trainer is None:
            return
        dropped = ("epoch", "grad_norm")
        parts = {name: round(float(value), 6) for name, value in logs.items() if name not in dropped}
        stage = self._trainer.stage
        self._history.add_losses(stage.name, state.global_step, parts)
        began, first = self._began
        left = (time.monotonic() - began) / max(1, state.global_step - first) * (stage.steps - state.global_step)
        shown = ", ".join(f"{name} {value:.3g}" for name, value in parts.items() if name != "learning_rate")
        self._say(f"{stage.name} {state.global_step}/{stage.steps}: {shown}; {_duration(left)} left")

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Evaluate when it is time to."""
        if self._trainer is None or not state.is_world_process_zero:
            return
        stage = self._trainer.stage
        due = stage.evaluate_every and state.global_step % stage.evaluate_every == 0
        if due or state.global_step == stage.steps:
            self.evaluate(state.global_step)

    def evaluate(self, step: int) -> None:
        """Measure the averaged weights on every validation source and write all that is kept of it."""
        if self._trainer is None:
            return
        self._trainer.require_numbers()
        stage = self._trainer.stage
        judged = copy.deepcopy(self._trainer.model)
        if self._trainer.average is not None:
            judged.load_state_dict(self._trainer.average.values)
        network = judged.network.eval()
        scores = {
            name: validate(network, samples, self._preprocessing, with_pq=self._with_pq)
            for name, samples in self._validation.items()
        }
        if scores:
            self._history.add_evaluation(stage.name, step, scores, network.config.id2label)
            self._history.plot()
            for name, found in scores.items():
                pq = "" if found.pq is None else f", PQ {found.pq:.3f}"
                self._say(f"  {name}: pixel accuracy {found.pixel_accuracy:.3f}, mIoU {found.miou:.3f}{pq}")
            sheet = self._history.folder / "contact" / f"{stage.name}-{step:06d}.jpg"
            contact_sheet(network, self._validation, self._preprocessing, sheet)
        self._keep(network, scores)


def _duration(seconds: float) -> str:
    minutes = math.ceil(seconds / 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"
