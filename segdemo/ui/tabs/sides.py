"""The two sides of a comparison: by what they differ, and the result that each of them is."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from segdemo.checkpoints import public_id
from segdemo.errors import SegdemoError
from segdemo.prediction import Prediction
from segdemo.results.job import Job
from segdemo.results.make import Result, Source, make_result
from segdemo.results.options import OutputOptions, Task
from segdemo.ui.arguments import Arguments, choice
from segdemo.ui.beside import Beside, Setup
from segdemo.ui.options import page_options
from segdemo.ui.runs import predict_without, told_task
from segdemo.ui.store import Record
from segdemo.ui.tabs.what_if import off_parts

T = TypeVar("T")

RUNS = ("checkpoint", "size", "precision", "told")
"""By what two runs can differ: then one side is the run on the page, whose value is none."""
VIEWS = ("task", "layer", "refinement", "parts")
"""By what two results of one run can differ."""


@dataclass(frozen=True, eq=False)
class Side:
    """One of two results of a photograph."""

    record: Record
    prediction: Prediction
    """The record's, or one without some parts or later layers."""
    options: OutputOptions
    key: Hashable
    """What tells it from other results of the record."""

    @property
    def source(self) -> Source:
        """The photo and the prediction; what is derived of the record's own prediction is shared with other tabs."""
        record = self.record
        if self.prediction is record.prediction:
            return record.source

        def keep(
            key: Hashable,
            compute: Callable[[], T],
            *,
            version: Hashable = None,
            nbytes: Callable[[T], int] | None = None,
        ) -> T:
            return record.derive(("compared", self.key, key), compute, version=version, nbytes=nbytes)

        return Source(record.image, self.prediction, keep)

    def result(self, job: Job) -> Result:
        """The map or the segments, in the job's turn."""
        return make_result(job, self.source, self.options)


def sides(record: Record, arguments: Arguments, job: Job, beside: Beside) -> tuple[Side, Side]:
    """The two results that ``first`` and ``second`` ask for, which differ by ``by``, one of ``RUNS`` and ``VIEWS``.

    Of runs, ``None`` is the one on the page, and one side must be it; else a value is a checkpoint's public name, an
    input size, a precision, or what the network is told. A task, by which a result is read out, is ``"semantic"`` or
    ``"panoptic"``, a layer a number from 0; a refinement and the decoder's parts are true for what the Semantic and the
    What-if tab say (``refine``, ``off``), false for none of it. Raises ``SegdemoError`` for other values, and for two
    sides that are the same.
    """
    by = choice(arguments, "by", (*RUNS, *VIEWS))
    values = arguments.get("first"), arguments.get("second")
    if values[0] == values[1] and type(values[0]) is type(values[1]):
        raise SegdemoError("Both sides are the same: choose another for B.")
    if by in RUNS and None not in values:
        raise SegdemoError("One of the two runs must be the one on the page.")
    if by == "told":
        if not record.prediction.task:
            raise SegdemoError("This network is not told a task: there is nothing else that it could be told.")
        if record.prediction.task in values:
            raise SegdemoError(f"The run on the page was told {record.prediction.task}: choose another task for B.")
    first, second = (_side(record, by, value, arguments, job, beside) for value in values)
    return first, second


def describe(side: Side) -> dict[str, Any]:
    """What the page says of a side's run."""
    record, prediction = side.record, side.prediction
    return {
        "checkpoint": record.checkpoint.title,
        "checkpointId": public_id(record.checkpoint.id),
        "size": record.size,
        "inputSize": list(prediction.input_size),
        "precision": prediction.precision,
        "device": prediction.device,
        "engine": prediction.engine,
        "seconds": record.prediction.seconds.get("forward"),
        **({"task": prediction.task} if prediction.task else {}),
    }


def _side(record: Record, by: str, value: Any, arguments: Arguments, job: Job, beside: Beside) -> Side:
    plain: dict[str, Any] = {name: item for name, item in arguments.items() if name != "refine"}
    if by in RUNS:
        run = record if value is None else beside(record, _setup(record, by, str(value), beside), job)
        return Side(run, run.prediction, page_options(plain, run.taxonomy, task="semantic").of_the_map(), by)
    task: Task = "semantic"
    prediction = record.prediction
    key: Hashable = (by, str(value))
    if by == "task":
        if value not in ("semantic", "panoptic"):
            raise SegdemoError("The task must be semantic or panoptic.")
        task = "panoptic" if value == "panoptic" else "semantic"
        plain["things_only"] = False
    elif by == "layer":
        prediction = up_to_layer(record.prediction, value)
    elif not isinstance(value, bool):
        raise SegdemoError(f"{by} must be true or false.")
    elif by == "refinement" and value:
        plain["refine"] = arguments.get("refine")
    elif by == "parts" and value:
        prediction, key = _without(record, arguments, job)
    options = page_options(plain, record.taxonomy, task=task).of_the_map()
    if by == "refinement" and value and not options.refine.active:
        raise SegdemoError("No refinement is switched on: choose one in the Semantic tab, and compare again.")
    return Side(record, prediction, options, key)


def up_to_layer(prediction: Prediction, layer: Any) -> Prediction:
    """The prediction as if the decoder ended after ``layer``, from 0; raises ``SegdemoError`` for others."""
    prediction.require("layers")
    last = prediction.num_layers - 1
    if isinstance(layer, bool) or not isinstance(layer, int) or not 0 <= layer <= last:
        raise SegdemoError(f"The layer must be a number from 0 to {last}.")
    if layer == last:
        return prediction
    return replace(
        prediction,
        masks=prediction.masks[: layer + 1],
        classes=prediction.classes[: layer + 1],
        attentions=prediction.attentions[:layer],
    )


def _setup(record: Record, by: str, value: str, beside: Beside) -> Setup:
    now = Setup.of(record)
    match by:
        case "checkpoint":
            other = beside.checkpoint(value)
            # Both are told the same where the other one can be told it.
            told = told_task(other, now.task if now.task in other.tasks else "")
            return replace(now, checkpoint=other, task=told or "")
        case "size":
            return replace(now, size=value)
        case "told":
            return replace(now, task=told_task(now.checkpoint, value) or "")
    return replace(now, precision=value)


def _without(record: Record, arguments: Arguments, job: Job) -> tuple[Prediction, Hashable]:
    off: Any = arguments.get("off")
    if not isinstance(off, dict):
        raise SegdemoError("off must say what is switched off.")
    parts = off_parts(off)
    if not any(parts.values()):
        raise SegdemoError("Nothing is switched off: choose something in the What-if tab, and compare again.")
    record.prediction.require("decoder_features")
    key = ("parts", *(tuple(part) for part in parts.values()))
    found = record.derive(
        "without parts",
        lambda: predict_without(job, record.checkpoint, record.prediction, **parts),
        version=key,
        nbytes=lambda prediction: sum(
            array.nbytes for array in (*prediction.masks, *prediction.classes, *(a.maps for a in prediction.attentions))
        ),
    )
    return found, key
