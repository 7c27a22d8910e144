"""The record of a run: losses and evaluations by step, as JSON, CSV and plots; survives being killed."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from segdemo.errors import SegdemoError
from segdemo.training.files import write_atomically


@dataclass
class History:
    """What happened in a run so far; every entry carries its ``stage`` and ``step``."""

    folder: Path
    losses: list[dict[str, Any]] = field(default_factory=list)
    evaluations: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    def open(cls, folder: Path) -> "History":
        """Read the record of a run's folder, or start one; raises ``SegdemoError`` where it is damaged."""
        path = folder / "history.json"
        if not path.exists():
            return cls(folder)
        try:
            kept = json.loads(path.read_text(encoding="utf-8"))
            losses, evaluations = list(kept["losses"]), list(kept["evaluations"])
            for entry in (*losses, *evaluations):
                int(entry["step"]), str(entry["stage"])
            for entry in evaluations:
                for score in entry["sources"].values():
                    dict(score["class_iou"]), score["pixel_accuracy"], score["miou"], score["pq"]
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise SegdemoError(
                f"{path} is damaged: delete it, and the record begins anew; what was learned is kept in "
                f"{folder / 'stages'} and {folder / 'checkpoint'}."
            ) from error
        return cls(folder, losses, evaluations)

    def rewind(self, stages: Sequence[str], stage: str, step: int) -> None:
        """Forget what lies after ``step`` of ``stage``, which a resumed run does again."""
        earlier = set(stages[: list(stages).index(stage)])

        def stays(entry: Mapping[str, Any]) -> bool:
            return entry["stage"] in earlier or (entry["stage"] == stage and entry["step"] <= step)

        self.losses = [entry for entry in self.losses if stays(entry)]
        self.evaluations = [entry for entry in self.evaluations if stays(entry)]

    def add_losses(self, stage: str, step: int, parts: Mapping[str, float]) -> None:
        """Note the mean loss parts up to a step."""
        self.losses.append({"stage": stage, "step": step, **parts})
        self.save()

    def add_evaluation(self, stage: str, step: int, scores: Mapping[str, Any], labels: Mapping[int, str]) -> None:
        """Note the scores (``validation.Validated`` by source) of a step."""
        named = {name: asdict(score) for name, score in scores.items()}
        for score in named.values():
            score["class_iou"] = {labels[index]: round(value, 4) for index, value in score["class_iou"].items()}
        self.evaluations.append({"stage": stage, "step": step, "sources": named})
        self.save()

    def save(self) -> None:
        """Write ``history.json``, ``losses.csv``, ``metrics.csv`` and ``class_iou.csv``, each in one move."""
        self.folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps({"losses": self.losses, "evaluations": self.evaluations}, indent=1)
        write_atomically(self.folder / "history.json", text)
        write_atomically(self.folder / "losses.csv", _table(self.losses))
        write_atomically(self.folder / "metrics.csv", _table(list(self._metric_rows())))
        write_atomically(self.folder / "class_iou.csv", _table(list(self._class_rows())))

    def plot(self) -> None:
        """Draw ``losses.png`` and ``metrics.png``."""
        from matplotlib.figure import Figure

        if self.losses:
            figure = Figure(figsize=(8, 4.5), layout="constrained")
            axes = figure.add_subplot()
            for part in sorted({key for entry in self.losses for key in entry} - {"stage", "step", "learning_rate"}):
                points = [(at, entry[part]) for at, entry in enumerate(self.losses) if part in entry]
                axes.plot(*zip(*points, strict=True), label=part)
            axes.set(xlabel="log entry", ylabel="loss part (weighted)", yscale="log", title="Losses")
            axes.legend()
            figure.savefig(self.folder / "losses.png", dpi=110)
        if self.evaluations:
            figure = Figure(figsize=(8, 4.5), layout="constrained")
            axes = figure.add_subplot()
            ticks = [f"{entry['stage']} {entry['step']}" for entry in self.evaluations]
            for source in self.evaluations[-1]["sources"]:
                for metric, style in (("pixel_accuracy", "-o"), ("miou", "--o"), ("pq", ":o")):
                    values = [entry["sources"].get(source, {}).get(metric) for entry in self.evaluations]
                    if any(value is not None for value in values):
                        shown = [float("nan") if value is None else value for value in values]
                        axes.plot(ticks, shown, style, label=f"{source} {metric}")
            axes.set(ylim=(0, 1), title="Evaluations on the pictures kept back")
            axes.tick_params(axis="x", rotation=45)
            axes.legend()
            figure.savefig(self.folder / "metrics.png", dpi=110)

    def _metric_rows(self) -> Any:
        for entry in self.evaluations:
            for source, score in entry["sources"].items():
                numbers = {key: score[key] for key in ("pixel_accuracy", "miou", "pq")}
                yield {"stage": entry["stage"], "step": entry["step"], "source": source, **numbers}

    def _class_rows(self) -> Any:
        for entry in self.evaluations:
            for source, score in entry["sources"].items():
                for label, value in score["class_iou"].items():
                    where = {"stage": entry["stage"], "step": entry["step"], "source": source}
                    yield {**where, "class": label, "iou": value}


def _table(rows: Sequence[Mapping[str, Any]]) -> str:
    columns = list(dict.fromkeys(key for row in rows for key in row))
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, columns)
    writer.writeheader()
    writer.writerows(rows)
    return buffer.getvalue()
