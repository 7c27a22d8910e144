"""``segdemo finetune``: teach a Mask2Former new classes, or train a small one from scratch."""

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from segdemo.errors import SegdemoError


def finetune(
    out: Annotated[Path, typer.Option(help="Folder of the run; a killed run in it goes on.", show_default=False)],
    data: Annotated[
        list[Path] | None,
        typer.Option(help="Folder of a data set, or its annotation file, in any layout; several are mixed."),
    ] = None,
    config: Annotated[Path | None, typer.Option(help="YAML file that describes the whole run instead.")] = None,
    validation: Annotated[
        list[Path] | None,
        typer.Option(help="Like --data, to evaluate on; default: the data's own split for it, else a tenth."),
    ] = None,
    format: Annotated[
        Literal["auto", "index", "ade20k", "cityscapes", "voc", "coco", "panoptic", "yolo"],
        typer.Option(help="The layout, where it is not to be recognised."),
    ] = "auto",
    split: Annotated[
        str | None, typer.Option(help="Part of the data to train on; default: the one for it where there is one.")
    ] = None,
    images: Annotated[Path | None, typer.Option(help="Folder of the pictures, where the data set is without.")] = None,
    labels: Annotated[Path | None, typer.Option(help="Folder of the labels, where the data set is without.")] = None,
    partial: Annotated[
        bool, typer.Option("--partial", help="Objects were left out: what has none is unknown, not background.")
    ] = False,
    classes: Annotated[Path | None, typer.Option(help="The run's class list; default: the data's own classes.")] = None,
    reduce_labels: Annotated[
        bool, typer.Option("--reduce-labels", help="ADE20K's masks: 0 means no label, the rest is index + 1.")
    ] = False,
    checkpoint: Annotated[
        str | None, typer.Option(help="Hub id whose weights are on disk, or a folder; default: the embedded one.")
    ] = None,
    architecture: Annotated[
        str | None, typer.Option(help="Train this one from scratch instead: nano, tiny or small.")
    ] = None,
    weight: Annotated[list[float] | None, typer.Option(help="Share of each --data in the mixture, in order.")] = None,
    epochs: Annotated[float, typer.Option(min=0, help="Passes over the data.")] = 20,
    freeze_epochs: Annotated[float, typer.Option(min=0, help="First passes with a frozen backbone.")] = 5,
    batch: Annotated[int, typer.Option(min=1, help="Pictures per step.")] = 8,
    accumulate: Annotated[int, typer.Option(min=1, help="Batches per optimiser step.")] = 1,
    learning_rate: Annotated[float, typer.Option(min=1e-9, help="Peak learning rate.")] = 3e-4,
    backbone_rate: Annotated[float, typer.Option(min=0, help="The backbone's rate, relative to that.")] = 0.1,
    schedule: Annotated[Literal["cosine", "poly", "constant"], typer.Option(help="After the warm-up.")] = "cosine",
    crop: Annotated[int, typer.Option(min=16, help="Side of the training crops, in pixels.")] = 224,
    size: Annotated[int, typer.Option(min=32, help="Short side when evaluated and used, in pixels.")] = 288,
    precision: Annotated[Literal["fp32", "bf16"], typer.Option(help="Numbers of the network.")] = "fp32",
    seed: Annotated[int, typer.Option(help="Of everything random.")] = 0,
) -> None:
    """Fine-tune a Mask2Former checkpoint on your own data, or train a small one from scratch.

    The result, in OUT/checkpoint, is taken by --checkpoint of every other command. The same command goes on where it
    was stopped. For several processes on one machine: torchrun --nproc-per-node 2 -m segdemo finetune ...
    """
    from segdemo.training.config import read_config
    from segdemo.training.run import finetune as train
    from segdemo.training.simple import simple_config

    if (config is None) == (not data):
        raise SegdemoError("Give either --data, what to train on, or --config, a file that describes the run.")
    if config is not None:
        run = read_config(config)
    else:
        options: dict[str, Any] = {
            "format": format,
            "split": split,
            "images": images,
            "labels": labels,
            "partial": partial,
            "classes": classes,
            "reduce_labels": reduce_labels,
            "checkpoint": checkpoint,
            "architecture": architecture,
            "shares": weight,
            "epochs": epochs,
            "freeze_epochs": freeze_epochs,
            "batch": batch,
            "accumulate": accumulate,
            "learning_rate": learning_rate,
            "backbone_rate": backbone_rate,
            "schedule": schedule,
            "crop": crop,
            "size": size,
            "precision": precision,
            "seed": seed,
        }
        run = simple_config(data or [], validation or [], **options)
    result = train(run, out, say=typer.echo)
    for name, score in result.scores.items():
        typer.echo(f"{name}: pixel accuracy {score['pixel_accuracy']:.3f}, mIoU {score['miou']:.3f}")
    typer.echo(f"The checkpoint is in {result.checkpoint}")
