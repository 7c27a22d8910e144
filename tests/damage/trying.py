"""What the package makes of a checkpoint folder, and what the library makes of it."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from segdemo.errors import SegdemoError
from segdemo.model import predictor
from segdemo.model.networks import release_network
from segdemo.model.predictor import load_predictor
from segdemo.prediction import Prediction
from segdemo.segmentation import semantic

Picture = npt.NDArray[np.uint8]


def used(folder: Path, photo: Picture) -> Prediction:
    """Load a checkpoint and run it on a photograph, for somebody who names the folder; raises what they would see."""
    try:
        found = load_predictor(folder, engine="torch", precision="fp32", device="cpu")
        prediction = found(photo)
        labels = semantic(prediction).labels
        assert labels.shape == photo.shape[:2]
        assert {int(index) for index in np.unique(labels)} <= set(found.taxonomy.colors)
    finally:
        release_network(folder)
        for key in [key for key in predictor._predictors if key[0] == folder.resolve()]:
            del predictor._predictors[key]
    return prediction


def said(folder: Path, photo: Picture) -> tuple[Prediction | None, str]:
    """The prediction or, where there is none, the sentence about it; other exceptions pass."""
    try:
        return used(folder, photo), ""
    except SegdemoError as error:
        return None, str(error)


def of_the_library(folder: Path, photo: Picture) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]] | None:
    """Mask and class logits of the library's processor and network, or none where it refuses or they are no numbers.

    Weights that were made up, since the file lacks them or has others, count as refused.
    """
    import torch
    from transformers import Mask2FormerForUniversalSegmentation
    from transformers.models.mask2former.image_processing_pil_mask2former import Mask2FormerImageProcessorPil

    from segdemo.model.weights import quiet_library

    try:
        with quiet_library(), torch.inference_mode():
            model, report = Mask2FormerForUniversalSegmentation.from_pretrained(
                folder, local_files_only=True, use_safetensors=True, dtype=torch.float32, output_loading_info=True
            )
            if report["missing_keys"] or report["mismatched_keys"]:
                return None
            processor = Mask2FormerImageProcessorPil
            made = processor.from_pretrained(folder) if (folder / "preprocessor_config.json").exists() else processor()
            pixels = made(photo, return_tensors="pt")["pixel_values"]
            height, width = ((side + 31) // 32 * 32 for side in pixels.shape[-2:])
            padded = torch.zeros(1, 3, height, width)
            padded[..., : pixels.shape[-2], : pixels.shape[-1]] = pixels
            found = model.eval()(padded)
    except Exception:
        return None
    masks, classes = found.masks_queries_logits[0].numpy(), found.class_queries_logits[0].numpy()
    return (masks, classes) if np.isfinite(masks).all() and np.isfinite(classes).all() else None
