"""All that a report tells of one photo, derived at the photo's own size."""

from dataclasses import dataclass, replace
from typing import Any

from segdemo.checkpoints import Checkpoint
from segdemo.evaluation.photo import Evaluation
from segdemo.explain import query_table
from segdemo.prediction import Part, Prediction
from segdemo.results.explained import explained
from segdemo.results.job import Job
from segdemo.results.judged import judge
from segdemo.results.known import KnownLabels
from segdemo.results.make import Result, Source, make_result
from segdemo.results.options import OutputOptions
from segdemo.results.report.asked import ReportOptions

_PARTS: tuple[Part, ...] = ("queries", "layers", "attention", "features")
_MAPS = 3
"""Attention maps shown where all layers look at one scale."""


@dataclass(frozen=True, eq=False)
class Found:
    """What there is to tell."""

    options: OutputOptions
    """As they were asked for."""
    semantic: Result
    segments: Result | None
    """None of a network without queries."""
    explanation: dict[str, Any] | None
    """Of the pixel that was picked, as ``explained`` has it."""
    query: int | None
    """The query to follow; none of a network without queries."""
    attention: tuple[tuple[int, int], ...]
    """Layers and queries whose attention is shown."""
    evaluation: Evaluation | None
    lacking: tuple[str, ...]
    """A sentence on each part that the network does not have."""

    @property
    def main(self) -> Result:
        """What was asked for, and is seen first."""
        return self.semantic if self.segments is None or self.options.task == "semantic" else self.segments


def find(
    job: Job,
    source: Source,
    checkpoint: Checkpoint,
    options: OutputOptions,
    asked: ReportOptions,
    labels: KnownLabels | None,
) -> Found:
    """Derive everything, in the job's turn and within its limits. Raises ``SegdemoError`` for what cannot be made."""
    prediction = source.prediction
    with job.turn():
        job.report("Making the result")
        semantic = make_result(job, source, replace(options, task="semantic"))
        segments = _segments(job, source, checkpoint, options)
        job.report("Explaining the result")
        explanation = None
        if asked.pixel is not None:
            x, y = asked.pixel
            explanation = explained(prediction, y, x)
        query = _query(prediction, asked, explanation)
        # Instances are judged as segments, which cannot overlap.
        judged = replace(options, task="panoptic") if options.task == "instance" else options
        evaluation = None if labels is None else judge(job, source, judged, labels)
    sentences = (prediction.why_not(part) for part in _PARTS)
    return Found(
        options=options,
        semantic=semantic,
        segments=segments,
        explanation=explanation,
        query=query,
        attention=_attention(prediction, asked, query),
        evaluation=evaluation,
        lacking=tuple(dict.fromkeys(filter(None, sentences))),
    )


def segment_options(checkpoint: Checkpoint, prediction: Prediction, options: OutputOptions) -> OutputOptions:
    """The options of the report's segments: as asked for, or where classes were, what the network tells apart."""
    if options.task != "semantic":
        return options
    kind = prediction.task or checkpoint.kind
    refine = replace(options.refine, crf=replace(options.refine.crf, enabled=False))
    return replace(options, task="instance" if kind == "instance" else "panoptic", view="classes", refine=refine)


def _segments(job: Job, source: Source, checkpoint: Checkpoint, options: OutputOptions) -> Result | None:
    if options.task == "semantic" and source.prediction.why_not("queries"):
        return None
    return make_result(job, source, segment_options(checkpoint, source.prediction, options))


def _query(prediction: Prediction, asked: ReportOptions, explanation: dict[str, Any] | None) -> int | None:
    """The query that was chosen, else the one that decided the pixel, else the one that decided most pixels."""
    if prediction.why_not("queries"):
        return None
    if asked.query is not None:
        return asked.query
    if explanation is not None and explanation["queries"]:
        return int(explanation["queries"][0]["query"])
    return max(query_table(prediction), key=lambda row: (row.won, -row.query)).query


def _attention(prediction: Prediction, asked: ReportOptions, query: int | None) -> tuple[tuple[int, int], ...]:
    """The maps that were chosen, else the query's in the chosen layer, else in the last that look at each scale."""
    if asked.attention or query is None or prediction.why_not("attention"):
        return asked.attention
    if asked.layer:
        return ((min(asked.layer, len(prediction.attentions)), query),)
    last = {layer.stride: number for number, layer in enumerate(prediction.attentions, start=1)}
    count = len(prediction.attentions)
    layers = sorted(last.values()) if len(last) > 1 else range(max(1, count - _MAPS + 1), count + 1)
    return tuple((layer, query) for layer in layers)
