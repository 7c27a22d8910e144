"""Writes the checkpoints beside this file, in the form in which they were published: ``python make.py`` from here.

To be run with the library of that day, in an environment of its own (Python 3.11 or older)::

    pip install "transformers==4.26.1" "numpy<2" torch scipy pillow safetensors

``processors.json`` has the settings that its image processor writes, and the input that it makes of pictures; each
folder is what that version's ``save_pretrained`` writes (key names, buffers, config and processor files), with
small random weights, and its own answer to ``pixel_values`` in ``expected.npz``. Weights and pixels are multiples of
1/64 and 1/8, so that they pack well.
"""

import json
import sys
from pathlib import Path

import numpy as np
import torch
from transformers import (
    Mask2FormerConfig,
    Mask2FormerForUniversalSegmentation,
    Mask2FormerImageProcessor,
    SwinConfig,
    __version__,
)

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1]))

from segdemo.class_tables import ADE20K, CITYSCAPES, COCO_THINGS  # noqa: E402

ADE_NAMES = [row.split(",")[0] for row in ADE20K]
ADE_NAMES[7], ADE_NAMES[89] = "bed ", "television receiver"
CITY_NAMES = [*CITYSCAPES]


def write(folder: Path, names: list[str], *, safe: bool, shard: str = "10GB", **processor: object) -> None:
    """Write one checkpoint: its weights as safetensors or pickled, in parts of at most ``shard``."""
    torch.manual_seed(5)
    backbone = SwinConfig(
        image_size=32,
        embed_dim=2,
        depths=[2, 1, 1, 1],
        num_heads=[1, 1, 2, 2],
        window_size=2,
        mlp_ratio=2.0,
        drop_path_rate=0.3,
        out_features=["stage1", "stage2", "stage3", "stage4"],
    )
    config = Mask2FormerConfig(
        backbone_config=backbone,
        num_queries=6,
        hidden_dim=32,
        feature_size=32,
        mask_feature_size=32,
        encoder_layers=1,
        encoder_feedforward_dim=8,
        dim_feedforward=8,
        num_attention_heads=2,
        decoder_layers=4,
        id2label=dict(enumerate(names)),
        label2id={name: index for index, name in enumerate(names)},
    )
    model = Mask2FormerForUniversalSegmentation(config).eval()
    with torch.no_grad():
        for name, values in model.named_parameters():
            if values.ndim > 1:
                values.normal_(0, 1.2 / values[0].numel() ** 0.5)
            elif "norm" in name.lower() and name.endswith("weight"):
                values.uniform_(0.6, 1.4)
            else:
                values.normal_(0, 0.1)
            values.mul_(64).round_().div_(64)
    model.save_pretrained(folder, safe_serialization=safe, max_shard_size=shard)
    Mask2FormerImageProcessor(ignore_index=255, size_divisor=32, num_labels=len(names), **processor).save_pretrained(
        folder
    )
    pixels = torch.randn(1, 3, 64, 96, generator=torch.Generator().manual_seed(3)).mul(8).round().div(8)
    with torch.inference_mode():
        answer = model(pixel_values=pixels)
    np.savez_compressed(
        folder / "expected.npz",
        pixel_values=pixels.half().numpy(),
        masks_queries_logits=answer.masks_queries_logits.numpy(),
        class_queries_logits=answer.class_queries_logits.numpy(),
    )


PROCESSORS: dict[str, dict[str, object]] = {
    "short side": {"size": 96, "max_size": 200, "reduce_labels": True},
    "by name": {"size": {"shortest_edge": 80, "longest_edge": 400}, "size_divisor": 32},
    "square": {"size": {"height": 70, "width": 100}, "size_divisor": 32},
    "no divisor": {"size": 75, "max_size": 2000, "size_divisor": 0},
    "as it is": {"do_resize": False},
    "nearest": {"size": 64, "max_size": 640, "resample": 0},
    "bicubic": {
        "size": 64,
        "max_size": 640,
        "resample": 3,
        "image_mean": [0.5, 0.4, 0.3],
        "image_std": [0.2, 0.3, 0.4],
    },
    "not normalised": {"size": 64, "max_size": 640, "do_normalize": False},
    "levels": {"size": 64, "max_size": 640, "do_rescale": False, "do_normalize": False},
}
PICTURES = ((120, 160), (161, 90), (60, 700), (37, 31))


def picture(height: int, width: int) -> np.ndarray:
    """An RGB picture of integer arithmetic, the same everywhere."""
    y, x, c = np.mgrid[0:height, 0:width, 0:3]
    return ((x * x + 3 * y * (c + 1) + 7 * x) // 9 % 256).astype(np.uint8)


def write_processors(file: Path) -> None:
    """Write what the processor stores for each of ``PROCESSORS``, with sizes and some values of its outputs."""
    rows = []
    for name, changes in PROCESSORS.items():
        processor = Mask2FormerImageProcessor(ignore_index=255, num_labels=150, **changes)
        answers = []
        for size in PICTURES:
            pixels = processor(picture(*size), return_tensors="np")["pixel_values"][0]
            middle = pixels[:, pixels.shape[1] // 2, :: max(1, pixels.shape[2] // 6)]
            answers.append(
                {"picture": size, "input": pixels.shape[1:], "middle": middle.astype(float).round(5).tolist()}
            )
        rows.append({"name": name, "settings": json.loads(processor.to_json_string()), "answers": answers})
    file.write_text("[\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]\n")


if __name__ == "__main__":
    assert __version__ == "4.26.1", f"transformers is {__version__}"
    write_processors(HERE / "processors.json")
    write(HERE / "ade-semantic", ADE_NAMES, safe=True, size=640, max_size=2560, reduce_labels=True)
    write(HERE / "coco-instance", list(COCO_THINGS), safe=False, size=800, max_size=1333)
    write(HERE / "cityscapes-semantic", CITY_NAMES, safe=False, shard="150KB", size=1024, max_size=2048)
