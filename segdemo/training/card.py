"""The model card of a run, made from what it was configured with and what was measured."""

from collections.abc import Mapping, Sequence
from typing import Any

from segdemo.training.config import RunConfig, StageConfig


def model_card(
    config: RunConfig,
    *,
    labels: Mapping[int, str],
    known: Sequence[int],
    pictures: Mapping[str, str],
    scores: Mapping[str, Mapping[str, Any]],
    parameters: int,
    base: str,
) -> str:
    """Return the card as Markdown with the hub's front matter.

    ``known`` are the class indices with enough training pixels, ``pictures`` what each source holds,
    ``scores`` what ``validation.Validated`` holds, by validation source,
    ``base`` what the run started from, in words.
    """
    parts = [
        "---\nlibrary_name: transformers\npipeline_tag: image-segmentation\ntags: [mask2former, segdemo]\n---",
        f"# {config.title}",
        config.note,
        f"A Mask2Former of {parameters / 1e6:.1f} million parameters, trained from {base} with `segdemo finetune`.",
        "## What it can and cannot do",
        f"It names {len(labels)} classes, and was shown enough pixels of {len(known)} of them to know them: "
        + ", ".join(labels[index] for index in known)
        + ". Expect nothing of the others, and less than the numbers below on pictures unlike its training data.",
        "## Training data",
        "\n".join(f"- {name}: {what}" for name, what in pictures.items()),
        *([f"Terms: {config.terms}"] if config.terms else []),
        "## Schedule",
        _schedule(config.stages),
        f"Seed {config.seed}, {config.precision}; evaluated at a short side of {config.evaluation_size} pixels.",
    ]
    if scores:
        parts += ["## Measured on pictures kept back from training", _scores(scores), _class_scores(scores, labels)]
    parts.append(config.remarks.strip())
    return "\n\n".join(part for part in parts if part) + "\n"


def _schedule(stages: Sequence[StageConfig]) -> str:
    rows = ["| stage | steps | batch | crop | learning rate | targets | depth |", "|---|---|---|---|---|---|---|"]
    rows += [
        f"| {stage.name} | {stage.steps} | {stage.batch * stage.accumulate} | {stage.augmentation.crop} "
        f"| {stage.learning_rate:g}, {stage.schedule} | {stage.targets} | {stage.depth} |"
        for stage in stages
    ]
    return "\n".join(rows)


def _scores(scores: Mapping[str, Mapping[str, Any]]) -> str:
    rows = ["| data | pixel accuracy | mIoU | PQ |", "|---|---|---|---|"]
    for name, score in scores.items():
        pq = "" if score["pq"] is None else f"{score['pq']:.3f}"
        rows.append(f"| {name} | {score['pixel_accuracy']:.3f} | {score['miou']:.3f} | {pq} |")
    return "\n".join(rows)


def _class_scores(scores: Mapping[str, Mapping[str, Any]], labels: Mapping[int, str]) -> str:
    lines = []
    for name, score in scores.items():
        ordered = sorted(score["class_iou"].items(), key=lambda item: -item[1])
        listed = ", ".join(f"{labels[int(index)]} {value:.2f}" for index, value in ordered)
        lines.append(f"IoU on {name}: {listed}.")
    return "\n\n".join(lines)
