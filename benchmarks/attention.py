"""Times attention read-out beside Grad-CAM and LIME of captum, on the same photograph, network and class.

Run from the project's root: ``python -m benchmarks.attention [--checkpoint ID_OR_FOLDER] [--image FILE]``; needs captum
(``pip install -e ".[bench]"``). All explain the class with the most pixels: Grad-CAM and LIME the sum of its scores
over those pixels (Vinogradova et al., "Towards Interpretable Semantic Segmentation via Gradient-Weighted Class
Activation Mapping", AAAI 2020), attention by the query that votes most for it. Runs take turns.
"""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

import segdemo
from benchmarks.evaluation import medians
from segdemo import examples
from segdemo.cli.benchmark import machine
from segdemo.explain import attention_map, query_table
from segdemo.model.predictor import load_predictor
from segdemo.model.weights import load_library_model
from segdemo.process import prepare_process
from segdemo.segmentation import semantic

Heat = npt.NDArray[np.floating[Any]]


class ClassScore(nn.Module):
    """The sum of a class's scores over some cells of the masks."""

    def __init__(self, model: nn.Module, category: int, where: npt.NDArray[np.bool_]) -> None:
        super().__init__()
        self.model, self.category = model, category
        self.where = torch.from_numpy(where)

    def forward(self, pixels: Tensor) -> Tensor:
        """(B, 3, H, W) to (B,)."""
        found = self.model(pixel_values=pixels)
        classes = found.class_queries_logits.softmax(-1)[..., self.category]
        scores = torch.einsum("bq,bqhw->bhw", classes, found.masks_queries_logits.sigmoid())
        return scores[:, self.where].sum(-1)


def _at(labels: npt.NDArray[np.integer], size: Sequence[int]) -> npt.NDArray[np.integer]:
    """The labels at ``size`` (height, width), by the nearest pixel."""
    return labels[np.ix_(*(np.arange(n) * length // n for n, length in zip(size, labels.shape, strict=True)))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--checkpoint", default="embedded", help="hub id whose weights are on disk, or a folder")
    parser.add_argument("--image", type=Path, help="a photograph; by default one of the demo's examples")
    parser.add_argument("--samples", type=int, default=50, help="perturbed pictures that LIME looks at")
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    from captum.attr import LayerGradCam, Lime
    from skimage.segmentation import slic

    prepare_process()
    predictor = load_predictor(options.checkpoint, engine="torch", precision="fp32")
    image = segdemo.load_image(options.image or examples.offered()[0].image)
    prediction = predictor(image)
    labels = semantic(prediction).labels
    category = int(np.bincount(labels.ravel()).argmax())
    query = next(row.query for row in query_table(prediction) if row.category_id == category)
    assert predictor.checkpoint.path is not None
    model = load_library_model(predictor.checkpoint.path).eval()
    pixels, _, _ = predictor.preprocessing(image, "checkpoint")
    where: npt.NDArray[np.bool_] = np.zeros(prediction.masks[-1].shape[1:], np.bool_)
    covered = [
        round(cells * content / size)
        for cells, content, size in zip(where.shape, prediction.content_size, prediction.input_size, strict=True)
    ]
    where[: covered[0], : covered[1]] = _at(labels, covered) == category
    score = ClassScore(model, category, where)
    batch = torch.from_numpy(np.asarray(pixels, np.float32))[None] if pixels.ndim == 3 else torch.from_numpy(pixels)
    parts = slic(np.moveaxis(batch[0].numpy(), 0, -1), n_segments=60, channel_axis=-1) - 1
    decoder: Any = model
    cam = LayerGradCam(score, decoder.model.pixel_level_module.decoder.mask_projection)
    lime = Lime(score)
    last = prediction.num_layers - 1

    def grad_cam() -> Heat:
        return np.asarray(cam.attribute(batch).detach()[0, 0].clamp(min=0).numpy())

    def by_lime() -> Heat:
        with torch.no_grad():
            found = lime.attribute(batch, feature_mask=torch.from_numpy(parts)[None, None], n_samples=options.samples)
        return np.asarray(found[0].mean(0).clamp(min=0).numpy())

    calls: dict[str, Callable[[], Heat]] = {
        "attention, read out of a pass that was made": lambda: attention_map(prediction, last, query),
        "attention, with the pass": lambda: attention_map(predictor(image), last, query),
        "Grad-CAM (captum), with its pass": grad_cam,
        f"LIME (captum), {options.samples} passes, {int(parts.max()) + 1} regions": by_lime,
    }
    found = medians(calls, options.repeats)
    base = found["Grad-CAM (captum), with its pass"]
    print(f"{machine()}, the checkpoint {predictor.checkpoint.title}, class {prediction.id2label[category]}.\n")
    print("| map | time | Grad-CAM takes so many times as long | of its sum on the class's pixels |\n|---|--:|--:|--:|")
    for name, seconds in found.items():
        heat = calls[name]()
        inside = _at(labels, heat.shape) == category
        share = heat[inside].sum() / heat.sum() if heat.sum() else 0.0
        shown = f"{seconds * 1000:.1f} ms" if seconds < 1 else f"{seconds:.2f} s"
        print(f"| {name} | {shown} | {base / seconds:.2g} | {share:.0%} |")
    print(f"\nThe class has {(labels == category).mean():.0%} of the photograph.")


if __name__ == "__main__":
    main()
